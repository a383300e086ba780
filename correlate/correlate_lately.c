/* What ended badly a moment ago: operations that were failed or given up, look-ups that got no for an answer. Not judged: that takes
 * the packets that are still to come. */
#include "correlate/correlate_state.h"
#include "correlate/flows/flow_summary.h"

/* A resolver library has moved on by then (resolv.conf(5): five seconds is the usual time-out of a try). */
#define RESOLVER_SILENT_NS (2 * SW_NS_PER_S)

static void tell_debt(const struct sw_correlate *correlate, const struct sw_debt_state *state,
		      void (*each)(void *context, const struct sw_ended *ended), void *context)
{
	const struct sw_debt *debt = &state->debt;
	struct sw_ended ended = {.operation = debt->operation,
				 .outcome = debt->outcome,
				 .error = debt->error,
				 .flow = debt->flow,
				 .target = state->target,
				 .pid = debt->pid,
				 .began_ns = debt->began_ns,
				 .ended_ns = debt->ended_ns};

	if (debt->ended_ns == SW_TIME_NONE || debt->outcome == SW_OUTCOME_DONE || state->tentative)
		return;
	if (state->socket) {
		ended.netns = state->socket->seen.socket.netns;
		ended.source = state->socket->seen.socket.local.endpoint.ip;
		if (!ended.target.present)
			ended.target = state->socket->seen.socket.remote;
	}
	ended.name = sw_names_of(correlate->names, &ended.target.endpoint.ip);
	each(context, &ended);
}

static void tell_lookup(const struct sw_correlate *correlate, const struct sw_lookup *lookup,
			void (*each)(void *context, const struct sw_ended *ended), void *context)
{
	const struct sw_question *deciding = sw_lookup_deciding(lookup);
	const struct sw_socket_state *socket;
	struct sw_ended ended = {.operation = SW_OPERATION_LOOKUP,
				 .outcome = deciding ? SW_OUTCOME_ANSWERED_NO : SW_OUTCOME_GAVE_UP,
				 .lookup = lookup->id,
				 .began_ns = lookup->began_ns,
				 .ended_ns = lookup->active_ns};

	if (lookup->questions.count == 0 || sw_lookup_found(lookup) || sw_lookup_only_aside(lookup) ||
	    (!deciding && (sw_lookup_answered(lookup) || correlate->now_ns - lookup->active_ns < RESOLVER_SILENT_NS)))
		return;
	ended.flow = lookup->questions.items[0].flow;
	ended.target = sw_endpoint_addr(&lookup->questions.items[0].server);
	ended.name = sw_lookup_name(lookup);
	socket = sw_links_owner(correlate->links, ended.flow);
	if (socket) {
		ended.netns = socket->seen.socket.netns;
		ended.source = socket->seen.socket.local.endpoint.ip;
	}
	for (size_t i = 0; socket && sw_debts_live(correlate->debts, i); i++)
		if (sw_debts_live(correlate->debts, i)->socket == socket)
			ended.pid = sw_debts_live(correlate->debts, i)->debt.pid;
	each(context, &ended);
}

void sw_correlate_stalled(struct sw_correlate *correlate, int64_t now_ns, void (*each)(void *context, uint32_t socket),
			  void *context)
{
	sw_debts_stalled(correlate->debts, now_ns, each, context);
}

void sw_correlate_lately(const struct sw_correlate *correlate,
			 void (*each)(void *context, const struct sw_ended *ended), void *context)
{
	const struct sw_debt_state *debt;
	const struct sw_lookup *lookup;

	for (size_t i = 0; (debt = sw_debts_live(correlate->debts, i)); i++)
		tell_debt(correlate, debt, each, context);
	for (size_t i = 0; (lookup = sw_lookups_at(correlate->lookups, i)); i++)
		tell_lookup(correlate, lookup, each, context);
}
