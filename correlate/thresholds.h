/* Thresholds that verdicts rest on, each with its source. Nothing else in the rules is a bare number. */
#ifndef SW_CORRELATE_THRESHOLDS_H
#define SW_CORRELATE_THRESHOLDS_H

#include "src/base/clock.h"

/* An error that the kernel finds without asking anybody is returned within microseconds; a traced call adds some hundred
 * (seen: 0.1 to 0.6 ms). A LAN answers in less than this too, so it never stands alone: no packet may have left. */
#define SW_AT_ONCE_NS (50 * SW_NS_PER_MS)

/* Neighbour resolution fails after mcast_solicit (3) questions at retrans_time (1 s): 3 s (arp(7)). An error that takes less than
 * one question's time was not made by it. */
#define SW_NEIGHBOR_FAILS_NS (900 * SW_NS_PER_MS)

/* The first retransmission of a SYN leaves after 1 s (RFC 6298, 2.1); with a queue's jitter not before this. */
#define SW_SYN_TIMEOUT_NS (900 * SW_NS_PER_MS)

/* How much later than the end of a call a packet may be stamped and still have ended it: imported stamps are taken before the
 * call's arguments are decoded (seen: up to 1 ms). */
#define SW_STAMP_SLACK_NS (2 * SW_NS_PER_MS)

/* Hop counts: one more or less is a mark, not a proof: routes change, clouds do not count hops (VERDICTS.md). */
#define SW_HOPS_MARK 1
#define SW_HOPS_PROOF 2

/* Most of the ephemeral range: connect tries every port (of one parity first) before it gives up. */
#define SW_PORTS_USED_PERCENT 90

/* Above this uncertainty between the clocks of calls and packets, what belongs together is a guess by order of time. */
#define SW_CLOCK_UNSURE_NS SW_NS_PER_S

#endif
