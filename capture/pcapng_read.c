/* pcapng: several sections of either byte order, several interfaces, all packet blocks, drop counters, names, custom
 * blocks.
 *
 * Enters: a stream that begins with a section header block. Leaves: its packets, and through the hooks what else it
 * carries. Blocks that are unknown are skipped, whatever their length. draft-ietf-opsawg-pcapng. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/decode.h"
#include "capture/file_internal.h"

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET_OLD 2u
#define BLOCK_PACKET_SIMPLE 3u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_MAX ((uint32_t)24 << 20) /* of a block that is read; others are skipped in pieces */
#define INTERFACES_MAX 65536u
#define TIME_MAX INT64_C(4000000000000000000) /* the year 2096: sums of times stay in range */

enum { INTERFACE_NAME = 2, INTERFACE_RESOLUTION = 9, INTERFACE_OFFSET = 14 };
enum { PACKET_FLAGS = 2 };
enum { STATISTICS_DROPPED = 5, STATISTICS_OS_DROPPED = 7 };

struct block {
	uint32_t type, length; /* whole, with header and trailer */
	const uint8_t *body, *end; /* between header and trailer */
};

/* ---- blocks that describe --------------------------------------------------------------------------------------- */

static struct sw_pcapng_options options_of(const struct sw_capture_file *file, const uint8_t *at, const uint8_t *end)
{
	return (struct sw_pcapng_options){.at = at < end ? at : end, .end = end, .swapped = file->swapped};
}

static void section_ended(struct sw_capture_file *file)
{
	for (size_t i = 0; i < file->interfaces.count; i++) {
		if (file->interfaces.items[i].dropped >= 0)
			file->dropped = (file->dropped < 0 ? 0 : file->dropped) + file->interfaces.items[i].dropped;
	}
	file->interface_base += (uint32_t)file->interfaces.count;
	file->interfaces.count = 0;
}

static int section_block(struct sw_capture_file *file, const struct block *block, struct sw_err *err)
{
	if (block->end - block->body < 16)
		return sw_file_damaged(file, err, "a section header of %u bytes", block->length);
	uint16_t major = sw_file_u16(file, block->body + 4);

	if (major != 1)
		return sw_file_damaged(file, err, "a section of unknown version %u", major);
	section_ended(file);
	if (file->hooks.section) {
		struct sw_pcapng_options options = options_of(file, block->body + 16, block->end);

		file->hooks.section(file->hooks.context, &options);
	}
	return 0;
}

static void add_name(struct sw_capture_file *file, const struct sw_pcapng_option *option)
{
	size_t used = strlen(file->names), length = option->length;

	if (!length || used + length + 2 > sizeof file->names)
		return;
	if (used)
		file->names[used++] = ',';
	for (size_t i = 0; i < length; i++)
		file->names[used++] = option->bytes[i] >= ' ' && option->bytes[i] < 127 ? (char)option->bytes[i] : '?';
	file->names[used] = '\0';
}

static int64_t offset_ns(const struct sw_capture_file *file, const uint8_t *at)
{
	uint64_t low = sw_file_u32(file, at + (file->swapped ? 4 : 0)),
		 high = sw_file_u32(file, at + (file->swapped ? 0 : 4));
	int64_t seconds;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint64_t other = low;

	low = high;
	high = other;
#endif
	seconds = (int64_t)(high << 32 | low);
	if (seconds > TIME_MAX / SW_NS_PER_S || seconds < -TIME_MAX / SW_NS_PER_S)
		return 0;
	return seconds * SW_NS_PER_S;
}

static void interface_options(struct sw_capture_file *file, struct sw_file_interface *interface,
			      struct sw_pcapng_options options)
{
	struct sw_pcapng_option option;

	while (sw_pcapng_option_next(&options, &option)) {
		if (option.code == INTERFACE_NAME) {
			add_name(file, &option);
		} else if (option.code == INTERFACE_RESOLUTION && option.length == 1) {
			interface->binary_resolution = option.bytes[0] & 0x80;
			interface->exponent = option.bytes[0] & 0x7f;
		} else if (option.code == INTERFACE_OFFSET && option.length == 8) {
			interface->offset_ns = offset_ns(file, option.bytes);
		}
	}
}

static int interface_block(struct sw_capture_file *file, const struct block *block, struct sw_err *err)
{
	if (block->end - block->body < 8)
		return sw_file_damaged(file, err, "an interface description of %u bytes", block->length);
	if (file->interface_base + file->interfaces.count >= INTERFACES_MAX)
		return sw_file_damaged(file, err, "more than %u interfaces", INTERFACES_MAX);
	uint32_t number = file->interface_base + (uint32_t)file->interfaces.count;
	struct sw_file_interface *interface = SW_ARRAY_ADD(&file->interfaces);
	struct sw_pcapng_options options = options_of(file, block->body + 8, block->end);

	interface->linktype = sw_file_u16(file, block->body);
	interface->snaplen = sw_file_u32(file, block->body + 4);
	interface->exponent = 6;
	interface->dropped = -1;
	interface_options(file, interface, options);
	if (file->hooks.interface)
		file->hooks.interface(file->hooks.context, number, interface->linktype, &options);
	return 0;
}

static uint64_t read_counter(const struct sw_capture_file *file, const struct sw_pcapng_option *option)
{
	uint64_t value = 0;

	if (option->length == 8)
		memcpy(&value, option->bytes, sizeof value);
	return file->swapped ? __builtin_bswap64(value) : value;
}

static void statistics_block(struct sw_capture_file *file, const struct block *block)
{
	struct sw_pcapng_options options;
	struct sw_pcapng_option option;
	int64_t dropped = -1;

	if (block->end - block->body < 12)
		return;
	uint32_t number = sw_file_u32(file, block->body);

	if (number >= file->interfaces.count)
		return;
	options = options_of(file, block->body + 12, block->end);
	while (sw_pcapng_option_next(&options, &option)) {
		if (option.code != STATISTICS_DROPPED && option.code != STATISTICS_OS_DROPPED)
			continue;
		uint64_t value = read_counter(file, &option);

		dropped = (dropped < 0 ? 0 : dropped) + (int64_t)(value & INT32_MAX);
	}
	if (dropped >= 0)
		file->interfaces.items[number].dropped = dropped;
}

/* ---- blocks with packets ---------------------------------------------------------------------------------------- */

static int64_t time_of(const struct sw_file_interface *interface, uint64_t units)
{
	static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
	__extension__ unsigned __int128 ns = units;
	__extension__ __int128 sum;

	if (interface->binary_resolution) {
		ns = ns * SW_NS_PER_S >> interface->exponent; /* exponent <= 127 */
	} else if (interface->exponent <= 9) {
		ns *= powers[9 - interface->exponent];
	} else {
		for (unsigned left = interface->exponent - 9u; left && ns; left--)
			ns /= 10;
	}
	sum = (ns > (uint64_t)TIME_MAX ? TIME_MAX : (int64_t)ns) + (__extension__(__int128) interface->offset_ns);
	return sum > TIME_MAX ? TIME_MAX : sum < 0 ? 0 : (int64_t)sum;
}

static enum sw_packet_way way_of(const struct sw_capture_file *file)
{
	struct sw_pcapng_options options = file->options;
	struct sw_pcapng_option option;

	while (sw_pcapng_option_next(&options, &option)) {
		if (option.code != PACKET_FLAGS || option.length != 4)
			continue;
		uint32_t direction = sw_file_u32(file, option.bytes) & 3; /* section 4.3.1, Table 8 */

		return direction == 1 ? SW_WAY_IN : direction == 2 ? SW_WAY_OUT : SW_WAY_UNKNOWN;
	}
	return SW_WAY_UNKNOWN;
}

struct found { /* a packet block of any of the three forms */
	uint32_t interface, captured, wire;
	uint64_t units;
	bool timeless; /* it carries no time: the one before is the nearest known */
	const uint8_t *bytes;
};

static int deliver(struct sw_capture_file *file, const struct block *block, const struct found *found,
		   struct sw_packet *packet, struct sw_err *err)
{
	if (found->interface >= file->interfaces.count)
		return sw_file_damaged(file, err, "interface %u was never described", found->interface);
	const struct sw_file_interface *interface = &file->interfaces.items[found->interface];
	size_t padded = ((size_t)found->captured + 3) & ~(size_t)3, room = (size_t)(block->end - found->bytes);

	if (found->captured > room)
		return sw_file_damaged(file, err, "%u bytes of a packet in a block of %u", found->captured,
				       block->length);
	file->options = options_of(file, found->bytes + (padded < room ? padded : room), block->end);
	file->raw = (struct sw_raw_packet){.linktype = interface->linktype,
					   .captured = found->captured,
					   .wire = found->wire,
					   .bytes = found->bytes,
					   .interface = file->interface_base + found->interface};
	int64_t time_ns = !found->timeless              ? time_of(interface, found->units) :
			  file->last_ns == SW_TIME_NONE ? 0 :
							  file->last_ns;

	if (interface->linktype != SW_LINK_UPPER_PDU) {
		sw_file_packet(file, packet, time_ns,
			       file->options.at < file->options.end ? way_of(file) : SW_WAY_UNKNOWN);
		return 1;
	}
	struct sw_capture_record record = {.id = ++file->count,
					   .interface = file->raw.interface,
					   .time_ns = time_ns,
					   .bytes = found->bytes,
					   .length = found->captured,
					   .options = file->options};

	if (file->hooks.record)
		file->hooks.record(file->hooks.context, &record);
	return 0;
}

static int packet_block(struct sw_capture_file *file, const struct block *block, struct sw_packet *packet,
			struct sw_err *err)
{
	const uint8_t *at = block->body;
	struct found found = {0};

	if (block->end - at < 20)
		return sw_file_damaged(file, err, "a packet block of %u bytes", block->length);
	found.interface = sw_file_u32(file, at);
	if (block->type == BLOCK_PACKET_OLD) {
		uint16_t drops = sw_file_u16(file, at + 2);

		found.interface = sw_file_u16(file, at);
		if (drops != UINT16_MAX) /* "no information" */
			file->dropped = (file->dropped < 0 ? 0 : file->dropped) + drops;
	}
	found.units = (uint64_t)sw_file_u32(file, at + 4) << 32 | sw_file_u32(file, at + 8);
	found.captured = sw_file_u32(file, at + 12);
	found.wire = sw_file_u32(file, at + 16);
	found.bytes = at + 20;
	return deliver(file, block, &found, packet, err);
}

static int simple_block(struct sw_capture_file *file, const struct block *block, struct sw_packet *packet,
			struct sw_err *err)
{
	struct found found = {.bytes = block->body + 4, .timeless = true};

	if (block->end - block->body < 4)
		return sw_file_damaged(file, err, "a simple packet block of %u bytes", block->length);
	found.wire = found.captured = sw_file_u32(file, block->body);
	if (file->interfaces.count && file->interfaces.items[0].snaplen &&
	    found.captured > file->interfaces.items[0].snaplen)
		found.captured = file->interfaces.items[0].snaplen;
	size_t room = (size_t)(block->end - found.bytes);

	if (found.captured > room)
		found.captured = (uint32_t)room;
	return deliver(file, block, &found, packet, err);
}

/* ---- the stream of blocks --------------------------------------------------------------------------------------- */

static bool is_read(uint32_t type)
{
	switch (type) {
	case BLOCK_SECTION:
	case BLOCK_INTERFACE:
	case BLOCK_PACKET_OLD:
	case BLOCK_PACKET_SIMPLE:
	case BLOCK_STATISTICS:
	case BLOCK_PACKET: return true;
	default: return false;
	}
}

/* A section header says in which byte order everything after it is, its own length too. */
static int byte_order(struct sw_capture_file *file, const uint8_t *at, struct sw_err *err)
{
	uint32_t magic;

	memcpy(&magic, at, sizeof magic);
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return sw_file_damaged(file, err, "a section header without its byte-order magic");
	file->swapped = magic != BYTE_ORDER_MAGIC;
	return 0;
}

/* 1: a block stands whole in the buffer, 2: it was skipped, 0: the end. */
static int block_next(struct sw_capture_file *file, struct block *block, struct sw_err *err)
{
	size_t have = sw_source_have(&file->source, 12);

	if (!have && !file->source.failure)
		return 0;
	if (have < 12)
		return sw_file_cut(file, 12, "a block header", err);
	const uint8_t *at = sw_source_at(&file->source);

	block->type = sw_file_u32(file, at);
	if (block->type == BLOCK_SECTION && byte_order(file, at + 8, err))
		return file->failed;
	block->length = sw_file_u32(file, at + 4);
	if (block->length < 12 || block->length & 3)
		return sw_file_damaged(file, err, "a block of %u bytes", block->length);
	if (!is_read(block->type)) {
		uint32_t length = block->length;

		return sw_source_skip(&file->source, length) ? 2 : sw_file_cut(file, length, "a block", err);
	}
	if (block->length > BLOCK_MAX)
		return sw_file_damaged(file, err, "a block of %u bytes, the largest possible is %u", block->length,
				       BLOCK_MAX);
	if (have < block->length && sw_source_have(&file->source, block->length) < block->length)
		return sw_file_cut(file, block->length, "a block", err);
	at = sw_source_at(&file->source);
	block->body = at + 8;
	block->end = at + block->length - 4;
	if (sw_file_u32(file, block->end) != block->length)
		return sw_file_damaged(file, err, "a block says %u bytes at its begin and %u at its end", block->length,
				       sw_file_u32(file, block->end));
	return 1;
}

static int dispatch(struct sw_capture_file *file, const struct block *block, struct sw_packet *packet,
		    struct sw_err *err)
{
	switch (block->type) {
	case BLOCK_SECTION: return section_block(file, block, err);
	case BLOCK_INTERFACE: return interface_block(file, block, err);
	case BLOCK_PACKET:
	case BLOCK_PACKET_OLD: return packet_block(file, block, packet, err);
	case BLOCK_PACKET_SIMPLE: return simple_block(file, block, packet, err);
	case BLOCK_STATISTICS: statistics_block(file, block); return 0;
	default: return 0;
	}
}

static int pcapng_next(struct sw_capture_file *file, struct sw_packet *packet, struct sw_err *err)
{
	struct block block;

	for (;;) {
		int result = block_next(file, &block, err);

		if (result <= 0)
			return result;
		if (result == 2)
			continue;
		result = dispatch(file, &block, packet, err);
		if (result < 0)
			return result;
		/* the bytes stay in the buffer until the next block is asked for */
		sw_source_consume(&file->source, block.length);
		if (result)
			return 1;
	}
}

int sw_pcapng_begin(struct sw_capture_file *file, struct sw_err *err)
{
	uint32_t type;

	(void)err;
	if (sw_source_have(&file->source, 12) < 12)
		return 0;
	memcpy(&type, sw_source_at(&file->source), sizeof type);
	if (type != BLOCK_SECTION) /* the same in both byte orders */
		return 0;
	file->format = "pcapng";
	file->next = pcapng_next;
	snprintf(file->kind, sizeof file->kind, "pcapng%s%s", file->source.packing ? ", " : "",
		 file->source.packing ? file->source.packing : "");
	return 1;
}
