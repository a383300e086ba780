/* The table of tracees: threads by id, thread groups by id, and what the engine must remember of each between two stops.
 *
 * Looked up by hash at every stop; entries are taken from a free list, so that a steady state allocates nothing. Knows nothing of
 * ptrace requests and of records. */
#ifndef SW_TRACER_TRACEE_H
#define SW_TRACER_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "tracer/call.h"
#include "tracer/kernel/proc.h"

/* how a call passes its arguments, and how large a pointer in its structures is */
enum sw_abi {
	SW_ABI_NATIVE, /* x86-64 */
	SW_ABI_X32, /* 64-bit registers, 32-bit pointers */
	SW_ABI_I386,
	SW_ABI_COUNT,
};

#define SW_SET_FDS 4096u /* descriptors of a select that are remembered */

struct sw_entry { /* a call as the kernel was asked, from the entry stop */
	enum sw_sys sys;
	enum sw_abi abi;
	bool wide_time; /* its timespec and timeval have 64-bit fields */
	uint64_t number;
	uint64_t raw[6]; /* registers */
	uint64_t args[6]; /* arguments: differ where i386 passes them in memory */
	uint64_t ip, sp;
};

struct sw_tracee_process { /* a thread group */
	pid_t pid, parent;
	uint32_t threads; /* in the table */
	uint32_t alive; /* that have not said that they exit */
	uint32_t arriving; /* attached, not yet stopped for the first time */
	bool is_command;
	bool unborn; /* the tool's own child, not yet the command */
	bool begun; /* said to the sink */
	bool sockets; /* it has used one */
	struct sw_said *said; /* engine_said.c; NULL: nothing on standard error */
	UT_hash_handle hh;
};

struct sw_tracee { /* a thread */
	pid_t tid;
	struct sw_tracee_process *process;
	bool every_stop; /* runs with PTRACE_SYSCALL: no filter, or the program's own outranks it */
	bool inside; /* between the entry and the exit stop of a call */
	bool recorded; /* the call inside is recorded */
	bool filtered; /* the filter's stop was seen for the call inside */
	bool stopped; /* in a group stop */
	bool netns_asked; /* its network namespace is known to have a capture */
	bool untraced; /* the clone inside asked for CLONE_UNTRACED, which was cleared */
	bool interrupted; /* `waiting` ended with ERESTART*: the kernel may restart it */
	bool hanging; /* in the list of connects that are asked when they block */
	bool arriving; /* attached, and not yet stopped for the first time */
	/* attached, and not interrupted yet */
	enum sw_patience {
		SW_PATIENCE_NONE,
		SW_PATIENCE_A_WHILE, /* its wait has a limit of time, which would begin anew */
		SW_PATIENCE_TO_THE_END, /* it writes: an interruption would show as a short count */
	} patience;
	bool interrupted_by_us; /* attached: told to stop */
	bool let_go; /* attached: runs on without stopping at its calls */
	bool restarts; /* its EINTR was replaced by ERESTARTNOINTR */
	uint32_t slices; /* a while: how often it had run; to the end: looks in a row that did not find it inside */
	uint64_t patient_call; /* to the end: digest of the call */
	int64_t stopped_at; /* monotonic; 0: it runs */
	int64_t released_at; /* monotonic: it was last let go */
	struct sw_tracee_price { /* of this window, see engine_budget.c */
		int64_t stopped_ns; /* seen */
		int64_t unseen_ns; /* from experience */
		int64_t free_ns; /* between a release outside of calls and the next stop: nothing but running */
		int64_t long_ns; /* inside of calls so long that they blocked */
		uint32_t stops, long_calls;
		struct sw_proc_sched at_begin;
		bool measured; /* at_begin is */
	} price;
	unsigned stopped_share; /* of 1000, moving average */
	uint64_t clone_flags; /* untraced: as the program passed them */
	struct sw_entry at; /* the call inside */
	struct sw_call call;
	struct sw_entry waiting_at; /* the interrupted call */
	struct sw_call waiting;
	struct sw_wait *waiting_waits; /* its set, NULL none: memory is the program's again by the time it is said */
	int64_t hanging_at;
	struct sw_tracee *hanging_next, *hanging_previous;
	uint32_t set_count; /* select: descriptors in the sets */
	uint8_t sets[3][SW_SET_FDS / 8]; /* as asked: the kernel overwrites them */
	UT_hash_handle hh;
};

struct sw_tracees {
	struct sw_tracee *threads;
	struct sw_tracee_process *processes;
	struct sw_tracee *free_threads; /* by hanging_next */
	uint32_t count;
};

struct sw_tracee *sw_tracee_find(struct sw_tracees *tracees, pid_t tid);
struct sw_tracee_process *sw_tracee_process_find(struct sw_tracees *tracees, pid_t pid);
struct sw_tracee *sw_tracee_add(struct sw_tracees *tracees, pid_t tid, pid_t pid);
void sw_tracee_rename(struct sw_tracees *tracees, struct sw_tracee *tracee, pid_t tid); /* exec from a thread */
void sw_tracee_remove(struct sw_tracees *tracees, struct sw_tracee *tracee); /* and its process with its last thread */
void sw_tracees_release(struct sw_tracees *tracees);

/* The memory of a stopped (or blocked) thread. Bytes read from the start, fewer at an unreadable page, 0 none. */
size_t sw_tracee_read(const struct sw_tracee *tracee, uint64_t address, void *buffer, size_t length);
bool sw_tracee_read_all(const struct sw_tracee *tracee, uint64_t address, void *buffer, size_t length);
bool sw_tracee_write(const struct sw_tracee *tracee, uint64_t address, const void *bytes, size_t length);
/* of an array of longs or pointers */
uint64_t sw_tracee_word(const struct sw_tracee *tracee, const void *bytes, size_t index);
size_t sw_tracee_word_size(const struct sw_tracee *tracee);

#endif
