/* The renderers: one table row a format, one file each. Enters: a report and its context. Leaves: bytes on a stream.
 *
 * A renderer judges nothing and asks nobody: what it shows stands in its context. Hostile text is escaped here. */
#ifndef SW_REPORT_REPORT_H
#define SW_REPORT_REPORT_H

#include <stdio.h>

#include "src/base/err.h"
#include "src/report/context.h"

struct sw_renderer {
	const char *ending; /* of the file's name, and the word before the colon in `-o json:-` */
	int (*render)(const struct sw_report_context *context, FILE *out, struct sw_err *err);
};

const struct sw_renderer *sw_renderer_find(const char *ending); /* NULL: no such format */

enum sw_status { SW_STATUS_CLEAN, SW_STATUS_BLIND, SW_STATUS_SLOW, SW_STATUS_FAILED };
enum sw_status sw_report_status(const struct sw_report *report);
const char *sw_status_name(enum sw_status status); /* "failed" */

/* How text goes to a stream: colour only on a terminal and without NO_COLOR (no-color.org); columns, 0 when it is none. */
bool sw_report_colour(FILE *out);
unsigned sw_report_width(FILE *out);

#endif
