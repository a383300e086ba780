/* The list of facts against its document, and facts as they are put together. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tracer/kernel/probe.h"
#include "tracer/kernel/probe_fact.h"
#include "tracer/kernel/probe_tcp.h"

#define DOCUMENT "tracer/facts.md" /* tests run in the root of the tree */

/* Every row of the table stands in facts.md, in the same order, and nothing else does. */
static void test_document(void **state)
{
	(void)state;
	char line[512], kind[64] = "", expected[512];
	size_t at = 0;
	FILE *file = fopen(DOCUMENT, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "## %63s", kind) == 1 || strncmp(line, "| `", 3) != 0)
			continue;
		assert_true(at < sw_fact_row_count);
		const struct sw_fact_row *row = &sw_fact_rows[at++];
		snprintf(expected, sizeof expected, "| `%s` | %s | %s |\n", row->field,
			 row->type == SW_FACT_NUMBER ? "number" : "text", row->meaning);
		assert_string_equal(line, expected);
		assert_string_equal(kind, row->kind);
	}
	assert_int_equal(at, sw_fact_row_count);
	fclose(file);
}

static void test_draft(void **state)
{
	(void)state;
	struct sw_fact_draft draft;
	char *huge = malloc(10000);
	memset(huge, 'x', 9999);
	huge[9999] = '\0';
	sw_fact_begin(&draft, "route");
	sw_fact_add_text(&draft, "device", "eth0");
	sw_fact_add_number(&draft, "error", 113);
	assert_int_equal(draft.refused, 0);
	sw_fact_add_number(&draft, "device", 1); /* listed as a text */
	sw_fact_add_number(&draft, "colour", 1);
	assert_int_equal(draft.refused, 2);
	sw_fact_add_text(&draft, "type", huge);
	sw_fact_add_text(&draft, "gateway", "no room");
	sw_fact_add_text(&draft, "source", NULL);
	const struct sw_fact *fact = sw_fact_of(&draft);
	assert_int_equal(fact->field_count, 3);
	assert_string_equal(sw_fact_text(fact, "device"), "eth0");
	assert_int_equal(sw_fact_number(fact, "error", 0), 113);
	assert_true(strlen(sw_fact_text(fact, "type")) < SW_FACT_TEXTS_MAX);
	free(huge);
}

/* An older kernel fills fewer bytes: those fields are absent, and none is read behind the end. */
static void test_short_tcp_info(void **state)
{
	(void)state;
	uint8_t bytes[512] = {1};
	struct sw_fact_draft draft;
	uint32_t queue, backlog;
	for (size_t length = 0; length <= sizeof bytes; length++) {
		uint8_t *exact = malloc(length ? length : 1);
		memcpy(exact, bytes, length);
		sw_tcp_info_fact(&draft, exact, length);
		assert_int_equal(draft.refused, 0);
		assert_int_equal(sw_tcp_info_queue(exact, length, &queue, &backlog), length >= 32);
		free(exact);
	}
	assert_string_equal(sw_fact_text(sw_fact_of(&draft), "state"), "established");
}

struct seen {
	int64_t no_ports;
	char when[16];
	size_t count;
};

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct seen *seen = context;
	assert_string_equal(fact->kind, "counters");
	seen->no_ports = sw_fact_number(fact, "udp_no_ports", -1);
	snprintf(seen->when, sizeof seen->when, "%s", sw_fact_text(fact, "when"));
	seen->count = fact->field_count;
}

static void test_counters_move(void **state)
{
	(void)state;
	struct seen before = {0}, after = {0};
	struct sw_trace_sink sink = {.context = &before, .fact = on_fact};
	struct sw_identity *identity = sw_identity_new(&sink, 0);
	struct sw_probe *probe = sw_probe_new(&sink, identity, 0);
	sw_probe_counters(probe, getpid(), "start");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in nobody = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&nobody, sizeof nobody), 1);
	close(fd);
	sink.context = &after;
	sw_probe_counters(probe, getpid(), "end");
	assert_true(before.no_ports >= 0 && after.no_ports > before.no_ports);
	assert_string_equal(before.when, "start");
	assert_true(after.count >= 20);
	sw_probe_free(probe);
	sw_identity_free(identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_draft),
		cmocka_unit_test(test_short_tcp_info),
		cmocka_unit_test(test_counters_move),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
