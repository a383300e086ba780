/* What other flows tell of a symptom: an answer from an end that was not asked, how late the same end answers, a later look-up that
 * found the name, others who were left unserved.
 *
 * Enters: the context with its own flow, and the table of flows. Leaves: some of its fields. Judges nothing. */
#include "correlate/symptoms_others.h"

#include <netinet/in.h>
#include <string.h>

#include "capture/dns.h"

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
	for (size_t id = 1; id <= sw_flows_count(sources->flows); id++) {
		const struct sw_flow *other = sw_flows_get(sources->flows, (uint32_t)id);
		bool answered = other && other->id != flow->id && other->protocol == IPPROTO_UDP &&
				sw_endpoint_equal(&other->remote, &flow->remote) &&
				other->side[SW_SIDE_PEER].first.packet && other->side[SW_SIDE_OURS].first.packet;

		if (answered)
			context->answers_after_ns =
				other->side[SW_SIDE_PEER].first.time_ns - other->side[SW_SIDE_OURS].first.time_ns;
	}
}

#define CANDIDATES_MAX 64 /* flows after it that are looked at: a search list has six names, each asked of three servers twice */

static bool has_address(const struct sw_packet *packet, const char *label, size_t length)
{
	if (!packet->dns || !packet->dns->response || strncmp(packet->dns->name, label, length) || !strchr(".", packet->dns->name[length]))
		return false;
	for (uint16_t i = 0; i < packet->dns->answer_count; i++) {
		if (packet->dns->answers[i].ip.family)
			return true;
	}
	return false;
}

static int64_t answered_ns(const struct sw_sources *sources, uint32_t flow, const char *name, int64_t after_ns)
{
	const struct sw_packet *packets[SW_FLOW_KEPT_MAX];
	size_t count = sw_flows_kept(sources->flows, flow, packets, SW_COUNT(packets));

	for (size_t i = 0; i < count; i++) {
		if (packets[i]->time_ns > after_ns && has_address(packets[i], name, strcspn(name, ".")))
			return packets[i]->time_ns;
	}
	return SW_TIME_NONE;
}

/* A search list tries one candidate after the other, all with the same first label: the first that has an address makes the
 * others good. */
static void fill_name_found(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	const char *name = NULL;

	context->name_found_ns = SW_TIME_NONE;
	if (context->debt->outcome != SW_OUTCOME_ANSWERED_NO || context->debt->operation != SW_OPERATION_LOOKUP || !context->flow)
		return;
	for (size_t i = 0; i < context->packet_count; i++) {
		if (context->packets[i]->dns)
			name = context->packets[i]->dns->name;
	}
	for (uint32_t id = context->flow->id + 1; name && id <= context->flow->id + CANDIDATES_MAX; id++) {
		const struct sw_flow *other = sw_flows_get(sources->flows, id);

		if (!other || other->protocol != IPPROTO_UDP || other->remote.port != SW_DNS_PORT)
			continue;
		context->name_found_ns = answered_ns(sources, id, name, context->debt->ended_ns);
		if (context->name_found_ns != SW_TIME_NONE)
			return;
	}
}

/* A busy server leaves the one whom it accepted and those who queue behind it without service: one cause. */
static void fill_others(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	const struct sw_flow *flow = context->flow;

	if (!flow || context->debt->operation != SW_OPERATION_SERVE)
		return;
	for (size_t id = 1; id <= sw_flows_count(sources->flows); id++) {
		const struct sw_flow *other = sw_flows_get(sources->flows, (uint32_t)id);

		context->others_unanswered += other && other->id != flow->id && !other->initiator && other->protocol == IPPROTO_TCP &&
					      sw_endpoint_equal(&other->local, &flow->local) && !other->synack_count &&
					      other->side[SW_SIDE_PEER].syn_retransmissions &&
					      other->first_ns <= context->debt->ended_ns && other->last_ns >= context->debt->began_ns;
	}
}

void sw_symptom_others(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	fill_elsewhere(context, sources);
	fill_answers_after(context, sources);
	fill_others(context, sources);
	fill_name_found(context, sources);
}
