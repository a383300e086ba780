/* The inside of the table of debts, shared by the debts_*.c files alone. */
#ifndef SW_CORRELATE_DEBTS_STATE_H
#define SW_CORRELATE_DEBTS_STATE_H

#include <errno.h>
#include <uthash.h>

#include "correlate/account/lateness.h"
#include "correlate/debts/debts.h"

struct sw_waiting {
	uint32_t socket;
	enum sw_account_wait wait;
};

struct sw_pending { /* what a thread has the kernel do now */
	uint32_t tid;
	bool inside;
	struct sw_call call; /* without its lists */
	SW_ARRAY(struct sw_wait) waits;
	SW_ARRAY(struct sw_waiting) waiting; /* sockets whose accounts know of this wait */
	UT_hash_handle hh;
};

#define SW_RECENT_MAX 64

struct sw_recent { /* a connect that was made or tried lately, for the datagram sockets that only look for a source address */
	uint32_t pid, socket;
	uint16_t port;
	bool datagram;
	int64_t time_ns;
};

struct sw_debts {
	const struct sw_correlate_options *options;
	struct sw_sockets *sockets;
	struct sw_processes *processes;
	struct sw_attempts *attempts;
	struct sw_debts_hooks hooks;
	SW_ARRAY(struct sw_debt_state *) live; /* open, or ended and not reviewed */
	SW_ARRAY(struct sw_debt_state *) kept;
	struct sw_pending *pending;
	struct sw_recent recent[SW_RECENT_MAX];
	size_t recent_next;
	uint32_t last_id;
	int64_t gave_up_ns; /* when a debt was last given up; SW_TIME_NONE */
	size_t connecting_before; /* sockets that were connecting when the session came, of which no debt was made yet */
	struct sw_lateness lateness;
};

/* Opening and ending. `call` is what opens; ending takes the call that showed it (NULL: none). */
struct sw_debt_state *sw_debt_open(struct sw_debts *debts, enum sw_operation operation, struct sw_socket_state *socket,
				   const struct sw_call *call);
void sw_debt_end(struct sw_debts *debts, struct sw_debt_state *debt, enum sw_outcome outcome, int error,
		 const struct sw_call *call, int64_t time_ns);
void sw_debt_progress(struct sw_debt_state *debt, int64_t time_ns);
/* Ends it without a trace: it was no debt, or another debt's symptom tells it. */
void sw_debt_drop(struct sw_debts *debts, struct sw_debt_state *debt, int64_t time_ns);
void sw_debt_leave_live(struct sw_debts *debts, struct sw_debt_state *debt);
void sw_debts_quiet(struct sw_debts *debts, struct sw_debt_state *debt); /* it ended: it may be reviewed early */
void sw_debt_forget(struct sw_debt_state *debt); /* it is in no list any more */
void sw_debt_call_copy(struct sw_call *copy, const struct sw_call *call); /* without its lists */
void sw_debt_keep_call(struct sw_call **place, const struct sw_call *call);

int64_t sw_call_end(const struct sw_call *call); /* exit, or enter where it has none */
bool sw_call_reads(const struct sw_call *call);
bool sw_call_writes(const struct sw_call *call);
/* may have waited: neither O_NONBLOCK nor MSG_DONTWAIT */
bool sw_call_blocks(const struct sw_call *call, const struct sw_socket_state *socket);
int32_t sw_debts_signal(const struct sw_debts *debts, const struct sw_call *call); /* that interrupted it */

void sw_debts_connect_enter(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_connect_leave(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_connect_other(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_connect_wait(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call,
			   uint32_t got);
void sw_debts_connect_gone(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call, uint32_t pid,
			   int64_t time_ns);
bool sw_debts_explained_away(const struct sw_debts *debts, const struct sw_debt_state *debt);

void sw_debts_account_enter(struct sw_debts *debts, struct sw_pending *pending, struct sw_socket_state *socket,
			    const struct sw_call *call);
/* A wait or a blocking call ends: was its thread woken late? Before anything else is made of it. */
void sw_debts_account_woken(struct sw_debts *debts, const struct sw_pending *pending, const struct sw_call *call);
void sw_debts_account_leave(struct sw_debts *debts, struct sw_pending *pending, struct sw_socket_state *socket,
			    const struct sw_call *call);
void sw_debts_account_begin(struct sw_debt_state *debt);
void sw_debts_account_restart(struct sw_debt_state *debt); /* its begin was moved */
void sw_debts_account_first(struct sw_debt_state *debt, int64_t time_ns); /* the first byte of an answer */
/* More of it: what lay between `from_ns`, the read before, and this one. */
void sw_debts_account_more(struct sw_debt_state *debt, int64_t from_ns, int64_t time_ns);
void sw_debts_account_end(struct sw_debt_state *debt);
void sw_debts_patterns(struct sw_debts *debts, struct sw_socket_state *socket);

/* A call that a thread was in when the session came (debts_midlife.c). */
void sw_debts_joined(struct sw_debts *debts, const struct sw_call *call);
void sw_debts_stream(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_datagram(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
/* Part of an answer was read, and a wait for more timed out: a debt only if more had come (symptoms.c). */
void sw_debts_datagram_rest(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
/* A process ended inside this send. */
void sw_debts_datagram_blocked(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
/* This read is of an answer that began before the session came; NULL: of none. */
struct sw_debt_state *sw_debts_answer_joined(struct sw_debts *debts, struct sw_socket_state *socket,
					     const struct sw_call *call);
/* This write is the answer to what was read before the session came; NULL: nothing was. */
struct sw_debt_state *sw_debts_serve_joined(struct sw_debts *debts, struct sw_socket_state *socket,
					    const struct sw_call *call);
/* A wait for a connect that was begun before the session came. */
void sw_debts_connect_joined(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
/* Somebody begins to wait for it, in a call for many sockets or in accept. */
void sw_debts_serve_waits(struct sw_socket_state *socket, int64_t time_ns);
void sw_debts_serve_accept(struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_serve_read(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_serve_write(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_call(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_misuse(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
/* A wait or a blocking call of this socket ended: booked to the debts that it was for. */
void sw_debts_waited(struct sw_debts *debts, const struct sw_call *call);
void sw_debts_blocked(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call);
void sw_debts_died(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call); /* inside it */
void sw_debts_end_open(struct sw_debts *debts, struct sw_debt_state *debt, int64_t end_ns);

#endif
