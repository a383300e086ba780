/* Debts: what somebody owed on a socket, as the calls show it. enum sw_operation (report.h) says what each kind owes.
 *
 * An operation is one debt on one socket, whatever threads and processes touch it. Waits are no operations: each wait (poll, epoll,
 * select, a blocking call) is booked to every open debt in its set as "the application was waiting". Where no debt is open the socket is
 * idle, however long.
 *
 * Enters: calls, in order of time. Leaves: struct sw_debt, closed with an outcome. Knows nothing of rules and verdicts. */
#ifndef SW_CORRELATE_DEBT_H
#define SW_CORRELATE_DEBT_H

#include "correlate/report.h"

struct sw_wait_seen { /* the last wait that was booked to a debt and timed out */
	uint32_t call; /* id of the last slice; 0 none */
	enum sw_sys sys;
	uint32_t slices;
	int64_t asked_ns; /* of one slice; the sum where slices add up to one deadline is waited_ns */
	int64_t waited_ns; /* sum of the slices in a row */
	int64_t ended_ns;
};

struct sw_debt {
	uint32_t id;
	enum sw_operation operation;
	uint32_t socket, flow; /* flow: 0 no packets seen, or none fit */
	uint32_t pid, tid;
	int32_t fd;
	enum sw_sys sys; /* the call that opened it */
	enum sw_sys surfaced_sys; /* the call that showed how it ended */
	uint32_t opened_call, surfaced_call, last_call; /* ids */
	bool nonblocking;
	bool asked_before; /* answers: the question went out, or the answer began, before the session */
	bool unanswered; /* serving: the socket went before a byte of ours did; done all the same, our own choice */
	bool trickled; /* answers: it was given up while it moved, far too slowly to come to the end that its head announces */
	bool left_in_vain; /* the same, and a client that had asked for an answer had left by then: its debt ends unserved */
	bool mute; /* serving: a request without TLS was read, and the connection closed at once, without a word */
	int64_t began_ns, opened_until_ns; /* enter and exit of the opening call */
	int64_t ended_ns; /* SW_TIME_NONE: open */
	enum sw_outcome outcome;
	int32_t error; /* errno that was reported, 0 none */
	int32_t call_error; /* errno of the opening call (EINPROGRESS), 0 none */
	uint32_t closed_by; /* sw_sys of the give-up: CLOSE; 0: process exit or a timer */
	int32_t timer_signal; /* that interrupted it, 0 none */
	int64_t socket_timeout_ns; /* SO_RCVTIMEO or SO_SNDTIMEO in force, 0 none */
	int64_t gap_ns; /* the longest stretch without progress */
	int64_t waited_ns; /* booked waits and blocking calls, in all */
	int64_t late_ns; /* the longest that a thread was woken late meanwhile or just before (lateness.h), 0 not */
	struct sw_wait_seen wait;
	int64_t bytes_accepted, bytes_read;
	int64_t burst_bytes; /* answers: read since the last pause (SW_BURST_PAUSE_NS) */
	/* answers: how many of the same end came after about the same long time, this one included */
	uint32_t same_waits;
	int64_t body_bytes; /* answers: what the head announced of its body; -1 not known */
	uint32_t attempt; /* group of connects that are one attempt to a name or port; 0 none */
	int64_t time_ns[SW_PART_COUNT];
};

#endif
