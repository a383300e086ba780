/* Capture files, read by content: pcap and pcapng in all their variants, plain, gzip or zstd.
 *
 * A file is a stream of packets in fixed memory. Damage ends it: everything before was delivered, and the error says
 * which packet and which byte. The same reader gives back what an incident file holds besides packets: records of
 * link type 252 (calls, facts), section options, comments and custom options, through hooks called while the file is
 * read.
 *
 * Life: open, set hooks, next until it gives no packet, status, close. */
#ifndef SW_CAPTURE_FILE_H
#define SW_CAPTURE_FILE_H

#include "capture/packet.h"
#include "src/base/err.h"

/* ---- options of pcapng blocks (draft-ietf-opsawg-pcapng, section 3.5) ------------------------------------------- */

#define SW_PCAPNG_PEN 32473u /* RFC 5612: the enterprise number for documentation, until the project has one */
#define SW_OPTION_COMMENT 1u
#define SW_OPTION_CUSTOM_TEXT 2988u /* copyable: tools that rewrite the file keep it */
#define SW_OPTION_CUSTOM_BYTES 2989u
#define SW_OPTION_CUSTOM_TEXT_ONCE 19372u /* not to be copied */
#define SW_OPTION_CUSTOM_BYTES_ONCE 19373u

struct sw_pcapng_options { /* the options of one block; walk a copy of it */
	const uint8_t *at, *end;
	bool swapped; /* the file's byte order is not this machine's */
};

struct sw_pcapng_option {
	uint16_t code;
	uint32_t pen; /* enterprise number of a custom option; 0 of all others */
	const uint8_t *bytes; /* texts are not NUL terminated */
	size_t length; /* without the enterprise number */
};

bool sw_pcapng_option_next(struct sw_pcapng_options *options, struct sw_pcapng_option *option);
/* All custom options with this code and number, joined (values above 65 kB are split); NULL when there is none.
 * Caller frees; NUL terminated behind `*length`. */
char *sw_pcapng_options_join(struct sw_pcapng_options options, uint16_t code, uint32_t pen, size_t *length);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct sw_capture_record { /* a record of link type 252; see capture/upper_pdu.h */
	uint32_t id; /* frame number, counted as Wireshark does, together with the packets */
	uint32_t interface; /* counted over all sections */
	int64_t time_ns;
	const uint8_t *bytes;
	uint32_t length;
	struct sw_pcapng_options options;
};

struct sw_capture_hooks { /* each may be NULL; what is pointed to is valid during the call */
	void *context;
	void (*section)(void *context, const struct sw_pcapng_options *options);
	void (*interface)(void *context, uint32_t interface, uint32_t linktype,
			  const struct sw_pcapng_options *options);
	void (*record)(void *context, const struct sw_capture_record *record);
};

struct sw_capture_file;

/* NULL with err set: -ENOMSG when the content is no capture (then it may be something else), else the reason. `path`
 * "-" is standard input. */
struct sw_capture_file *sw_capture_file_open(const char *path, struct sw_err *err);
void sw_capture_file_close(struct sw_capture_file *file); /* NULL is allowed */
/* before the first next */
void sw_capture_file_hooks(struct sw_capture_file *file, const struct sw_capture_hooks *hooks);

/* 1: a packet, 0: the end, negative: damaged or unreadable from here on (a further call says the same). id,
 * interface, time and all decoded fields are set; input, place and netns are the caller's. The payload is valid
 * until the next call. */
int sw_capture_file_next(struct sw_capture_file *file, struct sw_packet *packet, struct sw_err *err);
/* Of the packet that was delivered last. */
const struct sw_raw_packet *sw_capture_file_raw(const struct sw_capture_file *file);
struct sw_pcapng_options sw_capture_file_options(const struct sw_capture_file *file);

/* What is known so far: first and last time, packets, drops where the file carries counters (else -1), interface
 * names. */
void sw_capture_file_status(const struct sw_capture_file *file, struct sw_capture_status *status);
uint64_t sw_capture_file_offset(const struct sw_capture_file *file); /* of the (decompressed) stream, for progress */
const char *sw_capture_file_kind(const struct sw_capture_file *file); /* "pcap", "pcapng", "pcap, gzip" */
uint32_t sw_capture_file_unknown(const struct sw_capture_file *file); /* packets whose link type is not decoded */

#endif
