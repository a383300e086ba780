/* The recorder's confinement: what decodes hostile packets can do little else.
 *
 * Enters: the options and the opened outputs, in the recorder's process, when it is about to begin. From then on it has only the
 * capabilities that opening a capture needs (and those that let it finish its files), starts no program, speaks to nobody, and opens for
 * writing only in the folders of its outputs; sw_confine_further() takes the rest once no capture will be opened any more. What a kernel
 * does not offer is left out. src/README.md says what stays possible. */
#ifndef SW_CONFINE_H
#define SW_CONFINE_H

#include "src/base/err.h"
#include "src/outputs.h"

/* Negative with err set when a kernel that offers it refused; what was done by then stays in force. */
int sw_confine_begin(const struct sw_options *options, const struct sw_outputs *outputs, struct sw_err *err);
void sw_confine_further(void);

#endif
