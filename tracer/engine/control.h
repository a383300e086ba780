/* The small channel between the engine and the recorder: the engine asks for a capture before a socket is used, the recorder
 * asks for facts. Sequenced packets over a socket pair, one fixed-size message each; a descriptor may come with it.
 *
 * Both ends may die at any time: an end of file is "no answer", never a wait. */
#ifndef SW_TRACER_CONTROL_H
#define SW_TRACER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

enum sw_control_kind {
	SW_CONTROL_NONE,
	/* engine to recorder; the thread is held until the answer, at most SW_CONTROL_PATIENCE_NS */
	SW_CONTROL_CAPTURE, /* the first IP socket of this network namespace is about to be made or used; descriptor: the namespace */
	/* recorder to engine */
	SW_CONTROL_READY, /* the answer: the capture of `netns` is open, or will never be (value 0) */
	SW_CONTROL_TCP_INFO, /* say TCP_INFO and addresses of the object now */
	SW_CONTROL_COUNTERS, /* say the counters of the command's network namespace now */
	SW_CONTROL_STOP, /* enough was seen: attach lets go, run goes on and says nothing more */
};

#define SW_CONTROL_PATIENCE_NS (INT64_C(2) * 1000000000)

struct sw_control {
	uint32_t kind;
	uint32_t netns; /* the session's number; 0: the first */
	uint32_t object; /* TCP_INFO */
	uint32_t pid, tid; /* CAPTURE: who is held */
	uint32_t value; /* READY: whether it is open */
	uint64_t netns_inode; /* CAPTURE: of the namespace, 0 unknown */
};

/* Two ends, close-on-exec and non-blocking: [0] for the engine, [1] for the recorder. */
int sw_control_open(int ends[2], struct sw_err *err);
/* Sends, with the descriptor when it is >= 0 (which stays the caller's). False: the other end is gone or its queue is full. */
bool sw_control_send(int end, const struct sw_control *message, int fd);
/* Receives when something is there: 1 a message, 0 nothing now, -1 the other end is gone. `*fd` (may be NULL: closed) is the
 * descriptor that came with it, close-on-exec, -1 none. */
int sw_control_receive(int end, struct sw_control *message, int *fd);

#endif
