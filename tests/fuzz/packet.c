/* Fuzz target: the packet decoder, its text, subject and what is kept, DNS and TLS. The first byte chooses the link
 * type, the second how many bytes the frame had beyond those that are there. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/application.h"
#include "capture/decode.h"
#include "capture/dns.h"
#include "capture/duplicate.h"
#include "capture/keep.h"
#include "capture/owner.h"
#include "capture/pcapng_write.h"
#include "capture/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t links[] = {SW_LINK_ETHERNET, SW_LINK_SLL2, SW_LINK_SLL,  SW_LINK_RAW,
				 SW_LINK_NULL,     SW_LINK_LOOP, SW_LINK_IPV4, SW_LINK_IPV6};

static struct sw_application *application;
static struct sw_fragments *fragments;
static struct sw_duplicates *duplicates;
static struct sw_keep *keep;

/* The same payload as a direction of its own, in pieces: as if segments had come so. */
static void payload_in_pieces(const uint8_t *data, size_t size)
{
	static struct sw_tls_stream stream;
	static struct sw_dns dns;
	struct sw_tls tls;
	uint32_t seq = 4294967290u;

	(void)sw_dns_decode(&dns, data, size, size + 1);
	sw_tls_start(&stream);
	for (size_t at = 0; at < size;) {
		size_t wire = 1u + data[at] % 61, captured = wire < size - at ? wire : size - at;

		if (data[at] & 0x80 && captured > 2)
			captured -= 2; /* cut by a snap length */
		(void)sw_tls_feed(&stream, seq, data + at, captured, wire, &tls);
		seq += (uint32_t)wire - (data[at] & 0x40 ? 1 : 0);
		at += captured;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sw_packet packet;
	struct sw_subject subject;
	char text[256];
	uint8_t cooked[65536];
	uint32_t wire;

	if (!application) {
		application = sw_application_new();
		fragments = sw_fragments_new();
		duplicates = sw_duplicates_new();
		keep = sw_keep_new(false);
	}
	if (size < 2 || size > sizeof cooked / 2)
		return 0;
	struct sw_raw_packet raw = {.linktype = links[data[0] % (sizeof links / sizeof *links)],
				    .captured = (uint32_t)size - 2,
				    .wire = (uint32_t)size - 2 + data[1],
				    .bytes = data + 2};

	sw_decode(raw.linktype, raw.bytes, raw.captured, raw.wire, &packet);
	if (packet.payload)
		assert(packet.payload >= raw.bytes &&
		       packet.payload + packet.payload_captured <= raw.bytes + raw.captured);
	packet.time_ns = data[0];
	sw_application_packet(application, &packet);
	(void)sw_packet_text(&packet, SW_WAY_OUT, text, sizeof text);
	(void)sw_duplicates_seen(duplicates, &packet, size & 1);
	(void)sw_subject_of(&subject, &packet, fragments);
	assert(sw_keep_length(keep, &packet, raw.bytes, raw.captured) <= raw.captured);
	(void)sw_frame_to_sll2(&packet, &raw, cooked, sizeof cooked, &wire);
	payload_in_pieces(data, size);
	return 0;
}
