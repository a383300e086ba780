/* pcap: both byte orders, micro- and nanoseconds, and the variants that have been in use.
 *
 * Enters: a stream that begins with a pcap header. Leaves: its packets. draft-ietf-opsawg-pcap. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/decode.h"
#include "capture/file_internal.h"

#define FILE_HEADER 24u
#define SNAPLEN_USUAL 262144u /* what libpcap takes for the largest snap length */

/* To add one: magic number as its writer has it, nanoseconds a tick, bytes before each packet. */
static const struct variant {
	uint32_t magic, tick_ns, header;
} variants[] = {
	{0xa1b2c3d4, 1000, 16}, {0xa1b23c4d, 1, 16}, /* nanoseconds */
	{0xa1b2cd34, 1000, 24}, /* Kuznetzov's patched libpcap: interface, protocol, packet type behind the lengths */
	{0xa1b234cd, 1000, 24}, /* Mesquita's */
	{0xa12b3c4d, 1000, 16}, /* Navtel's */
};

static int pcap_next(struct sw_capture_file *file, struct sw_packet *packet, struct sw_err *err)
{
	size_t header = file->pcap.header, have = sw_source_have(&file->source, header);
	uint32_t limit = file->interfaces.items[0].snaplen > SNAPLEN_USUAL ? file->interfaces.items[0].snaplen :
									     SNAPLEN_USUAL;

	if (!have && !file->source.failure)
		return 0;
	if (have < header)
		return sw_file_cut(file, header, "a packet header", err);
	const uint8_t *at = sw_source_at(&file->source);
	int64_t time_ns =
		(int64_t)sw_file_u32(file, at) * SW_NS_PER_S + (int64_t)sw_file_u32(file, at + 4) * file->pcap.tick_ns;
	uint32_t captured = sw_file_u32(file, at + 8), wire = sw_file_u32(file, at + 12);

	if (file->pcap.lengths_swapped || (file->pcap.lengths_maybe_swapped && captured > wire)) {
		uint32_t other = captured;

		captured = wire;
		wire = other;
	}
	if (captured > limit)
		return sw_file_damaged(file, err, "a length of %u bytes, the largest possible is %u", captured, limit);
	if (have < header + captured && sw_source_have(&file->source, header + captured) < header + captured)
		return sw_file_cut(file, header + captured, "a packet", err);
	file->raw.captured = captured;
	file->raw.wire = wire;
	file->raw.bytes = sw_source_at(&file->source) + header;
	sw_source_consume(&file->source, header + captured);
	sw_file_packet(file, packet, time_ns, SW_WAY_UNKNOWN);
	return 1;
}

static const struct variant *find_variant(uint32_t magic)
{
	for (size_t i = 0; i < SW_COUNT(variants); i++) {
		if (variants[i].magic == magic)
			return &variants[i];
	}
	return NULL;
}

int sw_pcap_begin(struct sw_capture_file *file, struct sw_err *err)
{
	const struct variant *variant;
	uint32_t magic;

	if (sw_source_have(&file->source, FILE_HEADER) < 4)
		return 0;
	const uint8_t *at = sw_source_at(&file->source);

	memcpy(&magic, at, sizeof magic);
	variant = find_variant(magic);
	if (!variant) {
		variant = find_variant(__builtin_bswap32(magic));
		file->swapped = variant;
	}
	if (!variant)
		return 0;
	if (sw_source_have(&file->source, FILE_HEADER) < FILE_HEADER)
		return sw_err_set(err, -ENODATA, "%s: a pcap cut short in its header", file->path);
	uint16_t major = sw_file_u16(file, at + 4), minor = sw_file_u16(file, at + 6);

	if (major != 2)
		return sw_err_set(err, -ENOTSUP, "%s: a pcap of unknown version %u.%u", file->path, major, minor);
	struct sw_file_interface *interface = SW_ARRAY_ADD(&file->interfaces);
	uint32_t snaplen = sw_file_u32(file, at + 16);

	interface->snaplen = snaplen < SW_FILE_PACKET_MAX ? snaplen : SW_FILE_PACKET_MAX;
	interface->linktype = sw_file_u32(file, at + 20) & 0xffff; /* above: length of the frame check sequence */
	interface->dropped = -1;
	file->raw.linktype = interface->linktype;
	file->one_interface = interface->linktype != SW_LINK_SLL2 && interface->linktype != SW_LINK_SLL;
	file->pcap.tick_ns = variant->tick_ns;
	file->pcap.header = variant->header;
	file->pcap.lengths_swapped = minor < 3;
	file->pcap.lengths_maybe_swapped = minor == 3;
	file->format = "pcap";
	file->next = pcap_next;
	snprintf(file->kind, sizeof file->kind, "pcap%s%s", file->source.packing ? ", " : "",
		 file->source.packing ? file->source.packing : "");
	sw_source_consume(&file->source, FILE_HEADER);
	return 1;
}
