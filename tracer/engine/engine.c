/* The engine's loop: next() only classifies, dispatch() only acts, until the last tracee is gone. See engine.h.
 *
 * Enters: a command. Leaves: records to the sink, in the order in which the threads stopped. Knows nothing of packets and verdicts. */
#include "tracer/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

#define EXIT_TOOL 125

void sw_engine_limit(struct sw_engine_state *engine, const char *what, const char *costs)
{
	const struct sw_limit limit = {.what = what, .costs = costs};

	if (engine->sink->limit)
		engine->sink->limit(engine->sink->context, &limit);
}

/* ---- acting ----------------------------------------------------------------------------------------------------- */

void sw_engine_release(struct sw_engine_state *engine, struct sw_tracee *tracee, int signal)
{
	bool exit_wanted = (tracee->every_stop && !engine->rest) || tracee->untraced ||
			   (tracee->inside && tracee->recorded);
	int request = engine->leaving                    ? PTRACE_DETACH :
		      exit_wanted && !engine->letting_go ? PTRACE_SYSCALL :
							   PTRACE_CONT;

	tracee->stopped = false;
	tracee->let_go = engine->letting_go;
	sw_engine_budget_release(tracee);
	engine->waiter.released = tracee->tid;
	engine->waiter.where = tracee->inside && exit_wanted ? SW_RELEASED_INTO : SW_RELEASED_FROM;
	if (!tracee->every_stop && !exit_wanted)
		tracee->inside = false;
	/* ESRCH: killed meanwhile; its end is told by the next wait. */
	if (ptrace(request, tracee->tid, NULL, (void *)(intptr_t)signal) < 0)
		engine->waiter.released = 0;
	if (!engine->leaving)
		return;
	sw_engine_calls_end(engine, tracee);
	sw_engine_said_flush(engine, tracee->process);
	sw_tracee_remove(&engine->tracees, tracee);
}

static void deliver_signal(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	int signal = WSTOPSIG(event->status);

	sw_engine_said_process(engine, SW_PROCESS_SIGNAL, tracee, event->time_ns, -1, signal);
	sw_engine_restart_at_signal(engine, tracee, signal);
	sw_engine_release(engine, tracee, signal);
}

static void other_child(struct sw_engine_state *engine, const struct sw_event *event)
{
	if (engine->options->child_ended)
		engine->options->child_ended(engine->options->child_context, event->tid, event->status);
}

/* Events of a thread, which is there or is adopted now. */
static void dispatch_thread(struct sw_engine_state *engine, const struct sw_event *event)
{
	struct sw_tracee *tracee = sw_tracee_find(&engine->tracees, event->tid);

	if (!tracee && event->kind == SW_EVENT_ENDED) {
		other_child(engine, event);
		return;
	}
	if (!tracee && event->kind == SW_EVENT_EXITING) {
		ptrace(PTRACE_CONT, event->tid, NULL, NULL); /* replaced by an exec, and gone from the table */
		return;
	}
	if (event->kind == SW_EVENT_EXEC) {
		sw_engine_exec(engine, event);
		return;
	}
	if (!tracee)
		tracee = sw_engine_adopt(engine, event->tid);
	if (engine->attach) {
		sw_engine_budget_stop(engine, tracee);
		sw_engine_rank_look(&engine->rank, tracee);
	}
	switch (event->kind) {
	case SW_EVENT_FILTER: sw_engine_filter_stop(engine, tracee, event); break;
	case SW_EVENT_SYSCALL: sw_engine_syscall_stop(engine, tracee, event); break;
	case SW_EVENT_FORKED: sw_engine_forked(engine, tracee, event); break;
	case SW_EVENT_EXITING: sw_engine_exiting(engine, tracee, event); break;
	case SW_EVENT_ENDED: sw_engine_ended(engine, tracee, event); break;
	case SW_EVENT_SIGNAL: deliver_signal(engine, tracee, event); break;
	case SW_EVENT_GROUP_STOP: sw_engine_group_stop(engine, tracee); break;
	case SW_EVENT_TRAP:
		if (tracee->arriving)
			sw_engine_arrive(engine, tracee, event);
		sw_engine_release(engine, tracee, 0);
		break;
	default: sw_engine_release(engine, tracee, 0); break;
	}
}

void sw_engine_dispatch(struct sw_engine_state *engine, const struct sw_event *event)
{
	switch (event->kind) {
	case SW_EVENT_HANGING: sw_engine_hanging(engine); break;
	case SW_EVENT_CONTROL: sw_engine_control(engine); break;
	case SW_EVENT_TOLD: sw_engine_told(engine, &event->told); break;
	case SW_EVENT_ALARM: sw_engine_alarm(engine); break;
	default: dispatch_thread(engine, event); break;
	}
}

void sw_engine_loop(struct sw_engine_state *engine)
{
	struct sw_event event = {0};

	while (engine->tracees.count && !engine->stopping && !engine->calls_gone) {
		sw_engine_next(engine, &event);
		if (event.kind == SW_EVENT_OVER)
			break;
		sw_engine_dispatch(engine, &event);
		if (engine->enough && !engine->rest)
			sw_engine_rest(engine);
	}
	sw_engine_said_flush_all(engine);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

/* A reader of the command's output must see its end when the command closes it, though we live on. */
static void redirect_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup3(null, STDIN_FILENO, O_CLOEXEC);
	dup3(null, STDOUT_FILENO, O_CLOEXEC);
	if (null > STDERR_FILENO)
		close(null);
}

static void filter_before_us(struct sw_engine_state *engine)
{
	char text[4096];
	uint64_t mode = 0;

	if (sw_proc_read("/proc/self/status", text, sizeof text) > 0 && sw_proc_field(text, "Seccomp", 10, &mode) &&
	    mode)
		sw_engine_limit(engine, "a seccomp filter was in force before this tool came (a container's)",
				"a call that it refuses may not be seen");
}

void sw_engine_prepare(struct sw_engine_state *engine)
{
	const struct sw_engine_options *options = engine->options;

	engine->decoder = sw_alloc(sizeof *engine->decoder);
	engine->identity = sw_identity_new(engine->sink, options->switches);
	engine->probe = options->no_facts ? NULL : sw_probe_new(engine->sink, engine->identity, options->switches);
	engine->origins = options->no_facts ? NULL : sw_origins_new(engine->sink, engine->identity);
	engine->stacks = options->no_stacks ? NULL : sw_stacks_new();
	engine->decoder->identity = engine->identity;
	engine->decoder->epolls = sw_epolls_new();
}

void sw_engine_release_state(struct sw_engine_state *engine)
{
	sw_engine_tick_end(&engine->waiter.tick);
	sw_tracees_release(&engine->tracees);
	sw_epolls_free(engine->decoder->epolls);
	sw_probe_free(engine->probe);
	sw_origins_free(engine->origins);
	sw_stacks_free(engine->stacks);
	sw_identity_free(engine->identity);
	sw_launch_release(&engine->launch);
	free(engine->decoder);
}

static void command_add(struct sw_engine_state *engine)
{
	struct sw_tracee *tracee = sw_tracee_add(&engine->tracees, engine->launch.pid, engine->launch.pid);

	tracee->process->is_command = true;
	tracee->process->unborn = true;
	tracee->process->parent = getpid();
}

static int exit_status(int code)
{
	return code << 8; /* the form of wait(2) */
}

static int conclude(struct sw_engine_state *engine, int *status, struct sw_err *err)
{
	if (!engine->command_started) {
		*status = exit_status(sw_launch_failure(engine->options, &engine->launch, err));
		return err ? err->code : -ENOENT;
	}
	*status = engine->command_status;
	return 0;
}

/* Its own signals wait in the queue while it works; they are looked at by sw_engine_next(). */
void sw_engine_signals_block(struct sw_engine_state *engine, sigset_t *before)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	/* An ignored SIGCHLD, which we may have inherited, would let tracees vanish without a word. */
	sigaction(SIGCHLD, &standard, NULL);
	sw_engine_wait_init(&engine->waiter);
	sigprocmask(SIG_BLOCK, &engine->waiter.signals, before);
}

/* What came for the command while it ended (Ctrl-C) must not kill us before the report. */
void sw_engine_signals_unblock(const struct sw_engine_state *engine, const sigset_t *before)
{
	const struct timespec now = {0};

	while (sigtimedwait(&engine->waiter.signals, NULL, &now) > 0)
		continue;
	sigprocmask(SIG_SETMASK, before, NULL);
}

int sw_engine_run(const struct sw_engine_options *options, const struct sw_trace_sink *sink, int *status,
		  struct sw_err *err)
{
	struct sw_engine_state *engine = sw_alloc(sizeof *engine);
	sigset_t before;
	int failed;

	engine->options = options;
	engine->sink = sink;
	engine->unfiltered = options->detachable;
	engine->wake_at = INT64_MAX;
	*status = exit_status(EXIT_TOOL);
	failed = sw_launch(options, &engine->launch, err);
	if (!failed) {
		sw_engine_signals_block(engine, &before);
		redirect_stdio();
		sw_engine_prepare(engine);
		sw_engine_control_init(engine);
		filter_before_us(engine);
		command_add(engine);
		sw_engine_loop(engine);
		sw_engine_names(engine);
		sw_engine_rest_end(engine);
		failed = conclude(engine, status, err);
		sw_engine_control_end(engine);
		sw_engine_signals_unblock(engine, &before);
		sw_engine_release_state(engine);
	}
	free(engine);
	return failed;
}
