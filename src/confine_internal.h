/* The two halves of confine.h that are lists: which calls, which folders. Nobody else includes this. */
#ifndef SW_CONFINE_INTERNAL_H
#define SW_CONFINE_INTERNAL_H

#include "src/confine.h"

int sw_confine_calls(const struct sw_options *options, struct sw_err *err); /* seccomp */
/* landlock */
int sw_confine_folders(const struct sw_options *options, const struct sw_outputs *outputs, struct sw_err *err);

#endif
