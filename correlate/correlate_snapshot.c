/* What a session that began now would have to be told: the processes and sockets that are there, as at an attach.
 *
 * Enters: the tables. Leaves: records to the sinks. What is owed just now is not told: it is seen when its calls end. */
#include "correlate/correlate_state.h"

struct telling {
	int64_t from_ns;
	const struct sw_trace_sink *sink;
};

static void tell_process(void *context, const struct sw_process_seen *seen)
{
	const struct telling *telling = context;
	struct sw_process process = {.event = SW_PROCESS_BEGIN,
				     .pid = seen->pid,
				     .tid = seen->pid,
				     .parent = seen->parent,
				     .inside = seen->inside,
				     .time_ns = telling->from_ns,
				     .is_command = seen->is_command,
				     .comm = seen->comm,
				     .command_line = seen->command_line};

	if (!seen->exited)
		telling->sink->process(telling->sink->context, &process);
}

static void tell_socket(void *context, struct sw_socket_state *state)
{
	const struct telling *telling = context;
	struct sw_socket socket = state->seen.socket;

	socket.since_ns = telling->from_ns;
	if (!state->gone)
		telling->sink->socket(telling->sink->context, &socket);
}

static void tell_member(const struct telling *telling, uint32_t epoll, const struct sw_member *member)
{
	const struct sw_field fields[] = {{"fd", NULL, member->fd},
					  {"member", NULL, member->object},
					  {"events", NULL, member->events},
					  {"data", NULL, (int64_t)member->data}};
	struct sw_fact fact = {.kind = "epoll",
			       .time_ns = telling->from_ns,
			       .socket = epoll,
			       .field_count = SW_COUNT(fields),
			       .fields = fields};

	telling->sink->fact(telling->sink->context, &fact);
}

/* After all sockets: a set may be told before its members. */
static void tell_members(void *context, struct sw_socket_state *state)
{
	for (size_t i = 0; !state->gone && i < state->members.count; i++)
		tell_member(context, state->seen.socket.id, &state->members.items[i]);
}

static void tell_session_facts(const struct sw_correlate *correlate, const struct telling *telling)
{
	for (size_t i = 0; i < correlate->facts.of_session.count; i++) {
		struct sw_fact fact = *correlate->facts.of_session.items[i];

		fact.time_ns = telling->from_ns;
		telling->sink->fact(telling->sink->context, &fact);
	}
}

void sw_correlate_snapshot(const struct sw_correlate *correlate, int64_t from_ns, const struct sw_trace_sink *trace,
			   const struct sw_packet_sink *packets)
{
	struct telling telling = {from_ns, trace};

	for (size_t i = 0; i < correlate->limits.count; i++)
		trace->limit(trace->context, &correlate->limits.items[i]);
	for (size_t i = 0; i < correlate->statuses.count; i++) {
		struct sw_capture_status status = correlate->statuses.items[i];

		/* Of what came before nothing is told: for that the capture was not open. */
		if (status.opened_ns != SW_TIME_NONE && status.opened_ns < from_ns)
			status.opened_ns = from_ns;
		packets->status(packets->context, &status);
	}
	sw_processes_each(correlate->processes, tell_process, &telling);
	sw_sockets_each(correlate->sockets, tell_socket, &telling);
	sw_sockets_each(correlate->sockets, tell_members, &telling);
	tell_session_facts(correlate, &telling);
}
