/* A capture without a log: the calls that its packets show go the way of recorded ones. See shown.h. */
#include "correlate/correlate_state.h"

static void socket_shown(void *context, const struct sw_socket *socket)
{
	sw_correlate_socket(context, socket);
}

static void enter_shown(void *context, const struct sw_call *call)
{
	sw_correlate_enter(context, call);
}

static void leave_shown(void *context, const struct sw_call *call)
{
	sw_correlate_leave(context, call);
}

static bool owed(void *context, uint32_t socket)
{
	const struct sw_correlate *correlate = context;
	const struct sw_socket_state *state = sw_sockets_get(correlate->sockets, socket);

	return state && state->account && sw_account_answer(state->account) == SW_ANSWER_PARTIAL;
}

struct sw_shown *sw_correlate_shown(struct sw_correlate *correlate)
{
	const struct sw_trace_sink sink = {
		.context = correlate, .socket = socket_shown, .enter = enter_shown, .leave = leave_shown};
	const struct sw_shown_hooks hooks = {.context = correlate, .owed = owed};
	const struct sw_correlate_options *options = &correlate->options;

	return sw_shown_new(&sink, &hooks, options->hosts, options->host_count, options->slow_ns);
}
