/* The look-back: a bounded ring of frames whose owner is not decided yet.
 *
 * Invariants: frames stand in the order in which they came; positions only grow; a frame is contiguous. When there
 * is no room the oldest goes, and the ring remembers up to which time it has forgotten. Knows nothing of who owns
 * what.
 *
 * Life: new, put as frames come, walk from `oldest` or a kept position, forget what is too old, free. */
#ifndef SW_CAPTURE_LOOKBACK_H
#define SW_CAPTURE_LOOKBACK_H

#include "capture/owner.h"

struct sw_lookback_frame {
	uint32_t size; /* with this header; 0: the rest of the ring up to its end is unused */
	uint32_t captured, wire;
	uint32_t flags; /* SW_PACKET_* that only the whole frame could tell */
	int64_t time_ns;
	uint64_t print; /* twins.h: of the whole frame; 0 none, or nobody asks */
	struct sw_subject subject;
	struct sw_speech speech; /* likewise: the payload is not kept */
	bool delivered;
	uint8_t bytes[];
};

struct sw_lookback;

struct sw_lookback *sw_lookback_new(size_t size);
void sw_lookback_free(struct sw_lookback *lookback);

/* Room for a frame of `captured` bytes: filled by the caller at once. Never NULL while captured is below a quarter
 * of the ring. */
struct sw_lookback_frame *sw_lookback_put(struct sw_lookback *lookback, uint32_t captured);

/* The frame at *position (or the oldest that is left, when that is later), *position moves behind it; NULL at the
 * end. */
struct sw_lookback_frame *sw_lookback_next(struct sw_lookback *lookback, uint64_t *position);
uint64_t sw_lookback_end(const struct sw_lookback *lookback);

void sw_lookback_forget(struct sw_lookback *lookback, int64_t before_ns);
/* The time of the youngest frame that went undelivered; SW_TIME_NONE: none has. */
int64_t sw_lookback_forgotten(const struct sw_lookback *lookback);
/* Frames at or behind `position` that had to go for want of room. */
uint64_t sw_lookback_overruns(const struct sw_lookback *lookback);
void sw_lookback_decided(struct sw_lookback *lookback, uint64_t position); /* before it no loss is an overrun */

#endif
