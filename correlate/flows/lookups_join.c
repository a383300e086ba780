/* See lookups_join.h. The packets say what was answered; the debts say whether the program got it. */
#include "correlate/flows/lookups_join.h"

#include "correlate/thresholds.h"

/* A resolver library goes on to the next server or address family at once when a send fails. */
#define NEXT_SERVER_NS SW_NS_PER_S

static bool in_vain(const struct sw_debt_state *state)
{
	return state->debt.outcome != SW_OUTCOME_DONE && state->debt.outcome != SW_OUTCOME_SLOW &&
	       state->debt.bytes_read == 0;
}

static int64_t end_of(const struct sw_debt_state *state)
{
	return state->debt.ended_ns == SW_TIME_NONE ? INT64_MAX : state->debt.ended_ns;
}

/* The name has addresses, of one family alone, and the process went nowhere with them and failed right behind: the question for the
 * other family, 1-based. */
static uint32_t left_unused(const struct sw_lookup *lookup, const struct sw_process_seen *process, int64_t over_ns)
{
	return sw_process_failed_of(process, lookup->began_ns, over_ns) ? sw_lookup_other_family(lookup) : 0;
}

bool sw_lookup_takes(struct sw_lookups *lookups, struct sw_debt_state *state, const struct sw_flow *flow,
		     const struct sw_process_seen *process, int64_t slow_ns, bool *keep)
{
	struct sw_debt *debt = &state->debt;
	bool to_resolver = flow && flow->initiator && flow->remote.port == SW_DNS_PORT;
	struct sw_lookup *lookup;

	if (state->service ||
	    (debt->operation != SW_OPERATION_LOOKUP && !(debt->operation == SW_OPERATION_ANSWER && to_resolver)))
		return false;
	lookup = flow ? sw_lookups_find(lookups, flow->id, debt->began_ns - SW_STAMP_SLACK_NS,
					end_of(state) + SW_STAMP_SLACK_NS) :
			NULL;
	if (!lookup)
		return false;
	debt->operation = SW_OPERATION_LOOKUP;
	state->lookup = lookup->id;
	*keep = debt->outcome != SW_OUTCOME_DONE || debt->gap_ns >= slow_ns || !sw_lookup_found(lookup) ||
		sw_lookup_made_good(lookup) || lookup->active_ns - lookup->began_ns >= slow_ns ||
		left_unused(lookup, process, debt->ended_ns);
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

struct join {
	struct sw_lookups *lookups;
	struct sw_debts *debts;
	const struct sw_processes *processes;
	const struct sw_said *said;
	int64_t slow_ns;
};

static bool is_lookup(const struct sw_debt_state *state)
{
	return state->final && state->debt.operation == SW_OPERATION_LOOKUP && !state->service;
}

/* A send that failed left no packet: it belongs to what the same thread asked next or just before. */
static void adopt(struct join *join, struct sw_debt_state *state)
{
	uint32_t next_id = 0;

	for (size_t i = 0; i < sw_debts_kept(join->debts) && !state->lookup; i++) {
		const struct sw_debt_state *other = sw_debts_at(join->debts, i);

		if (!is_lookup(other) || other == state || other->debt.tid != state->debt.tid)
			continue;
		if (other->lookup && other->debt.began_ns <= end_of(state) + NEXT_SERVER_NS &&
		    state->debt.began_ns <= end_of(other) + NEXT_SERVER_NS)
			next_id = other->lookup;
	}
	state->lookup = next_id;
}

/* Answers that came while somebody waited for them in vain. */
static void mark_undelivered(struct join *join, struct sw_lookup *lookup)
{
	for (size_t i = 0; i < sw_debts_kept(join->debts); i++) {
		const struct sw_debt_state *state = sw_debts_at(join->debts, i);

		for (size_t j = 0; is_lookup(state) && state->lookup == lookup->id && j < lookup->questions.count;
		     j++) {
			struct sw_question *question = &lookup->questions.items[j];

			if (question->flow == state->debt.flow && in_vain(state) &&
			    question->answered.time_ns >= state->debt.began_ns &&
			    question->asked_last.time_ns >= state->debt.began_ns - SW_STAMP_SLACK_NS &&
			    question->asked.time_ns <= end_of(state))
				question->undelivered = true;
		}
	}
}

/* Which of two debts tells the look-up better. */
static bool tells_better(const struct sw_lookup *lookup, const struct sw_debt_state *a, const struct sw_debt_state *b)
{
	const struct sw_question *deciding = sw_lookup_deciding(lookup);

	if (deciding && (a->debt.flow == deciding->flow) != (b->debt.flow == deciding->flow))
		return a->debt.flow == deciding->flow;
	if ((a->debt.error != 0) != (b->debt.error != 0))
		return a->debt.error != 0;
	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (question->undelivered && question->answered.packet &&
		    (a->debt.flow == question->flow) != (b->debt.flow == question->flow))
			return a->debt.flow == question->flow;
	}
	if (in_vain(a) != in_vain(b))
		return in_vain(a);
	return a->debt.began_ns < b->debt.began_ns;
}

static void widen(struct sw_debt *debt, const struct sw_debt *other)
{
	if (other->began_ns < debt->began_ns)
		debt->began_ns = other->began_ns;
	if (other->ended_ns != SW_TIME_NONE && (debt->ended_ns == SW_TIME_NONE || other->ended_ns > debt->ended_ns))
		debt->ended_ns = other->ended_ns;
	debt->waited_ns += other->waited_ns;
}

static struct sw_debt_state *teller_of(struct join *join, const struct sw_lookup *lookup)
{
	struct sw_debt_state *best = NULL;

	for (size_t i = 0; i < sw_debts_kept(join->debts); i++) {
		struct sw_debt_state *state = sw_debts_at(join->debts, i);

		if (is_lookup(state) && state->lookup == lookup->id && (!best || tells_better(lookup, state, best)))
			best = state;
	}
	return best;
}

/* musl fails where one of the two stays unanswered; curl -6 asks for both and takes one. Who found what it wanted may fail of something
 * else, so that what it says of the network must speak for it where both were answered. */
static uint32_t found_in_vain(const struct join *join, const struct sw_lookup *lookup, const struct sw_debt *debt)
{
	const char *const words[] = {sw_lookup_name(lookup), "resolv", "connect", "address", "unreachable", NULL};
	int64_t over_ns = lookup->active_ns > debt->ended_ns ? lookup->active_ns : debt->ended_ns;
	uint32_t wanted = left_unused(lookup, sw_processes_get(join->processes, debt->pid), over_ns);

	if (wanted && lookup->questions.items[wanted - 1].answered.packet &&
	    !sw_said_of(join->said, debt->pid, over_ns, words))
		return 0;
	return wanted;
}

/* How the whole ended, which its teller alone may not show. */
static bool conclude(struct join *join, struct sw_lookup *lookup, struct sw_debt *debt)
{
	int64_t last_ns = lookup->active_ns > debt->ended_ns ? lookup->active_ns : debt->ended_ns;

	lookup->in_vain = sw_lookup_found(lookup) ? found_in_vain(join, lookup, debt) : 0;
	if (lookup->in_vain && !sw_lookup_deciding(lookup)) {
		debt->outcome = SW_OUTCOME_GAVE_UP;
		debt->error = 0;
		debt->ended_ns = last_ns;
		return true;
	}
	if (sw_lookup_found(lookup)) {
		if (last_ns - debt->began_ns >= join->slow_ns) {
			debt->outcome = SW_OUTCOME_SLOW;
			debt->error = 0;
			debt->ended_ns = last_ns;
			return true;
		}
		if (debt->outcome == SW_OUTCOME_DONE)
			debt->outcome = SW_OUTCOME_ANSWERED_NO; /* a candidate's: another was found */
		return sw_lookup_made_good(lookup) || debt->outcome != SW_OUTCOME_ANSWERED_NO;
	}
	if (sw_lookup_deciding(lookup)) {
		debt->outcome = SW_OUTCOME_ANSWERED_NO;
		debt->error = 0;
		return true;
	}
	if (sw_lookup_strayed(lookup) && debt->outcome == SW_OUTCOME_DONE) {
		debt->outcome = SW_OUTCOME_GAVE_UP; /* what it read was no answer */
		debt->ended_ns = last_ns;
		return true;
	}
	return debt->outcome != SW_OUTCOME_DONE; /* cut over UDP, and the connect over TCP tells why it ended there */
}

static void settle(struct join *join, struct sw_lookup *lookup)
{
	struct sw_debt_state *teller = teller_of(join, lookup);

	if (!teller)
		return;
	mark_undelivered(join, lookup);
	teller = teller_of(join, lookup); /* an answer that did not arrive may make another the one */
	for (size_t i = 0; i < sw_debts_kept(join->debts); i++) {
		struct sw_debt_state *state = sw_debts_at(join->debts, i);

		if (is_lookup(state) && state->lookup == lookup->id && state != teller) {
			widen(&teller->debt, &state->debt);
			state->joined = true;
		}
	}
	if (lookup->began_ns < teller->debt.began_ns && lookup->began_ns > 0)
		teller->debt.began_ns = lookup->began_ns;
	teller->joined = !conclude(join, lookup, &teller->debt);
}

/* Without packets only the thread and the time say what is one look-up. */
static void join_blind(struct join *join, struct sw_debt_state *state)
{
	for (size_t i = 0; i < sw_debts_kept(join->debts); i++) {
		struct sw_debt_state *other = sw_debts_at(join->debts, i);

		if (other == state)
			return;
		if (!is_lookup(other) || other->lookup || other->joined || other->debt.tid != state->debt.tid ||
		    state->debt.began_ns > end_of(other) + SW_AT_ONCE_NS)
			continue;
		widen(&other->debt, &state->debt);
		state->joined = true;
		return;
	}
}

void sw_lookups_join(struct sw_lookups *lookups, struct sw_debts *debts, const struct sw_processes *processes,
		     const struct sw_said *said, int64_t slow_ns)
{
	struct join join = {
		.lookups = lookups, .debts = debts, .processes = processes, .said = said, .slow_ns = slow_ns};

	for (size_t i = 0; i < sw_debts_kept(debts); i++) {
		struct sw_debt_state *state = sw_debts_at(debts, i);

		if (is_lookup(state) && !state->lookup)
			adopt(&join, state);
	}
	for (size_t i = 0; i < sw_debts_kept(debts); i++) {
		struct sw_debt_state *state = sw_debts_at(debts, i);
		struct sw_lookup *lookup =
			is_lookup(state) && !state->lookup_settled ? sw_lookups_get(lookups, state->lookup) : NULL;

		if (is_lookup(state) && !state->lookup)
			join_blind(&join, state);
		if (!lookup)
			continue;
		for (size_t j = i; j < sw_debts_kept(debts); j++) {
			if (is_lookup(sw_debts_at(debts, j)) && sw_debts_at(debts, j)->lookup == lookup->id)
				sw_debts_at(debts, j)->lookup_settled = true;
		}
		settle(&join, lookup);
	}
}
