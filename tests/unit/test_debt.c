/* Debts of connecting: every way in which a program can learn how its connect went. */
#include "tests/unit/debt_feed.h"

static void refused_blocking(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, 0);
	connect_to(&feed, 3, "10.0.0.2:80", ECONNREFUSED, 1);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_FAILED);
	assert_int_equal(only(report)->symptom.error, ECONNREFUSED);
	assert_int_equal(only(report)->symptom.operation, SW_OPERATION_CONNECT);
	assert_int_equal(only(report)->severity, SW_SEVERITY_FAILURE);
	assert_non_null(only(report)->program);
	assert_true(report->exit_known);
	sw_report_free(report);
}

static void refused_told_by_option(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connecting(&feed, 3);
	poll_one(&feed, 3, EPOLLOUT, EPOLLOUT | EPOLLERR | EPOLLHUP, 1000, 5);
	so_error(&feed, 3, ECONNREFUSED);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.error, ECONNREFUSED);
	assert_string_equal(only(report)->symptom.reported_by, "getsockopt");
	sw_report_free(report);
}

/* Told by whatever comes next: a second connect, a read, a write. */
static void refused_told_by_next_call(void **state)
{
	static const enum sw_sys next[] = {SW_SYS_CONNECT, SW_SYS_READ, SW_SYS_SENDTO};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct feed feed = feed_begin(NULL);
		struct sw_report *report;

		connecting(&feed, 3);
		if (next[i] == SW_SYS_CONNECT) {
			connect_to(&feed, 3, "10.0.0.2:80", EALREADY, 0);
			connect_to(&feed, 3, "10.0.0.2:80", ECONNREFUSED, 0);
		} else {
			moved(&feed, next[i], 3, 0, EAGAIN, 0);
			moved(&feed, next[i], 3, 0, ECONNREFUSED, 0);
		}
		report = close_and_end(&feed, 3, 1);
		assert_int_equal(only(report)->symptom.error, ECONNREFUSED);
		assert_int_equal(only(report)->symptom.operation, SW_OPERATION_CONNECT);
		assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_FAILED);
		sw_report_free(report);
	}
}

/* POLLERR and then a close: the program knew, and nobody asked why. */
static void failed_without_a_question(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connecting(&feed, 3);
	poll_one(&feed, 3, EPOLLOUT, EPOLLERR, 1000, 5);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_FAILED);
	assert_int_equal(only(report)->symptom.error, 0);
	sw_report_free(report);
}

static void given_up_in_slices(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connecting(&feed, 3);
	for (int i = 0; i < 3; i++) {
		poll_one(&feed, 3, EPOLLOUT, 0, 1000, 1000);
		poll_one(&feed, 3, EPOLLOUT, 0, 0, 0); /* a look, no wait */
	}
	report = close_and_end(&feed, 3, 28);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	assert_true(only(report)->symptom.deadline.present);
	assert_string_equal(only(report)->symptom.deadline.whose, "application");
	assert_string_equal(only(report)->symptom.deadline.what, "poll");
	assert_in_range(only(report)->symptom.deadline.value_ns, 2990 * MS, 3010 * MS);
	sw_report_free(report);
}

static void given_up_by_the_sockets_timer(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, 0);
	timer_of(&feed, 3, SO_SNDTIMEO, 2 * SW_NS_PER_S);
	connect_to(&feed, 3, "10.0.0.2:80", EINPROGRESS, 2001);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	assert_string_equal(only(report)->symptom.deadline.what, "SO_SNDTIMEO");
	sw_report_free(report);
}

/* Killed inside a blocking connect: the last descriptor went with the process. */
static void killed_while_connecting(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_process end = {
		.event = SW_PROCESS_EXIT, .pid = PID, .tid = PID, .code = -1, .signal = 15, .is_command = true};
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, 0);
	connect_to(&feed, 3, "10.0.0.2:80", 0, -1);
	end.time_ns = feed.now_ns += 5000 * MS;
	sw_correlate_process(feed.correlate, &end);
	report = sw_correlate_finish(feed.correlate, feed.now_ns);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	assert_string_equal(only(report)->symptom.deadline.what, "SIGTERM");
	sw_report_free(report);
}

/* The recording ends inside a blocking connect, and the process lives on. */
static void hung_at_the_end(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, 0);
	connect_to(&feed, 3, "10.0.0.2:80", 0, -1);
	assert_true(sw_correlate_expects_more(feed.correlate, feed.now_ns));
	report = sw_correlate_finish(feed.correlate, feed.now_ns + 5 * SW_NS_PER_S);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_HUNG);
	sw_report_free(report);
}

/* Every healthy way: writable, SO_ERROR 0, EISCONN at the second connect, the first write, select's one bit. */
static void healthy_ways(void **state)
{
	struct feed feed = feed_begin(NULL);

	(void)state;
	for (uint32_t way = 3; way < 8; way++) {
		connecting(&feed, way);
		if (way == 3)
			poll_one(&feed, way, EPOLLOUT, EPOLLOUT, 1000, 1);
		if (way == 4) {
			poll_one(&feed, way, EPOLLOUT, EPOLLOUT, 1000, 1);
			so_error(&feed, way, 0);
		}
		if (way == 5) {
			connect_to(&feed, way, "10.0.0.2:80", EALREADY, 0);
			connect_to(&feed, way, "10.0.0.2:80", EISCONN, 0);
		}
		if (way == 6) {
			feed_call(&feed, (struct sw_call){.sys = SW_SYS_GETPEERNAME, .socket = way, .error = ENOTCONN},
				  0);
			moved(&feed, SW_SYS_WRITE, way, 10, 0, 0);
		}
		if (way == 7) {
			struct sw_wait wait = {.socket = way, .fd = (int32_t)way, .asked = EPOLLOUT, .got = EPOLLOUT};

			feed_call(&feed,
				  (struct sw_call){.sys = SW_SYS_SELECT,
						   .waits = &wait,
						   .wait_count = 1,
						   .result = 1,
						   .timeout_ns = SW_NS_PER_S},
				  1);
		}
		close_of(&feed, way);
	}
	expect_nothing(&feed);
}

/* getaddrinfo asks which source address each destination would get: no byte is ever sent on these. */
static void address_sorting_is_no_symptom(void **state)
{
	struct feed feed = feed_begin(NULL);

	(void)state;
	socket_made(&feed, 3, AF_INET6, SOCK_DGRAM, 0);
	connect_to(&feed, 3, "[fd00::1]:443", ENETUNREACH, 0);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_CONNECT, .socket = 3, .addr = {.present = true}}, 0);
	connect_to(&feed, 3, "10.0.0.2:443", 0, 0);
	close_of(&feed, 3);
	socket_made(&feed, 4, AF_INET, SOCK_STREAM, 0);
	connect_to(&feed, 4, "10.0.0.2:443", 0, 1);
	close_of(&feed, 4);
	expect_nothing(&feed);
}

static void datagram_connect_that_was_meant(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_DGRAM, 0);
	connect_to(&feed, 3, "10.9.0.2:514", ENETUNREACH, 0);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.error, ENETUNREACH);
	sw_report_free(report);
}

/* A descriptor that was closed before: the close is what made it wrong. */
static void closed_descriptor(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;
	uint32_t closed;
	bool cited = false;

	(void)state;
	connected(&feed, 3);
	closed = close_of(&feed, 3);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_SENDTO, .fd = 3, .error = EBADF, .bytes = 5}, 0);
	report = feed_end(&feed, 1);
	assert_string_equal(only(report)->verdict, "call-misused");
	for (size_t i = 0; i < only(report)->evidence_count; i++)
		cited |= only(report)->evidence[i].kind == SW_EVIDENCE_CALL &&
			 only(report)->evidence[i].number == closed;
	assert_true(cited);
	sw_report_free(report);
}

/* The child closes its copy of the descriptor: the connect of the parent goes on. */
static void shared_descriptor_is_not_given_up(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_process fork = {.event = SW_PROCESS_BEGIN, .pid = 200, .tid = 200, .parent = PID};

	(void)state;
	connecting(&feed, 3);
	fork.time_ns = feed.now_ns += MS;
	sw_correlate_process(feed.correlate, &fork);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_CLOSE, .pid = 200, .tid = 200, .fd = 3, .socket = 3}, 0);
	poll_one(&feed, 3, EPOLLOUT, EPOLLOUT, 1000, 10);
	expect_nothing(&feed);
}

static void count_stalled(void *context, uint32_t socket)
{
	assert_int_equal(socket, 3);
	++*(unsigned *)context;
}

/* A connect that nobody answers: asked of after --slow, and again when its silence has doubled. */
static void stalled_is_asked_of(void **state)
{
	static const struct {
		int64_t after_ms;
		unsigned asked;
	} looks[] = {{900, 0}, {1100, 1}, {1900, 1}, {2300, 2}, {4000, 2}, {4700, 3}};
	struct feed feed = feed_begin(NULL);
	unsigned asked = 0;

	(void)state;
	connecting(&feed, 3);
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		sw_correlate_stalled(feed.correlate, feed.now_ns + looks[i].after_ms * MS, count_stalled, &asked);
		assert_int_equal(asked, looks[i].asked);
	}
	close_of(&feed, 3);
	sw_correlate_stalled(feed.correlate, feed.now_ns + 60000 * MS, count_stalled, &asked);
	assert_int_equal(asked, 3);
	sw_report_free(feed_end(&feed, 28));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_blocking),
		cmocka_unit_test(refused_told_by_option),
		cmocka_unit_test(refused_told_by_next_call),
		cmocka_unit_test(failed_without_a_question),
		cmocka_unit_test(given_up_in_slices),
		cmocka_unit_test(given_up_by_the_sockets_timer),
		cmocka_unit_test(killed_while_connecting),
		cmocka_unit_test(hung_at_the_end),
		cmocka_unit_test(healthy_ways),
		cmocka_unit_test(address_sorting_is_no_symptom),
		cmocka_unit_test(datagram_connect_that_was_meant),
		cmocka_unit_test(closed_descriptor),
		cmocka_unit_test(shared_descriptor_is_not_given_up),
		cmocka_unit_test(stalled_is_asked_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
