/* Judging as it goes: symptoms that are final are told while the recording goes on.
 *
 * Enters: the tables, and up to when they are complete. Leaves: findings to options.found, and fewer symptoms. Kept debts are joined
 * and judged as at the end, on what is final; then all is as it was before, so that the end can judge with what came later. Only the
 * oldest are judged for good and forgotten. */
#include <string.h>

#include "correlate/correlate_state.h"
#include "correlate/symptoms/serving.h"

/* Symptoms of one attempt that ended within this are judged together: one may be another's cause, or excuse it. */
#define TOGETHER_NS (500 * SW_NS_PER_MS)
/* Symptoms that were said and may still be judged anew. Each costs some kilobytes with its flow and calls. */
#define SAID_MAX 256u
#define FORGET_AT_ONCE 64u
#define SERVING_EVERY_NS SW_NS_PER_S
/* Symptoms that wait for --settle, at some 8 kB with their flows. Where a program fails faster, the oldest are judged before. */
#define UNSETTLED_MAX 8192u
#define UNSETTLED_LESS 2048u /* so many at once: each time all are looked at */

struct before { /* of a kept debt, what joining changes */
	struct sw_debt debt;
	uint32_t lookup;
	bool settled, joined;
};

static struct before *save(struct sw_debts *debts)
{
	struct before *saved = sw_alloc((sw_debts_kept(debts) + 1) * sizeof *saved);

	for (size_t i = 0; i < sw_debts_kept(debts); i++) {
		const struct sw_debt_state *debt = sw_debts_at(debts, i);

		saved[i] = (struct before){debt->debt, debt->lookup, debt->lookup_settled, debt->joined};
	}
	return saved;
}

static void restore(struct sw_correlate *correlate, const struct before *saved)
{
	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);
		uint32_t flow = debt->debt.flow; /* what was linked stays linked */

		debt->debt = saved[i].debt;
		debt->debt.flow = flow;
		debt->lookup = saved[i].lookup;
		debt->lookup_settled = saved[i].settled;
		debt->joined = saved[i].joined;
	}
	sw_lookups_undeliver(correlate->lookups);
}

static void tell(struct sw_correlate *correlate, int64_t now_ns)
{
	struct sw_report report = {.arena = sw_arena_new()};
	struct sw_groups *groups = sw_groups_new(report.arena);
	struct sw_sources sources = sw_correlate_sources(correlate, now_ns);

	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);
		struct sw_taken taken;

		if (!debt->final || debt->said)
			continue;
		debt->said = true;
		debt->said_ns = now_ns;
		/* Where nobody is told, judging for good is enough. */
		if (correlate->options.found && !debt->joined && sw_groups_take(groups, debt, &sources, &taken)) {
			debt->said_verdict = taken.verdict;
			debt->said_severity = taken.severity;
		}
	}
	sw_groups_report(groups, &report, &sources);
	for (size_t i = 0; correlate->options.found && i < report.finding_count; i++)
		correlate->options.found(correlate->options.found_context, &report.findings[i]);
	sw_groups_free(groups);
	sw_arena_free(report.arena);
}

static bool any_due(const struct sw_correlate *correlate, int64_t before_ns)
{
	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		const struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);

		if (!debt->said && debt->debt.ended_ns < before_ns)
			return true;
	}
	return false;
}

static int by_time(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/* Up to when symptoms are judged though they have not settled, since too many wait; INT64_MIN: they do not. */
static int64_t crowded_before(struct sw_correlate *correlate)
{
	size_t count = 0;
	int64_t before_ns = INT64_MIN, *ends;

	if (sw_debts_kept(correlate->debts) <= UNSETTLED_MAX)
		return before_ns;
	ends = sw_alloc(sw_debts_kept(correlate->debts) * sizeof *ends);
	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		const struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);

		if (!debt->said)
			ends[count++] = debt->debt.ended_ns;
	}
	if (count > UNSETTLED_MAX) {
		qsort(ends, count, sizeof *ends, by_time);
		before_ns = ends[count - UNSETTLED_MAX + UNSETTLED_LESS];
		sw_correlate_limit(
			correlate,
			&(struct sw_limit){"more failed at once than can wait for what makes it good (--settle)",
					   "one that was made good in time may stand as a failure"});
	}
	free(ends);
	return before_ns;
}

/* ---- forgetting ------------------------------------------------------------------------------------------------- */

static bool stays(void *context, struct sw_debt_state *debt)
{
	(void)context;
	return !debt->final;
}

/* The oldest, each look-up whole. */
static size_t choose(struct sw_debts *debts, size_t wanted)
{
	size_t chosen = 0;

	for (size_t i = 0; i < sw_debts_kept(debts); i++)
		sw_debts_at(debts, i)->final = false;
	for (size_t i = 0; i < sw_debts_kept(debts) && chosen < wanted; i++) {
		struct sw_debt_state *debt = sw_debts_at(debts, i);

		for (size_t j = i; debt->said && !debt->final && debt->lookup && j < sw_debts_kept(debts); j++) {
			struct sw_debt_state *part = sw_debts_at(debts, j);

			if (part->lookup == debt->lookup && part->said) {
				part->final = true;
				chosen++;
			}
		}
		if (debt->said && !debt->lookup) {
			debt->final = true;
			chosen++;
		}
	}
	return chosen;
}

static void forget_oldest(struct sw_correlate *correlate, int64_t now_ns)
{
	struct sw_sources sources = sw_correlate_sources(correlate, now_ns);
	size_t said = 0;

	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++)
		said += sw_debts_at(correlate->debts, i)->said;
	if (said < SAID_MAX + FORGET_AT_ONCE || !choose(correlate->debts, said - SAID_MAX))
		return;
	sw_correlate_join(correlate);
	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);

		if (debt->final && !debt->joined)
			sw_groups_take(correlate->groups, debt, &sources, NULL);
	}
	sw_debts_sift(correlate->debts, stays, NULL);
}

/* ---- a turn ----------------------------------------------------------------------------------------------------- */

void sw_correlate_judge(struct sw_correlate *correlate, int64_t now_ns)
{
	int64_t before_ns = now_ns - correlate->options.settle_ns, crowded_ns;
	struct before *saved;

	/* What a log lacks is known, and made good from the packets, at its end. */
	if (correlate->now_ns == SW_TIME_NONE || correlate->options.calls_may_lack)
		return;
	correlate->judged_ns = now_ns;
	sw_correlate_advance(correlate, now_ns);
	if (correlate->served_ns == SW_TIME_NONE || now_ns - correlate->served_ns >= SERVING_EVERY_NS) {
		sw_serving_find(correlate->debts, correlate->flows, correlate->links, correlate->options.settle_ns,
				now_ns);
		correlate->served_ns = now_ns;
	}
	crowded_ns = crowded_before(correlate);
	if (crowded_ns <= before_ns && !any_due(correlate, before_ns - TOGETHER_NS))
		return;
	before_ns = crowded_ns > before_ns ? crowded_ns : before_ns;
	sw_debts_finalize(correlate->debts, correlate->lookups, before_ns);
	sw_debts_sort(correlate->debts);
	saved = save(correlate->debts);
	sw_correlate_join(correlate);
	tell(correlate, now_ns);
	restore(correlate, saved);
	free(saved);
	forget_oldest(correlate, now_ns);
}

int64_t sw_correlate_needs_since(const struct sw_correlate *correlate)
{
	return sw_debts_needed_since(correlate->debts);
}
