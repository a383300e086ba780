/* The evidence of a finding: calls, packets and kernel facts as a short timeline in the order of cause.
 *
 * Enters: the context with its kept calls and packets, and what the winning rule cites. Leaves: lines in the arena, the proof
 * marked. A call stands before the packets that it caused and behind those that ended it, whatever the stamps say: imported
 * ones are taken too early or too late. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlate/facts/fact_words.h"
#include "correlate/findings/finding_internal.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/mem.h"

#define CANDIDATES_MAX 160
#define TEXT_MAX 512

struct candidate {
	struct sw_evidence line;
	int64_t order_ns; /* where it stands in the order of cause */
	bool opens, carries; /* a packet: SYN without ACK, or none of TCP; one with payload, or none of TCP */
	uint32_t rank; /* among equals: the opening call, packets, the call that showed the end */
};

struct candidates {
	size_t count;
	struct candidate items[CANDIDATES_MAX];
};

static struct candidate *add(struct candidates *list, enum sw_evidence_kind kind, uint32_t number, int64_t time_ns)
{
	if (list->count == CANDIDATES_MAX)
		return NULL;
	struct candidate *one = &list->items[list->count++];

	*one = (struct candidate){
		.line = {.kind = kind, .number = number, .time_ns = time_ns}, .order_ns = time_ns, .rank = 1};
	return one;
}

/* ---- packets ------------------------------------------------------------------------------------------------------ */

static bool is_cited(const struct sw_match *match, uint32_t packet, uint16_t input)
{
	for (uint32_t i = 0; i < match->packet_count; i++)
		if (match->packets[i].packet == packet && match->packets[i].input == input)
			return true;
	return false;
}

static enum sw_packet_way way_of(const struct sw_symptom_context *context, const struct sw_packet *packet)
{
	const struct sw_flow *flow = context->flow;

	if (!flow)
		return packet->way;
	bool from_local = packet->kind == SW_PACKET_ICMP ?
				  sw_ip_equal(&packet->src.ip, &flow->local.ip) && !packet->icmp.is_error :
				  sw_endpoint_equal(&packet->src, &flow->local);

	return from_local != context->flow_is_peers ? SW_WAY_OUT : SW_WAY_IN;
}

static void add_packets(const struct sw_telling *telling, struct candidates *list)
{
	const struct sw_symptom_context *context = telling->context;
	const struct sw_match *match = &telling->judgement->winner.match;
	char text[TEXT_MAX];

	for (size_t i = 0; i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];
		struct candidate *one = add(list, SW_EVIDENCE_PACKET, packet->id, packet->time_ns);

		if (!one)
			return;
		one->line.input = packet->input;
		one->line.way = way_of(context, packet);
		one->line.proof = is_cited(match, packet->id, packet->input);
		one->line.from = packet->src;
		one->line.fate = sw_telling_fate(context, packet, one->line.way);
		one->line.again = sw_telling_again(context, packet);
		one->opens = packet->kind != SW_PACKET_TCP ||
			     (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;
		one->carries = packet->kind != SW_PACKET_TCP || packet->payload_length > 0;
		one->line.text =
			sw_arena_strdup(telling->arena, sw_packet_text(packet, one->line.way, text, sizeof text));
	}
}

static const struct sw_place_seen *place_of(const struct sw_symptom_context *context, const struct sw_packet *packet)
{
	for (size_t i = 0; i < context->place_count; i++)
		if (context->places[i].place == packet->place)
			return &context->places[i];
	return NULL;
}

/* The same packets where they passed once more: only those that are proof, the others stand there already. */
static void add_place_packets(const struct sw_telling *telling, struct candidates *list)
{
	const struct sw_symptom_context *context = telling->context;
	char text[TEXT_MAX];

	for (size_t i = 0; i < context->place_packet_count; i++) {
		const struct sw_packet *packet = context->place_packets[i];
		const struct sw_place_seen *place = place_of(context, packet);
		bool proof = is_cited(&telling->judgement->winner.match, packet->id, packet->input);
		struct candidate *one = place && proof ? add(list, SW_EVIDENCE_PACKET, packet->id, packet->time_ns) :
							 NULL;

		if (!one)
			continue;
		bool from_local = sw_endpoint_equal(&packet->src, &place->there.flow->local);
		one->line.input = packet->input;
		one->line.place = place->name;
		one->line.way = from_local != place->there.turned ? SW_WAY_OUT : SW_WAY_IN;
		one->line.proof = true;
		one->line.from = packet->src;
		one->line.text = sw_arena_format(telling->arena, "%s at %s",
						 sw_packet_text(packet, one->line.way, text, sizeof text), place->name);
	}
}

static void add_neighbor(const struct sw_telling *telling, struct candidates *list, struct sw_seen seen, bool answer)
{
	const struct sw_match *match = &telling->judgement->winner.match;
	struct candidate *one;

	if (!seen.packet || !is_cited(match, seen.packet, seen.input))
		return;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].line.kind == SW_EVIDENCE_PACKET && list->items[i].line.number == seen.packet &&
		    list->items[i].line.input == seen.input)
			return;
	one = add(list, SW_EVIDENCE_PACKET, seen.packet, seen.time_ns);
	if (!one)
		return;
	one->line.input = seen.input;
	one->line.way = answer ? SW_WAY_IN : SW_WAY_OUT;
	one->line.proof = true;
	one->opens = !answer;
	if (!answer)
		one->line.fate = telling->facts->neighbor_answer.packet ? SW_FATE_ANSWERED : SW_FATE_UNANSWERED;
	one->line.text = sw_arena_format(telling->arena, answer ? "< %s is there" : "> who has %s?",
					 telling->facts->neighbor_target);
}

/* ---- calls and facts ---------------------------------------------------------------------------------------------- */

static void add_call(const struct sw_telling *telling, struct candidates *list, const struct sw_call *call, bool proof)
{
	char text[TEXT_MAX];

	if (!call || !call->id) /* 0: of a listener that was there before, nobody saw a call */
		return;
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].line.kind != SW_EVIDENCE_CALL || list->items[i].line.number != call->id)
			continue;
		list->items[i].line.proof |= proof;
		return;
	}
	struct candidate *one = add(list, SW_EVIDENCE_CALL, call->id, call->enter_ns);

	if (!one)
		return;
	one->rank = 0;
	one->line.proof = proof;
	one->line.exit_ns = call->exit_ns;
	one->line.error = call->error;
	one->line.tid = call->tid;
	one->line.text = sw_arena_strdup(telling->arena, sw_call_text(call, text, sizeof text));
}

static struct candidate *find_call(struct candidates *list, const struct sw_call *call)
{
	for (size_t i = 0; call && i < list->count; i++)
		if (list->items[i].line.kind == SW_EVIDENCE_CALL && list->items[i].line.number == call->id)
			return &list->items[i];
	return NULL;
}

/* What a call that asks may have caused: a connect SYNs (and questions for a neighbour), any other what carries its bytes. */
static bool may_have_caused(const struct sw_call *opening, const struct candidate *packet)
{
	if (packet->line.way != SW_WAY_OUT)
		return false;
	return opening->sys == SW_SYS_CONNECT ? packet->opens : packet->carries;
}

/* The opening call goes before the first packet that it may have caused, the call that showed the end behind what ended it: where it waited
 * for that, to where it returned. */
static void put_in_order_of_cause(const struct sw_symptom_context *context, struct candidates *list)
{
	struct candidate *opening = find_call(list, context->opening);
	struct candidate *surfaced = context->surfaced == context->opening ? NULL : find_call(list, context->surfaced);
	int64_t end = context->surfaced ? context->surfaced->exit_ns : SW_TIME_NONE;
	int64_t called = opening ? opening->order_ns : 0, caused = SW_TIME_NONE, behind = SW_TIME_NONE;

	for (size_t i = 0; i < list->count; i++) {
		const struct candidate *one = &list->items[i];

		if (one->line.kind != SW_EVIDENCE_PACKET || !context->imported) /* live stamps are in order */
			continue;
		if (opening && may_have_caused(context->opening, one) && one->order_ns >= called - SW_STAMP_SLACK_NS &&
		    one->order_ns <= called + SW_STAMP_SLACK_NS)
			caused = one->order_ns > caused ? one->order_ns : caused;
		if (surfaced && one->line.proof && one->line.way == SW_WAY_IN && end != SW_TIME_NONE &&
		    one->order_ns > surfaced->order_ns && one->order_ns <= end + SW_STAMP_SLACK_NS &&
		    one->order_ns > behind)
			behind = one->order_ns;
	}
	if (opening && caused != SW_TIME_NONE && caused < called)
		opening->order_ns = caused;
	if (surfaced && behind != SW_TIME_NONE)
		surfaced->order_ns = behind > end ? behind : end;
	if (surfaced)
		surfaced->rank = 2;
}

static void add_calls(const struct sw_telling *telling, struct candidates *list)
{
	const struct sw_symptom_context *context = telling->context;
	const struct sw_match *match = &telling->judgement->winner.match;

	if (context->calls_shown) /* nobody recorded them */
		return;
	add_call(telling, list, context->opening, match->cites_opening);
	add_call(telling, list, context->surfaced, match->cites_surfaced);
	add_call(telling, list, context->culprit, match->cites_culprit);
	for (size_t i = 0; i < context->call_count; i++)
		add_call(telling, list, context->calls[i], false);
}

static void add_fact(const struct sw_telling *telling, struct candidates *list)
{
	const char *kind = telling->judgement->winner.match.cites_fact;
	const struct sw_fact *fact = kind ? sw_symptom_fact(telling->context, kind) : NULL;

	if (!fact)
		return;
	sw_auto_free char *text = sw_fact_told(fact);
	struct candidate *one = add(list, SW_EVIDENCE_FACT, fact->id, fact->time_ns);

	if (!one)
		return;
	one->rank = 3;
	one->line.proof = true;
	one->line.text = sw_arena_strdup(telling->arena, text);
}

/* ---- the timeline -------------------------------------------------------------------------------------------------- */

static int by_cause(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;

	if (one->order_ns != other->order_ns)
		return one->order_ns < other->order_ns ? -1 : 1;
	if (one->rank != other->rank)
		return one->rank < other->rank ? -1 : 1;
	return (one->line.number > other->line.number) - (one->line.number < other->line.number);
}

/* Proof stays; of the rest, what lies in the middle goes first. */
static void shorten(struct candidates *list)
{
	while (list->count > SW_EVIDENCE_MAX) {
		size_t middle = list->count / 2, best = list->count;

		for (size_t i = 0; i < list->count; i++) {
			size_t distance = i > middle ? i - middle : middle - i;
			size_t least = best == list->count ? list->count :
				       best > middle       ? best - middle :
							     middle - best;

			if (!list->items[i].line.proof && distance < least)
				best = i;
		}
		if (best == list->count)
			return;
		memmove(&list->items[best], &list->items[best + 1], (list->count - best - 1) * sizeof *list->items);
		list->count--;
	}
}

void sw_telling_evidence(const struct sw_telling *telling, struct sw_finding *finding)
{
	sw_auto_free struct candidates *list = sw_alloc(sizeof *list);
	const struct sw_facts *facts = telling->facts;

	add_calls(telling, list);
	add_packets(telling, list);
	add_place_packets(telling, list);
	add_neighbor(telling, list, facts->neighbor_ask, false);
	add_neighbor(telling, list, facts->neighbor_last_ask, false);
	add_neighbor(telling, list, facts->neighbor_answer, true);
	put_in_order_of_cause(telling->context, list);
	add_fact(telling, list);
	qsort(list->items, list->count, sizeof *list->items, by_cause);
	shorten(list);
	finding->evidence = sw_arena_alloc(telling->arena, (list->count + 1) * sizeof *finding->evidence);
	for (size_t i = 0; i < list->count; i++)
		finding->evidence[finding->evidence_count++] = list->items[i].line;
}
