/* Asking a socket of another process by a short-lived duplicate: pidfd_getfd(2).
 *
 * Enters: a process, a descriptor, the inode that it must lead to. Leaves: what getsockname, getpeername and
 * harmless getsockopts answer. The duplicate has side effects (a close of the program's meanwhile is not the last
 * one), so it lives for microseconds. SO_ERROR is never read: reading takes it from the program. Knows nothing of
 * sessions and object ids. */
#ifndef SW_TRACER_GETFD_H
#define SW_TRACER_GETFD_H

#include <sys/types.h>

#include "src/base/addr.h"

#define SW_TCP_INFO_ROOM 512 /* struct tcp_info grows with the kernel */

struct sw_getfd_answer {
	uint64_t inode, cookie;
	uint64_t netns_cookie; /* 0: kernel before 5.14 */
	uint64_t netns_inode; /* SW_GETFD_NETNS: by SIOCGSKNS (CAP_NET_ADMIN there); else 0 */
	uint32_t uid; /* owner of the inode: its maker */
	int domain, type, protocol; /* -1 unknown */
	bool listening, nonblocking, lingers;
	uint32_t mark, device;
	int tos; /* IP_TOS or IPV6_TCLASS; 0 by default */
	int64_t receive_timeout_ns, send_timeout_ns; /* SO_RCVTIMEO, SO_SNDTIMEO; 0 none */
	struct sw_addr local, remote; /* remote.present false: not connected */
	bool has_memory; /* SW_GETFD_TCP_INFO, of a datagram socket: SO_MEMINFO */
	uint32_t receive_used, receive_limit, drops;
	uint32_t tcp_info_length; /* 0: not asked, or no TCP */
	uint8_t tcp_info[SW_TCP_INFO_ROOM];
};

#define SW_GETFD_TCP_INFO 0x1u
#define SW_GETFD_NETNS 0x2u

/* Fills `answer`, with what costs more where `want` says so; 0 or a negative errno (ENOSYS old kernel; EPERM not
 * dumpable; EBADF, ESTALE: the descriptor is another's by now). *pidfd is the process's cached pidfd, opened here
 * when -1; the caller closes it. inode 0: whatever is there. */
int sw_getfd_ask(pid_t pid, pid_t tid, int *pidfd, int fd, uint64_t inode, unsigned want,
		 struct sw_getfd_answer *answer);

#endif
