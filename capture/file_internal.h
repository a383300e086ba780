/* What the capture file's readers share. Nobody else includes this. */
#ifndef SW_CAPTURE_FILE_INTERNAL_H
#define SW_CAPTURE_FILE_INTERNAL_H

#include "capture/application.h"
#include "capture/duplicate.h"
#include "capture/file.h"
#include "capture/source.h"
#include "src/base/mem.h"

struct sw_file_interface { /* of the present section; a pcap has one */
	uint32_t linktype, snaplen;
	bool binary_resolution; /* units of 2^-exponent s, else of 10^-exponent s */
	uint8_t exponent;
	int64_t offset_ns;
	int64_t dropped; /* -1 unknown */
};

#define SW_FILE_PACKET_MAX ((uint32_t)16 << 20) /* bytes of one frame; more is damage */
#define SW_FILE_NAMES_SIZE 256

struct sw_capture_file {
	struct sw_source source;
	char *path;
	int (*next)(struct sw_capture_file *file, struct sw_packet *packet, struct sw_err *err);
	const char *format; /* "pcap", "pcapng" */
	bool swapped;
	struct sw_capture_hooks hooks;
	SW_ARRAY(struct sw_file_interface) interfaces;
	uint32_t interface_base; /* interfaces of earlier sections */
	struct sw_raw_packet raw;
	struct sw_pcapng_options options; /* of the last packet */
	uint32_t count; /* frames so far */
	uint32_t packets, unknown;
	struct sw_application *application;
	struct sw_duplicates *duplicates;
	bool one_interface; /* what was captured on one has no copies */
	bool all_interfaces; /* a packet came from "any" */
	bool loopback_seen, others_seen; /* where it was captured on single ones */
	int64_t first_ns, last_ns;
	int64_t dropped; /* of earlier sections; -1 unknown */
	int failed; /* negative errno after damage */
	struct sw_err failure;
	char names[SW_FILE_NAMES_SIZE]; /* of the interfaces, separated by commas */
	char kind[32];
	struct {
		uint32_t tick_ns; /* nanoseconds of one unit of the fraction */
		uint32_t header; /* bytes before each packet */
		bool lengths_swapped, lengths_maybe_swapped; /* files older than 2.4 */
	} pcap;
};

/* Each recognises its format by the first bytes and prepares `file`; 1: mine, 0: not mine, negative: mine and
 * unusable. */
int sw_pcap_begin(struct sw_capture_file *file, struct sw_err *err);
int sw_pcapng_begin(struct sw_capture_file *file, struct sw_err *err);

/* Damage, with the place: "FILE: packet 17 at byte 1234: ...". Returns the code, and next will go on returning it. */
int sw_file_damaged(struct sw_capture_file *file, struct sw_err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The stream ended inside something that needs `want` bytes: damage, or the reason for which reading ended. */
int sw_file_cut(struct sw_capture_file *file, size_t want, const char *what, struct sw_err *err);
/* Decodes and counts one frame. */
void sw_file_packet(struct sw_capture_file *file, struct sw_packet *packet, int64_t time_ns, enum sw_packet_way way);

static inline uint16_t sw_file_u16(const struct sw_capture_file *file, const uint8_t *at)
{
	uint16_t value;

	__builtin_memcpy(&value, at, sizeof value);
	return file->swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t sw_file_u32(const struct sw_capture_file *file, const uint8_t *at)
{
	uint32_t value;

	__builtin_memcpy(&value, at, sizeof value);
	return file->swapped ? __builtin_bswap32(value) : value;
}

#endif
