/* Names learnt from answers: which name an address was given for, and when.
 *
 * Enters: DNS responses. Leaves: the name that was asked when this address was the answer, the latest before a moment. Bounded:
 * the oldest are forgotten. RFC 1035. */
#ifndef SW_CORRELATE_NAMES_LEARNT_H
#define SW_CORRELATE_NAMES_LEARNT_H

#include "capture/packet.h"

#define SW_NAME_ANSWERS 4 /* remembered of an address */

struct sw_name_answer {
	char *name; /* that was asked */
	struct sw_endpoint server;
	uint32_t ttl_s;
	int64_t time_ns;
};

struct sw_names;

struct sw_names *sw_names_new(void);
void sw_names_free(struct sw_names *names);
void sw_names_packet(struct sw_names *names, const struct sw_packet *packet);
/* NULL: none. Lives until the address is learnt anew. */
const char *sw_names_of(const struct sw_names *names, const struct sw_ip *ip);
/* The last answer that gave this address before that moment; NULL: none. */
const struct sw_name_answer *sw_names_answer(const struct sw_names *names, const struct sw_ip *ip, int64_t before_ns);

#endif
