/* The two sides of an import, calls and packets, as the run sees them: see import_internal.h.
 *
 * Enters: opened logs and captures. Leaves: calls in the merge, packets delivered. With a second processor each side is read and decoded
 * ahead in a thread of its own, while this one reasons: the order of what is delivered is the same, since it follows the records' times
 * alone. A pcapng may carry calls, which its reader puts into the merge: such files are read where they are wanted. */
#include <string.h>

#include "src/import_internal.h"

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static bool produce_calls(void *context, int64_t *until_ns)
{
	struct sw_import_calls *calls = context;
	struct input *log = sw_import_logs_behind(calls->import, until_ns);

	if (log)
		sw_import_log_feed(log);
	return sw_import_logs_behind(calls->import, until_ns) != NULL;
}

void sw_import_calls_begin(struct sw_import_calls *calls, struct sw_import *import)
{
	struct sw_trace_sink sink;

	*calls = (struct sw_import_calls){.import = import, .until_ns = INT64_MIN};
	calls->ended = sw_import_count(import, SW_IMPORT_STRACE) == 0;
	sink = sw_packer_trace_sink(&calls->packer);
	sw_import_logs_open(import, &sink, false);
	if (!calls->ended && sw_ahead_pays())
		calls->ahead = sw_ahead_new(produce_calls, calls, &calls->packer);
	if (calls->ahead)
		return;
	sink = sw_merge_trace_sink(import->merge);
	sw_import_logs_open(import, &sink, false);
}

void sw_import_calls_more(struct sw_import_calls *calls)
{
	struct sw_chunk *chunk;

	if (!calls->ahead) {
		struct input *log = sw_import_logs_behind(calls->import, &calls->until_ns);

		if (log)
			sw_import_log_feed(log);
		calls->ended = !sw_import_logs_behind(calls->import, &calls->until_ns);
		return;
	}
	chunk = sw_ahead_take(calls->ahead);
	calls->ended = !chunk;
	if (!chunk) {
		calls->until_ns = INT64_MAX;
		return;
	}
	for (struct sw_record *record = sw_chunk_next(chunk, NULL); record; record = sw_chunk_next(chunk, record))
		sw_merge_push(calls->import->merge, record);
	if (chunk->until_ns != INT64_MIN)
		calls->until_ns = chunk->until_ns;
}

void sw_import_calls_end(struct sw_import_calls *calls)
{
	sw_ahead_free(calls->ahead);
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static bool produce_packets(void *context, int64_t *until_ns)
{
	struct sw_import_packets *packets = context;
	int64_t time_ns;
	size_t next = sw_import_next(packets->import, &time_ns);

	(void)until_ns;
	if (next == SIZE_MAX)
		return false;
	sw_packer_frame(&packets->packer, &packets->import->inputs.items[next].packet,
			sw_capture_file_raw(packets->import->inputs.items[next].file));
	sw_import_pull(packets->import, next);
	return true;
}

static bool packets_alone(const struct sw_import *import)
{
	size_t captures = 0;

	for (size_t i = 0; i < import->inputs.count; i++) {
		const struct input *input = &import->inputs.items[i];

		if (input->file &&
		    (input->shown.type == SW_IMPORT_INCIDENT || !strncmp(input->shown.kind, "pcapng", 6)))
			return false;
		captures += input->file != NULL;
	}
	return captures > 0;
}

void sw_import_packets_begin(struct sw_import_packets *packets, struct sw_import *import)
{
	*packets = (struct sw_import_packets){.import = import, .next = SIZE_MAX};
	if (packets_alone(import) && sw_ahead_pays())
		packets->ahead = sw_ahead_new(produce_packets, packets, &packets->packer);
}

int64_t sw_import_packets_time(struct sw_import_packets *packets)
{
	int64_t time_ns;

	if (!packets->ahead) {
		packets->next = sw_import_next(packets->import, &time_ns);
		return time_ns;
	}
	if (!packets->record) {
		packets->chunk = sw_ahead_take(packets->ahead);
		packets->record = packets->chunk ? sw_chunk_next(packets->chunk, NULL) : NULL;
	}
	return packets->record ? packets->record->time_ns : INT64_MAX;
}

static void say(const struct sw_packet_sink *sink, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	if (sink->raw)
		sink->raw(sink->context, packet, raw);
	else if (sink->packet)
		sink->packet(sink->context, packet);
}

void sw_import_packets_deliver(struct sw_import_packets *packets, int64_t late_ns)
{
	struct sw_import *import = packets->import;
	const struct sw_packet *packet;
	const struct sw_raw_packet *raw;

	if (packets->ahead) {
		struct sw_record *record = packets->record;

		packet = sw_record_packet(record, &raw);
		say(import->packets, packet, raw);
		packets->record = sw_chunk_next(packets->chunk, record);
		sw_record_done(record);
		return;
	}
	struct input *input = &import->inputs.items[packets->next];

	if (late_ns || input->shown.type == SW_IMPORT_INCIDENT) {
		struct sw_packet_sink to_merge = sw_merge_packet_sink(import->merge);

		to_merge.raw(to_merge.context, &input->packet, sw_capture_file_raw(input->file));
	} else {
		say(import->packets, &input->packet, sw_capture_file_raw(input->file));
	}
	sw_import_pull(import, packets->next);
}

void sw_import_packets_end(struct sw_import_packets *packets)
{
	sw_ahead_free(packets->ahead);
}
