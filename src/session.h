/* A live session, as run and attach have it: the tracer in this process, the recorder beside it, between them a ring and a channel.
 *
 * Life: sw_session_start() before anything is traced; the tracer's records into `ring`, with `control` as its end of the channel;
 * then sw_session_end(), which waits for the report. */
#ifndef SW_SESSION_H
#define SW_SESSION_H

#include <sys/types.h>

#include "src/recorder.h"
#include "tracer/engine/engine.h"

struct sw_session {
	const struct sw_options *options;
	struct sw_recorder_target target;
	struct sw_outputs outputs;
	struct sw_ring *ring;
	int control; /* the tracer's end */
	int recorder_end; /* of the channel */
	volatile int *abandoned; /* shared with the recorder: nothing was traced, so that there is nothing to report */
	pid_t recorder;
	bool recorder_ended;
	int recorder_status; /* as from wait(2) */
};

/* Opens the outputs and forks the recorder; 0, or the exit status of the program when that cannot be (said in one line). */
int sw_session_start(struct sw_session *session, const struct sw_options *options,
		     const struct sw_recorder_target *target);
/* What the engine needs of the options and the session. */
struct sw_engine_options sw_session_engine(struct sw_session *session);
/* The tracer is done (failed: it could not begin, and its reason has been said): waits for the recorder. */
void sw_session_end(struct sw_session *session, bool failed);

/* After the end: 0, SW_EXIT_MATCHED when the report has what --fail-on names, SW_EXIT_TOOL when it could not be made or written. */
int sw_session_status(const struct sw_session *session);

/* "sockwhy: reason" on standard error; gives back `status`. */
int sw_session_complain(const struct sw_err *err, int status);

#endif
