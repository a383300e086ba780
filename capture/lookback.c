/* The look-back ring. Enters: frames. Leaves: the same, as long as there is room. */
#include "capture/lookback.h"

#include <assert.h>

#include "src/base/mem.h"

struct sw_lookback {
	uint8_t *memory;
	size_t size;
	uint64_t begin, end; /* positions; memory is at position % size */
	uint64_t decided;
	uint64_t overruns;
	int64_t forgotten_ns;
};

struct sw_lookback *sw_lookback_new(size_t size)
{
	struct sw_lookback *lookback = sw_alloc(sizeof *lookback);

	lookback->size = (size + 4095) & ~(size_t)4095;
	/* its pages come as they are touched: a quiet session never uses most of it */
	lookback->memory = sw_alloc(lookback->size);
	lookback->forgotten_ns = SW_TIME_NONE;
	return lookback;
}

void sw_lookback_free(struct sw_lookback *lookback)
{
	if (!lookback)
		return;
	free(lookback->memory);
	free(lookback);
}

static struct sw_lookback_frame *at(const struct sw_lookback *lookback, uint64_t position)
{
	return (struct sw_lookback_frame *)(void *)(lookback->memory + position % lookback->size);
}

/* Where the frame at `position` really is: behind the unused rest of the ring. */
static uint64_t settle(const struct sw_lookback *lookback, uint64_t position)
{
	size_t rest = lookback->size - position % lookback->size;

	if (position < lookback->end && (rest < sizeof(struct sw_lookback_frame) || !at(lookback, position)->size))
		return position + rest;
	return position;
}

static void drop_oldest(struct sw_lookback *lookback, bool for_room)
{
	lookback->begin = settle(lookback, lookback->begin);
	const struct sw_lookback_frame *frame = at(lookback, lookback->begin);

	if (for_room && lookback->begin >= lookback->decided)
		lookback->overruns++;
	if (!frame->delivered && frame->time_ns > lookback->forgotten_ns)
		lookback->forgotten_ns = frame->time_ns;
	lookback->begin += frame->size;
}

struct sw_lookback_frame *sw_lookback_put(struct sw_lookback *lookback, uint32_t captured)
{
	size_t need = (sizeof(struct sw_lookback_frame) + captured + 7) & ~(size_t)7;
	size_t rest = lookback->size - lookback->end % lookback->size;
	uint64_t start = rest < need ? lookback->end + rest : lookback->end;

	assert(need < lookback->size / 4);
	while (start + need - lookback->begin > lookback->size)
		drop_oldest(lookback, true);
	if (start != lookback->end && rest >= sizeof(struct sw_lookback_frame))
		at(lookback, lookback->end)->size = 0;
	lookback->end = start + need;
	struct sw_lookback_frame *frame = at(lookback, start);

	frame->size = (uint32_t)need;
	frame->captured = captured;
	frame->delivered = false;
	return frame;
}

struct sw_lookback_frame *sw_lookback_next(struct sw_lookback *lookback, uint64_t *position)
{
	if (*position < lookback->begin)
		*position = lookback->begin;
	*position = settle(lookback, *position);
	if (*position >= lookback->end)
		return NULL;
	struct sw_lookback_frame *frame = at(lookback, *position);

	*position += frame->size;
	return frame;
}

uint64_t sw_lookback_end(const struct sw_lookback *lookback)
{
	return lookback->end;
}

void sw_lookback_forget(struct sw_lookback *lookback, int64_t before_ns)
{
	for (;;) {
		uint64_t position = settle(lookback, lookback->begin);

		if (position >= lookback->end || at(lookback, position)->time_ns >= before_ns)
			return;
		drop_oldest(lookback, false);
	}
}

int64_t sw_lookback_forgotten(const struct sw_lookback *lookback)
{
	return lookback->forgotten_ns;
}

uint64_t sw_lookback_overruns(const struct sw_lookback *lookback)
{
	return lookback->overruns;
}

void sw_lookback_decided(struct sw_lookback *lookback, uint64_t position)
{
	lookback->decided = position;
}
