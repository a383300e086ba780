/* The table of links: local ports and remote ends of our sockets, and the flows between them.
 *
 * Enters: sockets and targets as they become known, flows as they begin. Leaves: the owner of a flow, the listener that it came to. Which flow
 * a debt has: link_find.c; which end of a packet is ours: link_way.c. Judges nothing. */
#include "correlate/link/link_state.h"

#include <netinet/in.h>
#include <string.h>

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

uint8_t sw_link_protocol(const struct sw_socket_state *socket)
{
	return sw_socket_pings(socket) ? (uint8_t)socket->seen.socket.protocol :
	       socket->datagram        ? IPPROTO_UDP :
					 IPPROTO_TCP;
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

void sw_link_own(struct sw_links *links, struct sw_socket_state *socket, const struct sw_flow *flow)
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
	flow = sw_flows_find_in(links->flows, seen->netns, sw_link_protocol(socket), &seen->local.endpoint,
				&seen->remote.endpoint, INT64_MAX);
	if (!flow || sw_links_owner(links, flow->id))
		return;
	sw_link_own(links, socket, flow);
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
	local = sw_link_local(links, sw_link_protocol(socket), end->endpoint.port);
	if (!local) {
		local = sw_alloc(sizeof *local);
		local->key.protocol = sw_link_protocol(socket);
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
		remote_add(links, sw_link_protocol(socket), &target->endpoint)->ours = true;
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

bool sw_links_spoke_first(const struct sw_links *links, const struct sw_endpoint *end)
{
	struct remote *remote = sw_link_remote(links, IPPROTO_TCP, end);

	for (size_t i = 0; remote && i < remote->flows.count; i++) {
		const struct sw_flow *flow = sw_flows_get(links->flows, remote->flows.items[i]);
		struct sw_seen ours = flow ? flow->side[SW_SIDE_OURS].first_data : (struct sw_seen){0};
		struct sw_seen peers = flow ? flow->side[SW_SIDE_PEER].first_data : (struct sw_seen){0};

		if (ours.packet && (!peers.packet || ours.time_ns < peers.time_ns))
			return true;
	}
	return false;
}

void sw_links_forget(struct sw_links *links, const struct sw_socket_state *socket)
{
	struct local *local = sw_link_local(links, sw_link_protocol(socket), socket->seen.socket.local.endpoint.port);

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
bool sw_link_precedes(const struct sw_links *links, const struct sw_socket_state *socket, const struct sw_flow *flow)
{
	struct sw_seen reset = flow->side[SW_SIDE_PEER].rst;
	int64_t until_ns = socket->seen.made_ns + SW_STAMP_SLACK_NS;
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
		    (seen->flags & SW_SOCKET_ACCEPTED &&
		     !seen->remote.endpoint.port) || /* its flow had begun before it */
		    (!sw_ip_is_any(&seen->local.endpoint.ip) &&
		     !sw_ip_equal(&seen->local.endpoint.ip, &flow->local.ip)) ||
		    (seen->remote.present && seen->remote.endpoint.port &&
		     !sw_endpoint_equal(&seen->remote.endpoint, &flow->remote)))
			continue;
		sw_link_own(links, socket, flow);
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
		return bound->family == ip->family || (bound->family == 6 && !socket->seen.options.v6only);
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

/* Whether one port cannot have both: bind(2), ipv6(7). */
static bool excludes(const struct sw_socket_seen *listener, const struct sw_socket_seen *other,
		     const struct sw_ip *asked)
{
	const struct sw_ip *has = &listener->socket.local.endpoint.ip;

	if (has->family == asked->family)
		return sw_ip_is_any(has) || sw_ip_is_any(asked) || sw_ip_equal(has, asked);
	return has->family == 4 ? sw_ip_is_any(asked) && !(other && other->options.v6only) :
				  sw_ip_is_any(has) && !listener->options.v6only;
}

const struct sw_socket_state *sw_links_own_listener(const struct sw_links *links, const struct sw_debt_state *debt,
						    const struct sw_endpoint *asked)
{
	struct local *local = sw_link_local(links, IPPROTO_TCP, asked->port);
	const struct sw_socket_seen *other = debt->socket ? &debt->socket->seen : NULL;

	for (size_t i = 0; local && i < local->objects.count; i++) {
		const struct sw_socket_state *socket = sw_sockets_get(links->sockets, local->objects.items[i]);

		if (socket && socket != debt->socket && socket->last.pid == debt->debt.pid &&
		    excludes(&socket->seen, other, &asked->ip) && socket->seen.listened_ns != SW_TIME_NONE &&
		    socket->seen.listened_ns <= debt->debt.ended_ns &&
		    (socket->seen.closed_ns == SW_TIME_NONE || socket->seen.closed_ns >= debt->debt.began_ns))
			return socket;
	}
	return NULL;
}

bool sw_links_serves(const struct sw_links *links, const struct sw_socket_state *socket)
{
	const struct sw_socket *seen = &socket->seen.socket;
	struct sw_flow end = {.protocol = IPPROTO_TCP, .netns = seen->netns, .local = seen->local.endpoint};
	const struct sw_flow *flow =
		sw_flows_find_in(links->flows, seen->netns, IPPROTO_TCP, &end.local, &seen->remote.endpoint, INT64_MAX);
	if (!sw_socket_is_ip(socket) || !sw_socket_is_stream(socket) || !seen->remote.endpoint.port || !end.local.port)
		return false;
	/* Of a connection whose SYN came before the session the packets do not say who made it. */
	return flow && !flow->began_before ? !flow->initiator : listener_of(links, &end, true) != NULL;
}

struct sw_socket_state *sw_links_listener(const struct sw_links *links, const struct sw_flow *flow)
{
	return listener_of(links, flow, true);
}

struct sw_socket_state *sw_links_listener_elsewhere(const struct sw_links *links, const struct sw_flow *flow)
{
	return listener_of(links, flow, true) ? NULL : listener_of(links, flow, false);
}
