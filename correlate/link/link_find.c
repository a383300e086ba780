/* The flow of a debt: by both ends, by local port, by time, by the call alone.
 *
 * Enters: a debt, its socket and target, the table of links. Leaves: the flow, and how it was found (socket->link). Where two sockets could own
 * a flow found by time, the nearer one in time does. Judges nothing. */
#include "correlate/link/link_state.h"

#include <netinet/in.h>

#include "src/base/search.h"

/* A listener's program that is busy for longer has worse to tell. */
#define ACCEPT_BEFORE_NS (10 * SW_NS_PER_S)
#define ACCEPT_FLOWS 64

struct span {
	int64_t from_ns, to_ns;
};

static struct span span_of(const struct sw_links *links, const struct sw_debt *debt, int64_t end_ns)
{
	int64_t slack_ns = SW_STAMP_SLACK_NS + links->options->clock_error_ns;
	int64_t to_ns = debt->ended_ns == SW_TIME_NONE ? end_ns : debt->ended_ns;

	return (struct span){debt->began_ns - slack_ns, to_ns + slack_ns};
}

static struct sw_flow *by_ports(struct sw_links *links, const struct sw_socket_state *socket,
				const struct sw_addr *target, struct span span)
{
	const struct sw_endpoint *local = &socket->seen.socket.local.endpoint;
	uint8_t protocol = sw_link_protocol(socket);
	struct sw_flow *flow;

	flow = sw_flows_find_in(links->flows, socket->seen.socket.netns, protocol, local, &target->endpoint,
				span.to_ns);
	if (!flow && links->options->imported)
		flow = sw_flows_find(links->flows, protocol, local, &target->endpoint, span.to_ns);
	return flow && flow->last_ns >= span.from_ns ? flow : NULL;
}

/* The remote end is another in the packets: the same local port at the same time, begun by us. */
static struct sw_flow *by_local_port(struct sw_links *links, const struct sw_socket_state *socket, struct span span,
				     bool begins)
{
	uint32_t ids[16];
	size_t count = sw_flows_of_port(links->flows, sw_link_protocol(socket), &socket->seen.socket.local.endpoint,
					span.from_ns, span.to_ns, ids, SW_COUNT(ids));

	for (size_t i = 0; i < count; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, ids[i]);

		struct sw_socket_state *owner = flow ? sw_links_owner(links, flow->id) : NULL;

		if (!flow || (owner && owner != socket && socket->seen.socket.flags & SW_SOCKET_ACCEPTED) ||
		    !sw_link_precedes(links, socket, flow))
			continue;
		if ((flow->first_ns >= span.from_ns || !begins) &&
		    flow->local.port == socket->seen.socket.local.endpoint.port)
			return flow;
	}
	return NULL;
}

/* What left by this socket's port for an end that no socket of ours sends to: the kernel of this host put it in the place of the one that
 * was asked (a cluster's service address, a container's resolver). */
static struct sw_flow *by_translation(struct sw_links *links, const struct sw_socket_state *socket, struct span span)
{
	uint8_t protocol = sw_link_protocol(socket);
	struct sw_flow *latest = NULL;
	uint32_t ids[16];
	size_t count = sw_flows_of_port(links->flows, protocol, &socket->seen.socket.local.endpoint, span.from_ns,
					span.to_ns, ids, SW_COUNT(ids));

	for (size_t i = 0; i < count; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, ids[i]);
		struct remote *remote = flow ? sw_link_remote(links, protocol, &flow->remote) : NULL;

		if (flow && flow->initiator && flow->side[SW_SIDE_OURS].packets && !(remote && remote->ours) &&
		    flow->local.port == socket->seen.socket.local.endpoint.port &&
		    (socket->seen.made_ns == SW_TIME_NONE ||
		     flow->first_ns >= socket->seen.made_ns - SW_STAMP_SLACK_NS) &&
		    (!latest || flow->last_ns > latest->last_ns))
			latest = flow;
	}
	return latest;
}

/* The kernel does not know the other end of what was accepted behind its RST. Connections are accepted in the order in which they were
 * made: the first that nobody has. */
static struct sw_flow *by_accept(struct sw_links *links, const struct sw_debt_state *debt)
{
	const struct sw_socket_state *socket = debt->socket;
	int64_t made_ns = socket->seen.made_ns != SW_TIME_NONE ? socket->seen.made_ns : debt->debt.ended_ns;
	int64_t until_ns = made_ns + SW_STAMP_SLACK_NS + links->options->clock_error_ns;
	struct sw_flow *first = NULL;
	uint32_t ids[ACCEPT_FLOWS];
	size_t count = sw_flows_of_port(links->flows, sw_link_protocol(socket), &socket->seen.socket.local.endpoint,
					until_ns - ACCEPT_BEFORE_NS, until_ns, ids, SW_COUNT(ids));

	for (size_t i = 0; i < count; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, ids[i]);
		struct sw_seen reset = flow ? flow->side[SW_SIDE_PEER].rst : (struct sw_seen){0};

		if (reset.packet && reset.time_ns <= until_ns && !flow->initiator && flow->handshake_ack.packet &&
		    !sw_links_owner(links, flow->id) && (!first || flow->first_ns < first->first_ns))
			first = flow;
	}
	return first;
}

static struct claim *claim_of(const struct sw_links *links, uint32_t flow)
{
	struct claim *claim;

	HASH_FIND(hh, links->claims, &flow, sizeof flow, claim);
	return claim;
}

/* No local port is known: the flow to that end that began nearest after the call and is nobody's yet. */
static struct sw_flow *by_time(struct sw_links *links, const struct sw_debt_state *debt, struct span span)
{
	struct remote *remote = sw_link_remote(links, sw_link_protocol(debt->socket), &debt->target.endpoint);
	struct sw_flow *best = NULL;

	for (size_t i = 0; remote && i < remote->flows.count; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, remote->flows.items[i]);
		struct claim *claim = flow ? claim_of(links, flow->id) : NULL;
		struct local *local = flow ? sw_link_local(links, flow->protocol, flow->local.port) : NULL;

		if (!flow || (claim && claim->object != debt->debt.socket) || (local && local->objects.count) ||
		    flow->first_ns < span.from_ns || flow->first_ns > span.to_ns)
			continue;
		if (!best || flow->first_ns < best->first_ns)
			best = flow;
	}
	return best;
}

static bool is_nobodys_syn(const struct sw_links *links, const struct sw_flow *flow)
{
	struct remote *remote = sw_link_remote(links, flow->protocol, &flow->remote);
	struct local *local = sw_link_local(links, flow->protocol, flow->local.port);

	return flow->protocol == IPPROTO_TCP && flow->side[SW_SIDE_OURS].syns && !claim_of(links, flow->id) &&
	       !(remote && remote->ours) && !(local && local->objects.count);
}

/* Neither local port nor remote end agree: the only SYN that left while the call was made, and that nobody else could have
 * sent, is its own, translated on this host. */
static struct sw_flow *by_call(struct sw_links *links, const struct sw_debt_state *debt)
{
	int64_t slack_ns = links->options->clock_error_ns;
	int64_t from_ns = debt->opening.enter_ns - slack_ns, to_ns = debt->opening.exit_bound_ns;
	struct sw_flow *only = NULL;

	if (!links->options->imported || debt->debt.operation != SW_OPERATION_CONNECT || to_ns == SW_TIME_NONE)
		return NULL;
	if (to_ns > debt->opening.exit_ns + SW_STAMP_SLACK_NS)
		to_ns = debt->opening.exit_ns + SW_STAMP_SLACK_NS;
	for (size_t i = SW_ARRAY_FIRST(&links->begun, time_ns, from_ns);
	     i < links->begun.count && links->begun.items[i].time_ns <= to_ns + slack_ns; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, links->begun.items[i].flow);

		if (!flow || !is_nobodys_syn(links, flow))
			continue;
		if (only)
			return NULL;
		only = flow;
	}
	return only;
}

static void claim_add(struct sw_links *links, uint32_t flow, uint32_t object)
{
	struct claim *claim = claim_of(links, flow);

	if (claim)
		return;
	claim = sw_alloc(sizeof *claim);
	claim->flow = flow;
	claim->object = object;
	HASH_ADD(hh, links->claims, flow, sizeof claim->flow, claim);
}

static struct sw_flow *find_within(struct sw_links *links, const struct sw_debt_state *debt, struct span span)
{
	struct sw_socket_state *socket = debt->socket;
	bool begins = debt->debt.operation == SW_OPERATION_CONNECT;
	struct sw_flow *flow;

	if (socket->seen.socket.local.endpoint.port) {
		socket->link = SW_LINK_PORTS;
		flow = by_ports(links, socket, &debt->target, span);
		if (flow)
			return flow;
		socket->link = SW_LINK_TRANSLATED;
		return socket->datagram ? by_translation(links, socket, span) :
					  by_local_port(links, socket, span, begins);
	}
	if (!debt->target.present)
		return NULL;
	if (!begins && socket->seen.made_ns != SW_TIME_NONE)
		span.from_ns = socket->seen.made_ns; /* the connection is older than what is owed on it */
	socket->link = SW_LINK_TIME;
	flow = by_time(links, debt, span);
	if (!flow && (flow = by_call(links, debt)))
		socket->link = SW_LINK_TRANSLATED;
	return flow;
}

static struct sw_flow *find(struct sw_links *links, const struct sw_debt_state *debt, struct span span)
{
	struct sw_socket_state *socket = debt->socket;
	int64_t error_ns = links->options->stamp_error_ns;
	struct sw_flow *flow;

	if (socket->seen.socket.flags & SW_SOCKET_ACCEPTED && !socket->seen.socket.remote.endpoint.port &&
	    debt->debt.ended_ns != SW_TIME_NONE && (flow = by_accept(links, debt))) {
		socket->link = SW_LINK_PORTS;
		return flow;
	}
	flow = find_within(links, debt, span);
	if (!flow && error_ns) /* whole seconds, where no packet told more */
		flow = find_within(links, debt, (struct span){span.from_ns - error_ns, span.to_ns + error_ns});
	return flow;
}

struct sw_flow *sw_links_find(struct sw_links *links, struct sw_debt_state *debt, int64_t end_ns)
{
	struct sw_socket_state *socket = debt->socket;
	struct sw_flow *flow;
	struct span span;

	if (!socket || !sw_socket_is_ip(socket))
		return NULL;
	if (socket->flow && debt->debt.operation != SW_OPERATION_CONNECT && !socket->datagram)
		return sw_flows_get(links->flows, socket->flow);
	span = span_of(links, &debt->debt, end_ns);
	if (sw_socket_pings(socket))
		return sw_links_ping(links, debt, span.from_ns, span.to_ns);
	flow = find(links, debt, span);
	if (flow) {
		sw_link_own(links, socket, flow);
		claim_add(links, flow->id, debt->debt.socket);
	} else {
		socket->flow = 0;
		socket->link = SW_LINK_NONE;
	}
	return flow;
}
