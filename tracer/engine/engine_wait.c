/* What happened next: a stop, an end, a timer, a signal to the tool. Classifies and never acts.
 *
 * Everything comes through one door: SIGCHLD and the tool's signals are blocked and fetched with sigtimedwait(2), so that
 * no signal is lost between a look and a sleep, and no handler runs. Before sleeping it may wait busily for the thread that was just let
 * go: on an idle machine most of a stop's cost is waking a processor. */
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

#define SPIN_NS (50 * SW_NS_PER_US)
#define SPIN_PAYS 128u /* of 256: at least every second spin must have brought the stop */
#define SPIN_RETRY 64u /* look again whether it pays, once in so many */
#define SPIN_ROW 16u /* then the other threads have their turn */
#define SPIN_ANY 8u /* threads, up to which spinning is for any of them */
#define SIGNALS_EVERY 64u /* events, then the tool's own signals */

/* ---- may it spin ----------------------------------------------------------------------------------------------- */

static bool quota_in(const char *path)
{
	char text[64];

	/* "max 100000" or "50000 100000" (cgroup v2); "-1" or a number (v1). */
	return sw_proc_read(path, text, sizeof text) > 0 && strncmp(text, "max", 3) != 0 && strncmp(text, "-1", 2) != 0;
}

/* A quota anywhere on the way up counts against us. */
static bool quota_above(const char *mount, char *folder, const char *file)
{
	char path[4200];

	for (;;) {
		snprintf(path, sizeof path, "%s%s/%s", mount, folder, file);
		if (quota_in(path))
			return true;
		char *slash = strrchr(folder, '/');
		if (!slash || slash == folder)
			return false;
		*slash = '\0';
	}
}

static bool has_quota(void)
{
	char text[4096], *line, *rest = text;
	bool found = quota_in("/sys/fs/cgroup/cpu.max") || quota_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");

	if (sw_proc_read("/proc/self/cgroup", text, sizeof text) <= 0)
		return found;
	while (!found && (line = strsep(&rest, "\n"))) {
		char *controllers = strchr(line, ':'), *folder = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!folder)
			continue;
		*folder++ = '\0';
		if (!strcmp(controllers, ":"))
			found = quota_above("/sys/fs/cgroup", folder, "cpu.max");
		else if (!strcmp(controllers, ":cpu") || strstr(controllers, "cpu,") || strstr(controllers, ",cpu"))
			found = quota_above("/sys/fs/cgroup/cpu", folder, "cpu.cfs_quota_us");
	}
	return found;
}

void sw_engine_wait_init(struct sw_waiter *waiter)
{
	cpu_set_t allowed;

	/* With one processor the tracee could not run while we spin; under a quota spinning spends its time. */
	waiter->may_spin = sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1 &&
			   !has_quota();
	waiter->spin[SW_RELEASED_INTO].hits = waiter->spin[SW_RELEASED_FROM].hits = 256;
	sw_engine_signals_set(&waiter->signals);
}

/* ---- waiting --------------------------------------------------------------------------------------------------- */

static bool worth(struct sw_spin *spin)
{
	if (spin->hits >= SPIN_PAYS)
		return true;
	if (++spin->skipped < SPIN_RETRY)
		return false;
	spin->skipped = 0;
	return true;
}

/* Where few are traced, on any of them: two that answer each other block in turn, and the one just let go is then not
 * the one that stops next. With many, asking for any costs more than it gains (2,000: 123 us, one: 44). */
static pid_t spin_for(struct sw_engine_state *engine, int *status)
{
	struct sw_waiter *waiter = &engine->waiter;
	struct sw_spin *spin = &waiter->spin[waiter->where];
	bool few = HASH_COUNT(engine->tracees.threads) <= SPIN_ANY;
	pid_t tid = waiter->released, got = 0;

	waiter->released = 0;
	if (!waiter->may_spin || engine->rank.leads || !tid || (waiter->in_row >= SPIN_ROW && !few) || !worth(spin))
		return 0;
	int64_t until = sw_clock_monotonic() + SPIN_NS, now = 0;
	do
		got = waitpid(few ? -1 : tid, status, WNOHANG | __WALL);
	while (got == 0 && (now = sw_clock_monotonic()) < until);
	if (few && now)
		waiter->looked_at = now;
	spin->hits = spin->hits - spin->hits / 8 + (got > 0 ? 32 : 0);
	return got > 0 ? got : 0;
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
	pid_t tid = spin_for(engine, &status);

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
		if (now > began + SPIN_NS)
			nanosleep(&nap, NULL);
		now = sw_clock_monotonic();
	}
	if (got == tid)
		classify(event, tid, status);
	return got == tid;
}
