/* The engine that watches a command: starts it, follows its threads and children to their end, and says what they asked the kernel.
 *
 * Enters: a command and a sink (usually sw_wire_sink() of a ring to the recorder's process). Leaves: records, and the
 * command's wait status. It runs in the process that the shell waits for, which is the command's parent and its
 * tracer; it opens no file for writing and prints nothing. All ptrace calls are made by the calling thread. This header is all that the
 * program knows of ptrace: another engine (tracepoints) can stand behind the same functions.
 *
 * Order in the program: sw_engine_reserve_stdio() first of all; the ring and sw_control_open(); fork of the recorder, which keeps
 * its end of the control channel; then sw_engine_run() in the first process; then wait for the recorder, then sw_engine_end_like(). */
#ifndef SW_TRACER_ENGINE_H
#define SW_TRACER_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "src/base/err.h"
#include "tracer/call.h"
#include "tracer/engine/control.h"
#include "tracer/kernel/identity.h"

struct sw_engine_attach { /* whom to follow */
	const pid_t *pids; /* the first is the one that the report names */
	size_t count;
	bool only; /* not their children */
	pid_t tool; /* the process of this tool that has started all its others: never followed */
	bool no_calls; /* sockets alone: nothing is traced */
	unsigned budget; /* percent of its time that a thread may be stopped; above it the calls are let go */
	int64_t duration_ns; /* 0: until told to end */
};

struct sw_engine_options {
	char *const *argv; /* the command; argv[0] is looked up in PATH */
	const char *user; /* --user NAME: run the command as that user (root only); NULL: as it is */
	bool detachable; /* no seccomp filter: slower, and the command outlives the tracer */
	bool no_stacks; /* no user stacks at failures */
	bool no_facts; /* no route, neighbour, limit look-ups at failures */
	unsigned switches; /* SW_NO_GETFD, SW_NO_DIAG, SW_NO_NETLINK: as if the kernel refused (tests) */
	int control_fd; /* the engine's end of the control channel; -1: nobody to ask, nothing waits for a capture */
	/* A child of this process that is no tracee has ended (the recorder). The engine goes on. May be NULL. */
	void (*child_ended)(void *context, pid_t pid, int status);
	void *child_context;
	/* run, after SW_CONTROL_STOP: the sink has heard the last word. The command goes on, and all that the engine does is to let it. From
	 * another thread, with child_context. May be NULL. */
	void (*enough)(void *context);
};

/* Runs the command until the last tracee is gone. 0 with `*status` as from wait(2), or a negative errno with err set and
 * nothing left running; `*status` then holds the exit status that the shell has for it (126 cannot be run, 127 not found,
 * 125 the tool's own failure), in the form of wait(2). */
int sw_engine_run(const struct sw_engine_options *options, const struct sw_trace_sink *sink, int *status,
		  struct sw_err *err);

/* Follows processes that run already (argv and user are not used) until they end, the duration is over, this process is told
 * to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT) or the recorder says so (SW_CONTROL_STOP). They then run on as before. The tracing is
 * done by a thread of its own, whose end lets go of them without interrupting anything: it has ended when this returns. 0, or a
 * negative errno with err set and nothing traced. */
int sw_engine_attach(const struct sw_engine_options *options, const struct sw_engine_attach *attach,
		     const struct sw_trace_sink *sink, struct sw_err *err);

/* Where standard input, output or error came closed, /dev/null is opened in their place, close-on-exec: no descriptor of the
 * tool lands there, and the command finds them closed again. Call before anything else is opened. */
void sw_engine_reserve_stdio(void);

/* Ends this process as the command ended: exit with its status, or death by its signal without a core. Never returns. */
void sw_engine_end_like(int status) __attribute__((noreturn));

#endif
