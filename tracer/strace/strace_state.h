/* The strace reader's state: threads, what is held back, scratch memory of the call that is being decoded. Internal. */
#ifndef SW_TRACER_STRACE_STATE_H
#define SW_TRACER_STRACE_STATE_H

#include <uthash.h>

#include "src/base/mem.h"
#include "tracer/strace/strace_line.h"
#include "tracer/strace/strace_objects.h"

#define DATA_MAX 512 /* bytes of a message that are kept: a DNS message, the beginning of anything else */
#define TEXT_MAX ((size_t)1 << 20) /* a longer line is no call that matters */

struct text { /* a growing piece of text */
	char *bytes;
	size_t length, room;
};

struct thread {
	uint32_t tid, pid; /* pid: as far as known; else the thread's own number or its maker's */
	uint32_t parent;
	bool known; /* how it came to be is in the log */
	bool process; /* it is the first thread of a process */
	bool exec_seen, ended;
	bool sandboxed; /* that it is was told */
	struct descriptors *descriptors;
	/* A call that has begun and not ended: <unfinished ...>, or interrupted and to be restarted. */
	enum { PENDING_NONE, PENDING_UNFINISHED, PENDING_RESTART, PENDING_OPEN } pending;
	enum sw_sys sys;
	struct text name, arguments;
	struct text said; /* a line of standard error that has not ended */
	uint32_t call_id;
	int32_t call_fd;
	int64_t enter_ns, interrupted_ns;
	UT_hash_handle hh;
};

struct epoll_entry { /* what epoll_ctl said: the descriptor behind an epoll event's data */
	uint64_t key; /* hash of epoll object and data */
	int32_t fd;
	uint32_t socket;
};
#define EPOLL_ENTRIES 4096 /* a cache: the newest entry of a place wins */

struct sw_strace {
	const struct sw_trace_sink *sink;
	struct sw_trace_sink own_sink;
	struct objects objects;
	struct rights rights;
	struct thread *threads; /* by tid */
	struct thread *last_thread;
	struct thread *first_thread; /* the command */
	bool unknown_makers; /* a process whose maker is not in the log: sharing of descriptors is a guess */
	uint32_t last_call, last_fact;
	int64_t offset_ns, drift, since_ns;
	bool raw; /* stamps stay as they stand */
	const struct sw_strace_pin *pins; /* sorted by thread and stamp */
	size_t pin_count;
	struct sw_strace_log *logs;
	struct epoll_entry *epoll_entries;
};

struct sw_strace_log {
	struct sw_strace *strace;
	struct sw_strace_log *next;
	uint32_t pid; /* of lines that do not say */
	struct text partial; /* the line whose end has not come yet */
	bool overlong; /* skipping to the next newline */
	bool ended;
	bool stamped;
	int64_t now_ns; /* of the last line, without the offset */
	int64_t day_ns; /* midnights passed */
	int64_t cut_ns, in_cut; /* of stamps that were cut off: the one that lines stand in, and how many did */
	int64_t spent_ns; /* where the last whole line's call ended */
	struct thread *open; /* whose line waits for its rest */
	int64_t open_line;
	/* The call that is held back until its exit is bounded by the next line; its parts live here. */
	SW_ARRAY(struct sw_wait) waits;
	SW_ARRAY(struct sw_message) messages;
	SW_ARRAY(struct sw_frame) frames;
	SW_ARRAY(struct sw_wait) entry_waits;
	uint8_t data[DATA_MAX];
	struct sw_call held;
	bool holds;
	int64_t held_duration_ns; /* -1 unknown */
	struct sw_strace_summary summary;
};

struct decode { /* one call's text on its way to a record */
	struct sw_strace *strace;
	struct sw_strace_log *log;
	struct thread *thread;
	struct sw_call *call;
	int64_t now_ns;
	struct span arguments[ARGUMENTS_MAX];
	int argument_count;
	struct span result; /* empty: not there yet */
	bool ended; /* there is a result */
	bool made; /* it ended well and made a descriptor: result_fd */
	bool wanted; /* it concerns a socket */
	struct span result_note;
};

/* strace_args*.c */
typedef void decoder(struct decode *decode);
decoder *strace_decoder(enum sw_sys sys); /* NULL: the call is not decoded */
decoder strace_decode_wait_poll, strace_decode_wait_select, strace_decode_wait_epoll, strace_decode_epoll_ctl,
	strace_decode_message, strace_decode_messages, strace_decode_vector, strace_decode_move, strace_decode_sendfile,
	strace_decode_splice, strace_decode_sockopt, strace_decode_ioctl;
int64_t strace_number(const struct decode *decode, int index, int64_t absent);
static inline bool strace_ended_well(const struct decode *decode)
{
	return decode->ended && !decode->call->error;
}
/* The first argument as the call's own descriptor: fills fd and socket; the call is wanted when it leads to a socket. */
struct object *strace_own(struct decode *decode, bool certain);
void strace_say(struct decode *decode, struct object *object); /* something of it has changed */
void strace_set_nonblocking(struct decode *decode, struct object *object, bool on);
struct span strace_argument(const struct decode *decode, int index); /* empty when absent */
void strace_take_data(struct decode *decode, struct span string);
void strace_said(struct decode *decode); /* strace_said.c: a write to standard error */
/* and what had no newline yet */
void strace_said_flush(struct sw_strace *strace, struct thread *thread, int64_t now_ns);

/* strace_handed.c: descriptors in a message, SCM_RIGHTS. */
void strace_rights(struct decode *decode, struct span header, bool cloexec);
void strace_rights_release(struct sw_strace *strace);

/* strace_args.c: a descriptor argument's object. `certain`: the call is one that only sockets have. */
struct object *strace_descriptor(struct decode *decode, struct span span, int32_t *fd, bool certain);
void strace_epoll_remember(struct sw_strace *strace, uint32_t epoll, uint64_t data, int32_t fd, uint32_t socket);
bool strace_epoll_recall(const struct sw_strace *strace, uint32_t epoll, uint64_t data, int32_t *fd, uint32_t *socket);

/* strace_threads.c */
struct thread *strace_thread(struct sw_strace *strace, uint32_t tid, int64_t now_ns);
void strace_thread_made(struct sw_strace *strace, struct thread *maker, uint32_t tid, uint64_t clone_flags,
			int64_t now_ns);
/* its descriptors are its own from here on */
void strace_thread_alone(struct sw_strace *strace, struct thread *thread);
void strace_thread_exec(struct sw_strace *strace, struct thread *thread, struct span arguments, int64_t now_ns);
void strace_thread_end(struct sw_strace *strace, struct thread *thread, int32_t code, int32_t signal, int64_t now_ns);
/* A thread that called exec goes on under its process's number. */
void strace_thread_superseded(struct sw_strace *strace, uint32_t tid);
void strace_threads_said(struct sw_strace *strace, int64_t now_ns); /* of all: lines that never ended */
void strace_threads_release(struct sw_strace *strace);
void strace_process_known(struct sw_strace *strace, uint32_t pid, int64_t now_ns); /* SIGCHLD named it */

/* strace_stamps.c */
uint32_t strace_who(const struct sw_strace_log *log, const struct line *line); /* whose line it is */
void strace_stamp(struct sw_strace_log *log, const struct line *line); /* log->now_ns */
void strace_stamp_spend(struct sw_strace_log *log, const struct line *line);

/* strace_marks.c */
void strace_mark_signal(struct sw_strace_log *log, struct thread *thread, const struct line *line);
void strace_mark_end(struct sw_strace_log *log, struct thread *thread, const struct line *line);
void strace_mark_stack(struct sw_strace_log *log, struct span text);

void text_set(struct text *text, struct span span);
void text_add(struct text *text, struct span span);
struct span text_span(const struct text *text);

#endif
