/* What the kernel said, as a sentence: with all that is known, and with nothing. */
#include <string.h>

#include "correlate/facts/fact_words.h"
#include "src/base/mem.h"
#include "tests/unit/test.h"

#define T(field, value)                                                                                                \
	{                                                                                                              \
		.name = field, .text = value                                                                           \
	}
#define N(field, value)                                                                                                \
	{                                                                                                              \
		.name = field, .number = value                                                                         \
	}

static void expect(const char *kind, const struct sw_field *fields, size_t count, const char *wanted)
{
	struct sw_fact fact = {.kind = kind, .field_count = (uint32_t)count, .fields = fields};

	sw_auto_free char *words = sw_fact_told(&fact);
	assert_string_equal(words, wanted);
}

#define EXPECT(kind, wanted, ...)                                                                                      \
	do {                                                                                                           \
		const struct sw_field fields[] = {__VA_ARGS__};                                                        \
		expect(kind, fields, SW_COUNT(fields), wanted);                                                        \
	} while (0)

static void test_words(void **state)
{
	(void)state;
	EXPECT("route", "kernel: the route to 10.0.0.2 is of type unreachable (EHOSTUNREACH)",
	       T("destination", "10.0.0.2"), T("type", "unreachable"), N("error", 113));
	EXPECT("route", "kernel: no route to 10.0.0.2 (ENETUNREACH)", T("destination", "10.0.0.2"), T("type", "none"),
	       N("error", 101));
	EXPECT("route", "kernel: the route to 10.0.0.2: via 10.0.1.1 at eth0", T("destination", "10.0.0.2"),
	       T("type", "unicast"), N("error", 0), T("gateway", "10.0.1.1"), T("device", "eth0"));
	EXPECT("fd-limit", "kernel: 24 of 24 descriptors open, 21 of them sockets; hard limit 30", N("limit", 24),
	       N("hard", 30), N("count", 24), N("sockets", 21));
	EXPECT("port-holder", "kernel: nginx[7] has tcp/0.0.0.0:80 (listen, uid 0)", T("address", "10.0.0.1:80"),
	       T("protocol", "tcp"), T("state", "listen"), T("local", "0.0.0.0:80"), N("pid", 7), T("comm", "nginx"));
	EXPECT("port-holder", "kernel: a socket that no descriptor leads to has tcp/10.0.0.1:80 (time-wait, uid 0)",
	       T("address", "10.0.0.1:80"), T("protocol", "tcp"), T("state", "time-wait"), N("inode", 0));
	EXPECT("probe-path",
	       "sockwhy: a SYN to 10.0.0.2:80 got silence, 1 router on the way answered, the last of them 10.0.1.1",
	       T("destination", "10.0.0.2:80"), T("answer", "silence"), N("hops", 1), T("hop", "10.0.1.1"));
	EXPECT("unix-path", "kernel: /run/x is not there", T("path", "/run/x/y.sock"), T("kind", "missing"),
	       T("missing", "/run/x"));
	EXPECT("unix-path", "kernel: /run/x is mode 0700, owner 0:0", T("path", "/run/x/y.sock"), T("kind", "unknown"),
	       T("denied", "/run/x"), T("denied_mode", "0700"), T("denied_owner", "0:0"));
	EXPECT("unix-path", "kernel: /run/x is a directory", T("path", "/run/x"), T("kind", "directory"));
	EXPECT("unix-path", "kernel: /run/x is a socket that nobody is bound to any more", T("path", "/run/x"),
	       T("kind", "socket"), N("bound", 0));
	EXPECT("unix-path", "kernel: /run/x: db[9] listens (stream), 2 of at most 1 connections wait",
	       T("path", "/run/x"), T("kind", "socket"), N("bound", 1), N("listeners", 1), T("type", "stream"),
	       N("queue", 2), N("backlog", 1), N("holder_pid", 9), T("holder_comm", "db"));
}

/* A fact of a newer recorder, or a damaged one: no hole is read. */
static void test_bare(void **state)
{
	static const char *const kinds[] = {"route",          "fd-limit", "port-holder", "port-range", "address-local",
					    "receive-buffer", "process",  "unix-path",   "probe-path", "neighbor",
					    "listener",       "counters", "new"};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(kinds); i++) {
		sw_auto_free char *words = sw_fact_told(&(struct sw_fact){.kind = kinds[i]});

		assert_non_null(words);
		assert_null(strstr(words, "(null)"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_bare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
