/* The files of -o: opened before the command starts (so that a mistake costs nothing), written at the end.
 *
 * A regular file is written under a temporary name beside it and finished by rename, mode 0600: a reader never sees half a
 * report, and a full disk leaves the old file as it was. Devices and terminals are written directly. What goes to a pipe is
 * kept in memory until it is finished, and then handed over with patience: a reader who does not read, or never comes, stalls
 * nobody for longer than that. */
#ifndef SW_OUTPUTS_H
#define SW_OUTPUTS_H

#include <stdbool.h>
#include <stdio.h>

#include "src/base/err.h"
#include "src/options.h"

struct sw_output_file {
	const struct sw_output *output;
	FILE *stream;
	char *temporary; /* a regular file's name until it is finished; NULL: none */
	bool handed_over; /* `stream` is memory, its bytes go to `pipe` in the end */
	int pipe; /* -1: a FIFO that had no reader yet */
};

struct sw_outputs {
	struct sw_output_file files[SW_OUTPUT_MAX];
	size_t count;
	int patience_ms; /* how long a pipe may take no byte; -1: for ever, where nobody waits for us but who reads */
};

/* Opens all; on error none is left behind. */
int sw_outputs_open(struct sw_outputs *outputs, const struct sw_options *options, struct sw_err *err);
/* Ends one: flushes, checks that all was written, renames or hands over. */
int sw_output_finish(const struct sw_outputs *outputs, struct sw_output_file *file, struct sw_err *err);
/* Writes to a pipe that may be full: 0, -ETIMEDOUT when it took nothing for so long, or another negative errno. */
int sw_output_send(int fd, const char *bytes, size_t length, int patience_ms);
/* Forgets those that were not finished. */
void sw_outputs_release(struct sw_outputs *outputs);

#endif
