/* What the verdicts on a connect ask alike. Enters: facts. Leaves: a yes or no. */
#ifndef SW_CORRELATE_RULES_CONNECT_H
#define SW_CORRELATE_RULES_CONNECT_H

#include <errno.h>

#include "correlate/rules/rules.h"

/* The connect has not worked: failed, given up, or still waiting. */
static inline bool not_made(const struct sw_facts *facts)
{
	return FACT(failed) || FACT(gave_up) || FACT(hung);
}

/* With TCP fast open connect() is done before anything leaves, and the first write waits for the handshake: tcp(7). */
static inline bool opens(const struct sw_facts *facts)
{
	return FACT(opening_connects) || (FACT(fastopen) && !FACT(established));
}

/* Ended by waiting alone: nobody said no. */
static inline bool waited_in_vain(const struct sw_facts *facts)
{
	return FACT(gave_up) || FACT(hung) || FACT(error) == ETIMEDOUT;
}

static inline enum sw_locus end_or_path(const struct sw_facts *facts, bool from_peer)
{
	if (FACT(remote_ours))
		return SW_LOCUS_LOCAL_HOST;
	return from_peer ? SW_LOCUS_PEER_HOST : SW_LOCUS_PATH;
}

#endif
