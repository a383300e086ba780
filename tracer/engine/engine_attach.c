/* Following processes that run already, and leaving them as they were. See sw_engine_attach() in engine.h.
 *
 * One thread traces and nothing else. It lets go by ending (engine_leave.c): the kernel then detaches from every thread without
 * interrupting any, and a stopped one stays stopped. No filter (it could not be removed again), no EXITKILL.
 *
 * Arriving: every thread is seized (which does not stop it) until a look finds no new one; the sockets are said; then each is
 * interrupted once (engine_arrive.c), since only a thread that has stopped can be told to stop at its calls. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/attach.h"
#include "tracer/engine/engine_attach.h"
#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

struct tracing { /* what the tracing thread is handed */
	struct sw_engine_state *engine;
	struct sw_pids processes;
	struct sw_err *err;
	int failed;
};

static unsigned long trace_options(const struct sw_engine_attach *attach)
{
	unsigned long children = attach->only ? 0 : PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;

	return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | children;
}

/* ---- seizing ---------------------------------------------------------------------------------------------------- */

static bool is_named(const struct sw_engine_state *engine, pid_t pid)
{
	for (size_t i = 0; i < engine->attach->count; i++)
		if (engine->attach->pids[i] == pid)
			return true;
	return false;
}

static void child_refused(struct sw_engine_state *engine, const struct sw_err *why)
{
	char text[sizeof why->text + 32];

	snprintf(text, sizeof text, "a child is not followed: %s", why->text);
	sw_engine_limit(engine, text, "its calls are missing");
}

static void arrival_expected(struct sw_engine_state *engine, pid_t pid, pid_t tid)
{
	struct sw_tracee *tracee = sw_tracee_add(&engine->tracees, tid, pid);

	tracee->arriving = tracee->every_stop = true;
	tracee->process->arriving++;
	tracee->process->is_command = pid == engine->launch.pid;
}

/* 1 when a thread was found that was not there before, 0 none, negative: not allowed. */
static int seize_process(struct sw_engine_state *engine, pid_t pid, struct sw_err *err)
{
	struct sw_pids tids = {0};
	int found = 0;

	sw_attach_threads(pid, &tids);
	for (size_t i = 0; i < tids.count && found >= 0; i++) {
		if (sw_tracee_find(&engine->tracees, tids.items[i]))
			continue;
		int failed = sw_attach_seize(pid, tids.items[i], trace_options(engine->attach), err);
		if (!failed)
			arrival_expected(engine, pid, tids.items[i]);
		if (!failed)
			found = 1;
		else if (failed != -ESRCH && failed != -EALREADY)
			found = failed;
	}
	sw_pids_release(&tids);
	return found;
}

/* Threads and children may be born while we look: those of seized threads are ours from birth, others show at the next look. */
static int seize_all(struct tracing *tracing)
{
	struct sw_engine_state *engine = tracing->engine;
	struct sw_pids *processes = &tracing->processes;
	struct sw_pids refused = {0};
	bool more = true;
	int failed = 0;

	while (more && !failed) {
		more = false;
		if (!engine->attach->only)
			sw_attach_descendants(processes, engine->attach->tool);
		for (size_t i = 0; i < processes->count && !failed; i++) {
			struct sw_err why = {0};
			pid_t pid = processes->items[i];
			int found = sw_pids_has(&refused, pid) ? 0 : seize_process(engine, pid, &why);
			more |= found > 0;
			if (found < 0 && is_named(engine, pid))
				failed = sw_err_set(tracing->err, found, "%s", why.text);
			else if (found < 0 && sw_pids_add(&refused, pid))
				child_refused(engine, &why);
		}
	}
	sw_pids_release(&refused);
	if (!failed && !engine->tracees.count)
		failed = sw_err_set(tracing->err, -ESRCH, "process %d ended before it could be attached to",
				    (int)engine->launch.pid);
	return failed;
}

/* ---- what is there ---------------------------------------------------------------------------------------------- */

void sw_engine_attach_said(struct sw_engine_state *engine)
{
	struct sw_tracee_process *process, *next;
	int64_t now = sw_clock_realtime();

	for (process = engine->tracees.processes; process; process = next) {
		next = process->hh.next;
		struct sw_tracee leader = {.tid = process->pid, .process = process};
		char status[4096], path[SW_PROC_PATH];
		uint64_t parent = 0;
		snprintf(path, sizeof path, "/proc/%d/status", (int)process->pid);
		if (sw_proc_read(path, status, sizeof status) > 0 && sw_proc_field(status, "PPid", 10, &parent))
			process->parent = (pid_t)parent;
		if (!process->begun)
			sw_engine_said_process(engine, SW_PROCESS_BEGIN, &leader, now, -1, 0);
		process->begun = true;
		sw_engine_attach_sockets(engine, process, false);
	}
}

/* ---- timers ----------------------------------------------------------------------------------------------------- */

static void wake_next(struct sw_engine_state *engine, int64_t now)
{
	int64_t next = engine->budget_at < engine->ends_at ? engine->budget_at : engine->ends_at;
	int64_t look = engine->patients ? now + sw_engine_arrivals_pace(engine, now) : INT64_MAX;

	engine->wake_at = look < next ? look : next;
}

void sw_engine_alarm(struct sw_engine_state *engine)
{
	int64_t now = sw_clock_monotonic();

	if (now >= engine->ends_at)
		engine->stopping = true;
	if (engine->patients)
		sw_engine_arrivals_look(engine, now);
	if (now >= engine->budget_at && sw_engine_budget_spent(engine))
		engine->calls_gone = true;
	wake_next(engine, now);
}

/* ---- the tracing thread ----------------------------------------------------------------------------------------- */

static void calls_end(struct sw_engine_state *engine)
{
	struct sw_tracee *tracee, *next;

	HASH_ITER (hh, engine->tracees.threads, tracee, next)
		sw_engine_calls_end(engine, tracee);
}

static void *trace(void *argument)
{
	struct tracing *tracing = argument;
	struct sw_engine_state *engine = tracing->engine;

	tracing->failed = seize_all(tracing);
	if (tracing->failed)
		return NULL;
	sw_engine_attach_said(engine);
	sw_engine_rank_begin(&engine->rank);
	sw_engine_arrivals_begin(engine);
	sw_engine_budget_begin(engine);
	wake_next(engine, sw_clock_monotonic());
	sw_engine_loop(engine);
	sw_engine_leave(engine);
	sw_engine_rank_end(&engine->rank);
	calls_end(engine);
	return NULL;
}

static int trace_calls(struct tracing *tracing)
{
	struct sw_engine_state *engine = tracing->engine;
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, trace, tracing);

	if (failed)
		return sw_err_set(tracing->err, -failed, "cannot start the tracing thread: %s", strerror(failed));
	pthread_join(thread, NULL);
	if (!tracing->failed)
		sw_engine_calls_ended(engine); /* what is open then was open then, however long the recorder goes on */
	if (engine->calls_gone) {
		char text[160];
		snprintf(
			text, sizeof text,
			"following the calls stopped a thread for more than %u %% of its time (--budget): they were let go",
			engine->attach->budget);
		sw_engine_limit(engine, text,
				"from then on packets and what the kernel says of the sockets are all there is");
	}
	return tracing->failed;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

static void begin(struct tracing *tracing)
{
	struct sw_engine_state *engine = tracing->engine;
	const struct sw_engine_attach *attach = engine->attach;

	for (size_t i = 0; i < attach->count; i++)
		sw_pids_add(&tracing->processes, attach->pids[i]);
	if (!attach->only)
		sw_attach_descendants(&tracing->processes, attach->tool);
	/* Before the first call is seen: whatever is missing from then on was not there. */
	for (size_t i = 0; i < tracing->processes.count; i++)
		sw_engine_capture_process(engine, tracing->processes.items[i]);
}

static int follow(struct tracing *tracing)
{
	struct sw_engine_state *engine = tracing->engine;
	const struct sw_engine_attach *attach = engine->attach;
	int failed = 0;

	begin(tracing);
	if (!attach->no_calls)
		failed = trace_calls(tracing);
	if (!failed && !engine->stopping && (attach->no_calls || engine->calls_gone))
		sw_engine_watch(engine, &tracing->processes);
	sw_pids_release(&tracing->processes);
	return failed;
}

/* Whether or not it was started with them ignored. */
static void told_to_end(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

int sw_engine_attach(const struct sw_engine_options *options, const struct sw_engine_attach *attach,
		     const struct sw_trace_sink *sink, struct sw_err *err)
{
	struct sw_engine_state *engine = sw_alloc(sizeof *engine);
	struct tracing tracing = {.engine = engine, .err = err};
	sigset_t before;

	engine->options = options;
	engine->attach = attach;
	engine->sink = sink;
	engine->unfiltered = engine->command_started = true;
	engine->launch.pid = attach->pids[0];
	engine->wake_at = INT64_MAX;
	engine->ends_at = attach->duration_ns ? sw_clock_monotonic() + attach->duration_ns : INT64_MAX;
	told_to_end();
	sw_engine_signals_block(engine, &before);
	sw_engine_prepare(engine);
	sw_engine_control_init(engine);
	int failed = follow(&tracing);
	sw_engine_names(engine);
	sw_engine_control_end(engine);
	sw_engine_signals_unblock(engine, &before);
	sw_engine_release_state(engine);
	free(engine);
	return failed;
}
