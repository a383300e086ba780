/* Debts of look-ups joined: of all the sockets, tries and transports that served one look-up, one debt tells it.
 *
 * Enters: ended debts and the table of look-ups. Leaves: which debts stay as symptoms, with the span and outcome of the whole. */
#ifndef SW_CORRELATE_LOOKUPS_JOIN_H
#define SW_CORRELATE_LOOKUPS_JOIN_H

#include "correlate/debts/debts.h"
#include "correlate/findings/said.h"
#include "correlate/flows/lookups.h"

/* A debt that ended: whether it is a look-up's (then it becomes one, and `keep` says whether it may still be a symptom). */
bool sw_lookup_takes(struct sw_lookups *lookups, struct sw_debt_state *debt, const struct sw_flow *flow,
		     const struct sw_process_seen *process, int64_t slow_ns, bool *keep);
/* Of the final debts one tells each look-up that went wrong, was slow, or had to be made good; the others are marked as joined. */
void sw_lookups_join(struct sw_lookups *lookups, struct sw_debts *debts, const struct sw_processes *processes,
		     const struct sw_said *said, int64_t slow_ns);

#endif
