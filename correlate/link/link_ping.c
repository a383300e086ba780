/* Which echo requests and replies are a socket's. Enters: a debt on a socket that speaks ICMP. Leaves: its flow.
 *
 * A ping socket's port is the identifier; a raw socket's is its protocol (raw(7)), so that the host that was asked and the time are all
 * there is. */
#include <sys/socket.h>

#include "correlate/link/link_state.h"

static bool is_theirs(const struct sw_socket_state *socket, const struct sw_flow *flow)
{
	const struct sw_socket *seen = &socket->seen.socket;

	return seen->type != SOCK_DGRAM || !seen->local.endpoint.port || seen->local.endpoint.port == flow->local.port;
}

struct sw_flow *sw_links_ping(struct sw_links *links, struct sw_debt_state *debt, int64_t from_ns, int64_t to_ns)
{
	struct sw_socket_state *socket = debt->socket;
	struct sw_endpoint end = {.ip = debt->target.endpoint.ip};
	struct remote *remote = sw_link_remote(links, (uint8_t)socket->seen.socket.protocol, &end);
	struct sw_flow *best = NULL;

	for (size_t i = 0; debt->target.present && remote && i < remote->flows.count; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, remote->flows.items[i]);

		if (flow && flow->initiator && flow->first_ns <= to_ns && flow->last_ns >= from_ns &&
		    is_theirs(socket, flow) && (!best || flow->last_ns > best->last_ns))
			best = flow;
	}
	socket->flow = best ? best->id : 0;
	socket->link = !best ? SW_LINK_NONE : socket->seen.socket.type == SOCK_DGRAM ? SW_LINK_PORTS : SW_LINK_TIME;
	if (best)
		sw_link_own(links, socket, best);
	return best;
}
