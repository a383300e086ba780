/* A capture without a log: the calls that its packets show go the way of recorded ones. See shown.h. Beside a log that lacks calls
 * (strace -e trace=network, -Z), or whose stamps are whole seconds, the same is done by a correlator of its own, and what it found fills the gaps of the log's. */
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

/* ---- beside a log --------------------------------------------------------------------------------------------- */

struct sw_correlate *sw_correlate_beside(const struct sw_correlate_options *options)
{
	struct sw_correlate_options alone = *options;

	if ((!options->calls_may_lack && options->stamp_error_ns < SW_NS_PER_S) || options->calls_missing ||
	    options->packets_missing)
		return NULL;
	alone.calls_missing = true;
	alone.calls_may_lack = alone.calls_lacking = alone.successes_lacking = alone.exits_unknown = false;
	alone.clock_error_ns = alone.stamp_error_ns = 0; /* one clock */
	alone.ended = NULL;
	alone.found = NULL;
	return sw_correlate_new(&alone);
}

static bool is_named(void *context, const struct sw_finding *finding)
{
	const struct sw_correlate *correlate = context;

	return sw_links_named(correlate->links, &finding->flow);
}

void sw_correlate_join_beside(struct sw_correlate *correlate, int64_t end_ns)
{
	struct sw_report *alone;

	if (!correlate->beside)
		return;
	alone = sw_correlate_finish(correlate->beside, end_ns);
	correlate->beside = NULL;
	if (correlate->options.calls_lacking || correlate->options.stamp_error_ns >= SW_NS_PER_S)
		sw_groups_beside(correlate->groups, alone, is_named, correlate);
	sw_arena_adopt(correlate->arena, alone->arena);
}
