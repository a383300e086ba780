/* What the engine's files share: its state, the events it waits for, and the verbs between the files.
 *
 * engine.c runs the loop, engine_wait.c says what happened next (and only classifies), the others act: calls, processes, signals,
 * the control channel. */
#ifndef SW_TRACER_ENGINE_STATE_H
#define SW_TRACER_ENGINE_STATE_H

#include <linux/ptrace.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "tracer/engine/decode.h"
#include "tracer/engine/engine.h"
#include "tracer/engine/launch.h"
#include "tracer/kernel/origin.h"
#include "tracer/kernel/probe.h"
#include "tracer/stack/stack.h"

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
	SW_EVENT_ALARM, /* the time in wake_at has come */
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

/* Of waiting for the next stop; FIRST: asleep, and before others when woken. */
enum sw_manner { SW_MANNER_BUSY, SW_MANNER_ASLEEP, SW_MANNER_FIRST, SW_MANNERS };

struct sw_contest { /* engine_contest.c: in which of them the program gets most done */
	enum sw_manner manner, best; /* now; what the last contest chose */
	unsigned open; /* 1 << enum sw_manner: between which it chooses */
	unsigned round; /* from 1; 0: none is under way */
	struct sw_tried {
		unsigned stops;
		int64_t ns;
	} tried[SW_MANNERS];
	int64_t until, pause_ns; /* monotonic: the round's end, or the pause's */
	int64_t stop_at; /* the last stop */
};

struct sw_rank { /* engine_rank.c: whether the thread that traces comes first */
	int usual; /* our scheduling policy */
	bool may_lead, leads;
	bool open; /* it may be tried: others want a processor, or did lately */
	int fd; /* of what says how many want a processor */
	long processors;
	cpu_set_t allowed; /* ours */
	unsigned stops; /* since the last look */
	unsigned crowded; /* of 256, moving average */
	int64_t look_at;
	int64_t crowded_at, refrains_until;
	int64_t share_at, own_ns; /* our own time on a processor, as of then */
};

struct sw_waiter {
	bool may_spin;
	pid_t released; /* the thread last let go; 0 none */
	enum { SW_RELEASED_INTO, SW_RELEASED_FROM } where; /* into a call, or from one */
	struct sw_spin spin[2];
	struct sw_contest contest;
	int64_t looked_at; /* monotonic: nobody stood stopped then */
	bool queued; /* the event was there when the one before it had been seen to */
	unsigned in_row; /* events that spinning gave in a row */
	struct sw_tick { /* ends a sleep in waitpid() now and then, while stops come often */
		timer_t timer;
		bool exists, runs;
		unsigned stops; /* since the last one */
	} tick;
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
	struct sw_origins *origins; /* NULL: no facts are wanted */
	struct sw_stacks *stacks;
	struct sw_launch launch;
	struct sw_waiter waiter;
	struct sw_rank rank;
	pid_t early[64]; /* a ring: threads and processes that were met before their parent told of them */
	size_t early_at;
	struct sw_tracee *hanging_first, *hanging_last;
	uint32_t call_ids;
	int control_fd; /* -1: nobody to ask */
	bool captured[SW_NETNS_MAX]; /* by the namespace's number: asked for */
	bool uring_said;
	int64_t counters_at; /* when they were last said */
	int command_status;
	bool command_started, command_ended;
	const struct sw_engine_attach *attach; /* NULL: the command is our own child */
	bool unfiltered; /* no seccomp filter of ours: every call stops twice */
	bool stopping; /* attach: let go of all */
	bool before_us; /* the call now decoded was under way when we came */
	bool letting_go; /* attach: who stops goes on for good */
	bool calls_gone; /* attach: over the budget, the calls are no longer traced */
	int64_t wake_at; /* monotonic: SW_EVENT_ALARM is due; INT64_MAX never */
	int64_t ends_at; /* attach: the duration is over */
	int64_t budget_since, budget_at; /* attach: the window began, ends; monotonic */
	uint32_t patients; /* attach: threads that are not interrupted yet */
	int64_t patient_until;
	bool enough; /* run: nothing more is wanted */
	struct sw_rest *rest; /* engine_rest.c; NULL: not yet */
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
/* engine_spin.c: what waiting busily brought; 0 nothing, or it does not pay */
void sw_engine_spin_init(struct sw_waiter *waiter);
pid_t sw_engine_spin(struct sw_engine_state *engine, int *status);
/* engine_contest.c: a stop has been seen to; in which manner to wait for the next is then in waiter.contest.manner */
void sw_engine_contest(struct sw_engine_state *engine, int64_t now);
/* engine_tick.c: sleeps until a thread has stopped, where stops come often; 0: the time for other things has come. Only for a sleep of
 * SW_TICK_NS or more. */
pid_t sw_engine_tick_sleep(struct sw_tick *tick, int *status);
void sw_engine_tick_begin(struct sw_tick *tick); /* a stop has come */
void sw_engine_tick_end(struct sw_tick *tick);
#define SW_TICK_NS (5 * SW_NS_PER_MS)

/* What happened to that one thread, waiting for at most `patience_ns`. */
bool sw_engine_next_of(pid_t tid, int64_t patience_ns, struct sw_event *event);

/* engine.c: lets a stopped thread go on, to its next stop of interest */
void sw_engine_release(struct sw_engine_state *engine, struct sw_tracee *tracee, int signal);
void sw_engine_limit(struct sw_engine_state *engine, const char *what, const char *costs);

/* engine_call.c */
void sw_engine_filter_stop(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
void sw_engine_syscall_stop(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);
/* A call that is under way, from registers: entry record, and what it will be when it goes on (value: the kernel's, ERESTART*), or EINTR
 * that is our doing. */
void sw_engine_call_resume(struct sw_engine_state *engine, struct sw_tracee *tracee,
			   const struct ptrace_syscall_info *info, int64_t value, int64_t now);
/* A call that the thread is left inside of, not stopped: entry record; and its end, of which nothing is known. */
void sw_engine_call_found(struct sw_engine_state *engine, struct sw_tracee *tracee,
			  const struct ptrace_syscall_info *info);
void sw_engine_call_lost(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t now);
/* the thread goes: what is open is unfinished */
void sw_engine_calls_end(struct sw_engine_state *engine, struct sw_tracee *tracee);
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

/* engine.c, for engine_attach.c */
void sw_engine_prepare(struct sw_engine_state *engine);
void sw_engine_release_state(struct sw_engine_state *engine);
void sw_engine_loop(struct sw_engine_state *engine);
void sw_engine_dispatch(struct sw_engine_state *engine, const struct sw_event *event);
void sw_engine_signals_block(struct sw_engine_state *engine, sigset_t *before);
void sw_engine_signals_unblock(const struct sw_engine_state *engine, const sigset_t *before);

/* engine_arrive.c */
void sw_engine_arrive(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event);

/* engine_leave.c: lets every thread go on for good, as far as that can be waited for; what is left is let go by the thread's end */
void sw_engine_leave(struct sw_engine_state *engine);

/* engine_attach.c */
void sw_engine_alarm(struct sw_engine_state *engine);

/* engine_rest.c: the calls are followed no more, as of now; run: and nothing is said from here on, though all are traced */
void sw_engine_calls_ended(struct sw_engine_state *engine);
void sw_engine_rest(struct sw_engine_state *engine);
void sw_engine_rest_end(struct sw_engine_state *engine);

/* engine_names.c: functions, files and lines of the stacks, when nothing is stopped any more */
void sw_engine_names(struct sw_engine_state *engine);

/* engine_said.c: a write to standard error, at its entry; what was held back of them */
void sw_engine_said(struct sw_engine_state *engine, struct sw_tracee *tracee);
void sw_engine_said_flush(struct sw_engine_state *engine, struct sw_tracee_process *process);
void sw_engine_said_flush_all(struct sw_engine_state *engine);

/* engine_restart.c: EINTR that is nobody's doing but ours */
/* At the stop that we asked for, of a thread that had not stopped before: the call that it was inside of is recorded and goes on. */
void sw_engine_restart_after_us(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t now);
/* At the stop before a signal. */
void sw_engine_restart_at_signal(struct sw_engine_state *engine, struct sw_tracee *tracee, int signal);

/* engine_rank.c; for the calling thread */
void sw_engine_rank_begin(struct sw_rank *rank);
void sw_engine_rank_look(struct sw_rank *rank, const struct sw_tracee *tracee); /* at its stop */
void sw_engine_rank_lead(struct sw_rank *rank, bool leads, int64_t now); /* or not; where it fails rank->leads stays */
void sw_engine_rank_hurry(const struct sw_rank *rank, bool on); /* for a moment, whoever else wants a processor */
void sw_engine_rank_end(struct sw_rank *rank);

/* engine_budget.c */
void sw_engine_budget_begin(struct sw_engine_state *engine);
void sw_engine_budget_stop(struct sw_engine_state *engine, struct sw_tracee *tracee);
void sw_engine_budget_release(struct sw_tracee *tracee);
bool sw_engine_budget_spent(struct sw_engine_state *engine); /* at the end of a window: whether it is too much */

/* engine_control.c */
void sw_engine_control_init(struct sw_engine_state *engine);
void sw_engine_control_end(struct sw_engine_state *engine);
void sw_engine_control(struct sw_engine_state *engine);
void sw_engine_capture(struct sw_engine_state *engine, struct sw_tracee *tracee);
void sw_engine_capture_process(struct sw_engine_state *engine, pid_t pid); /* attach: before anything is seized */
void sw_engine_place(struct sw_engine_state *engine, const struct sw_tracee *tracee, uint32_t object, int fd);

#endif
