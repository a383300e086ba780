/* Two recordings held against each other: what each did, step by step, and where the second went another way.
 *
 * sw_recording_read() makes a recording of an incident (or of logs and captures): the operations in the order in which they began,
 * and the report. sw_diff_make() pairs the steps of two. src/cmd_diff.c prints. */
#ifndef SW_DIFF_H
#define SW_DIFF_H

#include "correlate/correlate.h"
#include "src/base/mem.h"
#include "src/options.h"

struct sw_step {
	enum sw_operation operation;
	enum sw_outcome outcome;
	int32_t error;
	uint32_t lookup;
	struct sw_addr target;
	char *name; /* NULL unknown */
	int64_t began_ns, duration_ns;
	const struct sw_finding *finding; /* that tells of it; NULL none */
	const struct sw_flow_summary *flow; /* NULL unknown */
	size_t partner; /* number of the step in the other recording, from 1; 0 none */
};

struct sw_recording {
	const char *path;
	struct sw_report *report;
	SW_ARRAY(struct sw_step) steps;
	SW_ARRAY(char *) routes; /* what the kernel said of its routes, each once */
};

int sw_recording_read(struct sw_recording *recording, const char *path, const struct sw_options *options,
		      struct sw_err *err);
void sw_recording_release(struct sw_recording *recording);

bool sw_step_went_well(const struct sw_step *step); /* it ended as it should, and nothing but a note tells of it */
char *sw_step_text(const struct sw_step *step); /* "connect to db.lab (10.0.0.2:5433)"; the caller frees */
char *sw_step_outcome_text(const struct sw_step *step); /* "failed with ECONNREFUSED after 0.1 ms"; the caller frees */

enum sw_difference {
	SW_DIFFERENCE_NONE,
	SW_DIFFERENCE_OUTCOME, /* went well there, not here */
	SW_DIFFERENCE_SLOWER,
	SW_DIFFERENCE_ADDRESS, /* the same name or port, another address */
	SW_DIFFERENCE_MISSING, /* in the second */
	SW_DIFFERENCE_EXTRA, /* in the second, and it did not go well */
};

struct sw_divergence {
	enum sw_difference kind;
	const struct sw_step *good, *bad; /* NULL: it has none */
};

struct sw_diff {
	size_t same; /* steps that went the same way before the first divergence */
	SW_ARRAY(struct sw_divergence) divergences; /* the one that matters first, then in order of time */
};

void sw_diff_make(struct sw_diff *diff, struct sw_recording *good, struct sw_recording *bad);

#endif
