/* Several streams of records in one order of time: see the header.
 *
 * A heap of pointers into blocks that are used again and again: in its steady state nothing is allocated. */
#include "src/merge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/dns.h"
#include "capture/tls.h"
#include "src/base/mem.h"

enum record_kind { RECORD_SOCKET, RECORD_ENTER, RECORD_LEAVE, RECORD_PROCESS, RECORD_FACT, RECORD_PACKET };

struct block { /* one record and what it points to */
	struct block *next; /* of the unused ones */
	size_t room; /* bytes at data */
	enum record_kind kind;
	_Alignas(16) char data[];
};

struct waiting {
	int64_t time_ns;
	uint64_t order; /* in which it was pushed */
	struct block *block;
};

struct sw_merge {
	struct sw_trace_sink trace;
	struct sw_packet_sink packets;
	SW_ARRAY(struct waiting) heap;
	uint64_t order;
	struct block *unused;
};

static void drop(struct block *block)
{
	struct sw_fact *fact;

	if (block->kind == RECORD_FACT) {
		memcpy(&fact, block->data, sizeof fact);
		free(fact);
	}
	free(block);
}

struct sw_merge *sw_merge_new(const struct sw_trace_sink *trace, const struct sw_packet_sink *packets)
{
	struct sw_merge *merge = sw_alloc(sizeof *merge);

	if (trace)
		merge->trace = *trace;
	if (packets)
		merge->packets = *packets;
	return merge;
}

void sw_merge_free(struct sw_merge *merge)
{
	if (!merge)
		return;
	for (size_t i = 0; i < merge->heap.count; i++)
		drop(merge->heap.items[i].block);
	while (merge->unused) {
		struct block *block = merge->unused;

		merge->unused = block->next;
		free(block);
	}
	SW_ARRAY_RELEASE(&merge->heap);
	free(merge);
}

/* ---- the heap: the earliest on top, among equals the first that was pushed ------------------------------------ */

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

static void push(struct sw_merge *merge, int64_t time_ns, struct block *block)
{
	struct waiting *waiting = SW_ARRAY_ADD(&merge->heap);

	*waiting = (struct waiting){time_ns, merge->order++, block};
	sift_up(merge->heap.items, merge->heap.count - 1);
}

static struct block *pop(struct sw_merge *merge)
{
	struct waiting *items = merge->heap.items;
	struct block *block = items[0].block;

	items[0] = items[--merge->heap.count];
	if (merge->heap.count > 1)
		sift_down(items, merge->heap.count);
	return block;
}

/* ---- blocks --------------------------------------------------------------------------------------------------- */

#define BLOCK_ROOM 1024 /* holds nearly every record, so that any unused block will do */

static size_t aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

static struct block *take_block(struct sw_merge *merge, enum record_kind kind, size_t size)
{
	struct block *block = merge->unused;

	if (block && size <= block->room) {
		merge->unused = block->next;
	} else {
		size_t room = size > BLOCK_ROOM ? size : BLOCK_ROOM;

		block = sw_alloc(sizeof *block + room);
		block->room = room;
	}
	block->kind = kind;
	return block;
}

static void give_back(struct sw_merge *merge, struct block *block)
{
	if (block->room > BLOCK_ROOM) {
		free(block);
		return;
	}
	block->next = merge->unused;
	merge->unused = block;
}

static const void *put(char **at, const void *bytes, size_t size)
{
	void *place = *at;

	if (size == 0)
		return NULL;
	memcpy(place, bytes, size);
	*at += aligned(size);
	return place;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* ---- pushing -------------------------------------------------------------------------------------------------- */

static void push_socket(void *context, const struct sw_socket *socket)
{
	struct sw_merge *merge = context;
	struct block *block = take_block(merge, RECORD_SOCKET, sizeof *socket);

	memcpy(block->data, socket, sizeof *socket);
	push(merge, socket->since_ns, block);
}

static void push_call(struct sw_merge *merge, enum record_kind kind, int64_t time_ns, const struct sw_call *call)
{
	size_t waits = call->wait_count * sizeof *call->waits, messages = call->message_count * sizeof *call->messages;
	size_t stack = call->stack_count * sizeof *call->stack, data = call->data_count;
	struct block *block =
		take_block(merge, kind,
			   aligned(sizeof *call) + aligned(waits) + aligned(messages) + aligned(stack) + aligned(data));
	struct sw_call *copy = (struct sw_call *)block->data;
	char *at = block->data + aligned(sizeof *call);

	*copy = *call;
	copy->waits = put(&at, call->waits, waits);
	copy->messages = put(&at, call->messages, messages);
	copy->stack = put(&at, call->stack, stack);
	copy->data = put(&at, call->data, data);
	push(merge, time_ns, block);
}

static void push_enter(void *context, const struct sw_call *call)
{
	push_call(context, RECORD_ENTER, call->enter_ns, call);
}

static void push_leave(void *context, const struct sw_call *call)
{
	push_call(context, RECORD_LEAVE, call->exit_ns == SW_TIME_NONE ? call->enter_ns : call->exit_ns, call);
}

static void push_process(void *context, const struct sw_process *process)
{
	struct sw_merge *merge = context;
	size_t comm = text_size(process->comm), line = text_size(process->command_line);
	struct block *block =
		take_block(merge, RECORD_PROCESS, aligned(sizeof *process) + aligned(comm) + aligned(line));
	struct sw_process *copy = (struct sw_process *)block->data;
	char *at = block->data + aligned(sizeof *process);

	*copy = *process;
	copy->comm = put(&at, process->comm, comm);
	copy->command_line = put(&at, process->command_line, line);
	push(merge, process->time_ns, block);
}

static void push_fact(void *context, const struct sw_fact *fact)
{
	struct sw_merge *merge = context;
	/* Facts are few and of any size: the pointer to a copy is what waits. */
	struct block *block = take_block(merge, RECORD_FACT, sizeof(struct sw_fact *));
	struct sw_fact *copy = sw_fact_copy(fact);

	memcpy(block->data, &copy, sizeof copy);
	push(merge, fact->time_ns, block);
}

static void pass_limit(void *context, const struct sw_limit *limit)
{
	struct sw_merge *merge = context;

	if (merge->trace.limit)
		merge->trace.limit(merge->trace.context, limit);
}

static size_t dns_size(const struct sw_packet *packet)
{
	size_t size = 0;

	for (const struct sw_dns *dns = packet->dns; dns; dns = dns->next)
		size += aligned(sizeof *dns);
	return size;
}

/* The messages of one segment hang together. */
static void put_dns(char **at, struct sw_packet *copy)
{
	const struct sw_dns **link = &copy->dns;

	for (const struct sw_dns *dns = copy->dns; dns; dns = dns->next) {
		struct sw_dns *place = (struct sw_dns *)*at;

		*place = *dns;
		*at += aligned(sizeof *dns);
		*link = place;
		link = &place->next;
	}
}

static void push_packet(void *context, const struct sw_packet *packet)
{
	struct sw_merge *merge = context;
	size_t size = aligned(sizeof *packet) + aligned(packet->payload_captured) + dns_size(packet) +
		      (packet->tls ? aligned(sizeof *packet->tls) : 0);
	struct block *block = take_block(merge, RECORD_PACKET, size);
	struct sw_packet *copy = (struct sw_packet *)block->data;
	char *at = block->data + aligned(sizeof *packet);

	*copy = *packet;
	copy->payload = put(&at, packet->payload, packet->payload_captured);
	copy->tls = packet->tls ? put(&at, packet->tls, sizeof *packet->tls) : NULL;
	put_dns(&at, copy);
	push(merge, packet->time_ns, block);
}

static void pass_status(void *context, const struct sw_capture_status *status)
{
	struct sw_merge *merge = context;

	if (merge->packets.status)
		merge->packets.status(merge->packets.context, status);
}

struct sw_trace_sink sw_merge_trace_sink(struct sw_merge *merge)
{
	return (struct sw_trace_sink){.context = merge,
				      .socket = push_socket,
				      .enter = push_enter,
				      .leave = push_leave,
				      .process = push_process,
				      .fact = push_fact,
				      .limit = pass_limit};
}

struct sw_packet_sink sw_merge_packet_sink(struct sw_merge *merge)
{
	return (struct sw_packet_sink){.context = merge, .packet = push_packet, .status = pass_status};
}

/* ---- handing out ---------------------------------------------------------------------------------------------- */

static void hand_fact(const struct sw_trace_sink *trace, const struct block *block)
{
	struct sw_fact *fact;

	memcpy(&fact, block->data, sizeof fact);
	if (trace->fact)
		trace->fact(trace->context, fact);
	free(fact);
}

static void hand_out(struct sw_merge *merge, const struct block *block)
{
	const struct sw_trace_sink *trace = &merge->trace;
	const void *record = block->data;

	switch (block->kind) {
	case RECORD_SOCKET:
		if (trace->socket)
			trace->socket(trace->context, record);
		break;
	case RECORD_ENTER:
		if (trace->enter)
			trace->enter(trace->context, record);
		break;
	case RECORD_LEAVE:
		if (trace->leave)
			trace->leave(trace->context, record);
		break;
	case RECORD_PROCESS:
		if (trace->process)
			trace->process(trace->context, record);
		break;
	case RECORD_FACT: hand_fact(trace, block); break;
	case RECORD_PACKET:
		if (merge->packets.packet)
			merge->packets.packet(merge->packets.context, record);
		break;
	}
}

void sw_merge_release(struct sw_merge *merge, int64_t until_ns)
{
	while (merge->heap.count && (merge->heap.items[0].time_ns < until_ns || until_ns == INT64_MAX)) {
		struct block *block = pop(merge);

		hand_out(merge, block);
		give_back(merge, block);
	}
}

size_t sw_merge_waiting(const struct sw_merge *merge)
{
	return merge->heap.count;
}

int64_t sw_merge_oldest(const struct sw_merge *merge)
{
	return merge->heap.count ? merge->heap.items[0].time_ns : SW_TIME_NONE;
}
