/* See answers.h. The facts of handshakes are gathered as for a rule, from a context that has nothing else. */
#include "correlate/answers.h"

#include "correlate/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

/* Whether a packet belongs to this operation: not before it began, and its end not long after. */
static bool within(const struct sw_debt *debt, struct sw_seen seen)
{
	return seen.packet && seen.time_ns >= debt->began_ns - SW_STAMP_SLACK_NS &&
	       seen.time_ns <= debt->ended_ns + SW_ALERT_AFTER_NS;
}

static bool no_of(struct sw_facts *facts, const struct sw_debt *debt)
{
	return within(debt, facts->tls_alert) || within(debt, facts->tls_not) || facts->tls_only_peer;
}

bool sw_answer_is_no(const struct sw_flows *flows, const struct sw_flow *flow, const struct sw_debt *debt)
{
	const struct sw_packet *packets[SW_FLOW_KEPT_MAX];
	struct sw_symptom_context context = {.debt = debt, .flow = flow, .packets = packets};
	struct sw_facts facts = {0};
	struct sw_arena *arena;
	bool no;

	if (!flow || debt->outcome != SW_OUTCOME_DONE || debt->operation != SW_OPERATION_ANSWER)
		return false;
	/* Asked at the end of every answer: most flows speak neither. */
	if (!sw_flows_upper(flows, flow->id))
		return false;
	context.packet_count = sw_flows_kept(flows, flow->id, packets, SW_FLOW_KEPT_MAX);
	arena = sw_arena_new();
	sw_facts_of_tls(&facts, &context, arena);
	no = no_of(&facts, debt);
	sw_arena_free(arena);
	return no;
}
