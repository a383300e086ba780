/* Which socket has which flow. Enters: sockets, targets, flows. Leaves: the flow of a debt.
 * Judges nothing; where two sockets could own a flow found by time, the nearer one in time does. */
#include "correlate/link_state.h"

#include <netinet/in.h>
#include <string.h>

/* An imported call's packets may be stamped up to 1 ms outside of it (seen: 0.35 to 0.99 ms after the stamp). */
#define STAMP_SLACK_NS (2 * SW_NS_PER_MS)
/* A listener's program that is busy for longer has worse to tell. */
#define ACCEPT_BEFORE_NS (10 * SW_NS_PER_S)
#define ACCEPT_FLOWS 64

struct sw_links *sw_links_new(const struct sw_correlate_options *options, struct sw_flows *flows,
			      struct sw_sockets *sockets)
{
	struct sw_links *links = sw_alloc(sizeof *links);

	links->options = options;
	links->flows = flows;
	links->sockets = sockets;
	return links;
}

void sw_links_free(struct sw_links *links)
{
	struct local *local, *next_local;
	struct remote *remote, *next_remote;
	struct claim *claim, *next_claim;

	HASH_ITER (hh, links->locals, local, next_local) {
		HASH_DEL(links->locals, local);
		SW_ARRAY_RELEASE(&local->objects);
		free(local);
	}
	HASH_ITER (hh, links->remotes, remote, next_remote) {
		HASH_DEL(links->remotes, remote);
		SW_ARRAY_RELEASE(&remote->flows);
		free(remote);
	}
	HASH_ITER (hh, links->claims, claim, next_claim) {
		HASH_DEL(links->claims, claim);
		free(claim);
	}
	SW_ARRAY_RELEASE(&links->begun);
	free(links);
}

static uint8_t protocol_of(const struct sw_socket_state *socket)
{
	return socket->datagram ? IPPROTO_UDP : IPPROTO_TCP;
}

struct local *sw_link_local(const struct sw_links *links, uint8_t protocol, uint16_t port)
{
	struct end_key key;
	struct local *local;

	memset(&key, 0, sizeof key);
	key.protocol = protocol;
	key.end.port = port;
	HASH_FIND(hh, links->locals, &key, sizeof key, local);
	return local;
}

struct remote *sw_link_remote(const struct sw_links *links, uint8_t protocol, const struct sw_endpoint *end)
{
	struct end_key key;
	struct remote *remote;

	memset(&key, 0, sizeof key);
	key.protocol = protocol;
	key.end.ip.family = end->ip.family;
	memcpy(key.end.ip.bytes, end->ip.bytes, sizeof key.end.ip.bytes);
	key.end.port = end->port;
	HASH_FIND(hh, links->remotes, &key, sizeof key, remote);
	return remote;
}

static struct remote *remote_add(struct sw_links *links, uint8_t protocol, const struct sw_endpoint *end)
{
	struct remote *remote = sw_link_remote(links, protocol, end);

	if (remote)
		return remote;
	remote = sw_alloc(sizeof *remote);
	remote->key.protocol = protocol;
	remote->key.end.ip.family = end->ip.family;
	memcpy(remote->key.end.ip.bytes, end->ip.bytes, sizeof remote->key.end.ip.bytes);
	remote->key.end.port = end->port;
	HASH_ADD(hh, links->remotes, key, sizeof remote->key, remote);
	return remote;
}

static void own(struct sw_links *links, struct sw_socket_state *socket, const struct sw_flow *flow)
{
	*sw_flows_owner(links->flows, flow->id) = socket->seen.socket.id;
	socket->flow = flow->id;
}

struct sw_socket_state *sw_links_owner(const struct sw_links *links, uint32_t flow)
{
	const uint32_t *owner = sw_flows_owner(links->flows, flow);

	return owner ? sw_sockets_get(links->sockets, *owner) : NULL;
}

/* Both ends are known: its packets may have come before its name. */
static void bind_by_ends(struct sw_links *links, struct sw_socket_state *socket)
{
	const struct sw_socket *seen = &socket->seen.socket;
	struct sw_flow *flow;

	if (socket->flow || !seen->remote.present || !seen->remote.endpoint.port || (seen->flags & SW_SOCKET_LISTENING))
		return;
	flow = sw_flows_find_in(links->flows, seen->netns, protocol_of(socket), &seen->local.endpoint,
				&seen->remote.endpoint, INT64_MAX, 0);
	if (!flow || sw_links_owner(links, flow->id))
		return;
	own(links, socket, flow);
	socket->link = SW_LINK_PORTS;
}

void sw_links_socket(struct sw_links *links, struct sw_socket_state *socket)
{
	const struct sw_addr *end = &socket->seen.socket.local;
	struct local *local;

	if (links->options->calls_may_lack && sw_socket_is_ip(socket))
		sw_links_target(links, socket, &socket->seen.socket.remote);
	if (socket->seen.socket.kind != SW_OBJECT_SOCKET || !sw_socket_is_ip(socket) || !end->present ||
	    !end->endpoint.port)
		return;
	local = sw_link_local(links, protocol_of(socket), end->endpoint.port);
	if (!local) {
		local = sw_alloc(sizeof *local);
		local->key.protocol = protocol_of(socket);
		local->key.end.port = end->endpoint.port;
		HASH_ADD(hh, links->locals, key, sizeof local->key, local);
	}
	for (size_t i = 0; i < local->objects.count; i++) {
		if (local->objects.items[i] == socket->seen.socket.id) {
			bind_by_ends(links, socket);
			return;
		}
	}
	*SW_ARRAY_ADD(&local->objects) = socket->seen.socket.id;
	bind_by_ends(links, socket);
}

void sw_links_target(struct sw_links *links, const struct sw_socket_state *socket, const struct sw_addr *target)
{
	if (target->present && (target->family == AF_INET || target->family == AF_INET6) && target->endpoint.port)
		remote_add(links, protocol_of(socket), &target->endpoint)->ours = true;
}

bool sw_links_named(const struct sw_links *links, const struct sw_flow_summary *flow)
{
	struct remote *remote = sw_link_remote(links, flow->protocol, &flow->remote.endpoint);
	struct local *local = sw_link_local(links, flow->protocol, flow->local.endpoint.port);

	return (remote && remote->ours) || (local && local->objects.count);
}

bool sw_links_reaches(const struct sw_links *links, uint8_t protocol, const struct sw_addr *end)
{
	struct remote *remote = end->present ? sw_link_remote(links, protocol, &end->endpoint) : NULL;

	return remote && remote->flows.count;
}

void sw_links_forget(struct sw_links *links, const struct sw_socket_state *socket)
{
	struct local *local = sw_link_local(links, protocol_of(socket), socket->seen.socket.local.endpoint.port);

	for (size_t i = 0; local && i < local->objects.count; i++) {
		if (local->objects.items[i] == socket->seen.socket.id)
			local->objects.items[i--] = local->objects.items[--local->objects.count];
	}
	if (local && !local->objects.count) {
		HASH_DEL(links->locals, local);
		SW_ARRAY_RELEASE(&local->objects);
		free(local);
	}
}

/* A connection is older than its accept, and the kernel does not know its other end where a RST had come (a log may just not tell). */
static bool is_before(const struct sw_links *links, const struct sw_socket_state *socket, const struct sw_flow *flow)
{
	struct sw_seen reset = flow->side[SW_SIDE_PEER].rst;
	int64_t until_ns = socket->seen.made_ns + STAMP_SLACK_NS;
	if (!(socket->seen.socket.flags & SW_SOCKET_ACCEPTED) || socket->seen.made_ns == SW_TIME_NONE)
		return true;
	return flow->first_ns <= until_ns && (links->options->imported || socket->seen.socket.remote.endpoint.port ||
					      (reset.packet && reset.time_ns <= until_ns));
}

/* A flow begins on a port of ours: the socket that has this end, and no other remote end. */
static void bind_by_port(struct sw_links *links, const struct sw_flow *flow)
{
	struct local *local = sw_link_local(links, flow->protocol, flow->local.port);

	for (size_t i = 0; local && i < local->objects.count; i++) {
		struct sw_socket_state *socket = sw_sockets_get(links->sockets, local->objects.items[i]);
		const struct sw_socket *seen = socket ? &socket->seen.socket : NULL;

		if (!seen || socket->gone || (seen->flags & SW_SOCKET_LISTENING) ||
		    (!seen->remote.endpoint.port && !is_before(links, socket, flow)) ||
		    (!sw_ip_is_any(&seen->local.endpoint.ip) &&
		     !sw_ip_equal(&seen->local.endpoint.ip, &flow->local.ip)) ||
		    (seen->remote.present && seen->remote.endpoint.port &&
		     !sw_endpoint_equal(&seen->remote.endpoint, &flow->remote)))
			continue;
		own(links, socket, flow);
		socket->link = SW_LINK_PORTS;
		return;
	}
}

void sw_links_packet(struct sw_links *links, const struct sw_flow_change *change)
{
	struct sw_flow *flow;

	if (!change->flow || !(change->what & SW_FLOW_BEGAN) || !(flow = sw_flows_get(links->flows, change->flow)))
		return;
	*SW_ARRAY_ADD(&remote_add(links, flow->protocol, &flow->remote)->flows) = flow->id;
	if (links->options->imported)
		*SW_ARRAY_ADD(&links->begun) = (struct begun){flow->first_ns, flow->id};
	bind_by_port(links, flow);
}

/* An IPv6 listener on the any address takes IPv4 too, unless told otherwise: ipv6(7), IPV6_V6ONLY. */
static bool listens_at(const struct sw_socket_state *socket, const struct sw_ip *ip)
{
	const struct sw_ip *bound = &socket->seen.socket.local.endpoint.ip;

	if (sw_ip_is_any(bound))
		return bound->family != 4 || ip->family == 4;
	return sw_ip_equal(bound, ip);
}

static struct sw_socket_state *listener_of(const struct sw_links *links, const struct sw_flow *flow, bool there)
{
	struct local *local = sw_link_local(links, flow->protocol, flow->local.port);

	for (size_t i = 0; local && i < local->objects.count; i++) {
		struct sw_socket_state *socket = sw_sockets_get(links->sockets, local->objects.items[i]);

		if (socket && (socket->seen.socket.flags & SW_SOCKET_LISTENING) &&
		    (socket->seen.socket.netns == flow->netns || links->options->imported) &&
		    listens_at(socket, &flow->local.ip) == there)
			return socket;
	}
	return NULL;
}

bool sw_links_serves(const struct sw_links *links, const struct sw_socket_state *socket)
{
	const struct sw_socket *seen = &socket->seen.socket;
	struct sw_flow end = {.protocol = IPPROTO_TCP, .netns = seen->netns, .local = seen->local.endpoint};
	const struct sw_flow *flow = sw_flows_find_in(links->flows, seen->netns, IPPROTO_TCP, &end.local,
						      &seen->remote.endpoint, INT64_MAX, 0);
	if (!sw_socket_is_ip(socket) || !sw_socket_is_stream(socket) || !seen->remote.endpoint.port || !end.local.port)
		return false;
	return flow ? !flow->initiator && !flow->began_before : listener_of(links, &end, true) != NULL;
}

struct sw_socket_state *sw_links_listener(const struct sw_links *links, const struct sw_flow *flow)
{
	return listener_of(links, flow, true);
}

struct sw_socket_state *sw_links_listener_elsewhere(const struct sw_links *links, const struct sw_flow *flow)
{
	return listener_of(links, flow, true) ? NULL : listener_of(links, flow, false);
}

/* ---- the flow of a debt --------------------------------------------------------------------------------------- */

struct span {
	int64_t from_ns, to_ns;
};

static struct span span_of(const struct sw_links *links, const struct sw_debt *debt, int64_t end_ns)
{
	int64_t slack_ns = STAMP_SLACK_NS + links->options->clock_error_ns;
	int64_t to_ns = debt->ended_ns == SW_TIME_NONE ? end_ns : debt->ended_ns;

	return (struct span){debt->began_ns - slack_ns, to_ns + slack_ns};
}

static struct sw_flow *by_ports(struct sw_links *links, const struct sw_socket_state *socket,
				const struct sw_addr *target, struct span span)
{
	const struct sw_endpoint *local = &socket->seen.socket.local.endpoint;
	uint8_t protocol = protocol_of(socket);
	struct sw_flow *flow;

	flow = sw_flows_find_in(links->flows, socket->seen.socket.netns, protocol, local, &target->endpoint, span.to_ns,
				0);
	if (!flow && links->options->imported)
		flow = sw_flows_find(links->flows, protocol, local, &target->endpoint, span.to_ns, 0);
	return flow && flow->last_ns >= span.from_ns ? flow : NULL;
}

/* The remote end is another in the packets: the same local port at the same time, begun by us. */
static struct sw_flow *by_local_port(struct sw_links *links, const struct sw_socket_state *socket, struct span span,
				     bool begins)
{
	uint32_t ids[16];
	size_t count = sw_flows_of_port(links->flows, protocol_of(socket), &socket->seen.socket.local.endpoint,
					span.from_ns, span.to_ns, ids, SW_COUNT(ids));

	for (size_t i = 0; i < count; i++) {
		struct sw_flow *flow = sw_flows_get(links->flows, ids[i]);

		struct sw_socket_state *owner = flow ? sw_links_owner(links, flow->id) : NULL;

		if (!flow || (owner && owner != socket && socket->seen.socket.flags & SW_SOCKET_ACCEPTED) ||
		    !is_before(links, socket, flow))
			continue;
		if ((flow->first_ns >= span.from_ns || !begins) &&
		    flow->local.port == socket->seen.socket.local.endpoint.port)
			return flow;
	}
	return NULL;
}

/* The kernel does not know the other end of what was accepted behind its RST. Connections are accepted in the order in which they were
 * made: the first that nobody has. */
static struct sw_flow *by_accept(struct sw_links *links, const struct sw_socket_state *socket)
{
	int64_t until_ns = socket->seen.made_ns + STAMP_SLACK_NS + links->options->clock_error_ns;
	struct sw_flow *first = NULL;
	uint32_t ids[ACCEPT_FLOWS];
	size_t count = sw_flows_of_port(links->flows, protocol_of(socket), &socket->seen.socket.local.endpoint,
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
	struct remote *remote = sw_link_remote(links, protocol_of(debt->socket), &debt->target.endpoint);
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

static size_t first_begun(const struct sw_links *links, int64_t time_ns)
{
	size_t low = 0, high = links->begun.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (links->begun.items[middle].time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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
	if (to_ns > debt->opening.exit_ns + STAMP_SLACK_NS)
		to_ns = debt->opening.exit_ns + STAMP_SLACK_NS;
	for (size_t i = first_begun(links, from_ns);
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

struct sw_flow *sw_links_find(struct sw_links *links, struct sw_debt_state *debt, int64_t end_ns)
{
	struct sw_socket_state *socket = debt->socket;
	struct span span;
	struct sw_flow *flow = NULL;

	if (!socket || !sw_socket_is_ip(socket))
		return NULL;
	if (socket->flow && debt->debt.operation != SW_OPERATION_CONNECT && !socket->datagram)
		return sw_flows_get(links->flows, socket->flow);
	span = span_of(links, &debt->debt, end_ns);
	if (socket->seen.socket.flags & SW_SOCKET_ACCEPTED && !socket->seen.socket.remote.endpoint.port &&
	    socket->seen.made_ns != SW_TIME_NONE && (flow = by_accept(links, socket))) {
		socket->link = SW_LINK_PORTS;
	} else if (socket->seen.socket.local.endpoint.port) {
		socket->link = SW_LINK_PORTS;
		flow = by_ports(links, socket, &debt->target, span);
		if (!flow && !socket->datagram) {
			socket->link = SW_LINK_TRANSLATED;
			flow = by_local_port(links, socket, span, debt->debt.operation == SW_OPERATION_CONNECT);
		}
	} else if (debt->target.present) {
		socket->link = SW_LINK_TIME;
		if (debt->debt.operation != SW_OPERATION_CONNECT && socket->seen.made_ns != SW_TIME_NONE)
			span.from_ns = socket->seen.made_ns; /* the connection is older than what is owed on it */
		flow = by_time(links, debt, span);
		if (!flow && (flow = by_call(links, debt)))
			socket->link = SW_LINK_TRANSLATED;
	}
	if (flow) {
		own(links, socket, flow);
		claim_add(links, flow->id, debt->debt.socket);
	} else {
		socket->flow = 0;
		socket->link = SW_LINK_NONE;
	}
	return flow;
}
