/* Who came to our sockets and was left unserved, seen in the packets alone.
 *
 * Enters: flows that others began. Leaves: a debt for each that got nothing although one of our sockets was meant. Why is the rules'
 * matter. */
#ifndef SW_CORRELATE_SERVING_H
#define SW_CORRELATE_SERVING_H

#include "correlate/link.h"

void sw_serving_find(struct sw_debts *debts, struct sw_flows *flows, struct sw_links *links);

#endif
