/* The names of frames, learnt after the stacks: function, file and line of places in objects.
 *
 * Enters: facts of the kind `frame`. Leaves: a stack with names in it, in which calls that were inlined stand as frames of their own.
 * Bounded. Knows nothing of calls. */
#ifndef SW_CORRELATE_FRAMES_H
#define SW_CORRELATE_FRAMES_H

#include "tracer/call.h"

struct sw_frames;
struct sw_arena;

struct sw_frames *sw_frames_new(void);
void sw_frames_free(struct sw_frames *frames);
void sw_frames_fact(struct sw_frames *frames, const struct sw_fact *fact);
/* A copy of the stack, named; `*count` becomes its length. */
struct sw_frame *sw_frames_name(const struct sw_frames *frames, const struct sw_frame *stack, uint32_t *count,
				struct sw_arena *arena);

#endif
