/* TLS records across segments. Enters: segments of one direction. Leaves: which records and handshake messages they
 * carry. The hellos themselves are read in tls_hello.c. */
#include "capture/tls.h"

#include <string.h>

#include "capture/tls_certificate.h"
#include "capture/tls_hello.h"

#define RECORD_HEADER 5u
#define MESSAGE_HEADER 4u
#define RECORD_MAX (16384u + 2048u) /* RFC 5246, section 6.2.3 */

void sw_tls_start(struct sw_tls_stream *stream)
{
	stream->synced = stream->changed_cipher = stream->hello_broken = false;
	stream->header_have = stream->message_have = stream->alert_have = 0;
	stream->record_left = stream->message_left = stream->hello_have = 0;
}

bool sw_tls_looks_like(const uint8_t *bytes, size_t captured)
{
	if (captured < RECORD_HEADER || bytes[0] < SW_TLS_CHANGE_CIPHER || bytes[0] > SW_TLS_APPLICATION ||
	    bytes[1] != 3 || bytes[2] > 4)
		return false;
	unsigned length = (unsigned)bytes[3] << 8 | bytes[4];

	return length && length <= RECORD_MAX;
}

static struct sw_tls_record *say(struct sw_tls_stream *stream, struct sw_tls *tls)
{
	if (tls->record_count == SW_TLS_RECORDS) {
		tls->more = true;
		return NULL;
	}
	tls->records[tls->record_count] = stream->record;
	return &tls->records[tls->record_count++];
}

static void message_ended(struct sw_tls_stream *stream, struct sw_tls *tls)
{
	if (!stream->hello_broken && stream->message_header[0] == SW_TLS_CLIENT_HELLO)
		sw_tls_client_hello(&tls->client, stream->hello, stream->hello_have);
	else if (!stream->hello_broken && stream->message_header[0] == SW_TLS_SERVER_HELLO)
		sw_tls_server_hello(&tls->server, stream->hello, stream->hello_have);
	else if (!stream->hello_broken && stream->message_header[0] == SW_TLS_CERTIFICATE)
		sw_tls_certificate(&tls->certificate, stream->hello, stream->hello_have);
	stream->hello_broken = false;
	stream->message_have = 0;
	stream->hello_have = 0;
}

static void message_began(struct sw_tls_stream *stream)
{
	struct sw_tls_record *record = &stream->record;

	stream->message_left = (uint32_t)stream->message_header[1] << 16 | (uint32_t)stream->message_header[2] << 8 |
			       stream->message_header[3];
	if (record->message_count < SW_TLS_MESSAGES)
		record->messages[record->message_count++] = stream->message_header[0];
}

/* Handshake bytes: messages may share a record and may cross records (RFC 8446, section 5.1). */
static void handshake(struct sw_tls_stream *stream, const uint8_t *bytes, size_t length, struct sw_tls *tls)
{
	while (length) {
		if (stream->message_have < MESSAGE_HEADER) {
			stream->message_header[stream->message_have++] = *bytes++;
			length--;
			if (stream->message_have < MESSAGE_HEADER)
				continue;
			message_began(stream);
		}
		size_t part = length < stream->message_left ? length : stream->message_left;
		size_t room = SW_TLS_HELLO - stream->hello_have, keep = part < room ? part : room;

		memcpy(stream->hello + stream->hello_have, bytes, keep);
		stream->hello_have += (uint32_t)keep;
		stream->message_left -= (uint32_t)part;
		bytes += part;
		length -= part;
		if (!stream->message_left)
			message_ended(stream, tls);
	}
}

static void alert(struct sw_tls_stream *stream, const uint8_t *bytes, size_t length)
{
	for (; length && stream->alert_have < 2; length--, bytes++) {
		if (stream->alert_have++ == 0)
			stream->record.alert_level = *bytes;
		else
			stream->record.alert = *bytes;
	}
}

/* Is what follows the change of ciphers still in the clear? Only a hello of exactly the record's length is (TLS 1.3:
 * the second ClientHello comes behind a change that means nothing). */
static bool clear_hello(const struct sw_tls_stream *stream, const uint8_t *bytes, size_t length)
{
	return stream->record.content == SW_TLS_HANDSHAKE && length >= MESSAGE_HEADER &&
	       (bytes[0] == SW_TLS_CLIENT_HELLO || bytes[0] == SW_TLS_SERVER_HELLO) && !bytes[1] &&
	       ((unsigned)bytes[2] << 8 | bytes[3]) + MESSAGE_HEADER == stream->record.length;
}

static void record_began(struct sw_tls_stream *stream, const uint8_t *body, size_t length)
{
	struct sw_tls_record *record = &stream->record;

	*record = (struct sw_tls_record){
		.content = stream->header[0],
		.version = (uint16_t)(stream->header[1] << 8 | stream->header[2]),
		.length = (uint16_t)(stream->header[3] << 8 | stream->header[4]),
		.begins = true,
	};
	stream->record_left = record->length;
	stream->alert_have = 0;
	if (record->content == SW_TLS_ALERT) /* with its authentication it would be longer, whatever came before */
		record->encrypted = record->length != 2;
	else if (stream->changed_cipher && record->content == SW_TLS_HANDSHAKE)
		record->encrypted = !clear_hello(stream, body, length);
	else if (record->content == SW_TLS_CHANGE_CIPHER || record->content == SW_TLS_APPLICATION)
		stream->changed_cipher = true;
}

/* Handshake bytes that were not captured: what was seen of a hello is read; where the next message begins is known
 * while the gap lies inside one message. */
static void handshake_gap(struct sw_tls_stream *stream, size_t length, struct sw_tls *tls)
{
	bool inside = stream->message_have == MESSAGE_HEADER && length <= stream->message_left;

	if (stream->message_have == MESSAGE_HEADER && stream->hello_have)
		message_ended(stream, tls);
	stream->hello_broken = inside && length < stream->message_left;
	stream->message_have = stream->hello_broken ? MESSAGE_HEADER : 0;
	if (inside)
		stream->message_left -= (uint32_t)length;
	else
		stream->record.encrypted = true;
}

/* The part of the present record that is here; `known`: its bytes were captured. */
static void body(struct sw_tls_stream *stream, const uint8_t *bytes, size_t part, bool known, struct sw_tls *tls)
{
	struct sw_tls_record *record = &stream->record, *said;

	if (!known && !record->encrypted && record->content == SW_TLS_HANDSHAKE)
		handshake_gap(stream, part, tls);
	if (known && !record->encrypted && record->content == SW_TLS_HANDSHAKE)
		handshake(stream, bytes, part, tls);
	else if (known && !record->encrypted && record->content == SW_TLS_ALERT)
		alert(stream, bytes, part);
	stream->record_left -= (uint32_t)part;
	record->ends = !stream->record_left;
	if (!part && !record->begins)
		return;
	said = say(stream, tls);
	if (said && said->alert_level && stream->alert_have < 2)
		said->alert_level = 0;
	record->begins = false;
	record->message_count = 0;
}

static void known_bytes(struct sw_tls_stream *stream, const uint8_t *bytes, size_t length, struct sw_tls *tls)
{
	while (length && stream->synced) {
		if (!stream->record_left) {
			stream->header[stream->header_have++] = *bytes++;
			length--;
			if (stream->header_have < RECORD_HEADER)
				continue;
			stream->header_have = 0;
			stream->synced = sw_tls_looks_like(stream->header, RECORD_HEADER);
			if (!stream->synced)
				return;
			record_began(stream, bytes, length);
		}
		size_t part = length < stream->record_left ? length : stream->record_left;

		body(stream, bytes, part, true, tls);
		bytes += part;
		length -= part;
	}
}

/* Bytes that nobody has seen: they may be skipped inside one record, not across a header. */
static void unknown_bytes(struct sw_tls_stream *stream, size_t length, struct sw_tls *tls)
{
	if (!length)
		return;
	tls->truncated = true;
	if (length > stream->record_left)
		stream->synced = false;
	else
		body(stream, NULL, length, false, tls);
}

bool sw_tls_feed(struct sw_tls_stream *stream, uint32_t seq, const uint8_t *bytes, size_t captured, size_t wire,
		 struct sw_tls *tls)
{
	*tls = (struct sw_tls){0};
	if (stream->synced) {
		int32_t ahead = (int32_t)(seq - stream->next);

		if (ahead < 0) { /* came before, in whole or in part */
			size_t again = (size_t) - (int64_t)ahead;

			if (again >= wire)
				return false;
			bytes += again < captured ? again : captured;
			captured -= again < captured ? again : captured;
			wire -= again;
			seq += (uint32_t)again;
		} else {
			unknown_bytes(stream, (size_t)ahead, tls);
		}
	}
	if (!stream->synced) {
		if (!sw_tls_looks_like(bytes, captured))
			return false;
		bool changed = stream->changed_cipher;

		sw_tls_start(stream);
		stream->changed_cipher = changed;
		stream->synced = true;
	}
	known_bytes(stream, bytes, captured, tls);
	if (stream->synced && wire > captured)
		unknown_bytes(stream, wire - captured, tls);
	stream->next = seq + (uint32_t)wire;
	return tls->record_count || stream->synced;
}
