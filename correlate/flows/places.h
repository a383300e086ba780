/* Further places of capture: the same packets where they pass once more, on their way from the process or to it.
 *
 * Enters: packets with a place above 0, in order of time. Leaves: for a flow at the process, what it looks like there. They are no
 * packets of the process's flows, and none is counted twice. Translation changes the ends on the way, so flows are matched by the
 * sequence numbers that both sides chose; datagrams by the end that is still the same, size and time. Judges nothing. */
#ifndef SW_CORRELATE_PLACES_H
#define SW_CORRELATE_PLACES_H

#include "correlate/flows/flows.h"

#define SW_PLACES_SEEN_MAX 16

struct sw_places;

struct sw_places *sw_places_new(void);
void sw_places_free(struct sw_places *places);

void sw_places_packet(struct sw_places *places, const struct sw_packet *packet);

struct sw_place_flow {
	const struct sw_flow *flow; /* NULL: none there is this one */
	bool turned; /* its "ours" is the peer */
	bool unclear; /* several may be it */
};
struct sw_place_flow sw_places_find(const struct sw_places *places, uint16_t place, const struct sw_flow *flow);

/* As sw_flows_kept. */
size_t sw_places_kept(const struct sw_places *places, uint16_t place, uint32_t flow, const struct sw_packet **packets,
		      size_t room);

#endif
