/* The class of a RST: who made it.
 *
 * Enters: a RST and what its side sent before. Leaves: class and marks in struct sw_side. A living socket
 * (abort, unread data, linger 0) sends it with ACK, timestamps where negotiated and a running IPv4 id; a host without that socket, or
 * a REJECT, sends a bare one with id 0, and with ACK only in answer to a SYN (RFC 9293, 3.5.2; tcp_v4_send_reset()). A hop count alone
 * is a mark, not a proof: the rules weigh it. */
#include "correlate/flows/flow_track.h"

#include <stdlib.h>

#define ID_NEAR                                                                                                        \
	4096 /* a running IPv4 id moves by less than this between two packets of one connection, however busy the host */

static bool answers_syn(const struct sw_flow *flow, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_side *asker = &flow->side[SW_FLOW_OTHER(from)];
	int64_t acked = sw_flow_relative(asker, packet->tcp.ack);

	return asker->syns && !flow->side[from].syns && (packet->tcp.flags & SW_TCP_ACK) && acked >= 1 &&
	       acked <= asker->sent_to;
}

static uint32_t marks_of(const struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_side *s = &track->flow.side[from], *other = &track->flow.side[SW_FLOW_OTHER(from)];
	uint32_t marks = 0;

	if (s->ttl && packet->ttl && s->ttl != packet->ttl)
		marks |= SW_RST_MARK_TTL;
	if (!(packet->tcp.flags & SW_TCP_ACK))
		marks |= SW_RST_MARK_NO_ACK;
	if (s->timestamps && other->timestamps && !packet->tcp.timestamps)
		marks |= SW_RST_MARK_NO_TIMESTAMPS;
	if (packet->src.ip.family == 4 && s->packets > 1 && s->ip_id && !s->ip_id_zero) {
		if (packet->ip_id == 0)
			marks |= SW_RST_MARK_ID_ZERO;
		else if (abs((int16_t)(uint16_t)(packet->ip_id - s->ip_id)) > ID_NEAR)
			marks |= SW_RST_MARK_ID;
	}
	if (track->side[from].based) {
		int64_t at = sw_flow_relative(s, packet->tcp.seq);
		if (at != s->sent_to && at != s->acked_to)
			marks |= SW_RST_MARK_ODD_SEQUENCE;
	}
	return marks;
}

static enum sw_rst_class class_of(uint32_t marks, const struct sw_packet *packet)
{
	bool id_runs = packet->src.ip.family == 4 && packet->ip_id && !(marks & SW_RST_MARK_ID);

	if (marks & SW_RST_MARK_TTL)
		return SW_RST_STRANGER;
	if ((marks & SW_RST_MARK_ID) && (marks & (SW_RST_MARK_NO_TIMESTAMPS | SW_RST_MARK_ODD_SEQUENCE)))
		return SW_RST_STRANGER;
	if (!(marks & SW_RST_MARK_NO_ACK) && (!(marks & SW_RST_MARK_NO_TIMESTAMPS) || id_runs))
		return SW_RST_LIVING_SOCKET;
	return SW_RST_NO_SOCKET;
}

static bool nothing_since(const struct sw_side *s, const struct sw_side *other, const struct sw_seen *before)
{
	int64_t asked = other->last_data.packet ? other->last_data.time_ns : SW_TIME_NONE;

	if (other->fin.packet && other->fin.time_ns > asked)
		asked = other->fin.time_ns;
	return asked != SW_TIME_NONE && (!before->packet || before->time_ns <= asked || s->packets == 1);
}

void sw_flow_rst(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow *flow = &track->flow;
	struct sw_side *s = &flow->side[from], *other = &flow->side[SW_FLOW_OTHER(from)];

	sw_flow_history(track, from, SW_FLOW_LETTER_RST);
	if (s->rsts++)
		return;
	s->rst = sw_flow_seen(packet);
	s->ttl_rst = packet->ttl;
	s->rst_marks = marks_of(track, packet, from);
	s->rst_ack = packet->tcp.flags & SW_TCP_ACK && track->side[SW_FLOW_OTHER(from)].based ?
			     sw_flow_relative(other, packet->tcp.ack) :
			     -1;
	s->rst_answers_data = nothing_since(s, other, &s->last_ack);
	if (answers_syn(flow, packet, from)) {
		s->rst_class = SW_RST_TO_SYN;
		if (!flow->rst_to_syn.packet)
			flow->rst_to_syn = sw_flow_seen(packet);
	} else {
		s->rst_class = class_of(s->rst_marks, packet);
	}
}
