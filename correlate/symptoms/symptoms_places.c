/* What the further places of capture have of a symptom's flow, and whether its packets pass there at all.
 *
 * Enters: the context with its flow; the tables of the places; what the kernel said of the way ("veth", "forwarding"). Leaves: the places
 * that can say anything, nearest first. That a packet is missing at a place means nothing where its way may lead elsewhere. */
#include <string.h>

#include "correlate/symptoms/symptoms_absence.h"
#include "correlate/symptoms/symptoms_sources.h"
#include "src/base/arena.h"

static const struct sw_capture_status *status_at(const struct sw_sources *sources, uint16_t place)
{
	for (size_t i = 0; i < sources->status_count; i++)
		if (sources->statuses[i].place == place)
			return &sources->statuses[i];
	return NULL;
}

static const char *name_of(const struct sw_capture_status *status)
{
	return status->interfaces ? status->interfaces : "a further place";
}

/* The newest answer of the kernel for packets of this flow. */
static const struct sw_fact *forwarding(const struct sw_symptom_context *context, const struct sw_sources *sources)
{
	char source[SW_ADDR_TEXT], destination[SW_ADDR_TEXT];
	const struct sw_facts_kept *facts = sources->facts;

	sw_ip_text(&context->flow->local.ip, source);
	sw_ip_text(&context->flow->remote.ip, destination);
	for (size_t i = facts->of_session.count; i-- > 0;) {
		const struct sw_fact *fact = facts->of_session.items[i];
		const char *from = sw_fact_text(fact, "source"), *to = sw_fact_text(fact, "destination");

		if (!strcmp(fact->kind, "forwarding") && from && to && !strcmp(from, source) &&
		    !strcmp(to, destination))
			return fact;
	}
	return NULL;
}

/* The place is the other end of the device by which the packets leave their namespace: they come out there or nowhere. */
static bool is_other_end(const struct sw_symptom_context *context, const struct sw_sources *sources, const char *name)
{
	const struct sw_fact *route = sw_symptom_fact(context, "route");
	int64_t device = route ? sw_fact_number(route, "device_index", -1) : -1;
	const struct sw_facts_kept *facts = sources->facts;
	size_t pairs = 0, here = 0;

	for (size_t i = 0; i < facts->of_session.count; i++) {
		const struct sw_fact *fact = facts->of_session.items[i];
		const char *peer = !strcmp(fact->kind, "veth") ? sw_fact_text(fact, "peer") : NULL;

		if (!peer || sw_fact_number(fact, "netns", -1) != (int64_t)context->flow->netns)
			continue;
		pairs++;
		here += !strcmp(peer, name) && (device < 0 || sw_fact_number(fact, "device_index", -2) == device);
	}
	return here && (device >= 0 || pairs == 1);
}

/* What other connections of the program say: those to the same end, to the same host, to anybody. */
static enum sw_place_way way_of_others(const struct sw_symptom_context *context, const struct sw_sources *sources,
				       uint16_t place)
{
	enum sw_place_way best = SW_PLACE_WAY_UNKNOWN;

	for (size_t id = 1; id <= sw_flows_count(sources->flows) && best < SW_PLACE_WAY_SURE; id++) {
		const struct sw_flow *other = sw_flows_get(sources->flows, (uint32_t)id);
		bool same_host = other && sw_ip_equal(&other->remote.ip, &context->flow->remote.ip);
		enum sw_place_way way = !same_host ? SW_PLACE_WAY_POSSIBLE :
					other->remote.port == context->flow->remote.port &&
							other->protocol == context->flow->protocol ?
						     SW_PLACE_WAY_SURE :
						     SW_PLACE_WAY_LIKELY;

		if (!other || way <= best || other->mirrored || other->id == context->flow->id ||
		    other->netns != context->flow->netns || !sw_places_find(sources->places, place, other).flow)
			continue;
		best = way;
	}
	return best;
}

static enum sw_place_way way_to(const struct sw_symptom_context *context, const struct sw_sources *sources,
				const struct sw_place_seen *seen, const struct sw_fact *asked)
{
	const char *device = asked ? sw_fact_text(asked, "device") : NULL;

	if (seen->there.flow || is_other_end(context, sources, seen->name))
		return SW_PLACE_WAY_SURE;
	enum sw_place_way others = way_of_others(context, sources, seen->place);
	if (others == SW_PLACE_WAY_SURE || !asked)
		return others;
	if (device)
		return strcmp(device, seen->name) ? SW_PLACE_WAY_UNKNOWN : SW_PLACE_WAY_LIKELY;
	return sw_fact_number(asked, "error", 0) > 0 ? SW_PLACE_WAY_LIKELY : others;
}

static void add_packets(struct sw_symptom_context *context, const struct sw_sources *sources,
			const struct sw_place_seen *seen, const struct sw_packet **list)
{
	if (seen->there.flow)
		context->place_packet_count += sw_places_kept(sources->places, seen->place, seen->there.flow->id,
							      list + context->place_packet_count, SW_FLOW_KEPT_MAX);
}

void sw_symptom_places(struct sw_symptom_context *context, const struct sw_sources *sources, struct sw_arena *arena)
{
	const struct sw_flow *flow = context->flow;

	if (!flow || flow->no_packets || flow->loopback || context->flow_is_peers || !status_at(sources, 1))
		return;
	const struct sw_fact *asked = forwarding(context, sources);
	struct sw_place_seen *list = sw_arena_alloc(arena, SW_SYMPTOM_PLACES * sizeof *list);
	const struct sw_packet **packets =
		sw_arena_alloc(arena, (size_t)SW_SYMPTOM_PLACES * SW_FLOW_KEPT_MAX * sizeof *packets);
	const struct sw_capture_status *status;

	context->forwarding_error = asked ? (int)sw_fact_number(asked, "error", 0) : 0;
	for (uint16_t place = 1; place <= SW_SYMPTOM_PLACES && (status = status_at(sources, place)); place++) {
		struct sw_place_seen *seen = &list[context->place_count];

		*seen = (struct sw_place_seen){.place = place, .name = name_of(status), .on_host = status->live};
		seen->there = sw_places_find(sources->places, place, flow);
		seen->way = way_to(context, sources, seen, asked);
		seen->absence = seen->there.unclear ? SW_ABSENCE_NOTHING : sw_symptom_absence_at(context, status);
		if (!status->available || seen->way == SW_PLACE_WAY_UNKNOWN)
			continue;
		add_packets(context, sources, seen, packets);
		context->place_count++;
	}
	context->places = list;
	context->place_packets = packets;
}
