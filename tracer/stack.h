/* User stacks, at the exit stop of a failure: addresses first, names after the run.
 *
 * libunwind-ptrace with one cached address space a process, dropped at exec and when its mappings may have changed;
 * a few for a call site and errno (all connects of a program go through one place in libc), at most so many and so
 * long a second. Of 32-bit processes the call site alone. */
#ifndef SW_TRACER_STACK_H
#define SW_TRACER_STACK_H

#include <sys/types.h>

#include "tracer/call.h"

#define SW_STACK_DEPTH 32

struct sw_stacks;

struct sw_stacks *sw_stacks_new(void);
void sw_stacks_free(struct sw_stacks *stacks);
/* Frames of the stopped thread into `frames` (address, object, offset; function where cheap); returns how many, 0
 * when refused, limited, or not to be had. */
uint32_t sw_stacks_take(struct sw_stacks *stacks, pid_t pid, pid_t tid, uint64_t call_site, int error,
			struct sw_frame frames[SW_STACK_DEPTH]);
void sw_stacks_forget(struct sw_stacks *stacks, pid_t pid); /* exec, exit */

#endif
