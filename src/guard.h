/* Work that must come to its end in order though this program is killed: it is done by a child in a process group of its own. */
#ifndef SW_GUARD_H
#define SW_GUARD_H

#include <sys/types.h>

struct sw_guarded {
	int (*work)(void *context); /* in the child; its exit status */
	void (*other_ended)(void *context, pid_t pid, int status); /* another child of this process has ended */
	void *work_context, *other_context;
};

/* Runs the work and waits. What tells this process to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT) reaches the child as SIGTERM, and so does
 * this process's death, however it dies. Gives back the child's status as from wait(2), negative: it could not be started (errno). */
int sw_guard(const struct sw_guarded *guarded);

#endif
