/* The symptom of a finding and its flow, as the report has them. Enters: the context. Leaves: copies in the arena. */
#include <netinet/in.h>
#include <string.h>

#include "correlate/findings/finding_internal.h"
#include "src/base/arena.h"

static int64_t end_of(const struct sw_symptom_context *context)
{
	return context->debt->ended_ns == SW_TIME_NONE ? context->end_ns : context->debt->ended_ns;
}

static void tell_stack(const struct sw_telling *telling, struct sw_symptom *symptom)
{
	const struct sw_call *call = telling->context->surfaced;

	if (!call || !call->stack_count)
		call = telling->context->opening;
	if (!call || !call->stack_count)
		return;
	symptom->stack_count = call->stack_count;
	symptom->stack = sw_arena_copy(telling->arena, call->stack, call->stack_count * sizeof *call->stack);
}

static void tell_bytes(const struct sw_symptom_context *context, struct sw_symptom *symptom)
{
	symptom->bytes_accepted = context->debt->bytes_accepted;
	symptom->bytes_read = context->debt->bytes_read;
	if (!context->flow)
		return;
	const struct sw_side *ours = &context->flow->side[SW_SIDE_OURS];

	symptom->bytes_sent = ours->bytes;
	symptom->bytes_acknowledged = ours->acked_to > 1 ? ours->acked_to - 1 : 0;
}

static void tell_symptom(const struct sw_telling *telling, struct sw_symptom *symptom)
{
	const struct sw_symptom_context *context = telling->context;
	const struct sw_debt *debt = context->debt;

	symptom->operation = debt->operation;
	symptom->call = telling->facts->call;
	symptom->reported_by = telling->facts->reported_by;
	symptom->error = debt->error;
	symptom->outcome = debt->outcome;
	symptom->deadline = context->deadline;
	symptom->pid = debt->pid;
	symptom->tid = debt->tid;
	symptom->pid_inside = context->process ? context->process->inside : 0;
	symptom->comm = context->process ? sw_arena_strdup(telling->arena, context->process->comm) : NULL;
	symptom->fd = debt->fd;
	symptom->enter_ns = debt->began_ns;
	symptom->exit_ns = debt->ended_ns;
	symptom->duration_ns = debt->began_ns == SW_TIME_NONE ? 0 : end_of(context) - debt->began_ns;
	memcpy(symptom->time_ns, debt->time_ns, sizeof symptom->time_ns);
	tell_bytes(context, symptom);
	tell_stack(telling, symptom);
}

static struct sw_addr addr_of(const struct sw_endpoint *endpoint)
{
	struct sw_addr addr = {.present = endpoint->ip.family != 0, .endpoint = *endpoint};

	addr.family = endpoint->ip.family == 6 ? AF_INET6 : AF_INET;
	return addr;
}

static void tell_ends(const struct sw_symptom_context *context, struct sw_flow_summary *summary)
{
	const struct sw_flow *flow = context->flow;

	if (context->opening && context->opening->sys == SW_SYS_BIND)
		summary->local = context->opening->addr;
	else if (flow)
		summary->local = addr_of(context->flow_is_peers ? &flow->remote : &flow->local);
	else if (context->socket)
		summary->local = context->socket->socket.local;
	if (context->target && context->target->present)
		summary->remote = *context->target;
	else if (flow)
		summary->remote = addr_of(context->flow_is_peers ? &flow->local : &flow->remote);
	if (flow && context->link == SW_LINK_TRANSLATED && !sw_endpoint_equal(&flow->remote, &summary->remote.endpoint))
		summary->translated = addr_of(&flow->remote);
}

static void tell_flow(const struct sw_telling *telling, struct sw_flow_summary *summary)
{
	const struct sw_symptom_context *context = telling->context;
	const struct sw_flow *flow = context->flow;

	summary->protocol = telling->facts->is_tcp ? IPPROTO_TCP : telling->facts->is_udp ? IPPROTO_UDP : 0;
	summary->name = sw_arena_strdup(telling->arena, context->name);
	summary->name_source = context->name_source;
	summary->initiator = !context->socket || !(context->socket->socket.flags & SW_SOCKET_ACCEPTED);
	summary->rtt_ns = -1;
	tell_ends(context, summary);
	if (!flow)
		return;
	const struct sw_side *ours = &flow->side[context->flow_is_peers ? SW_SIDE_PEER : SW_SIDE_OURS];
	const struct sw_side *peer = &flow->side[context->flow_is_peers ? SW_SIDE_OURS : SW_SIDE_PEER];

	summary->id = flow->id;
	summary->protocol = flow->protocol;
	summary->initiator = context->flow_is_peers ? !flow->initiator : flow->initiator;
	summary->packets_out = ours->packets;
	summary->packets_in = peer->packets;
	summary->bytes_out = ours->bytes;
	summary->bytes_in = peer->bytes;
	summary->retransmissions = ours->retransmissions + ours->syn_retransmissions;
	if (ours->rtt_count)
		summary->rtt_ns = ours->rtt_min_ns;
	summary->state = sw_flow_state_name(flow->state);
	summary->history = sw_arena_strdup(telling->arena, flow->history);
}

void sw_telling_symptom(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_debt *debt = telling->context->debt;
	struct sw_occurrence *once = sw_arena_alloc(telling->arena, sizeof *once);

	tell_symptom(telling, &finding->symptom);
	tell_flow(telling, &finding->flow);
	once->began_ns = debt->began_ns;
	once->duration_ns = finding->symptom.duration_ns;
	once->flow = finding->flow.id;
	once->call = debt->surfaced_call ? debt->surfaced_call : debt->opened_call;
	once->outcome = debt->outcome;
	memcpy(once->time_ns, debt->time_ns, sizeof once->time_ns);
	finding->occurrences = once;
	finding->occurrence_count = 1;
}
