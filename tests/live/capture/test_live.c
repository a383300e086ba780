/* The live capture in a network namespace of its own: ownership told late, others' packets, next hops, loss. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "capture/live.h"
#include "tests/unit/test.h"

#define OURS 4001
#define OTHERS 4002

struct got {
	int packets, others, icmp;
	int64_t last_ns;
};

static void packet(void *context, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	struct got *got = context;

	got->packets++;
	got->icmp += packet->kind == SW_PACKET_ICMP;
	if (packet->src.port != OURS && packet->dst.port != OURS && packet->kind != SW_PACKET_ICMP)
		got->others++;
	assert_int_equal(raw->linktype, 276);
	assert_true(packet->flags & SW_PACKET_LOOPBACK);
	assert_int_equal(packet->netns, 7);
	/* headers alone are kept, of a quote too */
	assert_int_equal(packet->payload_captured, packet->kind == SW_PACKET_ICMP ? 28 : 0);
	assert_true(packet->time_ns >= got->last_ns);
	got->last_ns = packet->time_ns;
}

static void *make_namespace(void *argument)
{
	int *fd = argument;

	*fd = -1;
	if (!unshare(CLONE_NEWNET) && !system("ip link set lo up"))
		*fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return NULL;
}

/* A socket keeps the namespace in which it was made. */
static void *make_sockets(void *argument)
{
	int *fds = argument;

	if (setns(fds[2], CLONE_NEWNET))
		return NULL;
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(OURS + i))};

		local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (bind(fds[i], (struct sockaddr *)&local, sizeof local))
			fds[i] = -1;
	}
	return NULL;
}

static void in_thread(void *(*work)(void *), void *argument)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, work, argument), 0);
	pthread_join(thread, NULL);
}

static void send_some(const int *fds, int count)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(9)};

	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < count * 2; i++)
		(void)sendto(fds[i % 2], "secret", 6, 0, (struct sockaddr *)&nobody, sizeof nobody);
}

static void poll_for(struct sw_live *live, int milliseconds)
{
	int64_t end_ns = sw_clock_monotonic() + milliseconds * SW_NS_PER_MS;
	struct sw_err err = {0};

	while (sw_clock_monotonic() < end_ns) {
		struct pollfd wait = {.fd = sw_live_fd(live), .events = POLLIN};

		(void)poll(&wait, 1, 10);
		assert_true(sw_live_poll(live, &err) >= 0);
	}
}

static void only_ours_even_when_told_late(void **state)
{
	struct got got = {0};
	struct sw_live_options options = {.sink = {.context = &got, .raw = packet}};
	struct sw_owner owner = {
		.netns = 7, .protocol = IPPROTO_UDP, .mine = true, .local.port = OURS, .until_ns = INT64_MAX};
	struct sw_capture_status status;
	struct sw_err err = {0};
	int fds[3] = {-1, -1, -1};

	(void)state;
	in_thread(make_namespace, &fds[2]);
	if (fds[2] < 0)
		skip();
	in_thread(make_sockets, fds);
	struct sw_live *live = sw_live_open(&options, fds[2], 7, &err);

	assert_non_null(live);
	assert_true(fcntl(sw_live_fd(live), F_GETFD) & FD_CLOEXEC);
	owner.since_ns = sw_clock_realtime();
	send_some(fds, 50);
	poll_for(live, 400);
	assert_int_equal(got.packets, 0); /* decided once: nobody's */
	sw_live_own(live, &owner);
	assert_true(sw_live_poll(live, &err) >= 0);
	assert_true(got.packets >= 50);
	send_some(fds, 50);
	assert_int_equal(sw_live_drain(live, &err), 0);
	assert_int_equal(got.packets - got.icmp, 100);
	assert_true(got.icmp > 0);
	assert_int_equal(got.others, 0);
	sw_live_status(live, &status);
	assert_int_equal(status.dropped, 0);
	assert_int_equal(status.overruns, 0);
	assert_int_equal(status.kept, got.packets);
	sw_live_close(live);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void overrun_is_counted(void **state)
{
	struct got got = {0};
	struct sw_live_options options = {.sink = {.context = &got, .raw = packet}, .lookback_bytes = 65536};
	struct sw_owner owner = {
		.netns = 7, .protocol = IPPROTO_UDP, .mine = true, .local.port = OURS, .until_ns = INT64_MAX};
	struct sw_capture_status status;
	struct sw_err err = {0};
	int fds[3] = {-1, -1, -1};

	(void)state;
	in_thread(make_namespace, &fds[2]);
	if (fds[2] < 0)
		skip();
	in_thread(make_sockets, fds);
	struct sw_live *live = sw_live_open(&options, fds[2], 7, &err);

	assert_non_null(live);
	owner.since_ns = sw_clock_realtime();
	send_some(fds, 2000);
	poll_for(live, 300);
	sw_live_own(live, &owner);
	assert_int_equal(sw_live_drain(live, &err), 0);
	sw_live_status(live, &status);
	assert_true(status.overruns > 0);
	assert_true(status.last_drop_ns >= owner.since_ns);
	sw_live_close(live);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void refusals(void **state)
{
	struct sw_live_options interface = {.interface = "nope0"}, filter = {.filter = "tcp prt 80"};
	struct sw_err err = {0};

	(void)state;
	if (geteuid())
		skip();
	assert_null(sw_live_open(&interface, -1, 0, &err));
	assert_int_equal(err.code, -ENODEV);
	assert_null(sw_live_open(&filter, -1, 0, &err));
	assert_int_equal(err.code, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_ours_even_when_told_late),
		cmocka_unit_test(overrun_is_counted),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
