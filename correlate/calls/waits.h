/* Waits: poll, select and epoll calls, seen as the sockets that they wait for.
 *
 * Enters: finished wait calls and the table of sockets. Leaves: one visit for each socket of the set, nested epoll sets
 * opened. A wait is no operation: the debts book it as "the application was waiting". */
#ifndef SW_CORRELATE_WAITS_H
#define SW_CORRELATE_WAITS_H

#include "correlate/calls/sockets.h"

/* `asked` and `got` are EPOLL* bits; got 0: nothing was reported for this socket. */
typedef void (*sw_waits_visit)(void *context, struct sw_socket_state *socket, uint32_t asked, uint32_t got);

bool sw_waits_is_wait(const struct sw_call *call); /* poll, select, epoll, restart_syscall */
bool sw_waits_is_select(const struct sw_call *call); /* its "writable" also means "failed" */
bool sw_waits_is_epoll(const struct sw_call *call);
void sw_waits_each(struct sw_sockets *sockets, const struct sw_call *call, sw_waits_visit visit, void *context);
/* Whether the call was a wait that ran into its own time-out, and a real one: a look (time-out 0) is none. */
bool sw_waits_timed_out(const struct sw_call *call);

#endif
