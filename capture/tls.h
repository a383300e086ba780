/* TLS records and what of the handshake is in the clear, as plain data. RFC 8446, 5246, 6066 (SNI), 7301 (ALPN).
 *
 * A stream is one direction of a connection: records cross segments, so whoever feeds the segments in order keeps
 * one struct sw_tls_stream for each. Segments that come again are known by their numbers; a gap is bridged where it
 * lies inside one record. */
#ifndef SW_CAPTURE_TLS_H
#define SW_CAPTURE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_TLS_RECORDS 8 /* of one segment; `more` says that there were others */
#define SW_TLS_MESSAGES 4 /* handshake messages of one record */
#define SW_TLS_HELLO 6144 /* bytes of a hello or of a certificate message that are looked at */

enum { SW_TLS_CHANGE_CIPHER = 20, SW_TLS_ALERT = 21, SW_TLS_HANDSHAKE = 22, SW_TLS_APPLICATION = 23 };
enum {
	SW_TLS_CLIENT_HELLO = 1,
	SW_TLS_SERVER_HELLO = 2,
	SW_TLS_CERTIFICATE = 11,
	SW_TLS_CERTIFICATE_REQUEST = 13,
	SW_TLS_SERVER_HELLO_DONE = 14,
	SW_TLS_FINISHED = 20,
};

struct sw_tls_record {
	uint8_t content; /* SW_TLS_* */
	uint16_t version; /* of the record, 0x0301 ... 0x0304 */
	uint16_t length;
	bool begins, ends; /* in this segment */
	bool encrypted; /* handshake or alert that cannot be read */
	uint8_t message_count;
	uint8_t messages[SW_TLS_MESSAGES]; /* handshake types that began in this segment */
	uint8_t alert_level, alert; /* in the clear; level 0: none */
};

struct sw_tls_hello {
	bool present;
	uint16_t version; /* client: the highest offered; server: the chosen one; 0: not captured */
	uint16_t cipher; /* server: the chosen suite */
	bool retry; /* server: a hello retry request */
	char name[256]; /* client: SNI, "" none */
	char protocols[64]; /* ALPN, separated by commas */
};

struct sw_tls_certificate { /* the first of the chain, up to TLS 1.2 */
	bool present, self_signed;
	bool names_cut; /* not all names were captured, or there are more than fit */
	char subject[96], issuer[96]; /* common name, else organization */
	char names[320]; /* subject alternative names, separated by commas */
	int64_t from_s, until_s; /* seconds of the epoch, -1 unknown */
};

struct sw_tls {
	uint8_t record_count;
	bool more; /* records beyond SW_TLS_RECORDS */
	bool truncated; /* bytes were not captured */
	struct sw_tls_record records[SW_TLS_RECORDS];
	struct sw_tls_hello client, server; /* hellos that ended in this segment */
	struct sw_tls_certificate certificate; /* that ended in this segment */
};

struct sw_tls_stream {
	bool synced; /* `next` is where a record header, or the rest of a record, goes on */
	uint32_t next; /* sequence number */
	uint8_t header[5], header_have;
	uint32_t record_left; /* bytes of the present record that are still to come */
	struct sw_tls_record record;
	bool changed_cipher;
	uint8_t alert_have;
	uint8_t message_header[4], message_have;
	uint32_t message_left;
	bool hello_broken; /* bytes of the present message were not captured: what came before them has been read */
	uint32_t hello_have;
	uint8_t hello[SW_TLS_HELLO];
};

void sw_tls_start(struct sw_tls_stream *stream);
bool sw_tls_looks_like(const uint8_t *bytes, size_t captured); /* a record begins here */

/* One segment: `wire` bytes at sequence number `seq`, of which `captured` are there. False: it carried no TLS that
 * can be followed. */
bool sw_tls_feed(struct sw_tls_stream *stream, uint32_t seq, const uint8_t *bytes, size_t captured, size_t wire,
		 struct sw_tls *tls);

/* Whether the certificate is for that name; true too where not all its names are known. */
bool sw_tls_certificate_covers(const struct sw_tls_certificate *certificate, const char *name);
const char *sw_tls_alert_name(uint8_t alert); /* "handshake_failure"; "?" when unknown */
const char *sw_tls_version_name(uint16_t version); /* "TLS 1.2" */
const char *sw_tls_message_name(uint8_t type); /* "ClientHello" */

#endif
