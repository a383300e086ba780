/* Which socket has which flow: by both ends, by local port with another remote end (translated on this host), or, where no
 * local port is known, by remote end and time.
 *
 * Enters: sockets as they become known, calls that say where to, flows as they begin. Leaves: struct sw_flow for a debt, and the answer
 * to the flows' question which end is ours. A flow found by time alone is given to one socket only. */
#ifndef SW_CORRELATE_LINK_H
#define SW_CORRELATE_LINK_H

#include "correlate/debts/debts.h"
#include "correlate/flows/flows.h"

struct sw_links;

struct sw_links *sw_links_new(const struct sw_correlate_options *options, struct sw_flows *flows,
			      struct sw_sockets *sockets);
void sw_links_free(struct sw_links *links);

void sw_links_socket(struct sw_links *links, struct sw_socket_state *socket); /* its local end may have become known */
void sw_links_target(struct sw_links *links, const struct sw_socket_state *socket,
		     const struct sw_addr *target); /* somebody sends there */
void sw_links_packet(struct sw_links *links, const struct sw_flow_change *change); /* a flow may have begun */
/* Whose flow this is; NULL: nobody's that is known. */
struct sw_socket_state *sw_links_owner(const struct sw_links *links, uint32_t flow);
/* A connection whose peer sent the SYN, or at a port at which a socket of ours listens: it was accepted, whoever holds it now. */
bool sw_links_serves(const struct sw_links *links, const struct sw_socket_state *socket);
/* The listener that a flow came to; NULL: none is known. */
struct sw_socket_state *sw_links_listener(const struct sw_links *links, const struct sw_flow *flow);
/* A listener of ours on the flow's port that is bound to another address or family; NULL: none. */
struct sw_socket_state *sw_links_listener_elsewhere(const struct sw_links *links, const struct sw_flow *flow);
/* A listener of the debt's own process that keeps another socket from that end, while the debt was open; NULL: none. */
const struct sw_socket_state *sw_links_own_listener(const struct sw_links *links, const struct sw_debt_state *debt,
						    const struct sw_endpoint *asked);
/* Whether a call named this end, or made its local one. */
bool sw_links_named(const struct sw_links *links, const struct sw_flow_summary *flow);
bool sw_links_reaches(const struct sw_links *links, uint8_t protocol,
		      const struct sw_addr *end); /* any packet went there */
/* Of any TCP connection to that end: our bytes were the first. */
bool sw_links_spoke_first(const struct sw_links *links, const struct sw_endpoint *end);
void sw_links_forget(struct sw_links *links, const struct sw_socket_state *socket);
enum sw_packet_way sw_links_way(void *context,
				const struct sw_packet *packet); /* for sw_flows_set_local(); context: the links */

/* The flow of this debt; NULL: none. Sets socket->flow and socket->link. */
struct sw_flow *sw_links_find(struct sw_links *links, struct sw_debt_state *debt, int64_t end_ns);

/* After flows were forgotten: what is known of them goes too. */
void sw_links_forget_flows(struct sw_links *links);

#endif
