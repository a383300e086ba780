/* Which calls a log was asked for: strace -e trace=network leaves out read, write, close and poll.
 *
 * Enters: the names that stand in the logs. Leaves: what is lacking, in words. Knows nothing of what the calls did. */
#ifndef SW_TRACE_SET_H
#define SW_TRACE_SET_H

#include <stdint.h>

/* `named`: bit SW_SYS_x of each call that stands in a log. NULL: nothing is lacking, or no sockets were used. To be freed. */
char *sw_trace_set_lacks(uint64_t named);

#endif
