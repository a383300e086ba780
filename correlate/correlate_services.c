/* Look-ups that a program made through a name service of this host. Enters: finished calls, ended debts. Leaves: debts of the kind
 * "look-up" for what such a service denied, or did not answer in time. Knows nothing of packets: there are none. */
#include "correlate/correlate_state.h"
#include "correlate/debts/debts.h"
#include "correlate/findings/name_services.h"
#include "correlate/thresholds.h"

void sw_correlate_service_call(struct sw_correlate *correlate, const struct sw_call *call)
{
	struct sw_socket_state *state = call->data_count ? sw_sockets_get(correlate->sockets, call->socket) : NULL;
	const struct sw_service_question *answered =
		state ? sw_name_services_call(correlate->services, call, &state->seen.socket.remote) : NULL;

	if (answered && answered->answer != SW_SERVICE_FOUND && answered->answer != SW_SERVICE_MAPPED)
		sw_debts_service_no(correlate->debts, state, call, answered->id, answered->asked_ns);
}

/* A name service of this host that does not answer. Of its cache it may say that there is none, by closing. */
static bool judge(struct sw_correlate *correlate, struct sw_debt_state *debt)
{
	const struct sw_service_question *question =
		sw_name_services_of(correlate->services, debt->socket->seen.socket.id);

	bool slow = debt->debt.outcome == SW_OUTCOME_DONE && debt->debt.gap_ns >= correlate->options.slow_ns;

	if (!question || (slow ? question->answer != SW_SERVICE_FOUND : question->answered_ns != SW_TIME_NONE))
		return false; /* a no is told as the look-up that it ends */
	if (!slow && debt->debt.outcome == SW_OUTCOME_DONE)
		return false;
	if (slow)
		debt->debt.outcome = SW_OUTCOME_SLOW;
	if (question->answer == SW_SERVICE_MAPPED && debt->debt.outcome == SW_OUTCOME_EOF)
		return false;
	debt->service = question->id;
	debt->debt.operation = SW_OPERATION_LOOKUP;
	return true;
}

/* A capture of the whole host shows what the service asked itself: why it said no, which it does not tell. */
void sw_correlate_service_asked(struct sw_correlate *correlate, struct sw_debt_state *debt)
{
	const struct sw_service_question *question = sw_name_services_get(correlate->services, debt->service);
	int64_t slack_ns = SW_STAMP_SLACK_NS + correlate->options.clock_error_ns;
	const struct sw_lookup *lookup = question && question->name[0] && !debt->lookup ?
						 sw_lookups_named(correlate->lookups, question->name,
								  question->asked_ns - slack_ns,
								  debt->debt.ended_ns + slack_ns) :
						 NULL;

	if (lookup && !sw_lookup_found(lookup) && sw_lookup_deciding(lookup))
		debt->lookup = lookup->id;
}

bool sw_correlate_service_takes(struct sw_correlate *correlate, struct sw_debt_state *debt, bool *keep)
{
	if (debt->debt.operation != SW_OPERATION_ANSWER || !debt->socket ||
	    !sw_name_service_at(&debt->socket->seen.socket.remote))
		return false;
	*keep = judge(correlate, debt);
	return true;
}
