/* What the verdicts on this host's own answers ask alike. Enters: facts. Leaves: a yes or no. */
#ifndef SW_CORRELATE_RULES_LOCAL_H
#define SW_CORRELATE_RULES_LOCAL_H

#include <errno.h>

#include "correlate/rules/rules.h"

#define ON_ANY_CALL                                                                                                    \
	(SW_ON(CONNECT) | SW_ON(CALL) | SW_ON(DATAGRAM) | SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) |             \
	 SW_ON(HANDSHAKE) | SW_ON(SERVE) | SW_ON(LOOKUP))
#define ON_OPENING (SW_ON(CONNECT) | SW_ON(CALL) | SW_ON(DATAGRAM))

/* The call itself failed and nothing of it was on the wire: this host said no. */
static inline bool said_here(const struct sw_facts *facts)
{
	return FACT(failed) && FACT(by_opening_call) && !FACT(opening_receives) && FACT(syns) <= 0 &&
	       !FACT(anything_back);
}

#endif
