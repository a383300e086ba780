/* What the parts of the import share. */
#ifndef SW_IMPORT_INTERNAL_H
#define SW_IMPORT_INTERNAL_H

#include "capture/file.h"
#include "capture/source.h"
#include "src/base/mem.h"
#include "src/import.h"
#include "src/merge.h"

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
	struct sw_strace_pin *pins; /* of whole seconds */
	size_t pin_count;
	const struct sw_packet_sink *packets;
	const struct sw_trace_sink *trace;
};

/* import_open.c: what the file at shown.path is, and ready to be read. */
int sw_import_input_open(struct input *input, struct sw_err *err);
void sw_import_input_close(struct input *input);

/* import.c */
void sw_import_logs_open(struct sw_import *import, const struct sw_trace_sink *sink, bool raw);
struct input *
sw_import_logs_behind(struct sw_import *import,
		      int64_t *until_ns); /* the log that knows least of what is to come; NULL: all are read */
void sw_import_log_feed(struct input *input);

#endif
