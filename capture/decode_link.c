/* Link layers: Ethernet with VLAN tags, Linux cooked (both versions), raw IP, BSD loopback.
 *
 * Enters: a frame and its link type. Leaves: way, interface and loopback flag as far as the link layer tells, and
 * what the IP and ARP decoders make of the rest. https://www.tcpdump.org/linktypes.html */
#include "capture/decode.h"
#include "capture/decode_internal.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_PPPOE 0x8864
#define VLAN_DEPTH 4

/* linux/if_arp.h: types whose cooked `protocol` is an Ethertype, but for these */
#define ARPHRD_LOOPBACK_TYPE 772
#define ARPHRD_NETLINK_TYPE 824

/* linux/if_packet.h */
enum { PKT_HOST, PKT_BROADCAST, PKT_MULTICAST, PKT_OTHERHOST, PKT_OUTGOING };

struct frame {
	struct sw_cursor cursor;
	size_t wire; /* of the whole frame */
	const uint8_t *begin;
};

static size_t wire_left(const struct frame *frame)
{
	size_t used = (size_t)(frame->cursor.at - frame->begin);

	return frame->wire > used ? frame->wire - used : 0;
}

static uint16_t pppoe(struct frame *frame)
{
	sw_cursor_skip(&frame->cursor, 6);
	switch (sw_cursor_u16(&frame->cursor)) {
	case 0x0021: return ETHERTYPE_IPV4;
	case 0x0057: return ETHERTYPE_IPV6;
	default: return 0;
	}
}

static void decode_ethertype(struct sw_packet *packet, struct frame *frame, uint16_t type)
{
	for (int depth = 0; depth < VLAN_DEPTH; depth++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ && type != ETHERTYPE_QINQ_OLD)
			break;
		sw_cursor_skip(&frame->cursor, 2);
		type = sw_cursor_u16(&frame->cursor);
	}
	if (type == ETHERTYPE_PPPOE)
		type = pppoe(frame);
	if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6)
		sw_decode_ip(packet, frame->cursor, wire_left(frame));
	else if (type == ETHERTYPE_ARP)
		sw_decode_arp(packet, frame->cursor);
	else if (frame->cursor.cut)
		packet->flags |= SW_PACKET_TRUNCATED;
}

static void ethernet(struct sw_packet *packet, struct frame *frame)
{
	static const uint8_t none[12] = {0};
	const uint8_t *macs = sw_cursor_take(&frame->cursor, 12);

	/* Linux's lo has an Ethernet header of zeros */
	if (macs && !memcmp(macs, none, sizeof none))
		packet->flags |= SW_PACKET_LOOPBACK;
	decode_ethertype(packet, frame, sw_cursor_u16(&frame->cursor));
}

static void cooked(struct sw_packet *packet, uint16_t hardware, uint16_t type)
{
	if (hardware == ARPHRD_LOOPBACK_TYPE)
		packet->flags |= SW_PACKET_LOOPBACK;
	if (type == PKT_OUTGOING)
		packet->way = SW_WAY_OUT;
	else if (type <= PKT_MULTICAST)
		packet->way = SW_WAY_IN;
}

static void sll(struct sw_packet *packet, struct frame *frame)
{
	uint16_t type = sw_cursor_u16(&frame->cursor);
	uint16_t hardware = sw_cursor_u16(&frame->cursor);

	sw_cursor_skip(&frame->cursor, 10); /* address length, address */
	uint16_t protocol = sw_cursor_u16(&frame->cursor);

	cooked(packet, hardware, frame->cursor.cut ? PKT_OTHERHOST : type);
	if (hardware != ARPHRD_NETLINK_TYPE)
		decode_ethertype(packet, frame, protocol);
}

static void sll2(struct sw_packet *packet, struct frame *frame)
{
	uint16_t protocol = sw_cursor_u16(&frame->cursor);

	sw_cursor_skip(&frame->cursor, 2);
	packet->interface = sw_cursor_u32(&frame->cursor);
	uint16_t hardware = sw_cursor_u16(&frame->cursor);
	uint8_t type = sw_cursor_u8(&frame->cursor);

	sw_cursor_skip(&frame->cursor, 9);
	cooked(packet, hardware, frame->cursor.cut ? PKT_OTHERHOST : type);
	if (hardware != ARPHRD_NETLINK_TYPE)
		decode_ethertype(packet, frame, protocol);
}

/* The address family is in the byte order of the machine that captured, and IPv6's differs between systems (10, 24,
 * 28, 30), so the version nibble decides; the family only has to be a small number in one of both orders. */
static void null(struct sw_packet *packet, struct frame *frame)
{
	uint32_t family = sw_cursor_u32(&frame->cursor);

	if (frame->cursor.cut)
		packet->flags |= SW_PACKET_TRUNCATED;
	else if (family < 0x100 || !(family & 0xffffff))
		sw_decode_ip(packet, frame->cursor, wire_left(frame));
}

static bool loopback_ip(const struct sw_ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	return (ip->family == 4 && ip->bytes[0] == 127) || (ip->family == 6 && !memcmp(ip->bytes, one, sizeof one));
}

void sw_decode_way(uint32_t linktype, const uint8_t *data, size_t captured, size_t wire, enum sw_packet_way way,
		   struct sw_packet *packet)
{
	struct frame frame = {
		.cursor = sw_cursor_of(data, captured), .wire = wire > captured ? wire : captured, .begin = data};

	*packet = (struct sw_packet){.way = way, .tcp.window_scale = 255};
	switch (linktype) {
	case SW_LINK_ETHERNET: ethernet(packet, &frame); break;
	case SW_LINK_SLL: sll(packet, &frame); break;
	case SW_LINK_SLL2: sll2(packet, &frame); break;
	case SW_LINK_NULL:
	case SW_LINK_LOOP: null(packet, &frame); break;
	case SW_LINK_DLT_RAW:
	case SW_LINK_DLT_RAW_OPENBSD:
	case SW_LINK_RAW:
	case SW_LINK_IPV4:
	case SW_LINK_IPV6: sw_decode_ip(packet, frame.cursor, wire_left(&frame)); break;
	default: break;
	}
	if (loopback_ip(&packet->src.ip) && loopback_ip(&packet->dst.ip))
		packet->flags |= SW_PACKET_LOOPBACK;
}

void sw_decode(uint32_t linktype, const uint8_t *data, size_t captured, size_t wire, struct sw_packet *packet)
{
	sw_decode_way(linktype, data, captured, wire, SW_WAY_UNKNOWN, packet);
}

bool sw_decode_knows(uint32_t linktype)
{
	switch (linktype) {
	case SW_LINK_NULL:
	case SW_LINK_ETHERNET:
	case SW_LINK_DLT_RAW:
	case SW_LINK_DLT_RAW_OPENBSD:
	case SW_LINK_RAW:
	case SW_LINK_LOOP:
	case SW_LINK_SLL:
	case SW_LINK_IPV4:
	case SW_LINK_IPV6:
	case SW_LINK_SLL2: return true;
	default: return false;
	}
}
