/* The end of each command: the report to the person, and to each file of -o. */
#ifndef SW_PUBLISH_H
#define SW_PUBLISH_H

#include "src/outputs.h"
#include "src/report/context.h"

/* What every context has in common: version, options, this host (name, kernel, network namespace, container). */
void sw_publish_context(struct sw_report_context *context, const struct sw_options *options);

/* Renders to `person` where no -o is given, and to every report among the outputs. A failed output is one line on standard
 * error and does not keep the others from being written. 0, or the first error's code. */
int sw_publish(const struct sw_options *options, struct sw_outputs *outputs, struct sw_report_context *context,
	       FILE *person);

/* One line on standard error, unless it is a pipe that nobody reads. */
void sw_publish_complain(const struct sw_outputs *outputs, const struct sw_err *err);

#endif
