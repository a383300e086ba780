/* Symptoms: which debts deserve an explanation, and the context that the rules get.
 *
 * Enters: an ended debt and the correlator's tables. Leaves: struct sw_symptom_context. Gathers and selects; judges nothing. What a
 * missing packet means is in symptoms_absence.c. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "correlate/findings/said.h"
#include "correlate/symptoms/symptoms_absence.h"
#include "correlate/symptoms/symptoms_deadline.h"
#include "correlate/symptoms/symptoms_others.h"
#include "correlate/symptoms/symptoms_sources.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/names.h"

/* A fact is taken within milliseconds of its failure; in a loop of failures the same question is asked four times a second at most. */

/* ---- which debts are symptoms --------------------------------------------------------------------------------- */

static bool syn_again(const struct sw_debt *debt, const struct sw_flow *flow)
{
	if (debt->operation != SW_OPERATION_CONNECT || !flow || flow->protocol != IPPROTO_TCP)
		return false;
	return flow->side[SW_SIDE_OURS].syn_retransmissions > 0 &&
	       flow->side[SW_SIDE_OURS].last_syn.time_ns <= debt->ended_ns;
}

int64_t sw_symptom_lost_bytes(const struct sw_debt_state *state, const struct sw_flow *flow)
{
	const struct sw_side *ours = flow ? &flow->side[SW_SIDE_OURS] : NULL;
	int64_t acked;

	if (!ours || flow->protocol != IPPROTO_TCP || flow->began_before || !state->socket)
		return 0;
	acked = ours->acked_to;
	if (ours->fin_at && acked > ours->fin_at)
		acked = ours->fin_at;
	acked = acked > 1 ? acked - 1 : 0;
	return state->socket->seen.bytes_written > acked ? state->socket->seen.bytes_written - acked : 0;
}

/* We are the server, and the client had gone when we wrote: its FIN or RST came first, and a RST answered. A FIN alone may be half a
 * close (nc -N), whose sender still reads. */
static bool left_before_answer(const struct sw_debt_state *state, const struct sw_flow *flow)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];
	int64_t wrote_ns = state->debt.operation == SW_OPERATION_SERVE ? state->debt.ended_ns :
									 state->socket->seen.last_write_ns;
	int64_t left_ns = peer->fin.packet ? peer->fin.time_ns : peer->rst.packet ? peer->rst.time_ns : INT64_MAX;

	return (state->socket->seen.socket.flags & SW_SOCKET_ACCEPTED) && peer->rst.packet &&
	       wrote_ns != SW_TIME_NONE && left_ns < wrote_ns;
}

/* Calls said success, and it can no longer arrive: a RST of either side came first, or the kernel sent again in vain. */
static bool is_lost(const struct sw_debt_state *state, const struct sw_flow *flow)
{
	const struct sw_side *ours;

	if (!flow || sw_symptom_lost_bytes(state, flow) == 0)
		return false;
	if (left_before_answer(state, flow))
		return false; /* the debt of serving tells it */
	ours = &flow->side[SW_SIDE_OURS];
	return ours->rst.packet || flow->side[SW_SIDE_PEER].rst.packet ||
	       (ours->last_retransmission.packet && ours->last_retransmission.time_ns > ours->acked_ns);
}

/* Our kernel reset it although the peer had neither closed nor reset: bytes lay here unread. */
static bool own_reset_first(const struct sw_flow *flow)
{
	const struct sw_side *peer = flow ? &flow->side[SW_SIDE_PEER] : NULL;

	return flow && flow->protocol == IPPROTO_TCP && flow->side[SW_SIDE_OURS].rst.packet && !peer->fin.packet &&
	       !peer->rst.packet;
}

/* The peer's bytes that we did not read came when we had closed in order. */
static bool came_behind_end(const struct sw_socket_seen *seen, const struct sw_flow *flow)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS];

	return ours->fin.packet && ours->fin.time_ns <= ours->rst.time_ns &&
	       seen->bytes_read >= ours->fin_other_sent - 1 &&
	       flow->side[SW_SIDE_PEER].last_new_data.time_ns > seen->closed_ns;
}

/* We are the server, and our kernel threw the client out: with its request unread, or right behind our answer. */
static bool thrown_out(const struct sw_debt_state *state, const struct sw_flow *flow)
{
	const struct sw_socket_seen *seen = state->socket ? &state->socket->seen : NULL;

	return seen && (seen->socket.flags & SW_SOCKET_ACCEPTED) && own_reset_first(flow) && !flow->began_before &&
	       flow->side[SW_SIDE_PEER].bytes > seen->bytes_read && seen->closed_ns != SW_TIME_NONE &&
	       !came_behind_end(seen, flow) && flow->side[SW_SIDE_OURS].rst.time_ns - seen->closed_ns < SW_NS_PER_S;
}

/* SO_LINGER 0, and the RST ran after the last bytes, which nothing had answered: the peer meets a reset where it expected an end. Who
 * has read the answer first (load generators close so) harms nobody. */
static bool cut_short(const struct sw_debt_state *state, const struct sw_flow *flow)
{
	const struct sw_side *ours = flow ? &flow->side[SW_SIDE_OURS] : NULL;

	return own_reset_first(flow) && state->socket && state->socket->seen.options.linger_s == 0 &&
	       ours->last_new_data.packet && ours->rst.time_ns - ours->last_new_data.time_ns < SW_RESET_BEHIND_NS &&
	       flow->side[SW_SIDE_PEER].last_new_data.time_ns < ours->last_new_data.time_ns;
}

/* The connection was there; it is the program that looked for it late, or was not let run. */
static bool made_soon(const struct sw_debt *debt, const struct sw_flow *flow, int64_t slow_ns)
{
	return flow && flow->protocol == IPPROTO_TCP && flow->established_ns != SW_TIME_NONE && !flow->began_before &&
	       flow->established_ns >= debt->began_ns && flow->established_ns - debt->began_ns < slow_ns;
}

/* A log may lack the calls that say that a connect is done (strace -e trace=..., -Z). The packets say so too. */
static void done_by_packets(struct sw_debt *debt, const struct sw_flow *flow)
{
	bool vain = debt->outcome == SW_OUTCOME_GAVE_UP || debt->outcome == SW_OUTCOME_HUNG;

	if (debt->operation != SW_OPERATION_CONNECT || !vain || !flow || flow->protocol != IPPROTO_TCP ||
	    flow->established_ns == SW_TIME_NONE || flow->established_ns < debt->began_ns ||
	    (debt->ended_ns != SW_TIME_NONE && flow->established_ns > debt->ended_ns))
		return;
	debt->outcome = SW_OUTCOME_DONE;
	debt->ended_ns = flow->established_ns;
}

/* We made the connection, and somebody was kept from writing to it until the peer read again. (Whoever downloads from us may take as long
 * as he likes.) */
static bool stood_still(struct sw_debt_state *state, const struct sw_flow *flow, int64_t slow_ns)
{
	struct sw_debt *debt = &state->debt;
	struct sw_account_stall stall = {0};

	if (flow && flow->initiator && state->socket->account)
		stall = sw_account_stall(state->socket->account);
	if (stall.ns < slow_ns || 2 * debt->waited_ns < stall.ns)
		return false;
	debt->began_ns = stall.from_ns;
	debt->gap_ns = stall.ns;
	debt->ended_ns = stall.from_ns + stall.ns;
	memset(debt->time_ns, 0, sizeof debt->time_ns);
	debt->time_ns[SW_PART_RECEIVER_WINDOW] = stall.ns;
	state->stood_still = true;
	return true;
}

/* More datagrams came than the program read, all of them before it gave the rest up. */
static bool more_came(struct sw_debt_state *state, const struct sw_flow *flow)
{
	const struct sw_side *peer = flow ? &flow->side[SW_SIDE_PEER] : NULL;

	if (!peer || !flow->initiator || !state->socket || state->socket->rest_told ||
	    peer->packets <= state->socket->seen.datagrams_read ||
	    peer->last.time_ns > state->debt.ended_ns + SW_STAMP_SLACK_NS)
		return false;
	state->socket->rest_told = true;
	return true;
}

/* We began, and the other host answered from another port of its own, as tftp(1)'s does: what it sent is no question. */
static bool asked_first(const struct sw_debt_state *state)
{
	return state->socket && state->socket->asked_first.family &&
	       sw_ip_equal(&state->socket->asked_first, &state->target.endpoint.ip);
}

/* A raw socket reads the ICMP errors about its requests, and replies to others, as it does its own replies: none of those came. */
static void pinged_in_vain(struct sw_debt_state *state, const struct sw_flow *flow)
{
	struct sw_debt *debt = &state->debt;

	if (debt->operation != SW_OPERATION_DATAGRAM || debt->outcome != SW_OUTCOME_DONE || !flow || !flow->initiator ||
	    !state->socket || !sw_socket_pings(state->socket) || flow->side[SW_SIDE_PEER].packets)
		return;
	debt->outcome = SW_OUTCOME_GAVE_UP;
}

bool sw_symptom_is(struct sw_debt_state *state, const struct sw_flow *flow, const struct sw_correlate_options *options)
{
	struct sw_debt *debt = &state->debt;

	if (options->imported)
		done_by_packets(debt, flow);
	pinged_in_vain(state, flow);
	if (debt->operation == SW_OPERATION_DRAIN && !debt->socket_timeout_ns && !state->stuck_before &&
	    (debt->outcome == SW_OUTCOME_GAVE_UP || debt->outcome == SW_OUTCOME_HUNG) &&
	    !sw_symptom_lost_bytes(state, flow))
		debt->outcome =
			SW_OUTCOME_DONE; /* who waits to write may also only have asked for both directions at once */
	if (state->rest)
		return more_came(state, flow);
	if (debt->operation == SW_OPERATION_DATAGRAM && flow && !flow->initiator && !asked_first(state) &&
	    debt->outcome != SW_OUTCOME_FAILED)
		return false; /* ours was the answer */
	if (debt->outcome != SW_OUTCOME_DONE)
		return true;
	switch (debt->operation) {
	case SW_OPERATION_CONNECT:
		if (!syn_again(debt, flow) &&
		    (debt->ended_ns - debt->began_ns < options->slow_ns || made_soon(debt, flow, options->slow_ns)))
			return false;
		break;
	case SW_OPERATION_ANSWER:
	case SW_OPERATION_GREETING:
	case SW_OPERATION_DATAGRAM:
	case SW_OPERATION_LOOKUP:
	case SW_OPERATION_HANDSHAKE:
		if (debt->gap_ns < options->slow_ns || state->asks_to_wait)
			return false;
		break;
	case SW_OPERATION_DRAIN:
		if (debt->timer_signal && own_reset_first(flow) && !sw_symptom_lost_bytes(state, flow)) {
			debt->outcome = SW_OUTCOME_GAVE_UP;
			return true;
		}
		if (is_lost(state, flow) || cut_short(state, flow)) {
			debt->outcome = SW_OUTCOME_LOST;
			return true;
		}
		if (!stood_still(state, flow, options->slow_ns))
			return false;
		break;
	case SW_OPERATION_SERVE:
		if (!flow || debt->unanswered || (!left_before_answer(state, flow) && !thrown_out(state, flow)))
			return false;
		debt->outcome = SW_OUTCOME_UNSERVED;
		return true;
	default: /* what was delivered late, and whom we let wait, is told by those who waited */ return false;
	}
	debt->outcome = SW_OUTCOME_SLOW;
	return true;
}

/* ---- facts ---------------------------------------------------------------------------------------------------- */

const struct sw_fact *sw_symptom_fact(const struct sw_symptom_context *context, const char *kind)
{
	const struct sw_fact *newest = NULL;

	for (size_t i = 0; i < context->fact_count; i++) {
		if (!strcmp(context->facts[i]->kind, kind) &&
		    (!newest || context->facts[i]->time_ns >= newest->time_ns))
			newest = context->facts[i];
	}
	return newest;
}

static void fill_facts(struct sw_symptom_context *context, const struct sw_sources *sources,
		       const struct sw_debt_state *state, struct sw_arena *arena)
{
	context->facts = sw_facts_kept_about(sources->facts, &state->debt, &state->target, sources->end_ns, arena,
					     &context->fact_count);
}

/* ---- calls and packets ---------------------------------------------------------------------------------------- */

static int by_enter(const void *a, const void *b)
{
	const struct sw_call *left = *(const struct sw_call *const *)a, *right = *(const struct sw_call *const *)b;

	if (left->enter_ns != right->enter_ns)
		return left->enter_ns < right->enter_ns ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

static void fill_calls(struct sw_symptom_context *context, struct sw_debt_state *state, struct sw_arena *arena)
{
	const struct sw_call *all[] = {state->surfaced, state->last_wait, state->found,
				       &state->opening, state->closing,   state->culprit};
	const struct sw_call *whole[] = {state->found, state->last_wait, state->surfaced}; /* with their lists */
	const struct sw_call **list = sw_arena_alloc(arena, SW_COUNT(all) * sizeof *list);
	size_t count = 0;

	context->opening = &state->opening;
	for (size_t i = 0; i < SW_COUNT(whole); i++)
		if (whole[i] && whole[i]->id == state->opening.id)
			context->opening = whole[i];
	context->surfaced = state->surfaced;
	context->culprit = state->culprit;
	for (size_t i = 0; i < SW_COUNT(all); i++) {
		bool twice = !all[i];

		for (size_t j = 0; !twice && j < count; j++)
			twice = list[j]->id == all[i]->id;
		if (!twice)
			list[count++] = all[i];
	}
	qsort(list, count, sizeof *list, by_enter);
	context->calls = list;
	context->call_count = count;
}

static const struct sw_neighbor_seen *next_hop_of(const struct sw_symptom_context *context,
						  const struct sw_sources *sources)
{
	const struct sw_fact *route = sw_symptom_fact(context, "route");
	const char *text = route ? sw_fact_text(route, "next_hop") : NULL;
	struct sw_ip ip;

	if (text && sw_ip_parse(text, &ip))
		return sw_flows_neighbor(sources->flows, &ip);
	return context->target && context->target->present ?
		       sw_flows_neighbor(sources->flows, &context->target->endpoint.ip) :
		       NULL;
}

/* Without a route look-up (imported logs) the next hop is not known: who was asked for in vain while nothing else could leave. */
static const struct sw_neighbor_seen *asked_meanwhile(const struct sw_symptom_context *context,
						      const struct sw_sources *sources)
{
	const struct sw_neighbor_seen *list[64];
	size_t count = sw_flows_neighbors(sources->flows, list, SW_COUNT(list));
	int64_t error_ns = context->clock_error_ns + context->stamp_error_ns;
	int64_t from_ns = context->debt->began_ns - SW_NS_PER_MS - error_ns, to_ns = context->debt->ended_ns + error_ns;
	uint8_t family = context->target->endpoint.ip.family;

	for (size_t i = 0; i < count && i < SW_COUNT(list); i++) {
		if (list[i]->target.family == family && list[i]->first_ask.packet &&
		    list[i]->last_ask.time_ns >= from_ns && list[i]->first_ask.time_ns <= to_ns &&
		    list[i]->unanswered_since_ns != SW_TIME_NONE)
			return list[i];
	}
	return NULL;
}

static void fill_neighbor(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	if (!context->target || !context->target->present || context->target->family == AF_UNIX)
		return;
	context->neighbor = next_hop_of(context, sources);
	if (!context->neighbor && sources->options->imported && (!context->flow || context->flow->no_packets))
		context->neighbor = asked_meanwhile(context, sources);
}

static void fill_packets(struct sw_symptom_context *context, const struct sw_sources *sources, struct sw_arena *arena)
{
	const struct sw_packet **list;

	if (context->target && context->target->present)
		context->host_ttl = sw_flows_host_ttl(sources->flows, &context->target->endpoint.ip);
	if (!context->flow)
		return;
	list = sw_arena_alloc(arena, SW_FLOW_KEPT_MAX * sizeof *list);
	context->packet_count = sw_flows_kept(sources->flows, context->flow->id, list, SW_FLOW_KEPT_MAX);
	context->packets = list;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void fill_attempt(struct sw_symptom_context *context, const struct sw_sources *sources,
			 const struct sw_debt_state *state, struct sw_arena *arena)
{
	struct sw_attempt_seen *seen = sw_arena_alloc(arena, sizeof *seen);

	if (!sw_attempts_get(sources->attempts, &state->debt, &state->target, seen))
		return;
	/* Who repeats a request by itself says nothing of it; who complained went on to the next one. */
	if (state->debt.operation == SW_OPERATION_ANSWER && seen->recovered_ns != SW_TIME_NONE &&
	    sw_said_complaint(sources->said, state->debt.pid, state->debt.ended_ns, seen->recovered_ns)) {
		seen->recovered_in_time = false;
		seen->recovered_ns = SW_TIME_NONE;
	}
	context->attempt = seen;
}

static void fill_account(struct sw_symptom_context *context, const struct sw_debt_state *state, struct sw_arena *arena)
{
	struct sw_account_summary summary;

	if (!state->socket || !state->socket->account)
		return;
	summary = sw_account_summary(state->socket->account);
	context->account = sw_arena_copy(arena, &summary, sizeof summary);
}

void sw_symptom_fill(struct sw_symptom_context *context, const struct sw_sources *sources, struct sw_debt_state *state,
		     struct sw_arena *arena)
{
	const struct sw_correlate_options *options = sources->options;

	memset(context, 0, sizeof *context);
	context->debt = &state->debt;
	context->flow = state->debt.flow ? sw_flows_get(sources->flows, state->debt.flow) : NULL;
	context->link = context->flow && state->socket ? state->socket->link : SW_LINK_NONE;
	context->socket = state->socket ? &state->socket->seen : NULL;
	context->target = &state->target;
	context->waited_alone = state->only_for_it;
	context->service = sw_name_services_get(sources->services, state->service);
	context->slow_ns = options->slow_ns;
	context->settle_ns = options->settle_ns;
	context->imported = options->imported;
	context->attached = options->attached;
	context->successes_lacking = options->successes_lacking;
	context->calls_shown = options->calls_missing;
	context->clock_error_ns = options->clock_error_ns;
	context->stamp_error_ns = options->stamp_error_ns;
	context->small_writes_sure = sw_options_calls_sure(options, SW_NAGLE_NS / 2);
	context->exits_unknown = options->exits_unknown;
	context->end_ns = sources->end_ns;
	context->process = sw_processes_get(sources->processes, state->debt.pid);
	fill_calls(context, state, arena);
	fill_facts(context, sources, state, arena);
	fill_packets(context, sources, arena);
	fill_neighbor(context, sources);
	sw_symptom_others(context, sources, state);
	sw_symptom_deadline(context, state);
	fill_attempt(context, sources, state, arena);
	fill_account(context, state, arena);
	sw_peers_contrast(sources->peers, sources->flows, &state->target, state->debt.began_ns, &context->contrast);
	if (state->debt.operation != SW_OPERATION_CONNECT && context->contrast.same_end_ok &&
	    !--context->contrast.same_end_ok)
		context->contrast.same_end_before_ns = context->contrast.same_end_after_ns =
			SW_TIME_NONE; /* it was this connection's own */
	sw_symptom_absence(context, sources);
	sw_symptom_places(context, sources, arena);
}

/* Name service modules and loggers that libc and systemd's libraries ask first and do without: nscd(8), sssd(8), nss-resolve(8),
 * nss-systemd(8), nss-mdns, syslog(3), sd_journal_print(3), sd_notify(3). To add one: add its path, or the beginning of it with a '*'. */
static const char *const optional_paths[] = {
	"/var/run/nscd/socket",           "/run/nscd/socket",
	"/var/lib/sss/pipes/*",           "/run/systemd/userdb/*",
	"/run/systemd/resolve/*",         "/run/avahi-daemon/socket",
	"/var/run/avahi-daemon/socket",   "/run/systemd/journal/*",
	"/var/run/setrans/.setrans-unix", "/dev/log",
};

bool sw_symptom_is_optional(const struct sw_symptom_context *context)
{
	const struct sw_addr *target = context->target;

	if (context->service)
		return false; /* it is there, and was asked */
	/* Netlink, vsock and the like talk to the kernel or the hypervisor, and programs ask there what they can do without. */
	if (context->socket && context->socket->socket.domain > 0 && context->socket->socket.domain != AF_INET &&
	    context->socket->socket.domain != AF_INET6 && context->socket->socket.domain != AF_UNIX)
		return true;
	if (!target || !target->present || target->family != AF_UNIX || target->abstract)
		return false;
	for (size_t i = 0; i < SW_COUNT(optional_paths); i++) {
		size_t length = strlen(optional_paths[i]);
		bool begins = optional_paths[i][length - 1] == '*';

		if (begins ? !strncmp(target->path, optional_paths[i], length - 1) :
			     !strcmp(target->path, optional_paths[i]))
			return true;
	}
	return false;
}
