/* Files of other tools, and incidents, as one stream of records: see the header.
 *
 * Logs push their records into the merge and promise up to when they are complete; captures are pulled packet by packet, and the
 * one that is next is delivered when no older record can come any more. */
#include "src/import_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)8 << 10) /* of a log at once: its records wait for packets no longer than they must */
/* An incident's calls stand at their enter; a journal, which a crash left, in the order of arrival. */
#define JOURNAL_LATE_NS (2 * SW_NS_PER_S)

static int by_type(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	/* Calls carry no input's number: the logs come first. */
	return (x->shown.type != SW_IMPORT_STRACE) - (y->shown.type != SW_IMPORT_STRACE);
}

/* Nothing in it: the others may tell enough. */
static void leave_out(struct input *input, struct sw_err *err)
{
	const char *text = strncmp(err->text, input->shown.path, strlen(input->shown.path)) ?
				   err->text :
				   err->text + strlen(input->shown.path);

	snprintf(input->shown.text, sizeof input->shown.text, "%s", text + strspn(text, ": "));
	input->shown.type = SW_IMPORT_EMPTY;
	input->shown.kind = "empty";
	*err = (struct sw_err){0};
}

int sw_import_open(char *const *paths, size_t count, struct sw_import **result, struct sw_err *err)
{
	struct sw_import *import = sw_alloc(sizeof *import);

	for (size_t i = 0; i < count; i++) {
		struct input *input = SW_ARRAY_ADD(&import->inputs);

		input->shown.path = paths[i];
		if (sw_import_input_open(input, err) == -ENODATA && (i + 1 < count || import->inputs.count > 1))
			leave_out(input, err);
		if (err->code < 0) {
			sw_import_free(import);
			return err->code;
		}
	}
	if (sw_import_count(import, SW_IMPORT_EMPTY) == count) {
		sw_err_set(err, -ENODATA, "%s: %s", paths[0], import->inputs.items[0].shown.text);
		sw_import_free(import);
		return err->code;
	}
	qsort(import->inputs.items, import->inputs.count, sizeof *import->inputs.items, by_type);
	*result = import;
	return 0;
}

int sw_import_place(struct sw_import *import, const char *path, struct sw_err *err)
{
	struct input *input = SW_ARRAY_ADD(&import->inputs);

	input->shown.path = path;
	input->place = ++import->places;
	if (sw_import_input_open(input, err) < 0)
		return err->code;
	if (input->shown.type != SW_IMPORT_CAPTURE)
		return sw_err_set(err, -EINVAL, "--also-on %s: this is no capture", path);
	return 0;
}

void sw_import_free(struct sw_import *import)
{
	if (!import)
		return;
	for (size_t i = 0; i < import->inputs.count; i++)
		sw_import_input_close(&import->inputs.items[i]);
	SW_ARRAY_RELEASE(&import->inputs);
	sw_strace_free(import->strace);
	sw_merge_free(import->merge);
	free(import->shown);
	free(import->pins);
	free(import);
}

size_t sw_import_count(const struct sw_import *import, enum sw_import_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < import->inputs.count; i++)
		count += import->inputs.items[i].shown.type == kind;
	return count;
}

const struct sw_incident_session *sw_import_session(const struct sw_import *import)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		const struct input *input = &import->inputs.items[i];

		if (input->incident && sw_incident_reader_session(input->incident)->present)
			return sw_incident_reader_session(input->incident);
	}
	return NULL;
}

bool sw_import_attached(const struct sw_import *import)
{
	for (size_t i = 0; i < import->inputs.count; i++)
		if (import->inputs.items[i].attached)
			return true;
	return false;
}

/* ---- logs ----------------------------------------------------------------------------------------------------- */

/* strace -ff names a file by its process: "trace.1234". */
static uint32_t pid_of_path(const char *path)
{
	const char *dot = strrchr(path, '.');
	unsigned long pid;
	char *end;

	if (!dot || dot[1] < '1' || dot[1] > '9')
		return 0;
	pid = strtoul(dot + 1, &end, 10);
	return *end == '\0' && pid <= UINT32_MAX ? (uint32_t)pid : 0;
}

void sw_import_log_feed(struct input *input)
{
	size_t have = sw_source_have(&input->source, 1);

	if (!have) {
		if (input->source.failure)
			snprintf(input->shown.text, sizeof input->shown.text, "ends at byte %llu: %s",
				 (unsigned long long)input->source.offset, input->source.failure);
		sw_strace_end(input->log);
		input->finished = true;
		input->done = input->size;
		return;
	}
	have = have < PIECE ? have : PIECE;
	sw_strace_feed(input->log, (const char *)sw_source_at(&input->source), have);
	sw_source_consume(&input->source, have);
	input->done = input->source.offset;
}

void sw_import_logs_open(struct sw_import *import, const struct sw_trace_sink *sink, bool raw)
{
	sw_strace_free(import->strace);
	import->strace = sw_strace_new(sink);
	sw_strace_set_offset(import->strace, import->offset_ns, import->drift, import->stamps.first_ns);
	if (raw)
		sw_strace_set_raw(import->strace);
	else
		sw_strace_set_pins(import->strace, import->pins, import->pin_count);
	for (size_t i = 0; i < import->inputs.count; i++)
		if (import->inputs.items[i].shown.type == SW_IMPORT_STRACE)
			import->inputs.items[i].log =
				sw_strace_open(import->strace, pid_of_path(import->inputs.items[i].shown.path));
}

struct input *sw_import_logs_behind(struct sw_import *import, int64_t *until_ns)
{
	struct input *least = NULL;

	*until_ns = INT64_MAX;
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		int64_t complete_ns;

		if (!input->log || input->finished)
			continue;
		complete_ns = sw_strace_complete_until(input->log);
		if (!least || complete_ns < *until_ns) {
			least = input;
			*until_ns = complete_ns;
		}
	}
	return least;
}

/* ---- captures ------------------------------------------------------------------------------------------------- */

void sw_import_pull(struct sw_import *import, size_t index)
{
	struct input *input = &import->inputs.items[index];
	struct sw_err err = {0};
	int result = sw_capture_file_next(input->file, &input->packet, &err);

	input->has_packet = result > 0;
	if (result < 0)
		snprintf(input->shown.text, sizeof input->shown.text, "%s", err.text);
	if (result <= 0) {
		input->finished = true;
		input->done = input->size;
		return;
	}
	input->shown.records++;
	input->packet.input = (uint16_t)index;
	input->packet.place = input->place;
	if (input->place)
		input->packet.flags &= ~SW_PACKET_DUPLICATE; /* the place has flows of its own */
	/* Two captures may number their interfaces alike. */
	input->packet.interface += (uint32_t)index << 16;
	if (input->incident)
		sw_incident_reader_packet(input->incident, input->file, &input->packet);
	if ((input->shown.records & 0xff) == 0)
		input->done = sw_capture_file_offset(input->file);
}

size_t sw_import_next(const struct sw_import *import, int64_t *time_ns)
{
	size_t next = SIZE_MAX;

	*time_ns = INT64_MAX;
	for (size_t i = 0; i < import->inputs.count; i++) {
		const struct input *input = &import->inputs.items[i];

		if (input->has_packet && (next == SIZE_MAX || input->packet.time_ns < *time_ns)) {
			next = i;
			*time_ns = input->packet.time_ns;
		}
	}
	return next;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* At the end all that is known; at the beginning the further places, so that they have names. */
static void say_status(struct sw_import *import, bool end)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		struct sw_capture_status status = {0};

		if (!input->file || !import->packets->status || input->shown.type == SW_IMPORT_INCIDENT ||
		    (!end && !input->place))
			continue;
		sw_capture_file_status(input->file, &status);
		status.input = (uint16_t)i;
		status.live = false;
		status.place = input->place;
		if (input->place)
			status.interfaces = base_name(input->shown.path);
		if (input->shown.text[0])
			status.why_not = input->shown.text;
		import->packets->status(import->packets->context, &status);
	}
}

/* ---- both ----------------------------------------------------------------------------------------------------- */

static void open_captures(struct sw_import *import, const struct sw_trace_sink *trace,
			  const struct sw_packet_sink *packets)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		struct sw_capture_hooks hooks;

		if (!input->file)
			continue;
		input->incident = sw_incident_reader_new(trace, packets);
		hooks = sw_incident_reader_hooks(input->incident);
		sw_capture_file_hooks(input->file, &hooks);
		sw_import_pull(import, i);
	}
}

static double done(const struct sw_import *import)
{
	double all = 1, read = 0;

	for (size_t i = 0; i < import->inputs.count; i++) {
		const struct input *input = &import->inputs.items[i];

		all += (double)input->size;
		/* A compressed file gives more bytes than it has. */
		read += (double)(input->done < input->size ? input->done : input->size);
	}
	return read / all;
}

/* How old a record of an incident may still be when a packet of this time was read. */
static int64_t lateness(const struct sw_import *import)
{
	const struct sw_incident_session *session = sw_import_session(import);

	return session && !session->complete ? JOURNAL_LATE_NS : 0;
}

/* Until everything older than the next packet is known, more of the calls; else the packet. */
static void run(struct sw_import *import, struct sw_import_calls *calls, struct sw_import_packets *packets,
		void (*progress)(void *context, double done), void *context)
{
	int64_t late_ns = lateness(import);
	uint64_t turns = 0;

	for (;;) {
		int64_t packet_ns = sw_import_packets_time(packets);

		if (calls->ended && packet_ns == INT64_MAX)
			break;
		if (!calls->ended && calls->until_ns <= packet_ns) {
			sw_merge_release(import->merge, calls->until_ns);
			sw_import_calls_more(calls);
		} else {
			sw_merge_release(import->merge, packet_ns - late_ns);
			sw_import_packets_deliver(packets, late_ns);
		}
		if (progress && (++turns & 0xfff) == 0)
			progress(context, done(import));
	}
	sw_merge_release(import->merge, INT64_MAX);
}

void sw_import_run(struct sw_import *import, const struct sw_trace_sink *trace, const struct sw_packet_sink *packets,
		   void (*progress)(void *context, double done), void *context)
{
	struct sw_import_packets side;
	struct sw_import_calls calls;
	struct sw_trace_sink to_merge;
	struct sw_packet_sink packets_to_merge;

	import->trace = trace;
	import->packets = packets;
	import->merge = sw_merge_new(trace, packets);
	to_merge = sw_merge_trace_sink(import->merge);
	packets_to_merge = sw_merge_packet_sink(import->merge);
	open_captures(import, &to_merge, &packets_to_merge);
	say_status(import, false);
	sw_import_calls_begin(&calls, import);
	sw_import_packets_begin(&side, import);
	run(import, &calls, &side, progress, context);
	sw_import_calls_end(&calls);
	sw_import_packets_end(&side);
	say_status(import, true);
}

const struct sw_import_input *sw_import_inputs(struct sw_import *import, size_t *count)
{
	free(import->shown);
	import->shown = sw_alloc((import->inputs.count + 1) * sizeof *import->shown);
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		const char *why = NULL;

		if (input->log) {
			sw_strace_summary(input->log, &input->shown.summary);
			input->shown.records = input->shown.summary.calls;
			input->shown.unread = input->shown.summary.unread;
		}
		if (input->file)
			input->shown.undecoded = sw_capture_file_unknown(input->file);
		if (input->incident && input->shown.type == SW_IMPORT_INCIDENT) {
			input->shown.unread = sw_incident_reader_unread(input->incident, &why);
			if (why && !input->shown.text[0])
				snprintf(input->shown.text, sizeof input->shown.text, "%s", why);
		}
		import->shown[i] = input->shown;
	}
	*count = import->inputs.count;
	return import->shown;
}
