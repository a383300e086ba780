/* The files of -o: opened before the command starts (so that a mistake costs nothing), written at the end.
 *
 * A regular file is written under a temporary name beside it and finished by rename, mode 0600: a reader never sees half a
 * report, and a full disk leaves the old file as it was. Devices and pipes are written directly. */
#ifndef SW_OUTPUTS_H
#define SW_OUTPUTS_H

#include <stdio.h>

#include "src/base/err.h"
#include "src/options.h"

struct sw_output_file {
	const struct sw_output *output;
	FILE *stream;
	char *temporary; /* NULL: written directly */
};

struct sw_outputs {
	struct sw_output_file files[SW_OUTPUT_MAX];
	size_t count;
};

/* Opens all; on error none is left behind. */
int sw_outputs_open(struct sw_outputs *outputs, const struct sw_options *options, struct sw_err *err);
/* Ends one: flushes, checks that all was written, renames. */
int sw_output_finish(struct sw_output_file *file, struct sw_err *err);
/* Forgets those that were not finished. */
void sw_outputs_release(struct sw_outputs *outputs);

#endif
