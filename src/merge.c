/* Several streams of records in one order of time: see the header.
 *
 * Nearly all records come in order: they stand in a ring. Those that are older than the ring's last one go into a heap beside it, and
 * the older of both is next. In its steady state nothing is allocated. */
#include "src/merge.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/record.h"

#define CHUNK_ROOM ((size_t)64 << 10)

struct waiting {
	int64_t time_ns;
	uint64_t order; /* in which it was pushed */
	struct sw_record *record;
};

struct sw_merge {
	struct sw_trace_sink trace;
	struct sw_packet_sink packets;
	struct sw_chunks chunks;
	struct sw_packer packer;
	struct waiting *ring; /* in order of time; `ring_room` is a power of two */
	size_t ring_first, ring_count, ring_room;
	SW_ARRAY(struct waiting) heap;
	uint64_t order;
};

struct sw_merge *sw_merge_new(const struct sw_trace_sink *trace, const struct sw_packet_sink *packets)
{
	struct sw_merge *merge = sw_alloc(sizeof *merge);

	if (trace)
		merge->trace = *trace;
	if (packets)
		merge->packets = *packets;
	sw_chunks_init(&merge->chunks, CHUNK_ROOM);
	merge->packer = (struct sw_packer){.chunks = &merge->chunks,
					   .packed = sw_merge_push,
					   .context = merge,
					   .direct = merge->trace,
					   .direct_packets = merge->packets};
	return merge;
}

/* ---- the order: the earliest first, among equals the first that was pushed ------------------------------------- */

static bool before(const struct waiting *a, const struct waiting *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

static void sift_up(struct waiting *items, size_t at)
{
	struct waiting moving = items[at];

	while (at > 0 && before(&moving, &items[(at - 1) / 2])) {
		items[at] = items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	items[at] = moving;
}

static void sift_down(struct waiting *items, size_t count)
{
	struct waiting moving = items[0];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count && before(&items[child + 1], &items[child]))
			child++;
		if (!before(&items[child], &moving))
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = moving;
}

static struct waiting *ring_at(const struct sw_merge *merge, size_t index)
{
	return &merge->ring[(merge->ring_first + index) & (merge->ring_room - 1)];
}

static void ring_grow(struct sw_merge *merge)
{
	size_t room = merge->ring_room ? merge->ring_room * 2 : 256;
	struct waiting *ring = sw_alloc(room * sizeof *ring);

	for (size_t i = 0; i < merge->ring_count; i++)
		ring[i] = *ring_at(merge, i);
	free(merge->ring);
	merge->ring = ring;
	merge->ring_first = 0;
	merge->ring_room = room;
}

void sw_merge_push(void *context, struct sw_record *record)
{
	struct sw_merge *merge = context;
	struct waiting waiting = {record->time_ns, merge->order++, record};

	if (merge->ring_count && record->time_ns < ring_at(merge, merge->ring_count - 1)->time_ns) {
		*SW_ARRAY_ADD(&merge->heap) = waiting;
		sift_up(merge->heap.items, merge->heap.count - 1);
		return;
	}
	if (merge->ring_count == merge->ring_room)
		ring_grow(merge);
	*ring_at(merge, merge->ring_count++) = waiting;
}

/* The next one; NULL: none is left. `from_heap` says where it stands. */
static const struct waiting *top(const struct sw_merge *merge, bool *from_heap)
{
	const struct waiting *ring = merge->ring_count ? ring_at(merge, 0) : NULL;
	const struct waiting *heap = merge->heap.count ? merge->heap.items : NULL;

	*from_heap = heap && (!ring || before(heap, ring));
	return *from_heap ? heap : ring;
}

static struct sw_record *pop(struct sw_merge *merge, bool from_heap)
{
	struct waiting *items = merge->heap.items;
	struct sw_record *record;

	if (!from_heap) {
		record = ring_at(merge, 0)->record;
		merge->ring_first = (merge->ring_first + 1) & (merge->ring_room - 1);
		merge->ring_count--;
		return record;
	}
	record = items[0].record;
	items[0] = items[--merge->heap.count];
	if (merge->heap.count > 1)
		sift_down(items, merge->heap.count);
	return record;
}

/* ---- in and out ----------------------------------------------------------------------------------------------- */

struct sw_trace_sink sw_merge_trace_sink(struct sw_merge *merge)
{
	return sw_packer_trace_sink(&merge->packer);
}

struct sw_packet_sink sw_merge_packet_sink(struct sw_merge *merge)
{
	return sw_packer_packet_sink(&merge->packer);
}

void sw_merge_release(struct sw_merge *merge, int64_t until_ns)
{
	const struct waiting *next;
	bool from_heap;

	while ((next = top(merge, &from_heap)) && (next->time_ns < until_ns || until_ns == INT64_MAX)) {
		struct sw_record *record = pop(merge, from_heap);

		/* It may have been written by another processor. */
		if (merge->ring_count)
			for (size_t i = 0; i < 6; i++)
				__builtin_prefetch(ring_at(merge, 0)->record->data + i * 64);
		sw_record_say(record, &merge->trace, &merge->packets);
		sw_record_done(record);
	}
}

size_t sw_merge_waiting(const struct sw_merge *merge)
{
	return merge->ring_count + merge->heap.count;
}

void sw_merge_free(struct sw_merge *merge)
{
	struct sw_chunk *last;
	bool from_heap;

	if (!merge)
		return;
	while (top(merge, &from_heap))
		sw_record_done(pop(merge, from_heap));
	last = sw_packer_take(&merge->packer);
	if (last)
		sw_chunk_give_back(last);
	sw_chunks_release(&merge->chunks);
	free(merge->ring);
	SW_ARRAY_RELEASE(&merge->heap);
	free(merge);
}
