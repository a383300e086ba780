/* Facts of a listener and of those who asked it in vain. Enters: socket and flow. Leaves: the section SW_FACTS_SERVE. */
#include <netinet/in.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

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

/* Bytes of ours left behind the last request and before the client went: it was not the wait for them that it did not bear. */
static bool answer_begun_in_time(const struct sw_symptom_context *context)
{
	const struct sw_side *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t gone = peer->fin.packet ? peer->fin.time_ns : peer->rst.packet ? peer->rst.time_ns : INT64_MAX;

	for (size_t i = 0; peer->last_new_data.packet && i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];

		if (packet->payload_length && packet->time_ns > peer->last_new_data.time_ns && packet->time_ns < gone &&
		    sw_endpoint_equal(&packet->src, &context->flow->local))
			return true;
	}
	return false;
}

/* From the last of the client's bytes to the read that began the operation: a listener that is slow to accept. */
static int64_t request_lay(const struct sw_symptom_context *context)
{
	const struct sw_side *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t lay_ns = context->debt->began_ns - peer->last_new_data.time_ns;

	return context->debt->operation == SW_OPERATION_SERVE && peer->last_new_data.packet && lay_ns > 0 ? lay_ns : -1;
}

/* Who asks nothing and goes is a check (a load balancer, a scan); who goes with the answer in its hands is served. */
static bool owed_nothing(const struct sw_symptom_context *context, bool sending)
{
	const struct sw_side *peer = &context->flow->side[SW_SIDE_PEER], *ours = &context->flow->side[SW_SIDE_OURS];
	const struct sw_handshake *handshake = context->handshake;

	if (context->flow->began_before || !context->socket || !(context->socket->socket.flags & SW_SOCKET_ACCEPTED))
		return false;
	if (handshake && handshake->client_hello.packet && handshake->server_hello.packet &&
	    !handshake->side[handshake->client_side].data_records &&
	    !handshake->side[handshake->client_side].alert.seen.packet)
		return true; /* a check that completes the handshake */
	if (!peer->last_new_data.packet)
		return true;
	if (sending) /* it was not all that we had to say */
		return false;
	if (context->socket->bytes_written >= ours->acked_to) /* a SYN counts as well */
		return false;
	return ours->last_new_data.packet && ours->last_new_data.time_ns >= peer->last_new_data.time_ns;
}

/* A request that was read only after its client had left; 0 where it was read in time. */
static int64_t left_before_read(const struct sw_symptom_context *context)
{
	const struct sw_side *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t left_ns = peer->fin.packet ? peer->fin.time_ns : peer->rst.packet ? peer->rst.time_ns : INT64_MAX;

	return left_ns < context->debt->began_ns ? context->debt->began_ns - left_ns : 0;
}

/* Whether a thread waited for the socket when this came. */
static bool waited(const struct sw_socket_seen *socket, struct sw_seen came)
{
	return socket && came.packet && socket->waits_from_ns != SW_TIME_NONE &&
	       socket->waits_from_ns <= came.time_ns &&
	       (socket->waiting || socket->last_wait_ns > came.time_ns + SW_AT_ONCE_NS);
}

static void socket_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_socket_seen *socket = context->socket;
	char text[SW_ADDR_TEXT];

	if (!socket)
		return;
	facts->listening = socket->socket.flags & SW_SOCKET_LISTENING;
	facts->backlog = socket->options.backlog;
	facts->accepts = socket->accepts;
	facts->accept_without_fd = context->flow && socket->without_fd_ns != SW_TIME_NONE &&
				   socket->without_fd_ns <= context->flow->side[SW_SIDE_PEER].last_syn.time_ns &&
				   socket->without_fd_until_ns >= context->flow->first_ns - SW_SYN_TIMEOUT_NS;
	if (socket->answer_took_ns > 0)
		facts->answer_took = socket->answer_took_ns;
	if (socket->socket.local.present)
		facts->listens_at = sw_arena_strdup(arena, sw_addr_text(&socket->socket.local, text));
}

static void handshake_facts(struct sw_facts *facts, const struct sw_flow *flow)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER], *ours = &flow->side[SW_SIDE_OURS];

	facts->peer_syns = peer->syns;
	facts->peer_syn = peer->syn;
	facts->peer_last_syn = peer->last_syn.packet ? peer->last_syn : peer->syn;
	facts->own_synacks = flow->synack_count;
	facts->own_synack = flow->synack;
	facts->own_last_synack = flow->last_synack.packet ? flow->last_synack : flow->synack;
	facts->final_ack = flow->handshake_ack.packet != 0;
	if (!flow->synack_count)
		facts->own_refusal = ours->rst;
	if (peer->syn.packet)
		facts->peer_syn_span = facts->peer_last_syn.time_ns - peer->syn.time_ns;
}

void sw_facts_of_serve(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_flow *flow = context->flow;
	char text[SW_ADDR_TEXT];

	socket_facts(facts, context, arena);
	if (!flow || flow->initiator)
		return;
	facts->others_unanswered = context->others_unanswered;
	facts->others_half_open = context->others_half_open;
	facts->served_after = context->others_served;
	facts->came_to = sw_arena_strdup(arena, sw_endpoint_text(&flow->local, text));
	facts->answered_before = answered_before(context);
	facts->left_before_read = left_before_read(context);
	facts->request_lay = request_lay(context);
	facts->owed_nothing = flow->protocol == IPPROTO_TCP && owed_nothing(context, facts->surfaced_sends);
	facts->answer_begun_in_time = flow->protocol == IPPROTO_TCP && answer_begun_in_time(context);
	if (flow->protocol == IPPROTO_UDP) {
		facts->peer_datagrams = flow->side[SW_SIDE_PEER].packets;
		facts->peer_datagram = flow->side[SW_SIDE_PEER].first;
		facts->waited_meanwhile = waited(context->socket, facts->peer_datagram);
		return;
	}
	handshake_facts(facts, flow);
	facts->waited_meanwhile = flow->awaited || waited(context->socket, facts->peer_syn) ||
				  waited(context->socket, facts->peer_last_syn);
}
