/* One TCP packet: what it says of its flow. The steps in order: base of the numbers, SYN, data, FIN, acknowledgement, window,
 * RST, state.
 *
 * Enters: a packet whose flow and side are known. Leaves: facts in struct sw_flow and what changed. RFC 9293 for the states, RFC 1122
 * 4.2.3.6 for keepalives, 4.2.2.17 for window probes. Judges nothing. */
#include "correlate/flows/flow_track.h"

#include <string.h>

#include "capture/tls.h"

void sw_flow_history(struct sw_flow_track *track, enum sw_flow_side side, enum sw_flow_letter letter)
{
	static const char ours[] = "SHADFRTWCGKI", peers[] = "shadfrtwcgki";
	uint32_t count = ++track->side[side].letters[letter];
	char *history = track->flow.history;
	size_t length;

	while (count > 1 && count % 10 == 0)
		count /= 10;
	bool once = letter == SW_FLOW_LETTER_ACK || letter == SW_FLOW_LETTER_DATA;
	if (count != 1 || (once && track->side[side].letters[letter] > 1))
		return;
	length = strlen(history);
	if (length + 2 < sizeof track->flow.history)
		history[length] = side == SW_SIDE_OURS ? ours[letter] : peers[letter];
	else if (length + 2 == sizeof track->flow.history)
		history[length] = '+';
}

void sw_flow_base(struct sw_flow_track *track, enum sw_flow_side side, uint32_t isn)
{
	struct sw_side *s = &track->flow.side[side];

	track->side[side].based = true;
	s->isn = isn;
	s->sent_to = s->acked_to = 1;
}

uint32_t sw_flow_segment_size(const struct sw_flow *flow)
{
	const struct sw_side *a = &flow->side[0], *b = &flow->side[1];

	if (!a->mss || !b->mss)
		return 0;
	uint32_t size = a->mss < b->mss ? a->mss : b->mss;
	return a->timestamps && b->timestamps && size > 12 ? size - 12 : size;
}

/* ---- SYN ------------------------------------------------------------------------------------------------------ */

static void learn_options(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow *flow = &track->flow;
	struct sw_side *s = &flow->side[from];

	s->mss = packet->tcp.mss;
	s->window_scale = packet->tcp.window_scale > 14 && packet->tcp.window_scale != 255 ? 14 :
											     packet->tcp.window_scale;
	s->timestamps = packet->tcp.timestamps;
	s->sack = packet->tcp.sack_permitted;
	for (int i = 0; i < 2; i++)
		flow->side[i].segment_size = sw_flow_segment_size(flow);
}

static void syn_ack(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow *flow = &track->flow;
	const struct sw_side *asker = &flow->side[SW_FLOW_OTHER(from)];

	if (!flow->synack_count++) {
		flow->synack = sw_flow_seen(packet);
		if (asker->syns && asker->last_syn.time_ns <= packet->time_ns)
			flow->synack_rtt_ns = packet->time_ns - asker->last_syn.time_ns;
		sw_flow_history(track, from, SW_FLOW_LETTER_SYNACK);
	}
	flow->last_synack = sw_flow_seen(packet);
	track->side[0].scale_known = track->side[1].scale_known = asker->syns > 0;
	if (!asker->syns)
		flow->initiator = from == SW_SIDE_PEER;
}

static void sw_flow_syn(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow *flow = &track->flow;
	struct sw_side *s = &flow->side[from];
	bool ack = packet->tcp.flags & SW_TCP_ACK;

	if (!s->syns++) {
		if (s->sent_to < 1) {
			s->sent_to = 1;
			sw_flow_segments_add(&track->side[from].segments, 0, 1, packet->time_ns);
		}
		s->syn = sw_flow_seen(packet);
		learn_options(track, packet, from);
		if (!ack) {
			flow->initiator = from == SW_SIDE_OURS;
			flow->began_before = false;
			sw_flow_history(track, from, SW_FLOW_LETTER_SYN);
		}
	} else {
		s->syn_retransmissions++;
		s->retransmissions_unanswered++;
		sw_flow_segments_resend(&track->side[from].segments, 0, 1, packet->time_ns);
		sw_flow_history(track, from, SW_FLOW_LETTER_RETRANSMISSION);
	}
	s->isn = packet->tcp.seq;
	s->isn_known = true;
	s->last_syn = sw_flow_seen(packet);
	if (ack)
		syn_ack(track, packet, from);
}

/* ---- numbers to count from ------------------------------------------------------------------------------------ */

static void base_sides(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_tcp *tcp = &packet->tcp;
	enum sw_flow_side other = SW_FLOW_OTHER(from);

	if (!track->side[from].based && (tcp->flags & SW_TCP_SYN)) {
		track->side[from].based = true;
		track->flow.side[from].isn = tcp->seq;
	} else if (!track->side[from].based && !(tcp->flags & SW_TCP_RST)) {
		sw_flow_base(track, from, tcp->seq - 1);
	}
	if (!track->side[other].based && (tcp->flags & SW_TCP_ACK) && !(tcp->flags & SW_TCP_RST)) {
		sw_flow_base(track, other, tcp->ack - 1);
		if (tcp->flags & SW_TCP_SYN) /* a SYN-ACK whose SYN is not there says its number all the same */
			track->flow.side[other].isn_known = true;
	}
}

/* ---- FIN, probes, challenge ----------------------------------------------------------------------------------- */

static void sw_flow_fin(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from, int64_t at,
			struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	const struct sw_side *other = &track->flow.side[SW_FLOW_OTHER(from)];

	s->fins++;
	if (s->fin_at) {
		s->fin_retransmissions++;
		s->retransmissions_unanswered += s->acked_to <= s->fin_at;
		if (s->fin_retransmissions == 1)
			s->first_fin_again = sw_flow_seen(packet);
		sw_flow_segments_resend(&track->side[from].segments, s->fin_at, s->fin_at + 1, packet->time_ns);
		change->what |= SW_FLOW_RETRANSMISSION;
		return;
	}
	s->fin = sw_flow_seen(packet);
	s->fin_at = at;
	s->fin_ack = packet->tcp.flags & SW_TCP_ACK ? sw_flow_relative(other, packet->tcp.ack) : 0;
	s->fin_other_sent = other->sent_to;
	if (at + 1 > s->sent_to) {
		s->sent_to = at + 1;
		sw_flow_segments_add(&track->side[from].segments, at, at + 1, packet->time_ns);
	}
	sw_flow_history(track, from, SW_FLOW_LETTER_FIN);
	change->what |= SW_FLOW_FIN;
}

/* A probe has no data or one byte that the other side has had; Linux sends length 0 with the number before the first
 * unacknowledged byte for keepalives and window probes alike: the other side's window tells them apart. */
static bool is_probe(const struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		     int64_t at)
{
	const struct sw_side *s = &track->flow.side[from];

	if (packet->payload_length > 1 || (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_FIN | SW_TCP_RST)))
		return false;
	if (s->acked_to < 1 || !(packet->tcp.flags & SW_TCP_ACK))
		return false;
	if (packet->payload_length == 1)
		return at == s->sent_to - 1 && s->acked_to >= s->sent_to;
	return at == s->acked_to - 1 && (at == s->sent_to - 1 || track->flow.side[SW_FLOW_OTHER(from)].window == 0);
}

static void probe(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		  struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];
	const struct sw_side *other = &track->flow.side[SW_FLOW_OTHER(from)];

	if (other->last_ack.packet && other->window == 0) {
		s->window_probes++;
		change->what |= SW_FLOW_WINDOW_PROBE;
	} else {
		s->keepalives++;
		s->last_keepalive = sw_flow_seen(packet);
		change->what |= SW_FLOW_KEEPALIVE;
	}
	s->last_probe = sw_flow_seen(packet);
	s->probes_unanswered++;
	sw_flow_history(track, from, SW_FLOW_LETTER_KEEPALIVE);
}

/* Our SYN answered by a bare ACK of something else: the other end still holds a connection of this pair (RFC 5961, 4). */
static bool is_challenge(const struct sw_flow *flow, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_side *asker = &flow->side[SW_FLOW_OTHER(from)];

	if (flow->state != SW_FLOW_SYN_SENT || !asker->syns || flow->side[from].syns)
		return false;
	if ((packet->tcp.flags & (SW_TCP_ACK | SW_TCP_SYN | SW_TCP_RST)) != SW_TCP_ACK)
		return false;
	return packet->tcp.ack != (uint32_t)(asker->isn + 1);
}

/* ---- state ---------------------------------------------------------------------------------------------------- */

static void establish(struct sw_flow_track *track, const struct sw_packet *packet)
{
	track->flow.state = SW_FLOW_ESTABLISHED;
	track->flow.established_ns = packet->time_ns;
	if (track->flow.challenge_ack.packet) { /* the RST that answered it was for another connection of these ports */
		struct sw_side *ours = &track->flow.side[SW_SIDE_OURS];
		memset(&ours->rst, 0, sizeof ours->rst);
		ours->rsts = 0;
		ours->rst_class = SW_RST_NONE;
	}
}

static enum sw_flow_state closing_state(const struct sw_flow *flow)
{
	bool ours = flow->side[SW_SIDE_OURS].fin_at, peers = flow->side[SW_SIDE_PEER].fin_at;

	if (ours && peers)
		return SW_FLOW_CLOSED;
	return ours ? SW_FLOW_OURS_CLOSED : peers ? SW_FLOW_PEER_CLOSED : flow->state;
}

static void advance_state(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow *flow = &track->flow;
	uint8_t flags = packet->tcp.flags;

	if (flags &
	    SW_TCP_RST) { /* RFC 9293, 3.10.7.3: one that answers an old connection's ACK leaves ours as it is */
		if (from != SW_SIDE_OURS || flow->state != SW_FLOW_SYN_SENT || !flow->challenge_ack.packet)
			flow->state = SW_FLOW_RESET;
		return;
	}
	if (flow->state == SW_FLOW_RESET)
		return;
	if ((flags & SW_TCP_SYN) && flow->state <= SW_FLOW_SYN_RECEIVED)
		flow->state = flags & SW_TCP_ACK || flow->side[SW_FLOW_OTHER(from)].syns ? SW_FLOW_SYN_RECEIVED :
											   SW_FLOW_SYN_SENT;
	else if (flow->state == SW_FLOW_NEW || (flow->state == SW_FLOW_SYN_SENT && !flow->challenge_ack.packet))
		establish(track, packet); /* its beginning was not captured */
	else if (flow->state == SW_FLOW_SYN_RECEIVED && (flags & SW_TCP_ACK) && flow->side[from].acked_to >= 1) {
		flow->handshake_ack = sw_flow_seen(packet);
		establish(track, packet);
	}
	if (flow->state >= SW_FLOW_ESTABLISHED)
		flow->state = closing_state(flow);
}

/* ---- the packet ----------------------------------------------------------------------------------------------- */

/* Linux numbers the packets of a connection one by one (merged segments take one id each): a gap is packets that did not come. Others
 * number all that the host sends: where the ids have not been seen to run so, only a small gap means something. */
#define LOST_MOST 4096u
#define LOST_UNPROVEN 8u
#define STEPS_PROVE 3u

static uint32_t ids_of(const struct sw_side *s, const struct sw_packet *packet)
{
	return s->segment_size && packet->payload_length > s->segment_size ?
		       (packet->payload_length + s->segment_size - 1) / s->segment_size :
		       1;
}

static uint32_t lost_before(struct sw_side *s, const struct sw_packet *packet)
{
	uint16_t gap = (uint16_t)(packet->ip_id - s->ip_id_next);

	if (packet->src.ip.family != 4 || !packet->ip_id || !s->ip_id || s->ip_id_zero)
		return 0;
	if (gap == 0) {
		s->ip_id_steps++;
		return 0;
	}
	return gap <= (s->ip_id_steps >= STEPS_PROVE ? LOST_MOST : LOST_UNPROVEN) ? gap : 0;
}

static void note_lost(struct sw_side *s, const struct sw_packet *packet, struct sw_flow_change *change)
{
	change->lost_before = lost_before(s, packet);
	s->ip_id_next = (uint16_t)(packet->ip_id + ids_of(s, packet));
	if (!change->lost_before)
		return;
	s->lost_packets += change->lost_before;
	s->lost_last = sw_flow_seen(packet);
}

static void count(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		  struct sw_flow_change *change)
{
	struct sw_side *s = &track->flow.side[from];

	if (!s->packets++)
		s->first = sw_flow_seen(packet);
	s->last = sw_flow_seen(packet);
	track->flow.side[SW_FLOW_OTHER(from)].probes_unanswered = 0;
	if (packet->tcp.flags & SW_TCP_RST)
		return;
	s->ttl = packet->ttl;
	note_lost(s, packet, change);
	s->ip_id = packet->ip_id;
	if (!(packet->tcp.flags & SW_TCP_SYN)) /* a SYN-ACK of Linux has id 0 whatever follows */
		s->ip_id_zero = packet->src.ip.family == 4 && packet->ip_id == 0;
}

/* A silence counts when all that its breaker had sent was acknowledged: the pauses between retransmissions are none. */
static void note_silence(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
			 int64_t before_ns)
{
	struct sw_flow *flow = &track->flow;
	int64_t silence = packet->time_ns - before_ns;

	if (silence < SW_SILENCE_NS || (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_RST)))
		return;
	if (flow->side[from].acked_to < flow->side[from].sent_to)
		return;
	if (flow->silence_ns > flow->silence_before_ns)
		flow->silence_before_ns = flow->silence_ns;
	flow->silence_ns = silence;
	flow->silence_end = sw_flow_seen(packet);
}

/* Records of the handshake and alerts are worth keeping, application data is not. */
static bool is_telling(const struct sw_tls *tls)
{
	for (int i = 0; tls && i < tls->record_count; i++)
		if (tls->records[i].content != SW_TLS_APPLICATION)
			return true;
	return false;
}

static enum sw_flow_keep worth(const struct sw_flow *flow, const struct sw_packet *packet,
			       const struct sw_flow_change *change, enum sw_flow_side from)
{
	const struct sw_side *s = &flow->side[from];

	if (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_FIN | SW_TCP_RST) || (change->what & SW_FLOW_STATE_CHANGED))
		return SW_FLOW_KEEP_STATE;
	if (change->what & SW_FLOW_RETRANSMISSION)
		return SW_FLOW_KEEP_LOSS;
	if (change->what & (SW_FLOW_KEEPALIVE | SW_FLOW_WINDOW_PROBE))
		return SW_FLOW_KEEP_PROBE;
	if (change->what & SW_FLOW_ZERO_WINDOW)
		return SW_FLOW_KEEP_WINDOW;
	if (packet->payload_length && s->first_data.packet == packet->id)
		return SW_FLOW_KEEP_STATE;
	if (is_telling(packet->tls) || packet->dns || (packet->flags & SW_PACKET_BAD_CHECKSUM) ||
	    flow->silence_end.packet == packet->id)
		return SW_FLOW_KEEP_ODD;
	return SW_FLOW_KEEP_NOT;
}

static void content(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		    struct sw_flow_change *change)
{
	const struct sw_tcp *tcp = &packet->tcp;
	int64_t at = sw_flow_relative(&track->flow.side[from], tcp->seq);

	if (tcp->flags & SW_TCP_SYN) {
		sw_flow_syn(track, packet, from);
		at = 1; /* data in a SYN (RFC 7413) */
	}
	if (is_probe(track, packet, from, at)) {
		probe(track, packet, from, change);
		return;
	}
	if (packet->payload_length)
		sw_flow_data(track, packet, from, at, change);
	if (tcp->flags & SW_TCP_FIN)
		sw_flow_fin(track, packet, from, at + packet->payload_length, change);
}

void sw_flow_tcp_packet(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
			struct sw_flow_change *change, enum sw_flow_keep *keep)
{
	struct sw_flow *flow = &track->flow;
	enum sw_flow_state state = flow->state;
	int64_t before_ns = flow->last_ns;

	count(track, packet, from, change);
	if (is_challenge(flow, packet, from)) {
		if (!flow->challenge_ack.packet)
			flow->challenge_ack = sw_flow_seen(packet);
		*keep = SW_FLOW_KEEP_STATE;
		return;
	}
	if (packet->tcp.flags & SW_TCP_RST) {
		sw_flow_rst(track, packet, from);
		change->what |= SW_FLOW_RST;
	} else {
		base_sides(track, packet, from);
		note_silence(track, packet, from, before_ns);
		content(track, packet, from, change);
		if (packet->tcp.flags & SW_TCP_ACK)
			sw_flow_ack(track, packet, from, change);
		sw_flow_window(track, packet, from, change);
	}
	advance_state(track, packet, from);
	if (flow->state != state)
		change->what |= SW_FLOW_STATE_CHANGED;
	*keep = worth(flow, packet, change, from);
}
