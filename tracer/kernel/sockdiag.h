/* sock_diag(7): sockets as the kernel lists them, for those that no descriptor answers for.
 *
 * Enters: a namespace, an inode, a port or a path. Leaves: struct sw_diag records. Every question has a time limit;
 * what was not looked at in time is said. Needs no privilege (details of others' sockets may be missing). */
#ifndef SW_TRACER_SOCKDIAG_H
#define SW_TRACER_SOCKDIAG_H

#include <sys/types.h>

#include "tracer/kernel/getfd.h"
#include "tracer/kernel/netlink_space.h"

struct sw_diag {
	uint64_t inode, cookie;
	int domain, type, protocol; /* -1 unknown */
	uint8_t state; /* TCP_ESTABLISHED = 1 ... TCP_LISTEN = 10, for AF_UNIX too */
	uint32_t uid, device;
	bool has_mark;
	uint32_t mark;
	uint32_t receive_queue, send_queue; /* of a listener: accept queue and its limit */
	struct sw_addr local, remote;
	uint32_t vfs_inode, vfs_device; /* AF_UNIX: of the path; 0 none */
	uint32_t tcp_info_length;
	uint8_t tcp_info[SW_TCP_INFO_ROOM];
};

#define SW_DIAG_PATIENCE_NS INT64_C(10000000)

typedef bool sw_diag_each(void *context, const struct sw_diag *socket); /* false ends it */

/* The socket with that inode, of the family and protocol where they are known (else -1: each is tried). 0, or
 * -ENOENT, ... */
int sw_diag_by_inode(struct sw_spaces *spaces, uint32_t netns, uint64_t inode, int domain, int protocol,
		     struct sw_diag *found);
struct sw_diag_wanted {
	int domain, protocol; /* AF_INET or AF_INET6, IPPROTO_TCP or IPPROTO_UDP */
	uint32_t states; /* bits 1 << TCP_* */
	uint16_t local_port; /* 0: any */
	const struct sw_endpoint *remote; /* NULL: any */
};

/* The sockets wanted. 0: all of them; -ETIMEDOUT, -ECANCELED: not all. */
int sw_diag_inet(struct sw_spaces *spaces, uint32_t netns, const struct sw_diag_wanted *wanted, sw_diag_each *each,
		 void *context);
int sw_diag_unix(struct sw_spaces *spaces, uint32_t netns, uint32_t states, sw_diag_each *each, void *context);
const char *sw_diag_state_name(unsigned state); /* "listen", "time-wait", ...; "unknown" */

#endif
