/* TLS by segment, in place: record headers, handshake headers, versions, suites, protocols and alerts stay; server names become others;
 * everything else (randoms of the client, sessions, tickets, certificates, keys) becomes zeros. RFC 8446, 5246, 6066.
 *
 * Enters: the segments of a stream as they come. Leaves: bytes of the same number. A stream is followed from a record's begin at a segment's
 * begin, in order; segments that come again or out of order are emptied. */
#include <string.h>

#include "capture/tls.h"
#include "src/anonymize/internal.h"

#define STREAMS 1024u
#define NAME_MAX_BYTES 255u

enum { EXTENSION_NAME = 0, EXTENSION_ALPN = 16, EXTENSION_VERSIONS = 43 };

/* of a hello, in their order */
enum part {
	PART_VERSION,
	PART_RANDOM,
	PART_SESSION_LENGTH,
	PART_SESSION,
	PART_SUITES_LENGTH,
	PART_SUITES,
	PART_COMPRESSION_LENGTH,
	PART_COMPRESSION,
	PART_EXTENSIONS_LENGTH,
	PART_EXTENSION, /* type and length */
	PART_NAME_HEADER, /* of the list, the type, the name's length */
	PART_NAME,
	PART_KEPT, /* an extension's value */
	PART_EMPTIED,
};

struct stream {
	bool used, synced, changed_cipher;
	struct sw_endpoint src, dst;
	uint32_t netns, next; /* sequence number that comes next */
	uint8_t header[5], header_have, content;
	uint32_t record_left;
	uint8_t message_header[4], message_have;
	uint32_t message_left;
	enum part part; /* what comes next of a hello */
	uint32_t part_left; /* bytes of it */
	uint32_t number; /* the part's bytes so far, as a number */
	uint32_t extension_left; /* bytes of the extension behind this part */
};

struct sw_masks {
	struct stream streams[STREAMS];
};

void sw_masks_free(struct sw_masks *masks)
{
	free(masks);
}

/* ---- hellos ------------------------------------------------------------------------------------------------------------- */

static void begin_part(struct stream *stream, enum part part, uint32_t length)
{
	stream->part = part;
	stream->part_left = length;
	stream->number = 0;
}

static void begin_extension(struct stream *stream)
{
	uint32_t type = stream->number >> 16, length = stream->number & 0xffff;
	bool client = stream->message_header[0] == SW_TLS_CLIENT_HELLO;
	if (type == EXTENSION_NAME && client && length >= 5) {
		stream->extension_left = length - 5;
		begin_part(stream, PART_NAME_HEADER, 5);
	} else if (type == EXTENSION_ALPN || type == EXTENSION_VERSIONS) {
		begin_part(stream, PART_KEPT, length);
	} else {
		begin_part(stream, PART_EMPTIED, length);
	}
}

/* What follows a part that is whole; `number` is its value. */
static void next_part(struct stream *stream)
{
	bool client = stream->message_header[0] == SW_TLS_CLIENT_HELLO;
	uint32_t name = stream->number & 0xffff;
	switch (stream->part) {
	case PART_VERSION: begin_part(stream, PART_RANDOM, 32); break;
	case PART_RANDOM: begin_part(stream, PART_SESSION_LENGTH, 1); break;
	case PART_SESSION_LENGTH: begin_part(stream, PART_SESSION, stream->number); break;
	case PART_SESSION:
		if (client)
			begin_part(stream, PART_SUITES_LENGTH, 2);
		else /* the one that was chosen, and the compression */
			begin_part(stream, PART_COMPRESSION, 3);
		break;
	case PART_SUITES_LENGTH: begin_part(stream, PART_SUITES, stream->number); break;
	case PART_SUITES: begin_part(stream, PART_COMPRESSION_LENGTH, 1); break;
	case PART_COMPRESSION_LENGTH: begin_part(stream, PART_COMPRESSION, stream->number); break;
	case PART_COMPRESSION: begin_part(stream, PART_EXTENSIONS_LENGTH, 2); break;
	case PART_EXTENSION: begin_extension(stream); break;
	case PART_NAME_HEADER:
		name = name < stream->extension_left ? name : stream->extension_left;
		stream->extension_left -= name;
		begin_part(stream, PART_NAME, name);
		break;
	case PART_NAME: begin_part(stream, PART_EMPTIED, stream->extension_left); break;
	case PART_EXTENSIONS_LENGTH:
	case PART_KEPT:
	case PART_EMPTIED: begin_part(stream, PART_EXTENSION, 4); break;
	}
}

/* A name that lies in two segments cannot be looked up: it becomes as many x. */
static void change_name(struct sw_anonymizer *anonymizer, const struct stream *stream, uint8_t *at, uint32_t length)
{
	bool whole = stream->number == 0 && length == stream->part_left && length <= NAME_MAX_BYTES;
	if (whole)
		sw_anonymizer_name(anonymizer, (char *)at, length);
	else
		memset(at, 'x', length);
}

static void change_part(struct sw_anonymizer *anonymizer, struct stream *stream, uint8_t *at, uint32_t length)
{
	/* a server's random says whether its hello is a request to retry */
	bool empty = stream->part == PART_SESSION || stream->part == PART_EMPTIED ||
		     (stream->part == PART_RANDOM && stream->message_header[0] == SW_TLS_CLIENT_HELLO);
	if (stream->part == PART_NAME) {
		change_name(anonymizer, stream, at, length);
		stream->number = 1; /* has begun */
	} else if (empty) {
		memset(at, 0, length);
	} else {
		for (uint32_t i = 0; i < length; i++)
			stream->number = stream->number << 8 | at[i];
	}
}

static void hello(struct sw_anonymizer *anonymizer, struct stream *stream, uint8_t *at, uint32_t length)
{
	while (length) {
		uint32_t take = stream->part_left < length ? stream->part_left : length;
		change_part(anonymizer, stream, at, take);
		stream->part_left -= take;
		at += take;
		length -= take;
		while (stream->part_left == 0)
			next_part(stream);
	}
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

static void handshake(struct sw_anonymizer *anonymizer, struct stream *stream, uint8_t *at, uint32_t length)
{
	while (length) {
		if (stream->message_have < 4) {
			stream->message_header[stream->message_have++] = *at++;
			length--;
			const uint8_t *header = stream->message_header;
			if (stream->message_have == 4) {
				stream->message_left = (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
				begin_part(stream, PART_VERSION, 2);
			}
		} else {
			uint32_t take = stream->message_left < length ? stream->message_left : length;
			bool is_hello = stream->message_header[0] == SW_TLS_CLIENT_HELLO ||
					stream->message_header[0] == SW_TLS_SERVER_HELLO;
			if (is_hello)
				hello(anonymizer, stream, at, take);
			else
				memset(at, 0, take);
			stream->message_left -= take;
			at += take;
			length -= take;
		}
		if (stream->message_have == 4 && stream->message_left == 0)
			stream->message_have = 0;
	}
}

static void content(struct sw_anonymizer *anonymizer, struct stream *stream, uint8_t *at, uint32_t length)
{
	if (stream->content == SW_TLS_HANDSHAKE && !stream->changed_cipher) {
		handshake(anonymizer, stream, at, length);
	} else if (stream->content == SW_TLS_CHANGE_CIPHER) {
		stream->changed_cipher = true;
		memset(at, 1, length);
	} else if (stream->content != SW_TLS_ALERT || stream->header[3] || stream->header[4] != 2) {
		memset(at, 0, length); /* an alert of two bytes is in the clear and tells no secret */
	}
}

static bool is_header(const uint8_t header[5])
{
	return header[0] >= SW_TLS_CHANGE_CIPHER && header[0] <= SW_TLS_APPLICATION && header[1] == 3 && header[2] <= 4;
}

/* False: this is no TLS any more. */
static bool records(struct sw_anonymizer *anonymizer, struct stream *stream, uint8_t *at, size_t length)
{
	while (length) {
		if (stream->header_have < 5) {
			stream->header[stream->header_have++] = *at++;
			length--;
			if (stream->header_have < 5)
				continue;
			if (!is_header(stream->header))
				return false;
			stream->content = stream->header[0];
			stream->record_left = (uint32_t)stream->header[3] << 8 | stream->header[4];
		}
		uint32_t take = stream->record_left < length ? stream->record_left : (uint32_t)length;
		content(anonymizer, stream, at, take);
		stream->record_left -= take;
		at += take;
		length -= take;
		if (stream->record_left == 0)
			stream->header_have = 0;
	}
	return true;
}

/* ---- streams ------------------------------------------------------------------------------------------------------------ */

static struct stream *stream_of(struct sw_anonymizer *anonymizer, const struct sw_packet *packet)
{
	if (!anonymizer->masks)
		anonymizer->masks = sw_alloc(sizeof *anonymizer->masks);
	uint32_t slot = sw_endpoint_hash(&packet->src) * 31u + sw_endpoint_hash(&packet->dst);
	struct stream *stream = &anonymizer->masks->streams[(slot ^ slot >> 13) % STREAMS];
	bool same = stream->used && stream->netns == packet->netns && sw_endpoint_equal(&stream->src, &packet->src) &&
		    sw_endpoint_equal(&stream->dst, &packet->dst);
	if (!same || packet->tcp.flags & SW_TCP_SYN)
		*stream = (struct stream){.used = true, .src = packet->src, .dst = packet->dst, .netns = packet->netns};
	return stream;
}

/* Bytes that were not captured: inside a record that is emptied anyway they can be counted, elsewhere the thread is lost. */
static void skip(struct stream *stream, uint32_t missing)
{
	if (!missing)
		return;
	bool inside = stream->header_have == 5 && missing <= stream->record_left;
	bool read = stream->content == SW_TLS_HANDSHAKE && !stream->changed_cipher;
	if (!inside || read) {
		stream->synced = false;
		return;
	}
	stream->record_left -= missing;
	if (stream->record_left == 0)
		stream->header_have = 0;
}

/* A new thread where a record begins; the cipher may have changed before, or the record goes on with a message's middle. */
static bool begin(struct stream *stream, const struct sw_packet *packet, const uint8_t *payload, size_t length)
{
	if (length < 5 || !is_header(payload))
		return false;
	stream->synced = true;
	stream->header_have = stream->message_have = 0;
	stream->next = packet->tcp.seq;
	bool hello_begins = payload[0] == SW_TLS_HANDSHAKE && length > 5 &&
			    (payload[5] == SW_TLS_CLIENT_HELLO || payload[5] == SW_TLS_SERVER_HELLO);
	stream->changed_cipher = !hello_begins;
	return true;
}

size_t sw_anonymizer_tls(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *payload,
			 size_t length)
{
	struct stream *stream = stream_of(anonymizer, packet);
	bool again = stream->synced && packet->tcp.seq != stream->next;
	if (!length && !packet->payload_length)
		return 0;
	if (again && (int32_t)(packet->tcp.seq - stream->next) < 0) {
		memset(payload, 0, length);
		return length;
	}
	if ((!stream->synced || again) && !begin(stream, packet, payload, length)) {
		stream->synced = false;
		return 0;
	}
	stream->next = packet->tcp.seq + packet->payload_length;
	if (!records(anonymizer, stream, payload, length)) {
		stream->synced = false;
		return 0;
	}
	if (packet->payload_length > length)
		skip(stream, packet->payload_length - (uint32_t)length);
	return length;
}
