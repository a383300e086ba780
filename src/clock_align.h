/* How far the log's clock is from the capture's: from pairs of a call and the packet that belongs to it.
 *
 * Enters: the calls of the log with their own stamps, packets of the capture. Leaves: what to add to the log's stamps, with the error
 * of that, or that the pairs do not agree; for stamps of whole seconds also where single calls really stood. A connect and its SYN,
 * a send and its packet, a packet and the wait that it ended lie together. Memory is bounded: of a long recording a sample is kept. */
#ifndef SW_CLOCK_ALIGN_H
#define SW_CLOCK_ALIGN_H

#include "capture/packet.h"
#include "tracer/strace/strace.h"

struct sw_align;

enum sw_aligned { SW_ALIGNED_SAME, SW_ALIGNED_ESTIMATED, SW_ALIGNED_FAILED };

struct sw_alignment {
	enum sw_aligned aligned;
	int64_t offset_ns; /* to be added to the log's stamps */
	int64_t error_ns; /* half of the width of what fits; 0 exact */
	int64_t drift; /* parts per 10^9, since the log's first stamp */
	int64_t pairs; /* that fit */
	int64_t asked; /* calls whose packet was looked for and seen to this address at all */
};

/* `log`: what an earlier reading showed of it; zeros: nothing. */
struct sw_align *sw_align_new(const struct sw_strace_summary *log);
void sw_align_free(struct sw_align *align);

/* First all calls, then `log` (clock, resolution and range of the log's stamps), then all packets, then the answer. */
struct sw_trace_sink sw_align_sink(struct sw_align *align);
size_t sw_align_calls(const struct sw_align *align); /* that have a packet, so far */
void sw_align_log(struct sw_align *align, const struct sw_strace_summary *log);
void sw_align_packet(struct sw_align *align, const struct sw_packet *packet);
void sw_align_solve(struct sw_align *align, struct sw_alignment *alignment);

/* After that, for stamps of whole seconds: what packets say about single calls, on the log's own clock. The caller frees; NULL: none. */
struct sw_strace_pin *sw_align_pins(struct sw_align *align, const struct sw_alignment *alignment, size_t *count);

#endif
