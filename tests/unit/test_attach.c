/* Why a process cannot be attached to: each reason has its own words and its own way out, also those that this kernel cannot show. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/engine/attach.h"

static void says(const struct sw_attach_refused *refused, const char *reason, const char *way_out)
{
	struct sw_err err = {0};
	assert_int_equal(sw_attach_say_refused(refused, &err), -EACCES);
	assert_non_null(strstr(err.text, "7 (postgres)"));
	assert_non_null(strstr(err.text, reason));
	assert_non_null(strstr(err.text, way_out));
}

static void scopes(void **state)
{
	(void)state;
	struct sw_attach_refused mine = {.pid = 7, .comm = "postgres", .uid = 1000, .own_uid = 1000};
	mine.scope = '1';
	says(&mine, "ptrace_scope is 1", "sockwhy run");
	mine.scope = '2';
	says(&mine, "ptrace_scope is 2", "sudo");
	mine.scope = '3';
	says(&mine, "ptrace_scope is 3", "--no-calls");
	mine.scope = '0';
	says(&mine, "not dumpable", "as root");
	mine.scope = 0;
	says(&mine, "set-user-ID", "as root");
}

static void users(void **state)
{
	(void)state;
	struct sw_attach_refused it = {.pid = 7, .comm = "postgres", .uid = 0, .own_uid = 1000, .scope = '1'};
	says(&it, "belongs to root", "as that user");
	it.uid = 54321;
	says(&it, "belongs to uid 54321", "as that user");
	it.own_uid = 0;
	says(&it, "CAP_SYS_PTRACE", "--cap-add");
	it.scope = '3'; /* not even root, and not even its own child */
	says(&it, "forbids all tracing", "--no-calls");
}

static void states(void **state)
{
	struct sw_err err = {0};
	(void)state;
	assert_int_equal(sw_attach_check(getpid(), &err), -EINVAL);
	assert_non_null(strstr(err.text, "this tool itself"));
	assert_int_equal(sw_attach_check(0, &err), -ESRCH);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	siginfo_t ended;
	waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT);
	assert_int_equal(sw_attach_check(child, &err), -ESRCH);
	assert_non_null(strstr(err.text, "a zombie"));
	waitpid(child, NULL, 0);
	assert_int_equal(sw_attach_check(child, &err), -ESRCH);
	assert_non_null(strstr(err.text, "there is no process"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scopes), cmocka_unit_test(users), cmocka_unit_test(states)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
