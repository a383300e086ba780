/* Files of other tools, and incidents, as one stream of records: see the header.
 *
 * Logs push their records into the merge and promise up to when they are complete; captures are pulled packet by packet, and the
 * one that is next is delivered when no older record can come any more. */
#include "src/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/file.h"
#include "capture/source.h"
#include "src/base/mem.h"
#include "src/merge.h"

#define CHUNK ((size_t)128 << 10)
#define LOOK ((size_t)64 << 10) /* bytes by which a file is recognised */
#define QUICK_BYTES ((uint64_t)8 << 20) /* of a log, to see whether the clocks are one */
#define QUICK_PACKETS 100000
#define QUICK_CALLS 64
/* An incident's calls stand at their enter; a journal, which a crash left, in the order of arrival. */
#define JOURNAL_LATE_NS (2 * SW_NS_PER_S)

struct input {
	struct sw_import_input shown;
	/* A log. */
	struct sw_source source;
	bool source_open, finished;
	struct sw_strace_log *log;
	/* A capture. */
	struct sw_capture_file *file;
	struct sw_packet packet;
	bool has_packet;
	struct sw_incident_reader *incident;
	uint64_t size, done; /* bytes, for the progress */
};

struct sw_import {
	SW_ARRAY(struct input) inputs;
	struct sw_import_input *shown;
	struct sw_strace *strace;
	struct sw_merge *merge;
	int64_t offset_ns, drift;
	struct sw_strace_summary stamps; /* of the first log that has any; range of all */
	const struct sw_packet_sink *packets;
	const struct sw_trace_sink *trace;
};

/* ---- opening -------------------------------------------------------------------------------------------------- */

static int open_log(struct input *input, struct sw_err *err)
{
	size_t have;

	if (sw_source_open(&input->source, input->shown.path, err) < 0)
		return err->code;
	input->source_open = true;
	have = sw_source_have(&input->source, LOOK);
	if (!have && input->source.failure)
		return sw_err_set(err, -EIO, "%s: %s", input->shown.path, input->source.failure);
	if (!have)
		return sw_err_set(err, -EINVAL, "%s: is empty", input->shown.path);
	if (!sw_strace_recognise((const char *)sw_source_at(&input->source), have < LOOK ? have : LOOK))
		return sw_err_set(err, -EINVAL, "%s: is neither a capture (pcap, pcapng) nor strace's text", input->shown.path);
	input->shown.type = SW_IMPORT_STRACE;
	input->shown.kind = "strace";
	return 0;
}

static void ignore_socket(void *context, const struct sw_socket *socket)
{
	(void)context;
	(void)socket;
}

static void ignore_call(void *context, const struct sw_call *call)
{
	(void)context;
	(void)call;
}

static void ignore_process(void *context, const struct sw_process *process)
{
	(void)context;
	(void)process;
}

static void ignore_fact(void *context, const struct sw_fact *fact)
{
	(void)context;
	(void)fact;
}

static void ignore_limit(void *context, const struct sw_limit *limit)
{
	(void)context;
	(void)limit;
}

static void ignore_packet(void *context, const struct sw_packet *packet)
{
	(void)context;
	(void)packet;
}

static void ignore_status(void *context, const struct sw_capture_status *status)
{
	(void)context;
	(void)status;
}

/* The section header says it, and that is read with the first packet. */
static bool is_incident(const char *path)
{
	const struct sw_trace_sink trace = { NULL, ignore_socket, ignore_call, ignore_call, ignore_process, ignore_fact, ignore_limit };
	const struct sw_packet_sink packets = { .packet = ignore_packet, .status = ignore_status };
	struct sw_incident_reader *reader;
	struct sw_capture_file *file;
	struct sw_capture_hooks hooks;
	struct sw_packet packet;
	struct sw_err err = { 0 };
	bool is;

	file = strcmp(path, "-") == 0 ? NULL : sw_capture_file_open(path, &err);
	if (!file)
		return false;
	reader = sw_incident_reader_new(&trace, &packets);
	hooks = sw_incident_reader_hooks(reader);
	sw_capture_file_hooks(file, &hooks);
	sw_capture_file_next(file, &packet, &err);
	is = sw_incident_reader_session(reader)->present;
	sw_capture_file_close(file);
	sw_incident_reader_free(reader);
	return is;
}

static int open_input(struct input *input, struct sw_err *err)
{
	struct stat status;
	struct sw_err why = { 0 };

	if (stat(input->shown.path, &status) == 0 && S_ISDIR(status.st_mode))
		return sw_err_set(err, -EISDIR, "%s: is a directory; name the files in it", input->shown.path);
	if (stat(input->shown.path, &status) == 0)
		input->size = (uint64_t)status.st_size;
	input->file = sw_capture_file_open(input->shown.path, &why);
	if (input->file) {
		bool incident = is_incident(input->shown.path);

		input->shown.type = incident ? SW_IMPORT_INCIDENT : SW_IMPORT_CAPTURE;
		input->shown.kind = incident ? "incident" : sw_capture_file_kind(input->file);
		return 0;
	}
	if (why.code != -ENOMSG)
		return sw_err_set(err, why.code ? why.code : -EIO, "%s", why.text);
	return open_log(input, err);
}

static int by_type(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	/* Calls carry no input's number: the logs come first. */
	return (x->shown.type != SW_IMPORT_STRACE) - (y->shown.type != SW_IMPORT_STRACE);
}

int sw_import_open(char *const *paths, size_t count, struct sw_import **result, struct sw_err *err)
{
	struct sw_import *import = sw_alloc(sizeof *import);

	for (size_t i = 0; i < count; i++) {
		struct input *input = SW_ARRAY_ADD(&import->inputs);

		input->shown.path = paths[i];
		if (open_input(input, err) < 0) {
			sw_import_free(import);
			return err->code;
		}
	}
	qsort(import->inputs.items, import->inputs.count, sizeof *import->inputs.items, by_type);
	*result = import;
	return 0;
}

static void close_input(struct input *input)
{
	sw_capture_file_close(input->file);
	input->file = NULL;
	sw_incident_reader_free(input->incident);
	input->incident = NULL;
	if (input->source_open)
		sw_source_close(&input->source);
	input->source_open = false;
	input->log = NULL;
	input->has_packet = input->finished = false;
}

void sw_import_free(struct sw_import *import)
{
	if (!import)
		return;
	for (size_t i = 0; i < import->inputs.count; i++)
		close_input(&import->inputs.items[i]);
	SW_ARRAY_RELEASE(&import->inputs);
	sw_strace_free(import->strace);
	sw_merge_free(import->merge);
	free(import->shown);
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

static void feed(struct input *input)
{
	size_t have = sw_source_have(&input->source, CHUNK);

	if (!have) {
		if (input->source.failure)
			snprintf(input->shown.text, sizeof input->shown.text, "ends at byte %llu: %s",
				 (unsigned long long)input->source.offset, input->source.failure);
		sw_strace_end(input->log);
		input->finished = true;
		return;
	}
	sw_strace_feed(input->log, (const char *)sw_source_at(&input->source), have);
	sw_source_consume(&input->source, have);
	input->done = input->source.offset;
}

static void open_logs(struct sw_import *import, const struct sw_trace_sink *sink)
{
	sw_strace_free(import->strace);
	import->strace = sw_strace_new(sink);
	sw_strace_set_offset(import->strace, import->offset_ns, import->drift);
	for (size_t i = 0; i < import->inputs.count; i++)
		if (import->inputs.items[i].shown.type == SW_IMPORT_STRACE)
			import->inputs.items[i].log = sw_strace_open(import->strace, pid_of_path(import->inputs.items[i].shown.path));
}

/* The log that knows least of what is to come; NULL: all are read. */
static struct input *behind(struct sw_import *import, int64_t *until_ns)
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

static void pull(struct sw_import *import, size_t index)
{
	struct input *input = &import->inputs.items[index];
	struct sw_err err = { 0 };
	int result = sw_capture_file_next(input->file, &input->packet, &err);

	input->has_packet = result > 0;
	if (result < 0)
		snprintf(input->shown.text, sizeof input->shown.text, "%s", err.text);
	if (result <= 0) {
		input->finished = true;
		return;
	}
	input->shown.records++;
	input->packet.input = (uint16_t)index;
	/* Two captures may number their interfaces alike. */
	input->packet.interface += (uint32_t)index << 16;
	if (input->incident)
		sw_incident_reader_packet(input->incident, input->file, &input->packet);
	if ((input->shown.records & 0xff) == 0)
		input->done = sw_capture_file_offset(input->file);
}

static size_t next_packet(const struct sw_import *import, int64_t *time_ns)
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

static void say_status(struct sw_import *import)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		struct sw_capture_status status = { 0 };

		if (!input->file || !import->packets->status || input->shown.type == SW_IMPORT_INCIDENT)
			continue;
		sw_capture_file_status(input->file, &status);
		status.input = (uint16_t)i;
		status.live = false;
		if (input->shown.text[0])
			status.why_not = input->shown.text;
		import->packets->status(import->packets->context, &status);
	}
}

/* ---- both ----------------------------------------------------------------------------------------------------- */

static void open_captures(struct sw_import *import, const struct sw_trace_sink *trace, const struct sw_packet_sink *packets)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		struct sw_capture_hooks hooks;

		if (!input->file)
			continue;
		input->incident = sw_incident_reader_new(trace, packets);
		hooks = sw_incident_reader_hooks(input->incident);
		sw_capture_file_hooks(input->file, &hooks);
		pull(import, i);
	}
}

static double done(const struct sw_import *import)
{
	double all = 1, read = 0;

	for (size_t i = 0; i < import->inputs.count; i++) {
		const struct input *input = &import->inputs.items[i];

		all += (double)input->size;
		/* A compressed file gives more bytes than it has. */
		read += input->finished || input->done > input->size ? (double)input->size : (double)input->done;
	}
	return read / all;
}

/* How old a record of an incident may still be when a packet of this time was read. */
static int64_t lateness(const struct sw_import *import)
{
	const struct sw_incident_session *session = sw_import_session(import);

	return session && !session->complete ? JOURNAL_LATE_NS : 0;
}

static void deliver(struct sw_import *import, size_t index, struct sw_packet_sink *to_merge, int64_t late_ns)
{
	struct input *input = &import->inputs.items[index];

	if (late_ns || input->shown.type == SW_IMPORT_INCIDENT)
		to_merge->packet(to_merge->context, &input->packet);
	else if (import->packets->raw)
		import->packets->raw(import->packets->context, &input->packet, sw_capture_file_raw(input->file));
	else if (import->packets->packet)
		import->packets->packet(import->packets->context, &input->packet);
	pull(import, index);
}

void sw_import_run(struct sw_import *import, const struct sw_trace_sink *trace, const struct sw_packet_sink *packets,
		   void (*progress)(void *context, double done), void *context)
{
	struct sw_trace_sink to_merge;
	struct sw_packet_sink packets_to_merge;
	uint64_t turns = 0;
	int64_t late_ns;

	import->trace = trace;
	import->packets = packets;
	import->merge = sw_merge_new(trace, packets);
	to_merge = sw_merge_trace_sink(import->merge);
	packets_to_merge = sw_merge_packet_sink(import->merge);
	open_logs(import, &to_merge);
	open_captures(import, &to_merge, &packets_to_merge);
	late_ns = lateness(import);
	for (;;) {
		int64_t until_ns, packet_ns;
		struct input *log = behind(import, &until_ns);
		size_t next = next_packet(import, &packet_ns);

		if (next == SIZE_MAX && !log)
			break;
		if (next == SIZE_MAX || until_ns <= packet_ns) {
			sw_merge_release(import->merge, until_ns);
			feed(log);
		} else {
			sw_merge_release(import->merge, packet_ns - late_ns);
			deliver(import, next, &packets_to_merge, late_ns);
		}
		if (progress && (++turns & 0xfff) == 0)
			progress(context, done(import));
	}
	sw_merge_release(import->merge, INT64_MAX);
	say_status(import);
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

/* ---- clocks --------------------------------------------------------------------------------------------------- */

static void read_logs(struct sw_import *import, struct sw_align *align, bool quick)
{
	struct sw_trace_sink sink = sw_align_sink(align);
	struct input *log;
	int64_t until_ns;

	open_logs(import, &sink);
	while ((log = behind(import, &until_ns))) {
		feed(log);
		if (quick && (log->source.offset > QUICK_BYTES || sw_align_calls(align) >= QUICK_CALLS))
			break;
	}
	import->stamps = (struct sw_strace_summary){ .first_ns = SW_TIME_NONE, .last_ns = SW_TIME_NONE };
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct sw_strace_summary summary;

		if (!import->inputs.items[i].log)
			continue;
		sw_strace_summary(import->inputs.items[i].log, &summary);
		if (summary.first_ns == SW_TIME_NONE)
			continue;
		if (import->stamps.first_ns == SW_TIME_NONE)
			import->stamps = summary;
		if (summary.first_ns < import->stamps.first_ns)
			import->stamps.first_ns = summary.first_ns;
		if (summary.last_ns > import->stamps.last_ns)
			import->stamps.last_ns = summary.last_ns;
	}
}

static void read_captures(struct sw_import *import, struct sw_align *align, bool quick)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];
		struct sw_err err = { 0 };
		struct sw_packet packet;
		int64_t count = 0;

		while (input->file && sw_capture_file_next(input->file, &packet, &err) > 0) {
			sw_align_packet(align, &packet);
			if (quick && ++count >= QUICK_PACKETS)
				break;
		}
	}
}

/* All files from their beginning again. */
static int reopen(struct sw_import *import, struct sw_err *err)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];

		close_input(input);
		input->shown.text[0] = '\0';
		input->shown.records = 0;
		input->done = 0;
		if (open_input(input, err) < 0)
			return err->code;
	}
	return 0;
}

static int align_pass(struct sw_import *import, bool quick, struct sw_alignment *alignment, struct sw_err *err)
{
	struct sw_align *align = sw_align_new();

	import->offset_ns = import->drift = 0;
	read_logs(import, align, quick);
	read_captures(import, align, quick);
	sw_align_solve(align, &import->stamps, alignment);
	sw_align_free(align);
	return reopen(import, err);
}

int sw_import_align(struct sw_import *import, struct sw_alignment *alignment, struct sw_err *err)
{
	int code;

	*alignment = (struct sw_alignment){ .aligned = SW_ALIGNED_SAME };
	if (!sw_import_count(import, SW_IMPORT_STRACE) || sw_import_count(import, SW_IMPORT_STRACE) == import->inputs.count)
		return 0;
	for (size_t i = 0; i < import->inputs.count; i++)
		if (strcmp(import->inputs.items[i].shown.path, "-") == 0)
			return 0; /* it can be read only once */
	/* Most recordings are of one machine: its beginning shows it. */
	code = align_pass(import, true, alignment, err);
	if (code < 0)
		return code;
	if (alignment->aligned != SW_ALIGNED_SAME || alignment->pairs == 0) {
		code = align_pass(import, false, alignment, err);
		if (code < 0)
			return code;
	}
	if (alignment->aligned != SW_ALIGNED_FAILED) {
		import->offset_ns = alignment->offset_ns;
		import->drift = alignment->drift;
	}
	return 0;
}

void sw_import_set_offset(struct sw_import *import, int64_t offset_ns)
{
	import->offset_ns = offset_ns;
	import->drift = 0;
}

enum sw_strace_clock sw_import_clock(const struct sw_import *import)
{
	return import->stamps.clock;
}
