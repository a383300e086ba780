/* See serving.h. */
#include "correlate/symptoms/serving.h"

#include <netinet/in.h>

#include "correlate/thresholds.h"

/* A kernel doubles the time between its tries up to two minutes (TCP_RTO_MAX). */
#define TRIES_MAX_NS (120 * SW_NS_PER_S)

static bool listened_at(const struct sw_socket_state *socket, int64_t time_ns)
{
	const struct sw_socket_seen *seen = &socket->seen;

	return (seen->listened_ns == SW_TIME_NONE || seen->listened_ns <= time_ns) &&
	       (seen->closed_ns == SW_TIME_NONE || seen->closed_ns >= time_ns);
}

/* SYNs that came again and were never answered. */
static bool ignored(const struct sw_flow *flow)
{
	return !flow->synack_count && !flow->side[SW_SIDE_OURS].packets &&
	       flow->side[SW_SIDE_PEER].syn_retransmissions > 0;
}

/* Our SYN-ACK left again and again, and no ACK of it came. */
static bool half_open(const struct sw_flow *flow)
{
	return flow->synack_count > 1 && !flow->handshake_ack.packet && !flow->side[SW_SIDE_PEER].rst.packet &&
	       !flow->side[SW_SIDE_OURS].rst.packet &&
	       flow->last_synack.time_ns - flow->synack.time_ns >= SW_SYN_TIMEOUT_NS;
}

/* The final ACK and a request came, again and again, and our host never acknowledged them. */
static bool dropped(const struct sw_flow *flow)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];

	return flow->synack_count && flow->handshake_ack.packet && peer->retransmissions > 0 && peer->data_packets &&
	       peer->acked_to <= 1 && !flow->side[SW_SIDE_OURS].data_packets && !flow->side[SW_SIDE_OURS].fins;
}

/* Our kernel refused it at once. */
static bool refused(const struct sw_flow *flow)
{
	return flow->side[SW_SIDE_PEER].syn.packet && flow->side[SW_SIDE_OURS].rst.packet && !flow->synack_count;
}

static void unserved(struct sw_debts *debts, struct sw_socket_state *listener, struct sw_flow *flow, int64_t until_ns)
{
	flow->unserved = true;
	sw_debts_unserved(debts, listener, flow, until_ns);
}

static void find_tcp(struct sw_debts *debts, struct sw_links *links, struct sw_flow *flow)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];
	struct sw_socket_state *listener = sw_links_listener(links, flow);

	if (refused(flow)) {
		listener = listener ? NULL : sw_links_listener_elsewhere(links, flow);
		if (listener && listened_at(listener, flow->first_ns))
			unserved(debts, listener, flow, flow->side[SW_SIDE_OURS].rst.time_ns);
	} else if (listener && ignored(flow)) {
		unserved(debts, listener, flow, peer->last_syn.time_ns);
	} else if (listener && half_open(flow)) {
		unserved(debts, listener, flow, flow->last_synack.time_ns);
	} else if (listener && dropped(flow)) {
		unserved(debts, listener, flow, peer->last_data.time_ns);
	}
}

/* Datagrams for a bound socket that somebody waited on all the time and that never gave one. */
static void find_udp(struct sw_debts *debts, struct sw_links *links, struct sw_flow *flow)
{
	struct sw_socket_state *socket = sw_links_owner(links, flow->id);
	const struct sw_socket_seen *seen = socket ? &socket->seen : NULL;

	if (!seen || !seen->bind_call || seen->reads || seen->writes || flow->side[SW_SIDE_OURS].packets ||
	    seen->waits_from_ns == SW_TIME_NONE || seen->waits_from_ns > flow->first_ns ||
	    (!seen->waiting && seen->last_wait_ns < flow->first_ns + SW_ANSWER_LATE_NS))
		return;
	unserved(debts, socket, flow, flow->last_ns);
}

static bool is_over(const struct sw_flow *flow, int64_t settle_ns, int64_t now_ns)
{
	int64_t tried_ns = flow->last_ns - flow->first_ns;

	if (now_ns == INT64_MAX)
		return true;
	tried_ns = tried_ns < SW_SYN_TIMEOUT_NS ? SW_SYN_TIMEOUT_NS : tried_ns > TRIES_MAX_NS ? TRIES_MAX_NS : tried_ns;
	return now_ns - flow->last_ns > settle_ns + tried_ns;
}

static void find(struct sw_debts *debts, struct sw_links *links, struct sw_flow *flow)
{
	if (flow->protocol == IPPROTO_TCP)
		find_tcp(debts, links, flow);
	else if (flow->protocol == IPPROTO_UDP)
		find_udp(debts, links, flow);
}

static bool may_be_for(const struct sw_flow *flow, const struct sw_socket_state *socket)
{
	return flow->local.port == socket->seen.socket.local.endpoint.port &&
	       (flow->protocol == IPPROTO_UDP) == socket->datagram;
}

void sw_serving_find_last(struct sw_debts *debts, struct sw_flows *flows, struct sw_links *links,
			  const struct sw_socket_state *socket)
{
	for (uint32_t id = sw_flows_next(flows, 0); id; id = sw_flows_next(flows, id)) {
		struct sw_flow *flow = sw_flows_get(flows, id);

		if (flow && !flow->initiator && !flow->no_packets && !flow->unserved && may_be_for(flow, socket))
			find(debts, links, flow);
	}
}

void sw_serving_find(struct sw_debts *debts, struct sw_flows *flows, struct sw_links *links, int64_t settle_ns,
		     int64_t now_ns)
{
	for (uint32_t id = sw_flows_next(flows, 0); id; id = sw_flows_next(flows, id)) {
		struct sw_flow *flow = sw_flows_get(flows, id);

		if (flow && !flow->initiator && !flow->no_packets && !flow->unserved &&
		    is_over(flow, settle_ns, now_ns))
			find(debts, links, flow);
	}
}

void sw_serving_knock(struct sw_flows *flows, const struct sw_links *links, const struct sw_packet *packet, uint32_t id)
{
	const struct sw_flow *flow = sw_flows_get(flows, id);
	const struct sw_socket_state *listener;

	if (packet->kind != SW_PACKET_TCP || (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) != SW_TCP_SYN || !flow ||
	    flow->initiator)
		return;
	listener = sw_links_listener(links, flow);
	if (listener && listener->seen.waiting)
		sw_flows_awaited(flows, id);
}
