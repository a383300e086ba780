/* The records of a trace through a ring of shared memory: the tracer's process writes them, the recorder's reads them.
 *
 * Enters on one side: the calls of a struct sw_trace_sink. Leaves on the other: the same calls, in the same order, with pointers into the
 * ring (valid only while the record is delivered). Both sides are the same program, so structures travel as they are; every
 * count and length is checked on reading, since the other side may be dead or hostile. */
#ifndef SW_TRACER_WIRE_H
#define SW_TRACER_WIRE_H

#include "src/base/ring.h"
#include "tracer/call.h"

/* A sink that writes into the ring, which it does not own. */
struct sw_trace_sink sw_wire_sink(struct sw_ring *ring);

/* Delivers at most `most` records that are there (0: all); returns how many. A damaged record is counted in
 * `*damaged` (may be NULL) and skipped. */
size_t sw_wire_read(struct sw_ring *ring, const struct sw_trace_sink *sink, size_t most, uint64_t *damaged);

#endif
