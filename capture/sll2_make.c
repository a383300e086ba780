/* Frames of other link types as LINUX_SLL2, the one type that an incident and its pcap carry.
 *
 * Enters: a frame and its decoded packet. Leaves: a cooked header and what stood behind the frame's own link header. */
#include <string.h>

#include "capture/cursor.h"
#include "capture/decode.h"
#include "capture/pcapng_write.h"

#define SLL2_HEADER 20u
#define ARPHRD_ETHER_TYPE 1
#define ARPHRD_LOOPBACK_TYPE 772
#define ARPHRD_NONE_TYPE 0xfffe

struct body {
	uint16_t protocol; /* Ethertype */
	uint32_t header; /* bytes of the frame's own link header */
};

static bool ip_body(struct body *body, const struct sw_raw_packet *raw, uint32_t header)
{
	if (raw->captured <= header)
		return false;
	*body = (struct body){.protocol = raw->bytes[header] >> 4 == 6 ? 0x86dd : 0x0800, .header = header};
	return true;
}

static bool body_of(struct body *body, const struct sw_raw_packet *raw)
{
	struct sw_cursor cursor = sw_cursor_of(raw->bytes, raw->captured);

	switch (raw->linktype) {
	case SW_LINK_ETHERNET:
		sw_cursor_skip(&cursor, 12);
		*body = (struct body){.protocol = sw_cursor_u16(&cursor), .header = 14};
		return !cursor.cut;
	case SW_LINK_SLL:
		sw_cursor_skip(&cursor, 14);
		*body = (struct body){.protocol = sw_cursor_u16(&cursor), .header = 16};
		return !cursor.cut;
	case SW_LINK_NULL:
	case SW_LINK_LOOP: return ip_body(body, raw, 4);
	case SW_LINK_DLT_RAW:
	case SW_LINK_DLT_RAW_OPENBSD:
	case SW_LINK_RAW:
	case SW_LINK_IPV4:
	case SW_LINK_IPV6: return ip_body(body, raw, 0);
	default: return false;
	}
}

uint32_t sw_frame_to_sll2(const struct sw_packet *packet, const struct sw_raw_packet *raw, uint8_t *buffer, size_t size,
			  uint32_t *wire)
{
	uint16_t hardware = packet->flags & SW_PACKET_LOOPBACK ? ARPHRD_LOOPBACK_TYPE :
			    raw->linktype == SW_LINK_ETHERNET  ? ARPHRD_ETHER_TYPE :
								 ARPHRD_NONE_TYPE;
	/* an unknown way is PACKET_OTHERHOST, which our decoder takes as unknown again */
	uint8_t type = packet->way == SW_WAY_OUT ? 4 : packet->way == SW_WAY_IN ? 0 : 3;
	struct body body;

	if (raw->linktype == SW_LINK_SLL2) { /* as it is */
		if (size < raw->captured)
			return 0;
		memcpy(buffer, raw->bytes, raw->captured);
		*wire = raw->wire;
		return raw->captured;
	}
	if (!body_of(&body, raw) || size < SLL2_HEADER + (raw->captured - body.header))
		return 0;
	memset(buffer, 0, SLL2_HEADER);
	buffer[0] = (uint8_t)(body.protocol >> 8);
	buffer[1] = (uint8_t)body.protocol;
	for (int i = 0; i < 4; i++)
		buffer[4 + i] = (uint8_t)(packet->interface >> (24 - 8 * i));
	buffer[8] = (uint8_t)(hardware >> 8);
	buffer[9] = (uint8_t)hardware;
	buffer[10] = type;
	if (raw->linktype == SW_LINK_ETHERNET) {
		buffer[11] = 6;
		memcpy(buffer + 12, raw->bytes + 6, 6);
	}
	memcpy(buffer + SLL2_HEADER, raw->bytes + body.header, raw->captured - body.header);
	*wire = raw->wire > body.header ? raw->wire - body.header + SLL2_HEADER : SLL2_HEADER;
	return raw->captured - body.header + SLL2_HEADER;
}
