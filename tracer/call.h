/* What the process asked and what the kernel answered, as plain data: sockets, calls, process events, facts.
 *
 * Made by the live tracer, by the strace reader and by the case and incident readers; read by the correlator and the
 * reports, which need to know nothing of ptrace. Everything pointed to is valid only while the record is delivered:
 * who keeps a record copies it (sw_call_copy). Ids are 1-based, unique in a session (0: none). */
#ifndef SW_TRACER_CALL_H
#define SW_TRACER_CALL_H

#include "src/base/addr.h"
#include "src/base/clock.h"
#include "tracer/sys.h"

/* ---- objects that descriptors lead to ------------------------------------------------------------------------- */

enum sw_object_kind {
	SW_OBJECT_UNKNOWN,
	SW_OBJECT_SOCKET,
	SW_OBJECT_EPOLL,
	SW_OBJECT_OTHER, /* a pipe, file, eventfd, terminal ...: recorded only where a wait or a call needs it */
};

#define SW_SOCKET_INHERITED                                                                                            \
	0x01u /* was there before the session (run: inherited by the command; attach: open already) */
#define SW_SOCKET_PAIR 0x02u /* made by socketpair(2) */
#define SW_SOCKET_NONBLOCKING 0x04u /* O_NONBLOCK, as last seen */
#define SW_SOCKET_LISTENING 0x08u
#define SW_SOCKET_ACCEPTED 0x10u
#define SW_SOCKET_MAPPED 0x20u /* an AF_INET6 socket that speaks IPv4 */
#define SW_SOCKET_IO_URING 0x40u /* registered with io_uring: its calls are invisible */
#define SW_SOCKET_MPTCP 0x80u
#define SW_SOCKET_BOUND 0x100u /* local end by an explicit bind(2) */
#define SW_SOCKET_GONE 0x200u /* said last: no traced process holds it any more, and no close told so */

/* Said anew, with the same id, whenever more is known of it (addresses, state, flags). */
struct sw_socket {
	uint32_t id;
	enum sw_object_kind kind;
	uint32_t flags; /* SW_SOCKET_* */
	uint64_t inode; /* of sockfs, 0 unknown */
	uint64_t cookie; /* SO_COOKIE, 0 unknown */
	uint32_t netns; /* session's number of its network namespace; 0: the first */
	int32_t domain, type, protocol; /* AF_*, SOCK_* without flags, IPPROTO_*; -1 unknown */
	uint32_t uid; /* of its maker */
	uint32_t mark; /* SO_MARK */
	uint32_t device; /* bound interface's index, 0 none */
	int64_t since_ns; /* when this was learnt */
	struct sw_addr local, remote;
};

/* ---- calls ---------------------------------------------------------------------------------------------------- */

#define SW_CALL_UNFINISHED 0x01u /* still in the kernel when the record ends; exit_ns is SW_TIME_NONE */
#define SW_CALL_NONBLOCKING 0x02u /* O_NONBLOCK or MSG_DONTWAIT */
#define SW_CALL_RESTARTED 0x04u /* continued by the kernel after a signal or stop; enter_ns is the first entry */
#define SW_CALL_BY_TOOL 0x08u /* its EINTR is this tool's doing, not the program's */
#define SW_CALL_STARTED_BEFORE 0x10u /* was under way when the tool came; enter_ns is when the tool came */
#define SW_CALL_PEEK 0x20u /* MSG_PEEK */
#define SW_CALL_ERRQUEUE 0x40u /* MSG_ERRQUEUE */
#define SW_CALL_LAST_CLOSE 0x80u /* close: known to be the last descriptor of the object */
#define SW_CALL_SHARED_CLOSE 0x100u /* close: another descriptor of the object is known to remain */
#define SW_CALL_INJECTED 0x200u /* answered by the program's own seccomp filter, never run by the kernel */
#define SW_CALL_FASTOPEN 0x400u /* MSG_FASTOPEN or TCP_FASTOPEN_CONNECT */
#define SW_CALL_WAITALL 0x800u /* MSG_WAITALL */

struct sw_wait { /* one descriptor of a poll, select or epoll call */
	uint32_t socket; /* object id; 0 unknown (epoll results: found by `data` from epoll_ctl) */
	int32_t fd; /* -1 unknown */
	uint32_t asked, got; /* EPOLLIN, EPOLLOUT, ... also for poll (same bits) and select (IN, OUT, PRI) */
	uint64_t data; /* epoll: epoll_data */
};

struct sw_message { /* one datagram of sendmmsg, recvmmsg */
	int64_t bytes;
	struct sw_addr addr;
};

struct sw_frame { /* one frame of a user stack, innermost first */
	uint64_t address, offset; /* absolute; within the function, where that is unknown in the object */
	char object[64]; /* "libc.so.6", base name; "" unknown */
	char function[96]; /* "" unknown */
	char file[96];
	uint32_t line; /* 0 unknown */
};

#define SW_TIMEOUT_NONE INT64_C(-2) /* the call has no timeout argument */
#define SW_TIMEOUT_INFINITE INT64_C(-1)

struct sw_call {
	uint32_t id;
	uint32_t pid, tid; /* thread group and thread, as the tool's namespace numbers them */
	enum sw_sys sys;
	uint32_t flags; /* SW_CALL_* */
	int32_t fd; /* -1 none. poll, select: -1 */
	uint32_t socket; /* object of fd; accept: the listener; epoll_*: the epoll instance */
	int32_t fd2; /* new descriptor of accept, dup, socketpair's second; epoll_ctl's target; splice's and sendfile's input; else -1 */
	uint32_t socket2; /* object of fd2 */
	int64_t enter_ns; /* before the thread was let go */
	int64_t exit_ns; /* after the kernel answered; SW_TIME_NONE while inside */
	int64_t exit_bound_ns; /* imported logs: the thread's next line, upper bound of the true exit; else exit_ns */
	int64_t result; /* >= 0, or -1 */
	int32_t error; /* errno, 0 none; ERESTART* are never here */
	int32_t request; /* epoll_ctl op; fcntl cmd; ioctl request; shutdown how; socket(): domain; prctl, seccomp op */
	int32_t level, option; /* getsockopt, setsockopt; socket(): type with flags, protocol; accept4: flags */
	int64_t value; /* option or argument value (first 8 bytes as a number; timeval: ns; linger: -1 off, else seconds) ; listen: backlog */
	int64_t bytes; /* bytes asked to move (sum of iovecs; datagrams: sum); -1 not applicable */
	int64_t timeout_ns; /* of a wait; SW_TIMEOUT_INFINITE; SW_TIMEOUT_NONE */
	struct sw_addr addr; /* connect, bind, sendto: asked; accept, recvfrom, getsockname, getpeername: answered */
	uint32_t wait_count, message_count, stack_count, data_count;
	/* poll, select: the whole set; epoll_wait: what was reported; epoll_ctl: one (asked, data) */
	const struct sw_wait *waits;
	const struct sw_message *messages;
	const struct sw_frame *stack; /* failures only */
	const uint8_t *data; /* first bytes moved, where they were recorded (strace -s, port 53) */
};

/* ---- processes ------------------------------------------------------------------------------------------------ */

enum sw_process_event {
	SW_PROCESS_BEGIN, /* began (fork, clone) or was attached to */
	SW_PROCESS_EXEC,
	SW_PROCESS_EXIT, /* the whole process; sockets that nobody else holds are closed by it */
	SW_PROCESS_SIGNAL, /* a signal was delivered (value: number); timers' ones end blocking calls */
};

struct sw_process {
	enum sw_process_event event;
	uint32_t pid, tid, parent; /* as the tool's namespace numbers them */
	uint32_t inside; /* its number in its own PID namespace; 0: the same, or unknown */
	int64_t time_ns;
	int32_t code; /* exit status, or -1 */
	int32_t signal; /* that killed it, or was delivered; 0 none */
	bool is_command; /* its status becomes the command's */
	const char *comm; /* at most 15 characters, UTF-8 not assured */
	const char *command_line; /* arguments separated by blanks, NULL unknown */
};

/* ---- facts ---------------------------------------------------------------------------------------------------- */

/* What else was true and cannot be asked afterwards: a kind and named values, so that a new fact needs no new structure.
 * The kinds and their fields are listed in tracer/facts.md (checked by a test); numbers and texts never mix in one name. */
struct sw_field {
	const char *name; /* "rtt_us" */
	const char *text; /* NULL: a number */
	int64_t number;
};

struct sw_fact {
	uint32_t id;
	/* "tcp-info", "route", "neighbor", "port-range", "fd-limit", "unix-path", "port-holder", "counters", "sysctl" */
	const char *kind;
	int64_t time_ns;
	uint32_t pid, tid, socket, call; /* 0 none */
	uint32_t field_count;
	const struct sw_field *fields;
};

const struct sw_field *sw_fact_field(const struct sw_fact *fact, const char *name); /* NULL when absent */
int64_t sw_fact_number(const struct sw_fact *fact, const char *name, int64_t absent);
const char *sw_fact_text(const struct sw_fact *fact, const char *name); /* NULL when absent */

/* What the tool could not do or see, once each. */
struct sw_limit {
	const char *what; /* "no right to capture packets (CAP_NET_RAW)" */
	const char *costs; /* "verdicts rest on calls alone" */
};

/* ---- delivery ------------------------------------------------------------------------------------------------- */

/* Whoever makes such records hands them to a sink. A call is delivered twice: when it is entered (exit_ns
 * SW_TIME_NONE, results not yet there) and when it is left; a reader that learns both at once calls both.
 * Any function may be NULL. */
struct sw_trace_sink {
	void *context;
	void (*socket)(void *context, const struct sw_socket *socket);
	void (*enter)(void *context, const struct sw_call *call);
	void (*leave)(void *context, const struct sw_call *call);
	void (*process)(void *context, const struct sw_process *process);
	void (*fact)(void *context, const struct sw_fact *fact);
	void (*limit)(void *context, const struct sw_limit *limit);
};

/* Deep copies, one allocation each; released with free(). */
struct sw_call *sw_call_copy(const struct sw_call *call);
struct sw_fact *sw_fact_copy(const struct sw_fact *fact);

/* The call as it was when it was entered: without results, for who learns both at once. `waits` has room for call->wait_count. */
void sw_call_entry(const struct sw_call *call, struct sw_call *entry, struct sw_wait *waits);

/* One line in strace's notation without time and thread: "connect(3, 10.0.0.2:80) = -1 ECONNREFUSED". Never longer than
 * `size`; control characters escaped. Returns buffer. */
char *sw_call_text(const struct sw_call *call, char *buffer, size_t size);
char *sw_fact_line(const struct sw_fact *fact, char *buffer, size_t size); /* "route 10.0.0.2 unreachable ..." */

#endif
