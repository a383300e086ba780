/* Payload of one side: new bytes, bytes sent again, bytes out of order, bytes that the capture has not.
 *
 * Enters: a segment with its relative position. Leaves: counts in struct sw_side. What is sent again is told from what comes late by
 * the IPv4 id and the timestamp where they run (a late packet has the older ones), else by time. RFC 5681, 6675, 8985. */
#include "correlate/flows/flow_track.h"

#include <string.h>

#define SAYS_LEAST 6 /* bytes by which TLS, and what a request is, can be told */
#define LATE_NS                                                                                                        \
	(3 * SW_NS_PER_MS) /* reordering that nothing else tells from a retransmission: as Wireshark's threshold */
#define FAST_NS                                                                                                        \
	(100 *                                                                                                         \
	 SW_NS_PER_MS) /* beyond a round trip: behind a duplicate acknowledgement, but by a timer (RTO is at least 200 ms) */

/* ---- holes ---------------------------------------------------------------------------------------------------- */

static void missed(struct sw_flow_track *track, enum sw_flow_side side)
{
	struct sw_side *s = &track->flow.side[side];
	const struct sw_flow_side_state *state = &track->side[side];

	s->missed_bytes = state->permanent_missed;
	for (uint32_t i = 0; i < state->hole_count; i++)
		if (state->holes[i].acked)
			s->missed_bytes += state->holes[i].to - state->holes[i].from;
	s->lost_by_capture = s->missed_bytes > 0;
}

/* The first hole that the receiver has not acknowledged either: bytes that really are not there. */
void sw_flow_hole_note(struct sw_flow_track *track, enum sw_flow_side side)
{
	struct sw_side *s = &track->flow.side[side];
	const struct sw_flow_side_state *state = &track->side[side];
	int64_t before = s->hole_at;

	s->hole_at = s->hole_to = 0;
	for (uint32_t i = 0; i < state->hole_count && !s->hole_at; i++)
		if (!state->holes[i].acked) {
			s->hole_at = state->holes[i].from;
			s->hole_to = state->holes[i].to;
		}
	if (s->hole_at != before)
		s->after_hole_largest = 0;
}

static void drop_hole(struct sw_flow_side_state *state, uint32_t index)
{
	state->hole_count--;
	memmove(&state->holes[index], &state->holes[index + 1], (state->hole_count - index) * sizeof *state->holes);
}

static void add_hole(struct sw_flow_track *track, enum sw_flow_side side, struct sw_flow_hole hole)
{
	struct sw_flow_side_state *state = &track->side[side];

	if (!state->holes)
		state->holes = sw_alloc(SW_FLOW_HOLES_MAX * sizeof *state->holes);
	if (state->hole_count == SW_FLOW_HOLES_MAX) {
		if (state->holes[0].acked)
			state->permanent_missed += state->holes[0].to - state->holes[0].from;
		drop_hole(state, 0);
	}
	state->holes[state->hole_count++] = hole;
	sw_flow_history(track, side, SW_FLOW_LETTER_GAP);
	sw_flow_hole_note(track, side);
}

void sw_flow_holes_acked(struct sw_flow_track *track, enum sw_flow_side side)
{
	struct sw_flow_side_state *state = &track->side[side];
	int64_t acked_to = track->flow.side[side].acked_to;
	bool any = false;

	for (uint32_t i = 0; i < state->hole_count; i++)
		if (!state->holes[i].acked && state->holes[i].to <= acked_to)
			any = state->holes[i].acked = true;
	if (any) {
		missed(track, side);
		sw_flow_hole_note(track, side);
	}
}

static bool came_late(const struct sw_flow_track *track, const struct sw_flow_hole *hole,
		      const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_side *s = &track->flow.side[from];

	if (packet->src.ip.family == 4 && packet->ip_id && hole->ip_id && packet->ip_id != hole->ip_id)
		return (int16_t)(uint16_t)(packet->ip_id - hole->ip_id) < 0;
	if (packet->tcp.timestamps && packet->tcp.tsval != hole->tsval)
		return (int32_t)(packet->tcp.tsval - hole->tsval) < 0;
	return packet->time_ns - hole->made_ns <= (s->rtt_count && s->rtt_min_ns > LATE_NS ? s->rtt_min_ns : LATE_NS);
}

/* Takes [start, end) out of the holes. Returns how many bytes it filled; `late` says by a packet out of order. */
static int64_t fill(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from, int64_t start,
		    int64_t end, bool *late)
{
	struct sw_flow_side_state *state = &track->side[from];
	int64_t filled = 0;

	for (uint32_t i = 0; i < state->hole_count;) {
		struct sw_flow_hole *hole = &state->holes[i];
		if (end <= hole->from || start >= hole->to) {
			i++;
			continue;
		}
		int64_t from_here = start > hole->from ? start : hole->from, to_here = end < hole->to ? end : hole->to;
		*late |= came_late(track, hole, packet, from);
		filled += to_here - from_here;
		struct sw_flow_hole rest = *hole;
		if (from_here > hole->from && to_here < hole->to && state->hole_count < SW_FLOW_HOLES_MAX) {
			hole->to = from_here;
			rest.from = to_here;
			memmove(hole + 2, hole + 1, (state->hole_count - i - 1) * sizeof *hole);
			hole[1] = rest;
			state->hole_count++;
			break;
		}
		if (from_here > hole->from)
			hole->to = from_here;
		else
			hole->from = to_here;
		if (hole->from >= hole->to)
			drop_hole(state, i);
		else
			i++;
	}
	if (filled) {
		missed(track, from);
		sw_flow_hole_note(track, from);
	}
	return filled;
}

/* ---- sent again ----------------------------------------------------------------------------------------------- */

static bool is_fast(const struct sw_flow_track *track, enum sw_flow_side from, int64_t start, int64_t now)
{
	const struct sw_side *s = &track->flow.side[from];
	const struct sw_flow_side_state *other = &track->side[SW_FLOW_OTHER(from)];
	int64_t limit = FAST_NS + (s->rtt_count ? s->rtt_min_ns : 0);

	if (s->sacked_to <= start && other->duplicate_run < 2)
		return false;
	return now - other->last_duplicate_ns <= limit;
}

static void sent_again(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		       int64_t start, int64_t end, struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	struct sw_flow_side_state *state = &track->side[from];
	uint32_t size = (uint32_t)(end - start);

	if (!s->retransmissions++)
		s->first_retransmission = sw_flow_seen(packet);
	s->last_retransmission = sw_flow_seen(packet);
	s->retransmitted_bytes += end - start;
	s->retransmissions_unanswered += end > s->acked_to;
	sw_flow_segments_resend(&state->segments, start, end, packet->time_ns);
	if (s->segment_size && size > s->segment_size)
		size = s->segment_size;
	if (end > s->acked_to && size > s->largest_unacked)
		s->largest_unacked = size;
	if (is_fast(track, from, start, packet->time_ns))
		s->fast_retransmissions++;
	else
		s->timeout_retransmissions++;
	if (end == (s->fin_at ? s->fin_at : s->sent_to))
		s->tail_retransmissions++;
	if (end <= s->acked_to) {
		s->spurious_retransmissions++;
		state->spurious_known++;
	} else if (!state->resent_at && start <= s->acked_to) {
		state->resent_at = end;
		state->resent_tsval = packet->tcp.timestamps ? packet->tcp.tsval : 0;
	}
	sw_flow_history(track, from, SW_FLOW_LETTER_RETRANSMISSION);
	change->what |= SW_FLOW_RETRANSMISSION;
}

/* The same packet again on the same interface: a network that duplicates, or a capture that does. */
static bool is_copy(const struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_flow_side_state *state = &track->side[from];

	if (packet->src.ip.family != 4 || !packet->ip_id)
		return false;
	for (uint32_t i = 0; i < SW_FLOW_MARKS; i++) {
		const struct sw_flow_mark *mark = &state->marks[i];
		if (mark->ip_id == packet->ip_id && mark->seq == packet->tcp.seq && mark->length == packet->length &&
		    mark->ack == packet->tcp.ack && packet->time_ns - mark->time_ns <= 5 * SW_DUPLICATE_NS)
			return true;
	}
	return false;
}

/* ---- what is said --------------------------------------------------------------------------------------------- */

static int64_t said_to(const struct sw_side *asker, const struct sw_speech *speech, int64_t start)
{
	if (speech->kind == SW_SPEECH_ENDLESS)
		return SW_SAID_ENDLESS;
	if (asker->asks_head)
		return start + speech->head;
	if (speech->kind == SW_SPEECH_CHUNKED)
		return SW_SAID_CHUNKED;
	return speech->length >= 0 ? start + speech->length : 0;
}

int64_t sw_side_missing(const struct sw_side *side)
{
	int64_t end = side->fin_at ? side->fin_at : side->sent_to;

	return side->said_to > end && side->said_to != SW_SAID_ENDLESS ? side->said_to - end : 0;
}

struct sw_seen sw_side_gone(const struct sw_side *side)
{
	if (!side->fin.packet || (side->rst.packet && side->rst.time_ns < side->fin.time_ns))
		return side->rst;
	return side->fin;
}

bool sw_side_chunks_cut(const struct sw_side *side)
{
	return side->fin_at && !side->hole_at && side->said_to == SW_SAID_CHUNKED && side->tail < SW_TAIL_LINE;
}

static void refused(const struct sw_side *asker, struct sw_side *s, const struct sw_packet *packet)
{
	if (!asker->asks_tls || s->refused_tls.packet)
		return;
	s->refused_tls = sw_flow_seen(packet);
	s->refused_at = asker->sent_to;
}

/* A side that speaks after the other begins a new turn: what was said before is settled. */
static void spoken(struct sw_flow *flow, const struct sw_packet *packet, enum sw_flow_side from, int64_t start)
{
	struct sw_side *s = &flow->side[from], *other = &flow->side[SW_FLOW_OTHER(from)];
	const struct sw_speech *speech = &packet->speech;

	if (other->last_new_data.packet && other->last_new_data.time_ns >= s->last_new_data.time_ns &&
	    other->said_to != SW_SAID_ENDLESS) {
		s->asks_to_wait = s->asks_head = s->asks_whole = s->asked_all = s->asks_tls = false;
		other->said_to = 0;
		other->said_body = -1;
	}
	s->tail = sw_speech_tail(speech, start > s->sent_to ? SW_TAIL_UNKNOWN : s->tail);
	switch (speech->kind) {
	case SW_SPEECH_ASKS:
		s->asks_whole = true;
		s->asked_all = speech->length == 0;
		break;
	case SW_SPEECH_WAITS: s->asks_to_wait = true; break;
	case SW_SPEECH_UPGRADE: s->asks_tls = true; break;
	case SW_SPEECH_REFUSES: refused(other, s, packet); break;
	case SW_SPEECH_HEAD: s->asks_head = s->asked_all = true; break;
	case SW_SPEECH_ANSWER:
	case SW_SPEECH_ENDLESS:
	case SW_SPEECH_CHUNKED:
		s->said_to = said_to(other, speech, start);
		s->said_body = speech->kind == SW_SPEECH_ANSWER && speech->length >= 0 ? speech->length - speech->head :
											 -1;
		break;
	case SW_SPEECH_LAST:
		if (s->said_to == SW_SAID_CHUNKED)
			s->said_to = start + packet->payload_length;
		break;
	default: break;
	}
}

/* ---- one segment ---------------------------------------------------------------------------------------------- */

static void new_bytes(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		      int64_t start, int64_t end, struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	const struct sw_side *other = &track->flow.side[SW_FLOW_OTHER(from)];

	if (start > s->sent_to)
		add_hole(track, from,
			 (struct sw_flow_hole){.from = s->sent_to,
					       .to = start,
					       .made_ns = packet->time_ns,
					       .tsval = packet->tcp.tsval,
					       .ip_id = packet->ip_id});
	else if (start < s->sent_to) {
		sent_again(track, packet, from, start, s->sent_to, change); /* merged with what is new */
		start = s->sent_to;
	}
	sw_flow_segments_add(&track->side[from].segments, start, end, packet->time_ns);
	s->sent_to = end;
	s->bytes += end - start;
	s->last_new_data = sw_flow_seen(packet);
	change->new_bytes += end - start;
	change->what |= SW_FLOW_NEW_DATA;
	if (s->hole_at && (uint32_t)(end - start) > s->after_hole_largest)
		s->after_hole_largest = (uint32_t)(end - start);
	if (track->side[SW_FLOW_OTHER(from)].scale_known && other->window && s->sent_to - s->acked_to >= other->window)
		s->window_fulls++;
}

void sw_flow_data(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from, int64_t start,
		  struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	int64_t end = start + packet->payload_length;
	uint32_t size = packet->payload_length;
	bool late = false;

	if (start > s->sent_to + INT64_C(0x40000000) || end < s->sent_to - INT64_C(0x40000000))
		return; /* no number of this connection (RFC 9293: windows are below 2^30) */
	if (s->segment_size && size > s->segment_size)
		size = s->segment_size;
	if (size > s->largest_segment)
		s->largest_segment = size;
	s->unread |= packet->payload_captured < SAYS_LEAST && packet->payload_captured < packet->payload_length;
	if (!s->data_packets++)
		s->first_data = sw_flow_seen(packet);
	s->last_data = sw_flow_seen(packet);
	sw_flow_history(track, from, SW_FLOW_LETTER_DATA);
	if (end > s->sent_to) {
		spoken(&track->flow, packet, from, start);
		if (start < s->sent_to)
			change->new_bytes += fill(track, packet, from, start, s->sent_to, &late);
		new_bytes(track, packet, from, start, end, change);
		return;
	}
	int64_t filled = fill(track, packet, from, start, end, &late);
	if (filled) {
		s->bytes += filled;
		change->new_bytes += filled;
		change->what |= SW_FLOW_NEW_DATA;
		s->last_new_data = sw_flow_seen(packet);
	}
	if (late) {
		s->out_of_order++;
	} else if (is_copy(track, packet, from)) {
		s->duplicates++;
	} else if (start >= 1) {
		sent_again(track, packet, from, start, end, change);
	}
}
