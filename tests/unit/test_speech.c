/* What the first bytes of a segment say: lengths of answers, requests that wait; and nothing of what is cut or odd. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "capture/speech.h"

static struct sw_speech of(const char *text)
{
	return sw_speech_of((const uint8_t *)text, (uint32_t)strlen(text), (uint32_t)strlen(text));
}

static void answers_tell_their_length(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  5000\r\n\r\n";
	struct sw_speech speech = of(head);

	(void)state;
	assert_int_equal(speech.kind, SW_SPEECH_ANSWER);
	assert_int_equal(speech.head, strlen(head));
	assert_int_equal(speech.length, (int64_t)strlen(head) + 5000);
	speech = of("HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n");
	assert_int_equal(speech.length, speech.head);
	speech = of("HTTP/1.0 200 OK\r\n\r\nbody until the end");
	assert_int_equal(speech.kind, SW_SPEECH_ANSWER);
	assert_int_equal(speech.length, -1);
	assert_int_equal(of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n").length, -1);
	assert_int_equal(of("HTTP/1.1 200 OK\r\nContent-Length: 50").kind, SW_SPEECH_NONE);
	assert_int_equal(of("HTTP/1.1 100 Continue\r\n\r\n").kind, SW_SPEECH_NONE);
}

static void answers_without_a_length(void **state)
{
	struct sw_speech speech;

	(void)state;
	assert_int_equal(of("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").kind, SW_SPEECH_ENDLESS);
	assert_int_equal(of("HTTP/1.1 101 Switching Protocols\r\n\r\n").kind, SW_SPEECH_ENDLESS);
	assert_int_equal(of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n").kind,
			 SW_SPEECH_CHUNKED);
	assert_int_equal(of("more\r\n0\r\n\r\n").kind, SW_SPEECH_LAST);
	assert_int_equal(of("0\r\n\r\n").kind, SW_SPEECH_LAST);
	speech = of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
	assert_int_equal(speech.kind, SW_SPEECH_ANSWER);
	assert_true(speech.length > speech.head);
}

static void requests_that_wait(void **state)
{
	static const char *const waiting[] = {
		"*3\r\n$5\r\nblpop\r\n$1\r\nk\r\n$1\r\n2\r\n",
		"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n",
		"*6\r\n$5\r\nXREAD\r\n$5\r\nBLOCK\r\n$4\r\n5000\r\n",
		"GET /v1/kv/x?index=7&wait=30s HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /news HTTP/1.1\r\nPrefer: respond-async, wait=30\r\n\r\n",
		"a002 IDLE\r\n",
	};
	static const char *const plain[] = {
		"*2\r\n$3\r\nGET\r\n$5\r\nblpop\r\n",
		"*3\r\n$5\r\nblpo",
		"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
		"IDLE\r\n",
		"*",
		"*\n$\n\n\n",
		"HTTP/1.1 \r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
		assert_int_equal(of(waiting[i]).kind, SW_SPEECH_WAITS);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_int_equal(of(plain[i]).kind, SW_SPEECH_NONE);
	assert_int_equal(of("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").kind, SW_SPEECH_HEAD);
	assert_int_equal(of("GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n").kind, SW_SPEECH_ASKS);
	assert_int_equal(of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").kind, SW_SPEECH_ASKS);
}

static void asks_for_tls(void **state)
{
	static const char *const asking[] = {"STARTTLS\r\n", "starttls\r\n", "STLS\r\n", "AUTH TLS\r\n",
					     "a1 STARTTLS\r\n"};
	static const char *const refusing[] = {"N",
					       "502 5.5.1 no\r\n",
					       "454-wait\r\n454 x\r\n",
					       "-ERR not here\r\n",
					       "a1 NO not here\r\n",
					       "a1 BAD what\r\n"};
	static const char *const neither[] = {
		"S",  "220 go\r\n", "+OK\r\n", "a1 OK\r\n", "STARTTLS", "STARTTLS\r\nNOOP\r\n",
		"NN", "600 x\r\n",  "40",      ""};
	static const uint8_t postgres[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};

	(void)state;
	for (size_t i = 0; i < sizeof asking / sizeof *asking; i++)
		assert_int_equal(of(asking[i]).kind, SW_SPEECH_UPGRADE);
	for (size_t i = 0; i < sizeof refusing / sizeof *refusing; i++)
		assert_int_equal(of(refusing[i]).kind, SW_SPEECH_REFUSES);
	for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
		assert_int_equal(of(neither[i]).kind, SW_SPEECH_NONE);
	assert_int_equal(sw_speech_of(postgres, 8, 8).kind, SW_SPEECH_UPGRADE);
	assert_int_equal(sw_speech_of(postgres, 7, 8).kind, SW_SPEECH_NONE);
	/* a length of a chunk, and its end: an answer's */
	assert_int_equal(of("400\r\nx\r\n0\r\n\r\n").kind, SW_SPEECH_LAST);
}

static uint8_t tail_of(const char *const *segments)
{
	uint8_t tail = SW_TAIL_UNKNOWN;

	for (; *segments; segments++) {
		struct sw_speech speech = of(*segments);
		tail = sw_speech_tail(&speech, tail);
	}
	return tail;
}
#define TAIL(...) tail_of((const char *const[]){__VA_ARGS__, NULL})

static void ends_of_segments(void **state)
{
	struct sw_speech cut = sw_speech_of((const uint8_t *)"hello", 5, 6); /* by the snap length */

	(void)state;
	assert_int_equal(TAIL("5\r\nhello\r\n0\r\n\r\n"), SW_TAIL_LINE);
	assert_int_equal(TAIL("5\r\nhello\r\n0\r\nTrailer: a\r\n", "\r\n"), SW_TAIL_LINE);
	assert_int_equal(TAIL("5\r\nhello\r\n0", "\r", "\n\r", "\n"), SW_TAIL_LINE);
	assert_int_equal(TAIL("5\r\nhello", "\r\n"), 2);
	assert_int_equal(TAIL("5\r\nhel"), 0);
	assert_int_equal(TAIL("\r\n\r\n", "\r"), 3);
	assert_int_equal(TAIL("\r\n\n"), 0);
	assert_int_equal(TAIL("\r\n"), SW_TAIL_UNKNOWN);
	assert_int_equal(TAIL("\r\n", "x"), 0);
	assert_int_equal(sw_speech_tail(&cut, 0), SW_TAIL_UNKNOWN);
	assert_int_equal(TAIL(""), SW_TAIL_UNKNOWN);
}

/* Each cut of each text is read without a step beyond it (the sanitizers see to that). */
static void whatever_is_cut(void **state)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n*3\r\n$5\r\nblpop\r\n0\r\n\r\n";

	(void)state;
	for (uint32_t from = 0; from < sizeof text; from++)
		for (uint32_t length = 0; length <= sizeof text - from; length++) {
			uint8_t *copy = malloc(length + 1);

			assert_non_null(copy);
			memcpy(copy, text + from, length);
			sw_speech_of(copy, length, length + 7);
			sw_speech_of(copy, length, length);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_tell_their_length),
		cmocka_unit_test(answers_without_a_length),
		cmocka_unit_test(requests_that_wait),
		cmocka_unit_test(ends_of_segments),
		cmocka_unit_test(asks_for_tls),
		cmocka_unit_test(whatever_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
