/* The facts of the trace, kept until nothing can ask for them any more.
 *
 * Enters: facts in the order of time. Leaves: those that a symptom may look at. Memory is bounded: beyond it the oldest go, but
 * what the session was like at its start. Judges nothing. */
#ifndef SW_CORRELATE_FACTS_KEPT_H
#define SW_CORRELATE_FACTS_KEPT_H

#include "correlate/debts/debt.h"
#include "src/base/mem.h"
#include "tracer/call.h"

struct sw_arena;

struct sw_fact_key { /* what is looked for, so that a fact is read only when it fits */
	int64_t time_ns;
	uint32_t call, socket, pid;
	uint32_t words[3]; /* hashes of the texts by which it names a target; 0 none */
};

struct sw_facts_kept { /* copies, in order of time */
	SW_ARRAY(struct sw_fact *) of_calls; /* that name a call, a socket or a thread */
	SW_ARRAY(struct sw_fact_key) keys; /* one for each of these */
	SW_ARRAY(struct sw_fact *) of_session;
};

void sw_facts_kept_add(struct sw_facts_kept *facts, const struct sw_fact *fact);
void sw_facts_kept_forget(struct sw_facts_kept *facts); /* call often */
void sw_facts_kept_release(struct sw_facts_kept *facts);

/* Those of the debt's calls, socket and process, those of others that name its target, from just before it until just after it
 * (`end_ns` where it is open); and those of the session. The list is in the arena. */
const struct sw_fact **sw_facts_kept_about(const struct sw_facts_kept *facts, const struct sw_debt *debt,
					   const struct sw_addr *target, int64_t end_ns, struct sw_arena *arena,
					   size_t *count);

#endif
