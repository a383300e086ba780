/* Names of numbers, both ways, and a text for numbers that have none. */
#include "tests/unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "src/base/names.h"

static void errors(void **state)
{
	(void)state;
	assert_string_equal(sw_errno_name(ECONNREFUSED), "ECONNREFUSED");
	assert_string_equal(sw_errno_name(EAGAIN), "EAGAIN");
	assert_string_equal(sw_errno_name(EOPNOTSUPP), "EOPNOTSUPP");
	assert_string_equal(sw_errno_name(512), "ERESTARTSYS");
	assert_string_equal(sw_errno_name(0), "0");
	assert_string_equal(sw_errno_name(999), "E999");
	assert_string_equal(sw_errno_name(-5), "E-5");
	assert_int_equal(sw_errno_number("EWOULDBLOCK"), EAGAIN);
	assert_int_equal(sw_errno_number("ENOTSUP"), EOPNOTSUPP);
	assert_int_equal(sw_errno_number("ERESTART_RESTARTBLOCK"), 516);
	assert_int_equal(sw_errno_number("ENONSENSE"), 0);
	assert_int_equal(sw_errno_number(""), 0);
}

static void every_error_reads_back(void **state)
{
	(void)state;
	for (int error = 1; error <= EHWPOISON; error++)
		if (strerrorname_np(error))
			assert_int_equal(sw_errno_number(sw_errno_name(error)), error);
}

static void signals(void **state)
{
	(void)state;
	assert_string_equal(sw_signal_name(SIGTERM), "SIGTERM");
	assert_string_equal(sw_signal_name(SIGRTMIN), "SIGRTMIN");
	assert_string_equal(sw_signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
	assert_string_equal(sw_signal_name(32), "SIG32");
	assert_string_equal(sw_signal_name(-1), "SIG-1");
	assert_string_equal(sw_signal_name(1000), "SIG1000");
}

static void families_and_protocols(void **state)
{
	(void)state;
	assert_string_equal(sw_family_name(AF_INET6), "AF_INET6");
	assert_string_equal(sw_family_name(AF_UNIX), "AF_UNIX");
	assert_string_equal(sw_family_name(77), "AF_77");
	assert_string_equal(sw_protocol_name(IPPROTO_TCP), "tcp");
	assert_string_equal(sw_protocol_name(IPPROTO_ICMPV6), "icmpv6");
	assert_string_equal(sw_protocol_name(199), "protocol-199");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),
		cmocka_unit_test(every_error_reads_back),
		cmocka_unit_test(signals),
		cmocka_unit_test(families_and_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
