/* Whom to attach to: processes by number or name, their children, their threads; and why one cannot be attached to.
 *
 * Enters: process numbers and names. Leaves: lists of processes and threads from proc(5), or one line that says what stands in the
 * way. Seizes threads, and knows nothing of what happens afterwards. */
#ifndef SW_TRACER_ATTACH_H
#define SW_TRACER_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"
#include "src/base/mem.h"

struct sw_pids {
	pid_t *items;
	size_t count, room;
};

bool sw_pids_has(const struct sw_pids *pids, pid_t pid);
bool sw_pids_add(struct sw_pids *pids, pid_t pid); /* false: it was in it */
void sw_pids_release(struct sw_pids *pids);

/* Every process of that name (its comm, or the base name of its program), but for this tool's own. */
void sw_attach_named(const char *name, struct sw_pids *pids);
/* Adds the children of those in it, and theirs, but for that one and its own (this tool may be a child of who is attached to). */
void sw_attach_descendants(struct sw_pids *pids, pid_t besides);
/* Whether the process may be attached to, before anything is done to it: 0, or a negative errno and what to do about it. */
int sw_attach_check(pid_t pid, struct sw_err *err);
/* Whether its descriptors may be looked at, which is all that is needed without its calls. */
bool sw_attach_may_look(pid_t pid);

struct sw_attach_refused { /* what is known of an attach that the kernel does not permit */
	pid_t pid;
	const char *comm;
	uint64_t uid, own_uid; /* its user, and ours */
	char scope; /* kernel.yama.ptrace_scope as a digit; 0: there is none */
};

/* Says which of the reasons it is and what to do; gives back -EACCES. */
int sw_attach_say_refused(const struct sw_attach_refused *refused, struct sw_err *err);

/* Seizes the thread with those options of ptrace(2): 0; -ESRCH it is gone; -EALREADY it is ours; other errors with err set. */
int sw_attach_seize(pid_t pid, pid_t tid, unsigned long options, struct sw_err *err);
/* The threads that the process has now. */
void sw_attach_threads(pid_t pid, struct sw_pids *tids);

#endif
