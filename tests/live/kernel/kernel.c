/* A target of our own in a network namespace of its own: see kernel.h. */
#include "kernel.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

static void child(struct target *target, int ready, int go, const char *setup, void (*act)(struct outcome *outcome))
{
	char byte;
	struct outcome outcome = {.fd = -1};
	if (setup &&
	    (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || system("ip link set lo up") != 0 || system(setup) != 0))
		_exit(1);
	(void)target;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
	act(&outcome);
	if (write(ready, &outcome, sizeof outcome) != sizeof outcome)
		_exit(1);
	(void)!read(go, &byte, 1);
	_exit(0);
}

void target_start(struct target *target, const char *setup, void (*act)(struct outcome *outcome))
{
	int ready[2], go[2];
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	target->pid = fork();
	if (target->pid == 0) {
		close(ready[0]);
		close(go[1]);
		child(target, ready[1], go[0], setup, act);
	}
	close(ready[1]);
	close(go[0]);
	target->from = ready[0];
	target->to = go[1];
	ssize_t got = read(target->from, &target->outcome, sizeof target->outcome);
	if (got != sizeof target->outcome) {
		target_end(target);
		fail_msg("the target could not be set up");
	}
}

void target_end(struct target *target)
{
	close(target->from);
	close(target->to);
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct kernel *kernel = context;
	if (kernel->fact_count < FACTS_MAX)
		kernel->facts[kernel->fact_count++] = sw_fact_copy(fact);
}

void kernel_open(struct kernel *kernel, unsigned switches)
{
	memset(kernel, 0, sizeof *kernel);
	kernel->sink = (struct sw_trace_sink){.context = kernel, .fact = on_fact};
	kernel->identity = sw_identity_new(&kernel->sink, switches);
	kernel->probe = sw_probe_new(&kernel->sink, kernel->identity, switches);
}

void kernel_close(struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->fact_count; i++)
		free(kernel->facts[i]);
	sw_probe_free(kernel->probe);
	sw_identity_free(kernel->identity);
}

void kernel_ask(struct kernel *kernel, const struct target *target, bool hanging)
{
	const struct outcome *outcome = &target->outcome;
	struct sw_call call = {.id = 7,
			       .pid = (uint32_t)target->pid,
			       .tid = (uint32_t)target->pid,
			       .sys = outcome->sys,
			       .fd = outcome->fd,
			       .fd2 = -1,
			       .enter_ns = 1,
			       .exit_ns = hanging ? SW_TIME_NONE : 2,
			       .error = hanging ? 0 : outcome->error,
			       .addr = outcome->addr};
	uint32_t object = kernel->object = sw_identity_made(kernel->identity, target->pid, target->pid, outcome->fd);
	if (object) {
		sw_identity_learn(kernel->identity, object, &call);
		sw_identity_refresh(kernel->identity, target->pid, target->pid, outcome->fd, object,
				    SW_DETAIL_TCP_INFO);
	}
	const struct sw_socket *socket = object ? sw_identity_socket(kernel->identity, object) : NULL;
	if (hanging)
		sw_probe_hanging(kernel->probe, &call, socket);
	else
		sw_probe_failure(kernel->probe, &call, socket);
	if (getenv("KERNEL_VERBOSE"))
		kernel_print(kernel);
}

void kernel_run(struct kernel *kernel, struct target *target, const char *setup, void (*act)(struct outcome *outcome),
		bool hanging)
{
	target_start(target, setup, act);
	kernel_open(kernel, 0);
	kernel_ask(kernel, target, hanging);
}

void kernel_done(struct kernel *kernel, struct target *target)
{
	if (target->pid > 0)
		target_end(target);
	if (kernel->identity)
		kernel_close(kernel);
	*target = (struct target){0};
	*kernel = (struct kernel){0};
}

const struct sw_fact *kernel_fact(const struct kernel *kernel, const char *kind)
{
	for (size_t i = kernel->fact_count; i > 0; i--)
		if (!strcmp(kernel->facts[i - 1]->kind, kind))
			return kernel->facts[i - 1];
	return NULL;
}

const char *kernel_text(const struct kernel *kernel, const char *kind, const char *field)
{
	const struct sw_fact *fact = kernel_fact(kernel, kind);
	const char *text = fact ? sw_fact_text(fact, field) : NULL;
	return text ? text : "";
}

int64_t kernel_number(const struct kernel *kernel, const char *kind, const char *field)
{
	const struct sw_fact *fact = kernel_fact(kernel, kind);
	return fact ? sw_fact_number(fact, field, -1) : -1;
}

void kernel_print(const struct kernel *kernel)
{
	char line[4096];
	for (size_t i = 0; i < kernel->fact_count; i++)
		fprintf(stderr, "  %s\n", sw_fact_line(kernel->facts[i], line, sizeof line));
}

static socklen_t sockaddr_of(const struct sw_addr *addr, struct sockaddr_storage *out)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(addr->endpoint.port)};
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6, .sin6_port = htons(addr->endpoint.port), .sin6_scope_id = addr->scope};
	memset(out, 0, sizeof *out);
	memcpy(&four.sin_addr, addr->endpoint.ip.bytes, 4);
	memcpy(&six.sin6_addr, addr->endpoint.ip.bytes, 16);
	if (addr->endpoint.ip.family == 4)
		memcpy(out, &four, sizeof four);
	else
		memcpy(out, &six, sizeof six);
	return addr->endpoint.ip.family == 4 ? sizeof four : sizeof six;
}

void act_connect(struct outcome *outcome, int type, const char *address, int flags)
{
	struct sockaddr_storage name;
	sw_addr_parse(address, &outcome->addr);
	socklen_t length = sockaddr_of(&outcome->addr, &name);
	outcome->sys = SW_SYS_CONNECT;
	outcome->fd = socket(name.ss_family, type | flags, 0);
	outcome->error = connect(outcome->fd, (struct sockaddr *)&name, length) == 0 ? 0 : errno;
}

void act_bind(struct outcome *outcome, int type, const char *address)
{
	struct sockaddr_storage name;
	sw_addr_parse(address, &outcome->addr);
	socklen_t length = sockaddr_of(&outcome->addr, &name);
	outcome->sys = SW_SYS_BIND;
	outcome->fd = socket(name.ss_family, type, 0);
	outcome->error = bind(outcome->fd, (struct sockaddr *)&name, length) == 0 ? 0 : errno;
}

void act_unix(struct outcome *outcome, int type, const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	memcpy(name.sun_path, path, length);
	if (path[0] == '@')
		name.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
	sw_addr_from_sockaddr(&outcome->addr, &name, size);
	outcome->sys = SW_SYS_CONNECT;
	outcome->fd = socket(AF_UNIX, type, 0);
	outcome->error = connect(outcome->fd, (struct sockaddr *)&name, size) == 0 ? 0 : errno;
}
