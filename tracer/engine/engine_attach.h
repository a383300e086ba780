/* Between the files of attaching: what a process has, and following it without its calls. */
#ifndef SW_TRACER_ENGINE_ATTACH_H
#define SW_TRACER_ENGINE_ATTACH_H

#include "tracer/engine/attach.h"
#include "tracer/engine/engine_state.h"

/* engine_attach.c: says the processes in the table, and what they have. */
void sw_engine_attach_said(struct sw_engine_state *engine);
/* engine_arrive.c: the first stop of each thread in the table. Looks at those that it is patient with when it is time, ends with
 * none half interrupted. */
void sw_engine_arrivals_begin(struct sw_engine_state *engine);
void sw_engine_arrivals_look(struct sw_engine_state *engine, int64_t now);
int64_t sw_engine_arrivals_pace(const struct sw_engine_state *engine, int64_t now); /* until the next look */
/* engine_attach_sockets.c: says the sockets that the process has: addresses, state, TCP_INFO, limits of time, epoll sets. `again`: what
 * connections have changed, and sockets that are new. */
void sw_engine_attach_sockets(struct sw_engine_state *engine, struct sw_tracee_process *process, bool again);
/* engine_watch.c: the sockets of these processes, without their calls, until they end or it is time. */
void sw_engine_watch(struct sw_engine_state *engine, struct sw_pids *processes);

#endif
