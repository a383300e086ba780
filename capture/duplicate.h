/* One packet seen on several interfaces (bridge and its port, bond, VLAN, tunnel, veth pair) is one packet.
 *
 * Enters: packets in order of time. Leaves: whether one is a copy of one that was seen a moment ago on another
 * interface. A retransmission is none: it is seen on the same interface again, or later. */
#ifndef SW_CAPTURE_DUPLICATE_H
#define SW_CAPTURE_DUPLICATE_H

#include "capture/packet.h"

struct sw_duplicates;

struct sw_duplicates *sw_duplicates_new(void);
void sw_duplicates_free(struct sw_duplicates *duplicates);
/* `named`: the packet says on which interface it was seen. Cooked captures of version 1 do not: there only what cannot be sent twice within
 * a moment counts as a copy. */
bool sw_duplicates_seen(struct sw_duplicates *duplicates, const struct sw_packet *packet, bool named);

#endif
