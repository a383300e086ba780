/* Capture files: what the writer wrote comes back, in every variant that others write; damage is said with its
 * place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "capture/decode.h"
#include "capture/file.h"
#include "capture/pcapng_write.h"
#include "src/base/mem.h"
#include "tests/unit/test.h"

#define TIME INT64_C(1795381041123456789)

static const uint8_t frame[] = {/* SLL2, out; 10.77.1.2:1 > 10.77.2.2:2 UDP "hello" */
				0x08, 0x00, 0,    0, 0, 0,  0, 2, 0,    1,  4,  6,  2,   2,   2,   2,   2,  2,
				0,    0,    0x45, 0, 0, 33, 0, 1, 0x40, 0,  64, 17, 0,   0,   10,  77,  1,  2,
				10,   77,   2,    2, 0, 1,  0, 2, 0,    13, 0,  0,  'h', 'e', 'l', 'l', 'o'};

struct memory_file {
	int fd;
	char path[64];
};

static struct memory_file make(const void *bytes, size_t length)
{
	struct memory_file file = {.fd = memfd_create("capture", MFD_CLOEXEC)};

	assert_true(file.fd >= 0);
	snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
	assert_int_equal(write(file.fd, bytes, length), (ssize_t)length);
	return file;
}

/* Reads to the end: packets counted, the last one kept. */
static int read_all(const char *path, uint32_t *count, struct sw_packet *last, struct sw_err *err)
{
	struct sw_capture_file *file = sw_capture_file_open(path, err);
	struct sw_packet packet;
	int result;

	*count = 0;
	if (!file)
		return err->code;
	while ((result = sw_capture_file_next(file, &packet, err)) > 0) {
		++*count;
		packet.payload = NULL;
		*last = packet;
	}
	sw_capture_file_close(file);
	return result;
}

static size_t put16(uint8_t *at, uint16_t value, bool swap)
{
	if (swap)
		value = __builtin_bswap16(value);
	memcpy(at, &value, 2);
	return 2;
}

static size_t put32(uint8_t *at, uint32_t value, bool swap)
{
	if (swap)
		value = __builtin_bswap32(value);
	memcpy(at, &value, 4);
	return 4;
}

static size_t make_pcap(uint8_t *bytes, uint32_t magic, bool swap, size_t extra, uint32_t fraction)
{
	size_t n = put32(bytes, magic, swap);

	n += put16(bytes + n, 2, swap);
	n += put16(bytes + n, 4, swap);
	n += put32(bytes + n, 0, swap);
	n += put32(bytes + n, 0, swap);
	n += put32(bytes + n, 262144, swap);
	n += put32(bytes + n, SW_LINK_SLL2, swap);
	for (int i = 0; i < 3; i++) {
		n += put32(bytes + n, 1795381041, swap);
		n += put32(bytes + n, fraction, swap);
		n += put32(bytes + n, sizeof frame, swap);
		n += put32(bytes + n, sizeof frame + 9, swap);
		memset(bytes + n, 0, extra);
		n += extra;
		memcpy(bytes + n, frame, sizeof frame);
		n += sizeof frame;
	}
	return n;
}

static void pcap_variants(void **state)
{
	static const struct {
		uint32_t magic, fraction;
		size_t extra;
	} variants[] = {{0xa1b2c3d4, 123456, 0}, {0xa1b23c4d, 123456000, 0}, {0xa1b2cd34, 123456, 8}};
	uint8_t bytes[1024];

	(void)state;
	for (size_t i = 0; i < SW_COUNT(variants) * 2; i++) {
		size_t length =
			make_pcap(bytes, variants[i / 2].magic, i % 2, variants[i / 2].extra, variants[i / 2].fraction);
		struct memory_file file = make(bytes, length);
		struct sw_err err = {0};
		struct sw_packet last;
		uint32_t count;

		assert_int_equal(read_all(file.path, &count, &last, &err), 0);
		assert_int_equal(count, 3);
		assert_int_equal(last.id, 3);
		assert_true(last.time_ns == INT64_C(1795381041123456000));
		assert_int_equal(last.dst.port, 2);
		assert_int_equal(last.payload_length, 5);
		assert_int_equal(last.way, SW_WAY_OUT);
		close(file.fd);
	}
}

static void truncated_pcap_says_where(void **state)
{
	uint8_t bytes[1024];
	size_t length = make_pcap(bytes, 0xa1b2c3d4, false, 0, 0), whole = 16 + sizeof frame;

	(void)state;
	for (size_t cut = 25; cut < length; cut++) {
		struct memory_file file = make(bytes, cut);
		struct sw_err err = {0};
		struct sw_packet last;
		uint32_t count, complete = (uint32_t)((cut - 24) / whole);
		int result = read_all(file.path, &count, &last, &err);
		char place[64];

		assert_int_equal(count, complete);
		if ((cut - 24) % whole == 0) {
			assert_int_equal(result, 0);
		} else {
			snprintf(place, sizeof place, "packet %u at byte %zu:", complete + 1, 24 + complete * whole);
			assert_true(result < 0);
			assert_non_null(strstr(err.text, place));
			assert_non_null(strstr(err.text, "cut short"));
		}
		close(file.fd);
	}
}

static void compressed(void **state)
{
	uint8_t bytes[1024], packed[2048];
	size_t length = make_pcap(bytes, 0xa1b2c3d4, false, 0, 0);
	struct sw_packet last;
	struct sw_err err = {0};
	uint32_t count;

	(void)state;
	size_t size = ZSTD_compress(packed, sizeof packed, bytes, length, 3);
	struct memory_file zstd = make(packed, size), cut = make(packed, size - 9), gzip = make("", 0);

	assert_int_equal(read_all(zstd.path, &count, &last, &err), 0);
	assert_int_equal(count, 3);
	assert_true(read_all(cut.path, &count, &last, &err) < 0);
	assert_non_null(strstr(err.text, "compressed data is cut short"));

	gzFile stream = gzdopen(dup(gzip.fd), "wb");

	assert_int_equal(gzwrite(stream, bytes, 100), 100);
	gzclose(stream);
	stream = gzdopen(dup(gzip.fd), "ab"); /* a second member */
	lseek(gzip.fd, 0, SEEK_END);
	assert_int_equal(gzwrite(stream, bytes + 100, (unsigned)length - 100), (int)length - 100);
	gzclose(stream);
	assert_int_equal(read_all(gzip.path, &count, &last, &err), 0);
	assert_int_equal(count, 3);
	close(zstd.fd);
	close(cut.fd);
	close(gzip.fd);
}

static void not_a_capture(void **state)
{
	struct memory_file text = make("execve(\"/bin/true\", [\"true\"], 0x7ff) = 0\n", 42), empty = make("", 0);
	struct sw_err err = {0};

	(void)state;
	assert_null(sw_capture_file_open(text.path, &err));
	assert_int_equal(err.code, -ENOMSG);
	assert_null(sw_capture_file_open(empty.path, &err));
	assert_int_equal(err.code, -ENOMSG);
	assert_null(sw_capture_file_open("/nonexistent/file", &err));
	assert_int_equal(err.code, -ENOENT);
	assert_null(sw_capture_file_open("/", &err));
	assert_int_equal(err.code, -EISDIR);
	close(text.fd);
	close(empty.fd);
}

/* ---- pcapng ----------------------------------------------------------------------------------------------------- */

struct got {
	int sections, interfaces, records;
	char record[256], section_custom[256];
	size_t custom_length;
	uint32_t record_id;
	char custom_end;
};

static void got_section(void *context, const struct sw_pcapng_options *options)
{
	struct got *got = context;
	size_t length;
	sw_auto_free char *custom = sw_pcapng_options_join(*options, SW_OPTION_CUSTOM_TEXT, SW_PCAPNG_PEN, &length);

	got->sections++;
	if (custom)
		snprintf(got->section_custom, sizeof got->section_custom, "%s", custom);
}

static void got_interface(void *context, uint32_t interface, uint32_t linktype, const struct sw_pcapng_options *options)
{
	struct got *got = context;

	(void)options;
	assert_int_equal(linktype, interface ? SW_LINK_UPPER_PDU : SW_LINK_SLL2);
	got->interfaces++;
}

static void got_record(void *context, const struct sw_capture_record *record)
{
	struct got *got = context;
	/* exported_pdu.h: tag 12, 8 bytes, the dissector's name; tag 0 */
	static const char head[16] = "\0\x0c\0\x08syslog";

	assert_true(record->length > sizeof head);
	assert_memory_equal(record->bytes, head, sizeof head);
	snprintf(got->record, sizeof got->record, "%.*s", (int)(record->length - sizeof head),
		 (const char *)record->bytes + sizeof head);
	sw_auto_free char *custom =
		sw_pcapng_options_join(record->options, SW_OPTION_CUSTOM_TEXT, SW_PCAPNG_PEN, &got->custom_length);

	got->custom_end = custom ? custom[got->custom_length - 1] : 0;
	got->record_id = record->id;
	got->records++;
}

static void write_incident(int fd)
{
	static const char *const comments[] = {"finding 1: refused-by-rst"};
	struct sw_pcapng_writer *writer = sw_pcapng_writer_new(fd, "memory");
	struct sw_err err = {0};
	sw_auto_free char *custom = sw_alloc(200001);

	memset(custom, 'a', 199999);
	custom[199999] = 'z';
	sw_pcapng_write_section(
		writer,
		&(struct sw_pcapng_section){
			.application = "sockwhy", .os = "Linux", .custom = "{\"schema\":1}", .custom_length = 12},
		&err);
	sw_pcapng_write_interface(writer,
				  &(struct sw_pcapng_interface){
					  .linktype = SW_LINK_SLL2, .snaplen = 2048, .name = "any", .filter = "tcp"},
				  &err);
	sw_pcapng_write_interface(
		writer,
		&(struct sw_pcapng_interface){.linktype = SW_LINK_UPPER_PDU, .snaplen = 262144, .name = "calls"}, &err);
	sw_pcapng_write_text(writer,
			     &(struct sw_pcapng_packet){
				     .interface = 1, .time_ns = TIME - 10, .custom = custom, .custom_length = 200000},
			     "connect(3, 10.77.2.2:2) = 0", &err);
	sw_pcapng_write_packet(writer,
			       &(struct sw_pcapng_packet){.interface = 0,
							  .time_ns = TIME,
							  .captured = sizeof frame,
							  .wire = 99,
							  .bytes = frame,
							  .comment_count = 1,
							  .comments = comments},
			       &err);
	sw_pcapng_write_statistics(writer, 0, TIME, 10, 7, &err);
	assert_int_equal(sw_pcapng_finish(writer, &err), 0);
}

static void check_incident(const struct memory_file *memory, int sections)
{
	struct got got = {0};
	struct sw_capture_hooks hooks = {&got, got_section, NULL, got_record};
	struct sw_err err = {0};
	struct sw_packet packet;
	struct sw_capture_status status;
	struct sw_pcapng_option option;

	hooks.interface = sections == 1 ? got_interface : NULL;
	struct sw_capture_file *file = sw_capture_file_open(memory->path, &err);

	assert_non_null(file);
	sw_capture_file_hooks(file, &hooks);
	for (int i = 0; i < sections; i++) {
		assert_int_equal(sw_capture_file_next(file, &packet, &err), 1);
		assert_true(packet.time_ns == TIME);
		assert_int_equal(packet.id, 2 + 2 * i);
		assert_int_equal(sw_capture_file_raw(file)->wire, 99);
		assert_int_equal(sw_capture_file_raw(file)->interface, 2 * i);
		struct sw_pcapng_options options = sw_capture_file_options(file);

		assert_true(sw_pcapng_option_next(&options, &option));
		assert_int_equal(option.code, SW_OPTION_COMMENT);
		assert_int_equal(option.length, strlen("finding 1: refused-by-rst"));
	}
	assert_int_equal(sw_capture_file_next(file, &packet, &err), 0);
	assert_int_equal(got.sections, sections);
	assert_int_equal(got.records, sections);
	assert_string_equal(got.record, "connect(3, 10.77.2.2:2) = 0");
	assert_int_equal(got.custom_length, 200000);
	assert_int_equal(got.custom_end, 'z');
	assert_string_equal(got.section_custom, "{\"schema\":1}");
	sw_capture_file_status(file, &status);
	assert_int_equal(status.dropped, 7 * sections);
	assert_int_equal(status.seen, sections);
	sw_capture_file_close(file);
}

static void incident_round_trip(void **state)
{
	struct memory_file file = make("", 0);

	(void)state;
	write_incident(file.fd);
	check_incident(&file, 1);
	write_incident(file.fd); /* a second section behind the first */
	check_incident(&file, 2);
	close(file.fd);
}

/* The other byte order, two interfaces with other resolutions, an offset, a simple block, unknown blocks. */
static size_t make_pcapng(uint8_t *bytes, bool swap)
{
	static const uint8_t offset[8] = {0, 0, 0, 0, 0, 0, 0, 100};
	size_t n = 0;

#define P16(v) (n += put16(bytes + n, (v), swap))
#define P32(v) (n += put32(bytes + n, (v), swap))
	P32(0x0a0d0d0a), P32(28), P32(0x1a2b3c4d), P16(1), P16(0), P32(0xffffffff), P32(0xffffffff), P32(28);
	P32(1), P32(44), P16(SW_LINK_SLL2), P16(0), P32(0); /* binary resolution 2^-10, offset 100 s */
	P16(9), P16(1), bytes[n] = 0x8a, bytes[n + 1] = bytes[n + 2] = bytes[n + 3] = 0, n += 4;
	P16(14), P16(8);
	for (int i = 0; i < 8; i++)
		bytes[n + (size_t)i] = offset[swap ? i : 7 - i];
	n += 8;
	P16(0), P16(0), P32(44);
	P32(0x12345678), P32(16), P32(0), P32(16); /* unknown */
	P32(6), P32(32 + 56), P32(0), P32(0), P32(1536), P32(sizeof frame), P32(sizeof frame);
	memcpy(bytes + n, frame, sizeof frame), memset(bytes + n + sizeof frame, 0, 56 - sizeof frame), n += 56,
		P32(32 + 56);
	P32(3), P32(16 + 56), P32(sizeof frame);
	memcpy(bytes + n, frame, sizeof frame), memset(bytes + n + sizeof frame, 0, 56 - sizeof frame), n += 56,
		P32(16 + 56);
	return n;
#undef P16
#undef P32
}

static void pcapng_variants(void **state)
{
	uint8_t bytes[1024];

	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		struct memory_file memory = make(bytes, make_pcapng(bytes, swap));
		struct sw_err err = {0};
		struct sw_packet last;
		uint32_t count;

		assert_int_equal(read_all(memory.path, &count, &last, &err), 0);
		assert_int_equal(count, 2);
		assert_true(last.time_ns == INT64_C(101500000000));
		assert_int_equal(last.payload_length, 5);
		close(memory.fd);
	}
}

/* Any single byte wrong, any length cut: an answer, never a crash, never more packets than there were blocks. */
static void damaged_pcapng(void **state)
{
	uint8_t bytes[1024];
	size_t length = make_pcapng(bytes, false);

	(void)state;
	for (size_t at = 0; at < length * 4; at++) {
		static const uint8_t damages[] = {0xff, 0x80, 0x01, 0x04};
		uint8_t copy[1024];
		struct sw_err err = {0};
		struct sw_packet last;
		uint32_t count;

		memcpy(copy, bytes, length);
		copy[at / 4] ^= damages[at % 4];
		struct memory_file memory = make(copy, at % 4 ? length : at / 4);

		(void)read_all(memory.path, &count, &last, &err);
		assert_true(count <= 2);
		close(memory.fd);
	}
}

static void pcap_writer(void **state)
{
	struct memory_file file = make("", 0);
	struct sw_pcapng_writer *writer = sw_pcapng_writer_new(file.fd, "memory");
	struct sw_raw_packet raw = {
		.linktype = SW_LINK_SLL2, .captured = sizeof frame, .wire = sizeof frame, .bytes = frame};
	struct sw_err err = {0};
	struct sw_packet last;
	uint32_t count;

	(void)state;
	sw_pcap_write_header(writer, SW_LINK_SLL2, 2048, &err);
	sw_pcap_write_packet(writer, TIME, &raw, &err);
	assert_int_equal(sw_pcapng_finish(writer, &err), 0);
	assert_int_equal(read_all(file.path, &count, &last, &err), 0);
	assert_int_equal(count, 1);
	assert_true(last.time_ns == TIME);
	close(file.fd);
}

static void write_error_is_said(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct sw_pcapng_writer *writer;
	struct sw_err err = {0};

	(void)state;
	if (!full)
		skip();
	writer = sw_pcapng_writer_new(fileno(full), "/dev/full");
	sw_pcapng_write_section(writer, &(struct sw_pcapng_section){.application = "sockwhy"}, &err);
	assert_int_equal(sw_pcapng_flush(writer, &err), -ENOSPC);
	assert_int_equal(sw_pcapng_write_section(writer, &(struct sw_pcapng_section){0}, &err), -ENOSPC);
	assert_int_equal(sw_pcapng_finish(writer, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
	fclose(full);
}

static void cooked_from_other_links(void **state)
{
	struct sw_raw_packet raw = {
		.linktype = SW_LINK_RAW, .captured = sizeof frame - 20, .wire = sizeof frame - 20, .bytes = frame + 20};
	struct sw_packet packet, again;
	uint8_t buffer[128];
	uint32_t wire, length;

	(void)state;
	sw_decode(SW_LINK_RAW, raw.bytes, raw.captured, raw.wire, &packet);
	packet.way = SW_WAY_OUT;
	length = sw_frame_to_sll2(&packet, &raw, buffer, sizeof buffer, &wire);
	assert_int_equal(length, sizeof frame);
	sw_decode(SW_LINK_SLL2, buffer, length, wire, &again);
	assert_int_equal(again.way, SW_WAY_OUT);
	assert_int_equal(again.dst.port, 2);
	assert_int_equal(sw_frame_to_sll2(&packet, &raw, buffer, 30, &wire), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_variants),       cmocka_unit_test(truncated_pcap_says_where),
		cmocka_unit_test(compressed),          cmocka_unit_test(not_a_capture),
		cmocka_unit_test(incident_round_trip), cmocka_unit_test(pcapng_variants),
		cmocka_unit_test(damaged_pcapng),      cmocka_unit_test(pcap_writer),
		cmocka_unit_test(write_error_is_said), cmocka_unit_test(cooked_from_other_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
