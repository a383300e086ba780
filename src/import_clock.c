/* The import's clocks: logs and captures are read once before, to see how far they are apart (src/clock_align.h). */
#include <string.h>

#include "src/import_internal.h"

#define QUICK_BYTES ((uint64_t)8 << 20) /* of a log, to see whether the clocks are one */
#define QUICK_PACKETS 100000
#define QUICK_CALLS 64

static void read_logs(struct sw_import *import, struct sw_align *align, bool quick)
{
	struct sw_trace_sink sink = sw_align_sink(align);
	struct input *log;
	int64_t until_ns;

	sw_import_logs_open(import, &sink, true);
	while ((log = sw_import_logs_behind(import, &until_ns))) {
		sw_import_log_feed(log);
		if (quick && (log->source.offset > QUICK_BYTES || sw_align_calls(align) >= QUICK_CALLS))
			break;
	}
	import->trace_set = (struct sw_trace_set){0};
	import->stamps = (struct sw_strace_summary){.first_ns = SW_TIME_NONE, .last_ns = SW_TIME_NONE};
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct sw_strace_summary summary;

		if (!import->inputs.items[i].log)
			continue;
		sw_strace_summary(import->inputs.items[i].log, &summary);
		sw_trace_set_add(&import->trace_set, &summary);
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
		struct sw_err err = {0};
		struct sw_packet packet;
		int64_t count = 0;

		while (input->file && sw_capture_file_next(input->file, &packet, &err) > 0) {
			/* On one clock what stands behind the calls that were read is not theirs. */
			if (quick &&
			    (++count >= QUICK_PACKETS || packet.time_ns > import->stamps.last_ns + SW_NS_PER_S))
				break;
			sw_align_packet(align, &packet);
		}
	}
}

/* All files from their beginning again. */
static int reopen(struct sw_import *import, struct sw_err *err)
{
	for (size_t i = 0; i < import->inputs.count; i++) {
		struct input *input = &import->inputs.items[i];

		if (input->shown.type == SW_IMPORT_EMPTY)
			continue;
		sw_import_input_close(input);
		input->shown.text[0] = '\0';
		input->shown.records = 0;
		input->done = 0;
		if (sw_import_input_open(input, err) < 0)
			return err->code;
	}
	return 0;
}

static int align_pass(struct sw_import *import, bool quick, struct sw_alignment *alignment, struct sw_err *err)
{
	struct sw_align *align = sw_align_new(&import->stamps);

	import->offset_ns = import->drift = 0;
	read_logs(import, align, quick);
	sw_align_log(align, &import->stamps);
	read_captures(import, align, quick);
	sw_align_solve(align, alignment);
	if (!quick)
		import->pins = sw_align_pins(align, alignment, &import->pin_count);
	sw_align_free(align);
	return reopen(import, err);
}

int sw_import_align(struct sw_import *import, struct sw_alignment *alignment, struct sw_err *err)
{
	int code;

	*alignment = (struct sw_alignment){.aligned = SW_ALIGNED_SAME};
	if (!sw_import_count(import, SW_IMPORT_STRACE) ||
	    !(sw_import_count(import, SW_IMPORT_CAPTURE) + sw_import_count(import, SW_IMPORT_INCIDENT)))
		return 0;
	for (size_t i = 0; i < import->inputs.count; i++)
		if (strcmp(import->inputs.items[i].shown.path, "-") == 0)
			return 0; /* it can be read only once */
	/* Most recordings are of one machine: its beginning shows it. */
	code = align_pass(import, true, alignment, err);
	if (code < 0)
		return code;
	if (alignment->aligned != SW_ALIGNED_SAME || alignment->pairs == 0 ||
	    import->stamps.resolution_ns >= SW_NS_PER_S) {
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

const struct sw_trace_set *sw_import_trace_set(const struct sw_import *import)
{
	return &import->trace_set;
}

void sw_import_set_offset(struct sw_import *import, int64_t offset_ns)
{
	import->offset_ns = offset_ns;
	import->drift = 0;
}

bool sw_import_durations(const struct sw_import *import)
{
	return import->stamps.durations;
}

int64_t sw_import_resolution(const struct sw_import *import)
{
	return import->stamps.resolution_ns;
}

enum sw_strace_clock sw_import_clock(const struct sw_import *import)
{
	return import->stamps.clock;
}
