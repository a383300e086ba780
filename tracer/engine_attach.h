/* Between the files of attaching: what a process has, and following it without its calls. */
#ifndef SW_TRACER_ENGINE_ATTACH_H
#define SW_TRACER_ENGINE_ATTACH_H

#include "tracer/attach.h"
#include "tracer/engine_state.h"

/* engine_attach.c: says the processes in the table, and what they have. */
void sw_engine_attach_said(struct sw_engine_state *engine);
/* engine_attach_sockets.c: says the sockets that the process has: addresses, state, TCP_INFO, limits of time, epoll sets. `again`: what
 * connections have changed, and sockets that are new. */
void sw_engine_attach_sockets(struct sw_engine_state *engine, struct sw_tracee_process *process, bool again);
/* engine_watch.c: the sockets of these processes, without their calls, until they end or it is time. */
void sw_engine_watch(struct sw_engine_state *engine, struct sw_pids *processes);

#endif
