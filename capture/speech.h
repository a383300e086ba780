/* What a segment's first bytes say of the conversation: is a whole answer behind them, how long will it be, does the request itself ask
 * the peer to wait. Plain text protocols only: HTTP/1 (RFC 9112), Redis (RESP), IMAP IDLE (RFC 2177), server-sent events.
 *
 * Nothing of the text is kept: a kind and a length. */
#ifndef SW_CAPTURE_SPEECH_H
#define SW_CAPTURE_SPEECH_H

#include <stdint.h>

enum sw_speech_kind {
	SW_SPEECH_NONE,
	SW_SPEECH_WAITS, /* a request whose answer comes when there is something to say: BLPOP, SUBSCRIBE, IDLE, Prefer: wait */
	SW_SPEECH_HEAD, /* a request for the head of an answer alone */
	SW_SPEECH_ANSWER, /* the head of an answer; `length`: of it and its body, from this segment's first byte */
	SW_SPEECH_ENDLESS, /* the head of an answer that goes on as long as the connection: events, another protocol */
	SW_SPEECH_CHUNKED, /* the head of an answer whose length nobody knows; its last chunk is LAST */
	SW_SPEECH_LAST, /* the segment ends with the last chunk of such an answer */
	SW_SPEECH_ASKS, /* a request for a whole answer, body and all */
};

/* May this segment be the end of an answer in chunks? Each ends with an empty line (RFC 9112, 7.1). */
enum sw_speech_tail { SW_TAIL_UNKNOWN, SW_TAIL_OPEN, SW_TAIL_PERHAPS };

struct sw_speech {
	uint8_t kind; /* enum sw_speech_kind */
	uint8_t tail; /* enum sw_speech_tail; UNKNOWN where the segment's end was not captured */
	uint32_t head; /* ANSWER: bytes of the head alone */
	int64_t length; /* ANSWER: -1 not known: it ends with the connection */
};

/* `captured` of the `length` bytes of a segment are at `payload`. */
struct sw_speech sw_speech_of(const uint8_t *payload, uint32_t captured, uint32_t length);

#endif
