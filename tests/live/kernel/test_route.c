/* Live: what the probes say of routes, neighbours, rules and translation, in namespaces of their own. Root. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel.h"
#include "tests/unit/test.h"

#define PAIR(address)                                                                                                  \
	"ip link add d0 type veth peer name d1 && ip link set d1 up && ip addr add " address                           \
	" dev d0 && ip link set d0 up && "
#define LINK PAIR("10.9.0.1/24")
#define LINK6 PAIR("fd09::1/64 nodad")
/* A pair whose other end answers nothing: neighbours stay unresolved. */
#define WIRE                                                                                                           \
	"ip link add w0 type veth peer name w1 && ip addr add 10.9.0.1/24 dev w0 && ip link set w0 up && "             \
	"ip link set w1 arp off up && "

static struct target target;
static struct kernel kernel;

static int done(void **state)
{
	(void)state;
	kernel_done(&kernel, &target);
	return 0;
}

static void to_far(struct outcome *outcome)
{
	act_connect(outcome, SOCK_STREAM, "192.0.2.7:80", 0);
}

static void to_far_nonblocking(struct outcome *outcome)
{
	act_connect(outcome, SOCK_STREAM, "192.0.2.7:80", SOCK_NONBLOCK);
}

static void to_far_six(struct outcome *outcome)
{
	act_connect(outcome, SOCK_STREAM, "[2001:db8::7]:80", 0);
}

static void to_near(struct outcome *outcome)
{
	act_connect(outcome, SOCK_STREAM, "10.9.0.77:80", SOCK_NONBLOCK);
	usleep(300000);
}

static void to_near_blocking(struct outcome *outcome)
{
	act_connect(outcome, SOCK_STREAM, "10.9.0.77:80", 0);
}

static void to_own(struct outcome *outcome)
{
	act_connect(outcome, SOCK_STREAM, "10.9.0.1:81", 0);
}

static void expect(int error, const char *type, int route_error)
{
	assert_int_equal(target.outcome.error, error);
	assert_string_equal(kernel_text(&kernel, "route", "type"), type);
	assert_int_equal(kernel_number(&kernel, "route", "error"), route_error);
	assert_int_equal(kernel_fact(&kernel, "route")->call, 7);
	assert_int_equal(kernel_fact(&kernel, "route")->socket, kernel.object);
}

static void test_no_route(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "true", to_far, false);
	expect(ENETUNREACH, "none", ENETUNREACH);
	assert_int_equal(kernel_number(&kernel, "sysctl", "ipv6_disabled"), 0);
	assert_int_equal(kernel_number(&kernel, "netns", "number"), 1);
}

static void test_unreachable(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "ip route add unreachable 192.0.2.0/24", to_far, false);
	expect(EHOSTUNREACH, "unreachable", EHOSTUNREACH);
}

static void test_prohibit(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "ip route add prohibit 192.0.2.0/24", to_far, false);
	expect(EACCES, "prohibit", EACCES);
	assert_int_equal(kernel_number(&kernel, "process", "uid"), getuid());
}

static void test_blackhole(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "ip route add blackhole 192.0.2.0/24", to_far, false);
	expect(EINVAL, "blackhole", EINVAL);
}

static void test_no_route_six(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK6 "true", to_far_six, false);
	expect(ENETUNREACH, "none", ENETUNREACH);
}

static void test_unreachable_six(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK6 "ip -6 route add unreachable 2001:db8::/32", to_far_six, false);
	expect(EHOSTUNREACH, "unreachable", EHOSTUNREACH);
}

static void test_prohibit_six(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK6 "ip -6 route add prohibit 2001:db8::/32", to_far_six, false);
	expect(EACCES, "prohibit", EACCES);
}

static void test_blackhole_six(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK6 "ip -6 route add blackhole 2001:db8::/32", to_far_six, false);
	expect(EINVAL, "blackhole", EINVAL);
}

static void test_six_disabled(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1", to_far_six, false);
	assert_int_equal(kernel_number(&kernel, "sysctl", "ipv6_disabled"), 1);
	assert_string_equal(kernel_text(&kernel, "route", "type"), "none");
}

/* The look-up carries the socket's user: only that one is rejected. */
static void test_rule_for_a_user(void **state)
{
	(void)state;
	kernel_run(&kernel, &target,
		   LINK "ip route add default via 10.9.0.2 && ip rule add uidrange 0-0 ipproto tcp dport 80 prohibit",
		   to_far, false);
	expect(EACCES, "prohibit", EACCES);
}

static void test_dead_neighbor(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, WIRE "true", to_near, true);
	assert_int_equal(target.outcome.error, EINPROGRESS);
	assert_string_equal(kernel_text(&kernel, "route", "type"), "unicast");
	assert_string_equal(kernel_text(&kernel, "route", "device"), "w0");
	assert_string_equal(kernel_text(&kernel, "route", "next_hop"), "10.9.0.77");
	assert_string_equal(kernel_text(&kernel, "route", "source"), "10.9.0.1");
	assert_string_equal(kernel_text(&kernel, "neighbor", "state"), "incomplete");
	assert_string_equal(kernel_text(&kernel, "tcp-info", "state"), "syn-sent");
	assert_true(kernel_number(&kernel, "sysctl", "tcp_syn_retries") > 0);
}

static void test_dead_neighbor_failed(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, WIRE "true", to_near_blocking, false);
	assert_int_equal(target.outcome.error, EHOSTUNREACH);
	assert_string_equal(kernel_text(&kernel, "neighbor", "state"), "failed");
	assert_string_equal(kernel_text(&kernel, "neighbor", "address"), "10.9.0.77");
}

static void test_dead_gateway(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, WIRE "ip route add default via 10.9.0.99", to_far, false);
	assert_int_equal(target.outcome.error, EHOSTUNREACH);
	assert_string_equal(kernel_text(&kernel, "route", "gateway"), "10.9.0.99");
	assert_string_equal(kernel_text(&kernel, "neighbor", "address"), "10.9.0.99");
	assert_string_equal(kernel_text(&kernel, "neighbor", "state"), "failed");
}

static void test_own_address(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "true", to_own, false);
	assert_int_equal(target.outcome.error, ECONNREFUSED);
	assert_int_equal(kernel_number(&kernel, "route", "local"), 1);
	assert_string_equal(kernel_text(&kernel, "route", "type"), "local");
	assert_null(kernel_fact(&kernel, "translation"));
}

static void test_translation(void **state)
{
	(void)state;
	/* A refused connection is forgotten at once: its RST is the only reply. One that hangs is remembered. */
	kernel_run(
		&kernel, &target,
		WIRE
		"ip route add default dev w0 && nft 'add table ip t; add chain ip t o { type nat hook output priority -100; }; "
		"add rule ip t o ip daddr 192.0.2.7 tcp dport 80 dnat to 10.9.0.77:81'",
		to_far_nonblocking, true);
	assert_string_equal(kernel_text(&kernel, "translation", "original_destination"), "192.0.2.7:80");
	assert_string_equal(kernel_text(&kernel, "translation", "reply_source"), "10.9.0.77:81");
	assert_int_equal(kernel_number(&kernel, "firewall", "nft_output"), 1);
	assert_int_equal(kernel_number(&kernel, "firewall", "nft_output_drops"), 0);
	assert_string_equal(kernel_text(&kernel, "neighbor", "address"), "10.9.0.77");
}

static void test_output_policy(void **state)
{
	(void)state;
	kernel_run(&kernel, &target,
		   LINK
		   "nft 'add table inet t; add chain inet t o { type filter hook output priority 0; policy drop; }'",
		   to_near, true);
	assert_int_equal(kernel_number(&kernel, "firewall", "nft_output_drops"), 1);
	assert_int_equal(kernel_number(&kernel, "firewall", "nft_input"), 0);
}

static void test_ipsec_policy(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "ip xfrm policy add dir out src 10.9.0.0/24 dst 10.9.0.77/32 action block",
		   to_near_blocking, false);
	assert_int_equal(target.outcome.error, EPERM);
	assert_int_equal(kernel_number(&kernel, "firewall", "xfrm_out"), 1);
}

static void test_device_down(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "ip link set d0 down", to_near_blocking, false);
	assert_int_equal(target.outcome.error, ENETUNREACH);
	assert_string_equal(kernel_text(&kernel, "route", "type"), "none");
}

static void test_counters(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, LINK "true", to_own, false);
	sw_probe_counters(kernel.probe, target.pid, "end");
	assert_string_equal(kernel_text(&kernel, "counters", "when"), "end");
	assert_int_equal(kernel_number(&kernel, "counters", "netns"), 1);
	assert_int_equal(kernel_number(&kernel, "counters", "tcp_attempt_fails"), 1);
	assert_int_equal(kernel_number(&kernel, "counters", "tcp_out_rsts"), 1);
	assert_int_equal(kernel_number(&kernel, "counters", "listen_overflows"), 0);
	assert_int_equal(kernel_number(&kernel, "counters", "rp_filter"), 0);
	assert_int_equal(kernel_number(&kernel, "counters", "udp_rcvbuf_errors"), 0);
}

static void test_switched_off(void **state)
{
	(void)state;
	target_start(&target, LINK "true", to_far);
	kernel_open(&kernel, SW_NO_NETLINK | SW_NO_DIAG | SW_NO_GETFD);
	kernel_ask(&kernel, &target, false);
	assert_null(kernel_fact(&kernel, "route"));
	assert_null(kernel_fact(&kernel, "firewall"));
}

int main(void)
{
	if (geteuid() != 0)
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_no_route, done),
		cmocka_unit_test_teardown(test_unreachable, done),
		cmocka_unit_test_teardown(test_prohibit, done),
		cmocka_unit_test_teardown(test_blackhole, done),
		cmocka_unit_test_teardown(test_no_route_six, done),
		cmocka_unit_test_teardown(test_unreachable_six, done),
		cmocka_unit_test_teardown(test_prohibit_six, done),
		cmocka_unit_test_teardown(test_blackhole_six, done),
		cmocka_unit_test_teardown(test_six_disabled, done),
		cmocka_unit_test_teardown(test_rule_for_a_user, done),
		cmocka_unit_test_teardown(test_dead_neighbor, done),
		cmocka_unit_test_teardown(test_dead_neighbor_failed, done),
		cmocka_unit_test_teardown(test_dead_gateway, done),
		cmocka_unit_test_teardown(test_own_address, done),
		cmocka_unit_test_teardown(test_translation, done),
		cmocka_unit_test_teardown(test_output_policy, done),
		cmocka_unit_test_teardown(test_ipsec_policy, done),
		cmocka_unit_test_teardown(test_device_down, done),
		cmocka_unit_test_teardown(test_counters, done),
		cmocka_unit_test_teardown(test_switched_off, done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
