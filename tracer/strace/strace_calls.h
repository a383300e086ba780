/* Calls of a log on their way out. Internal to this folder. */
#ifndef SW_TRACER_STRACE_CALLS_H
#define SW_TRACER_STRACE_CALLS_H

#include "tracer/strace/strace_state.h"

int64_t strace_when(const struct sw_strace_log *log); /* of the line that is being read, with the offset */
void strace_flush_held(struct sw_strace_log *log, int64_t next_ns); /* stamp of the next line */

void strace_call_complete(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line);
void strace_call_begin(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line);
void strace_call_resume(struct sw_strace_log *log, struct thread *thread, const struct line *line);
void strace_call_interrupted(struct sw_strace_log *log, struct thread *thread);
/* strace_sandbox.c: whether a line says that the process may not do all that it could. */
void strace_sandbox(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line);
/* Whether the line is the interrupted call again, going on; then it was dealt with. */
bool strace_call_restarts(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line);

#endif
