/* What other flows tell of a symptom: an answer from an end that was not asked, how late the same end answers, the look-up, names, others who were left unserved.
 *
 * Enters: the context with its own flow, and the table of flows. Leaves: some of its fields. Judges nothing. */
#include "correlate/symptoms/symptoms_others.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "correlate/findings/said.h"
#include "correlate/flows/tls_port.h"
#include "correlate/thresholds.h"

/* An end that was never asked and sent to our port meanwhile. */
static void fill_elsewhere(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	const struct sw_flow *flow = context->flow;
	uint32_t ids[16];
	size_t count;

	if (!flow || flow->protocol != IPPROTO_UDP)
		return;
	count = sw_flows_of_port(sources->flows, IPPROTO_UDP, &flow->local, context->debt->began_ns,
				 context->debt->ended_ns, ids, SW_COUNT(ids));
	for (size_t i = 0; i < count && i < SW_COUNT(ids); i++) {
		const struct sw_flow *other = sw_flows_get(sources->flows, ids[i]);

		if (other && ids[i] != flow->id && other->side[SW_SIDE_PEER].packets &&
		    !other->side[SW_SIDE_OURS].packets)
			context->elsewhere = other;
	}
}

/* How long the same end took to answer other datagrams: what a recording that ends sooner could not show. */
static void fill_answers_after(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	const struct sw_flow *flow = context->flow;

	context->answers_after_ns = -1;
	if (!flow || flow->protocol != IPPROTO_UDP)
		return;
	for (uint32_t id = sw_flows_next(sources->flows, 0); id; id = sw_flows_next(sources->flows, id)) {
		const struct sw_flow *other = sw_flows_get(sources->flows, id);
		bool answered = other && other->id != flow->id && other->protocol == IPPROTO_UDP &&
				sw_endpoint_equal(&other->remote, &flow->remote) &&
				other->side[SW_SIDE_PEER].first.packet && other->side[SW_SIDE_OURS].first.packet;

		if (answered)
			context->answers_after_ns =
				other->side[SW_SIDE_PEER].first.time_ns - other->side[SW_SIDE_OURS].first.time_ns;
	}
}

static bool same_ends(const struct sw_flow *a, const struct sw_flow *b)
{
	return a->id != b->id && a->initiator == b->initiator && a->mirrored == b->mirrored &&
	       sw_ip_equal(&a->remote.ip, &b->remote.ip) && sw_ip_equal(&a->local.ip, &b->local.ip) &&
	       (a->initiator ? a->remote.port == b->remote.port : a->local.port == b->local.port);
}

static void fill_handshakes_used(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	for (uint32_t id = sw_flows_next(sources->flows, 0); id; id = sw_flows_next(sources->flows, id)) {
		const struct sw_flow *other = sw_flows_get(sources->flows, id);
		const struct sw_handshake *handshake = other && other->protocol == IPPROTO_TCP &&
								       same_ends(context->flow, other) ?
							       sw_handshakes_get(sources->handshakes, id) :
							       NULL;

		context->handshakes_used += handshake && handshake->side[handshake->client_side].data_records;
	}
}

static void fill_handshake(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	const struct sw_flow *flow = context->flow;

	if (flow)
		context->handshake = sw_handshakes_get(sources->handshakes, flow->id);
	if (flow && !context->handshake && flow->mirrored)
		context->handshake = sw_handshakes_get(sources->handshakes, flow->mirror);
	if (flow && context->debt->mute)
		context->tls_served = sw_tls_served(sources->flows, sources->handshakes, flow);
	if (context->handshake)
		fill_handshakes_used(context, sources);
	context->said_tls = (context->handshake || context->debt->mute) &&
			    sw_said_of(sources->said, context->debt->pid, context->debt->began_ns, sw_said_tls_words);
}

/* What the operation's other end is called: as it was looked up, else as the handshake names it. */
static void fill_name(struct sw_symptom_context *context, const struct sw_sources *sources,
		      const struct sw_debt_state *state)
{
	const struct sw_addr *target = context->target;

	context->lookup = sw_lookups_get(sources->lookups, state->lookup);
	if (context->lookup)
		context->name = sw_lookup_name(context->lookup);
	else if (target && target->present && target->family != AF_UNIX &&
		 !(context->socket && context->socket->socket.flags & (SW_SOCKET_ACCEPTED | SW_SOCKET_LISTENING)))
		context->name = sw_names_of(sources->names, &target->endpoint.ip);
	context->name_source = context->name ? SW_NAME_DNS : SW_NAME_UNKNOWN;
	for (size_t i = 0; !context->name && context->flow && context->flow->initiator && i < context->packet_count;
	     i++) {
		const struct sw_tls *tls = context->packets[i]->tls;

		if (tls && tls->client.present && tls->client.name[0]) {
			context->name = tls->client.name;
			context->name_source = SW_NAME_SNI;
		}
	}
}

/* The kernel waits for twice as long after each of its SYN-ACKs before it forgets the connection. */
static int64_t half_open_until(const struct sw_flow *flow)
{
	return flow->last_ns + (flow->last_ns - flow->first_ns) + SW_SYN_TIMEOUT_NS;
}

/* A busy server leaves the one whom it accepted and those who queue behind it without service: one cause. And who was refused at one
 * address may be served at the next. */
static void fill_others(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_debt *debt = context->debt;

	if (!flow || debt->operation != SW_OPERATION_SERVE)
		return;
	for (uint32_t id = sw_flows_next(sources->flows, 0); id; id = sw_flows_next(sources->flows, id)) {
		const struct sw_flow *other = sw_flows_get(sources->flows, id);

		if (!other || other->id == flow->id || other->initiator || other->protocol != IPPROTO_TCP ||
		    other->local.port != flow->local.port)
			continue;
		context->others_unanswered += sw_endpoint_equal(&other->local, &flow->local) && !other->synack_count &&
					      other->side[SW_SIDE_PEER].syn_retransmissions &&
					      other->first_ns <= debt->ended_ns && other->last_ns >= debt->began_ns;
		context->others_half_open += sw_endpoint_equal(&other->local, &flow->local) && other->synack_count &&
					     !other->handshake_ack.packet && !other->side[SW_SIDE_PEER].rst.packet &&
					     other->first_ns <= flow->side[SW_SIDE_PEER].last_syn.time_ns &&
					     half_open_until(other) >= flow->first_ns;
		context->others_served += other->handshake_ack.packet && other->first_ns >= debt->began_ns &&
					  other->first_ns - debt->ended_ns <= context->settle_ns;
	}
}

static void fill_own_listener(struct sw_symptom_context *context, const struct sw_sources *sources,
			      const struct sw_debt_state *state)
{
	const struct sw_socket_state *listener;

	if (state->debt.error != EADDRINUSE ||
	    (state->opening.sys != SW_SYS_BIND && state->opening.sys != SW_SYS_LISTEN) || !state->opening.addr.present)
		return;
	listener = sw_links_own_listener(sources->links, state, &state->opening.addr.endpoint);
	context->own_listener = listener ? &listener->seen.socket.local : NULL;
}

void sw_symptom_others(struct sw_symptom_context *context, const struct sw_sources *sources,
		       const struct sw_debt_state *state)
{
	if (context->target && context->target->present && !state->debt.bytes_accepted)
		context->we_speak_first = sw_links_spoke_first(sources->links, &context->target->endpoint);
	fill_elsewhere(context, sources);
	fill_answers_after(context, sources);
	fill_others(context, sources);
	fill_handshake(context, sources);
	fill_own_listener(context, sources, state);
	fill_name(context, sources, state);
}
