/* ICMP and ICMPv6: type, code, MTU, and the packet that an error quotes.
 *
 * Enters: what stands above IP. Leaves: struct sw_icmp. A quote may be cut anywhere, by the sender (8 bytes of
 * transport are the least that RFC 792 asks for) or by the snap length: what is there is used. RFC 792, 1191, 4443,
 * 4884. */
#include <netinet/in.h>

#include "capture/decode_internal.h"

#define ICMP_HEADER 8u
#define TCP_FLAGS_AT 13u
/* RFC 792; RFC 4443, 4.1 and 4.2 */
#define ECHO_REPLY 0
#define ECHO_REQUEST 8
#define ECHO_REQUEST_V6 128
#define ECHO_REPLY_V6 129

/* The identifier of a quoted echo request, which stands where the asker's port would. */
static void quote_echo(struct sw_quote *quote, struct sw_cursor *cursor)
{
	uint8_t type = sw_cursor_u8(cursor);

	sw_cursor_skip(cursor, 3);
	uint16_t identifier = sw_cursor_u16(cursor);

	if (!cursor->cut && type == (quote->protocol == IPPROTO_ICMP ? ECHO_REQUEST : ECHO_REQUEST_V6))
		quote->src.port = identifier;
}

/* Ports and TCP's number and flags of a quoted transport header. */
static void quote_transport(struct sw_quote *quote, struct sw_cursor *cursor)
{
	if (quote->protocol == IPPROTO_ICMP || quote->protocol == IPPROTO_ICMPV6)
		quote_echo(quote, cursor);
	if (quote->protocol != IPPROTO_TCP && quote->protocol != IPPROTO_UDP)
		return;
	struct sw_cursor ahead = *cursor;
	uint16_t src = sw_cursor_u16(cursor), dst = sw_cursor_u16(cursor);

	if (cursor->cut)
		return;
	quote->src.port = src;
	quote->dst.port = dst;
	if (quote->protocol != IPPROTO_TCP)
		return;
	quote->seq = sw_cursor_u32(cursor);
	quote->has_seq = !cursor->cut;
	sw_cursor_skip(&ahead, TCP_FLAGS_AT);
	quote->flags = sw_cursor_u8(&ahead);
	quote->has_flags = !ahead.cut;
}

static void quote_ipv4(struct sw_quote *quote, struct sw_cursor *cursor)
{
	size_t header = (sw_cursor_u8(cursor) & 0xfu) * 4u;

	sw_cursor_skip(cursor, 1);
	quote->length = sw_cursor_u16(cursor);
	quote->ip_id = sw_cursor_u16(cursor);
	uint16_t fragment = sw_cursor_u16(cursor);

	sw_cursor_skip(cursor, 1);
	quote->protocol = sw_cursor_u8(cursor);
	sw_cursor_skip(cursor, 2);
	sw_decode_v4(&quote->src.ip, sw_cursor_take(cursor, 4));
	sw_decode_v4(&quote->dst.ip, sw_cursor_take(cursor, 4));
	quote->present = !cursor->cut && header >= 20;
	if (!quote->present || fragment & 0x1fff)
		return;
	sw_cursor_skip(cursor, header - 20);
	quote_transport(quote, cursor);
}

static void quote_ipv6(struct sw_quote *quote, struct sw_cursor *cursor)
{
	sw_cursor_skip(cursor, 4);
	uint32_t length = sw_cursor_u16(cursor) + 40u;
	uint8_t next = sw_cursor_u8(cursor);

	quote->length = length > UINT16_MAX ? UINT16_MAX : (uint16_t)length;
	sw_cursor_skip(cursor, 1);
	sw_decode_v6(&quote->src.ip, sw_cursor_take(cursor, 16));
	sw_decode_v6(&quote->dst.ip, sw_cursor_take(cursor, 16));
	quote->present = !cursor->cut;
	if (!quote->present)
		return;
	struct sw_extensions found = sw_decode_extensions(cursor, next);

	quote->protocol = found.protocol;
	if (!found.offset && !cursor->cut)
		quote_transport(quote, cursor);
}

static void quote(struct sw_quote *quote, struct sw_cursor cursor)
{
	if (!sw_cursor_left(&cursor))
		return;
	if (cursor.at[0] >> 4 == 4)
		quote_ipv4(quote, &cursor);
	else if (cursor.at[0] >> 4 == 6)
		quote_ipv6(quote, &cursor);
}

static bool is_error(const struct sw_icmp *icmp)
{
	if (icmp->v6)
		return icmp->type >= 1 && icmp->type < 128;
	/* unreachable, source quench, time exceeded, parameter problem; a redirect quotes too but refuses nothing */
	return icmp->type == 3 || icmp->type == 4 || icmp->type == 11 || icmp->type == 12;
}

static void body(struct sw_packet *packet, const struct sw_transport *transport)
{
	size_t have = sw_cursor_left(&transport->cursor), length = transport->wire;

	packet->payload_length = length > ICMP_HEADER ? (uint32_t)(length - ICMP_HEADER) : 0;
	packet->payload = transport->cursor.at + (have < ICMP_HEADER ? have : ICMP_HEADER);
	packet->payload_captured = have > ICMP_HEADER ? (uint32_t)(have - ICMP_HEADER) : 0;
	if (packet->payload_captured > packet->payload_length)
		packet->payload_captured = packet->payload_length;
}

/* Both versions have type, code, checksum and four bytes that depend on the type. */
static void message(struct sw_packet *packet, const struct sw_transport *transport, bool v6)
{
	struct sw_cursor cursor = transport->cursor;
	struct sw_icmp *icmp = &packet->icmp;

	icmp->v6 = v6;
	icmp->type = sw_cursor_u8(&cursor);
	icmp->code = sw_cursor_u8(&cursor);
	sw_cursor_skip(&cursor, 2);
	uint32_t rest = sw_cursor_u32(&cursor);

	if (cursor.cut) {
		packet->flags |= SW_PACKET_TRUNCATED;
		*icmp = (struct sw_icmp){0};
		return;
	}
	packet->kind = SW_PACKET_ICMP;
	icmp->is_error = is_error(icmp);
	icmp->is_reply = icmp->type == (v6 ? ECHO_REPLY_V6 : ECHO_REPLY);
	icmp->is_echo = icmp->is_reply || icmp->type == (v6 ? ECHO_REQUEST_V6 : ECHO_REQUEST);
	icmp->identifier = icmp->is_echo ? (uint16_t)(rest >> 16) : 0;
	if (!v6 && icmp->type == 3 && icmp->code == 4)
		icmp->mtu = rest & 0xffff; /* RFC 1191 */
	else if (v6 && icmp->type == 2)
		icmp->mtu = rest;
	if (icmp->is_error || (!v6 && icmp->type == 5))
		quote(&icmp->quote, cursor);
	body(packet, transport);
}

void sw_decode_icmp(struct sw_packet *packet, struct sw_transport *transport)
{
	message(packet, transport, false);
	if (packet->kind == SW_PACKET_ICMP)
		sw_decode_verify(packet, transport, 2, false);
}

void sw_decode_icmp6(struct sw_packet *packet, struct sw_transport *transport)
{
	message(packet, transport, true);
	if (packet->kind != SW_PACKET_ICMP)
		return;
	sw_decode_verify(packet, transport, 2, true);
	if (packet->icmp.type == 135 || packet->icmp.type == 136)
		sw_decode_discovery(packet, transport->cursor, packet->icmp.type == 136);
}
