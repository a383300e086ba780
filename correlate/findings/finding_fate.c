/* What became of a packet of ours, for whoever draws it: answered, sent again first, or never answered.
 *
 * Enters: the context's packets, oldest first, and its flow. Leaves: one word a packet; no judgement rests on it. A TCP segment is
 * answered by what acknowledges its last byte (RFC 9293, 3.4), a datagram by whatever comes back after it. */
#include "correlate/findings/finding_internal.h"

static uint32_t consumed(const struct sw_packet *packet)
{
	return packet->payload_length + !!(packet->tcp.flags & SW_TCP_SYN) + !!(packet->tcp.flags & SW_TCP_FIN);
}

static bool same_bytes(const struct sw_packet *a, const struct sw_packet *b)
{
	return a->kind == SW_PACKET_TCP && b->kind == SW_PACKET_TCP && sw_endpoint_equal(&a->src, &b->src) &&
	       a->tcp.seq == b->tcp.seq && consumed(a) > 0 && consumed(b) > 0 &&
	       !((a->tcp.flags ^ b->tcp.flags) & SW_TCP_SYN);
}

/* An ICMP error that quotes the packet, or what the other end sent that acknowledges all of it, or a RST to it. */
static bool answers(const struct sw_packet *answer, const struct sw_packet *packet)
{
	if (answer->kind == SW_PACKET_ICMP)
		return answer->icmp.is_error && sw_endpoint_equal(&answer->icmp.quote.src, &packet->src) &&
		       (packet->kind != SW_PACKET_TCP || !answer->icmp.quote.has_seq ||
			answer->icmp.quote.seq == packet->tcp.seq);
	if (answer->kind != packet->kind || !sw_endpoint_equal(&answer->dst, &packet->src))
		return false;
	if (packet->kind != SW_PACKET_TCP)
		return true;
	if ((answer->tcp.flags & (SW_TCP_RST | SW_TCP_ACK)) ==
	    SW_TCP_RST) /* RFC 9293, 3.5.2: it begins where the segment was at */
		return answer->tcp.seq == packet->tcp.ack;
	return (answer->tcp.flags & SW_TCP_ACK) &&
	       (int32_t)(answer->tcp.ack - (packet->tcp.seq + consumed(packet))) >= 0;
}

/* Of a connection with very many packets only some are kept: the flow knows how far everything was acknowledged. */
static bool acknowledged(const struct sw_symptom_context *context, const struct sw_packet *packet)
{
	const struct sw_flow *flow = context->flow;

	if (!flow || packet->kind != SW_PACKET_TCP)
		return false;
	const struct sw_side *side = &flow->side[context->flow_is_peers ? SW_SIDE_PEER : SW_SIDE_OURS];

	/* Relative numbers have 64 bits, the packet 32: the one near what was sent last is meant. */
	int64_t end =
		side->sent_to - (int32_t)(side->isn + (uint32_t)side->sent_to - (packet->tcp.seq + consumed(packet)));

	return side->isn_known && end <= side->acked_to;
}

static bool asks(const struct sw_packet *packet)
{
	return packet->kind == SW_PACKET_UDP ||
	       (packet->kind == SW_PACKET_TCP && consumed(packet) > 0 && !(packet->tcp.flags & SW_TCP_RST));
}

enum sw_fate sw_telling_fate(const struct sw_symptom_context *context, const struct sw_packet *packet,
			     enum sw_packet_way way)
{
	bool reached = false;

	if (way != SW_WAY_OUT || !asks(packet))
		return SW_FATE_UNKNOWN;
	for (size_t i = 0; i < context->packet_count; i++) {
		const struct sw_packet *other = context->packets[i];

		reached = reached || other == packet;
		if (!reached || other == packet)
			continue;
		if (answers(other, packet))
			return SW_FATE_ANSWERED;
		if (same_bytes(other, packet))
			return SW_FATE_SENT_AGAIN;
	}
	return acknowledged(context, packet) ? SW_FATE_ANSWERED : SW_FATE_UNANSWERED;
}

bool sw_telling_again(const struct sw_symptom_context *context, const struct sw_packet *packet)
{
	for (size_t i = 0; i < context->packet_count && context->packets[i] != packet; i++)
		if (same_bytes(context->packets[i], packet))
			return true;
	return false;
}
