/* The live captures of a session, one in each network namespace, and who owns which port in them.
 *
 * Enters: the namespaces that the tracer meets, its sockets. Leaves: packets and states, to the merge. A capture that cannot be had is a
 * limit, said once, and a status that says why. */
#ifndef SW_CAPTURES_H
#define SW_CAPTURES_H

#include <poll.h>

#include "capture/packet.h"
#include "src/options.h"
#include "tracer/call.h"

#define SW_CAPTURES_MAX 16 /* network namespaces with a capture of their own */

struct sw_captures;

/* Whether --filter can be compiled and the interface captured on, before anything starts. */
int sw_captures_check(const struct sw_options *options, struct sw_err *err);

struct sw_captures *sw_captures_new(const struct sw_options *options, const struct sw_packet_sink *packets,
				    const struct sw_trace_sink *trace);
void sw_captures_free(struct sw_captures *captures);

/* Opens the capture of namespace `netns` (`fd`: of the namespace, -1: our own). Whether it is open. */
bool sw_captures_open(struct sw_captures *captures, uint32_t netns, int fd);
/* Packets that the captures lost so far; `*unknown` where one cannot say. */
uint64_t sw_captures_dropped(const struct sw_captures *captures, bool *unknown);
bool sw_captures_any(const struct sw_captures *captures);

/* What the tracer says decides whose packets are kept. */
void sw_captures_socket(struct sw_captures *captures, const struct sw_socket *socket);
void sw_captures_call(struct sw_captures *captures, const struct sw_call *call);
void sw_captures_fact(struct sw_captures *captures, const struct sw_fact *fact);

nfds_t sw_captures_poll_set(const struct sw_captures *captures, struct pollfd *fds); /* at most SW_CAPTURES_MAX */
void sw_captures_read(struct sw_captures *captures);
/* Up to this time every packet of ours has been delivered; INT64_MAX where there is no capture. */
int64_t sw_captures_delivered_ns(const struct sw_captures *captures);
void sw_captures_flush(struct sw_captures *captures); /* delivers at once what is known to be ours */
void sw_captures_drain(struct sw_captures *captures); /* until empty after two time-outs */
void sw_captures_close(struct sw_captures *captures); /* says the last states */

#endif
