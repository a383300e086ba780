/* See speech.h. Enters: the first bytes of a segment. Leaves: a kind and a length. What is cut or odd says nothing. */
#include "capture/speech.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define LENGTH_DIGITS 15 /* a body of a petabyte */

struct text { /* a stretch of the segment; not terminated */
	const char *at;
	size_t length;
};
#define WORD(word)                                                                                                     \
	{                                                                                                              \
		word, sizeof(word) - 1                                                                                 \
	}

static bool begins(struct text text, const char *with)
{
	size_t length = strlen(with);

	return text.length >= length && !strncasecmp(text.at, with, length);
}

static bool has(struct text text, const char *word)
{
	for (; text.length >= strlen(word); text.at++, text.length--)
		if (begins(text, word))
			return true;
	return false;
}

static struct text behind(struct text text, size_t count)
{
	count = count < text.length ? count : text.length;
	return (struct text){text.at + count, text.length - count};
}

/* The next line without its end; false where none ends in this segment. */
static bool line_next(struct text *rest, struct text *line)
{
	const char *end = rest->length ? memchr(rest->at, '\n', rest->length) : NULL;
	size_t length;

	if (!end)
		return false;
	length = (size_t)(end - rest->at);
	*line = (struct text){rest->at, length && rest->at[length - 1] == '\r' ? length - 1 : length};
	*rest = behind(*rest, length + 1);
	return true;
}

static int64_t number_of(struct text text)
{
	int64_t number = 0;
	int digits = 0;

	while (text.length && *text.at == ' ')
		text = behind(text, 1);
	for (; text.length && *text.at >= '0' && *text.at <= '9'; text = behind(text, 1)) {
		if (++digits > LENGTH_DIGITS)
			return -1;
		number = number * 10 + (*text.at - '0');
	}
	return digits ? number : -1;
}

/* ---- HTTP ------------------------------------------------------------------------------------------------------- */

/* The status line is read; the fields follow. */
static struct sw_speech answer(struct text whole, struct text rest, int64_t status)
{
	struct sw_speech speech = {.kind = SW_SPEECH_ANSWER, .length = -1};
	bool chunked = false, events = false, ended = false;
	int64_t body = -1;
	struct text line;

	while (!ended && line_next(&rest, &line)) {
		ended = !line.length;
		if (begins(line, "content-length:"))
			body = number_of(behind(line, strlen("content-length:")));
		else if (begins(line, "transfer-encoding:"))
			chunked = has(line, "chunked");
		else if (begins(line, "content-type:"))
			events = has(line, "text/event-stream");
	}
	if (!ended) /* in this segment, or in what was captured of it */
		return (struct sw_speech){.kind = events || status == 101 ? SW_SPEECH_ENDLESS : SW_SPEECH_NONE};
	speech.head = (uint32_t)(whole.length - rest.length);
	if (events || status == 101)
		speech.kind = SW_SPEECH_ENDLESS;
	else if (status == 204 || status == 304)
		speech.length = speech.head;
	else if (chunked)
		speech.kind = SW_SPEECH_CHUNKED;
	else if (body >= 0)
		speech.length = speech.head + body;
	return speech;
}

/* RFC 7240 "Prefer: wait"; and what services that answer when there is news have in their addresses (Consul, Kubernetes, chat services). */
static bool asks_to_wait(struct text request, struct text rest)
{
	static const char *const words[] = {"?wait=",    "&wait=",   "?watch=",   "&watch=",  "?timeout=",
					    "&timeout=", "longpoll", "long-poll", "long_poll"};
	struct text line;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (has(request, words[i]))
			return true;
	while (line_next(&rest, &line) && line.length) {
		if (begins(line, "prefer:") && has(line, "wait="))
			return true;
		if (begins(line, "accept:") && has(line, "text/event-stream"))
			return true;
	}
	return false;
}

static bool last_chunk(const uint8_t *payload, uint32_t length)
{
	static const char alone[] = "0\r\n\r\n", end[] = "\r\n0\r\n\r\n";

	return (length == sizeof alone - 1 && !memcmp(payload, alone, length)) ||
	       (length >= sizeof end - 1 && !memcmp(payload + length - (sizeof end - 1), end, sizeof end - 1));
}

static uint8_t tail_step(uint8_t state, uint8_t byte)
{
	if (byte == '\r')
		return state == 2 || state == SW_TAIL_LINE ? 3 : 1;
	return byte == '\n' && (state == 1 || state == 3) ? state + 1 : 0;
}

/* Three bits for each state before it: only a segment shorter than the line depends on what came before. */
#define TAIL_BITS 3u
#define TAIL_KNOWN 0x8000u

static uint16_t tail_of(const uint8_t *payload, uint32_t length)
{
	uint32_t from = length > SW_TAIL_LINE ? length - SW_TAIL_LINE : 0, tail = TAIL_KNOWN, other = length;

	while (other > from && (payload[other - 1] == '\r' || payload[other - 1] == '\n'))
		other--;
	for (uint8_t before = 0; before <= SW_TAIL_LINE; before++) {
		uint8_t state = other > from ? 0 : before; /* behind another byte all begin anew */

		for (uint32_t i = other; i < length; i++)
			state = tail_step(state, payload[i]);
		tail |= (uint32_t)state << TAIL_BITS * before;
	}
	return (uint16_t)tail;
}

static uint8_t tail_after(uint16_t tail, uint8_t before)
{
	return tail >> TAIL_BITS * before & 7u;
}

uint8_t sw_speech_tail(const struct sw_speech *speech, uint8_t before)
{
	if (!(speech->tail & TAIL_KNOWN))
		return SW_TAIL_UNKNOWN;
	if (before <= SW_TAIL_LINE)
		return tail_after(speech->tail, before);
	for (uint8_t any = 1; any <= SW_TAIL_LINE; any++)
		if (tail_after(speech->tail, any) != tail_after(speech->tail, 0))
			return SW_TAIL_UNKNOWN;
	return tail_after(speech->tail, 0);
}

static bool begins_with_one(struct text request, const char *const *words)
{
	for (; *words; words++)
		if (begins(request, *words))
			return true;
	return false;
}

/* Of what is asked by these the answer has the body that its head announces; not so of HEAD and CONNECT. */
static struct sw_speech asked(struct text request)
{
	static const char *const bare[] = {"GET ", "DELETE ", "OPTIONS ", NULL};
	static const char *const with_body[] = {"POST ", "PUT ", "PATCH ", NULL};

	if (begins_with_one(request, bare))
		return (struct sw_speech){.kind = SW_SPEECH_ASKS};
	if (begins_with_one(request, with_body))
		return (struct sw_speech){.kind = SW_SPEECH_ASKS, .length = -1};
	return (struct sw_speech){0};
}

static struct sw_speech http(struct text whole, struct text first, struct text rest)
{
	if (begins(first, "HTTP/1.")) {
		int64_t status = number_of(behind(first, strlen("HTTP/1.1 ")));

		/* an interim answer (100-continue) is none */
		return status == 101 || status >= 200 ? answer(whole, rest, status) : (struct sw_speech){0};
	}
	if (!has(first, " HTTP/1."))
		return (struct sw_speech){0};
	if (begins(first, "HEAD "))
		return (struct sw_speech){.kind = SW_SPEECH_HEAD};
	return asks_to_wait(first, rest) ? (struct sw_speech){.kind = SW_SPEECH_WAITS} : asked(first);
}

/* ---- Redis, IMAP ------------------------------------------------------------------------------------------------ */

/* *2 $5 BLPOP ...: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
static bool blocks(struct text rest)
{
	static const struct text words[] = {WORD("BLPOP"),   WORD("BRPOP"),     WORD("BRPOPLPUSH"), WORD("BLMOVE"),
					    WORD("BLMPOP"),  WORD("BZPOPMIN"),  WORD("BZPOPMAX"),   WORD("BZMPOP"),
					    WORD("WAIT"),    WORD("WAITAOF"),   WORD("SUBSCRIBE"),  WORD("PSUBSCRIBE"),
					    WORD("MONITOR"), WORD("SSUBSCRIBE")};
	struct text size, word;

	if (!line_next(&rest, &size) || !begins(size, "$") || !line_next(&rest, &word))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (word.length == words[i].length && !strncasecmp(word.at, words[i].at, word.length))
			return true;
	return (begins(word, "XREAD") && has(rest, "\nBLOCK\r\n"));
}

/* ---- TLS on a connection that began without --------------------------------------------------------------------- */

static bool is_word(struct text text, const char *word)
{
	return text.length == strlen(word) && !strncasecmp(text.at, word, text.length);
}

/* A command, a reply's number, an IMAP tag (RFC 9051: no '+', '*', ...), "-ERR". Most segments do not, so they are done with. */
static bool may_begin_word(struct text text)
{
	return text.length && (isalnum((unsigned char)*text.at) || *text.at == '-' || *text.at == '.');
}

/* IMAP: what follows the tag that the client made up. */
static struct text behind_tag(struct text line)
{
	const char *blank = line.length ? memchr(line.at, ' ', line.length) : NULL;

	return blank ? behind(line, (size_t)(blank - line.at) + 1) : (struct text){line.at, 0};
}

/* PostgreSQL, "SSLRequest": its length and its number. */
static bool asks_for_tls(struct text whole)
{
	static const char request[] = {0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f};
	struct text rest = whole, line;

	if (whole.length == sizeof request && !memcmp(whole.at, request, sizeof request))
		return true;
	if (!may_begin_word(whole) || !line_next(&rest, &line) || rest.length)
		return false;
	return is_word(line, "STARTTLS") || is_word(line, "STLS") || is_word(line, "AUTH TLS") ||
	       is_word(line, "AUTH SSL") || is_word(behind_tag(line), "STARTTLS");
}

static bool says_no(struct text whole)
{
	struct text rest = whole, line;
	int64_t code;

	if (is_word(whole, "N"))
		return true;
	if (!may_begin_word(whole) || !line_next(&rest, &line))
		return false;
	code = number_of(whole);
	return (code >= 400 && code <= 599) || begins(line, "-ERR") || begins(behind_tag(line), "NO ") ||
	       begins(behind_tag(line), "BAD ");
}

static struct sw_speech beginning(const uint8_t *payload, uint32_t captured, uint32_t length)
{
	struct text whole = {(const char *)payload, captured}, rest = whole, first;
	struct sw_speech speech = {0};

	if (captured < 5)
		return speech;
	if (payload[0] == '*' || (payload[0] >= 'A' && payload[0] <= 'Z') || (payload[0] >= 'a' && payload[0] <= 'z')) {
		if (!line_next(&rest, &first))
			return speech;
		if (payload[0] == '*')
			speech.kind = blocks(rest) ? SW_SPEECH_WAITS : SW_SPEECH_NONE;
		else if (rest.length)
			speech = http(whole, first, rest);
		else if (captured == length && first.length > 5 && has(behind(first, first.length - 5), " IDLE"))
			speech.kind = SW_SPEECH_WAITS;
	}
	if (captured == length && last_chunk(payload, length)) {
		if (speech.kind == SW_SPEECH_CHUNKED) { /* head and all in one segment */
			speech.kind = SW_SPEECH_ANSWER;
			speech.length = length;
		} else if (speech.kind == SW_SPEECH_NONE) {
			speech.kind = SW_SPEECH_LAST;
		}
	}
	return speech;
}

struct sw_speech sw_speech_of(const uint8_t *payload, uint32_t captured, uint32_t length)
{
	struct sw_speech speech = beginning(payload, captured, length);
	struct text whole = {(const char *)payload, captured};

	if (speech.kind == SW_SPEECH_NONE && captured == length)
		speech.kind = asks_for_tls(whole) ? SW_SPEECH_UPGRADE :
			      says_no(whole)      ? SW_SPEECH_REFUSES :
						    SW_SPEECH_NONE;
	speech.tail = length && captured == length ? tail_of(payload, length) : 0;
	return speech;
}
