/* Grouping, attempts and rank: one cause is one finding, what was made good is a note, the answer comes first. */
#include "tests/unit/debt_feed.h"

static void try_once(struct feed *feed, uint32_t socket, int domain, const char *to, int error)
{
	socket_made(feed, socket, domain, SOCK_STREAM, 0);
	connect_to(feed, socket, to, error, 1);
	close_of(feed, socket);
}

static void retries_are_one_finding(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	for (uint32_t i = 3; i < 9; i++) {
		try_once(&feed, i, AF_INET, "10.0.0.2:80", ECONNREFUSED);
		feed.now_ns += SW_NS_PER_S;
	}
	report = feed_end(&feed, 1);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].count, 6);
	assert_int_equal(report->findings[0].occurrence_count, 6);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_FAILURE);
	assert_int_equal(strlen(report->findings[0].fingerprint), 16);
	sw_report_free(report);
}

static void recovered_in_time_is_a_note(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	try_once(&feed, 3, AF_INET, "10.0.0.2:80", ECONNREFUSED);
	feed.now_ns += 2 * SW_NS_PER_S;
	try_once(&feed, 4, AF_INET, "10.0.0.2:80", 0);
	report = feed_end(&feed, 0);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_NOTE);
	assert_true(report->findings[0].recovered_ns != SW_TIME_NONE);
	sw_report_free(report);
}

static void recovered_too_late_stays_a_failure(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	for (uint32_t i = 3; i < 8; i++) {
		try_once(&feed, i, AF_INET, "10.0.0.2:80", ECONNREFUSED);
		feed.now_ns += 3 * SW_NS_PER_S;
	}
	try_once(&feed, 9, AF_INET, "10.0.0.2:80", 0);
	report = feed_end(&feed, 0);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_FAILURE);
	assert_true(report->findings[0].recovered_ns != SW_TIME_NONE);
	sw_report_free(report);
}

/* The other family, the next address: what it fell back to made it good. */
static void fallback_is_a_note(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	try_once(&feed, 3, AF_INET6, "[fd00::2]:80", ENETUNREACH);
	try_once(&feed, 4, AF_INET, "10.0.0.2:80", 0);
	report = feed_end(&feed, 0);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_NOTE);
	sw_report_free(report);
}

/* Two hosts asked side by side: that one answers says nothing for the other. */
static void side_by_side_replaces_nothing(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, SW_SOCKET_NONBLOCKING);
	socket_made(&feed, 4, AF_INET, SOCK_STREAM, SW_SOCKET_NONBLOCKING);
	connect_to(&feed, 3, "10.0.0.2:80", EINPROGRESS, 0);
	connect_to(&feed, 4, "10.0.0.3:80", EINPROGRESS, 0);
	poll_one(&feed, 3, EPOLLOUT, EPOLLERR, 1000, 1);
	so_error(&feed, 3, ECONNREFUSED);
	poll_one(&feed, 4, EPOLLOUT, EPOLLOUT, 1000, 1);
	close_of(&feed, 3);
	report = close_and_end(&feed, 4, 1);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_FAILURE);
	assert_true(report->findings[0].meanwhile.count > 0);
	sw_report_free(report);
}

static void absent_cache_daemon_is_a_note(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	try_once(&feed, 3, AF_UNIX, "unix:/var/run/nscd/socket", ENOENT);
	try_once(&feed, 4, AF_UNIX, "unix:/var/run/nscd/socket", ENOENT);
	report = feed_end(&feed, 0);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_NOTE);
	assert_int_equal(report->findings[0].count, 2);
	sw_report_free(report);
}

/* A note never stands before a failure, an early recovered one never before the last. */
static void failures_come_first(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	try_once(&feed, 3, AF_UNIX, "unix:/var/run/nscd/socket", ENOENT);
	try_once(&feed, 4, AF_INET, "10.0.0.2:81", ECONNREFUSED);
	feed.now_ns += 10 * SW_NS_PER_S;
	try_once(&feed, 5, AF_INET, "10.0.0.2:82", ECONNREFUSED);
	report = feed_end(&feed, 1);
	assert_int_equal(report->finding_count, 3);
	assert_int_equal(report->findings[0].flow.remote.endpoint.port, 82);
	assert_int_equal(report->findings[1].flow.remote.endpoint.port, 81);
	assert_int_equal(report->findings[2].severity, SW_SEVERITY_NOTE);
	assert_int_equal(report->findings[0].id, 1);
	sw_report_free(report);
}

static void next_port_taken_is_a_note(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, 0);
	feed_call(&feed,
		  (struct sw_call){.sys = SW_SYS_BIND, .socket = 3, .addr = at("0.0.0.0:8080"), .error = EADDRINUSE},
		  0);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_BIND, .socket = 3, .addr = at("0.0.0.0:8081")}, 0);
	report = close_and_end(&feed, 3, 0);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].severity, SW_SEVERITY_NOTE);
	sw_report_free(report);
}

/* A hundred thousand refusals cost no more memory in the report than a hundred. */
static void occurrences_are_bounded(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		try_once(&feed, 3 + i, AF_INET, "10.0.0.2:80", ECONNREFUSED);
	report = feed_end(&feed, 1);
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].count, 1000);
	assert_int_equal(report->findings[0].occurrence_count, 100);
	sw_report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retries_are_one_finding),
		cmocka_unit_test(recovered_in_time_is_a_note),
		cmocka_unit_test(recovered_too_late_stays_a_failure),
		cmocka_unit_test(fallback_is_a_note),
		cmocka_unit_test(side_by_side_replaces_nothing),
		cmocka_unit_test(absent_cache_daemon_is_a_note),
		cmocka_unit_test(failures_come_first),
		cmocka_unit_test(next_port_taken_is_a_note),
		cmocka_unit_test(occurrences_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
