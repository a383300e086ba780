/* See tls_port.h. */
#include "correlate/flows/tls_port.h"

#include <netinet/in.h>

#include "correlate/thresholds.h"

static bool same_port(const struct sw_flow *a, const struct sw_flow *b)
{
	return a->id != b->id && a->protocol == b->protocol && a->initiator == b->initiator &&
	       a->mirrored == b->mirrored && a->netns == b->netns && a->local.port == b->local.port;
}

uint32_t sw_tls_served(struct sw_flows *flows, const struct sw_handshakes *handshakes, const struct sw_flow *flow)
{
	uint32_t served = 0;

	for (uint32_t id = sw_flows_next(flows, 0); id; id = sw_flows_next(flows, id)) {
		const struct sw_flow *other = sw_flows_get(flows, id);
		const struct sw_handshake *handshake =
			other && same_port(flow, other) ? sw_handshakes_get(handshakes, id) : NULL;

		served += handshake && handshake->client_hello.packet && handshake->server_hello.packet;
	}
	return served;
}

bool sw_tls_port_mute(const struct sw_flow *flow, const struct sw_debt *debt)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];
	struct sw_seen closed = sw_side_gone(ours), left = sw_side_gone(peer);

	return flow->protocol == IPPROTO_TCP && !flow->initiator && !flow->began_before && debt->unanswered &&
	       debt->closed_by && !debt->left_in_vain && !ours->data_packets && peer->first_data.packet &&
	       closed.packet && (!left.packet || closed.time_ns <= left.time_ns);
}

bool sw_tls_port_reads_records(const struct sw_socket_seen *socket, const struct sw_flow *flow)
{
	return socket && socket->first_asked == SW_TLS_RECORD_HEAD &&
	       flow->side[SW_SIDE_PEER].bytes > SW_TLS_RECORD_HEAD;
}

bool sw_tls_port_starved(const struct sw_handshake *handshake, const struct sw_flow *flow, enum sw_flow_side ours)
{
	struct sw_seen left = sw_side_gone(&flow->side[SW_SIDE_PEER]), closed = sw_side_gone(&flow->side[SW_SIDE_OURS]);

	return handshake->client.present && handshake->client_side != ours && !handshake->side[ours].first.packet &&
	       left.packet && (!closed.packet || left.time_ns <= closed.time_ns) &&
	       left.time_ns - handshake->client_hello.time_ns >= SW_ANSWER_LATE_NS;
}
