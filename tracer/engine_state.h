/* What the engine's files share: its state, the events it waits for, and the verbs between the files.
 *
 * engine.c runs the loop, engine_wait.c says what happened next (and only classifies), the others act: calls, processes, signals,
 * the control channel. */
#ifndef SW_TRACER_ENGINE_STATE_H
#define SW_TRACER_ENGINE_STATE_H

#include <linux/ptrace.h>
#include <signal.h>

#include "tracer/decode.h"
#include "tracer/engine.h"
#include "tracer/launch.h"
#include "tracer/probe.h"
#include "tracer/stack.h"

#define SW_NETNS_MAX 1024u /* numbers of namespaces that are remembered as having a capture */

enum sw_event_kind {
	SW_EVENT_NONE,
	SW_EVENT_OVER, /* no child is left */
	SW_EVENT_ENDED, /* a thread or child is gone */
	SW_EVENT_SIGNAL, /* a signal is about to be delivered */
	SW_EVENT_GROUP_STOP,
	SW_EVENT_TRAP, /* a new thread's first stop, or the end of a group stop */
	SW_EVENT_FORKED,
	SW_EVENT_EXEC,
	SW_EVENT_EXITING,
	SW_EVENT_FILTER, /* the seccomp filter's stop: a call's entry */
	SW_EVENT_SYSCALL, /* a call's entry or exit */
	SW_EVENT_HANGING, /* a connect has been inside for a while */
	SW_EVENT_CONTROL, /* the recorder wants something */
	SW_EVENT_TOLD, /* a signal to the tool itself */
	SW_EVENT_COUNT,
};

struct sw_event {
	enum sw_event_kind kind;
	pid_t tid;
	int status; /* as from waitpid */
	int64_t time_ns; /* real-time clock, when it was learnt */
	siginfo_t told;
};

struct sw_spin { /* whether waiting busily for the thread just let go has paid lately */
	uint32_t hits; /* of 256, moving average */
	uint32_t skipped;
};

struct sw_waiter {
	bool may_spin;
	pid_t released; /* the thread last let go; 0 none */
	enum { SW_RELEASED_INTO, SW_RELEASED_FROM } where; /* into a call, or from one */
	struct sw_spin spin[2];
	unsigned in_row; /* events that spinning gave in a row */
	unsigned since_signals; /* events since the tool's own signals were looked at */
	sigset_t signals;
};

struct sw_engine_state {
	const struct sw_engine_options *options;
	const struct sw_trace_sink *sink;
	struct sw_tracees tracees;
	struct sw_decoder *decoder;
	struct sw_identity *identity;
	struct sw_probe *probe;
	struct sw_stacks *stacks;
	struct sw_launch launch;
	struct sw_waiter waiter;
	struct sw_tracee *hanging_first, *hanging_last;
	uint32_t call_ids;
	int control_fd; /* -1: nobody to ask */
	bool captured[SW_NETNS_MAX]; /* by the namespace's number: asked for */
	bool uring_said;
	int64_t counters_at; /* when they were last said */
	int command_status;
	bool command_started, command_ended;
	bool leaving; /* --detachable: tracees are let go at their next stop */
	int stop_signal; /* the terminal's stop that reached the tool; 0 none */
	int64_t stop_signal_at;
	struct sw_stack_frames {
		struct sw_frame frames[SW_STACK_DEPTH];
	} scratch;
};

/* engine_wait.c */
void sw_engine_wait_init(struct sw_waiter *waiter);
void sw_engine_next(struct sw_engine_state *engine, struct sw_event *event);

/* engine.c: lets a stopped thread go on, to its next stop of interest */
void sw_engine_release(struct sw_engine_state *engine, struct sw_tracee *tracee, int signal);
void sw_engine_limit(struct sw_engine_state *engine, const char *what, const char *costs);

/* engine_call.c */
void sw_engine_filter_stop(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
void sw_engine_syscall_stop(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
void sw_engine_calls_end(struct sw_engine_state *engine, struct sw_tracee *tracee); /* the thread goes: what is open is unfinished */
void sw_engine_hanging(struct sw_engine_state *engine);
void sw_engine_hanging_remove(struct sw_engine_state *engine, struct sw_tracee *tracee);

/* engine_socket.c: what a call changes, and the facts of a failure */
void sw_engine_before(struct sw_engine_state *engine, struct sw_tracee *tracee);
void sw_engine_after(struct sw_engine_state *engine, struct sw_tracee *tracee);
void sw_engine_counters(struct sw_engine_state *engine, pid_t pid, const char *when);
/* What TCP owes on a socket that is about to go, and the way to a peer that never answered. */
void sw_engine_last_words(struct sw_engine_state *engine, const struct sw_call *call, uint32_t id, int fd);

/* engine_clone.c */
void sw_engine_clone_enter(struct sw_engine_state *engine, struct sw_tracee *tracee, bool in_memory);
void sw_engine_clone_leave(struct sw_engine_state *engine, struct sw_tracee *tracee);
uint64_t sw_engine_clone_flags(const struct sw_tracee *tracee); /* at the stop of PTRACE_EVENT_CLONE; 0 unknown */

/* engine_process.c */
struct sw_tracee *sw_engine_adopt(struct sw_engine_state *engine, pid_t tid);
void sw_engine_forked(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
struct sw_tracee *sw_engine_exec(struct sw_engine_state *engine, const struct sw_event *event);
void sw_engine_exiting(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
void sw_engine_ended(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
void sw_engine_said_process(struct sw_engine_state *engine, enum sw_process_event what, const struct sw_tracee *tracee,
			    int64_t time_ns, int code, int signal);

/* engine_signal.c */
void sw_engine_signals_set(sigset_t *signals);
void sw_engine_told(struct sw_engine_state *engine, const siginfo_t *told);
void sw_engine_group_stop(struct sw_engine_state *engine, struct sw_tracee *tracee);

/* engine_control.c */
void sw_engine_control_init(struct sw_engine_state *engine);
void sw_engine_control_end(struct sw_engine_state *engine);
void sw_engine_control(struct sw_engine_state *engine);
void sw_engine_capture(struct sw_engine_state *engine, struct sw_tracee *tracee);
void sw_engine_place(struct sw_engine_state *engine, const struct sw_tracee *tracee, uint32_t object, int fd);

#endif
