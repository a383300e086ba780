/* Facts of a question and what came back for it: datagrams, late and repeated answers, answers from another end.
 *
 * Enters: the flow, its kept packets, and flows of the same local port. Leaves: the section SW_FACTS_ANSWER. Judges nothing. */
#include <netinet/in.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

static int64_t debt_end(const struct sw_symptom_context *context)
{
	return context->debt->ended_ns == SW_TIME_NONE ? context->end_ns : context->debt->ended_ns;
}

/* When a datagram left: stamps of imported calls are not exact, and the answer to the question before may lie that near. */
static int64_t asked_ns(const struct sw_symptom_context *context)
{
	int64_t best = context->debt->began_ns - SW_STAMP_SLACK_NS, least = SW_STAMP_SLACK_NS + 1;

	for (size_t i = 0; context->flow->protocol != IPPROTO_TCP && i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];
		int64_t off = packet->time_ns - context->debt->began_ns;

		off = off < 0 ? -off : off;
		if (off < least && sw_endpoint_equal(&packet->src, &context->flow->local)) {
			best = packet->time_ns;
			least = off;
		}
	}
	return best;
}

/* Kept packets of the peer with payload, from the begin of the operation on: the first decides whether it was in time. */
static void first_answer(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	int64_t began = asked_ns(context);
	int64_t until = debt_end(context) + SW_STAMP_SLACK_NS + context->clock_error_ns;

	for (size_t i = 0; i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];
		bool next = flow->protocol != IPPROTO_TCP && packet->time_ns > debt_end(context) &&
			    sw_endpoint_equal(&packet->src, &flow->local);

		if (next)
			return; /* the next question: what follows may be its answer */
		if (!packet->payload_length || packet->time_ns < began ||
		    !sw_endpoint_equal(&packet->src, &flow->remote))
			continue;
		facts->answer_in_time = packet->time_ns <= until;
		if (flow->protocol != IPPROTO_TCP) {
			facts->reply_after = packet->time_ns - context->debt->began_ns;
			facts->reply_unread = debt_end(context) - packet->time_ns;
		}
		return;
	}
}

static void datagram_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_side *ours = &context->flow->side[SW_SIDE_OURS], *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t began;

	if (context->flow->protocol == IPPROTO_TCP)
		return;
	began = asked_ns(context);
	facts->datagrams_out = ours->packets;
	facts->datagrams_in = peer->packets;
	facts->own_first_data = ours->first;
	facts->own_data = ours->last;
	facts->peer_data = peer->last;
	facts->answer_incomplete = peer->incomplete;
	facts->answer_fragment = peer->last_incomplete;
	facts->answer_begun = peer->last.packet && peer->last.time_ns >= began;
	if (facts->answer_begun && ours->last.packet)
		facts->answer_after = peer->last.time_ns - ours->first.time_ns;
	if (peer->last.packet && peer->last.time_ns > debt_end(context) + SW_STAMP_SLACK_NS + context->clock_error_ns)
		facts->answer_after_end = peer->last.time_ns - debt_end(context);
}

/* Bytes of the peer sent again although they came before: our host did not acknowledge them. */
static void repeat_facts(struct sw_facts *facts, const struct sw_flow *flow)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];

	if (flow->protocol != IPPROTO_TCP || peer->acked_to >= peer->sent_to)
		return;
	if (peer->last.packet && ours->last_ack.packet && ours->last_ack.time_ns > peer->last.time_ns)
		return;
	facts->answer_repeats = peer->retransmissions_unanswered;
}

static void elsewhere_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_flow *other = context->elsewhere;
	char text[SW_ADDR_TEXT];

	if (!other)
		return;
	facts->elsewhere = sw_arena_strdup(arena, sw_endpoint_text(&other->remote, text));
	facts->elsewhere_packet = other->side[SW_SIDE_PEER].last;
	facts->elsewhere_late = facts->elsewhere_packet.time_ns >
				debt_end(context) + SW_STAMP_SLACK_NS + context->clock_error_ns;
}

static void socket_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_socket_seen *socket = context->socket;

	facts->errors_asked = socket && socket->options.recverr;
	facts->waited_alone = context->waited_alone;
	facts->connected = socket && socket->socket.remote.present;
	facts->read_before = socket && socket->reads > 0;
}

void sw_facts_of_answer(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_call *call = context->surfaced ? context->surfaced : context->opening;

	if (call && call->bytes >= 0)
		facts->asked = call->bytes;
	elsewhere_facts(facts, context, arena);
	socket_facts(facts, context);
	if (!context->flow)
		return;
	facts->answers_after = context->answers_after_ns;
	facts->ended_sooner = facts->answers_after > 0 &&
			      context->end_ns - context->debt->began_ns < facts->answers_after + SW_AT_ONCE_NS;
	datagram_facts(facts, context);
	repeat_facts(facts, context->flow);
	first_answer(facts, context);
}
