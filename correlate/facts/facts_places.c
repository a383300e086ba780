/* Facts of the further places of capture: what passed where, and between which two of them packets were lost.
 *
 * Enters: the flow at the process and at the places, nearest first. Leaves: the section SW_FACTS_PLACES. What is counted is what was
 * waited for: SYNs, bytes that nobody acknowledged, probes, datagrams; on the way back what the peer sent. Judges nothing. */
#include <netinet/in.h>
#include <string.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/names.h"

struct crossing { /* what of one kind passed somewhere */
	int64_t count;
	const char *noun; /* NULL: `count` is of bytes */
	struct sw_seen seen, last;
};

struct view { /* the flow as one place has it */
	const struct sw_side *ours, *peer; /* NULL: nothing of it was seen there */
	const struct sw_flow *flow;
};

static struct view view_of(const struct sw_place_flow *there)
{
	const struct sw_flow *flow = there->flow;
	enum sw_flow_side ours = there->turned ? SW_SIDE_PEER : SW_SIDE_OURS;

	if (!flow)
		return (struct view){0};
	return (struct view){&flow->side[ours], &flow->side[ours == SW_SIDE_OURS ? SW_SIDE_PEER : SW_SIDE_OURS], flow};
}

/* How far this side's sequence space reaches, counted from a number of the other view. */
static int64_t beyond(const struct sw_side *side, int64_t to, const struct sw_side *base, int64_t from)
{
	return (int32_t)((uint32_t)(side->isn + (uint64_t)to) - (uint32_t)(base->isn + (uint64_t)from));
}

static bool is_answering(const struct sw_flow *flow)
{
	return !flow->initiator && flow->protocol == IPPROTO_TCP;
}

/* ---- what we sent and were waiting for --------------------------------------------------------------------------- */

static struct crossing opening_out(const struct sw_flow *flow, const struct view *view)
{
	struct crossing crossing = {.noun = is_answering(flow) ? "SYN-ACK" : "SYN"};

	if (!view->ours)
		return crossing;
	crossing.count = is_answering(flow) ? view->flow->synack_count : view->ours->syns;
	crossing.seen = is_answering(flow) ? view->flow->synack : view->ours->syn;
	crossing.last = is_answering(flow) ? view->flow->last_synack : view->ours->last_syn;
	return crossing;
}

static struct crossing bytes_out(const struct sw_side *here, const struct view *view)
{
	struct crossing crossing = {.noun = NULL};

	if (!view->ours || !view->ours->packets)
		return crossing;
	crossing.count = beyond(view->ours, view->ours->sent_to, here, here->acked_to);
	crossing.count = crossing.count < 0 ? 0 : crossing.count;
	crossing.seen = view->ours->last_new_data;
	crossing.last = view->ours->last_retransmission.packet ? view->ours->last_retransmission : view->ours->last;
	return crossing;
}

static struct crossing probes_out(const struct view *view)
{
	struct crossing crossing = {.noun = "probe"};

	if (view->ours) {
		crossing.count = view->ours->probes_unanswered;
		crossing.seen = crossing.last = view->ours->last_probe;
	}
	return crossing;
}

static struct crossing datagrams_out(const struct view *view)
{
	struct crossing crossing = {.noun = "datagram"};

	if (view->ours) {
		crossing.count = view->ours->packets;
		crossing.seen = view->ours->first;
		crossing.last = view->ours->last;
	}
	return crossing;
}

static struct crossing crossing_out(const struct sw_flow *flow, const struct view *view)
{
	const struct sw_side *here = &flow->side[SW_SIDE_OURS];

	if (flow->protocol == IPPROTO_UDP)
		return datagrams_out(view);
	if (flow->established_ns == SW_TIME_NONE && !flow->began_before)
		return opening_out(flow, view);
	if (here->sent_to > here->acked_to || here->retransmissions_unanswered)
		return bytes_out(here, view);
	return probes_out(view);
}

/* ---- what came for us --------------------------------------------------------------------------------------------- */

/* A connection that is being made: the ACK that ends the handshake where we serve, else the SYN's answer. */
static void opening_in(const struct sw_flow *flow, const struct view *view, struct crossing *crossing)
{
	const struct sw_flow *there = view->flow;

	if (is_answering(flow)) {
		crossing->noun = "ACK";
		crossing->count = there->handshake_ack.packet && !flow->handshake_ack.packet;
		return;
	}
	if (there->rst_to_syn.packet) {
		crossing->noun = "RST";
		crossing->count = 1;
	} else if (there->synack_count) {
		crossing->noun = "SYN-ACK";
		crossing->count = there->synack_count;
	} else {
		crossing->noun = "ICMP error";
		crossing->count = there->icmp_count;
		if (there->icmp_count)
			crossing->seen = crossing->last = there->icmp[0].first;
	}
	if (flow->side[SW_SIDE_PEER].packets || flow->icmp_count)
		crossing->count = 0;
}

static void bytes_in(const struct sw_flow *flow, const struct view *view, struct crossing *crossing)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];
	int64_t more = peer->packets ? beyond(view->peer, view->peer->sent_to, peer, peer->sent_to) : 0;
	int64_t acked = beyond(view->ours, view->ours->acked_to, ours, ours->acked_to);

	crossing->noun = more > 0 ? NULL : "acknowledgement";
	crossing->count = more > 0 ? more : acked > 0;
	crossing->seen = more > 0 ? view->peer->last_new_data : view->peer->last_ack;
}

/* More of an answer there than at the process. */
static struct crossing crossing_in(const struct sw_flow *flow, const struct view *view)
{
	struct crossing crossing = {0};

	if (!view->peer)
		return crossing;
	crossing.seen = view->peer->first;
	crossing.last = view->peer->last;
	if (flow->protocol == IPPROTO_UDP) {
		crossing.noun = "datagram";
		crossing.count = flow->side[SW_SIDE_PEER].packets ? 0 : view->peer->packets;
	} else if (flow->established_ns == SW_TIME_NONE && !flow->began_before) {
		opening_in(flow, view, &crossing);
	} else if (view->peer->packets) {
		bytes_in(flow, view, &crossing);
	}
	return crossing;
}

static const char *words(const struct crossing *crossing, struct sw_arena *arena)
{
	const char *noun = crossing->noun ? crossing->noun : "byte";
	const char *article = strchr("AEIO", noun[0]) ? "an" : "a";

	if (crossing->count == 1 && crossing->noun)
		return sw_arena_format(arena, "%s %s", article, noun);
	return sw_arena_format(arena, "%lld %s%s", (long long)crossing->count, noun, crossing->count == 1 ? "" : "s");
}

/* ---- between which two -------------------------------------------------------------------------------------------- */

struct place { /* the process itself is the first of them */
	struct sw_place_seen seen;
	struct view view;
	struct crossing out, in;
};

static void take_loss(struct sw_facts *facts, const struct place *passed, const struct place *missed,
		      const struct crossing *crossing, struct sw_arena *arena)
{
	facts->lost_what = words(crossing, arena);
	facts->lost_count = crossing->count;
	facts->lost_after = passed->seen.name;
	facts->lost_before = missed->seen.name;
	facts->lost_seen = crossing->seen;
	facts->lost_last = crossing->last;
	facts->lost_on_host = (passed->seen.on_host || !passed->seen.place) &&
			      (missed->seen.on_host || !missed->seen.place);
	facts->lost_absence_counts = missed->seen.absence == SW_ABSENCE_COUNTS;
}

/* Outward: the farthest place that they passed, and the next one that would have seen them. */
static void lost_outward(struct sw_facts *facts, const struct place *places, size_t count, struct sw_arena *arena)
{
	size_t last = 0;

	for (size_t i = 1; i < count; i++)
		if (places[i].out.count > 0)
			last = i;
	if (last) {
		facts->left_by = places[last].seen.name;
		facts->left_what = words(&places[last].out, arena);
		facts->left_seen = places[last].out.seen;
		facts->left_all = places[last].out.count >= places[0].out.count;
	}
	for (size_t i = last + 1; i < count; i++) {
		if (places[i].seen.absence == SW_ABSENCE_NOTHING)
			continue;
		take_loss(facts, &places[last], &places[i], &places[last].out, arena);
		facts->lost_way_sure = places[i].seen.way == SW_PLACE_WAY_SURE;
		facts->lost_way_likely = places[i].seen.way >= SW_PLACE_WAY_LIKELY;
		return;
	}
}

/* Inward: the nearest place that it passed, and the next one on the way to us. */
static bool lost_inward(struct sw_facts *facts, const struct place *places, size_t count, struct sw_arena *arena)
{
	for (size_t i = 1; i < count; i++) {
		if (places[i].in.count <= 0)
			continue;
		for (size_t j = i; j-- > 0;) {
			if (places[j].seen.absence == SW_ABSENCE_NOTHING)
				continue;
			take_loss(facts, &places[i], &places[j], &places[i].in, arena);
			facts->lost_inward = facts->lost_way_sure = facts->lost_way_likely = true;
			return true;
		}
	}
	return false;
}

/* ---- what was made good later -------------------------------------------------------------------------------------- */

static int64_t moved(const struct sw_side *side)
{
	return side ? side->bytes + side->retransmitted_bytes : 0;
}

static int64_t share(int64_t lost, int64_t again)
{
	return again <= 0 || lost <= 0 ? 0 : lost >= again ? 100 : lost * 100 / again;
}

/* Of what was sent again, percent that had been lost between here and the place. Offload counts bytes alike at both. */
static void lost_in_part(struct sw_facts *facts, const struct sw_flow *flow, const struct place *process,
			 const struct place *place, struct sw_arena *arena)
{
	const struct sw_side *ours = process->view.ours, *peer = process->view.peer;
	const struct view *there = &place->view;
	struct crossing lost = {0};
	int64_t out = 0, in = 0;

	if (!there->flow || there->flow->began_before != flow->began_before ||
	    place->seen.absence == SW_ABSENCE_NOTHING || process->seen.absence == SW_ABSENCE_NOTHING)
		return;
	if (!ours->data_packets && !peer->data_packets) {
		lost.noun = "SYN";
		lost.count = (int64_t)ours->syns - there->ours->syns;
		out = share(lost.count, (int64_t)ours->syns - 1);
		lost.seen = ours->syn;
		lost.last = ours->last_syn;
	} else if (flow->protocol == IPPROTO_TCP) {
		lost.count = moved(ours) - moved(there->ours);
		out = share(lost.count, ours->retransmitted_bytes);
		in = share(moved(there->peer) - moved(peer), there->peer->retransmitted_bytes);
		lost.seen = in > out ? there->peer->last_retransmission : ours->first_retransmission;
		lost.last = in > out ? there->peer->last_retransmission : ours->last_retransmission;
		lost.count = in > out ? moved(there->peer) - moved(peer) : lost.count;
	}
	if (!out && !in)
		return;
	if (in > out)
		take_loss(facts, place, process, &lost, arena);
	else
		take_loss(facts, process, place, &lost, arena);
	facts->lost_inward = in > out;
	facts->lost_share = in > out ? in : out;
	facts->lost_way_sure = facts->lost_way_likely = true;
}

/* ---- the section --------------------------------------------------------------------------------------------------- */

void sw_facts_of_places(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_flow *flow = context->flow;
	struct place places[SW_SYMPTOM_PLACES + 1] = {0};
	size_t count = context->place_count + 1;

	if (!context->place_count)
		return;
	places[0].seen = (struct sw_place_seen){.name = "the program's own interfaces",
						.there = {.flow = flow},
						.way = SW_PLACE_WAY_SURE,
						.absence = context->absence};
	if (facts->route_device)
		places[0].seen.name = sw_arena_format(arena, "the program's %s", facts->route_device);
	for (size_t i = 0; i < count; i++) {
		if (i)
			places[i].seen = context->places[i - 1];
		places[i].view = view_of(&places[i].seen.there);
		places[i].out = crossing_out(flow, &places[i].view);
		places[i].in = i ? crossing_in(flow, &places[i].view) : (struct crossing){0};
	}
	facts->places = (int64_t)context->place_count;
	facts->forwarding_refused = context->forwarding_error ? sw_errno_name(context->forwarding_error) : NULL;
	facts->lost_count = -1;
	if (facts->slow) {
		for (size_t i = 1; i < count && !facts->lost_after; i++)
			lost_in_part(facts, flow, &places[0], &places[i], arena);
		return;
	}
	if (!places[0].out.count)
		return;
	if (!lost_inward(facts, places, count, arena))
		lost_outward(facts, places, count, arena);
}
