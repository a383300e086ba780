/* The recorder: the process beside the tracer that captures, correlates, writes and prints.
 *
 * Enters: the tracer's records through a ring, its questions through the control channel. Leaves: the report, when the
 * tracer has finished or died. It ends with exit status 0, SW_EXIT_MATCHED when the report has what
 * --fail-on names, or SW_EXIT_TOOL when an output could not be written. */
#ifndef SW_RECORDER_H
#define SW_RECORDER_H

#include "src/base/ring.h"
#include "src/options.h"
#include "src/outputs.h"
#include "src/report/context.h"

struct sw_recorder_target { /* what is recorded, for the report */
	enum sw_report_mode mode;
	uint32_t pid; /* 0: told by the tracer */
	const char *const *command;
	size_t command_count;
};

struct sw_recorder_start {
	const struct sw_options *options;
	struct sw_recorder_target target;
	struct sw_outputs *outputs;
	struct sw_ring *ring; /* the reader's side */
	int control_fd; /* the recorder's end */
	/* shared: set by the tracer when nothing was run, so that there is nothing to report */
	const volatile int *abandoned;
};

int sw_recorder_main(const struct sw_recorder_start *start);

#endif
