/* Waits and what they were for: slices, epoll sets, blocking calls, and answers that came, stopped or never came. */
#include <unistd.h>

#include "tests/unit/debt_feed.h"

/* An epoll set: the member is found by its data; the wait that timed out is the reason of the close. */
static void epoll_given_up(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connecting(&feed, 3);
	epoll_with(&feed, 3, 0xabc);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_EPOLL_WAIT, .socket = EPOLL_SET, .timeout_ns = 2 * SW_NS_PER_S},
		  2000);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	assert_string_equal(only(report)->symptom.deadline.what, "epoll_wait");
	assert_int_equal(only(report)->symptom.deadline.value_ns, 2 * SW_NS_PER_S);
	sw_report_free(report);
}

static void epoll_reports_by_data(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_wait got = {.fd = -1, .got = EPOLLOUT, .data = 0xabc};

	(void)state;
	connecting(&feed, 3);
	epoll_with(&feed, 3, 0xabc);
	feed_call(&feed,
		  (struct sw_call){.sys = SW_SYS_EPOLL_WAIT,
				   .socket = EPOLL_SET,
				   .waits = &got,
				   .wait_count = 1,
				   .result = 1,
				   .timeout_ns = -1},
		  1);
	close_of(&feed, 3);
	expect_nothing(&feed);
}

static void answer_never_came(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connected(&feed, 3);
	moved(&feed, SW_SYS_SENDTO, 3, 10, 0, 0);
	for (int i = 0; i < 3; i++)
		poll_one(&feed, 3, EPOLLIN, 0, 1000, 1000);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.operation, SW_OPERATION_ANSWER);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	assert_in_range(only(report)->symptom.deadline.value_ns, 2990 * MS, 3010 * MS);
	assert_int_equal(only(report)->symptom.bytes_accepted, 10);
	sw_report_free(report);
}

static void answer_ended_by_the_sockets_timer(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connected(&feed, 3);
	timer_of(&feed, 3, SO_RCVTIMEO, 2 * SW_NS_PER_S);
	moved(&feed, SW_SYS_SENDTO, 3, 10, 0, 0);
	moved(&feed, SW_SYS_RECVFROM, 3, 0, EAGAIN, 2000);
	report = close_and_end(&feed, 3, 1);
	assert_string_equal(only(report)->symptom.deadline.what, "SO_RCVTIMEO");
	assert_int_equal(only(report)->symptom.error, EAGAIN);
	sw_report_free(report);
}

static void answer_came_late(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connected(&feed, 3);
	moved(&feed, SW_SYS_SENDTO, 3, 10, 0, 0);
	moved(&feed, SW_SYS_RECVFROM, 3, 50, 0, 3000);
	moved(&feed, SW_SYS_RECVFROM, 3, 0, 0, 0);
	report = close_and_end(&feed, 3, 0);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_SLOW);
	assert_int_equal(only(report)->severity, SW_SEVERITY_SLOW);
	sw_report_free(report);
}

/* An answer, and then a connection that rests for a minute before it is closed, by whomever. */
static void idle_is_no_debt(void **state)
{
	struct feed feed = feed_begin(NULL);

	(void)state;
	for (uint32_t socket = 3; socket < 5; socket++) {
		connected(&feed, socket);
		moved(&feed, SW_SYS_SENDTO, socket, 10, 0, 0);
		moved(&feed, SW_SYS_RECVFROM, socket, 50, 0, 10);
		feed.now_ns += 60 * SW_NS_PER_S;
		if (socket == 4)
			moved(&feed, SW_SYS_RECVFROM, socket, 0, 0, 0);
		close_of(&feed, socket);
	}
	expect_nothing(&feed);
}

/* Written to and never read: a log line to a collector. Nobody waits for an answer. */
static void one_way_owes_nothing(void **state)
{
	struct feed feed = feed_begin(NULL);

	(void)state;
	connected(&feed, 3);
	moved(&feed, SW_SYS_WRITE, 3, 10, 0, 0);
	feed.now_ns += 10 * SW_NS_PER_S;
	close_of(&feed, 3);
	expect_nothing(&feed);
}

static void silent_greeting(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connected(&feed, 3);
	poll_one(&feed, 3, EPOLLIN, 0, 5000, 5000);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.operation, SW_OPERATION_GREETING);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	sw_report_free(report);
}

static void end_of_file_before_an_answer(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connected(&feed, 3);
	moved(&feed, SW_SYS_SENDTO, 3, 10, 0, 0);
	moved(&feed, SW_SYS_RECVFROM, 3, 0, 0, 1);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_EOF);
	sw_report_free(report);
}

/* One broken connection is one symptom, though a write and an answer were both open. */
static void one_reset_is_one_symptom(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	connected(&feed, 3);
	moved(&feed, SW_SYS_SENDTO, 3, 10, 0, 0);
	moved(&feed, SW_SYS_RECVFROM, 3, 0, ECONNRESET, 1);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.operation, SW_OPERATION_ANSWER);
	assert_int_equal(only(report)->symptom.error, ECONNRESET);
	sw_report_free(report);
}

static void datagram_unanswered(void **state)
{
	struct feed feed = feed_begin(NULL);
	struct sw_report *report;

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_DGRAM, 0);
	feed_call(
		&feed,
		(struct sw_call){.sys = SW_SYS_SENDTO, .socket = 3, .addr = at("10.0.0.2:9"), .result = 5, .bytes = 5},
		0);
	poll_one(&feed, 3, EPOLLIN, 0, 2000, 2000);
	report = close_and_end(&feed, 3, 1);
	assert_int_equal(only(report)->symptom.operation, SW_OPERATION_DATAGRAM);
	assert_int_equal(only(report)->symptom.outcome, SW_OUTCOME_GAVE_UP);
	sw_report_free(report);
}

static void datagram_that_nobody_waits_for(void **state)
{
	struct feed feed = feed_begin(NULL);

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_DGRAM, 0);
	feed_call(&feed,
		  (struct sw_call){
			  .sys = SW_SYS_SENDTO, .socket = 3, .addr = at("10.0.0.2:514"), .result = 5, .bytes = 5},
		  0);
	close_of(&feed, 3);
	expect_nothing(&feed);
}

/* A server rests in accept and in epoll for as long as nobody comes. */
static void waiting_server_owes_nothing(void **state)
{
	struct feed feed = feed_begin(NULL);

	(void)state;
	socket_made(&feed, 3, AF_INET, SOCK_STREAM, 0);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_BIND, .socket = 3, .addr = at("0.0.0.0:80")}, 0);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_LISTEN, .socket = 3, .value = 5}, 0);
	poll_one(&feed, 3, EPOLLIN, 0, 60000, 60000);
	feed_call(&feed, (struct sw_call){.sys = SW_SYS_ACCEPT4, .socket = 3, .error = EAGAIN}, 0);
	close_of(&feed, 3);
	expect_nothing(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epoll_given_up),
		cmocka_unit_test(epoll_reports_by_data),
		cmocka_unit_test(answer_never_came),
		cmocka_unit_test(answer_ended_by_the_sockets_timer),
		cmocka_unit_test(answer_came_late),
		cmocka_unit_test(idle_is_no_debt),
		cmocka_unit_test(one_way_owes_nothing),
		cmocka_unit_test(silent_greeting),
		cmocka_unit_test(end_of_file_before_an_answer),
		cmocka_unit_test(one_reset_is_one_symptom),
		cmocka_unit_test(datagram_unanswered),
		cmocka_unit_test(datagram_that_nobody_waits_for),
		cmocka_unit_test(waiting_server_owes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
