/* See serving.h. */
#include "correlate/serving.h"

#include <netinet/in.h>

#include "correlate/thresholds.h"

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

static void find_tcp(struct sw_debts *debts, struct sw_links *links, const struct sw_flow *flow)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];
	struct sw_socket_state *listener = sw_links_listener(links, flow);

	if (refused(flow)) {
		listener = listener ? NULL : sw_links_listener_elsewhere(links, flow);
		if (listener && listened_at(listener, flow->first_ns))
			sw_debts_unserved(debts, listener, flow, flow->side[SW_SIDE_OURS].rst.time_ns);
	} else if (listener && ignored(flow)) {
		sw_debts_unserved(debts, listener, flow, peer->last_syn.time_ns);
	} else if (listener && half_open(flow)) {
		sw_debts_unserved(debts, listener, flow, flow->last_synack.time_ns);
	} else if (listener && dropped(flow)) {
		sw_debts_unserved(debts, listener, flow, peer->last_data.time_ns);
	}
}

/* Datagrams for a bound socket that somebody waited on all the time and that never gave one. */
static void find_udp(struct sw_debts *debts, struct sw_links *links, const struct sw_flow *flow)
{
	struct sw_socket_state *socket = sw_links_owner(links, flow->id);
	const struct sw_socket_seen *seen = socket ? &socket->seen : NULL;

	if (!seen || !seen->bind_call || seen->reads || seen->writes || flow->side[SW_SIDE_OURS].packets ||
	    seen->waits_from_ns == SW_TIME_NONE || seen->waits_from_ns > flow->first_ns ||
	    (!seen->waiting && seen->last_wait_ns < flow->first_ns + SW_ANSWER_LATE_NS))
		return;
	sw_debts_unserved(debts, socket, flow, flow->last_ns);
}

void sw_serving_find(struct sw_debts *debts, struct sw_flows *flows, struct sw_links *links)
{
	size_t count = sw_flows_count(flows);

	for (size_t id = 1; id <= count; id++) {
		const struct sw_flow *flow = sw_flows_get(flows, (uint32_t)id);

		if (!flow || flow->initiator || flow->no_packets)
			continue;
		if (flow->protocol == IPPROTO_TCP)
			find_tcp(debts, links, flow);
		else if (flow->protocol == IPPROTO_UDP)
			find_udp(debts, links, flow);
	}
}
