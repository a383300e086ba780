/* Following processes without their calls: what the kernel says of their sockets, each second, and when they end.
 *
 * Enters: processes. Leaves: sockets, TCP_INFO, process events. Nothing is stopped: this is what remains above --budget, and all
 * of --no-calls. */
#include <signal.h>
#include <time.h>

#include "tracer/engine/engine_attach.h"
#include "tracer/kernel/proc.h"

#define LOOK_NS SW_NS_PER_S
#define ALIVE_NS (100 * SW_NS_PER_MS)

static void process_add(struct sw_engine_state *engine, pid_t pid)
{
	if (sw_tracee_process_find(&engine->tracees, pid))
		return;
	struct sw_tracee *leader = sw_tracee_add(&engine->tracees, pid, pid);
	leader->process->is_command = pid == engine->launch.pid;
}

static bool is_alive(pid_t pid)
{
	char status[4096];

	if (sw_proc_read_task(pid, pid, "status", status, sizeof status) <= 0)
		return false;
	const char *state = strstr(status, "\nState:\t");
	return !state || (state[8] != 'Z' && state[8] != 'X');
}

static void process_ended(struct sw_engine_state *engine, pid_t pid)
{
	struct sw_tracee *tracee, *next;

	HASH_ITER (hh, engine->tracees.threads, tracee, next) {
		if (tracee->process->pid != pid)
			continue;
		if (tracee->process->threads == 1)
			sw_engine_said_process(engine, SW_PROCESS_EXIT, tracee, sw_clock_realtime(), -1, 0);
		sw_tracee_remove(&engine->tracees, tracee);
	}
	sw_identity_ended(engine->identity, pid);
}

static void ended_remove(struct sw_engine_state *engine, struct sw_pids *processes)
{
	size_t kept = 0;

	for (size_t i = 0; i < processes->count; i++) {
		pid_t pid = processes->items[i];
		if (is_alive(pid))
			processes->items[kept++] = pid;
		else
			process_ended(engine, pid);
	}
	processes->count = kept;
}

static void look(struct sw_engine_state *engine, struct sw_pids *processes)
{
	if (!engine->attach->only)
		sw_attach_descendants(processes, engine->attach->tool);
	for (size_t i = 0; i < processes->count; i++) {
		process_add(engine, processes->items[i]);
		sw_engine_capture_process(engine, processes->items[i]);
		struct sw_tracee_process *process = sw_tracee_process_find(&engine->tracees, processes->items[i]);
		if (process->begun)
			sw_engine_attach_sockets(engine, process, true);
	}
	sw_engine_attach_said(engine);
	sw_engine_counters(engine, engine->launch.pid, "symptom");
}

static void rest(struct sw_engine_state *engine, int64_t until)
{
	siginfo_t told;
	int64_t left = until - sw_clock_monotonic();
	struct timespec most = {.tv_sec = left / SW_NS_PER_S, .tv_nsec = left % SW_NS_PER_S};
	int signal = left > 0 ? sigtimedwait(&engine->waiter.signals, &told, &most) : 0;

	if (signal == SIGIO)
		sw_engine_control(engine);
	else if (signal > 0 && signal != SIGCHLD)
		sw_engine_told(engine, &told);
}

void sw_engine_watch(struct sw_engine_state *engine, struct sw_pids *processes)
{
	int64_t look_at = 0;

	while (!engine->stopping) {
		int64_t now = sw_clock_monotonic();
		ended_remove(engine, processes);
		if (!processes->count || now >= engine->ends_at)
			return;
		if (now >= look_at) {
			look(engine, processes);
			look_at = now + LOOK_NS;
		}
		int64_t until = now + ALIVE_NS;
		rest(engine, until < engine->ends_at ? until : engine->ends_at);
	}
}
