/* What programs said on standard error, as lines, and which of them are shown of a failure. */
#include <string.h>

#include "correlate/findings/said.h"
#include "src/base/arena.h"
#include "src/base/mem.h"
#include "tests/unit/test.h"

#define PID 7

static void say(struct sw_said *said, int64_t time_ns, const char *text, bool cut)
{
	const struct sw_field fields[] = {{.name = "text", .text = text}, {.name = "cut", .number = cut}};

	sw_said_fact(said, &(struct sw_fact){.kind = "said",
					     .time_ns = time_ns,
					     .pid = PID,
					     .field_count = SW_COUNT(fields),
					     .fields = fields});
}

/* The chosen lines, with bars between them. The caller frees. */
static char *told(const struct sw_said *said, int64_t since_ns, const char *word)
{
	struct sw_arena *arena = sw_arena_new();
	struct sw_texts texts = {0};
	char *all = sw_strdup("");

	sw_said_tell(said, PID, since_ns, (const char *[]){word, NULL}, &texts, arena);
	for (size_t i = 0; i < texts.count; i++) {
		char *longer = sw_format("%s%s%s", all, i ? "|" : "", texts.items[i]);

		free(all);
		all = longer;
	}
	sw_arena_free(arena);
	return all;
}

static void expect(struct sw_said *said, int64_t since_ns, const char *word, const char *wanted)
{
	sw_auto_free char *got = told(said, since_ns, word);

	assert_string_equal(got, wanted);
	sw_said_free(said);
}

static void test_pieces(void **state)
{
	struct sw_said *said = sw_said_new();

	(void)state;
	say(said, 1, "c", false);
	say(said, 2, "url: (7) no", false);
	say(said, 3, " way\n\n", false);
	assert_true(sw_said_since(said, PID, 3));
	assert_false(sw_said_since(said, PID, 4));
	assert_false(sw_said_since(said, PID + 1, 0));
	expect(said, 0, NULL, "curl: (7) no way");
}

static void test_terminal(void **state)
{
	struct sw_said *said = sw_said_new();

	(void)state;
	say(said, 1, "\033[1;31mred\033[0m\ta\x07larm\033]0;title\007\r\n", false);
	expect(said, 0, NULL, "red alarm");
	said = sw_said_new();
	say(said, 1, "  5%\r 50%\r100%", false);
	expect(said, 0, NULL, "100%");
	said = sw_said_new();
	say(said, 1, "abc\b\bX\033[", false); /* an escape sequence that never ends */
	expect(said, 0, NULL, "aX");
	said = sw_said_new();
	say(said, 1, "\b\b\b\033]0;never\nlast", false);
	expect(said, 0, NULL, "last");
}

static void test_length(void **state)
{
	struct sw_said *said = sw_said_new();
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	memcpy(text + 319, "\xc3\xa4\xc3\xa4", 4); /* the cut falls into a character */
	say(said, 1, text, false);
	say(said, 1, "\n", false);
	sw_auto_free char *got = told(said, 0, NULL);
	assert_int_equal(strlen(got), 322);
	assert_string_equal(got + 316, "xxx...");
	sw_said_free(said);
}

static void test_cut(void **state)
{
	struct sw_said *said = sw_said_new();

	(void)state;
	say(said, 1, "begun", false);
	say(said, 2, "half a line\nwhole\n", true);
	expect(said, 0, "begun", "begun|whole");
}

static void test_choice(void **state)
{
	struct sw_said *said = sw_said_new();

	(void)state;
	say(said, 10, "connecting to db\n", false);
	say(said, 20, "Error: connect ECONNREFUSED\n    at afterConnect\n", false);
	say(said, 21, "\nNode.js v18\n", false);
	expect(said, 20, "econnrefused", "Error: connect ECONNREFUSED|Node.js v18");

	/* Nothing names it: the last line. Nothing was said after it: the last line as well. */
	said = sw_said_new();
	say(said, 10, "one\ntwo\nthree\n", false);
	sw_auto_free char *later = told(said, 11, "one");
	assert_string_equal(later, "three");
	expect(said, 10, "four", "three");

	/* Long after it other things are said. */
	said = sw_said_new();
	say(said, 10, "timeout of db\n", false);
	say(said, 10 + 60 * SW_NS_PER_S, "bye\n", false);
	expect(said, 10, "db", "timeout of db");

	/* Of many that name it the last two, each once. */
	said = sw_said_new();
	for (int i = 0; i < 100; i++)
		say(said, 10 + i, i % 2 ? "try failed: db\n" : "try again: db\n", false);
	expect(said, 10, "db", "try again: db|try failed: db");
}

/* No word of the failure in it: the line that complains goes before the advice that follows it. */
static void test_complaint(void **state)
{
	struct sw_said *said = sw_said_new();

	(void)state;
	say(said, 5, "warning: failed to read a file\n", false);
	say(said, 10,
	    "curl: (60) SSL certificate problem: certificate has expired\nMore details here: https://curl.se/\n\n",
	    false);
	say(said, 10, "curl failed to verify the legitimacy of the server\nhow to fix it, please visit the web page\n",
	    false);
	expect(said, 8, "ECONNREFUSED",
	       "curl: (60) SSL certificate problem: certificate has expired|how to fix it, please visit the web page");

	/* The last line says it best. */
	said = sw_said_new();
	say(said, 10, "Traceback (most recent call last):\n  raise Failure(error)\nTimeoutError: timed out\n", false);
	expect(said, 8, "ECONNREFUSED", "TimeoutError: timed out");

	/* At the end of a run there is no moment of a failure. */
	said = sw_said_new();
	say(said, 10, "Error: old\n", false);
	say(said, 10 * SW_NS_PER_S, "fatal: no such thing\nsee the manual\n", false);
	expect(said, SW_SAID_AT_THE_END, NULL, "fatal: no such thing|see the manual");
}

/* The line with the errno and the address, not those that have but one of them; a trace of the stack crowds nothing out. */
static void test_weights(void **state)
{
	const char *const words[] = {"ECONNREFUSED", "Connection refused", "10.0.0.1", NULL};
	struct sw_arena *arena = sw_arena_new();
	struct sw_said *said = sw_said_new();
	struct sw_texts texts = {0};

	(void)state;
	say(said, 10, "* Trying 10.0.0.1\n* connect to 10.0.0.1 failed: Connection refused\n", false);
	say(said, 10, "* 10.0.0.1 is given up\n* Failed to connect to 10.0.0.1\n", false);
	for (int i = 0; i < 100; i++)
		say(said, 10, "\tat java.net.Socket.connect(Socket.java:633)\n", false);
	for (int i = 0; i < 100; i++)
		say(said, 10, "[00 00 00 00]\n", false);
	say(said, 11, "bye\n", false);
	sw_said_tell(said, PID, 10, words, &texts, arena);
	assert_int_equal(texts.count, 2);
	assert_string_equal(texts.items[0], "* connect to 10.0.0.1 failed: Connection refused");
	assert_string_equal(texts.items[1], "bye");
	sw_arena_free(arena);
	sw_said_free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),  cmocka_unit_test(test_terminal), cmocka_unit_test(test_length),
		cmocka_unit_test(test_cut),     cmocka_unit_test(test_choice),   cmocka_unit_test(test_complaint),
		cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
