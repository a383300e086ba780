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

/* Most of the ephemeral range: connect tries every port (of one parity first) before it gives up. */
#define SW_PORTS_USED_PERCENT 90

/* Above this uncertainty between the clocks of calls and packets an order of the two is a guess: a person's, a program's and a path's
 * times (time-outs of 1 s, answers of a slow service, round trips) are told apart at a tenth of a second. */
#define SW_CLOCK_UNSURE_NS (100 * SW_NS_PER_MS)

/* A silence after which a forgotten state (NAT, firewall, peer) is a better reason for a RST than what was just said. Real devices
 * forget after a minute or more (RFC 5382: 124 min for established ones); the connection's own rhythm is what matters, so it is
 * also so many times the longest silence before. */
#define SW_IDLE_NS (2 * SW_NS_PER_S)
#define SW_IDLE_RHYTHMS 3
/* The RST of a forgotten state answers the first segment: within a round trip, retransmissions not counted. */
#define SW_IDLE_ANSWER_NS SW_NS_PER_S

/* The largest part of a slow operation's time is its reason when it covers half of it (VERDICTS.md). */
#define SW_PART_REASON_PERCENT 50

/* A wait that ends about as late as others before it is a timer of the peer's: a long poll, a blocking pop. Two alike are chance, and a
 * timer of a busy event loop is late by up to a tenth of a second (redis looks ten times a second). */
#define SW_LONG_POLLS 3
#define SW_LONG_POLL_SLACK_NS (150 * SW_NS_PER_MS)

/* Such an answer that ends because the time is up has nothing to say. Where its head tells the length of the body, this much is nothing
 * ("[]", "{}", "no news"); where the protocol is not known, so short is a message that may be. */
#define SW_POLITE_BODY 16
#define SW_POLITE_BYTES 256

/* Reads nearer to each other than this are one burst of an answer. A burst below one window's first flight (10 segments would be 14 kB;
 * a message is rarely as long as this) is a message, and a peer that has sent a whole message owes nothing. */
#define SW_BURST_PAUSE_NS (200 * SW_NS_PER_MS)
#define SW_BURST_BULK 4096

/* A RST so soon behind the last bytes can overtake the peer's reading of them. */
#define SW_RESET_BEHIND_NS (100 * SW_NS_PER_MS)

/* One segment that was sent again proves nothing before the least time-out of a kernel has passed (TCP_RTO_MIN of Linux). */
#define SW_VANISHED_LEAST_NS (200 * SW_NS_PER_MS)

/* Segments this near below the maximum count as full size: options and the last one of a write make them smaller. */
#define SW_FULL_SIZE_PERCENT 85

/* An answer that is written later than this after its request was read can have outlasted a client's patience. */
#define SW_ANSWER_LATE_NS (500 * SW_NS_PER_MS)

/* A handshake's alert follows the read that it answers at once; a slow machine reads its trusted issuers and verifies a certificate
 * meanwhile (seen: 1.1 s). */
#define SW_ALERT_AFTER_NS (5 * SW_NS_PER_S)

#endif
