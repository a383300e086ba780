/* What the decoders of the layers hand to each other. Nobody else includes this. */
#ifndef SW_CAPTURE_DECODE_INTERNAL_H
#define SW_CAPTURE_DECODE_INTERNAL_H

#include "capture/cursor.h"
#include "capture/packet.h"

/* What stands above IP. `wire` bytes of it were on the wire, the cursor has those that were captured. */
struct sw_transport {
	struct sw_cursor cursor;
	size_t wire;
	bool verify; /* received, whole datagram, no routing header: its checksum can be verified */
};

/* IPv6 extension headers, RFC 8200 section 4; also IPv4's AH. */
struct sw_extensions {
	uint8_t protocol; /* of the first header that is none */
	bool fragment, more_fragments;
	bool routed; /* a routing header with segments left: the destination is not the final one */
	uint16_t offset; /* bytes */
	uint32_t id;
};
struct sw_extensions sw_decode_extensions(struct sw_cursor *cursor, uint8_t next);

void sw_decode_ip(struct sw_packet *packet, struct sw_cursor cursor, size_t wire); /* by the version nibble */
void sw_decode_transport(struct sw_packet *packet, struct sw_transport *transport);
void sw_decode_icmp(struct sw_packet *packet, struct sw_transport *transport);
void sw_decode_icmp6(struct sw_packet *packet, struct sw_transport *transport);
void sw_decode_arp(struct sw_packet *packet, struct sw_cursor cursor);
void sw_decode_discovery(struct sw_packet *packet, struct sw_cursor cursor, bool answer);

/* Marks a wrong checksum of a transport that is verifiable and whole. ICMPv4 has no pseudo header. */
void sw_decode_verify(struct sw_packet *packet, const struct sw_transport *transport, size_t field_at, bool pseudo);

static inline void sw_decode_v4(struct sw_ip *ip, const uint8_t *bytes)
{
	ip->family = bytes ? 4 : 0;
	if (bytes)
		memcpy(ip->bytes, bytes, 4);
}

static inline void sw_decode_v6(struct sw_ip *ip, const uint8_t *bytes)
{
	ip->family = bytes ? 6 : 0;
	if (bytes)
		memcpy(ip->bytes, bytes, 16);
}

#endif
