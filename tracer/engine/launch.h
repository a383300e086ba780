/* The birth of the command: forked before anything is opened, seized by the tracer, filtered, executed.
 *
 * The child waits on a pipe until it is traced. It has the tool's signal mask, dispositions, limits, umask and affinity as they
 * were found, so the caller changes none of these before sw_launch(). Knows nothing of the event loop. */
#ifndef SW_TRACER_LAUNCH_H
#define SW_TRACER_LAUNCH_H

#include <sys/types.h>

#include "src/base/err.h"
#include "tracer/engine/engine.h"

struct sw_launch {
	pid_t pid;
	volatile int *failure; /* shared with the child: errno of exec or of what came before it, 0 none */
};

/* 0 with the child seized and on its way to exec (whose failure shows in *failure when the child has ended), or a negative errno
 * with the child gone. */
int sw_launch(const struct sw_engine_options *options, struct sw_launch *launch, struct sw_err *err);
/* The child ended without exec: sets err; returns the status that the shell has for it (126, 127, 125). */
int sw_launch_failure(const struct sw_engine_options *options, const struct sw_launch *launch, struct sw_err *err);
void sw_launch_release(struct sw_launch *launch);

#endif
