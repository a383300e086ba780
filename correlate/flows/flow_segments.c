/* The segments of one side that are under way: sent, not yet acknowledged.
 *
 * Enters: ranges of relative sequence numbers. Leaves: when the oldest unacknowledged byte was sent, how often, and what a
 * selective acknowledgement covers. Bounded: beyond SW_FLOW_SEGMENTS_MAX neighbours are merged. Knows nothing of packets. */
#include "correlate/flows/flow_track.h"

#include <string.h>

static struct sw_flow_segment *at(const struct sw_flow_segments *segments, uint32_t index)
{
	return &segments->items[segments->head + index];
}

static void make_room(struct sw_flow_segments *segments)
{
	if (segments->head + segments->count < segments->room)
		return;
	if (segments->head > segments->room / 2) {
		memmove(segments->items, at(segments, 0), segments->count * sizeof *segments->items);
		segments->head = 0;
		return;
	}
	segments->room = segments->room ? segments->room * 2 : 8;
	segments->items = sw_realloc(segments->items, segments->room * sizeof *segments->items);
}

void sw_flow_segments_add(struct sw_flow_segments *segments, int64_t start, int64_t end, int64_t now)
{
	if (segments->count >= SW_FLOW_SEGMENTS_MAX) {
		struct sw_flow_segment *last = at(segments, segments->count - 1);
		last->end = end;
		last->last_ns = now;
		last->sends = 1;
		return;
	}
	if (segments->count == 0)
		segments->head = 0;
	make_room(segments);
	*at(segments, segments->count++) = (struct sw_flow_segment){
		.start = start,
		.end = end,
		.first_ns = now,
		.last_ns = now,
		.sends = 1,
	};
}

static uint32_t first_ending_after(const struct sw_flow_segments *segments, int64_t position)
{
	uint32_t low = 0, high = segments->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (at(segments, middle)->end > position)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool sw_flow_segments_resend(struct sw_flow_segments *segments, int64_t start, int64_t end, int64_t now)
{
	bool known = false;

	for (uint32_t i = first_ending_after(segments, start); i < segments->count && at(segments, i)->start < end;
	     i++) {
		at(segments, i)->sends++;
		at(segments, i)->last_ns = now;
		known = true;
	}
	return known;
}

struct sw_flow_acked sw_flow_segments_ack(struct sw_flow_segments *segments, int64_t to)
{
	struct sw_flow_acked acked = {.oldest_ns = SW_TIME_NONE, .newest_ns = SW_TIME_NONE};

	while (segments->count && at(segments, 0)->start < to) {
		struct sw_flow_segment *segment = at(segments, 0);
		int64_t covered = (segment->end < to ? segment->end : to) - segment->start;
		if (acked.oldest_ns == SW_TIME_NONE)
			acked.oldest_ns = segment->first_ns;
		acked.resent |= segment->sends > 1;
		if (covered > acked.largest)
			acked.largest = (uint32_t)covered;
		if (segment->end > to) {
			segment->start = to;
			break;
		}
		acked.newest_ns = segment->first_ns;
		acked.newest_resent = segment->sends > 1;
		acked.newest_end = segment->end;
		segments->head++;
		segments->count--;
	}
	return acked;
}

uint32_t sw_flow_segments_sack(struct sw_flow_segments *segments, int64_t start, int64_t end)
{
	uint32_t largest = 0;

	for (uint32_t i = first_ending_after(segments, start); i < segments->count && at(segments, i)->start < end;
	     i++) {
		struct sw_flow_segment *segment = at(segments, i);
		if (segment->sacked || segment->start < start || segment->end > end)
			continue;
		segment->sacked = true;
		if (segment->end - segment->start > largest)
			largest = (uint32_t)(segment->end - segment->start);
	}
	return largest;
}

void sw_flow_segments_release(struct sw_flow_segments *segments)
{
	free(segments->items);
	*segments = (struct sw_flow_segments){0};
}
