/* Records of both timelines as bytes in a row: see the header. */
#include "src/record.h"

#include <stdlib.h>
#include <string.h>

#include "capture/dns.h"
#include "capture/tls.h"
#include "src/base/mem.h"

enum record_kind {
	RECORD_SOCKET,
	RECORD_ENTER,
	RECORD_LEAVE,
	RECORD_PROCESS,
	RECORD_FACT,
	RECORD_PACKET,
	RECORD_FRAME
};

struct frame {
	struct sw_packet packet;
	struct sw_raw_packet raw;
};

static size_t aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

/* ---- chunks --------------------------------------------------------------------------------------------------- */

void sw_chunks_init(struct sw_chunks *chunks, size_t room)
{
	*chunks = (struct sw_chunks){.room = room};
	pthread_mutex_init(&chunks->lock, NULL);
}

void sw_chunks_release(struct sw_chunks *chunks)
{
	while (chunks->unused) {
		struct sw_chunk *chunk = chunks->unused;

		chunks->unused = chunk->next;
		free(chunk);
	}
	pthread_mutex_destroy(&chunks->lock);
}

static struct sw_chunk *chunk_take(struct sw_chunks *chunks, size_t least)
{
	struct sw_chunk *chunk = NULL;
	size_t room = least > chunks->room ? least : chunks->room;

	if (room == chunks->room) {
		pthread_mutex_lock(&chunks->lock);
		chunk = chunks->unused;
		if (chunk)
			chunks->unused = chunk->next;
		pthread_mutex_unlock(&chunks->lock);
	}
	if (!chunk) {
		/* Not zeroed: a record is written before it is read. */
		chunk = sw_realloc(NULL, sizeof *chunk + room);
		chunk->room = room;
		chunk->home = chunks;
	}
	chunk->next = NULL;
	chunk->used = 0;
	chunk->living = 0;
	chunk->filling = true;
	chunk->until_ns = INT64_MIN;
	return chunk;
}

static void chunk_recycle(struct sw_chunk *chunk)
{
	struct sw_chunks *home = chunk->home;

	if (chunk->room > home->room) {
		free(chunk);
		return;
	}
	pthread_mutex_lock(&home->lock);
	chunk->next = home->unused;
	home->unused = chunk;
	pthread_mutex_unlock(&home->lock);
}

struct sw_record *sw_chunk_next(struct sw_chunk *chunk, struct sw_record *record)
{
	char *at = record ? (char *)record + record->size : chunk->data;

	return at < chunk->data + chunk->used ? (struct sw_record *)at : NULL;
}

static void drop(struct sw_record *record)
{
	struct sw_fact *fact;

	if (record->kind == RECORD_FACT) {
		memcpy(&fact, record->data, sizeof fact);
		free(fact);
	}
}

void sw_chunk_give_back(struct sw_chunk *chunk)
{
	for (struct sw_record *record = sw_chunk_next(chunk, NULL); record; record = sw_chunk_next(chunk, record))
		drop(record);
	chunk_recycle(chunk);
}

void sw_record_done(struct sw_record *record)
{
	struct sw_chunk *chunk = record->chunk;

	drop(record);
	if (--chunk->living)
		return;
	if (chunk->filling)
		chunk->used = 0;
	else
		chunk_recycle(chunk);
}

/* ---- packing -------------------------------------------------------------------------------------------------- */

static struct sw_record *begin(struct sw_packer *packer, enum record_kind kind, int64_t time_ns, size_t size)
{
	size_t whole = aligned(sizeof(struct sw_record) + size);
	struct sw_chunk *chunk = packer->last;
	struct sw_record *record;

	if (!chunk || chunk->room - chunk->used < whole) {
		struct sw_chunk *next = chunk_take(packer->chunks, whole);

		if (chunk)
			chunk->filling = false;
		/* Where somebody is told of each record the filled chunks are theirs. */
		if (chunk && !packer->packed)
			chunk->next = next;
		else
			packer->first = next;
		if (chunk && packer->packed && !chunk->living)
			chunk_recycle(chunk);
		packer->last = chunk = next;
	}
	record = (struct sw_record *)(chunk->data + chunk->used);
	chunk->used += whole;
	chunk->living++;
	record->chunk = chunk;
	record->time_ns = time_ns;
	record->size = (uint32_t)whole;
	record->kind = (uint8_t)kind;
	return record;
}

static void end(struct sw_packer *packer, struct sw_record *record)
{
	if (packer->packed)
		packer->packed(packer->context, record);
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

static void pack_socket(void *context, const struct sw_socket *socket)
{
	struct sw_packer *packer = context;
	struct sw_record *record = begin(packer, RECORD_SOCKET, socket->since_ns, sizeof *socket);

	memcpy(record->data, socket, sizeof *socket);
	end(packer, record);
}

static void pack_call(struct sw_packer *packer, enum record_kind kind, int64_t time_ns, const struct sw_call *call)
{
	size_t waits = call->wait_count * sizeof *call->waits, messages = call->message_count * sizeof *call->messages;
	size_t stack = call->stack_count * sizeof *call->stack, data = call->data_count;
	struct sw_record *record =
		begin(packer, kind, time_ns,
		      aligned(sizeof *call) + aligned(waits) + aligned(messages) + aligned(stack) + aligned(data));
	struct sw_call *copy = (struct sw_call *)record->data;
	char *at = record->data + aligned(sizeof *call);

	*copy = *call;
	copy->waits = put(&at, call->waits, waits);
	copy->messages = put(&at, call->messages, messages);
	copy->stack = put(&at, call->stack, stack);
	copy->data = put(&at, call->data, data);
	end(packer, record);
}

static void pack_enter(void *context, const struct sw_call *call)
{
	pack_call(context, RECORD_ENTER, call->enter_ns, call);
}

static void pack_leave(void *context, const struct sw_call *call)
{
	pack_call(context, RECORD_LEAVE, call->exit_ns == SW_TIME_NONE ? call->enter_ns : call->exit_ns, call);
}

static void pack_process(void *context, const struct sw_process *process)
{
	struct sw_packer *packer = context;
	size_t comm = text_size(process->comm), line = text_size(process->command_line);
	struct sw_record *record = begin(packer, RECORD_PROCESS, process->time_ns,
					 aligned(sizeof *process) + aligned(comm) + aligned(line));
	struct sw_process *copy = (struct sw_process *)record->data;
	char *at = record->data + aligned(sizeof *process);

	*copy = *process;
	copy->comm = put(&at, process->comm, comm);
	copy->command_line = put(&at, process->command_line, line);
	end(packer, record);
}

static void pack_fact(void *context, const struct sw_fact *fact)
{
	struct sw_packer *packer = context;
	/* Facts are few and of any size: the pointer to a copy is what waits. */
	struct sw_record *record = begin(packer, RECORD_FACT, fact->time_ns, sizeof(struct sw_fact *));
	struct sw_fact *copy = sw_fact_copy(fact);

	memcpy(record->data, &copy, sizeof copy);
	end(packer, record);
}

static void pass_limit(void *context, const struct sw_limit *limit)
{
	struct sw_packer *packer = context;

	if (packer->direct.limit)
		packer->direct.limit(packer->direct.context, limit);
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

static size_t decoded_size(const struct sw_packet *packet)
{
	return dns_size(packet) + (packet->tls ? aligned(sizeof *packet->tls) : 0);
}

static void put_decoded(char **at, struct sw_packet *copy)
{
	copy->tls = copy->tls ? put(at, copy->tls, sizeof *copy->tls) : NULL;
	put_dns(at, copy);
}

static void pack_packet(void *context, const struct sw_packet *packet)
{
	struct sw_packer *packer = context;
	struct sw_record *record =
		begin(packer, RECORD_PACKET, packet->time_ns,
		      aligned(sizeof *packet) + aligned(packet->payload_captured) + decoded_size(packet));
	struct sw_packet *copy = (struct sw_packet *)record->data;
	char *at = record->data + aligned(sizeof *packet);

	*copy = *packet;
	copy->payload = put(&at, packet->payload, packet->payload_captured);
	put_decoded(&at, copy);
	end(packer, record);
}

void sw_packer_frame(struct sw_packer *packer, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	struct sw_record *record = begin(packer, RECORD_FRAME, packet->time_ns,
					 aligned(sizeof(struct frame)) + aligned(raw->captured) + decoded_size(packet));
	struct frame *frame = (struct frame *)record->data;
	char *at = record->data + aligned(sizeof *frame);

	frame->packet = *packet;
	frame->raw = *raw;
	frame->raw.bytes = put(&at, raw->bytes, raw->captured);
	/* The payload is a part of the frame. */
	if (packet->payload_captured)
		frame->packet.payload = frame->raw.bytes + (packet->payload - raw->bytes);
	put_decoded(&at, &frame->packet);
	end(packer, record);
}

static void pack_raw(void *context, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	sw_packer_frame(context, packet, raw);
}

static void pass_status(void *context, const struct sw_capture_status *status)
{
	struct sw_packer *packer = context;

	if (packer->direct_packets.status)
		packer->direct_packets.status(packer->direct_packets.context, status);
}

struct sw_trace_sink sw_packer_trace_sink(struct sw_packer *packer)
{
	return (struct sw_trace_sink){.context = packer,
				      .socket = pack_socket,
				      .enter = pack_enter,
				      .leave = pack_leave,
				      .process = pack_process,
				      .fact = pack_fact,
				      .limit = pass_limit};
}

struct sw_packet_sink sw_packer_packet_sink(struct sw_packer *packer)
{
	return (struct sw_packet_sink){
		.context = packer, .packet = pack_packet, .raw = pack_raw, .status = pass_status};
}

struct sw_chunk *sw_packer_take(struct sw_packer *packer)
{
	struct sw_chunk *first = packer->first;

	if (packer->last)
		packer->last->filling = false;
	packer->first = packer->last = NULL;
	return first;
}

/* ---- handing out ---------------------------------------------------------------------------------------------- */

const struct sw_packet *sw_record_packet(const struct sw_record *record, const struct sw_raw_packet **raw)
{
	const struct frame *frame = (const struct frame *)record->data;

	*raw = &frame->raw;
	return &frame->packet;
}

static void say_fact(const struct sw_trace_sink *trace, const struct sw_record *record)
{
	struct sw_fact *fact;

	memcpy(&fact, record->data, sizeof fact);
	if (trace->fact)
		trace->fact(trace->context, fact);
}

/* Who wants the bytes gets no packet without them: what changes packets changes both. */
static void say_frame(const struct sw_packet_sink *packets, const struct frame *frame)
{
	if (packets->raw)
		packets->raw(packets->context, &frame->packet, &frame->raw);
	else if (packets->packet)
		packets->packet(packets->context, &frame->packet);
}

void sw_record_say(const struct sw_record *record, const struct sw_trace_sink *trace,
		   const struct sw_packet_sink *packets)
{
	const void *data = record->data;

	switch ((enum record_kind)record->kind) {
	case RECORD_SOCKET:
		if (trace->socket)
			trace->socket(trace->context, data);
		break;
	case RECORD_ENTER:
		if (trace->enter)
			trace->enter(trace->context, data);
		break;
	case RECORD_LEAVE:
		if (trace->leave)
			trace->leave(trace->context, data);
		break;
	case RECORD_PROCESS:
		if (trace->process)
			trace->process(trace->context, data);
		break;
	case RECORD_FACT: say_fact(trace, record); break;
	case RECORD_FRAME: say_frame(packets, data); break;
	case RECORD_PACKET:
		if (packets->packet)
			packets->packet(packets->context, data);
		break;
	}
}
