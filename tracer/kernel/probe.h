/* Facts taken at a failure: what the kernel answers now and could not be asked afterwards.
 *
 * Runs in the tracer's process, at the exit stop of a failed call or on request, and never changes anything. Each
 * fact goes to the sink as struct sw_fact; kinds and fields are listed in tracer/facts.md. A question that the
 * kernel refuses makes no fact and, the first time, a limit. Sources: rtnetlink(7), proc(5), sock_diag(7), tcp(7),
 * ip(7). */
#ifndef SW_TRACER_PROBE_H
#define SW_TRACER_PROBE_H

#include "tracer/kernel/identity.h"

struct sw_probe;

struct sw_probe *sw_probe_new(const struct sw_trace_sink *sink, struct sw_identity *identity, unsigned switches);
void sw_probe_free(struct sw_probe *probe);

/* Route, neighbour, port range and its use, descriptor limit and count, who holds a port, unix path, seccomp mode,
 * sysctls: which of them is decided by the call and its errno. In the network namespace of the thread. */
void sw_probe_failure(struct sw_probe *probe, const struct sw_call *call, const struct sw_socket *socket);
/* A connect that hangs: route and neighbour now. A call or debt older than --slow: TCP_INFO. */
void sw_probe_hanging(struct sw_probe *probe, const struct sw_call *call, const struct sw_socket *socket);
/* A resolver on this host is asked: who holds its port. At most every ten seconds an address. */
void sw_probe_resolver(struct sw_probe *probe, const struct sw_call *call, const struct sw_socket *socket);
/* /proc/net/{snmp,snmp6,netstat} of the thread's namespace: kind "counters", differences are the reader's work. */
void sw_probe_counters(struct sw_probe *probe, pid_t pid, const char *when);

#endif
