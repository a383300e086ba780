/* ARP and IPv6 neighbour discovery: who asks for which address, who answers.
 *
 * Enters: a cursor at the ARP header, or at an ICMPv6 solicitation or advertisement. Leaves: struct sw_neighbor, in
 * which `sender` is always the one who asked: an answer names it as the one that is told. RFC 826, RFC 4861. */
#include "capture/decode_internal.h"

#define ETHERTYPE_IPV4 0x0800
#define ND_TARGET_LINK_ADDRESS 2

static void answered_by(struct sw_neighbor *neighbor, const uint8_t *mac, size_t length)
{
	if (mac)
		memcpy(neighbor->mac, mac, length < sizeof neighbor->mac ? length : sizeof neighbor->mac);
}

void sw_decode_arp(struct sw_packet *packet, struct sw_cursor cursor)
{
	struct sw_neighbor *neighbor = &packet->neighbor;
	struct sw_ip sender = {0}, target = {0};

	sw_cursor_skip(&cursor, 2); /* hardware type: the lengths say what is needed */
	uint16_t protocol = sw_cursor_u16(&cursor);
	uint8_t hardware_length = sw_cursor_u8(&cursor), protocol_length = sw_cursor_u8(&cursor);
	uint16_t operation = sw_cursor_u16(&cursor);
	const uint8_t *mac = sw_cursor_take(&cursor, hardware_length);

	sw_decode_v4(&sender, sw_cursor_take(&cursor, 4));
	sw_cursor_skip(&cursor, hardware_length);
	sw_decode_v4(&target, sw_cursor_take(&cursor, 4));
	if (cursor.cut) {
		packet->flags |= SW_PACKET_TRUNCATED;
		return;
	}
	if (protocol != ETHERTYPE_IPV4 || protocol_length != 4 || (operation != 1 && operation != 2))
		return;
	packet->kind = SW_PACKET_NEIGHBOR;
	packet->src.ip = sender;
	packet->dst.ip = target;
	neighbor->op = operation == 1 ? SW_NEIGHBOR_ASK : SW_NEIGHBOR_ANSWER;
	neighbor->target = operation == 1 ? target : sender;
	neighbor->sender = operation == 1 ? sender : target;
	if (operation == 2)
		answered_by(neighbor, mac, hardware_length);
}

static void link_address(struct sw_neighbor *neighbor, struct sw_cursor *cursor)
{
	while (sw_cursor_left(cursor) >= 2) {
		uint8_t type = sw_cursor_u8(cursor);
		size_t length = sw_cursor_u8(cursor) * 8u;

		if (length < 2)
			return;
		struct sw_cursor value = sw_cursor_sub(cursor, length - 2);

		if (type == ND_TARGET_LINK_ADDRESS && !value.cut)
			answered_by(neighbor, value.at, sw_cursor_left(&value));
	}
}

void sw_decode_discovery(struct sw_packet *packet, struct sw_cursor cursor, bool answer)
{
	struct sw_neighbor *neighbor = &packet->neighbor;

	sw_cursor_skip(&cursor, 8);
	sw_decode_v6(&neighbor->target, sw_cursor_take(&cursor, 16));
	if (cursor.cut) {
		packet->flags |= SW_PACKET_TRUNCATED;
		return;
	}
	packet->kind = SW_PACKET_NEIGHBOR;
	neighbor->op = answer ? SW_NEIGHBOR_ANSWER : SW_NEIGHBOR_ASK;
	neighbor->sender = answer ? packet->dst.ip : packet->src.ip;
	if (answer)
		link_address(neighbor, &cursor);
}
