/* The network namespaces of a session: their numbers, netlink sockets in them, and short errands inside.
 *
 * Enters: what is known of a namespace (nsfs inode, SO_NETNS_COOKIE, a thread in it). Leaves: its number (0: this
 * process's own), said once to the sink as fact "netns". A socket keeps its namespace alive, so those in foreign
 * ones go when the process ends through which they were opened. Sources: network_namespaces(7), setns(2),
 * ioctl_ns(2). */
#ifndef SW_TRACER_NETLINK_SPACE_H
#define SW_TRACER_NETLINK_SPACE_H

#include <sys/types.h>

#include "tracer/call.h"
#include "tracer/kernel/netlink.h"

struct sw_spaces;

#define SW_SPACE_UNKNOWN UINT32_MAX

struct sw_spaces *sw_spaces_new(const struct sw_trace_sink *sink, uint32_t *fact_ids);
void sw_spaces_mute(struct sw_spaces *spaces); /* nothing is said from here on */
void sw_spaces_free(struct sw_spaces *spaces);

/* The number of the namespace with that cookie, SW_SPACE_UNKNOWN when it was not met. */
uint32_t sw_spaces_by_cookie(const struct sw_spaces *spaces, uint64_t cookie);
/* The number of a namespace, a new one when it was not met; 0 as inode or cookie: not known. The thread is in it. */
uint32_t sw_spaces_number(struct sw_spaces *spaces, uint64_t inode, uint64_t cookie, pid_t pid, pid_t tid);
/* That of the namespace that the thread is in now; 0 when it cannot be asked. */
uint32_t sw_spaces_of_thread(struct sw_spaces *spaces, pid_t pid, pid_t tid);
void sw_spaces_ended(struct sw_spaces *spaces, pid_t pid);

/* Runs `errand` inside the namespace; its result, or a negative errno when there is no way in. The errand may open
 * descriptors and write memory; it may not allocate, lock, or call stdio: it runs beside the stopped caller, on a
 * small stack. */
int sw_spaces_run(struct sw_spaces *spaces, uint32_t number, int (*errand)(void *context), void *context);
/* Asks in the namespace over `protocol` (NETLINK_ROUTE, ...), for at most `patience_ns`; as sw_netlink_ask. */
int sw_spaces_ask(struct sw_spaces *spaces, uint32_t number, int protocol, struct sw_netlink_request *request,
		  int64_t patience_ns, sw_netlink_each *each, void *context);
/* A netlink socket there for ioctls of devices (SIOCGIFNAME), not to be closed; negative errno. */
int sw_spaces_socket(struct sw_spaces *spaces, uint32_t number, int protocol);

#endif
