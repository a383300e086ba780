/* Feeds the correlator from tests: a clock in milliseconds, sockets by number, calls in one line. */
#ifndef SW_TEST_DEBT_FEED_H
#define SW_TEST_DEBT_FEED_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "correlate/correlate.h"
#include "tests/unit/test.h"

#define PID 100u
#define MS SW_NS_PER_MS

struct feed {
	struct sw_correlate *correlate;
	uint32_t last_call;
	int64_t now_ns;
};

static inline struct feed feed_begin(const struct sw_correlate_options *asked)
{
	struct sw_correlate_options options = asked ? *asked : (struct sw_correlate_options){.packets_missing = true};
	struct feed feed = {.now_ns = 1000 * SW_NS_PER_S};
	struct sw_process begin = {.event = SW_PROCESS_BEGIN,
				   .pid = PID,
				   .tid = PID,
				   .time_ns = feed.now_ns,
				   .is_command = true,
				   .comm = "test"};

	options.slow_ns = SW_NS_PER_S;
	options.settle_ns = 5 * SW_NS_PER_S;
	feed.correlate = sw_correlate_new(&options);
	sw_correlate_process(feed.correlate, &begin);
	return feed;
}

static inline struct sw_report *feed_end(struct feed *feed, int code)
{
	struct sw_process end = {.event = SW_PROCESS_EXIT, .pid = PID, .tid = PID, .code = code, .is_command = true};

	end.time_ns = feed->now_ns += MS;
	sw_correlate_process(feed->correlate, &end);
	return sw_correlate_finish(feed->correlate, feed->now_ns + MS);
}

static inline struct sw_addr at(const char *text)
{
	struct sw_addr addr;

	assert_true(sw_addr_parse(text, &addr));
	return addr;
}

static inline void socket_made(struct feed *feed, uint32_t id, int domain, int type, uint32_t flags)
{
	struct sw_socket socket = {
		.id = id, .kind = SW_OBJECT_SOCKET, .flags = flags, .inode = 1000 + id, .domain = domain, .type = type};
	struct sw_call call = {
		.id = ++feed->last_call, .pid = PID, .tid = PID, .sys = SW_SYS_SOCKET, .fd = (int32_t)id, .fd2 = -1};

	socket.protocol = domain == AF_UNIX ? 0 : type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
	socket.since_ns = call.enter_ns = feed->now_ns += MS;
	call.exit_ns = call.exit_bound_ns = feed->now_ns + 1000;
	call.socket = id;
	call.result = (int64_t)id;
	call.request = domain;
	call.level = type;
	call.bytes = -1;
	call.timeout_ns = SW_TIMEOUT_NONE;
	sw_correlate_socket(feed->correlate, &socket);
	sw_correlate_enter(feed->correlate, &call);
	sw_correlate_leave(feed->correlate, &call);
}

/* A call that takes `ms` milliseconds; the caller has set what is special about it. Returns its id. */
static inline uint32_t feed_call(struct feed *feed, struct sw_call call, int64_t ms)
{
	struct sw_call entered;

	call.id = ++feed->last_call;
	call.pid = call.pid ? call.pid : PID;
	call.tid = call.tid ? call.tid : call.pid;
	call.fd = call.fd ? call.fd : call.socket ? (int32_t)call.socket : -1;
	call.fd2 = call.fd2 ? call.fd2 : -1;
	call.bytes = call.bytes ? call.bytes : -1;
	call.enter_ns = feed->now_ns += MS;
	call.timeout_ns = call.timeout_ns ? call.timeout_ns : SW_TIMEOUT_NONE;
	if (call.error)
		call.result = -1;
	entered = call;
	entered.exit_ns = entered.exit_bound_ns = SW_TIME_NONE;
	entered.result = entered.error = 0;
	sw_correlate_enter(feed->correlate, &entered);
	if (ms < 0) /* never returns */
		return call.id;
	call.exit_ns = call.exit_bound_ns = feed->now_ns += ms * MS;
	sw_correlate_leave(feed->correlate, &call);
	return call.id;
}

static inline uint32_t connect_to(struct feed *feed, uint32_t socket, const char *to, int error, int64_t ms)
{
	return feed_call(feed,
			 (struct sw_call){.sys = SW_SYS_CONNECT, .socket = socket, .addr = at(to), .error = error}, ms);
}

/* A connection of a blocking socket that stands. */
static inline void connected(struct feed *feed, uint32_t socket)
{
	socket_made(feed, socket, AF_INET, SOCK_STREAM, 0);
	connect_to(feed, socket, "10.0.0.2:80", 0, 1);
}

/* A connect of a non-blocking socket that is under way. */
static inline void connecting(struct feed *feed, uint32_t socket)
{
	socket_made(feed, socket, AF_INET, SOCK_STREAM, SW_SOCKET_NONBLOCKING);
	connect_to(feed, socket, "10.0.0.2:80", EINPROGRESS, 0);
}

static inline uint32_t poll_one(struct feed *feed, uint32_t socket, uint32_t asked, uint32_t got, int64_t timeout_ms,
				int64_t ms)
{
	struct sw_wait wait = {.socket = socket, .fd = (int32_t)socket, .asked = asked, .got = got};

	return feed_call(feed,
			 (struct sw_call){.sys = SW_SYS_POLL,
					  .fd = -1,
					  .waits = &wait,
					  .wait_count = 1,
					  .result = got != 0,
					  .timeout_ns = timeout_ms * MS},
			 ms);
}

static inline uint32_t so_error(struct feed *feed, uint32_t socket, int error)
{
	return feed_call(feed,
			 (struct sw_call){.sys = SW_SYS_GETSOCKOPT,
					  .socket = socket,
					  .level = SOL_SOCKET,
					  .option = SO_ERROR,
					  .value = error},
			 0);
}

static inline uint32_t close_of(struct feed *feed, uint32_t socket)
{
	return feed_call(feed, (struct sw_call){.sys = SW_SYS_CLOSE, .socket = socket}, 0);
}

static inline uint32_t moved(struct feed *feed, enum sw_sys sys, uint32_t socket, int64_t result, int error, int64_t ms)
{
	return feed_call(feed,
			 (struct sw_call){.sys = sys, .socket = socket, .result = result, .error = error, .bytes = 100},
			 ms);
}

/* SO_RCVTIMEO or SO_SNDTIMEO. */
static inline uint32_t timer_of(struct feed *feed, uint32_t socket, int option, int64_t ns)
{
	return feed_call(
		feed,
		(struct sw_call){
			.sys = SW_SYS_SETSOCKOPT, .socket = socket, .level = SOL_SOCKET, .option = option, .value = ns},
		0);
}

#define EPOLL_SET 9u

/* An epoll set with one member, which waits to write. */
static inline void epoll_with(struct feed *feed, uint32_t socket, uint64_t data)
{
	struct sw_socket set = {.id = EPOLL_SET, .kind = SW_OBJECT_EPOLL};
	struct sw_wait member = {.socket = socket, .fd = (int32_t)socket, .asked = EPOLLOUT, .data = data};

	sw_correlate_socket(feed->correlate, &set);
	feed_call(feed,
		  (struct sw_call){.sys = SW_SYS_EPOLL_CTL,
				   .socket = EPOLL_SET,
				   .fd2 = (int32_t)socket,
				   .socket2 = socket,
				   .request = EPOLL_CTL_ADD,
				   .waits = &member,
				   .wait_count = 1},
		  0);
}

/* Closes the socket and ends with that exit status. */
static inline struct sw_report *close_and_end(struct feed *feed, uint32_t socket, int code)
{
	close_of(feed, socket);
	return feed_end(feed, code);
}

/* The one finding of a report. */
static inline const struct sw_finding *only(const struct sw_report *report)
{
	for (size_t i = 0; report->finding_count > 1 && i < report->finding_count; i++)
		print_message("%s\n", report->findings[i].summary);
	assert_int_equal(report->finding_count, 1);
	return &report->findings[0];
}

static inline void expect_nothing(struct feed *feed)
{
	struct sw_report *report = feed_end(feed, 0);

	for (size_t i = 0; i < report->finding_count; i++)
		print_message("%s\n", report->findings[i].summary);
	assert_int_equal(report->finding_count, 0);
	sw_report_free(report);
}

#endif
