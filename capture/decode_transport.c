/* TCP and UDP headers, and which decoder takes the rest.
 *
 * Enters: what stands above IP. Leaves: ports, TCP's numbers and options, where the payload is and how long it was.
 * RFC 9293, RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 768. */
#include <netinet/in.h>

#include "capture/checksum.h"
#include "capture/decode_internal.h"

#define TCP_HEADER 20u
#define UDP_HEADER 8u

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8
};

void sw_decode_verify(struct sw_packet *packet, const struct sw_transport *transport, size_t field_at, bool pseudo)
{
	size_t have = sw_cursor_left(&transport->cursor);
	uint16_t field;
	uint64_t above;

	if (!transport->verify || have < transport->wire || have < field_at + 2 || transport->cursor.cut)
		return;
	memcpy(&field, transport->cursor.at + field_at, sizeof field);
	above = pseudo ? sw_checksum_pseudo(&packet->src.ip, &packet->dst.ip, packet->protocol,
					    (uint32_t)transport->wire) :
			 0;
	if (sw_checksum_fold(sw_checksum_add(above, transport->cursor.at, transport->wire)) == 0xffff)
		return;
	/* Offload: the sender left the sum of the pseudo header for a device to complete, and a veth, a bridge or a
	 * tun hands the packet over as it is (CHECKSUM_PARTIAL, which the kernel takes as good). */
	if (pseudo && field == sw_checksum_fold(above))
		return;
	/* Captured on one Ethernet interface the way is not known; what leaves other systems may have no sum yet. */
	if (packet->way == SW_WAY_UNKNOWN && field == 0)
		return;
	packet->flags |= SW_PACKET_BAD_CHECKSUM;
}

static void option_sack(struct sw_tcp *tcp, struct sw_cursor *value)
{
	while (sw_cursor_left(value) >= 8 && tcp->sack_count < 4) {
		tcp->sack[tcp->sack_count].left = sw_cursor_u32(value);
		tcp->sack[tcp->sack_count++].right = sw_cursor_u32(value);
	}
}

static void option(struct sw_tcp *tcp, uint8_t kind, struct sw_cursor *value)
{
	size_t length = sw_cursor_left(value);

	if (kind == OPTION_MSS && length == 2) {
		tcp->mss = sw_cursor_u16(value);
	} else if (kind == OPTION_SCALE && length == 1) {
		tcp->window_scale = sw_cursor_u8(value);
	} else if (kind == OPTION_SACK_PERMITTED && length == 0) {
		tcp->sack_permitted = true;
	} else if (kind == OPTION_SACK) {
		option_sack(tcp, value);
	} else if (kind == OPTION_TIMESTAMPS && length == 8) {
		tcp->timestamps = true;
		tcp->tsval = sw_cursor_u32(value);
		tcp->tsecr = sw_cursor_u32(value);
	}
}

static void options(struct sw_tcp *tcp, struct sw_cursor cursor)
{
	while (sw_cursor_left(&cursor)) {
		uint8_t kind = sw_cursor_u8(&cursor);

		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		uint8_t length = sw_cursor_u8(&cursor);

		if (length < 2 || length - 2u > sw_cursor_left(&cursor))
			return;
		struct sw_cursor value = sw_cursor_sub(&cursor, length - 2u);

		option(tcp, kind, &value);
	}
}

static void payload(struct sw_packet *packet, const struct sw_cursor *cursor, size_t length)
{
	size_t have = sw_cursor_left(cursor);

	packet->payload = cursor->at;
	packet->payload_length = (uint32_t)length;
	packet->payload_captured = (uint32_t)(have < length ? have : length);
}

static void tcp(struct sw_packet *packet, const struct sw_transport *transport)
{
	struct sw_cursor cursor = transport->cursor;
	struct sw_tcp *tcp = &packet->tcp;

	packet->src.port = sw_cursor_u16(&cursor);
	packet->dst.port = sw_cursor_u16(&cursor);
	tcp->seq = sw_cursor_u32(&cursor);
	tcp->ack = sw_cursor_u32(&cursor);
	size_t header = (sw_cursor_u8(&cursor) >> 4) * 4u;

	tcp->flags = sw_cursor_u8(&cursor);
	tcp->window = sw_cursor_u16(&cursor);
	sw_cursor_skip(&cursor, 4);
	if (cursor.cut || header < TCP_HEADER || header > transport->wire) {
		packet->flags |= cursor.cut ? SW_PACKET_TRUNCATED : 0;
		return;
	}
	packet->kind = SW_PACKET_TCP;
	struct sw_cursor list = sw_cursor_sub(&cursor, header - TCP_HEADER);

	if (list.cut)
		packet->flags |= SW_PACKET_TRUNCATED;
	if (header > TCP_HEADER)
		options(tcp, list);
	payload(packet, &cursor, transport->wire - header);
	sw_decode_verify(packet, transport, 16, true);
}

static void udp(struct sw_packet *packet, const struct sw_transport *transport)
{
	struct sw_cursor cursor = transport->cursor;

	packet->src.port = sw_cursor_u16(&cursor);
	packet->dst.port = sw_cursor_u16(&cursor);
	size_t length = sw_cursor_u16(&cursor);
	uint16_t checksum = sw_cursor_u16(&cursor);

	if (cursor.cut || transport->wire < UDP_HEADER) {
		packet->flags |= cursor.cut ? SW_PACKET_TRUNCATED : 0;
		return;
	}
	packet->kind = SW_PACKET_UDP;
	/* 0: a jumbogram; more than there is: a first fragment */
	if (length < UDP_HEADER || length > transport->wire)
		length = transport->wire;
	payload(packet, &cursor, length - UDP_HEADER);
	if (checksum && length == transport->wire)
		sw_decode_verify(packet, transport, 6, true);
}

void sw_decode_transport(struct sw_packet *packet, struct sw_transport *transport)
{
	switch (packet->protocol) {
	case IPPROTO_TCP: tcp(packet, transport); break;
	case IPPROTO_UDP: udp(packet, transport); break;
	case IPPROTO_ICMP:
		if (packet->src.ip.family == 4)
			sw_decode_icmp(packet, transport);
		break;
	case IPPROTO_ICMPV6:
		if (packet->src.ip.family == 6)
			sw_decode_icmp6(packet, transport);
		break;
	default: break;
	}
}
