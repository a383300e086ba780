/* The inside of the table of links, for link*.c alone. */
#ifndef SW_CORRELATE_LINK_STATE_H
#define SW_CORRELATE_LINK_STATE_H

#include <uthash.h>

#include "correlate/link/link.h"
#include "correlate/thresholds.h"

struct end_key { /* compared as bytes: zeroed first */
	uint8_t protocol;
	struct sw_endpoint end;
};

struct local { /* sockets of ours on one port */
	struct end_key key; /* without the address */
	SW_ARRAY(uint32_t) objects;
	UT_hash_handle hh;
};

struct remote { /* where we send to, and the flows that go there */
	struct end_key key;
	SW_ARRAY(uint32_t) flows;
	bool ours; /* one of our sockets sends there */
	UT_hash_handle hh;
};

struct claim { /* a flow that was found by time */
	uint32_t flow, object;
	UT_hash_handle hh;
};

struct begun { /* a flow, when its first packet came */
	int64_t time_ns;
	uint32_t flow;
};

struct sw_links {
	const struct sw_correlate_options *options;
	struct sw_flows *flows;
	struct sw_sockets *sockets;
	struct local *locals;
	struct remote *remotes;
	struct claim *claims;
	SW_ARRAY(struct begun) begun; /* in order of time; imported recordings only */
};

uint8_t sw_link_protocol(const struct sw_socket_state *socket); /* IPPROTO_TCP, _UDP, _ICMP or _ICMPV6 */
/* NULL: no socket of ours on that port; nothing went to that end. */
struct local *sw_link_local(const struct sw_links *links, uint8_t protocol, uint16_t port);
struct remote *sw_link_remote(const struct sw_links *links, uint8_t protocol, const struct sw_endpoint *end);
void sw_link_own(struct sw_links *links, struct sw_socket_state *socket, const struct sw_flow *flow);
/* Whether the flow may be this socket's by time: a connection is older than its accept. */
bool sw_link_precedes(const struct sw_links *links, const struct sw_socket_state *socket, const struct sw_flow *flow);
/* link_ping.c: the echo requests of a debt between two moments, and their replies. */
struct sw_flow *sw_links_ping(struct sw_links *links, struct sw_debt_state *debt, int64_t from_ns, int64_t to_ns);

#endif
