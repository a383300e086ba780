/* See captures_internal.h. Enters: --also-on, namespaces, kept packets. Leaves: places to capture on; facts "veth" and "forwarding". */
#include "src/captures_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracer/kernel/probe_fact.h"

#define AUTO "auto"
#define FACT_IDS 0x40000000u /* the tracer numbers its own from 1 */
#define VETHS_MAX 8

int sw_capture_places_check(const struct sw_options *options, struct sw_err *err)
{
	for (size_t i = 0; i < options->also_on_count; i++) {
		struct sw_place place;
		if (strcmp(options->also_on[i], AUTO) == 0)
			continue;
		if (sw_place_open(options->also_on[i], &place, err) < 0)
			return err->code;
		if (place.netns_fd >= 0)
			close(place.netns_fd);
	}
	return 0;
}

static void limit(const struct sw_capture_places *places, const char *what)
{
	places->trace.limit(places->trace.context,
			    &(struct sw_limit){what, "between which two places a packet was lost is not known"});
}

void sw_capture_places_init(struct sw_capture_places *places, const struct sw_options *options,
			    const struct sw_trace_sink *trace)
{
	places->trace = *trace;
	for (size_t i = 0; i < options->also_on_count; i++) {
		struct sw_err err = {0};
		if (strcmp(options->also_on[i], AUTO) == 0)
			places->automatic = true;
		else if (sw_place_open(options->also_on[i], &places->items[places->count], &err) == 0)
			places->count++;
		else
			limit(places, err.text);
	}
	if (options->also_on_count)
		places->twins = sw_twins_new();
}

void sw_capture_places_release(struct sw_capture_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->items[i].netns_fd >= 0)
			close(places->items[i].netns_fd);
	sw_twins_free(places->twins);
}

static void say(struct sw_capture_places *places, struct sw_fact_draft *draft)
{
	draft->fact.id = FACT_IDS + ++places->facts;
	places->trace.fact(places->trace.context, sw_fact_of(draft));
}

static void add(struct sw_capture_places *places, const char *interface)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->items[i].netns_fd < 0 && strcmp(places->items[i].interface, interface) == 0)
			return;
	if (places->count == SW_PLACES_MAX)
		return;
	struct sw_place *place = &places->items[places->count++];
	*place = (struct sw_place){.netns_fd = -1};
	snprintf(place->name, sizeof place->name, "%s", interface);
	memcpy(place->interface, place->name, sizeof place->interface - 1);
}

/* From the container outwards: the ends of its devices, then the way to the world. Both only listen, to headers. */
static void add_found(struct sw_capture_places *places, const struct sw_veth *veths, size_t count)
{
	char uplink[IF_NAMESIZE];
	for (size_t i = 0; i < count; i++)
		add(places, veths[i].name);
	if (count && sw_place_uplink(uplink))
		add(places, uplink);
	if (!places->count)
		limit(places,
		      "--also-on auto found no second place: no veth pair joins the program's network namespace with this one");
}

void sw_capture_places_namespace(struct sw_capture_places *places, uint32_t netns, int fd)
{
	struct sw_veth veths[VETHS_MAX];
	size_t count = sw_place_veths(fd, veths, VETHS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct sw_fact_draft draft;
		sw_fact_begin(&draft, "veth");
		sw_fact_add_number(&draft, "netns", netns);
		sw_fact_add_number(&draft, "device_index", veths[i].inside);
		sw_fact_add_text(&draft, "peer", veths[i].name);
		sw_fact_add_number(&draft, "peer_index", veths[i].index);
		say(places, &draft);
	}
	if (count && !places->entrance)
		places->entrance = veths[0].index;
	if (places->automatic && !places->opened)
		add_found(places, veths, count);
}

static bool is_known(struct sw_capture_places *places, const struct sw_packet *packet)
{
	for (size_t i = places->way_count; i-- > 0;)
		if (sw_ip_equal(&places->ways[i].source, &packet->src.ip) &&
		    sw_ip_equal(&places->ways[i].destination, &packet->dst.ip))
			return true;
	return places->way_count == SW_CAPTURE_WAYS;
}

void sw_capture_places_packet(struct sw_capture_places *places, const struct sw_packet *packet)
{
	bool asks = packet->kind == SW_PACKET_TCP || packet->kind == SW_PACKET_UDP;
	if (!places->opened || packet->place || !asks || packet->way != SW_WAY_OUT ||
	    packet->flags & SW_PACKET_LOOPBACK || is_known(places, packet))
		return;
	places->ways[places->way_count].source = packet->src.ip;
	places->ways[places->way_count++].destination = packet->dst.ip;
	const struct sw_forwarding answer = sw_place_forwarding(places->entrance, &packet->src.ip, &packet->dst.ip);
	if (answer.error < 0)
		return;
	struct sw_fact_draft draft;
	sw_fact_begin(&draft, "forwarding");
	sw_fact_add_ip(&draft, "source", &packet->src.ip);
	sw_fact_add_ip(&draft, "destination", &packet->dst.ip);
	sw_fact_add_number(&draft, "error", answer.error);
	if (*answer.device)
		sw_fact_add_text(&draft, "device", answer.device);
	say(places, &draft);
}
