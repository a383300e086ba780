/* Which symptoms are final: nothing that may still come would change what they are.
 *
 * Enters: kept debts, and what is open beside them. Leaves: `final`, set on each. Knows nothing of rules. Recovery in time is waited for by
 * the caller, who says up to when a symptom must have ended. */
#include "correlate/debts/debts_state.h"
#include "correlate/flows/lookups.h"
#include "correlate/thresholds.h"

/* What goes on for longer beside it does not keep it from being judged. */
#define WAIT_MAX_NS (60 * SW_NS_PER_S)
/* A resolver library goes on to the next server or address family at once when a send fails. */
#define NEXT_SERVER_NS SW_NS_PER_S

static bool is_lookup(const struct sw_debt_state *state)
{
	return state->debt.operation == SW_OPERATION_LOOKUP && !state->service;
}

/* Two tries of one look-up, as far as it can be known before they are joined. */
static bool one_lookup(const struct sw_debt_state *a, const struct sw_debt_state *b)
{
	if (a->lookup && a->lookup == b->lookup)
		return true;
	return a->debt.tid == b->debt.tid && b->debt.began_ns <= a->debt.ended_ns + NEXT_SERVER_NS &&
	       (b->debt.ended_ns == SW_TIME_NONE || a->debt.began_ns <= b->debt.ended_ns + NEXT_SERVER_NS);
}

/* What is open on the same socket, or ended just now, may tell of this one: a broken connection is one symptom. */
static bool may_tell(const struct sw_debt_state *live, const struct sw_debt_state *state)
{
	if (is_lookup(state))
		return is_lookup(live) && one_lookup(state, live);
	if (live->socket != state->socket || !state->socket)
		return false;
	return state->debt.operation == SW_OPERATION_DRAIN || state->debt.outcome == SW_OUTCOME_ANSWERED_NO;
}

static bool waits(const struct sw_debts *debts, const struct sw_lookups *lookups, const struct sw_debt_state *state,
		  int64_t before_ns)
{
	const struct sw_lookup *lookup = state->lookup ? sw_lookups_get(lookups, state->lookup) : NULL;

	if (state->debt.ended_ns >= before_ns)
		return true;
	if (state->debt.ended_ns < before_ns - WAIT_MAX_NS)
		return false;
	if (lookup && lookup->active_ns >= before_ns)
		return true;
	for (size_t i = 0; i < debts->live.count; i++) {
		if (may_tell(debts->live.items[i], state))
			return true;
	}
	return false;
}

/* A look-up is final as a whole. */
static bool unmark_parts(struct sw_debt_state *const *lookups, size_t count)
{
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; !lookups[i]->final && j < count; j++) {
			struct sw_debt_state *part = lookups[j];

			if (part->final && !part->said && one_lookup(part, lookups[i])) {
				part->final = false;
				changed = true;
			}
		}
	}
	return changed;
}

static void unmark_lookups(const struct sw_debts *debts)
{
	SW_ARRAY(struct sw_debt_state *) lookups = {0};

	for (size_t i = 0; i < debts->kept.count; i++)
		if (is_lookup(debts->kept.items[i]))
			*SW_ARRAY_ADD(&lookups) = debts->kept.items[i];
	while (unmark_parts(lookups.items, lookups.count))
		continue;
	SW_ARRAY_RELEASE(&lookups);
}

void sw_debts_finalize(struct sw_debts *debts, const struct sw_lookups *lookups, int64_t before_ns)
{
	bool all = before_ns == INT64_MAX;

	for (size_t i = 0; i < debts->kept.count; i++) {
		struct sw_debt_state *state = debts->kept.items[i];

		state->final = all || state->said || !waits(debts, lookups, state, before_ns);
	}
	if (!all)
		unmark_lookups(debts);
}

int64_t sw_debts_needed_since(const struct sw_debts *debts)
{
	int64_t since_ns = SW_TIME_NONE;

	for (size_t i = 0; i < debts->live.count; i++) {
		int64_t began_ns = debts->live.items[i]->debt.began_ns;

		if (since_ns == SW_TIME_NONE || began_ns < since_ns)
			since_ns = began_ns;
	}
	for (size_t i = 0; i < debts->kept.count; i++) {
		const struct sw_debt_state *state = debts->kept.items[i];

		if (!state->said && (since_ns == SW_TIME_NONE || state->debt.began_ns < since_ns))
			since_ns = state->debt.began_ns;
	}
	return since_ns;
}
