/* What kept debts say only together: one broken connection is one symptom, and waits that repeat are a timer of the peer's.
 *
 * Enters: the kept debts. Leaves: which of them others tell, and how many waits were alike. Judges nothing. */
#include "correlate/debts/debts_state.h"

#include "correlate/thresholds.h"

/* ---- one broken connection -------------------------------------------------------------------------------------- */

/* Somebody waited for it, or was let wait: that tells of a dead connection before the bytes that went under with it do. */
static bool tells(const struct sw_debt *debt)
{
	switch (debt->operation) {
	case SW_OPERATION_ANSWER:
	case SW_OPERATION_GREETING:
	case SW_OPERATION_HANDSHAKE:
	case SW_OPERATION_LOOKUP: /* over TCP */
	case SW_OPERATION_SERVE: return debt->outcome != SW_OUTCOME_DONE && debt->outcome != SW_OUTCOME_SLOW;
	default: return false;
	}
}

static void note_end(struct sw_debt_state *state)
{
	struct sw_socket_state *socket = state->socket;

	if (!socket || !tells(&state->debt))
		return;
	/* A client that we let wait has gone: what fails behind it is the same end. */
	if (state->debt.outcome == SW_OUTCOME_UNSERVED && socket->seen.socket.flags & SW_SOCKET_ACCEPTED)
		socket->told_ns = INT64_MAX;
	else if (!socket->told || state->debt.ended_ns > socket->told_ns)
		socket->told_ns = state->debt.ended_ns;
	socket->told = true;
	socket->told_broken |= state->debt.outcome == SW_OUTCOME_FAILED && state->debt.error;
}

static bool told_already(const struct sw_debt_state *state)
{
	if (state->debt.operation != SW_OPERATION_DRAIN || state->debt.outcome == SW_OUTCOME_SLOW || !state->socket)
		return false;
	/* Once the error was told, the kernel has EPIPE for all that is written. */
	return state->socket->told && (state->socket->told_ns >= state->debt.began_ns ||
				       (state->socket->told_broken && state->debt.error == EPIPE));
}

/* Who waited for the answer meanwhile tells it too. */
static bool waits_meanwhile(const struct sw_debt_state *still, const struct sw_debt_state *other)
{
	return other->socket == still->socket && other->debt.operation != SW_OPERATION_DRAIN &&
	       other->debt.began_ns < still->debt.ended_ns && other->debt.ended_ns > still->debt.began_ns;
}

static void join_still(struct sw_debts *debts, struct sw_debt_state *still)
{
	for (size_t i = 0; i < debts->kept.count; i++)
		still->joined |= waits_meanwhile(still, debts->kept.items[i]);
}

static void join_told(struct sw_debts *debts)
{
	for (size_t i = 0; i < debts->kept.count; i++)
		note_end(debts->kept.items[i]);
	for (size_t i = 0; i < debts->kept.count; i++)
		debts->kept.items[i]->joined |= told_already(debts->kept.items[i]);
	for (size_t i = 0; i < debts->kept.count; i++) {
		if (debts->kept.items[i]->stood_still)
			join_still(debts, debts->kept.items[i]);
	}
}

/* ---- long polls --------------------------------------------------------------------------------------------------- */

/* How long the peer let it wait; where that is not measured, how long it waited: a busy machine reads an answer late. */
static int64_t length_of(const struct sw_debt_state *state)
{
	int64_t peer_ns = state->debt.time_ns[SW_PART_PEER_APPLICATION];

	return peer_ns > 0 && peer_ns < state->debt.gap_ns ? peer_ns : state->debt.gap_ns;
}

static int by_end_and_gap(const void *a, const void *b)
{
	const struct sw_debt_state *left = *(struct sw_debt_state *const *)a,
				   *right = *(struct sw_debt_state *const *)b;
	uint32_t left_hash = sw_endpoint_hash(&left->target.endpoint),
		 right_hash = sw_endpoint_hash(&right->target.endpoint);

	if (left_hash != right_hash)
		return left_hash < right_hash ? -1 : 1;
	if (length_of(left) != length_of(right))
		return length_of(left) > length_of(right) ? -1 : 1;
	return left->debt.id < right->debt.id ? -1 : left->debt.id > right->debt.id;
}

/* From the longest on: as many as are as long, but for the slack of a timer. What is shorter ended with an answer before its time. */
static void count_alike(struct sw_debt_state *const *list, size_t count)
{
	uint32_t alike = 1;

	while (alike < count && length_of(list[0]) - length_of(list[alike]) <= SW_LONG_POLL_SLACK_NS)
		alike++;
	for (size_t i = 0; i < count; i++)
		list[i]->debt.same_waits = alike;
}

/* A service that always takes as long says something in the end. */
static bool says_little(const struct sw_debt *debt)
{
	return debt->body_bytes >= 0 ? debt->body_bytes <= SW_POLITE_BODY : debt->bytes_read <= SW_POLITE_BYTES;
}

static void find_long_polls(struct sw_debts *debts)
{
	SW_ARRAY(struct sw_debt_state *) waits = {0};

	for (size_t i = 0; i < debts->kept.count; i++) {
		struct sw_debt_state *state = debts->kept.items[i];

		if (state->debt.operation == SW_OPERATION_ANSWER && state->debt.outcome == SW_OUTCOME_SLOW &&
		    state->target.present && says_little(&state->debt))
			*SW_ARRAY_ADD(&waits) = state;
	}
	if (waits.count)
		qsort(waits.items, waits.count, sizeof *waits.items, by_end_and_gap);
	for (size_t first = 0, next; first < waits.count; first = next) {
		for (next = first + 1; next < waits.count; next++) {
			if (!sw_endpoint_equal(&waits.items[first]->target.endpoint,
					       &waits.items[next]->target.endpoint))
				break;
		}
		count_alike(&waits.items[first], next - first);
	}
	SW_ARRAY_RELEASE(&waits);
}

void sw_debts_together(struct sw_debts *debts)
{
	join_told(debts);
	find_long_polls(debts);
}
