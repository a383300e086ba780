/* IPv4 and IPv6: addresses, length, hop limit, fragments, extension headers.
 *
 * Enters: a cursor at the IP header and the frame's remaining length on the wire. Leaves: the packet's IP fields,
 * then the transport decoders'. RFC 791, RFC 8200, RFC 4302 (AH). */
#include <netinet/in.h>

#include "capture/checksum.h"
#include "capture/decode_internal.h"

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define EXTENSION_MAX 16 /* headers in a row; more is an attack, not a packet */

#ifndef IPPROTO_MH
#define IPPROTO_MH 135
#endif

static void fragment_header(struct sw_cursor *cursor, struct sw_extensions *found)
{
	found->protocol = sw_cursor_u8(cursor);
	sw_cursor_skip(cursor, 1);
	uint16_t word = sw_cursor_u16(cursor);

	found->fragment = true;
	found->more_fragments = word & 1;
	found->offset = word & 0xfff8;
	found->id = sw_cursor_u32(cursor);
}

static void routing_header(struct sw_cursor *cursor, struct sw_extensions *found)
{
	found->protocol = sw_cursor_u8(cursor);
	size_t words = sw_cursor_u8(cursor);

	sw_cursor_skip(cursor, 1);
	if (sw_cursor_u8(cursor) > 0)
		found->routed = true;
	sw_cursor_skip(cursor, (words + 1) * 8 - 4);
}

static void authentication_header(struct sw_cursor *cursor, struct sw_extensions *found)
{
	found->protocol = sw_cursor_u8(cursor);
	size_t words = sw_cursor_u8(cursor);

	sw_cursor_skip(cursor, (words + 2) * 4 - 2);
}

static void other_header(struct sw_cursor *cursor, struct sw_extensions *found)
{
	found->protocol = sw_cursor_u8(cursor);
	size_t words = sw_cursor_u8(cursor);

	sw_cursor_skip(cursor, (words + 1) * 8 - 2);
}

struct sw_extensions sw_decode_extensions(struct sw_cursor *cursor, uint8_t next)
{
	struct sw_extensions found = {.protocol = next};

	for (int i = 0; i < EXTENSION_MAX && !cursor->cut && !found.offset; i++) {
		switch (found.protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_DSTOPTS:
		case IPPROTO_MH: other_header(cursor, &found); break;
		case IPPROTO_ROUTING: routing_header(cursor, &found); break;
		case IPPROTO_FRAGMENT: fragment_header(cursor, &found); break;
		case IPPROTO_AH: authentication_header(cursor, &found); break;
		default: return found;
		}
	}
	return found;
}

/* The transport, or what a later fragment has of it. */
static void above(struct sw_packet *packet, struct sw_cursor cursor, size_t wire, const struct sw_extensions *found)
{
	struct sw_transport transport = {.cursor = cursor, .wire = wire};

	packet->protocol = found->protocol;
	packet->fragment_id = found->fragment ? found->id : 0;
	packet->fragment_offset = found->offset;
	if (found->more_fragments)
		packet->flags |= SW_PACKET_MORE_FRAGMENTS;
	if (found->offset) {
		packet->kind = SW_PACKET_FRAGMENT;
		packet->payload_length = (uint32_t)wire;
		packet->payload = cursor.at;
		packet->payload_captured = (uint32_t)sw_cursor_left(&cursor);
		return;
	}
	transport.verify = packet->way != SW_WAY_OUT && !(packet->flags & SW_PACKET_LOOPBACK) &&
			   !found->more_fragments && !found->routed;
	if (cursor.cut)
		packet->flags |= SW_PACKET_TRUNCATED;
	else
		sw_decode_transport(packet, &transport);
}

static void verify_ipv4(struct sw_packet *packet, const uint8_t *header, size_t length)
{
	if (header && packet->way == SW_WAY_IN && !(packet->flags & SW_PACKET_LOOPBACK) &&
	    sw_checksum_fold(sw_checksum_add(0, header, length)) != 0xffff)
		packet->flags |= SW_PACKET_BAD_CHECKSUM;
}

static void ipv4(struct sw_packet *packet, struct sw_cursor cursor, size_t wire)
{
	const uint8_t *header = cursor.at;
	size_t header_length = (sw_cursor_u8(&cursor) & 0xfu) * 4u;

	sw_cursor_skip(&cursor, 1);
	uint32_t total = sw_cursor_u16(&cursor);
	uint16_t id = sw_cursor_u16(&cursor), fragment = sw_cursor_u16(&cursor);

	packet->ttl = sw_cursor_u8(&cursor);
	packet->protocol = sw_cursor_u8(&cursor);
	sw_cursor_skip(&cursor, 2);
	sw_decode_v4(&packet->src.ip, sw_cursor_take(&cursor, 4));
	sw_decode_v4(&packet->dst.ip, sw_cursor_take(&cursor, 4));
	packet->ip_id = id;
	/* offload hands over segments above 64 KiB with a total length of 0 */
	packet->length = total ? total : (uint32_t)wire;
	if (cursor.cut || header_length < IPV4_HEADER || packet->length < header_length) {
		packet->flags |= cursor.cut ? SW_PACKET_TRUNCATED : 0;
		return;
	}
	sw_cursor_skip(&cursor, header_length - IPV4_HEADER);
	if (!cursor.cut && total)
		verify_ipv4(packet, header, header_length);
	if (fragment & 0x4000)
		packet->flags |= SW_PACKET_DONT_FRAGMENT;

	/* what stands behind the packet in the frame is padding */
	size_t rest = packet->length - header_length;
	struct sw_cursor inside =
		sw_cursor_of(cursor.at, rest < sw_cursor_left(&cursor) ? rest : sw_cursor_left(&cursor));

	inside.cut = cursor.cut;
	struct sw_extensions found = {.protocol = packet->protocol};
	uint16_t offset = (uint16_t)((fragment & 0x1fff) * 8u);

	if (!offset && packet->protocol == IPPROTO_AH)
		found = sw_decode_extensions(&inside, IPPROTO_AH);
	found.fragment = fragment & 0x3fff;
	found.more_fragments = fragment & 0x2000;
	found.offset = offset;
	found.id = id;
	size_t used = (size_t)(inside.at - cursor.at);

	above(packet, inside, rest > used ? rest - used : 0, &found);
}

static void ipv6(struct sw_packet *packet, struct sw_cursor cursor, size_t wire)
{
	sw_cursor_skip(&cursor, 4);
	uint32_t length = sw_cursor_u16(&cursor);
	uint8_t next = sw_cursor_u8(&cursor);

	packet->ttl = sw_cursor_u8(&cursor);
	sw_decode_v6(&packet->src.ip, sw_cursor_take(&cursor, 16));
	sw_decode_v6(&packet->dst.ip, sw_cursor_take(&cursor, 16));
	if (cursor.cut) {
		packet->flags |= SW_PACKET_TRUNCATED;
		return;
	}
	/* 0: a jumbogram, or a segment that offload left above 64 KiB */
	size_t rest = length ? length : (wire > IPV6_HEADER ? wire - IPV6_HEADER : 0);

	packet->length = (uint32_t)(rest + IPV6_HEADER);
	struct sw_cursor inside =
		sw_cursor_of(cursor.at, rest < sw_cursor_left(&cursor) ? rest : sw_cursor_left(&cursor));
	struct sw_extensions found = sw_decode_extensions(&inside, next);
	size_t used = (size_t)(inside.at - cursor.at);

	above(packet, inside, rest > used ? rest - used : 0, &found);
}

void sw_decode_ip(struct sw_packet *packet, struct sw_cursor cursor, size_t wire)
{
	if (!sw_cursor_left(&cursor))
		packet->flags |= SW_PACKET_TRUNCATED;
	else if (cursor.at[0] >> 4 == 4)
		ipv4(packet, cursor, wire);
	else if (cursor.at[0] >> 4 == 6)
		ipv6(packet, cursor, wire);
}
