/* Calls of a log on their way out: decoded, entered at once, held back until the next line bounds their exit.
 *
 * strace prints the line of a call after it, and does nothing between: so the stamp of the log's next line, whoever's, is the
 * upper bound of the call's exit, and its stamp plus -T the lower one. */
#include <errno.h>
#include <string.h>

#include "src/base/names.h"
#include "tracer/strace/strace_calls.h"

int64_t strace_when(const struct sw_strace_log *log)
{
	const struct sw_strace *strace = log->strace;
	int64_t drifted_ns = strace->drift ? (log->now_ns - strace->since_ns) / SW_NS_PER_MS * strace->drift / 1000 : 0;

	return log->now_ns + strace->offset_ns + drifted_ns;
}

/* ---- results -------------------------------------------------------------------------------------------------- */

static int32_t error_of(struct span result)
{
	struct span name = span_after(result, "-1 ");
	char text[24];
	size_t length = 0;
	int64_t number;

	while (name.at < name.end && length < sizeof text - 1 &&
	       ((*name.at >= 'A' && *name.at <= 'Z') || (*name.at >= '0' && *name.at <= '9')))
		text[length++] = *name.at++;
	text[length] = '\0';
	if (length && text[0] == 'E')
		return sw_errno_number(text);
	return scan_number(span_after(result, "errno "), &number) ? (int32_t)number : 0;
}

static void take_result(struct decode *decode)
{
	struct sw_call *call = decode->call;
	struct span note;
	int32_t fd;

	decode->ended = !span_empty(decode->result) && *decode->result.at != '?' &&
			scan_number(decode->result, &call->result);
	if (!decode->ended)
		return;
	if (SPAN_STARTS(decode->result, "-1"))
		call->error = error_of(decode->result);
	if (!span_empty(span_after(decode->result, "(INJECTED)")))
		call->flags |= SW_CALL_INJECTED;
	if (scan_fd(decode->result, &fd, &note))
		decode->result_note = note;
}

static bool is_restart(struct span result)
{
	return SPAN_STARTS(result, "? ERESTART");
}

/* ---- exits ---------------------------------------------------------------------------------------------------- */

static bool may_block(const struct sw_call *call)
{
	enum sw_sys_class class = sw_sys_class(call->sys);

	/* From a socket that blocks EAGAIN says that its own time-out is over. */
	if (call->flags & SW_CALL_NONBLOCKING)
		return class == SW_SYS_CLASS_WAIT;
	return class == SW_SYS_CLASS_WAIT || class == SW_SYS_CLASS_MOVE || call->sys == SW_SYS_CONNECT ||
	       call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4;
}

/* Without -T nothing tells the call from the computing behind it: only a call that can block is given the time. */
static int64_t exit_of(const struct sw_call *call, int64_t duration_ns, int64_t bound_ns)
{
	int64_t exit_ns = bound_ns;

	if (duration_ns >= 0)
		exit_ns = call->enter_ns + duration_ns;
	else if (!may_block(call) || call->timeout_ns == 0)
		exit_ns = call->enter_ns;
	else if (sw_sys_class(call->sys) == SW_SYS_CLASS_WAIT && call->result == 0 && call->timeout_ns > 0)
		exit_ns = call->enter_ns + call->timeout_ns;
	return exit_ns > bound_ns && duration_ns < 0 ? bound_ns : exit_ns;
}

void strace_flush_held(struct sw_strace_log *log, int64_t next_ns)
{
	int64_t bound_ns = next_ns;
	const struct sw_trace_sink *sink = log->strace->sink;
	struct sw_call *call = &log->held;

	if (!log->holds)
		return;
	log->holds = false;
	if (call->exit_bound_ns != SW_TIME_NONE && call->exit_bound_ns < bound_ns)
		bound_ns = call->exit_bound_ns;
	call->exit_ns = exit_of(call, log->held_duration_ns, bound_ns > call->enter_ns ? bound_ns : call->enter_ns);
	/* The next line's stamp is cut off at its last digit; whole seconds are put right where they are read. */
	if (log->summary.resolution_ns < SW_NS_PER_S || log->strace->raw)
		bound_ns += log->summary.resolution_ns ? log->summary.resolution_ns - 1 : 0;
	call->exit_bound_ns = bound_ns > call->exit_ns ? bound_ns : call->exit_ns;
	call->stack_count = call->error ? (uint32_t)log->frames.count : 0;
	call->stack = call->stack_count ? log->frames.items : NULL;
	if (sink->leave)
		sink->leave(sink->context, call);
}

static void hold(struct sw_strace_log *log, const struct sw_call *call, int64_t duration_ns, int64_t bound_ns)
{
	log->held = *call;
	log->held.exit_bound_ns = bound_ns;
	log->holds = true;
	log->held_duration_ns = duration_ns;
	log->frames.count = 0;
}

static void say_enter(struct sw_strace_log *log, const struct sw_call *call)
{
	const struct sw_trace_sink *sink = log->strace->sink;
	struct sw_call entry;

	while (log->entry_waits.count < call->wait_count)
		SW_ARRAY_ADD(&log->entry_waits);
	sw_call_entry(call, &entry, log->entry_waits.items);
	log->summary.calls++;
	if (sink->enter)
		sink->enter(sink->context, &entry);
}

/* ---- from text to a record ------------------------------------------------------------------------------------ */

static void split(struct decode *decode, struct span arguments)
{
	while (decode->argument_count < ARGUMENTS_MAX &&
	       scan_element(&arguments, &decode->arguments[decode->argument_count]))
		decode->argument_count++;
}

/* `whole`: the line that was split already; NULL: `arguments` were put together. */
static void decode_call(struct sw_strace_log *log, struct thread *thread, struct decode *decode, struct sw_call *call,
			const struct line *whole, struct span arguments, struct span result)
{
	decoder *decode_arguments = strace_decoder(call->sys);

	call->pid = thread->pid;
	call->tid = thread->tid;
	call->fd = call->fd2 = -1;
	call->bytes = -1;
	call->timeout_ns = SW_TIMEOUT_NONE;
	call->exit_ns = call->exit_bound_ns = SW_TIME_NONE;
	*decode = (struct decode){.strace = log->strace,
				  .log = log,
				  .thread = thread,
				  .call = call,
				  .now_ns = strace_when(log),
				  .result = result};
	take_result(decode);
	if (whole) {
		decode->argument_count = whole->part_count;
		memcpy(decode->arguments, whole->parts, sizeof decode->arguments);
	} else {
		split(decode, arguments);
	}
	if (decode_arguments)
		decode_arguments(decode);
	call->pid = thread->pid;
}

void strace_call_complete(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line)
{
	struct sw_call call = {.sys = sys, .enter_ns = strace_when(log)};
	struct decode decode;

	decode_call(log, thread, &decode, &call, line, line->arguments, line->result);
	if (!decode.wanted)
		return;
	call.id = ++log->strace->last_call;
	say_enter(log, &call);
	if (decode.ended) {
		hold(log, &call, line->duration_ns, SW_TIME_NONE);
	} else if (is_restart(line->result)) {
		thread->pending = PENDING_RESTART;
		thread->sys = sys;
		thread->call_id = call.id;
		thread->call_fd = call.fd;
		thread->enter_ns = call.enter_ns;
		thread->interrupted_ns = line->duration_ns >= 0 ? call.enter_ns + line->duration_ns : call.enter_ns;
		text_set(&thread->arguments, line->arguments);
	}
}

void strace_call_begin(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line)
{
	struct sw_call call = {.sys = sys, .enter_ns = strace_when(log)};
	struct decode decode;

	thread->pending = PENDING_UNFINISHED;
	thread->sys = sys;
	thread->call_id = 0;
	thread->enter_ns = call.enter_ns;
	text_set(&thread->name, line->name);
	text_set(&thread->arguments, line->arguments);
	if (sys == SW_SYS_NONE)
		return;
	decode_call(log, thread, &decode, &call, NULL, line->arguments, (struct span){"", ""});
	/* A call that concerns only what it will return, or nothing that is known yet, is entered when it returns. */
	if (!decode.wanted)
		return;
	call.id = thread->call_id = ++log->strace->last_call;
	say_enter(log, &call);
}

/* The joined text of a call that ends now. `first_id`: it was entered already. */
static void end_joined(struct sw_strace_log *log, struct thread *thread, const struct line *line, uint32_t flags,
		       int64_t duration_ns)
{
	struct sw_call call = {.sys = thread->sys, .enter_ns = thread->enter_ns};
	struct decode decode;

	decode_call(log, thread, &decode, &call, NULL, text_span(&thread->arguments), line->result);
	call.id = thread->call_id;
	call.flags |= flags;
	if (!decode.wanted && !call.id)
		return;
	if (!call.id) {
		call.id = ++log->strace->last_call;
		say_enter(log, &call);
	}
	if (decode.ended)
		hold(log, &call, duration_ns, strace_when(log));
}

void strace_call_resume(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	text_add(&thread->arguments, line->arguments);
	if (is_restart(line->result)) {
		thread->pending = thread->call_id ? PENDING_RESTART : PENDING_NONE;
		thread->interrupted_ns = strace_when(log);
		return;
	}
	thread->pending = PENDING_NONE;
	if (thread->sys != SW_SYS_NONE)
		end_joined(log, thread, line, 0, line->duration_ns);
}

/* The program was told EINTR: what it does next is not the same call. */
void strace_call_interrupted(struct sw_strace_log *log, struct thread *thread)
{
	struct sw_strace *strace = log->strace;
	struct sw_call call = {.sys = thread->sys, .enter_ns = thread->enter_ns};
	struct decode decode;

	thread->pending = PENDING_NONE;
	decode_call(log, thread, &decode, &call, NULL, text_span(&thread->arguments), SPAN("-1 EINTR"));
	call.id = thread->call_id;
	call.exit_ns = call.exit_bound_ns = thread->interrupted_ns;
	if (decode.ended && strace->sink->leave)
		strace->sink->leave(strace->sink->context, &call);
}

bool strace_call_restarts(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line)
{
	struct span descriptor = line->arguments, element, note;
	int32_t fd = -1;

	if (sys != SW_SYS_RESTART_SYSCALL && sys != thread->sys)
		return false;
	if (sys == thread->sys && thread->call_fd >= 0 &&
	    (!scan_element(&descriptor, &element) || !scan_fd(element, &fd, &note) || fd != thread->call_fd))
		return false;
	if (sys == thread->sys)
		text_set(&thread->arguments, line->arguments);
	if (is_restart(line->result))
		return true;
	if (line->kind == LINE_UNFINISHED) {
		thread->pending = PENDING_UNFINISHED;
		return true;
	}
	thread->pending = PENDING_NONE;
	end_joined(log, thread, line, SW_CALL_RESTARTED,
		   line->duration_ns >= 0 ? strace_when(log) + line->duration_ns - thread->enter_ns : -1);
	/* It ends behind its own line's stamp, not before. */
	log->held.exit_bound_ns = SW_TIME_NONE;
	return true;
}
