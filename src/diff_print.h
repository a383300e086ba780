/* What a comparison says, to a reader and to a program. Enters: recordings and their differences. Leaves: bytes on a stream. */
#ifndef SW_DIFF_PRINT_H
#define SW_DIFF_PRINT_H

#include <stdio.h>

#include "src/diff.h"

struct sw_diff_view {
	const struct sw_recording *good, *bad;
	const struct sw_diff *diff;
};

const char *sw_difference_name(enum sw_difference kind); /* "outcome" */
char *
sw_exit_text(const struct sw_report *report); /* "exited 7", "killed by SIGTERM"; NULL unknown. The caller frees */
bool sw_routes_have(const struct sw_recording *recording, const char *route);
void sw_diff_json(const struct sw_diff_view *view, FILE *out);

#endif
