/* What happened next: a stop, an end, a timer, a signal to the tool. Classifies and never acts.
 *
 * Everything comes through one door: SIGCHLD and the tool's signals are blocked and fetched with sigtimedwait(2), so that
 * no signal is lost between a look and a sleep, and no handler runs. Before sleeping it may wait busily (engine_spin.c). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

#define PATIENT_NS (50 * SW_NS_PER_US) /* then it naps between its looks */
#define SIGNALS_EVERY 64u /* events, then the tool's own signals */

void sw_engine_wait_init(struct sw_waiter *waiter)
{
	sw_engine_spin_init(waiter);
	sw_engine_signals_set(&waiter->signals);
}

static enum sw_event_kind stop_kind(int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE: return SW_EVENT_FORKED;
	case PTRACE_EVENT_EXEC: return SW_EVENT_EXEC;
	case PTRACE_EVENT_EXIT: return SW_EVENT_EXITING;
	case PTRACE_EVENT_SECCOMP: return SW_EVENT_FILTER;
	case PTRACE_EVENT_STOP:
		/* With PTRACE_SEIZE: a stop signal means a group stop, SIGTRAP anything else. */
		return signal == SIGTRAP ? SW_EVENT_TRAP : SW_EVENT_GROUP_STOP;
	default: return signal == (SIGTRAP | 0x80) ? SW_EVENT_SYSCALL : SW_EVENT_SIGNAL;
	}
}

static void classify(struct sw_event *event, pid_t tid, int status)
{
	event->tid = tid;
	event->status = status;
	event->time_ns = sw_clock_realtime();
	event->kind = WIFSTOPPED(status) ? stop_kind(status) : SW_EVENT_ENDED;
}

/* A timer that is due: true with `event` set. `left`: how long it may sleep. */
static bool is_due(const struct sw_engine_state *engine, struct sw_event *event, int64_t *left)
{
	int64_t hanging = engine->hanging_first ? engine->hanging_first->hanging_at : INT64_MAX;
	int64_t next = hanging < engine->wake_at ? hanging : engine->wake_at;

	*left = next == INT64_MAX ? INT64_MAX : next - sw_clock_monotonic();
	if (*left <= 0)
		event->kind = next == hanging ? SW_EVENT_HANGING : SW_EVENT_ALARM;
	return *left <= 0;
}

/* The tool's own signals and timers; true when `event` is one. `left`: how long it may sleep. */
static bool fetch_signal(struct sw_engine_state *engine, struct sw_event *event, int64_t left, pid_t *stopped)
{
	struct timespec most = {.tv_sec = left / SW_NS_PER_S, .tv_nsec = left % SW_NS_PER_S};
	int signal = sigtimedwait(&engine->waiter.signals, &event->told, left == INT64_MAX ? NULL : &most);

	engine->waiter.since_signals = 0;
	if (signal == SIGCHLD) {
		*stopped = event->told.si_pid;
		sw_engine_tick_begin(&engine->waiter.tick);
	}
	if (signal <= 0 || signal == SIGCHLD)
		return false;
	event->kind = signal == SIGIO ? SW_EVENT_CONTROL : SW_EVENT_TOLD;
	return true;
}

static bool look(struct sw_engine_state *engine, struct sw_event *event)
{
	int status;
	pid_t tid = sw_engine_spin(engine, &status);

	engine->waiter.in_row = tid ? engine->waiter.in_row + 1 : 0;
	if (!tid)
		tid = waitpid(-1, &status, WNOHANG | __WALL);
	if (tid == 0 && engine->attach)
		engine->waiter.looked_at = sw_clock_monotonic();
	engine->waiter.tick.stops += tid > 0;
	if (tid > 0)
		classify(event, tid, status);
	else if (tid < 0 && errno == ECHILD)
		event->kind = SW_EVENT_OVER;
	return tid != 0;
}

void sw_engine_next(struct sw_engine_state *engine, struct sw_event *event)
{
	pid_t stopped = 0;
	int status;
	int64_t left;

	event->kind = SW_EVENT_NONE;
	if (++engine->waiter.since_signals >= SIGNALS_EVERY) {
		if (fetch_signal(engine, event, 0, &stopped))
			return;
		if (is_due(engine, event, &left))
			return;
	}
	engine->waiter.queued = true;
	while (!look(engine, event)) {
		engine->waiter.queued = false;
		if (is_due(engine, event, &left))
			return;
		if (left >= SW_TICK_NS && (stopped = sw_engine_tick_sleep(&engine->waiter.tick, &status)) > 0) {
			classify(event, stopped, status);
			return;
		}
		stopped = 0;
		if (fetch_signal(engine, event, engine->waiter.tick.runs && left >= SW_TICK_NS ? 0 : left, &stopped))
			return;
		/* With many tracees asking for one is cheaper than for any. */
		if (stopped > 0 && waitpid(stopped, &status, WNOHANG | __WALL) == stopped) {
			classify(event, stopped, status);
			return;
		}
	}
}

bool sw_engine_next_of(pid_t tid, int64_t patience_ns, struct sw_event *event)
{
	const struct timespec nap = {.tv_nsec = 50 * SW_NS_PER_US};
	int64_t began = sw_clock_monotonic(), now = began;
	pid_t got;
	int status;

	/* It needs a processor to stop: on a busy machine ours. */
	while ((got = waitpid(tid, &status, WNOHANG | __WALL)) == 0 && now < began + patience_ns) {
		if (now > began + PATIENT_NS)
			nanosleep(&nap, NULL);
		now = sw_clock_monotonic();
	}
	if (got == tid)
		classify(event, tid, status);
	return got == tid;
}
