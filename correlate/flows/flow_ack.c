/* Acknowledgements and windows: what one side says of the other's bytes.
 *
 * Enters: a segment with ACK. Leaves: acked_to, round trips (Karn: only what was sent once), duplicate and selective
 * acknowledgements, spurious retransmissions (RFC 2883 DSACK, RFC 3522 Eifel), zero windows. */
#include "correlate/flows/flow_track.h"

#define WILD INT64_C(0x40000000) /* no window is larger (RFC 7323, 2.3) */

static void round_trip(struct sw_side *s, int64_t ns)
{
	if (ns < 0)
		return;
	if (!s->rtt_count || ns < s->rtt_min_ns)
		s->rtt_min_ns = ns;
	if (!s->rtt_count || ns > s->rtt_max_ns)
		s->rtt_max_ns = ns;
	s->rtt_sum_ns += ns;
	s->rtt_count++;
}

static void count_spurious(struct sw_flow_track *track, enum sw_flow_side side)
{
	if (track->side[side].spurious_known)
		track->side[side].spurious_known--;
	else if (track->flow.side[side].spurious_retransmissions < track->flow.side[side].retransmissions)
		track->flow.side[side].spurious_retransmissions++;
}

/* Eifel: the acknowledgement echoes a timestamp from before the retransmission, so the first copy had arrived. */
static void eifel(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side side, int64_t acked_to,
		  struct sw_flow_change *change)
{
	struct sw_flow_side_state *state = &track->side[side];

	if (!state->resent_at || acked_to < state->resent_at)
		return;
	if (packet->tcp.timestamps && state->resent_tsval && (int32_t)(packet->tcp.tsecr - state->resent_tsval) < 0) {
		count_spurious(track, side);
		state->spurious_known++; /* a DSACK that says the same may follow */
		change->what |= SW_FLOW_SPURIOUS;
	}
	state->resent_at = 0;
}

static void advance(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from, int64_t to,
		    struct sw_flow_change *change)
{
	enum sw_flow_side side = SW_FLOW_OTHER(from);
	struct sw_side *s = &track->flow.side[side];
	struct sw_flow_acked acked = sw_flow_segments_ack(&track->side[side].segments, to);
	uint32_t largest = s->segment_size && acked.largest > s->segment_size ? s->segment_size : acked.largest;

	if (acked.newest_end == to && !acked.newest_resent)
		round_trip(s, packet->time_ns - acked.newest_ns);
	if (largest > s->largest_acked && to > 1)
		s->largest_acked = largest;
	change->acked_sent_ns = acked.oldest_ns;
	change->acked_resent = acked.resent;
	change->acked_all = to >= s->sent_to;
	change->what |= SW_FLOW_ACKED_MORE;
	const struct sw_flow_segments *left = &track->side[side].segments;
	if (left->count) {
		change->unacked_sent_ns = left->items[left->head].first_ns;
		change->unacked_resent = left->items[left->head].sends > 1;
	}
	eifel(track, packet, side, to, change);
	s->acked_to = to;
	s->acked_ns = packet->time_ns;
	s->retransmissions_unanswered = 0;
	s->largest_unacked = 0;
	track->side[from].duplicate_run = 0;
	sw_flow_holes_acked(track, side);
}

/* RFC 5681, 2: nothing but the same acknowledgement again while bytes are under way. With SACK blocks also when the window moved
 * (RFC 6675, 2: it is the blocks that say something was received); Wireshark calls those window updates and counts fewer. */
static void same_again(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		       const struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	const struct sw_side *other = &track->flow.side[SW_FLOW_OTHER(from)];
	struct sw_flow_side_state *state = &track->side[from];
	uint32_t window = packet->tcp.window;
	const struct sw_flow_mark *last = &state->marks[(state->mark_next + SW_FLOW_MARKS - 1) % SW_FLOW_MARKS];

	if (packet->payload_length || (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_FIN)) || !s->last_ack.packet)
		return;
	if (other->sent_to <= other->acked_to || (change->what & (SW_FLOW_KEEPALIVE | SW_FLOW_WINDOW_PROBE)))
		return;
	if (last->time_ns && last->window != window && !packet->tcp.sack_count)
		return;
	s->duplicate_acks++;
	state->duplicate_run++;
	state->last_duplicate_ns = packet->time_ns;
}

static void selective(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		      int64_t acked_to, struct sw_flow_change *change)
{
	enum sw_flow_side side = SW_FLOW_OTHER(from);
	struct sw_side *s = &track->flow.side[side];

	for (unsigned i = 0; i < packet->tcp.sack_count && i < 4; i++) {
		int64_t left = sw_flow_relative(s, packet->tcp.sack[i].left),
			right = sw_flow_relative(s, packet->tcp.sack[i].right);
		if (left < 0 || right <= left || right > s->sent_to)
			continue;
		bool inside = packet->tcp.sack_count > 1 && left >= sw_flow_relative(s, packet->tcp.sack[1].left) &&
			      right <= sw_flow_relative(s, packet->tcp.sack[1].right);
		if (i == 0 && (right <= acked_to || inside)) {
			count_spurious(track, side);
			change->what |= SW_FLOW_SPURIOUS;
			continue;
		}
		uint32_t size = sw_flow_segments_sack(&track->side[side].segments, left, right);
		if (s->segment_size && size > s->segment_size)
			size = s->segment_size;
		if (size > s->largest_acked)
			s->largest_acked = size;
		if (right > s->sacked_to)
			s->sacked_to = right;
		track->side[from].last_duplicate_ns = packet->time_ns;
	}
}

/* Bytes are acknowledged that no packet showed: the capture lost them, or shows them a moment later. */
static void beyond(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side side, int64_t to)
{
	struct sw_flow_side_state *state = &track->side[side];
	struct sw_side *s = &track->flow.side[side];

	if (!state->holes)
		state->holes = sw_alloc(SW_FLOW_HOLES_MAX * sizeof *state->holes);
	if (state->hole_count < SW_FLOW_HOLES_MAX)
		state->holes[state->hole_count++] = (struct sw_flow_hole){
			.from = s->sent_to, .to = to, .made_ns = packet->time_ns, .tsval = packet->tcp.tsecr + 1};
	else
		state->permanent_missed += to - s->sent_to;
	s->sent_to = to;
	sw_flow_history(track, side, SW_FLOW_LETTER_GAP);
}

void sw_flow_ack(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		 struct sw_flow_change *change)
{
	enum sw_flow_side side = SW_FLOW_OTHER(from);
	struct sw_side *s = &track->flow.side[side];
	int64_t to = sw_flow_relative(s, packet->tcp.ack);

	if (to > s->sent_to + WILD || to < s->acked_to - WILD)
		return;
	if (to > s->sent_to)
		beyond(track, packet, side, to);
	if (to > s->acked_to)
		advance(track, packet, from, to, change);
	else if (to == s->acked_to)
		same_again(track, packet, from, change);
	if (packet->tcp.sack_count)
		selective(track, packet, from, to, change);
	if (!packet->payload_length && !(packet->tcp.flags & (SW_TCP_SYN | SW_TCP_FIN)))
		sw_flow_history(track, from, SW_FLOW_LETTER_ACK);
	track->flow.side[from].last_ack = sw_flow_seen(packet);
}

void sw_flow_window(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		    struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	const struct sw_side *other = &track->flow.side[SW_FLOW_OTHER(from)];
	bool scaled = s->window_scale != 255 && other->window_scale != 255 && !(packet->tcp.flags & SW_TCP_SYN);
	uint32_t window = (uint32_t)packet->tcp.window << (scaled ? s->window_scale : 0);

	if (window != s->window)
		change->what |= SW_FLOW_WINDOW;
	s->window = window;
	if (window == 0 && !(packet->tcp.flags & (SW_TCP_SYN | SW_TCP_FIN))) {
		if (!s->zero_windows++)
			s->zero_window = sw_flow_seen(packet);
		s->last_zero_window = sw_flow_seen(packet);
		if (s->zero_since_ns == SW_TIME_NONE)
			s->zero_since_ns = packet->time_ns;
		sw_flow_history(track, from, SW_FLOW_LETTER_ZERO_WINDOW);
		change->what |= SW_FLOW_ZERO_WINDOW;
	} else if (window && s->zero_since_ns != SW_TIME_NONE) {
		s->zero_window_ns += packet->time_ns - s->zero_since_ns;
		s->zero_since_ns = SW_TIME_NONE;
	}
}
