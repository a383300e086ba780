/* Writing captures: pcapng with descriptions, comments and custom options; and plain pcap.
 *
 * Invariants: blocks are written whole, in this machine's byte order, nanoseconds; every length is padded. Nothing
 * is written but on flush, when the buffer is full, and at the end, so that a reader sees whole blocks up to the
 * last flush. The first error sticks and is returned by every later call. The descriptor is the caller's.
 *
 * Life: new, section, interfaces, packets in order of time, statistics, finish (which frees). */
#ifndef SW_CAPTURE_PCAPNG_WRITE_H
#define SW_CAPTURE_PCAPNG_WRITE_H

#include "capture/packet.h"
#include "src/base/err.h"

struct sw_pcapng_section { /* texts may be NULL */
	const char *hardware, *os, *application;
	size_t comment_count;
	const char *const *comments;
	const char *custom; /* text for option 2988; split where it is long */
	size_t custom_length;
};

struct sw_pcapng_interface {
	uint32_t linktype, snaplen;
	const char *name, *description, *filter;
	const char *custom;
	size_t custom_length;
};

struct sw_pcapng_packet {
	uint32_t interface; /* in the order of sw_pcapng_write_interface, from 0 */
	int64_t time_ns;
	uint32_t captured, wire;
	const uint8_t *bytes;
	enum sw_packet_way way; /* epb_flags, where the link layer does not tell; SW_WAY_UNKNOWN writes none */
	size_t comment_count;
	const char *const *comments;
	const char *custom; /* text for option 2988: survives tshark, editcap and mergecap */
	size_t custom_length;
};

struct sw_pcapng_writer;

/* `name` is for messages. */
struct sw_pcapng_writer *sw_pcapng_writer_new(int fd, const char *name);
int sw_pcapng_write_section(struct sw_pcapng_writer *writer, const struct sw_pcapng_section *section,
			    struct sw_err *err);
int sw_pcapng_write_interface(struct sw_pcapng_writer *writer, const struct sw_pcapng_interface *interface,
			      struct sw_err *err);
int sw_pcapng_write_packet(struct sw_pcapng_writer *writer, const struct sw_pcapng_packet *packet, struct sw_err *err);
/* A record of link type 252 with the dissector "syslog": `text` is what Wireshark shows; bytes, captured and wire
 * are not used. */
int sw_pcapng_write_text(struct sw_pcapng_writer *writer, const struct sw_pcapng_packet *packet, const char *text,
			 struct sw_err *err);
/* Counters of an interface; -1: not known, not written. */
int sw_pcapng_write_statistics(struct sw_pcapng_writer *writer, uint32_t interface, int64_t time_ns, int64_t received,
			       int64_t dropped, struct sw_err *err);
int sw_pcapng_flush(struct sw_pcapng_writer *writer, struct sw_err *err);
uint64_t sw_pcapng_written(const struct sw_pcapng_writer *writer); /* bytes, with those not flushed yet */
int sw_pcapng_finish(struct sw_pcapng_writer *writer, struct sw_err *err); /* flushes and frees; NULL is allowed */

/* Plain pcap, nanoseconds: the same writer with another header. One link type a file. */
int sw_pcap_write_header(struct sw_pcapng_writer *writer, uint32_t linktype, uint32_t snaplen, struct sw_err *err);
int sw_pcap_write_packet(struct sw_pcapng_writer *writer, int64_t time_ns, const struct sw_raw_packet *raw,
			 struct sw_err *err);

/* The frame with a LINUX_SLL2 header in place of its own, so that frames of several link types can stand in one
 * pcap; returns the captured length, 0 where the link type is not known or `size` is too small. */
uint32_t sw_frame_to_sll2(const struct sw_packet *packet, const struct sw_raw_packet *raw, uint8_t *buffer, size_t size,
			  uint32_t *wire);

#endif
