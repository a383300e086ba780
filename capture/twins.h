/* Which packets at a further place of capture (a veth's other end, a bridge, the uplink) are the target's.
 *
 * Enters: what was kept at the process; what passes at the further place. Leaves: yes or no. No port tells there: translation on the
 * way changes the ends. What it leaves alone does: sequence number, acknowledgement, timestamp and flags of a segment, the payload of a
 * datagram. A packet that matches so teaches the ends that its connection has there, and by these the rest is known, what
 * never came to the process included. Bounded: the newest take the places of the oldest. */
#ifndef SW_CAPTURE_TWINS_H
#define SW_CAPTURE_TWINS_H

#include "capture/owner.h"

struct sw_twins;

struct sw_twins *sw_twins_new(void);
void sw_twins_free(struct sw_twins *twins); /* NULL is allowed */

/* What a packet and its twin have in common, from the whole frame; 0: nothing that would tell. */
uint64_t sw_twins_print(const struct sw_packet *packet);
/* A packet of the target's, at the process. */
void sw_twins_add(struct sw_twins *twins, uint64_t print, const struct sw_subject *subject, int64_t time_ns);
bool sw_twins_match(struct sw_twins *twins, uint64_t print, const struct sw_subject *subject, int64_t time_ns);

/* The least time of what was added since *position, which moves on; SW_TIME_NONE: nothing. */
int64_t sw_twins_added(const struct sw_twins *twins, uint64_t *position);

#endif
