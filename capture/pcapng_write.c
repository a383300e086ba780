/* Writing pcapng. Enters: sections, interfaces, packets, texts. Leaves: blocks on a descriptor.
 * draft-ietf-opsawg-pcapng. */
#include "capture/pcapng_write.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "capture/decode.h"
#include "capture/file.h"
#include "capture/upper_pdu.h"
#include "src/base/mem.h"

#define FLUSH_BYTES ((size_t)256 << 10)
#define OPTION_MAX 65532u /* of a value, so that its padded length fits 16 bits */
#define CUSTOM_MAX (OPTION_MAX - 4u) /* behind the enterprise number */
#define TEXT_MAX 65536u
#define DISSECTOR "syslog"

enum { SECTION_BLOCK = 0x0a0d0d0a, INTERFACE_BLOCK = 1, STATISTICS_BLOCK = 5, PACKET_BLOCK = 6 };
enum { SECTION_HARDWARE = 2, SECTION_OS = 3, SECTION_APPLICATION = 4 };
enum { INTERFACE_NAME = 2, INTERFACE_DESCRIPTION = 3, INTERFACE_RESOLUTION = 9, INTERFACE_FILTER = 11 };
enum { STATISTICS_RECEIVED = 4, STATISTICS_DROPPED = 5, PACKET_FLAGS = 2 };

struct sw_pcapng_writer {
	int fd;
	char *name;
	uint8_t *buffer;
	size_t used, size;
	size_t block; /* where the open block begins in the buffer */
	size_t whole; /* bytes of whole blocks */
	uint64_t written;
	struct sw_err failure;
};

struct sw_pcapng_writer *sw_pcapng_writer_new(int fd, const char *name)
{
	struct sw_pcapng_writer *writer = sw_alloc(sizeof *writer);

	writer->fd = fd;
	writer->name = sw_strdup(name);
	writer->size = 2 * FLUSH_BYTES;
	writer->buffer = sw_alloc(writer->size);
	return writer;
}

static int failed(const struct sw_pcapng_writer *writer, struct sw_err *err)
{
	if (writer->failure.code && err)
		*err = writer->failure;
	return writer->failure.code;
}

int sw_pcapng_flush(struct sw_pcapng_writer *writer, struct sw_err *err)
{
	size_t done = 0;

	while (!writer->failure.code && done < writer->whole) {
		ssize_t wrote = write(writer->fd, writer->buffer + done, writer->whole - done);

		if (wrote >= 0) {
			done += (size_t)wrote;
		} else if (errno == EAGAIN) {
			struct pollfd wait = {.fd = writer->fd, .events = POLLOUT};

			(void)poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			sw_err_set(&writer->failure, -errno, "%s: cannot write: %s", writer->name, strerror(errno));
		}
	}
	writer->written += done;
	writer->used -= writer->whole;
	memmove(writer->buffer, writer->buffer + writer->whole, writer->used);
	writer->whole = 0;
	return failed(writer, err);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

static void put(struct sw_pcapng_writer *writer, const void *bytes, size_t length)
{
	if (writer->used + length > writer->size) {
		while (writer->used + length > writer->size)
			writer->size *= 2;
		writer->buffer = sw_realloc(writer->buffer, writer->size);
	}
	if (length)
		memcpy(writer->buffer + writer->used, bytes, length);
	writer->used += length;
}

static void put_u16(struct sw_pcapng_writer *writer, uint16_t value)
{
	put(writer, &value, sizeof value);
}

static void put_u32(struct sw_pcapng_writer *writer, uint32_t value)
{
	put(writer, &value, sizeof value);
}

static void pad(struct sw_pcapng_writer *writer, size_t length)
{
	static const uint8_t zeros[4] = {0};

	put(writer, zeros, (4 - (length & 3)) & 3);
}

static void put_option(struct sw_pcapng_writer *writer, uint16_t code, const void *bytes, size_t length)
{
	if (length > OPTION_MAX)
		length = OPTION_MAX;
	put_u16(writer, code);
	put_u16(writer, (uint16_t)length);
	put(writer, bytes, length);
	pad(writer, length);
}

static void put_text(struct sw_pcapng_writer *writer, uint16_t code, const char *text)
{
	if (text && *text)
		put_option(writer, code, text, strlen(text));
}

/* Never cuts within a UTF-8 character where the text is UTF-8: other tools check each option alone. */
static size_t piece_of(const char *text, size_t length)
{
	size_t piece = length < CUSTOM_MAX ? length : CUSTOM_MAX;

	if (piece == length)
		return piece;
	for (size_t back = 0; back < 3; back++) {
		if (((uint8_t)text[piece - back] & 0xc0) != 0x80)
			return piece - back;
	}
	return piece;
}

static void put_custom(struct sw_pcapng_writer *writer, const char *text, size_t length)
{
	while (text && length) {
		size_t piece = piece_of(text, length);

		put_u16(writer, SW_OPTION_CUSTOM_TEXT);
		put_u16(writer, (uint16_t)(piece + 4));
		put_u32(writer, SW_PCAPNG_PEN);
		put(writer, text, piece);
		pad(writer, piece);
		text += piece;
		length -= piece;
	}
}

static void put_comments(struct sw_pcapng_writer *writer, size_t count, const char *const *comments)
{
	for (size_t i = 0; i < count; i++)
		put_text(writer, SW_OPTION_COMMENT, comments[i]);
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static void begin(struct sw_pcapng_writer *writer, uint32_t type)
{
	writer->block = writer->used;
	put_u32(writer, type);
	put_u32(writer, 0); /* its length, once it is known */
}

static int end(struct sw_pcapng_writer *writer, bool options, struct sw_err *err)
{
	if (options)
		put_u32(writer, 0); /* opt_endofopt */
	uint32_t length = (uint32_t)(writer->used - writer->block + 4);

	put_u32(writer, length);
	memcpy(writer->buffer + writer->block + 4, &length, sizeof length);
	writer->whole = writer->used;
	if (writer->failure.code || writer->used >= FLUSH_BYTES)
		return sw_pcapng_flush(writer, err);
	return 0;
}

static void put_time(struct sw_pcapng_writer *writer, int64_t time_ns)
{
	uint64_t units = time_ns < 0 ? 0 : (uint64_t)time_ns;

	put_u32(writer, (uint32_t)(units >> 32));
	put_u32(writer, (uint32_t)units);
}

int sw_pcapng_write_section(struct sw_pcapng_writer *writer, const struct sw_pcapng_section *section,
			    struct sw_err *err)
{
	static const int64_t unknown_length = -1;

	begin(writer, SECTION_BLOCK);
	put_u32(writer, 0x1a2b3c4d);
	put_u16(writer, 1);
	put_u16(writer, 0);
	put(writer, &unknown_length, sizeof unknown_length);
	put_comments(writer, section->comment_count, section->comments);
	put_text(writer, SECTION_HARDWARE, section->hardware);
	put_text(writer, SECTION_OS, section->os);
	put_text(writer, SECTION_APPLICATION, section->application);
	put_custom(writer, section->custom, section->custom_length);
	return end(writer, true, err);
}

int sw_pcapng_write_interface(struct sw_pcapng_writer *writer, const struct sw_pcapng_interface *interface,
			      struct sw_err *err)
{
	static const uint8_t nanoseconds = 9;

	begin(writer, INTERFACE_BLOCK);
	put_u16(writer, (uint16_t)interface->linktype);
	put_u16(writer, 0);
	put_u32(writer, interface->snaplen);
	put_text(writer, INTERFACE_NAME, interface->name);
	put_text(writer, INTERFACE_DESCRIPTION, interface->description);
	put_option(writer, INTERFACE_RESOLUTION, &nanoseconds, 1);
	if (interface->filter && *interface->filter) {
		char *filter = sw_format("%c%s", 0x7f, interface->filter);

		filter[0] = 0; /* 0: a capture filter in libpcap's syntax */
		put_option(writer, INTERFACE_FILTER, filter, strlen(interface->filter) + 1);
		free(filter);
	}
	put_custom(writer, interface->custom, interface->custom_length);
	return end(writer, true, err);
}

int sw_pcapng_write_packet(struct sw_pcapng_writer *writer, const struct sw_pcapng_packet *packet, struct sw_err *err)
{
	bool options = packet->way != SW_WAY_UNKNOWN || packet->comment_count || packet->custom_length;

	begin(writer, PACKET_BLOCK);
	put_u32(writer, packet->interface);
	put_time(writer, packet->time_ns);
	put_u32(writer, packet->captured);
	put_u32(writer, packet->wire);
	put(writer, packet->bytes, packet->captured);
	pad(writer, packet->captured);
	if (packet->way != SW_WAY_UNKNOWN) {
		uint32_t flags = packet->way == SW_WAY_IN ? 1 : 2;

		put_option(writer, PACKET_FLAGS, &flags, sizeof flags);
	}
	put_comments(writer, packet->comment_count, packet->comments);
	put_custom(writer, packet->custom, packet->custom_length);
	return end(writer, options, err);
}

int sw_pcapng_write_text(struct sw_pcapng_writer *writer, const struct sw_pcapng_packet *packet, const char *text,
			 struct sw_err *err)
{
	size_t length = strnlen(text, TEXT_MAX), room = length + 64;
	sw_auto_free uint8_t *record = sw_alloc(room);
	struct sw_pcapng_packet block = *packet;

	block.captured = block.wire = (uint32_t)sw_upper_pdu_make(DISSECTOR, text, length, record, room);
	block.bytes = record;
	block.way = SW_WAY_UNKNOWN;
	return sw_pcapng_write_packet(writer, &block, err);
}

int sw_pcapng_write_statistics(struct sw_pcapng_writer *writer, uint32_t interface, int64_t time_ns, int64_t received,
			       int64_t dropped, struct sw_err *err)
{
	begin(writer, STATISTICS_BLOCK);
	put_u32(writer, interface);
	put_time(writer, time_ns);
	if (received >= 0)
		put_option(writer, STATISTICS_RECEIVED, &received, sizeof received);
	if (dropped >= 0)
		put_option(writer, STATISTICS_DROPPED, &dropped, sizeof dropped);
	return end(writer, true, err);
}

uint64_t sw_pcapng_written(const struct sw_pcapng_writer *writer)
{
	return writer->written + writer->whole;
}

int sw_pcapng_finish(struct sw_pcapng_writer *writer, struct sw_err *err)
{
	int result;

	if (!writer)
		return 0;
	result = sw_pcapng_flush(writer, err);
	free(writer->buffer);
	free(writer->name);
	free(writer);
	return result;
}

/* ---- pcap ------------------------------------------------------------------------------------------------------- */

int sw_pcap_write_header(struct sw_pcapng_writer *writer, uint32_t linktype, uint32_t snaplen, struct sw_err *err)
{
	put_u32(writer, 0xa1b23c4d);
	put_u16(writer, 2);
	put_u16(writer, 4);
	put_u32(writer, 0);
	put_u32(writer, 0);
	put_u32(writer, snaplen);
	put_u32(writer, linktype);
	writer->whole = writer->used;
	return failed(writer, err);
}

int sw_pcap_write_packet(struct sw_pcapng_writer *writer, int64_t time_ns, const struct sw_raw_packet *raw,
			 struct sw_err *err)
{
	int64_t at = time_ns < 0 ? 0 : time_ns;

	put_u32(writer, (uint32_t)(at / SW_NS_PER_S));
	put_u32(writer, (uint32_t)(at % SW_NS_PER_S));
	put_u32(writer, raw->captured);
	put_u32(writer, raw->wire);
	put(writer, raw->bytes, raw->captured);
	writer->whole = writer->used;
	if (writer->failure.code || writer->used >= FLUSH_BYTES)
		return sw_pcapng_flush(writer, err);
	return 0;
}
