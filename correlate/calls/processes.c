/* The table of processes. Enters: process events in order of time. Leaves: what is known of each. Of ended ones
 * the oldest are forgotten where there are very many. */
#include "correlate/calls/processes.h"

#include <signal.h>
#include <string.h>
#include <uthash.h>

#include "src/base/mem.h"

/* Who goes on with what was found does so at once; who ends behind this fails of something else. */
#define BEHIND_NS (1500 * SW_NS_PER_MS)

struct entry {
	uint32_t pid;
	struct sw_process_seen seen;
	char *command_line;
	int32_t signal; /* last delivered */
	int64_t signal_ns;
	bool needed;
	UT_hash_handle hh;
};

struct sw_processes {
	struct entry *table;
	uint32_t first, command; /* pids */
};

struct sw_processes *sw_processes_new(void)
{
	return sw_alloc(sizeof(struct sw_processes));
}

void sw_processes_free(struct sw_processes *processes)
{
	struct entry *entry, *next;

	HASH_ITER (hh, processes->table, entry, next) {
		HASH_DEL(processes->table, entry);
		free(entry->command_line);
		free(entry);
	}
	free(processes);
}

static struct entry *find(const struct sw_processes *processes, uint32_t pid)
{
	struct entry *entry;

	HASH_FIND(hh, processes->table, &pid, sizeof pid, entry);
	return entry;
}

size_t sw_processes_count(const struct sw_processes *processes)
{
	return HASH_COUNT(processes->table);
}

void sw_processes_need(struct sw_processes *processes, uint32_t pid)
{
	struct entry *entry = find(processes, pid);

	if (entry)
		entry->needed = true;
}

void sw_processes_forget(struct sw_processes *processes, size_t most)
{
	struct entry *entry, *next;

	/* In the order in which they were met. */
	HASH_ITER (hh, processes->table, entry, next) {
		bool needed = entry->needed || !entry->seen.exited || entry->pid == processes->first ||
			      entry->pid == processes->command;

		entry->needed = false;
		if (needed || HASH_COUNT(processes->table) <= most)
			continue;
		HASH_DEL(processes->table, entry);
		free(entry->command_line);
		free(entry);
	}
}

static struct entry *find_or_add(struct sw_processes *processes, uint32_t pid, int64_t began_ns)
{
	struct entry *entry = find(processes, pid);

	if (entry)
		return entry;
	entry = sw_alloc(sizeof *entry);
	entry->pid = entry->seen.pid = pid;
	entry->seen.began_ns = began_ns;
	entry->seen.exit_ns = entry->seen.reached_ns = entry->signal_ns = SW_TIME_NONE;
	HASH_ADD(hh, processes->table, pid, sizeof entry->pid, entry);
	if (!processes->first)
		processes->first = pid;
	return entry;
}

static void learn_names(struct entry *entry, const struct sw_process *process)
{
	if (process->comm && *process->comm) {
		strncpy(entry->seen.comm, process->comm, sizeof entry->seen.comm - 1);
		entry->seen.comm[sizeof entry->seen.comm - 1] = 0;
	}
	if (process->command_line) {
		free(entry->command_line);
		entry->command_line = sw_strdup(process->command_line);
		entry->seen.command_line = entry->command_line;
	}
	if (process->inside)
		entry->seen.inside = process->inside;
	if (process->parent)
		entry->seen.parent = process->parent;
}

static bool stops(int32_t signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

void sw_processes_event(struct sw_processes *processes, const struct sw_process *process)
{
	struct entry *entry = find_or_add(processes, process->pid,
					  process->event == SW_PROCESS_BEGIN ? process->time_ns : SW_TIME_NONE);

	learn_names(entry, process);
	if (process->is_command) {
		entry->seen.is_command = true;
		processes->command = process->pid;
	}
	if (process->event == SW_PROCESS_EXIT) {
		entry->seen.exited = true;
		entry->seen.exit_ns = process->time_ns;
		entry->seen.code = process->code;
		entry->seen.signal = process->signal;
	} else if (process->event == SW_PROCESS_SIGNAL) {
		entry->signal = process->signal;
		entry->signal_ns = process->time_ns;
		if (stops(process->signal)) {
			entry->seen.stop_signal = process->signal;
			entry->seen.stopped_ns = process->time_ns;
		}
	} else if (process->event == SW_PROCESS_BEGIN && entry->seen.exited) {
		entry->seen.exited = false; /* the number was given out again */
		entry->seen.began_ns = process->time_ns;
		entry->seen.exit_ns = entry->seen.reached_ns = SW_TIME_NONE;
	}
}

bool sw_process_failed_of(const struct sw_process_seen *process, int64_t began_ns, int64_t ended_ns)
{
	return process && process->exited && process->code > 0 && process->exit_ns - ended_ns <= BEHIND_NS &&
	       (process->reached_ns == SW_TIME_NONE || process->reached_ns < began_ns);
}

void sw_processes_reached(struct sw_processes *processes, uint32_t pid, int64_t time_ns)
{
	find_or_add(processes, pid, SW_TIME_NONE)->seen.reached_ns = time_ns;
}

const struct sw_process_seen *sw_processes_get(const struct sw_processes *processes, uint32_t pid)
{
	struct entry *entry = find(processes, pid);

	return entry ? &entry->seen : NULL;
}

void sw_processes_each(const struct sw_processes *processes,
		       void (*visit)(void *context, const struct sw_process_seen *process), void *context)
{
	for (struct entry *entry = processes->table; entry; entry = entry->hh.next)
		visit(context, &entry->seen);
}

const struct sw_process_seen *sw_processes_command(const struct sw_processes *processes)
{
	return sw_processes_get(processes, processes->command ? processes->command : processes->first);
}

int32_t sw_processes_signal(const struct sw_processes *processes, uint32_t pid, uint32_t tid, int64_t since_ns)
{
	struct entry *entry = find(processes, pid);

	if (!entry && tid != pid)
		entry = find(processes, tid);
	return entry && entry->signal_ns != SW_TIME_NONE && entry->signal_ns >= since_ns ? entry->signal : 0;
}
