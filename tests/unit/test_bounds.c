/* Memory does not follow the length of a recording: what a program does over and over costs the same after a while as after a long
 * while. Measured is what the allocator has given out; where a sanitizer counts in its place, only that all goes well. */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>

#include "correlate/correlate.h"
#include "src/base/mem.h"
#include "tests/unit/test.h"

#define KB ((size_t)1024)
#define PORTS 25000u
#define STEP_NS (10 * SW_NS_PER_MS) /* from one to the next: a hundred a second */

struct feed {
	struct sw_correlate *correlate;
	int64_t now_ns;
	uint32_t socket, call, packet, round;
	struct sw_endpoint local, remote;
	uint32_t ours, peers; /* sequence numbers */
};

/* The most that was in use during so many turns. */
static size_t peak_of(struct feed *feed, void (*turn)(struct feed *feed), int turns)
{
	size_t peak = 0;

	for (int i = 0; i < turns; i++) {
		turn(feed);
		if (i % 64 == 0 && mallinfo2().uordblks > peak)
			peak = mallinfo2().uordblks;
	}
	return peak;
}

static struct sw_addr addr_of(const struct sw_endpoint *endpoint)
{
	return (struct sw_addr){.family = AF_INET, .present = true, .endpoint = *endpoint};
}

static int64_t pass(struct feed *feed)
{
	return feed->now_ns += 20 * SW_NS_PER_US;
}

static void call(struct feed *feed, enum sw_sys sys, int64_t bytes, int64_t result, int error)
{
	struct sw_call call = {.id = ++feed->call,
			       .pid = 100,
			       .tid = 100,
			       .sys = sys,
			       .fd = 5,
			       .fd2 = -1,
			       .socket = feed->socket,
			       .enter_ns = pass(feed),
			       .exit_ns = SW_TIME_NONE,
			       .exit_bound_ns = SW_TIME_NONE,
			       .bytes = bytes,
			       .timeout_ns = SW_TIMEOUT_NONE};

	if (sys == SW_SYS_CONNECT)
		call.addr = addr_of(&feed->remote);
	sw_correlate_enter(feed->correlate, &call);
	call.exit_ns = call.exit_bound_ns = pass(feed);
	call.result = result;
	call.error = error;
	if (sys == SW_SYS_CLOSE)
		call.flags = SW_CALL_LAST_CLOSE;
	sw_correlate_leave(feed->correlate, &call);
}

static void packet(struct feed *feed, bool out, uint8_t flags, uint32_t length)
{
	struct sw_packet packet = {.id = ++feed->packet,
				   .time_ns = pass(feed),
				   .kind = SW_PACKET_TCP,
				   .way = out ? SW_WAY_OUT : SW_WAY_IN,
				   .src = out ? feed->local : feed->remote,
				   .dst = out ? feed->remote : feed->local,
				   .protocol = IPPROTO_TCP,
				   .ttl = 64,
				   .length = 40 + length,
				   .payload_length = length};

	packet.tcp = (struct sw_tcp){.seq = out ? feed->ours : feed->peers,
				     .ack = flags & SW_TCP_ACK ? out ? feed->peers : feed->ours : 0,
				     .window = 501,
				     .flags = flags,
				     .window_scale = 255};
	*(out ? &feed->ours : &feed->peers) += length + ((flags & (SW_TCP_SYN | SW_TCP_FIN)) != 0);
	sw_correlate_packet(feed->correlate, &packet);
}

static void tell_socket(struct feed *feed)
{
	struct sw_socket socket = {.id = feed->socket,
				   .kind = SW_OBJECT_SOCKET,
				   .domain = AF_INET,
				   .type = SOCK_STREAM,
				   .protocol = IPPROTO_TCP,
				   .since_ns = feed->now_ns,
				   .local = addr_of(&feed->local),
				   .remote = addr_of(&feed->remote)};

	sw_correlate_socket(feed->correlate, &socket);
}

static void begin_connection(struct feed *feed)
{
	feed->now_ns += STEP_NS;
	feed->socket++;
	feed->local.port = (uint16_t)(30000 + feed->round++ % PORTS);
	feed->ours = feed->round * 7919;
	feed->peers = feed->round * 104729;
	tell_socket(feed);
}

/* Connect, ask, read the answer, close. */
static void healthy(struct feed *feed)
{
	begin_connection(feed);
	packet(feed, true, SW_TCP_SYN, 0);
	packet(feed, false, SW_TCP_SYN | SW_TCP_ACK, 0);
	packet(feed, true, SW_TCP_ACK, 0);
	call(feed, SW_SYS_CONNECT, -1, 0, 0);
	packet(feed, true, SW_TCP_ACK | SW_TCP_PSH, 100);
	call(feed, SW_SYS_WRITE, 100, 100, 0);
	packet(feed, false, SW_TCP_ACK | SW_TCP_PSH, 200);
	call(feed, SW_SYS_READ, 4096, 200, 0);
	call(feed, SW_SYS_CLOSE, -1, 0, 0);
	packet(feed, true, SW_TCP_FIN | SW_TCP_ACK, 0);
	packet(feed, false, SW_TCP_FIN | SW_TCP_ACK, 0);
	packet(feed, true, SW_TCP_ACK, 0);
}

/* Refused, again and again, and a fact is taken each time. */
static void refused(struct feed *feed)
{
	struct sw_field field = {.name = "state", .number = 7};
	struct sw_fact fact = {.kind = "tcp-info", .pid = 100, .tid = 100, .field_count = 1, .fields = &field};

	begin_connection(feed);
	packet(feed, true, SW_TCP_SYN, 0);
	packet(feed, false, SW_TCP_RST | SW_TCP_ACK, 0);
	call(feed, SW_SYS_CONNECT, -1, -1, ECONNREFUSED);
	fact.id = fact.call = feed->call;
	fact.socket = feed->socket;
	fact.time_ns = feed->now_ns;
	sw_correlate_fact(feed->correlate, &fact);
	call(feed, SW_SYS_CLOSE, -1, 0, 0);
}

/* Questions and answers on one connection, as fast as they go. */
static void exchange(struct feed *feed)
{
	if (!feed->round++)
		tell_socket(feed);
	packet(feed, true, SW_TCP_ACK | SW_TCP_PSH, 30);
	call(feed, SW_SYS_WRITE, 30, 30, 0);
	packet(feed, false, SW_TCP_ACK | SW_TCP_PSH, 40);
	call(feed, SW_SYS_READ, 4096, 40, 0);
}

/* A helper process is begun and ends. */
static void helper(struct feed *feed)
{
	struct sw_process process = {
		.event = SW_PROCESS_BEGIN, .parent = 100, .comm = "date", .command_line = "date +%s"};

	process.pid = process.tid = 1000 + feed->round++;
	process.time_ns = feed->now_ns += STEP_NS;
	sw_correlate_process(feed->correlate, &process);
	process.event = SW_PROCESS_EXIT;
	process.time_ns = feed->now_ns += STEP_NS;
	sw_correlate_process(feed->correlate, &process);
}

/* How much more is in use at the worst during the later turns than during the first, which go beyond every bound. */
static struct sw_report *after_settling(int64_t settle_ns, void (*turn)(struct feed *feed), int rounds, int later,
					size_t *grown)
{
	struct sw_correlate_options options = {.slow_ns = SW_NS_PER_S, .settle_ns = settle_ns};
	struct feed feed = {.socket = 1, .now_ns = 1000 * SW_NS_PER_S};
	struct sw_process command = {
		.event = SW_PROCESS_BEGIN, .pid = 100, .tid = 100, .is_command = true, .time_ns = feed.now_ns};
	size_t before, then;

	sw_endpoint_parse("10.0.0.1:30000", &feed.local);
	sw_endpoint_parse("10.0.0.2:80", &feed.remote);
	feed.correlate = sw_correlate_new(&options);
	sw_correlate_process(feed.correlate, &command);
	before = peak_of(&feed, turn, rounds);
	then = peak_of(&feed, turn, later);
	*grown = then > before ? then - before : 0;
	return sw_correlate_finish(feed.correlate, feed.now_ns);
}

static struct sw_report *after(void (*turn)(struct feed *feed), int rounds, int later, size_t *grown)
{
	return after_settling(5 * SW_NS_PER_S, turn, rounds, later, grown);
}

static void test_connections_that_ended_well(void **state)
{
	size_t grown;
	struct sw_report *report = after(healthy, 10000, 20000, &grown);

	(void)state;
	assert_int_equal(report->finding_count, 0);
	assert_int_equal(report->sockets, 30000);
	assert_true(grown < 2048 * KB);
	sw_report_free(report);
}

static void test_connections_that_were_refused(void **state)
{
	size_t grown;
	struct sw_report *report = after(refused, 10000, 10000, &grown);

	(void)state;
	assert_int_equal(report->finding_count, 1);
	assert_string_equal(report->findings[0].verdict, "refused-by-rst");
	assert_int_equal(report->findings[0].count, 20000);
	assert_true(grown < 2048 * KB);
	sw_report_free(report);
}

/* Whoever asks for an hour in which a failure may be made good has memory for some thousands of them. */
static void test_failures_that_are_given_time(void **state)
{
	size_t grown;
	struct sw_report *report = after_settling(3600 * SW_NS_PER_S, refused, 12000, 12000, &grown);

	(void)state;
	assert_int_equal(report->finding_count, 1);
	assert_int_equal(report->findings[0].count, 24000);
	assert_true(report->limit_count > 0);
	assert_true(grown < 4096 * KB);
	sw_report_free(report);
}

static void test_exchanges_on_one_connection(void **state)
{
	size_t grown;
	struct sw_report *report = after(exchange, 10000, 30000, &grown);

	(void)state;
	assert_int_equal(report->finding_count, 0);
	assert_true(grown < 256 * KB);
	sw_report_free(report);
}

static void test_processes_that_ended(void **state)
{
	size_t grown;
	struct sw_report *report = after(helper, 6000, 12000, &grown);

	(void)state;
	assert_true(grown < 512 * KB);
	sw_report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections_that_ended_well),
		cmocka_unit_test(test_connections_that_were_refused),
		cmocka_unit_test(test_failures_that_are_given_time),
		cmocka_unit_test(test_exchanges_on_one_connection),
		cmocka_unit_test(test_processes_that_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
