/* What an account knows: see account.h. Private to this folder. */
#ifndef SW_CORRELATE_ACCOUNT_STATE_H
#define SW_CORRELATE_ACCOUNT_STATE_H

#include "correlate/account/account.h"
#include "correlate/account/account_time.h"

struct sw_account {
	struct sw_account_clock clock;
	int64_t accepted, asked; /* by writes that returned; by the one that has not (0 none) */
	int64_t sent, acked, arrived, read; /* payload bytes; datagrams: arrived and read count datagrams */
	int64_t under_way; /* sequence numbers sent and not acknowledged */
	int64_t window, segment; /* the peer's window, -1 not known; largest segment */
	int64_t head_sent_ns, last_sent_ns; /* the oldest unacknowledged byte; the newest byte */
	int64_t rtt_ns; /* least, -1 unknown */
	struct sw_seen late_ack; /* a bare one, of all that was sent; packet 0 none, or something left since */
	int64_t late_ns; /* how long after the last byte, less a round trip */
	bool head_resent, hole, established, datagrams, fin_arrived, eof_read, asks_to_wait;
	bool asks_whole, chunks_cut, left_unanswered;
	int64_t fin_ns; /* when the peer's came */
	enum sw_answer_seen answer;
	int64_t body, missing; /* missing: of what the head announces, not here */
	bool based; /* of a connection older than the capture: what was written before counts no more */
	bool our_turn, exchanging, wrote_in_exchange;
	uint32_t waits[SW_ACCOUNT_WAIT_COUNT];
	int64_t still_since_ns; /* SW_TIME_NONE: it moves */
	int64_t late_since_ns; /* what a wait waits for lies here since then; SW_TIME_NONE */
	struct sw_account_stall stall;
	struct sw_account_summary summary;
};

#endif
