/* What a long recording no longer needs: flows, attempts, processes and facts that no symptom and nothing open refers to.
 *
 * Enters: the tables, now and then. Leaves: smaller ones. Each has a bound that recordings of an incident do not reach, so that nothing is
 * forgotten there; beyond it the oldest go, and memory stays where it is however long the recording goes on. Judges nothing. */
#include "correlate/correlate_state.h"
#include "correlate/symptoms/serving.h"

#define FLOWS_KEPT 4096u /* at some 3 to 10 kB */
#define ATTEMPTS_KEPT 4096u /* at 1.4 kB, and the keys by which they are found */
#define PROCESSES_KEPT 2048u
#define SYMPTOMS_KEPT 1024u /* unjudged */
#define JUDGED_AGAIN_NS (250 * SW_NS_PER_MS) /* all of them are looked at each time */

static void need(struct sw_correlate *correlate, const struct sw_debt_state *debt)
{
	sw_flows_need(correlate->flows, debt->debt.flow);
	if (debt->socket)
		sw_flows_need(correlate->flows, debt->socket->flow);
	sw_attempts_need(correlate->attempts, debt->debt.attempt);
	sw_processes_need(correlate->processes, debt->debt.pid);
}

static void need_lookup(void *context, const struct sw_lookup *lookup)
{
	struct sw_correlate *correlate = context;

	for (size_t i = 0; i < lookup->questions.count; i++)
		sw_flows_need(correlate->flows, lookup->questions.items[i].flow);
}

static void need_socket(void *context, struct sw_socket_state *socket)
{
	struct sw_correlate *correlate = context;

	sw_flows_need(correlate->flows, socket->flow);
}

static void mark(struct sw_correlate *correlate)
{
	const struct sw_debt_state *live;

	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++)
		need(correlate, sw_debts_at(correlate->debts, i));
	for (size_t i = 0; (live = sw_debts_live(correlate->debts, i)); i++)
		need(correlate, live);
	sw_sockets_each(correlate->sockets, need_socket, correlate);
	sw_lookups_each(correlate->lookups, need_lookup, correlate);
}

static bool flow_is_known(void *context, uint32_t flow)
{
	return sw_flows_owner(context, flow) != NULL;
}

/* Twice the bound starts it, so that the work is shared by as many as it takes to come there again. */
static bool is_due(const struct sw_correlate *correlate)
{
	return sw_flows_living(correlate->flows) > 2 * FLOWS_KEPT ||
	       sw_attempts_count(correlate->attempts) > 2 * ATTEMPTS_KEPT ||
	       sw_processes_count(correlate->processes) > 2 * PROCESSES_KEPT;
}

void sw_correlate_forget(struct sw_correlate *correlate)
{
	/* Symptoms by the thousand: the oldest are judged for good. */
	if (sw_debts_kept(correlate->debts) > SYMPTOMS_KEPT &&
	    (correlate->judged_ns == SW_TIME_NONE || correlate->now_ns - correlate->judged_ns >= JUDGED_AGAIN_NS))
		sw_correlate_judge(correlate, correlate->now_ns);
	sw_facts_kept_forget(&correlate->facts);
	if (!is_due(correlate))
		return;
	/* Who came in vain would not be known afterwards. */
	sw_serving_find(correlate->debts, correlate->flows, correlate->links, correlate->options.settle_ns,
			correlate->now_ns);
	mark(correlate);
	sw_flows_forget(correlate->flows, correlate->now_ns, FLOWS_KEPT);
	sw_links_forget_flows(correlate->links);
	sw_handshakes_forget(correlate->handshakes, flow_is_known, correlate->flows);
	sw_attempts_forget(correlate->attempts, correlate->now_ns);
	sw_processes_forget(correlate->processes, PROCESSES_KEPT);
}
