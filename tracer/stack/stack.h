/* User stacks, at the exit stop of a failure: addresses then, names after the run.
 *
 * libunwind with one cached address space a process, dropped at exec and when its mappings may have changed;
 * a few for a call site and errno (all connects of a program go through one place in libc), at most so many and so
 * long a second. Of 32-bit processes the call site alone. */
#ifndef SW_TRACER_STACK_H
#define SW_TRACER_STACK_H

#include <sys/types.h>

#include "tracer/call.h"

#define SW_STACK_DEPTH 32
#define SW_SIGNAL_FRAME "<signal>" /* the function of the frame that the kernel makes for a handler */

struct sw_stacks;

struct sw_stacks *sw_stacks_new(void);
void sw_stacks_free(struct sw_stacks *stacks);
/* Frames of the stopped thread into `frames` (address, object, offset in its file); returns how many, 0 when refused, limited, or not to
 * be had. */
uint32_t sw_stacks_take(struct sw_stacks *stacks, pid_t pid, pid_t tid, uint64_t call_site, int error,
			struct sw_frame frames[SW_STACK_DEPTH]);
void sw_stacks_forget(struct sw_stacks *stacks, pid_t pid); /* exec, exit */

struct sw_frame_name { /* what a place in an object is called; where calls were inlined there are several, the innermost first */
	const char *object; /* with `offset` as in struct sw_frame */
	uint64_t offset, within; /* within: the function, or where that is unknown the object, as its symbols count */
	uint32_t depth; /* 0: innermost */
	const char *function, *file; /* "" unknown; file's base name */
	uint32_t line; /* 0 unknown */
};

/* Names all frames taken so far: in a process of its own, when nothing is stopped any more; within a few seconds, or not at all. */
void sw_stacks_name(struct sw_stacks *stacks, void (*say)(void *context, const struct sw_frame_name *name),
		    void *context);

#endif
