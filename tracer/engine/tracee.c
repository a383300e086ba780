/* The table of tracees, see tracee.h. */
#include "tracer/engine/tracee.h"

#include "src/base/mem.h"

struct sw_tracee *sw_tracee_find(struct sw_tracees *tracees, pid_t tid)
{
	struct sw_tracee *found;

	HASH_FIND(hh, tracees->threads, &tid, sizeof tid, found);
	return found;
}

struct sw_tracee_process *sw_tracee_process_find(struct sw_tracees *tracees, pid_t pid)
{
	struct sw_tracee_process *found;

	HASH_FIND(hh, tracees->processes, &pid, sizeof pid, found);
	return found;
}

static struct sw_tracee_process *process_of(struct sw_tracees *tracees, pid_t pid)
{
	struct sw_tracee_process *process = sw_tracee_process_find(tracees, pid);

	if (process)
		return process;
	process = sw_alloc(sizeof *process);
	process->pid = pid;
	HASH_ADD(hh, tracees->processes, pid, sizeof process->pid, process);
	return process;
}

struct sw_tracee *sw_tracee_add(struct sw_tracees *tracees, pid_t tid, pid_t pid)
{
	struct sw_tracee *tracee = tracees->free_threads;

	if (tracee)
		tracees->free_threads = tracee->hanging_next;
	else
		tracee = sw_alloc(sizeof *tracee);
	/* The sets at the end are written before they are read. */
	memset(tracee, 0, offsetof(struct sw_tracee, sets));
	tracee->tid = tid;
	tracee->process = process_of(tracees, pid);
	tracee->process->threads++;
	tracee->process->alive++;
	HASH_ADD(hh, tracees->threads, tid, sizeof tracee->tid, tracee);
	tracees->count++;
	return tracee;
}

void sw_tracee_rename(struct sw_tracees *tracees, struct sw_tracee *tracee, pid_t tid)
{
	HASH_DELETE(hh, tracees->threads, tracee);
	tracee->tid = tid;
	HASH_ADD(hh, tracees->threads, tid, sizeof tracee->tid, tracee);
}

void sw_tracee_remove(struct sw_tracees *tracees, struct sw_tracee *tracee)
{
	struct sw_tracee_process *process = tracee->process;

	HASH_DELETE(hh, tracees->threads, tracee);
	free(tracee->waiting_waits);
	tracee->waiting_waits = NULL;
	tracees->count--;
	if (--process->threads == 0) {
		HASH_DELETE(hh, tracees->processes, process);
		free(process->said);
		free(process);
	}
	tracee->hanging_next = tracees->free_threads;
	tracees->free_threads = tracee;
}

void sw_tracees_release(struct sw_tracees *tracees)
{
	struct sw_tracee *tracee, *next;

	HASH_ITER (hh, tracees->threads, tracee, next)
		sw_tracee_remove(tracees, tracee);
	for (tracee = tracees->free_threads; tracee; tracee = next) {
		next = tracee->hanging_next;
		free(tracee);
	}
	*tracees = (struct sw_tracees){0};
}
