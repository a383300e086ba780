/* What the files that explain reads cannot show, said as limits: lines that could not be read, stamps too coarse, a side that is missing.
 *
 * Enters: an import that was read to its end. Leaves: a struct sw_limit for each, to `take`; the texts live until it returns. */
#ifndef SW_IMPORT_LIMITS_H
#define SW_IMPORT_LIMITS_H

#include "correlate/correlate.h"
#include "src/import.h"
#include "src/trace_set.h"

struct sw_limits_of_import {
	struct sw_import *import;
	const struct sw_alignment *alignment;
	const struct sw_correlate_options *how;
	bool hosts_given; /* --host */
	bool anonymous; /* quote no line */
};

/* Adds to `set` which calls the logs have. Returns whether calls are lacking that the program must have made. */
bool sw_import_limits(const struct sw_limits_of_import *of, struct sw_trace_set *set,
		      void (*take)(void *context, const struct sw_limit *limit), void *context);

#endif
