/* Answers that say no although every call succeeded: an alert, an answer that is no TLS.
 *
 * Enters: an ended debt, and its flow's handshake. Leaves: whether it was a handshake's, and whether the answer was a no. Which verdict
 * it is, is the rules' matter. */
#ifndef SW_CORRELATE_ANSWERS_H
#define SW_CORRELATE_ANSWERS_H

#include "correlate/debts/debts.h"
#include "correlate/flows/handshakes.h"

struct sw_flows;
struct sw_said;

struct sw_answer_sources { /* the correlator's tables, lent */
	struct sw_flows *flows;
	const struct sw_handshakes *handshakes;
	const struct sw_processes *processes;
	const struct sw_said *said;
	int64_t slow_ns; /* the option */
};

/* An answer that was waited for while the handshake was not done becomes the handshake's; true: it was done, and said no. What we owed
 * as the server becomes the handshake's where one side said no to it, or our program speaks TLS and was asked without. */
bool sw_answer_is_no(const struct sw_answer_sources *sources, const struct sw_flow *flow, struct sw_debt_state *state);
/* A client that began a handshake waited in vain and left; or it asked, in words that are understood and are no TLS, and our side closed at
 * once without a word: it was not served. */
bool sw_answer_is_missing(const struct sw_answer_sources *sources, const struct sw_flow *flow,
			  struct sw_debt_state *state);
/* Bytes that were lost behind the end of a handshake are that end's doing, which the handshake's debt tells; and a goodbye
 * is no request that we left without an answer, nor is it missed where the peer had closed. */
bool sw_answer_tells(const struct sw_handshakes *handshakes, const struct sw_flow *flow,
		     const struct sw_debt_state *state);
/* The steps of one handshake are several answers; one of them tells that it was answered no. */
void sw_answers_join(struct sw_debts *debts);

#endif
