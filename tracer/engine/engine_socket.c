/* What the engine does for the socket of a call beside recording it: the capture before its first use, what the kernel says of it
 * where a call changed it, and the facts of a failure. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "tracer/engine/engine_state.h"

#define COUNTERS_EVERY_NS (200 * SW_NS_PER_MS)

static const struct sw_socket *object(const struct sw_engine_state *engine, uint32_t id)
{
	return id ? sw_identity_socket(engine->identity, id) : NULL;
}

static bool is_inet(const struct sw_socket *socket)
{
	return socket && socket->kind == SW_OBJECT_SOCKET && (socket->domain == AF_INET || socket->domain == AF_INET6);
}

static bool is_tcp(const struct sw_socket *socket)
{
	return is_inet(socket) && socket->type == SOCK_STREAM;
}

/* TCP_INFO, or what a datagram socket has dropped. */
static bool has_more_to_say(const struct sw_socket *socket)
{
	return is_inet(socket) && (socket->type == SOCK_STREAM || socket->type == SOCK_DGRAM);
}

void sw_engine_counters(struct sw_engine_state *engine, pid_t pid, const char *when)
{
	int64_t now = sw_clock_monotonic();

	bool whenever = !strcmp(when, "symptom") || (!strcmp(when, "end") && pid != engine->launch.pid);

	if (!engine->probe || (whenever && engine->counters_at && now - engine->counters_at < COUNTERS_EVERY_NS))
		return;
	engine->counters_at = now;
	sw_probe_counters(engine->probe, pid, when);
}

static bool refresh(struct sw_engine_state *engine, const struct sw_call *call, int fd, uint32_t id,
		    enum sw_identity_detail detail)
{
	return id && sw_identity_refresh(engine->identity, (pid_t)call->pid, (pid_t)call->tid, fd, id, detail);
}

void sw_engine_last_words(struct sw_engine_state *engine, const struct sw_call *call, uint32_t id, int fd)
{
	refresh(engine, call, fd, id, SW_DETAIL_TCP_INFO);
	if (sw_identity_connecting(engine->identity, id))
		sw_probe_hanging(engine->probe, call, object(engine, id));
}

/* ---- before a call ---------------------------------------------------------------------------------------------- */

void sw_engine_before(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	const struct sw_call *call = &tracee->call;
	const struct sw_socket *socket = object(engine, call->socket);

	if (socket && socket->domain < 0 && socket->kind == SW_OBJECT_SOCKET && call->sys != SW_SYS_CLOSE)
		refresh(engine, call, call->fd, call->socket, SW_DETAIL_ADDRESSES); /* came from elsewhere */
	sw_engine_capture(engine, tracee);
	socket = object(engine, call->socket);
	if (is_inet(socket))
		tracee->process->sockets = true;
	if (engine->origins)
		sw_origins_call(engine->origins, call);
	/* What TCP still owes, and what a datagram socket has dropped, cannot be asked after the close. */
	if (call->sys == SW_SYS_CLOSE && engine->probe &&
	    ((is_tcp(socket) && socket->remote.present) || (is_inet(socket) && socket->type == SOCK_DGRAM)))
		sw_engine_last_words(engine, call, call->socket, call->fd);
	sw_engine_place(engine, tracee, call->socket, call->fd);
}

/* ---- after a call ----------------------------------------------------------------------------------------------- */

static void every_stop_set(struct sw_engine_state *engine, struct sw_tracee *tracee, bool all_threads)
{
	struct sw_tracee *other, *next;

	tracee->every_stop = true;
	/* The others run on until their next stop: interrupting them would show. */
	HASH_ITER (hh, engine->tracees.threads, other, next)
		if (all_threads && other->process == tracee->process)
			other->every_stop = true;
}

/* The program's own filter outranks ours, and calls that it answers make no stop. */
static void own_filter(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	const struct sw_call *call = &tracee->call;
	bool is_prctl = call->sys == SW_SYS_PRCTL;

	if (call->result < 0)
		return;
	if (is_prctl ? call->request == PR_SET_SECCOMP :
		       call->request == SECCOMP_SET_MODE_FILTER || call->request == SECCOMP_SET_MODE_STRICT)
		every_stop_set(engine, tracee, !is_prctl && (call->option & SECCOMP_FILTER_FLAG_TSYNC));
}

static void uring_noticed(struct sw_engine_state *engine, const struct sw_call *call)
{
	if (call->result < 0 || engine->uring_said)
		return;
	engine->uring_said = true;
	sw_engine_limit(engine,
			"the program uses io_uring: what it does with sockets that way is invisible to this tracer",
			"no verdict rests on calls that are not there");
}

static bool names_socket(const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_BIND:
	case SW_SYS_LISTEN: return call->result == 0;
	case SW_SYS_CONNECT: return true;
	case SW_SYS_SENDTO:
	case SW_SYS_SENDMSG:
	case SW_SYS_SENDMMSG: return call->result >= 0;
	default: return false;
	}
}

/* The kernel is asked where a call gave or took an address; a datagram socket gets its port at the first send. */
static void addresses(struct sw_engine_state *engine, const struct sw_call *call)
{
	const struct sw_socket *socket = object(engine, call->socket);

	if ((call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4) && is_inet(object(engine, call->socket2)))
		refresh(engine, call, call->fd2, call->socket2, SW_DETAIL_ADDRESSES);
	if (!is_inet(socket) || !names_socket(call))
		return;
	if (engine->probe && call->sys != SW_SYS_BIND && call->sys != SW_SYS_LISTEN)
		sw_probe_resolver(engine->probe, call, socket);
	if (call->sys == SW_SYS_BIND || call->sys == SW_SYS_LISTEN || call->sys == SW_SYS_CONNECT ||
	    !socket->local.endpoint.port)
		refresh(engine, call, call->fd, call->socket, SW_DETAIL_ADDRESSES);
}

static void learn(struct sw_engine_state *engine, const struct sw_call *call)
{
	switch (sw_sys_class(call->sys)) {
	case SW_SYS_CLASS_MAKE:
	case SW_SYS_CLASS_NAME:
	case SW_SYS_CLASS_DUP:
		if (call->socket)
			sw_identity_learn(engine->identity, call->socket, call);
		if (call->socket2 && call->socket2 != call->socket && call->sys != SW_SYS_EPOLL_CTL)
			sw_identity_learn(engine->identity, call->socket2, call);
		break;
	default: break;
	}
}

/* ---- failures --------------------------------------------------------------------------------------------------- */

static bool is_patience(int error) /* not an answer yet */
{
	return error == EAGAIN || error == EINPROGRESS || error == EALREADY || error == EINTR;
}

static bool can_fail(const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_CONNECT:
	case SW_SYS_BIND:
	case SW_SYS_LISTEN: return true;
	case SW_SYS_CLOSE:
	case SW_SYS_CLOSE_RANGE:
	case SW_SYS_SHUTDOWN: /* ENOTCONN: tidying up */ return false;
	default: return sw_sys_class(call->sys) == SW_SYS_CLASS_MAKE || sw_sys_class(call->sys) == SW_SYS_CLASS_MOVE;
	}
}

static bool is_failure(const struct sw_call *call)
{
	bool reported = call->sys == SW_SYS_GETSOCKOPT && call->level == SOL_SOCKET && call->option == SO_ERROR;

	if (reported)
		return call->result == 0 && call->value != 0;
	if (call->result >= 0 || !can_fail(call))
		return false;
	if (call->error == EISCONN)
		return false;
	/* From a blocking socket that is the end of SO_RCVTIMEO or SO_SNDTIMEO. */
	if (call->error == EAGAIN || call->error == EINPROGRESS)
		return !(call->flags & (SW_CALL_NONBLOCKING | SW_CALL_ERRQUEUE));
	return !is_patience(call->error);
}

static void failure(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	struct sw_call *call = &tracee->call;

	if (call->fd >= 0 && (call->error == EBADF || call->error == ENOTSOCK))
		call->socket = sw_identity_verify(engine->identity, (pid_t)call->pid, (pid_t)call->tid, call->fd);
	const struct sw_socket *socket = object(engine, call->socket);
	if (is_inet(socket))
		refresh(engine, call, call->fd, call->socket,
			has_more_to_say(socket) ? SW_DETAIL_TCP_INFO : SW_DETAIL_ADDRESSES);
	if (engine->probe)
		sw_probe_failure(engine->probe, call, object(engine, call->socket));
	if (is_inet(socket))
		sw_engine_counters(engine, (pid_t)call->pid, "symptom");
	if (!engine->stacks)
		return;
	call->stack_count = sw_stacks_take(engine->stacks, (pid_t)call->pid, (pid_t)call->tid, tracee->at.ip,
					   call->error ? call->error : (int)call->value, engine->scratch.frames);
	call->stack = engine->scratch.frames;
}

void sw_engine_after(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	struct sw_call *call = &tracee->call;

	learn(engine, call);
	switch (call->sys) {
	case SW_SYS_SECCOMP:
	case SW_SYS_PRCTL: own_filter(engine, tracee); break;
	case SW_SYS_SETNS:
	case SW_SYS_UNSHARE:
		tracee->netns_asked = false;
		if (call->sys == SW_SYS_UNSHARE && call->result == 0 && (call->request & 0x400)) /* CLONE_FILES */
			sw_identity_unshared(engine->identity, (pid_t)call->pid);
		break;
	case SW_SYS_IO_URING_SETUP:
	case SW_SYS_IO_URING_REGISTER: uring_noticed(engine, call); break;
	default:
		if (is_failure(call))
			failure(engine, tracee);
		else
			addresses(engine, call);
		break;
	}
}
