/* Several streams of records in one order of time: calls at their enter and their exit, packets, facts, process events.
 *
 * Enters: records of several sources, each roughly in its own order, with a promise up to when each is complete. Leaves: the same
 * records, copied, in the order of time, handed to one consumer. Knows nothing of what they mean. Live and imported. */
#ifndef SW_MERGE_H
#define SW_MERGE_H

#include "capture/packet.h"
#include "tracer/call.h"

struct sw_merge;
struct sw_record;

/* Records of one time come in the order in which they were pushed. Both sinks are called from sw_merge_release only. */
struct sw_merge *sw_merge_new(const struct sw_trace_sink *trace, const struct sw_packet_sink *packets);
void sw_merge_free(struct sw_merge *merge); /* what is still inside is dropped */

/* Push: these copy what they are given. Sockets and limits have no order of their own: a socket goes with since_ns, a limit at once;
 * a capture status at once. The sinks push from callbacks: their context is the merge. */
struct sw_trace_sink sw_merge_trace_sink(struct sw_merge *merge);
struct sw_packet_sink sw_merge_packet_sink(struct sw_merge *merge);

/* A record that stands in a chunk of somebody's: it is said to be done when it was handed out. `merge` is a struct sw_merge. */
void sw_merge_push(void *merge, struct sw_record *record);

/* Hands out all that is older than `until_ns`: for a live session now minus a delay, for files the least of the
 * sources' promises. INT64_MAX: everything. */
void sw_merge_release(struct sw_merge *merge, int64_t until_ns);
size_t sw_merge_waiting(const struct sw_merge *merge); /* records inside */

#endif
