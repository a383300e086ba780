/* Answers that say no although every call succeeded: a fatal alert, an answer that is no TLS.
 *
 * Enters: a debt that ended well, and its flow's packets. Leaves: whether the answer was a no. Which verdict it is, is the rules'
 * matter. */
#ifndef SW_CORRELATE_ANSWERS_H
#define SW_CORRELATE_ANSWERS_H

#include "correlate/debt.h"
#include "correlate/flows.h"

bool sw_answer_is_no(const struct sw_flows *flows, const struct sw_flow *flow, const struct sw_debt *debt);

#endif
