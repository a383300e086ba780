/* Which calls a log was asked for: strace -e trace=network leaves out read, write, close and poll.
 *
 * Enters: the names that stand in the logs. Leaves: what is lacking, in words. Knows nothing of what the calls did. */
#ifndef SW_TRACE_SET_H
#define SW_TRACE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/strace/strace.h"

struct sw_trace_set { /* of all logs */
	uint64_t named; /* bit SW_SYS_x of each call that stands in one */
	int64_t succeeded, failed; /* lines that say so */
	bool executed; /* a program's begin stands there */
	bool waits_cut; /* what a wait waited for was cut off */
	bool loaded; /* a library was read, so somebody closes what he has read */
	bool in_progress; /* a connect that did not wait */
};

void sw_trace_set_add(struct sw_trace_set *set, const struct sw_strace_summary *summary);
/* NULL: nothing is lacking, or no sockets were used. To be freed. */
char *sw_trace_set_lacks(const struct sw_trace_set *set);
/* Of a log's beginning: it looks so. That nothing was closed or waited for yet is no sign. */
bool sw_trace_set_may_lack(const struct sw_trace_set *set);
bool sw_trace_set_only_failures(const struct sw_trace_set *set); /* strace -Z: how anything went on is not in the log */

#endif
