/* When this host let somebody wait who could have run: a thread sat in its wait, and came out of it long after what it waited for. That is
 * neither the program's doing nor the peer's; where it happens, times that are measured here say less.
 *
 * Enters: such stretches, as calls and packets show them. Leaves: the longest of the newest ones in a span of time. Judges nothing. */
#ifndef SW_CORRELATE_LATENESS_H
#define SW_CORRELATE_LATENESS_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/clock.h"

#define SW_LATENESS_MAX 64
/* Below this an idle machine is late too: a tracer's stop, a processor that has to wake up (seen: below 1 ms). */
#define SW_LATENESS_LEAST_NS (5 * SW_NS_PER_MS)
/* A machine that is busy stays so for a while. */
#define SW_LATENESS_LASTS_NS (2 * SW_NS_PER_S)

struct sw_lateness {
	struct sw_late {
		int64_t from_ns, ns;
	} newest[SW_LATENESS_MAX];
	size_t next;
};

void sw_lateness_add(struct sw_lateness *lateness, int64_t from_ns, int64_t ns);
int64_t sw_lateness_most(const struct sw_lateness *lateness, int64_t from_ns, int64_t to_ns); /* 0 none */

#endif
