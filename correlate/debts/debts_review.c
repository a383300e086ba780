/* When debts are looked at again: the older ones of what ended well and soon on a busy socket almost at once, the others when their
 * packets have had time to come, all at the end.
 *
 * Enters: ended debts, the time. Leaves: the kept ones. Knows nothing of rules: the hook decides. A socket that exchanges thousands of
 * questions and answers a second would else have as many debts waiting. */
#include "correlate/debts/debts_state.h"

/* A packet that belongs to a call stands within milliseconds of it, even in logs and captures of other tools. */
#define QUIET_NS (20 * SW_NS_PER_MS)
/* So many of a socket's newest quiet debts are given the full time: what a socket's end says of its last exchanges comes late. */
#define QUIET_NEWEST 16

static void unquiet(struct sw_debt_state *state)
{
	struct sw_socket_state *socket = state->socket;
	struct sw_debt_state **link = &socket->quiet, *before = NULL;

	while (*link != state) {
		before = *link;
		link = &before->next_quiet;
	}
	*link = state->next_quiet;
	if (socket->quiet_last == state)
		socket->quiet_last = before;
	socket->quiet_count--;
	state->quiet = false;
}

static void review(struct sw_debts *debts, struct sw_debt_state *state)
{
	bool keep = !(state->tentative && sw_debts_explained_away(debts, state));

	if (state->quiet)
		unquiet(state);
	sw_debt_leave_live(debts, state);
	if (!keep || !debts->hooks.review(debts->hooks.context, state)) {
		sw_debt_forget(state);
		return;
	}
	state->place = debts->kept.count;
	*SW_ARRAY_ADD(&debts->kept) = state;
}

/* ---- quiet ones ------------------------------------------------------------------------------------------------ */

static bool is_quiet(const struct sw_debts *debts, const struct sw_debt_state *state)
{
	const struct sw_debt *debt = &state->debt;

	return debt->outcome == SW_OUTCOME_DONE && state->socket && debt->gap_ns < debts->options->slow_ns &&
	       !debts->options->ended &&
	       (debt->operation == SW_OPERATION_ANSWER || debt->operation == SW_OPERATION_SERVE ||
		debt->operation == SW_OPERATION_DATAGRAM);
}

void sw_debts_quiet(struct sw_debts *debts, struct sw_debt_state *state)
{
	int64_t before_ns = state->debt.ended_ns - QUIET_NS - debts->options->clock_error_ns;
	struct sw_socket_state *socket = state->socket;

	if (!is_quiet(debts, state))
		return;
	state->quiet = true;
	state->next_quiet = NULL;
	if (socket->quiet_last)
		socket->quiet_last->next_quiet = state;
	else
		socket->quiet = state;
	socket->quiet_last = state;
	socket->quiet_count++;
	while (socket->quiet_count > QUIET_NEWEST && socket->quiet->debt.ended_ns < before_ns)
		review(debts, socket->quiet);
}

/* ---- the others ------------------------------------------------------------------------------------------------ */

void sw_debts_settle(struct sw_debts *debts, int64_t before_ns)
{
	/* Backwards: a review moves the last debt into the place of the reviewed one. */
	for (size_t i = debts->live.count; i-- > 0;) {
		struct sw_debt_state *state = debts->live.items[i];

		if (state->debt.ended_ns != SW_TIME_NONE && state->debt.ended_ns < before_ns && !state->tentative)
			review(debts, state);
	}
}

const struct sw_debt_state *sw_debts_live(const struct sw_debts *debts, size_t index)
{
	return index < debts->live.count ? debts->live.items[index] : NULL;
}

static int by_begin(const void *a, const void *b)
{
	const struct sw_debt *left = &(*(struct sw_debt_state *const *)a)->debt;
	const struct sw_debt *right = &(*(struct sw_debt_state *const *)b)->debt;

	if (left->began_ns != right->began_ns)
		return left->began_ns < right->began_ns ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

void sw_debts_calls_end(struct sw_debts *debts, int64_t time_ns)
{
	for (size_t i = debts->live.count; i-- > 0;) {
		if (debts->live.items[i]->debt.ended_ns == SW_TIME_NONE)
			sw_debts_end_open(debts, debts->live.items[i], time_ns);
	}
}

void sw_debts_finish(struct sw_debts *debts, int64_t end_ns)
{
	sw_debts_calls_end(debts, end_ns);
	while (debts->live.count)
		review(debts, debts->live.items[debts->live.count - 1]);
}

void sw_debts_sort(struct sw_debts *debts)
{
	if (debts->kept.count)
		qsort(debts->kept.items, debts->kept.count, sizeof *debts->kept.items, by_begin);
}

bool sw_debts_owed(const struct sw_debts *debts, int64_t now_ns, int64_t recent_ns)
{
	if (debts->gave_up_ns != SW_TIME_NONE && now_ns - debts->gave_up_ns < recent_ns)
		return true;
	for (size_t i = 0; i < debts->live.count; i++) {
		if (debts->live.items[i]->debt.ended_ns == SW_TIME_NONE)
			return true;
	}
	return false;
}

size_t sw_debts_kept(const struct sw_debts *debts)
{
	return debts->kept.count;
}

struct sw_debt_state *sw_debts_at(const struct sw_debts *debts, size_t index)
{
	return debts->kept.items[index];
}

void sw_debts_sift(struct sw_debts *debts, bool (*stays)(void *context, struct sw_debt_state *debt), void *context)
{
	size_t count = 0;

	for (size_t i = 0; i < debts->kept.count; i++) {
		struct sw_debt_state *state = debts->kept.items[i];

		if (stays(context, state)) {
			state->place = count;
			debts->kept.items[count++] = state;
		} else {
			sw_debt_forget(state);
		}
	}
	debts->kept.count = count;
}
