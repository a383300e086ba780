/* Facts of a listener and of those who asked it in vain. Enters: socket and flow. Leaves: the section SW_FACTS_SERVE. */
#include "correlate/facts.h"

/* Bytes of ours that left in this operation before the peer said FIN or RST. */
static bool answered_before(const struct sw_symptom_context *context)
{
	const struct sw_side *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t gone = peer->fin.packet ? peer->fin.time_ns : peer->rst.packet ? peer->rst.time_ns : INT64_MAX;

	for (size_t i = 0; i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];

		if (packet->payload_length && packet->time_ns >= context->debt->began_ns && packet->time_ns < gone &&
		    sw_endpoint_equal(&packet->src, &context->flow->local))
			return true;
	}
	return false;
}

void sw_facts_of_serve(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_socket_seen *socket = context->socket;
	const struct sw_flow *flow = context->flow;

	if (socket) {
		facts->listening = socket->socket.flags & SW_SOCKET_LISTENING;
		facts->backlog = socket->options.backlog;
		facts->accepts = socket->accepts;
	}
	if (!flow || flow->initiator)
		return;
	facts->others_unanswered = context->others_unanswered;
	facts->answered_before = answered_before(context);
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];

	facts->peer_syns = peer->syns;
	facts->peer_syn = peer->syn;
	facts->peer_last_syn = peer->last_syn.packet ? peer->last_syn : peer->syn;
	facts->own_synacks = flow->synack_count;
	if (!peer->syn.packet)
		return;
	facts->peer_syn_span = facts->peer_last_syn.time_ns - peer->syn.time_ns;
	facts->waited_since = socket && socket->last_wait_ns != SW_TIME_NONE &&
			      socket->last_wait_ns >= peer->syn.time_ns;
}
