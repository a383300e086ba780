/* Who came to our sockets and was left unserved, seen in the packets alone.
 *
 * Enters: flows that others began. Leaves: a debt for each that got nothing although one of our sockets was meant. Why is the rules'
 * matter. */
#ifndef SW_CORRELATE_SERVING_H
#define SW_CORRELATE_SERVING_H

#include "correlate/link/link.h"

/* Of the flows that are over at `now_ns`: silent for `settle_ns`, and as long again as the tries of the other side went on (each comes
 * after twice the time). `now_ns` INT64_MAX: of all. Each is asked about until a debt was opened for it. */
void sw_serving_find(struct sw_debts *debts, struct sw_flows *flows, struct sw_links *links, int64_t settle_ns,
		     int64_t now_ns);
/* Before a socket is forgotten that somebody may have come to. */
void sw_serving_find_last(struct sw_debts *debts, struct sw_flows *flows, struct sw_links *links,
			  const struct sw_socket_state *socket);

/* A packet of that flow in the order of time: where it is a SYN, whether a thread waits for it is known now. */
void sw_serving_knock(struct sw_flows *flows, const struct sw_links *links, const struct sw_packet *packet,
		      uint32_t id);

#endif
