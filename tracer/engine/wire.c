/* Records into the ring and out of it again, see wire.h. A record is: kind, the structure with its pointers as found, then its
 * arrays in the order in which the structure names them, each padded to eight bytes. */
#include "tracer/engine/wire.h"

#include <string.h>

#define FIELDS_MAX 256u /* of one fact */
#define TEXT_MAX 65536u

enum kind { KIND_NONE, KIND_SOCKET, KIND_ENTER, KIND_LEAVE, KIND_PROCESS, KIND_FACT, KIND_LIMIT };

static size_t eight(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

struct writer {
	unsigned char *at;
};

static void put(struct writer *writer, const void *bytes, size_t length)
{
	if (length)
		memcpy(writer->at, bytes, length);
	writer->at += eight(length);
}

static bool begin(struct sw_ring *ring, struct writer *writer, enum kind kind, size_t length)
{
	uint64_t first = kind;

	writer->at = sw_ring_reserve(ring, 8 + length);
	if (!writer->at)
		return false;
	put(writer, &first, sizeof first);
	return true;
}

/* Texts travel with their NUL; an absent one has length 0. */
static uint64_t text_length(const char *text)
{
	size_t length = text ? strlen(text) + 1 : 0;

	return length <= TEXT_MAX ? length : 0;
}

static void put_text(struct writer *writer, const char *text)
{
	uint64_t length = text_length(text);

	put(writer, &length, sizeof length);
	put(writer, text, length);
}

static size_t text_room(const char *text)
{
	return 8 + eight(text_length(text));
}

static void write_socket(void *context, const struct sw_socket *socket)
{
	struct writer writer;

	if (!begin(context, &writer, KIND_SOCKET, eight(sizeof *socket)))
		return;
	put(&writer, socket, sizeof *socket);
	sw_ring_publish(context, 8 + eight(sizeof *socket));
}

static void write_call(struct sw_ring *ring, enum kind kind, const struct sw_call *call)
{
	size_t waits = sizeof *call->waits * call->wait_count;
	size_t messages = sizeof *call->messages * call->message_count;
	size_t stack = sizeof *call->stack * call->stack_count;
	size_t length = eight(sizeof *call) + eight(waits) + eight(messages) + eight(stack) + eight(call->data_count);
	struct writer writer;

	if (!begin(ring, &writer, kind, length))
		return;
	put(&writer, call, sizeof *call);
	put(&writer, call->waits, waits);
	put(&writer, call->messages, messages);
	put(&writer, call->stack, stack);
	put(&writer, call->data, call->data_count);
	sw_ring_publish(ring, 8 + length);
}

static void write_enter(void *context, const struct sw_call *call)
{
	write_call(context, KIND_ENTER, call);
}

static void write_leave(void *context, const struct sw_call *call)
{
	write_call(context, KIND_LEAVE, call);
}

static void write_process(void *context, const struct sw_process *process)
{
	size_t length = eight(sizeof *process) + text_room(process->comm) + text_room(process->command_line);
	struct writer writer;

	if (!begin(context, &writer, KIND_PROCESS, length))
		return;
	put(&writer, process, sizeof *process);
	put_text(&writer, process->comm);
	put_text(&writer, process->command_line);
	sw_ring_publish(context, 8 + length);
}

static void write_fact(void *context, const struct sw_fact *fact)
{
	uint32_t count = fact->field_count < FIELDS_MAX ? fact->field_count : FIELDS_MAX;
	struct sw_fact copy = *fact;
	size_t length = eight(sizeof copy) + text_room(fact->kind);
	struct writer writer;

	copy.field_count = count;
	for (uint32_t i = 0; i < count; i++)
		length += 8 + text_room(fact->fields[i].name) + text_room(fact->fields[i].text);
	if (!begin(context, &writer, KIND_FACT, length))
		return;
	put(&writer, &copy, sizeof copy);
	put_text(&writer, fact->kind);
	for (uint32_t i = 0; i < count; i++) {
		put(&writer, &fact->fields[i].number, sizeof fact->fields[i].number);
		put_text(&writer, fact->fields[i].name);
		put_text(&writer, fact->fields[i].text);
	}
	sw_ring_publish(context, 8 + length);
}

static void write_limit(void *context, const struct sw_limit *limit)
{
	size_t length = text_room(limit->what) + text_room(limit->costs);
	struct writer writer;

	if (!begin(context, &writer, KIND_LIMIT, length))
		return;
	put_text(&writer, limit->what);
	put_text(&writer, limit->costs);
	sw_ring_publish(context, 8 + length);
}

struct sw_trace_sink sw_wire_sink(struct sw_ring *ring)
{
	return (struct sw_trace_sink){.context = ring,
				      .socket = write_socket,
				      .enter = write_enter,
				      .leave = write_leave,
				      .process = write_process,
				      .fact = write_fact,
				      .limit = write_limit};
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

struct reader {
	const unsigned char *at;
	size_t left;
	bool bad;
};

static const void *take(struct reader *reader, size_t length)
{
	const unsigned char *at = reader->at;

	if (reader->bad || length > reader->left || eight(length) > reader->left) {
		reader->bad = true;
		return NULL;
	}
	reader->at += eight(length);
	reader->left -= eight(length);
	return at;
}

static const void *take_array(struct reader *reader, uint32_t count, size_t size)
{
	if (count > reader->left / size) {
		reader->bad = true;
		return NULL;
	}
	return count ? take(reader, count * size) : NULL;
}

static const char *take_text(struct reader *reader)
{
	const uint64_t *length = take(reader, sizeof *length);

	if (!length || !*length)
		return NULL;
	const char *text = *length <= TEXT_MAX ? take(reader, *length) : NULL;
	if (!text || text[*length - 1] != '\0')
		reader->bad = true;
	return reader->bad ? NULL : text;
}

static void read_call(struct reader *reader, enum kind kind, const struct sw_trace_sink *sink)
{
	const struct sw_call *stored = take(reader, sizeof *stored);
	struct sw_call call;

	if (!stored)
		return;
	call = *stored;
	call.waits = take_array(reader, call.wait_count, sizeof *call.waits);
	call.messages = take_array(reader, call.message_count, sizeof *call.messages);
	call.stack = take_array(reader, call.stack_count, sizeof *call.stack);
	call.data = take_array(reader, call.data_count, 1);
	if (call.sys >= SW_SYS_COUNT)
		reader->bad = true;
	void (*deliver)(void *, const struct sw_call *) = kind == KIND_ENTER ? sink->enter : sink->leave;
	if (!reader->bad && deliver)
		deliver(sink->context, &call);
}

static void read_socket(struct reader *reader, const struct sw_trace_sink *sink)
{
	const struct sw_socket *socket = take(reader, sizeof *socket);

	if (socket && sink->socket)
		sink->socket(sink->context, socket);
}

static void read_process(struct reader *reader, const struct sw_trace_sink *sink)
{
	const struct sw_process *stored = take(reader, sizeof *stored);
	struct sw_process process;

	if (!stored)
		return;
	process = *stored;
	process.comm = take_text(reader);
	process.command_line = take_text(reader);
	if (!reader->bad && sink->process)
		sink->process(sink->context, &process);
}

static void read_fact(struct reader *reader, const struct sw_trace_sink *sink)
{
	const struct sw_fact *stored = take(reader, sizeof *stored);
	struct sw_field fields[FIELDS_MAX];
	struct sw_fact fact;

	if (!stored)
		return;
	fact = *stored;
	fact.fields = fields;
	fact.kind = take_text(reader);
	if (fact.field_count > FIELDS_MAX || !fact.kind) {
		reader->bad = true;
		return;
	}
	for (uint32_t i = 0; i < fact.field_count && !reader->bad; i++) {
		const int64_t *number = take(reader, sizeof *number);
		fields[i].number = number ? *number : 0;
		fields[i].name = take_text(reader);
		fields[i].text = take_text(reader);
		reader->bad |= !fields[i].name;
	}
	if (!reader->bad && sink->fact)
		sink->fact(sink->context, &fact);
}

static void read_limit(struct reader *reader, const struct sw_trace_sink *sink)
{
	struct sw_limit limit = {.what = take_text(reader)};

	limit.costs = take_text(reader);
	if (!reader->bad && limit.what && sink->limit)
		sink->limit(sink->context, &limit);
}

static bool deliver_one(const void *record, size_t length, const struct sw_trace_sink *sink)
{
	struct reader reader = {.at = record, .left = length};
	const uint64_t *kind = take(&reader, sizeof *kind);

	switch (kind ? *kind : KIND_NONE) {
	case KIND_SOCKET: read_socket(&reader, sink); break;
	case KIND_ENTER:
	case KIND_LEAVE: read_call(&reader, *kind, sink); break;
	case KIND_PROCESS: read_process(&reader, sink); break;
	case KIND_FACT: read_fact(&reader, sink); break;
	case KIND_LIMIT: read_limit(&reader, sink); break;
	default: return false;
	}
	return !reader.bad;
}

size_t sw_wire_read(struct sw_ring *ring, const struct sw_trace_sink *sink, size_t most, uint64_t *damaged)
{
	size_t count = 0, length;
	const void *record;

	while ((!most || count < most) && (record = sw_ring_peek(ring, &length))) {
		if (!deliver_one(record, length, sink) && damaged)
			++*damaged;
		sw_ring_consumed(ring);
		count++;
	}
	return count;
}
