/* The end of a recording: what is open ends, all that is left is judged, grouped and ranked.
 *
 * Enters: the tables. Leaves: the report; the correlator is gone. */
#include "correlate/correlate_state.h"
#include "correlate/flows/lookups_join.h"
#include "correlate/symptoms/answers.h"
#include "correlate/symptoms/serving.h"

struct sw_sources sw_correlate_sources(const struct sw_correlate *correlate, int64_t end_ns)
{
	return (struct sw_sources){.options = &correlate->options,
				   .sockets = correlate->sockets,
				   .processes = correlate->processes,
				   .attempts = correlate->attempts,
				   .flows = correlate->flows,
				   .links = correlate->links,
				   .peers = correlate->peers,
				   .lookups = correlate->lookups,
				   .services = correlate->services,
				   .names = correlate->names,
				   .said = correlate->said,
				   .frames = correlate->frames,
				   .origins = correlate->origins,
				   .handshakes = correlate->handshakes,
				   .places = correlate->places,
				   .facts = &correlate->facts,
				   .statuses = correlate->statuses.items,
				   .status_count = correlate->statuses.count,
				   .end_ns = end_ns};
}

static void relink(struct sw_correlate *correlate)
{
	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);
		struct sw_flow *flow = debt->debt.flow || !debt->final ?
					       NULL :
					       sw_links_find(correlate->links, debt, correlate->now_ns);

		if (flow)
			debt->debt.flow = flow->id;
	}
}

void sw_correlate_join(struct sw_correlate *correlate)
{
	sw_debts_sort(correlate->debts);
	sw_debts_together(correlate->debts);
	relink(correlate);
	sw_lookups_join(correlate->lookups, correlate->debts, correlate->processes, correlate->said,
			correlate->options.slow_ns);
	sw_answers_join(correlate->debts);
}

struct sw_report *sw_correlate_finish(struct sw_correlate *correlate, int64_t end_ns)
{
	struct sw_report *report = sw_arena_alloc(correlate->arena, sizeof *report);
	struct sw_sources sources;

	if (correlate->shown)
		sw_shown_end(correlate->shown);
	sw_correlate_advance(correlate, end_ns);
	report->arena = correlate->arena;
	sw_serving_find(correlate->debts, correlate->flows, correlate->links, correlate->options.settle_ns, INT64_MAX);
	sw_debts_finish(correlate->debts, end_ns);
	sw_debts_finalize(correlate->debts, correlate->lookups, INT64_MAX);
	sw_correlate_join(correlate);
	sources = sw_correlate_sources(correlate, end_ns);
	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		struct sw_debt_state *debt = sw_debts_at(correlate->debts, i);

		if (!debt->joined)
			sw_groups_take(correlate->groups, debt, &sources, NULL);
	}
	sw_correlate_join_beside(correlate, end_ns);
	sw_groups_report(correlate->groups, report, &sources);
	sw_correlate_describe(correlate, report, end_ns);
	sw_correlate_release(correlate);
	return report;
}

void sw_report_free(struct sw_report *report)
{
	if (report)
		sw_arena_free(report->arena); /* which the report itself lives in */
}
