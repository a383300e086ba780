/* The table of debts: what somebody owed on a socket, opened and ended by calls, and looked at again when it is settled.
 *
 * Enters: calls (at enter and at leave), the end of sockets and processes, progress seen in packets. Leaves: struct sw_debt_state,
 * those that may be symptoms kept, the others forgotten. Knows nothing of rules. One file for each kind: debts_connect.c,
 * debts_stream.c, debts_datagram.c, debts_call.c, debts_serve.c; how waits are booked is in debts_waits.c, how they end with
 * their socket in debts_end.c. */
#ifndef SW_CORRELATE_DEBTS_H
#define SW_CORRELATE_DEBTS_H

#include "correlate/calls/processes.h"
#include "correlate/calls/waits.h"
#include "correlate/correlate.h"
#include "correlate/debts/attempts.h"

#define SW_ASKED_MAX 4 /* resolv.conf(5) takes three servers */

struct sw_debt_state {
	struct sw_debt debt;
	struct sw_socket_state *socket; /* NULL: none (EBADF) */
	struct sw_call opening; /* without its lists */
	struct sw_call *surfaced, *last_wait, *closing, *culprit; /* copies, NULL: none */
	struct sw_call *found; /* the wait that the session found a thread in, with its lists; NULL none */
	struct sw_addr target;
	int64_t progress_ns; /* when it last came nearer to its end */
	int64_t asked_gap_ns; /* how long it had not when the kernel was last asked of it; 0 never */
	int64_t first_read_ns; /* answers: first byte; SW_TIME_NONE */
	int64_t last_bytes; /* answers: of the last write of the question */
	int64_t told_ns, writable_ns; /* a wait reported an error; that it can be written to. SW_TIME_NONE */
	enum sw_sys told_by;
	uint32_t told_call;
	uint32_t waiting; /* waits for it now under way */
	int64_t rhythm_ns; /* answers: the longest pause between two reads */
	/* answers: the longest pause that was loss; 0 none */
	int64_t lossy_ns, lossy_from_ns, lossy_parts[SW_PART_COUNT];
	int64_t interrupted_ns; /* the enter of that call */
	uint32_t interrupted_tid;
	bool interrupted; /* the last call for it was ended by a signal */
	bool died_waiting; /* a thread ended inside a call that waited for it */
	/* drains: writes in a row that the kernel did not take (EAGAIN), and when the first was */
	uint32_t refusals;
	int64_t refused_ns;
	bool stood_still; /* drains: the peer's window kept somebody from writing, and opened again */
	bool timed_out; /* the last wait for it that ended did so by its timer */
	bool asks_to_wait; /* answers: the request itself asked the peer to answer when there is news */
	bool waited; /* something waited for it since it last progressed */
	bool only_for_it; /* a wait for this socket alone; not of an event loop, which has all that are open in its set */
	bool guessed; /* answers: what was asked came before the session, and an event loop waits for all that it has */
	bool stuck_before; /* drains: what was written before the session could not leave */
	bool rest; /* datagrams: more of an answer was waited for: a symptom only if more came than was read */
	struct sw_endpoint asked[SW_ASKED_MAX]; /* look-ups: whom this socket asked */
	uint32_t asked_count; /* beyond SW_ASKED_MAX: not all are kept */
	bool tentative; /* a failed datagram connect: a symptom only if nothing explains it away */
	size_t place; /* in the table */
	struct sw_debt_state *next_quiet; /* debts_review.c */
	bool quiet; /* it is in its socket's list there */
	bool measured; /* the socket's account measures its time */
	uint32_t service; /* the question to a name service of this host (name_services.h), 0 none */
	uint32_t lookup; /* the look-up that it served (lookups.h), 0 none known */
	bool lookup_settled; /* lookups_join.c: it was judged */
	bool joined; /* another debt tells what it would */
	bool final; /* nothing that may still come belongs to it (debts_final.c) */
	bool said; /* it was judged while the session ran; as what, where something was said: */
	const char *said_verdict; /* NULL: it was no symptom, or another debt told it */
	enum sw_severity said_severity;
	int64_t said_ns;
};

struct sw_debts;
struct sw_lookups;

struct sw_debts_hooks {
	void *context;
	/* A debt ended and its packets had time to arrive: true keeps it as a symptom, false forgets it. */
	bool (*review)(void *context, struct sw_debt_state *debt);
};

struct sw_debts *sw_debts_new(const struct sw_correlate_options *options, struct sw_sockets *sockets,
			      struct sw_processes *processes, struct sw_attempts *attempts,
			      const struct sw_debts_hooks *hooks);
void sw_debts_free(struct sw_debts *debts);

void sw_debts_enter(struct sw_debts *debts, const struct sw_call *call);
void sw_debts_leave(struct sw_debts *debts, const struct sw_call *call);
/* A name service of this host said no in that call. */
void sw_debts_service_no(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call,
			 uint32_t question, int64_t asked_ns);
/* The callback of the table of sockets. */
void sw_debts_gone(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call, uint32_t pid,
		   int64_t time_ns);
void sw_debts_process(struct sw_debts *debts, const struct sw_process *process); /* before the sockets learn of it */
void sw_debts_process_ended(struct sw_debts *debts, const struct sw_process *process); /* and after */
/* Somebody came to this socket over this flow and was left unserved, which showed at `until_ns`. */
void sw_debts_unserved(struct sw_debts *debts, struct sw_socket_state *listener, const struct sw_flow *flow,
		       int64_t until_ns);
/* Reviews what ended before `before_ns`. */
void sw_debts_settle(struct sw_debts *debts, int64_t before_ns);
/* The calls are not followed any more: what is open ends as it would at the end of the recording. */
void sw_debts_calls_end(struct sw_debts *debts, int64_t time_ns);
/* The recording ends: everything open ends as hung, or is no debt after all; everything is reviewed. */
void sw_debts_finish(struct sw_debts *debts, int64_t end_ns);

/* open, or given up within recent_ns */
bool sw_debts_owed(const struct sw_debts *debts, int64_t now_ns, int64_t recent_ns);
size_t sw_debts_kept(const struct sw_debts *debts);
/* of the kept ones, in the order they began */
struct sw_debt_state *sw_debts_at(const struct sw_debts *debts, size_t index);

/* Marks those of the kept ones final to which nothing belongs that is open, or that ended after `before_ns`; all of them where
 * it is INT64_MAX. */
void sw_debts_finalize(struct sw_debts *debts, const struct sw_lookups *lookups, int64_t before_ns);
/* When the oldest began that is open or was not said; SW_TIME_NONE: none. */
int64_t sw_debts_needed_since(const struct sw_debts *debts);
/* What kept debts say only together: one broken connection is one symptom, and waits that repeat. */
void sw_debts_together(struct sw_debts *debts);
void sw_debts_sort(struct sw_debts *debts); /* the kept ones, by their begin */

/* Forgets the kept ones to which `stays` says no. */
void sw_debts_sift(struct sw_debts *debts, bool (*stays)(void *context, struct sw_debt_state *debt), void *context);

/* See sw_correlate_stalled(). */
void sw_debts_stalled(struct sw_debts *debts, int64_t now_ns, void (*each)(void *context, uint32_t socket),
		      void *context);
/* Those that are open, or ended and not reviewed yet; NULL beyond the last. */
const struct sw_debt_state *sw_debts_live(const struct sw_debts *debts, size_t index);

/* TCP_INFO of a socket that was there when the session joined: whether an answer is owed on it already. */
void sw_debts_tcp_info(struct sw_debts *debts, const struct sw_fact *fact);

#endif
