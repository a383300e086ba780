/* The inside of the probes: one question, and the probes that answer it. For probe*.c alone.
 *
 * A question is what was asked of the kernel by whom, in which namespace. Each probe says at most one fact of its
 * kind, and none where the kernel refuses. */
#ifndef SW_TRACER_PROBE_ASK_H
#define SW_TRACER_PROBE_ASK_H

#include "tracer/kernel/netlink_space.h"
#include "tracer/kernel/probe.h"
#include "tracer/kernel/probe_fact.h"

#define SW_PROBE_PATIENCE_NS (5 * SW_NS_PER_MS)
#define SW_PROBE_SEARCH_NS (25 * SW_NS_PER_MS) /* a walk through all processes */

struct sw_question {
	struct sw_probe *probe;
	struct sw_spaces *spaces;
	const struct sw_call *call;
	const struct sw_socket *socket; /* may be NULL */
	unsigned switches; /* SW_NO_* */
	uint32_t netns;
	pid_t pid, tid;
	int tos;
	struct sw_addr to; /* where the call went: its own address, else the socket's remote end */
};

/* Whether `kind` with that key may be asked now (at most four times a second each). */
bool sw_probe_fresh(struct sw_question *question, const char *kind, const void *key, size_t length);
void sw_probe_say(struct sw_question *question, struct sw_fact_draft *draft);
/* A limit, once for each `what` (a literal). */
void sw_probe_limit(struct sw_question *question, const char *what, const char *costs);

struct sw_device {
	int index; /* 0 none */
	char name[16];
	unsigned flags; /* IFF_* */
	int mtu;
};

struct sw_route {
	int error; /* errno, 0 a way was found */
	int type; /* RTN_* */
	struct sw_ip gateway, source; /* family 0 none */
	struct sw_device device;
};

bool sw_probe_device(struct sw_question *question, int index, struct sw_device *device);
/* Facts "route" and "neighbor" of question->to. False: not asked. */
bool sw_probe_route(struct sw_question *question, struct sw_route *route);
/* Whether the address is one of this host's, and on which device; -1 not known. */
int sw_probe_is_local(struct sw_question *question, const struct sw_ip *ip, struct sw_device *device);

void sw_probe_port_range(struct sw_question *question);
void sw_probe_port_holder(struct sw_question *question, const struct sw_addr *wanted);
void sw_probe_address(struct sw_question *question, const struct sw_addr *wanted);
void sw_probe_fd_limit(struct sw_question *question);
void sw_probe_process(struct sw_question *question);
void sw_probe_sysctl(struct sw_question *question, const struct sw_device *device);
void sw_probe_unix_path(struct sw_question *question, const struct sw_addr *path);
void sw_probe_firewall(struct sw_question *question);
/* conntrack's translation of the connection, when there is one; `source` where the socket itself has no address any
 * more. Whether there is one, and whom the packets then go to. */
bool sw_probe_translation(struct sw_question *question, const struct sw_ip *source, struct sw_endpoint *to);

/* The ephemeral ports of the namespace. */
bool sw_probe_ports(struct sw_question *question, int *low, int *high);
/* Fact "counters" of question->pid's namespace. */
void sw_probe_counters_of(struct sw_question *question, const char *when);

/* A process with a descriptor that leads to one of the inodes: its pid, 0 none found; *complete: all were looked at. */
pid_t sw_probe_holder(const uint64_t *inodes, size_t count, uint64_t *inode, bool *complete);

#endif
