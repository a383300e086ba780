/* The engine's end of the control channel: holds a thread until the recorder has opened its capture, and says facts on request.
 *
 * The recorder may be slow, stopped or dead: nothing here waits longer than SW_CONTROL_PATIENCE_NS, once for each namespace. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

void sw_engine_place(struct sw_engine_state *engine, const struct sw_tracee *tracee, uint32_t object, int fd)
{
	sw_identity_place(engine->identity, object,
			  &(struct sw_place){.pid = tracee->process->pid, .tid = tracee->tid, .fd = fd});
}

void sw_engine_control_init(struct sw_engine_state *engine)
{
	int fd = engine->options->control_fd;

	engine->control_fd = fd;
	if (fd < 0)
		return;
	/* SIGIO wakes the loop, which sleeps in sigtimedwait(). */
	if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) < 0)
		return;
}

/* Nobody looks from here on: a SIGIO would end the process. */
void sw_engine_control_end(struct sw_engine_state *engine)
{
	if (engine->options->control_fd >= 0 && fcntl(engine->options->control_fd, F_SETFL, O_NONBLOCK) < 0)
		signal(SIGIO, SIG_IGN);
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

static void say_object(struct sw_engine_state *engine, uint32_t object)
{
	const struct sw_place *place = sw_identity_placed(engine->identity, object);
	if (!place)
		return;
	struct sw_call call = {
		.pid = (uint32_t)place->pid, .tid = (uint32_t)place->tid, .fd = place->fd, .fd2 = -1, .socket = object};
	struct sw_tracee *tracee = sw_tracee_find(&engine->tracees, place->tid);
	if (!tracee)
		call.tid = call.pid;
	if (tracee && tracee->inside && tracee->recorded && tracee->call.socket == object)
		call = tracee->call;
	/* While a thread is in close() of it a duplicate would make another close the last one. */
	if (call.sys == SW_SYS_CLOSE)
		return;
	sw_identity_refresh(engine->identity, place->pid, (pid_t)call.tid, place->fd, object, SW_DETAIL_TCP_INFO);
}

/* 1: a message was taken, and `*ready` says whether it was the answer for `netns`; 0 nothing there. */
static int take(struct sw_engine_state *engine, uint32_t netns, bool *ready)
{
	struct sw_control message;
	int got = engine->control_fd < 0 ? -1 : sw_control_receive(engine->control_fd, &message, NULL);

	if (got < 0) {
		engine->control_fd = -1;
		engine->stopping = engine->attach != NULL; /* nobody is left to tell */
	}
	if (got <= 0)
		return got;
	if (message.kind == SW_CONTROL_READY && message.netns == netns)
		*ready = true;
	else if (engine->rest)
		return 1;
	else if (message.kind == SW_CONTROL_TCP_INFO)
		say_object(engine, message.object);
	else if (message.kind == SW_CONTROL_COUNTERS && engine->command_started && !engine->command_ended)
		sw_engine_counters(engine, engine->launch.pid, "asked");
	else if (message.kind == SW_CONTROL_STOP)
		*(engine->attach ? &engine->stopping : &engine->enough) = true;
	return 1;
}

void sw_engine_control(struct sw_engine_state *engine)
{
	bool ready;

	while (take(engine, 0, &ready) > 0)
		continue;
}

/* ---- the capture ------------------------------------------------------------------------------------------------ */

static bool await_answer(struct sw_engine_state *engine, uint32_t netns)
{
	int64_t until = sw_clock_monotonic() + SW_CONTROL_PATIENCE_NS;
	bool ready = false;

	while (!ready) {
		int64_t left = (until - sw_clock_monotonic()) / SW_NS_PER_MS;
		struct pollfd channel = {.fd = engine->control_fd, .events = POLLIN};
		if (left <= 0 || (poll(&channel, 1, (int)left) < 0 && errno != EINTR))
			return false;
		while (!ready && take(engine, netns, &ready) > 0)
			continue;
		if (engine->control_fd < 0)
			return false;
	}
	return true;
}

static void ask_for_capture(struct sw_engine_state *engine, pid_t pid, pid_t tid, uint32_t netns)
{
	char path[SW_PROC_PATH];
	struct sw_control message = {.kind = SW_CONTROL_CAPTURE,
				     .netns = netns,
				     .pid = (uint32_t)pid,
				     .tid = (uint32_t)tid,
				     .netns_inode = sw_proc_netns(pid, tid)};

	if (engine->control_fd < 0)
		return;
	/* The recorder may have no right to look into another's /proc: it is handed the namespace itself. */
	snprintf(path, sizeof path, "/proc/%d/task/%d/ns/net", pid, tid);
	int fd = sw_identity_netns(engine->identity, pid, tid) == netns ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	bool sent = sw_control_send(engine->control_fd, &message, fd);
	if (fd >= 0)
		close(fd);
	if (sent && !await_answer(engine, netns))
		sw_engine_limit(engine, "the capture of packets was not ready in time",
				"the first packets may be missing: absence of a packet proves nothing");
}

static void capture_in(struct sw_engine_state *engine, pid_t pid, pid_t tid, uint32_t netns)
{
	if (netns >= SW_NETNS_MAX || engine->captured[netns])
		return;
	engine->captured[netns] = true;
	sw_engine_counters(engine, pid, "start");
	ask_for_capture(engine, pid, tid, netns);
}

void sw_engine_capture_process(struct sw_engine_state *engine, pid_t pid)
{
	capture_in(engine, pid, pid, sw_identity_netns(engine->identity, pid, pid));
}

/* At the entry of a call that makes or uses an IPv4 or IPv6 socket. */
void sw_engine_capture(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	const struct sw_call *call = &tracee->call;
	const struct sw_socket *socket = call->socket ? sw_identity_socket(engine->identity, call->socket) : NULL;
	bool makes = call->sys == SW_SYS_SOCKET && (call->request == AF_INET || call->request == AF_INET6);

	if (makes && !tracee->netns_asked) {
		tracee->netns_asked = true;
		capture_in(engine, tracee->process->pid, tracee->tid,
			   sw_identity_netns(engine->identity, tracee->process->pid, tracee->tid));
	} else if (socket && (socket->domain == AF_INET || socket->domain == AF_INET6)) {
		capture_in(engine, tracee->process->pid, tracee->tid, socket->netns);
	}
}
