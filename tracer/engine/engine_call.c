/* Calls: from the entry stop to the record, over the exit stop and over restarts.
 *
 * A call that means nothing to us has one stop, a recorded one two. A call that the kernel answered with ERESTART* is held back: when the
 * thread comes in with the same call again it goes on as one call, else it was EINTR for the program. */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"
#include "tracer/engine/filter.h"

#define ERESTART_FIRST                                                                                                 \
	512 /* ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK: never seen by programs */
#define ERESTART_LAST 516
#define HANGING_AFTER_NS SW_NS_PER_MS

/* ---- connects that block ---------------------------------------------------------------------------------------- */

static void hanging_add(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	tracee->hanging = true;
	tracee->hanging_at = sw_clock_monotonic() + HANGING_AFTER_NS;
	tracee->hanging_next = NULL;
	tracee->hanging_previous = engine->hanging_last;
	*(engine->hanging_last ? &engine->hanging_last->hanging_next : &engine->hanging_first) = tracee;
	engine->hanging_last = tracee;
}

void sw_engine_hanging_remove(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	if (!tracee->hanging)
		return;
	tracee->hanging = false;
	*(tracee->hanging_previous ? &tracee->hanging_previous->hanging_next : &engine->hanging_first) =
		tracee->hanging_next;
	*(tracee->hanging_next ? &tracee->hanging_next->hanging_previous : &engine->hanging_last) =
		tracee->hanging_previous;
}

/* Its local address exists only while it hangs: after a failure the port alone is left. */
void sw_engine_hanging(struct sw_engine_state *engine)
{
	struct sw_tracee *tracee = engine->hanging_first;
	const struct sw_call *call = &tracee->call;

	sw_engine_hanging_remove(engine, tracee);
	sw_identity_refresh(engine->identity, (pid_t)call->pid, (pid_t)call->tid, call->fd, call->socket,
			    SW_DETAIL_ADDRESSES);
	if (engine->probe)
		sw_probe_hanging(engine->probe, call, sw_identity_socket(engine->identity, call->socket));
}

static bool may_hang(const struct sw_engine_state *engine, const struct sw_call *call)
{
	const struct sw_socket *socket = call->socket ? sw_identity_socket(engine->identity, call->socket) : NULL;

	return call->sys == SW_SYS_CONNECT && !(call->flags & SW_CALL_NONBLOCKING) && socket &&
	       (socket->domain == AF_INET || socket->domain == AF_INET6);
}

/* ---- delivery --------------------------------------------------------------------------------------------------- */

static void leave_say(struct sw_engine_state *engine, const struct sw_call *call)
{
	if (engine->sink->leave)
		engine->sink->leave(engine->sink->context, call);
}

static void arrays_drop(struct sw_call *call)
{
	call->wait_count = call->message_count = call->stack_count = call->data_count = 0;
	call->waits = NULL;
	call->messages = NULL;
	call->stack = NULL;
	call->data = NULL;
}

static void waiting_drop(struct sw_tracee *tracee)
{
	tracee->interrupted = false;
	free(tracee->waiting_waits);
	tracee->waiting_waits = NULL;
}

/* What a call that gave no answer was waiting for; the set is still in the program's memory, or was remembered. */
static void waits_again(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	tracee->call.result = -1;
	if (sw_sys_class(tracee->at.sys) == SW_SYS_CLASS_WAIT)
		sw_decode_leave(engine->decoder, tracee);
}

/* The interrupted call was EINTR for the program: it went on with something else. */
static void waiting_end(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	if (!tracee->interrupted)
		return;
	tracee->waiting.result = -1;
	tracee->waiting.error = EINTR;
	leave_say(engine, &tracee->waiting);
	waiting_drop(tracee);
}

void sw_engine_calls_end(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	sw_engine_hanging_remove(engine, tracee);
	waiting_end(engine, tracee);
	if (!tracee->inside || !tracee->recorded)
		return;
	tracee->inside = tracee->recorded = false;
	waits_again(engine, tracee);
	tracee->call.flags |= SW_CALL_UNFINISHED;
	tracee->call.exit_ns = tracee->call.exit_bound_ns = SW_TIME_NONE;
	leave_say(engine, &tracee->call);
}

/* ---- entry ------------------------------------------------------------------------------------------------------ */

static bool is_restart(const struct sw_tracee *tracee)
{
	const struct sw_entry *now = &tracee->at, *then = &tracee->waiting_at;

	if (!tracee->interrupted)
		return false;
	if (now->sys == SW_SYS_RESTART_SYSCALL)
		return true;
	return now->number == then->number && now->abi == then->abi && now->ip == then->ip && now->sp == then->sp &&
	       !memcmp(now->raw, then->raw, sizeof now->raw);
}

static void go_on(struct sw_tracee *tracee)
{
	tracee->at = tracee->waiting_at;
	tracee->call = tracee->waiting;
	tracee->call.flags |= SW_CALL_RESTARTED;
	arrays_drop(&tracee->call);
	waiting_drop(tracee);
	tracee->recorded = true;
}

static void enter_say(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	struct sw_call *call = &tracee->call;

	waiting_end(engine, tracee);
	call->id = ++engine->call_ids;
	call->flags |= engine->before_us ? SW_CALL_STARTED_BEFORE : 0;
	tracee->recorded = true;
	sw_engine_before(engine, tracee);
	call->enter_ns = sw_clock_realtime();
	if (engine->sink->enter)
		engine->sink->enter(engine->sink->context, call);
	arrays_drop(call);
	if (may_hang(engine, call))
		hanging_add(engine, tracee);
}

static void entry_from(struct sw_tracee *tracee, const struct ptrace_syscall_info *info,
		       const struct sw_number *meaning, enum sw_abi abi)
{
	struct sw_entry *at = &tracee->at;

	at->sys = meaning->sys;
	at->wide_time = meaning->wide_time;
	at->abi = abi;
	at->number = info->entry.nr;
	at->ip = info->instruction_pointer;
	at->sp = info->stack_pointer;
	for (int i = 0; i < 6; i++)
		at->raw[i] = at->args[i] = info->entry.args[i];
}

static bool is_word_said(const struct sw_entry *at)
{
	return (int)at->args[0] == STDERR_FILENO && (at->sys == SW_SYS_WRITE || at->sys == SW_SYS_WRITEV);
}

/* The entry's number and arguments stand at the same place in both forms of the answer. */
static void entry(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct ptrace_syscall_info *info)
{
	enum sw_abi abi;
	struct sw_number meaning = sw_number_of(info->arch, info->entry.nr, &abi);

	tracee->inside = true;
	tracee->recorded = false;
	if (engine->letting_go)
		return; /* its end will not be seen */
	entry_from(tracee, info, &meaning, abi);
	tracee->restarts = false;
	if (meaning.engine_call != SW_ENGINE_CALL_NONE) {
		/* Who was attached to has no filter of ours: children that nobody traces are no harm. */
		if (!engine->attach)
			sw_engine_clone_enter(engine, tracee, meaning.engine_call == SW_ENGINE_CALL_CLONE3);
		return;
	}
	if (engine->rest || meaning.sys == SW_SYS_NONE ||
	    (meaning.sys == SW_SYS_SOCKETCALL && !sw_decode_socketcall(tracee)))
		return;
	if (is_restart(tracee)) {
		go_on(tracee);
		return;
	}
	if (is_word_said(&tracee->at))
		sw_engine_said(engine, tracee);
	if (meaning.sys != SW_SYS_RESTART_SYSCALL && sw_decode_enter(engine->decoder, tracee))
		enter_say(engine, tracee);
}

/* ---- exit ------------------------------------------------------------------------------------------------------- */

static void interrupted(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t now)
{
	waits_again(engine, tracee);
	if (tracee->call.wait_count) {
		size_t length = tracee->call.wait_count * sizeof *tracee->call.waits;
		tracee->waiting_waits = memcpy(sw_alloc(length), tracee->call.waits, length);
		tracee->call.waits = tracee->waiting_waits;
	}
	tracee->waiting = tracee->call;
	tracee->waiting_at = tracee->at;
	tracee->waiting.exit_ns = tracee->waiting.exit_bound_ns = now;
	tracee->interrupted = true;
}

static void leave(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t value, bool is_error, int64_t now)
{
	struct sw_call *call = &tracee->call;

	sw_engine_hanging_remove(engine, tracee);
	if (is_error && value <= -ERESTART_FIRST && value >= -ERESTART_LAST) {
		interrupted(engine, tracee, now);
		return;
	}
	call->exit_ns = call->exit_bound_ns = now;
	call->result = is_error ? -1 : value;
	call->error = is_error ? (int32_t)-value : 0;
	/* Where the filter stands, an allowed call has stopped for it; who was answered without was answered by another filter. */
	if (tracee->every_stop && !tracee->filtered && !engine->unfiltered)
		call->flags |= SW_CALL_INJECTED;
	sw_decode_leave(engine->decoder, tracee);
	sw_engine_after(engine, tracee);
	leave_say(engine, call);
	arrays_drop(call);
}

void sw_engine_call_found(struct sw_engine_state *engine, struct sw_tracee *tracee,
			  const struct ptrace_syscall_info *info)
{
	engine->before_us = true;
	entry(engine, tracee, info);
	engine->before_us = false;
}

void sw_engine_call_lost(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t now)
{
	if (tracee->inside && tracee->recorded) {
		tracee->call.flags |= SW_CALL_BY_TOOL;
		leave(engine, tracee, -EINTR, true, now);
	}
	tracee->inside = tracee->recorded = false;
}

void sw_engine_call_resume(struct sw_engine_state *engine, struct sw_tracee *tracee,
			   const struct ptrace_syscall_info *info, int64_t value, int64_t now)
{
	sw_engine_call_found(engine, tracee, info);
	if (tracee->recorded) {
		tracee->call.flags |= value == -EINTR ? SW_CALL_BY_TOOL : 0;
		leave(engine, tracee, value, true, now);
	}
	tracee->inside = tracee->recorded = false;
}

/* ---- stops ------------------------------------------------------------------------------------------------------ */

static bool ask(const struct sw_tracee *tracee, struct ptrace_syscall_info *info)
{
	return ptrace(PTRACE_GET_SYSCALL_INFO, tracee->tid, (void *)sizeof *info, info) > 0;
}

void sw_engine_filter_stop(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	struct ptrace_syscall_info info;

	(void)event;
	if (tracee->every_stop && tracee->inside) {
		tracee->filtered = true; /* its entry was seen already */
	} else if (ask(tracee, &info) && info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
		tracee->filtered = true;
		entry(engine, tracee, &info);
	}
	sw_engine_release(engine, tracee, 0);
}

void sw_engine_syscall_stop(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	struct ptrace_syscall_info info;

	if (!ask(tracee, &info)) {
		sw_engine_release(engine, tracee, 0);
		return;
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		tracee->filtered = false;
		entry(engine, tracee, &info);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		if (tracee->untraced)
			sw_engine_clone_leave(engine, tracee);
		if (tracee->inside && tracee->recorded)
			leave(engine, tracee, info.exit.rval, info.exit.is_error, event->time_ns);
		tracee->inside = tracee->recorded = false;
	}
	sw_engine_release(engine, tracee, 0);
}
