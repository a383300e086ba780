/* Decoding: the bytes of one frame in, struct sw_packet out.
 *
 * Knows link layers, IP and what stands above it up to the transport header; nothing of flows, files or sockets.
 * Input is hostile: whatever the bytes are, the result is a packet, with kind SW_PACKET_OTHER where nothing could be
 * made of it. */
#ifndef SW_CAPTURE_DECODE_H
#define SW_CAPTURE_DECODE_H

#include "capture/packet.h"

/* https://www.tcpdump.org/linktypes.html; 12 and 14 are RAW by the DLT numbers of some systems. */
#define SW_LINK_NULL 0u
#define SW_LINK_ETHERNET 1u
#define SW_LINK_DLT_RAW 12u
#define SW_LINK_DLT_RAW_OPENBSD 14u
#define SW_LINK_RAW 101u
#define SW_LINK_LOOP 108u
#define SW_LINK_SLL 113u
#define SW_LINK_IPV4 228u
#define SW_LINK_IPV6 229u
#define SW_LINK_UPPER_PDU 252u
#define SW_LINK_SLL2 276u

/* Sets every field of `packet`; those that the bytes do not tell (id, input, place, netns, time_ns) to 0, and
 * `interface` but for LINUX_SLL2. `packet->payload` points into `data`. `wire` is the frame's length before it was
 * cut to `captured` bytes. */
void sw_decode(uint32_t linktype, const uint8_t *data, size_t captured, size_t wire, struct sw_packet *packet);
/* The same where the way is known from elsewhere (pcapng's epb_flags) and the link layer does not tell it. */
void sw_decode_way(uint32_t linktype, const uint8_t *data, size_t captured, size_t wire, enum sw_packet_way way,
		   struct sw_packet *packet);
bool sw_decode_knows(uint32_t linktype);

#endif
