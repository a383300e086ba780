/* Which socket is it? Asked of the kernel, not simulated: /proc's link names the inode; pidfd_getfd answers the rest.
 *
 * Runs in the tracer's process only. Enters: thread and descriptor. Leaves: the session's object ids and struct
 * sw_socket records handed to the sink when new or changed. "fd N of that process is object M, or none" is remembered until a
 * close, dup2, close_range, exec or unshare says otherwise, and verified at failures. Sources: proc(5), pidfd_getfd(2),
 * sock_diag(7), socket(7). */
#ifndef SW_TRACER_IDENTITY_H
#define SW_TRACER_IDENTITY_H

#include <sys/types.h>

#include "src/base/err.h"
#include "tracer/call.h"

struct sw_identity;

#define SW_NO_GETFD 0x1u /* as if pidfd_getfd were refused (test switch) */
#define SW_NO_DIAG 0x2u /* as if sock_diag were refused */
#define SW_NO_NETLINK 0x4u /* as if NETLINK_ROUTE were refused */

struct sw_identity *sw_identity_new(const struct sw_trace_sink *sink, unsigned switches);
void sw_identity_free(struct sw_identity *identity);

/* The object behind a descriptor; 0: it is no socket and no epoll (and that is remembered). 4 us when not remembered. */
uint32_t sw_identity_object(struct sw_identity *identity, pid_t pid, pid_t tid, int fd);
const struct sw_socket *sw_identity_socket(struct sw_identity *identity, uint32_t object); /* NULL unknown */

/* What the calls change. `refresh` asks the kernel (pidfd_getfd, else sock_diag) for addresses, type, protocol, flags, state and
 * says the socket anew when something changed; never called while another thread is in close() of it (the engine knows).
 * `detail` also takes TCP_INFO and says it as a fact. Returns whether the kernel answered. */
enum sw_identity_detail { SW_DETAIL_ADDRESSES, SW_DETAIL_TCP_INFO };
bool sw_identity_refresh(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint32_t object, enum sw_identity_detail detail);
/* What a call itself says of a socket (arguments of socket, bind, connect), where the kernel cannot be asked. */
void sw_identity_learn(struct sw_identity *identity, uint32_t object, const struct sw_call *call);
uint32_t sw_identity_epoll_created(struct sw_identity *identity, pid_t pid, int fd);

/* The session's number of the network namespace that a thread is in now (0: the first seen) and its inode; the link in /proc
 * is read each time, so ask only when it may have changed. 0 with inode 0 when it cannot be read. */
uint32_t sw_identity_netns(struct sw_identity *identity, pid_t tid, uint64_t *inode);

void sw_identity_closed(struct sw_identity *identity, pid_t pid, int fd); /* forget what the descriptor is */
void sw_identity_closed_range(struct sw_identity *identity, pid_t pid, unsigned first, unsigned last);
void sw_identity_forked(struct sw_identity *identity, pid_t parent, pid_t child);
void sw_identity_exec(struct sw_identity *identity, pid_t pid);
void sw_identity_ended(struct sw_identity *identity, pid_t pid);
void sw_identity_inherited(struct sw_identity *identity, pid_t pid); /* say the sockets that the process has now */

#endif
