/* What the parts of the import share. */
#ifndef SW_IMPORT_INTERNAL_H
#define SW_IMPORT_INTERNAL_H

#include "capture/file.h"
#include "capture/source.h"
#include "src/ahead.h"
#include "src/base/mem.h"
#include "src/import.h"
#include "src/merge.h"
#include "src/trace_set.h"

struct input {
	struct sw_import_input shown;
	/* A log. */
	struct sw_source source;
	bool source_open, finished;
	struct sw_strace_log *log;
	/* A capture. */
	struct sw_capture_file *file;
	uint16_t place; /* of capture; 0: at the process */
	struct sw_packet packet;
	bool has_packet;
	struct sw_incident_reader *incident;
	bool attached; /* it is of an attach */
	uint64_t size;
	_Atomic uint64_t done; /* bytes, for the progress: a reader ahead writes it */
};

struct sw_import {
	SW_ARRAY(struct input) inputs;
	struct sw_import_input *shown;
	struct sw_strace *strace;
	struct sw_merge *merge;
	uint16_t places;
	int64_t offset_ns, drift;
	struct sw_trace_set trace_set; /* of what was read to align the clocks */
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
void sw_import_pull(struct sw_import *import, size_t index); /* that capture's next packet */
size_t sw_import_next(const struct sw_import *import, int64_t *time_ns); /* whose packet is next; SIZE_MAX: none */

/* import_ahead.c: both sides as the run sees them, read where they are wanted or ahead in threads. */
struct sw_import_calls {
	struct sw_import *import;
	struct sw_packer packer; /* of the thread */
	struct sw_ahead *ahead; /* NULL: read where they are wanted */
	int64_t until_ns; /* all that is older is in the merge */
	bool ended;
};
void sw_import_calls_begin(struct sw_import_calls *calls, struct sw_import *import);
void sw_import_calls_more(struct sw_import_calls *calls);
void sw_import_calls_end(struct sw_import_calls *calls);

struct sw_import_packets {
	struct sw_import *import;
	struct sw_packer packer;
	struct sw_ahead *ahead;
	struct sw_chunk *chunk; /* read ahead: where the next packet stands */
	struct sw_record *record;
	size_t next; /* not ahead: whose packet is next */
};
void sw_import_packets_begin(struct sw_import_packets *packets, struct sw_import *import);
int64_t sw_import_packets_time(struct sw_import_packets *packets); /* of the next packet; INT64_MAX: there is none */
void sw_import_packets_deliver(struct sw_import_packets *packets, int64_t late_ns);
void sw_import_packets_end(struct sw_import_packets *packets);

#endif
