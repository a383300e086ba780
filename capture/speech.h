/* What a segment's first bytes say of the conversation: is a whole answer behind them, how long will it be, does the request itself ask
 * the peer to wait, or for TLS. Plain text protocols only: HTTP/1 (RFC 9112), Redis (RESP), IMAP IDLE (RFC 2177), server-sent events; of
 * mail (RFC 3207, 2595), FTP (RFC 4217) and PostgreSQL the request for TLS and the no to it.
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
	/* the numbers stand in incident files: new ones at the end */
	SW_SPEECH_ASKS, /* a request for a whole answer, body and all; `length` 0: it has no body itself, -1: it may */
	SW_SPEECH_UPGRADE, /* asks to begin TLS on this connection: STARTTLS, STLS, AUTH TLS, PostgreSQL's SSLRequest */
	SW_SPEECH_REFUSES, /* as a no to that would be said */
};

/* An answer in chunks ends with an empty line (RFC 9112, 7.1). How much of one stands at the end of what was said: 0 to 4 bytes. */
#define SW_TAIL_LINE 4u /* an empty line, and the end of the line before it */
#define SW_TAIL_UNKNOWN 5u

struct sw_speech {
	uint8_t kind; /* enum sw_speech_kind */
	uint16_t tail; /* for sw_speech_tail(); 0 where the segment's end was not captured */
	uint32_t head; /* ANSWER: bytes of the head alone */
	int64_t length; /* ANSWER: -1 not known: it ends with the connection; ASKS */
};

/* `captured` of the `length` bytes of a segment are at `payload`. */
struct sw_speech sw_speech_of(const uint8_t *payload, uint32_t captured, uint32_t length);
/* What stands at the end once this segment has come behind what ended with `before`: a short one may complete it. */
uint8_t sw_speech_tail(const struct sw_speech *speech, uint8_t before);

#endif
