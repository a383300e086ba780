/* Which socket is it? Asked of the kernel, not simulated: /proc's link names the inode; pidfd_getfd answers the
 * rest.
 *
 * Runs in the tracer's process only. Enters: thread and descriptor. Leaves: the session's object ids and struct
 * sw_socket records handed to the sink when new or changed. "fd N of that process is object M, or none" is
 * remembered until a close, dup2, close_range, exec or unshare says otherwise, and verified at failures. Sources:
 * proc(5), pidfd_getfd(2), sock_diag(7), socket(7). */
#ifndef SW_TRACER_IDENTITY_H
#define SW_TRACER_IDENTITY_H

#include <sys/types.h>

#include "src/base/err.h"
#include "tracer/call.h"

struct sw_identity;
struct sw_spaces;

#define SW_NO_GETFD 0x1u /* as if pidfd_getfd were refused (test switch) */
#define SW_NO_DIAG 0x2u /* as if sock_diag were refused */
#define SW_NO_NETLINK 0x4u /* as if NETLINK_ROUTE were refused */

struct sw_identity *sw_identity_new(const struct sw_trace_sink *sink, unsigned switches);
void sw_identity_free(struct sw_identity *identity);

/* The object behind a descriptor; 0: it is no socket and no epoll (and that is remembered). 4 us when not
 * remembered. */
uint32_t sw_identity_object(struct sw_identity *identity, pid_t pid, pid_t tid, int fd);
/* The same for a descriptor that a call has just returned: whatever was remembered of that number is void. Where the
 * kernel does not let us look (a process that is not dumpable), an object is made up for it, and the calls say the
 * rest (sw_identity_learn). */
uint32_t sw_identity_made(struct sw_identity *identity, pid_t pid, pid_t tid, int fd);
/* After dup, dup2, dup3, F_DUPFD: `to` leads where `from` does. Costs nothing where `from` is remembered. */
uint32_t sw_identity_duplicated(struct sw_identity *identity, pid_t pid, pid_t tid, int from, int to);
/* At a failure that what we remember may explain (EBADF, ENOTSOCK, ...): asks the kernel anew. */
uint32_t sw_identity_verify(struct sw_identity *identity, pid_t pid, pid_t tid, int fd);
/* Whether `fd` is the last descriptor of the object among the traced processes, as far as known; asked before
 * sw_identity_closed(). SW_CALL_LAST_CLOSE, SW_CALL_SHARED_CLOSE, or 0: not known (it was handed on, or came from
 * outside). */
uint32_t sw_identity_last(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint32_t object);
const struct sw_socket *sw_identity_socket(struct sw_identity *identity, uint32_t object); /* NULL unknown */

/* What the calls change. `refresh` asks the kernel (pidfd_getfd, else sock_diag) for addresses, type, protocol,
 * flags, state and says the socket anew when something changed; never called while another thread is in close() of
 * it (the engine knows). `detail` also takes TCP_INFO and says it as a fact. Returns whether the kernel answered. */
enum sw_identity_detail { SW_DETAIL_ADDRESSES, SW_DETAIL_TCP_INFO };
bool sw_identity_refresh(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint32_t object,
			 enum sw_identity_detail detail);
/* What a call itself says of a socket (arguments of socket, bind, connect), where the kernel cannot be asked. */
void sw_identity_learn(struct sw_identity *identity, uint32_t object, const struct sw_call *call);
uint32_t sw_identity_epoll_created(struct sw_identity *identity, pid_t pid, int fd);

/* From here on nothing is said. */
void sw_identity_mute(struct sw_identity *identity);

void sw_identity_closed(struct sw_identity *identity, pid_t pid, int fd); /* forget what the descriptor is */
void sw_identity_closed_range(struct sw_identity *identity, pid_t pid, unsigned first, unsigned last);
void sw_identity_forked(struct sw_identity *identity, pid_t parent, pid_t child);
void sw_identity_exec(struct sw_identity *identity, pid_t pid);
void sw_identity_ended(struct sw_identity *identity, pid_t pid);
void sw_identity_inherited(struct sw_identity *identity, pid_t pid); /* say the sockets that the process has now */
/* After clone(CLONE_FILES) without CLONE_THREAD, or unshare(CLONE_FILES), close_range(CLOSE_RANGE_UNSHARE) by a
 * thread: nothing is remembered by process any more. */
void sw_identity_unshared(struct sw_identity *identity, pid_t pid);

/* The descriptor was handed to a process that may not be traced (SCM_RIGHTS, pidfd_getfd): its last close is no
 * longer known. */
void sw_identity_handed_on(struct sw_identity *identity, uint32_t object);

/* Where the object was last used: which descriptor to ask for it. NULL: nowhere, or it is forgotten. */
struct sw_place {
	pid_t pid, tid;
	int fd;
};
void sw_identity_place(struct sw_identity *identity, uint32_t object, const struct sw_place *place);
const struct sw_place *sw_identity_placed(struct sw_identity *identity, uint32_t object);

/* The session's number of the thread's network namespace (0: the tool's own, and where it cannot be asked). A new
 * one is said as fact "netns" with its inode and a process that is in it. */
uint32_t sw_identity_netns(struct sw_identity *identity, pid_t pid, pid_t tid);
/* Whether its last TCP_INFO said SYN_SENT: a connect that nobody has answered yet. */
bool sw_identity_connecting(struct sw_identity *identity, uint32_t object);
struct sw_spaces *sw_identity_spaces(struct sw_identity *identity); /* for the probes */
uint32_t sw_identity_fact_id(struct sw_identity *identity); /* the next id, for facts that others say */

#endif
