/* Who owns which port when, in one network namespace: decides whether a packet is one of the target's.
 *
 * Enters: events of ownership (struct sw_owner, from the tracer) and the next hops that were asked about. Leaves:
 * yes or no for a packet's subject. The remote end is no part of the decision: with address translation, or an
 * answer from elsewhere, it is not the one that the call shows. An interval goes on SW_OWNER_GRACE_NS after its
 * close, or until the port is another's. */
#ifndef SW_CAPTURE_OWNER_H
#define SW_CAPTURE_OWNER_H

#include "capture/packet.h"

#define SW_OWNER_GRACE_NS (60 * SW_NS_PER_S) /* late answers, retransmitted FINs, TIME_WAIT */
#define SW_OWNER_EARLY_NS (2 * SW_NS_PER_MS) /* a packet's stamp may lie before the stamp of the call that caused it */

/* What a packet is about, for the decision: its own ends, or those of the packet that it quotes or is a fragment of. */
struct sw_subject {
	struct sw_endpoint src, dst;
	uint8_t protocol;
	bool src_may, dst_may; /* which end may be the local one, as far as the way tells */
	bool neighbor; /* `dst.ip` is the address asked for */
};

struct sw_owners;

struct sw_owners *sw_owners_new(void);
void sw_owners_free(struct sw_owners *owners);

/* A closing event (`until_ns` set, or not `mine`) ends the intervals that were opened with the same local address. */
/* Whether the event only repeats, or ends, what is owned since then: nothing of the past is to be decided again. */
bool sw_owners_known(const struct sw_owners *owners, const struct sw_owner *event);
void sw_owners_event(struct sw_owners *owners, const struct sw_owner *event);
void sw_owners_next_hop(struct sw_owners *owners, const struct sw_ip *ip);

bool sw_owners_match(const struct sw_owners *owners, const struct sw_subject *subject, int64_t time_ns);

/* Fragments without ports are told by their first one: kept for a while by addresses and identification. */
struct sw_fragments;
struct sw_fragments *sw_fragments_new(void);
void sw_fragments_free(struct sw_fragments *fragments);

/* False: the packet can be nobody's (not IP, or a protocol without ports). Learns of first fragments. */
bool sw_subject_of(struct sw_subject *subject, const struct sw_packet *packet, struct sw_fragments *fragments);
/* A later fragment whose first one has come since. */
bool sw_subject_resolve(struct sw_subject *subject, const struct sw_packet *packet,
			const struct sw_fragments *fragments);

#endif
