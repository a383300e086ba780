/* The correlator: both timelines in, a report out. Here records are handed to the tables, and the tables to the report.
 *
 * Enters: records in order of time. Leaves: struct sw_report. What is settled is reviewed as time goes on, so that memory grows with
 * open sockets and symptoms alone. */
#include "correlate/correlate_state.h"

#include <netinet/in.h>
#include <string.h>

#include "correlate/findings/frames.h"
#include "correlate/findings/names_learnt.h"
#include "correlate/findings/origins.h"
#include "correlate/findings/said.h"
#include "correlate/flows/flow_summary.h"
#include "correlate/flows/lookups_join.h"
#include "correlate/symptoms/answers.h"
#include "correlate/symptoms/serving.h"

/* Packets of a closed socket may still come: the FIN's acknowledgement, an answer that is too late. */
#define SOCKET_KEPT_NS (10 * SW_NS_PER_S)
/* A look-up may go on for as long as resolv.conf(5) lets it wait. */
#define LOOKUP_KEPT_NS (60 * SW_NS_PER_S)
#define FLOWS_MAX 4096 /* in the report */
/* A give-up so lately that the next packets may decide it. */
#define GAVE_UP_RECENTLY_NS SW_NS_PER_S

static void gone(void *context, struct sw_socket_state *socket, const struct sw_call *call, uint32_t pid,
		 int64_t time_ns)
{
	struct sw_correlate *correlate = context;

	sw_debts_gone(correlate->debts, socket, call, pid, time_ns);
}

static void tell(struct sw_correlate *correlate, const struct sw_debt_state *debt, const struct sw_flow *flow)
{
	const struct sw_lookup *lookup = debt->lookup ? sw_lookups_get(correlate->lookups, debt->lookup) : NULL;
	struct sw_ended ended = {.operation = debt->debt.operation,
				 .outcome = debt->debt.outcome,
				 .error = debt->debt.error,
				 .flow = debt->debt.flow,
				 .lookup = debt->lookup,
				 .target = debt->target,
				 .began_ns = debt->debt.began_ns,
				 .ended_ns = debt->debt.ended_ns};

	if (!ended.target.present && flow)
		ended.target = sw_endpoint_addr(&flow->remote);
	ended.name = lookup ? sw_lookup_name(lookup) : sw_names_of(correlate->names, &ended.target.endpoint.ip);
	correlate->options.ended(correlate->options.ended_context, &ended);
}

static bool judge_ended(struct sw_correlate *correlate, struct sw_debt_state *debt, struct sw_flow *flow)
{
	struct sw_answer_sources answers = {.flows = correlate->flows,
					    .handshakes = correlate->handshakes,
					    .processes = correlate->processes,
					    .said = correlate->said,
					    .slow_ns = correlate->options.slow_ns};
	bool keep;

	if (debt->service)
		sw_correlate_service_asked(correlate, debt);
	if (sw_correlate_service_takes(correlate, debt, &keep))
		return keep;

	const struct sw_process_seen *process = sw_processes_get(correlate->processes, debt->debt.pid);

	if (sw_lookup_takes(correlate->lookups, debt, flow, process, correlate->options.slow_ns, &keep))
		return keep;
	if (sw_answer_is_no(&answers, flow, debt)) {
		debt->debt.outcome = SW_OUTCOME_ANSWERED_NO;
		return true;
	}
	if (sw_answer_is_missing(&answers, flow, debt)) {
		debt->debt.outcome = SW_OUTCOME_UNSERVED;
		return true;
	}
	return sw_symptom_is(debt, flow, &correlate->options) && !sw_answer_tells(correlate->handshakes, flow, debt);
}

static bool review(void *context, struct sw_debt_state *debt)
{
	struct sw_correlate *correlate = context;
	struct sw_flow *flow = debt->debt.flow ? sw_flows_get(correlate->flows, debt->debt.flow) :
						 sw_links_find(correlate->links, debt, correlate->now_ns);

	debt->debt.flow = flow ? flow->id : 0;
	if (debt->debt.operation == SW_OPERATION_CONNECT && !debt->tentative)
		sw_peers_ended(correlate->peers, &debt->target, debt->debt.outcome == SW_OUTCOME_DONE,
			       debt->debt.ended_ns);
	bool keep = judge_ended(correlate, debt, flow);

	if (correlate->options.ended && !debt->tentative && !debt->debt.unanswered)
		tell(correlate, debt, flow);
	return keep;
}

struct sw_correlate *sw_correlate_new(const struct sw_correlate_options *options)
{
	struct sw_correlate *correlate = sw_alloc(sizeof *correlate);
	struct sw_debts_hooks hooks = {.context = correlate, .review = review};

	correlate->options = *options;
	correlate->arena = sw_arena_new();
	correlate->processes = sw_processes_new();
	correlate->sockets = sw_sockets_new(options->imported, gone, correlate);
	correlate->attempts = sw_attempts_new(options->settle_ns);
	correlate->debts = sw_debts_new(&correlate->options, correlate->sockets, correlate->processes,
					correlate->attempts, &hooks);
	correlate->flows = sw_flows_new();
	correlate->links = sw_links_new(&correlate->options, correlate->flows, correlate->sockets);
	correlate->peers = sw_peers_new();
	correlate->lookups = sw_lookups_new();
	correlate->services = sw_name_services_new();
	correlate->names = sw_names_new();
	correlate->said = sw_said_new();
	correlate->frames = sw_frames_new();
	correlate->origins = sw_origins_seen_new();
	correlate->handshakes = sw_handshakes_new();
	correlate->places = sw_places_new();
	correlate->groups = sw_groups_new(correlate->arena);
	correlate->began_ns = correlate->now_ns = correlate->settled_ns = correlate->served_ns = correlate->judged_ns =
		SW_TIME_NONE;
	sw_flows_set_local(correlate->flows, sw_links_way, correlate->links);
	correlate->beside = sw_correlate_beside(options);
	correlate->shown = options->calls_missing ? sw_correlate_shown(correlate) : NULL;
	return correlate;
}

/* ---- time ----------------------------------------------------------------------------------------------------- */

static bool forgets(void *context, struct sw_socket_state *socket)
{
	struct sw_correlate *correlate = context;
	bool served = socket->seen.socket.flags & SW_SOCKET_LISTENING || (socket->datagram && socket->seen.bind_call);

	if (served) /* who came to it in vain is not known afterwards */
		sw_serving_find_last(correlate->debts, correlate->flows, correlate->links, socket);
	if (socket->kept)
		return false;
	if (socket->flow)
		sw_flows_shrink(correlate->flows, socket->flow);
	sw_links_forget(correlate->links, socket);
	return true;
}

static bool lookup_is_kept(void *context, uint32_t id)
{
	struct sw_correlate *correlate = context;

	for (size_t i = 0; i < sw_debts_kept(correlate->debts); i++) {
		if (sw_debts_at(correlate->debts, i)->lookup == id)
			return true;
	}
	return false;
}

void sw_correlate_advance(struct sw_correlate *correlate, int64_t time_ns)
{
	if (time_ns == SW_TIME_NONE)
		return;
	if (correlate->began_ns == SW_TIME_NONE || time_ns < correlate->began_ns)
		correlate->began_ns = time_ns;
	if (correlate->now_ns == SW_TIME_NONE || time_ns > correlate->now_ns)
		correlate->now_ns = time_ns;
	if (correlate->settled_ns == SW_TIME_NONE)
		correlate->settled_ns = time_ns;
	if (correlate->now_ns - correlate->settled_ns < SW_SETTLED_NS)
		return;
	correlate->settled_ns = correlate->now_ns;
	sw_debts_settle(correlate->debts, correlate->now_ns - SW_SETTLED_NS);
	sw_sockets_expire(correlate->sockets, correlate->now_ns - SOCKET_KEPT_NS, forgets, correlate);
	sw_lookups_expire(correlate->lookups, correlate->now_ns - LOOKUP_KEPT_NS, lookup_is_kept, correlate);
	sw_correlate_forget(correlate);
}

/* ---- records -------------------------------------------------------------------------------------------------- */

/* Nobody saw how it came to be: it was there before the session, or was accepted while the session came. */
static bool was_there(const struct sw_correlate *correlate, const struct sw_socket_state *state)
{
	return (state->seen.socket.flags & SW_SOCKET_INHERITED) ||
	       (correlate->options.attached && !state->seen.connect_call);
}

void sw_correlate_socket(struct sw_correlate *correlate, const struct sw_socket *socket)
{
	struct sw_socket_state *state;

	/* Who held it is known here from the calls and the processes. */
	if (socket->flags & SW_SOCKET_GONE)
		return;
	state = sw_sockets_learn(correlate->sockets, socket);
	correlate->ip_sockets |= sw_socket_is_ip(state);
	if (was_there(correlate, state) && sw_links_serves(correlate->links, state))
		state->seen.socket.flags |= SW_SOCKET_ACCEPTED;
	sw_links_socket(correlate->links, state);
	sw_correlate_advance(correlate, socket->since_ns);
}

static void learn_target(struct sw_correlate *correlate, const struct sw_call *call)
{
	struct sw_socket_state *state;

	if (call->sys != SW_SYS_CONNECT && call->sys != SW_SYS_SENDTO && call->sys != SW_SYS_SENDMSG &&
	    call->sys != SW_SYS_SENDMMSG)
		return;
	state = sw_sockets_get(correlate->sockets, call->socket);
	if (!state)
		return;
	sw_links_target(correlate->links, state, &call->addr);
	for (uint32_t i = 0; i < call->message_count; i++)
		sw_links_target(correlate->links, state, &call->messages[i].addr);
}

void sw_correlate_enter(struct sw_correlate *correlate, const struct sw_call *call)
{
	learn_target(correlate, call);
	sw_debts_enter(correlate->debts, call);
	sw_correlate_advance(correlate, call->enter_ns);
}

static void relearn_ends(struct sw_correlate *correlate, uint32_t object)
{
	struct sw_socket_state *state = sw_sockets_get(correlate->sockets, object);

	if (state)
		sw_links_socket(correlate->links, state);
}

void sw_correlate_leave(struct sw_correlate *correlate, const struct sw_call *call)
{
	correlate->calls++;
	correlate->failed_calls += call->result < 0 && call->error;
	learn_target(correlate, call);
	sw_sockets_call(correlate->sockets, call);
	if (call->sys == SW_SYS_GETSOCKNAME || call->sys == SW_SYS_BIND)
		relearn_ends(correlate, call->socket);
	sw_debts_leave(correlate->debts, call);
	sw_correlate_service_call(correlate, call);
	sw_sockets_ended(correlate->sockets, call);
	sw_correlate_advance(correlate, call->exit_ns == SW_TIME_NONE ? call->enter_ns : call->exit_ns);
}

void sw_correlate_process(struct sw_correlate *correlate, const struct sw_process *process)
{
	sw_processes_event(correlate->processes, process);
	sw_debts_process(correlate->debts, process);
	sw_sockets_process(correlate->sockets, process);
	sw_debts_process_ended(correlate->debts, process);
	if (process->event == SW_PROCESS_EXIT && process->is_command)
		sw_attempts_exit(correlate->attempts, process->time_ns);
	sw_correlate_advance(correlate, process->time_ns);
}

void sw_correlate_fact(struct sw_correlate *correlate, const struct sw_fact *fact)
{
	if (!strcmp(fact->kind, "epoll")) {
		sw_sockets_member(correlate->sockets, fact);
		return;
	}
	if (!strcmp(fact->kind, "calls-end"))
		sw_debts_calls_end(correlate->debts, fact->time_ns);
	if (correlate->options.attached && !strcmp(fact->kind, "tcp-info"))
		sw_debts_tcp_info(correlate->debts, fact);
	if (!strcmp(fact->kind, "said")) {
		sw_said_fact(correlate->said, fact);
		sw_correlate_advance(correlate, fact->time_ns);
		return;
	}
	if (sw_origins_seen_fact(correlate->origins, fact))
		return;
	if (!strcmp(fact->kind, "frame")) {
		sw_frames_fact(correlate->frames, fact);
		return;
	}
	sw_facts_kept_add(&correlate->facts, fact);
	sw_correlate_advance(correlate, fact->time_ns);
}

void sw_correlate_attached(struct sw_correlate *correlate)
{
	correlate->options.attached = true;
}

void sw_correlate_lacking(struct sw_correlate *correlate, bool successes)
{
	correlate->options.calls_lacking = true;
	correlate->options.successes_lacking = successes;
}

void sw_correlate_limit(struct sw_correlate *correlate, const struct sw_limit *limit)
{
	for (size_t i = 0; i < correlate->limits.count; i++) {
		if (!strcmp(correlate->limits.items[i].what, limit->what))
			return;
	}
	struct sw_limit *kept = SW_ARRAY_ADD(&correlate->limits);

	kept->what = sw_arena_strdup(correlate->arena, limit->what);
	kept->costs = sw_arena_strdup(correlate->arena, limit->costs);
}

static void account_packet(struct sw_correlate *correlate, uint32_t id, const struct sw_flow_change *change,
			   const struct sw_packet *packet)
{
	struct sw_socket_state *owner = sw_links_owner(correlate->links, id);

	if (owner && owner->account)
		sw_account_change(owner->account, sw_flows_get(correlate->flows, id), change, packet);
}

/* What was decoded of the payload. */
static void learn_content(struct sw_correlate *correlate, const struct sw_packet *packet,
			  const struct sw_flow_change *change)
{
	const struct sw_flow *flow = sw_flows_get(correlate->flows, change->flow);
	bool ours = flow && sw_endpoint_equal(&packet->src, &flow->local);

	if (packet->dns)
		sw_names_packet(correlate->names, packet);
	if (!flow || (change->what & SW_FLOW_DUPLICATE))
		return;
	if (packet->dns)
		sw_lookups_message(correlate->lookups, packet, flow->id, ours);
	else if (packet->kind == SW_PACKET_UDP && flow->remote.port == SW_DNS_PORT && !ours)
		sw_lookups_undecoded(correlate->lookups, packet, flow->id);
	else if (packet->kind == SW_PACKET_TCP && (change->what & SW_FLOW_NEW_DATA))
		sw_handshakes_packet(correlate->handshakes, packet, flow->id, ours ? SW_SIDE_OURS : SW_SIDE_PEER);
}

void sw_correlate_packet(struct sw_correlate *correlate, const struct sw_packet *packet)
{
	if (packet->place) {
		sw_places_packet(correlate->places, packet);
		sw_correlate_advance(correlate, packet->time_ns);
		return;
	}
	if (correlate->beside)
		sw_correlate_packet(correlate->beside, packet);
	if (correlate->shown)
		sw_shown_before(correlate->shown, packet);
	struct sw_flow_change change = sw_flows_packet(correlate->flows, packet);

	correlate->packets++;
	sw_links_packet(correlate->links, &change);
	if (!correlate->options.imported) /* a log of strace's does not tell it that exactly */
		sw_serving_knock(correlate->flows, correlate->links, packet, change.flow);
	if (packet->payload_length)
		learn_content(correlate, packet, &change);
	account_packet(correlate, change.flow, &change, packet);
	if (change.mirror) {
		struct sw_flow_change mirrored = change;

		mirrored.flow = change.mirror;
		mirrored.way = change.way == SW_WAY_OUT ? SW_WAY_IN : SW_WAY_OUT;
		account_packet(correlate, change.mirror, &mirrored, packet);
	}
	if (correlate->shown)
		sw_shown_after(correlate->shown, packet);
	sw_correlate_advance(correlate, packet->time_ns);
}

void sw_correlate_status(struct sw_correlate *correlate, const struct sw_capture_status *status)
{
	struct sw_capture_status *kept = NULL;

	if (correlate->beside)
		sw_correlate_status(correlate->beside, status);
	for (size_t i = 0; i < correlate->statuses.count && !kept; i++) {
		if (correlate->statuses.items[i].input == status->input &&
		    correlate->statuses.items[i].place == status->place &&
		    correlate->statuses.items[i].netns == status->netns)
			kept = &correlate->statuses.items[i];
	}
	/* An incident has the last state of its captures at its head, before the first. */
	if (kept && kept->closed_ns != SW_TIME_NONE && status->live && status->closed_ns == SW_TIME_NONE)
		return;
	if (!kept)
		kept = SW_ARRAY_ADD(&correlate->statuses);
	*kept = *status;
	kept->interfaces = sw_arena_strdup(correlate->arena, status->interfaces);
	kept->why_not = sw_arena_strdup(correlate->arena, status->why_not);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static bool unacknowledged(const struct sw_correlate *correlate)
{
	/* The newest flows are those that a command left behind when it ended. */
	size_t count = sw_flows_count(correlate->flows), first = count > 1024 ? count - 1024 : 0;

	for (size_t id = count; id > first; id--) {
		const struct sw_flow *flow = sw_flows_get(correlate->flows, (uint32_t)id);
		struct sw_flow_unacked unacked;

		if (flow && flow->protocol == IPPROTO_TCP && flow->state != SW_FLOW_RESET &&
		    flow->state != SW_FLOW_CLOSED && flow->state != SW_FLOW_SYN_SENT &&
		    sw_flows_unacked(correlate->flows, flow->id, SW_SIDE_OURS, &unacked))
			return true;
	}
	return false;
}

bool sw_correlate_expects_more(const struct sw_correlate *correlate, int64_t now_ns)
{
	return sw_debts_owed(correlate->debts, now_ns, GAVE_UP_RECENTLY_NS) || unacknowledged(correlate);
}

static void report_flows(const struct sw_correlate *correlate, const struct sw_sources *sources,
			 struct sw_report *report)
{
	size_t count = sw_flows_living(correlate->flows);

	report->flows =
		sw_arena_alloc(report->arena, (count < FLOWS_MAX ? count : FLOWS_MAX) * sizeof *report->flows + 1);
	for (uint32_t id = sw_flows_next(correlate->flows, 0); id && report->flow_count < FLOWS_MAX;
	     id = sw_flows_next(correlate->flows, id))
		sw_flow_summarize(&report->flows[report->flow_count++], sw_flows_get(correlate->flows, id), sources,
				  report->arena);
}

static void report_session(struct sw_correlate *correlate, struct sw_report *report, int64_t end_ns)
{
	const struct sw_process_seen *command = sw_processes_command(correlate->processes);

	report->calls = correlate->shown ? 0 : correlate->calls;
	report->failed_calls = correlate->shown ? 0 : correlate->failed_calls;
	report->packets = correlate->packets;
	report->sockets = correlate->shown ? 0 : (int64_t)sw_sockets_seen(correlate->sockets);
	report->began_ns = correlate->began_ns;
	report->ended_ns = end_ns;
	report->limit_count = correlate->limits.count;
	report->limits =
		sw_arena_copy(report->arena, correlate->limits.items, correlate->limits.count * sizeof *report->limits);
	report->status_count = correlate->statuses.count;
	report->statuses = sw_arena_copy(report->arena, correlate->statuses.items,
					 correlate->statuses.count * sizeof *report->statuses);
	/* What nobody called, or nobody saw being called, is not said to have gone well. */
	report->seen_enough = !correlate->options.calls_missing && !correlate->options.calls_lacking &&
			      (correlate->calls > 0 || (command && correlate->limits.count == 0));
	report->pid_inside = command ? command->inside : 0;
	if (command && command->exited) {
		report->exit_known = true;
		report->exit_code = command->code;
		report->exit_signal = command->signal;
		if (command->code || command->signal)
			sw_said_tell(correlate->said, command->pid, SW_SAID_AT_THE_END, (const char *[]){NULL},
				     &report->said, report->arena);
	}
}

/* Without a finding there is no flow to ask: then the captures themselves must be whole. */
static bool captures_whole(const struct sw_correlate *correlate)
{
	for (size_t i = 0; i < correlate->statuses.count; i++) {
		const struct sw_capture_status *status = &correlate->statuses.items[i];

		if (status->place)
			continue;
		if (!status->available || status->dropped != 0 || status->overruns)
			return false;
	}
	return correlate->statuses.count > 0 || !correlate->ip_sockets;
}

void sw_correlate_release(struct sw_correlate *correlate)
{
	sw_facts_kept_release(&correlate->facts);
	SW_ARRAY_RELEASE(&correlate->statuses);
	SW_ARRAY_RELEASE(&correlate->limits);
	sw_groups_free(correlate->groups);
	sw_debts_free(correlate->debts);
	sw_attempts_free(correlate->attempts);
	sw_links_free(correlate->links);
	sw_peers_free(correlate->peers);
	sw_lookups_free(correlate->lookups);
	sw_name_services_free(correlate->services);
	sw_names_free(correlate->names);
	sw_said_free(correlate->said);
	sw_frames_free(correlate->frames);
	sw_origins_seen_free(correlate->origins);
	sw_handshakes_free(correlate->handshakes);
	sw_places_free(correlate->places);
	sw_shown_free(correlate->shown);
	sw_flows_free(correlate->flows);
	sw_sockets_free(correlate->sockets);
	sw_processes_free(correlate->processes);
	free(correlate);
}

void sw_correlate_describe(struct sw_correlate *correlate, struct sw_report *report, int64_t end_ns)
{
	const struct sw_sources sources = sw_correlate_sources(correlate, end_ns);

	report_session(correlate, report, end_ns);
	report_flows(correlate, &sources, report);
	report->complete &= captures_whole(correlate);
}
