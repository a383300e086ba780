/* What an operation that ended badly makes the prober try. */
#ifndef SW_PROBE_ASK_H
#define SW_PROBE_ASK_H

#include "correlate/correlate.h"
#include "src/probe/prober.h"

/* For sw_correlate_lately(); the context is a struct sw_prober. */
void sw_prober_ended(void *prober, const struct sw_ended *ended);

#endif
