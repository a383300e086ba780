/* Live: what the probes say of ports, paths, limits and rights. Root, in namespaces of their own. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "tests/unit/test.h"

#define HERE "true" /* a namespace with a loopback and nothing else */

static struct target target;
static struct kernel kernel;
static char folder[] = "/tmp/sw-kernel-XXXXXX";
static char path[64];

static int done(void **state)
{
	(void)state;
	kernel_done(&kernel, &target);
	if (path[0])
		unlink(path);
	return 0;
}

/* The search for the holder is bounded in time, and a busy machine may use that up. */
static void ask_for_holder(const char *setup, void (*act)(struct outcome *outcome), const char *fact, const char *pid)
{
	for (int try = 0; try < 20; try++) {
		kernel_run(&kernel, &target, setup, act, false);
		if (kernel_number(&kernel, fact, pid) != -1)
			return;
		done(NULL);
	}
	kernel_run(&kernel, &target, setup, act, false);
}

/* ---- ports ---------------------------------------------------------------------------------------------------- */

static int listener(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 5))
		abort();
	return fd;
}

static void bind_in_use(struct outcome *outcome)
{
	listener(8080);
	act_bind(outcome, SOCK_STREAM, "127.0.0.1:8080");
}

static void test_port_is_held(void **state)
{
	(void)state;
	ask_for_holder(HERE, bind_in_use, "port-holder", "pid");
	assert_int_equal(target.outcome.error, EADDRINUSE);
	assert_string_equal(kernel_text(&kernel, "port-holder", "state"), "listen");
	assert_string_equal(kernel_text(&kernel, "port-holder", "local"), "0.0.0.0:8080");
	assert_int_equal(kernel_number(&kernel, "port-holder", "pid"), target.pid);
	assert_string_equal(kernel_text(&kernel, "port-holder", "protocol"), "tcp");
	assert_true(strlen(kernel_text(&kernel, "port-holder", "comm")) > 0);
	assert_int_equal(kernel_number(&kernel, "port-holder", "sockets"), 1);
}

static void bind_udp_in_use(struct outcome *outcome)
{
	struct outcome other = {0};
	act_bind(&other, SOCK_DGRAM, "[::]:5353");
	act_bind(outcome, SOCK_DGRAM, "127.0.0.1:5353");
}

static void test_udp_port_is_held(void **state)
{
	(void)state;
	ask_for_holder(HERE, bind_udp_in_use, "port-holder", "pid");
	assert_int_equal(target.outcome.error, EADDRINUSE);
	assert_string_equal(kernel_text(&kernel, "port-holder", "protocol"), "udp");
	assert_string_equal(kernel_text(&kernel, "port-holder", "state"), "bound");
	assert_int_equal(kernel_number(&kernel, "port-holder", "pid"), target.pid);
}

static void bind_in_time_wait(struct outcome *outcome)
{
	struct outcome client = {0};
	int server = listener(8081);
	act_connect(&client, SOCK_STREAM, "127.0.0.1:8081", 0);
	int accepted = accept(server, NULL, NULL);
	close(accepted);
	close(client.fd);
	close(server);
	usleep(50000);
	act_bind(outcome, SOCK_STREAM, "127.0.0.1:8081");
}

static void test_port_in_time_wait(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, HERE, bind_in_time_wait, false);
	assert_int_equal(target.outcome.error, EADDRINUSE);
	assert_string_equal(kernel_text(&kernel, "port-holder", "state"), "time-wait");
	assert_int_equal(kernel_number(&kernel, "port-holder", "inode"), 0);
	assert_int_equal(kernel_number(&kernel, "port-holder", "pid"), -1);
	assert_int_equal(kernel_number(&kernel, "port-holder", "complete"), 1);
}

static void use_up_ports(struct outcome *outcome)
{
	struct outcome one = {0};
	listener(8082);
	while (one.error == 0)
		act_connect(&one, SOCK_STREAM, "127.0.0.1:8082", 0);
	*outcome = one;
}

static void test_ports_used_up(void **state)
{
	(void)state;
	kernel_run(&kernel, &target,
		   "sysctl -qw net.ipv4.ip_local_port_range='40000 40003' && sysctl -qw net.core.somaxconn=64",
		   use_up_ports, false);
	assert_int_equal(target.outcome.error, EADDRNOTAVAIL);
	assert_int_equal(kernel_number(&kernel, "port-range", "low"), 40000);
	assert_int_equal(kernel_number(&kernel, "port-range", "high"), 40003);
	assert_int_equal(kernel_number(&kernel, "port-range", "total"), 4);
	assert_int_equal(kernel_number(&kernel, "port-range", "used"), 4);
	assert_int_equal(kernel_number(&kernel, "port-range", "complete"), 1);
}

static void bind_foreign(struct outcome *outcome)
{
	act_bind(outcome, SOCK_STREAM, "10.77.0.1:80");
}

static void test_address_is_not_ours(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, HERE, bind_foreign, false);
	assert_int_equal(target.outcome.error, EADDRNOTAVAIL);
	assert_int_equal(kernel_number(&kernel, "address-local", "local"), 0);
	assert_int_equal(kernel_number(&kernel, "sysctl", "ip_nonlocal_bind"), 0);
}

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		abort();
}

static void bind_privileged(struct outcome *outcome)
{
	become_nobody();
	act_bind(outcome, SOCK_STREAM, "127.0.0.1:80");
}

static void test_privileged_port(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, HERE, bind_privileged, false);
	assert_int_equal(target.outcome.error, EACCES);
	assert_int_equal(kernel_number(&kernel, "process", "cap_net_bind_service"), 0);
	assert_int_equal(kernel_number(&kernel, "process", "uid"), 65534);
	assert_int_equal(kernel_number(&kernel, "sysctl", "ip_unprivileged_port_start"), 1024);
}

static void use_up_descriptors(struct outcome *outcome)
{
	struct rlimit limit = {20, 30};
	setrlimit(RLIMIT_NOFILE, &limit);
	while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		;
	outcome->sys = SW_SYS_SOCKET;
	outcome->error = errno;
}

static void test_descriptors_used_up(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, HERE, use_up_descriptors, false);
	assert_int_equal(target.outcome.error, EMFILE);
	assert_int_equal(kernel_number(&kernel, "fd-limit", "limit"), 20);
	assert_int_equal(kernel_number(&kernel, "fd-limit", "hard"), 30);
	assert_true(kernel_number(&kernel, "fd-limit", "count") >= 20);
	assert_true(kernel_number(&kernel, "fd-limit", "highest") >= 19);
	assert_true(kernel_number(&kernel, "fd-limit", "sockets") >= 10);
	assert_true(kernel_number(&kernel, "fd-limit", "system_limit") > 0);
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */

static int unix_server(int type, int backlog)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	strcpy(name.sun_path, path);
	int fd = socket(AF_UNIX, type, 0);
	if (bind(fd, (struct sockaddr *)&name, sizeof name) || (backlog >= 0 && listen(fd, backlog)))
		abort();
	return fd;
}

static void in_folder(const char *name)
{
	strcpy(path, folder);
	strcat(path, "/");
	strcat(path, name);
}

static void to_path(struct outcome *outcome)
{
	act_unix(outcome, SOCK_STREAM, path);
}

static void test_path_missing(void **state)
{
	(void)state;
	in_folder("missing/socket");
	kernel_run(&kernel, &target, NULL, to_path, false);
	assert_int_equal(target.outcome.error, ENOENT);
	assert_string_equal(kernel_text(&kernel, "unix-path", "kind"), "missing");
	assert_int_equal(kernel_number(&kernel, "unix-path", "exists"), 0);
	char part[64];
	snprintf(part, sizeof part, "%s/missing", folder);
	assert_string_equal(kernel_text(&kernel, "unix-path", "missing"), part);
	assert_string_equal(kernel_text(&kernel, "unix-path", "path"), path);
}

static void leave_behind(struct outcome *outcome)
{
	close(unix_server(SOCK_STREAM, 5));
	to_path(outcome);
}

static void test_path_without_listener(void **state)
{
	(void)state;
	in_folder("stale");
	kernel_run(&kernel, &target, NULL, leave_behind, false);
	assert_int_equal(target.outcome.error, ECONNREFUSED);
	assert_string_equal(kernel_text(&kernel, "unix-path", "kind"), "socket");
	assert_int_equal(kernel_number(&kernel, "unix-path", "is_socket"), 1);
	assert_int_equal(kernel_number(&kernel, "unix-path", "bound"), 0);
}

static void to_file(struct outcome *outcome)
{
	close(open(path, O_CREAT | O_WRONLY, 0644));
	to_path(outcome);
}

static void test_path_is_a_file(void **state)
{
	(void)state;
	in_folder("file");
	kernel_run(&kernel, &target, NULL, to_file, false);
	assert_int_equal(target.outcome.error, ECONNREFUSED);
	assert_string_equal(kernel_text(&kernel, "unix-path", "kind"), "file");
	assert_int_equal(kernel_number(&kernel, "unix-path", "is_socket"), 0);
	assert_string_equal(kernel_text(&kernel, "unix-path", "mode"), "0644");
}

static void to_forbidden_socket(struct outcome *outcome)
{
	unix_server(SOCK_STREAM, 5);
	chmod(path, 0600);
	become_nobody();
	to_path(outcome);
}

static void test_path_denied_by_socket(void **state)
{
	(void)state;
	in_folder("forbidden");
	chmod(folder, 0755);
	kernel_run(&kernel, &target, NULL, to_forbidden_socket, false);
	assert_int_equal(target.outcome.error, EACCES);
	assert_string_equal(kernel_text(&kernel, "unix-path", "denied"), path);
	assert_string_equal(kernel_text(&kernel, "unix-path", "mode"), "0600");
	assert_string_equal(kernel_text(&kernel, "unix-path", "owner"), "0:0");
	assert_int_equal(kernel_number(&kernel, "unix-path", "listeners"), 1);
}

static void test_path_denied_by_folder(void **state)
{
	(void)state;
	in_folder("forbidden");
	chmod(folder, 0700);
	kernel_run(&kernel, &target, NULL, to_forbidden_socket, false);
	chmod(folder, 0755);
	assert_int_equal(target.outcome.error, EACCES);
	assert_string_equal(kernel_text(&kernel, "unix-path", "denied"), folder);
	assert_string_equal(kernel_text(&kernel, "unix-path", "denied_mode"), "0700");
}

static void to_wrong_type(struct outcome *outcome)
{
	unix_server(SOCK_DGRAM, -1);
	to_path(outcome);
}

static void test_path_of_another_type(void **state)
{
	(void)state;
	in_folder("dgram");
	kernel_run(&kernel, &target, NULL, to_wrong_type, false);
	assert_int_equal(target.outcome.error, EPROTOTYPE);
	assert_string_equal(kernel_text(&kernel, "unix-path", "type"), "dgram");
	assert_int_equal(kernel_number(&kernel, "unix-path", "bound"), 1);
}

static void fill_queue(struct outcome *outcome)
{
	unix_server(SOCK_STREAM, 1);
	do
		act_unix(outcome, SOCK_STREAM | SOCK_NONBLOCK, path);
	while (outcome->error == 0);
}

static void test_path_with_full_queue(void **state)
{
	(void)state;
	in_folder("full");
	ask_for_holder(NULL, fill_queue, "unix-path", "holder_pid");
	assert_int_equal(target.outcome.error, EAGAIN);
	assert_int_equal(kernel_number(&kernel, "unix-path", "queue"), 2);
	assert_int_equal(kernel_number(&kernel, "unix-path", "backlog"), 1);
	assert_int_equal(kernel_number(&kernel, "unix-path", "holder_pid"), target.pid);
}

static void to_abstract(struct outcome *outcome)
{
	act_unix(outcome, SOCK_STREAM, "@sw-kernel-nobody");
}

static void test_abstract_name(void **state)
{
	(void)state;
	kernel_run(&kernel, &target, HERE, to_abstract, false);
	assert_int_equal(target.outcome.error, ECONNREFUSED);
	assert_string_equal(kernel_text(&kernel, "unix-path", "kind"), "abstract");
	assert_string_equal(kernel_text(&kernel, "unix-path", "path"), "@sw-kernel-nobody");
	assert_int_equal(kernel_number(&kernel, "unix-path", "bound"), 0);
}

/* The path as the program sees it: behind its own root, through a link that is absolute there. */
static void to_path_in_root(struct outcome *outcome)
{
	if (mkdir("run", 0755) || symlink("/run", "link") || chroot("."))
		abort();
	strcpy(path, "/link/socket");
	close(unix_server(SOCK_STREAM, 5));
	to_path(outcome);
}

static void test_path_behind_a_root(void **state)
{
	(void)state;
	char command[128];
	assert_int_equal(chdir(folder), 0);
	kernel_run(&kernel, &target, NULL, to_path_in_root, false);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof command, "rm -r %s/run %s/link", folder, folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(target.outcome.error, ECONNREFUSED);
	assert_string_equal(kernel_text(&kernel, "unix-path", "kind"), "socket");
	assert_string_equal(kernel_text(&kernel, "unix-path", "missing"), "");
}

/* Without privilege, and the program made a user namespace with a network of its own (unshare -rn): the way in leads
 * through both. */
static void in_user_namespace(struct outcome *outcome)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		abort();
	act_connect(outcome, SOCK_STREAM, "192.0.2.7:80", 0);
}

static void test_user_namespace(void **state)
{
	(void)state;
	int status;
	pid_t asker = fork();
	if (asker == 0) {
		become_nobody();
		prctl(PR_SET_DUMPABLE, 1);
		kernel_run(&kernel, &target, NULL, in_user_namespace, false);
		bool right = target.outcome.error == ENETUNREACH &&
			     !strcmp(kernel_text(&kernel, "route", "type"), "none") &&
			     kernel_number(&kernel, "netns", "number") == 1 &&
			     kernel_number(&kernel, "sysctl", "tcp_syn_retries") > 0 && prctl(PR_GET_DUMPABLE) == 1;
		done(NULL);
		_exit(right ? 0 : 1);
	}
	waitpid(asker, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	if (geteuid() != 0)
		return 77;
	if (!mkdtemp(folder))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_port_is_held, done),
		cmocka_unit_test_teardown(test_udp_port_is_held, done),
		cmocka_unit_test_teardown(test_port_in_time_wait, done),
		cmocka_unit_test_teardown(test_ports_used_up, done),
		cmocka_unit_test_teardown(test_address_is_not_ours, done),
		cmocka_unit_test_teardown(test_privileged_port, done),
		cmocka_unit_test_teardown(test_descriptors_used_up, done),
		cmocka_unit_test_teardown(test_path_missing, done),
		cmocka_unit_test_teardown(test_path_without_listener, done),
		cmocka_unit_test_teardown(test_path_is_a_file, done),
		cmocka_unit_test_teardown(test_path_denied_by_socket, done),
		cmocka_unit_test_teardown(test_path_denied_by_folder, done),
		cmocka_unit_test_teardown(test_path_of_another_type, done),
		cmocka_unit_test_teardown(test_path_with_full_queue, done),
		cmocka_unit_test_teardown(test_abstract_name, done),
		cmocka_unit_test_teardown(test_path_behind_a_root, done),
		cmocka_unit_test_teardown(test_user_namespace, done),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
