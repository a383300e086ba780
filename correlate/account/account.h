/* Byte accounting of one socket and its flow: where the time of its debts went.
 *
 * Enters: what calls wrote, read and waited, and what packets did to the flow, in order of time. Leaves: for each debt its time in parts
 * (enum sw_part) that add up to the whole exactly, and two patterns. Knows nothing of descriptors, rules and verdicts.
 *
 * At each instant the first that holds:
 *   data-waiting      bytes of the peer lie here unread, or, where it is to answer, its FIN
 *   receiver-window   bytes of ours unsent, the peer's window is zero or full
 *   nagle             bytes of ours unsent, fewer than a segment, behind unacknowledged ones
 *   send-buffer       bytes of ours unsent
 *   loss              sent, older than the connection's least round trip, and sent again; or a hole in what the peer sent
 *   round-trip        sent, unacknowledged
 *   peer-application  all acknowledged, it is the peer's turn
 *   application       it is our turn, and nobody waits
 * Some things are known only when the acknowledgement, or the peer's next packet, comes, so the time is held back until then:
 *   - bytes held in the send buffer or by Nagle behind a lost segment wait for that segment: the time is loss;
 *   - what the peer sent meanwhile and never came, by the gap in its IPv4 ids, was lost: from when it must have left;
 *   - what was sent again for nothing (DSACK, Eifel) is no loss;
 *   - a delayed acknowledgement is no round trip: when all that was under way (at most two segments, sent once) is acknowledged
 *     late, what exceeds the least round trip is the peer's application, which had the bytes and said nothing. Late is 30 ms for a
 *     bare ACK (delayed ACKs: 40 ms in Linux, RFC 1122 allows 500), and half a round trip, at least 2 ms, for one that carries data. */
#ifndef SW_CORRELATE_ACCOUNT_H
#define SW_CORRELATE_ACCOUNT_H

#include "correlate/flows/flows.h"

struct sw_account;

struct sw_account *sw_account_new(void);
void sw_account_free(struct sw_account *account);

/* Calls. A write is told when it is entered (`asked` bytes) and when it is left (`accepted`, 0 when it failed). A read is told when
 * it has returned; 0 bytes: the end of file. Waits nest (two threads may wait for one socket). */
void sw_account_writing(struct sw_account *account, int64_t enter_ns, int64_t asked);
void sw_account_wrote(struct sw_account *account, int64_t exit_ns, int64_t accepted);
void sw_account_read(struct sw_account *account, int64_t exit_ns, int64_t bytes);
enum sw_account_wait { /* what for */
		       SW_ACCOUNT_WAIT_OTHER, /* to write, to be connected */
		       SW_ACCOUNT_WAIT_BYTES, /* to read: the first byte ends it */
		       SW_ACCOUNT_WAIT_ALL, /* to read as much as was asked for (MSG_WAITALL): what lies here meanwhile waits for the rest */
		       SW_ACCOUNT_WAIT_COUNT,
};
void sw_account_wait_begin(struct sw_account *account, enum sw_account_wait wait, int64_t time_ns);
void sw_account_wait_end(struct sw_account *account, enum sw_account_wait wait, int64_t time_ns);
/* A wait ended, before it is told: how long what it waited for had lain here by then (the thread was woken late), 0 not. `got`: it reported
 * something. */
int64_t sw_account_woken(struct sw_account *account, int64_t time_ns, bool got);

/* Packets: `flow` is the flow (or mirror) that `change` is about, after the packet. */
void sw_account_change(struct sw_account *account, const struct sw_flow *flow, const struct sw_flow_change *change,
		       const struct sw_packet *packet);

/* What was said on it, as far as it is plain text: does the request that was sent last ask the peer to wait (or is it
 * a connection on which each side speaks when it has something to say); how much of the answer is
 * here. */
enum sw_answer_seen { SW_ANSWER_UNKNOWN, SW_ANSWER_PARTIAL, SW_ANSWER_WHOLE, SW_ANSWER_ENDLESS };
bool sw_account_asks_to_wait(const struct sw_account *account);
enum sw_answer_seen sw_account_answer(const struct sw_account *account);
int64_t
sw_account_body(const struct sw_account *account); /* bytes that the head of the answer announces, -1 not known */
/* The peer has closed, all of it came, and the body ends before the length that its head announced, or before its last chunk. Of a body that
 * has not begun something is said only where a request was understood that asks for one: it may have asked for the head alone. */
bool sw_account_cut(const struct sw_account *account);

/* Of the body whose length the head of the answer announces, what has not come; 0 nothing, or not known. */
int64_t sw_account_missing(const struct sw_account *account);

/* When the peer closed, where it had asked for an answer in words that were understood, and none has begun; SW_TIME_NONE else. */
int64_t sw_account_left_ns(const struct sw_account *account);

/* The longest stretch in which bytes that calls wanted to send stood still before the peer's window. */
struct sw_account_stall {
	int64_t from_ns, ns; /* ns 0: none */
};
struct sw_account_stall sw_account_stall(const struct sw_account *account);

/* Debts: several may be open at once. The parts of the end add up to time_ns less the begin's, exactly. Ending a debt that was not
 * begun gives zeros. */
void sw_account_debt_begin(struct sw_account *account, uint32_t debt, enum sw_operation operation, int64_t time_ns);
void sw_account_debt_end(struct sw_account *account, uint32_t debt, int64_t time_ns, int64_t parts[SW_PART_COUNT]);

/* Patterns of many short times, counted as they pass. */
struct sw_account_pattern {
	uint32_t count;
	int64_t total_ns;
	int64_t first_ns, last_ns; /* when the first and the last of them ended; SW_TIME_NONE none */
	struct sw_seen first; /* the acknowledgement or answer that ended it */
};
struct sw_account_summary {
	/* small writes held back for at least SW_NAGLE_NS until an acknowledgement came; the same by packets alone: few bytes left right
	 * behind a delayed acknowledgement of all before them */
	struct sw_account_pattern nagle, nagle_shown;
	/* exchanges (write, then read) of whose time at least half was round trips */
	struct sw_account_pattern round_trips;
	struct sw_account_pattern losses; /* exchanges of whose time at least half was waiting for lost segments */
	uint32_t exchanges;
	int64_t exchanges_ns; /* all of them: the connection's busy time */
	int64_t accepted, sent, acknowledged, arrived, read; /* bytes */
	struct sw_account_stall late; /* the longest time that bytes lay here while somebody sat in a wait for them */
};
#define SW_NAGLE_NS (30 * SW_NS_PER_MS)
struct sw_account_summary sw_account_summary(const struct sw_account *account);
/* Which of the two counts: the calls' where their times are sure, as against the packets'. */
static inline const struct sw_account_pattern *sw_account_nagle(const struct sw_account_summary *summary,
								bool calls_sure)
{
	return calls_sure ? &summary->nagle : &summary->nagle_shown;
}

#endif
