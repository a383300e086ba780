/* See places.h. Each place has a table of flows of its own, and an index of the sequence numbers that its connections began with. */
#include "correlate/flows/places.h"

#include <netinet/in.h>
#include <string.h>

#include "src/base/mem.h"

#define BUCKETS 4096u
#define SAME_TIME_NS SW_NS_PER_S /* two views of one packet lie within this, where one clock stamps both */
#define NEAR_BYTES (1 << 20) /* so near stand two views of one sequence space, whatever of it each has seen */

struct number { /* a side's first sequence number */
	uint32_t number, flow;
	enum sw_flow_side side;
	uint32_t next; /* in its bucket; 0 none */
};

struct table {
	struct sw_flows *flows;
	SW_ARRAY(struct number) numbers; /* ids are 1-based */
	uint32_t buckets[BUCKETS];
};

struct sw_places {
	struct table *tables[SW_PLACES_SEEN_MAX]; /* by place - 1 */
};

struct sw_places *sw_places_new(void)
{
	return sw_alloc(sizeof(struct sw_places));
}

void sw_places_free(struct sw_places *places)
{
	for (size_t i = 0; places && i < SW_PLACES_SEEN_MAX; i++) {
		struct table *table = places->tables[i];
		if (!table)
			continue;
		sw_flows_free(table->flows);
		SW_ARRAY_RELEASE(&table->numbers);
		free(table);
	}
	free(places);
}

static const struct table *table_of(const struct sw_places *places, uint16_t place)
{
	return place && place <= SW_PLACES_SEEN_MAX ? places->tables[place - 1] : NULL;
}

static uint32_t bucket_of(uint32_t number)
{
	return number * 2654435761u >> 20;
}

static void learn_number(struct table *table, uint32_t number, uint32_t flow, enum sw_flow_side side)
{
	uint32_t *head = &table->buckets[bucket_of(number)];

	for (uint32_t id = *head; id; id = table->numbers.items[id - 1].next)
		if (table->numbers.items[id - 1].number == number && table->numbers.items[id - 1].flow == flow)
			return;
	*SW_ARRAY_ADD(&table->numbers) = (struct number){number, flow, side, *head};
	*head = (uint32_t)table->numbers.count;
}

void sw_places_packet(struct sw_places *places, const struct sw_packet *packet)
{
	if (!packet->place || packet->place > SW_PLACES_SEEN_MAX)
		return;
	struct table **table = &places->tables[packet->place - 1];
	if (!*table) {
		*table = sw_alloc(sizeof **table);
		(*table)->flows = sw_flows_new();
	}
	struct sw_packet copy = *packet;
	copy.netns = 0; /* of the place, not of the process */
	const struct sw_flow_change change = sw_flows_packet((*table)->flows, &copy);
	const struct sw_flow *flow = change.flow ? sw_flows_get((*table)->flows, change.flow) : NULL;
	if (flow && packet->kind == SW_PACKET_TCP && packet->tcp.flags & SW_TCP_SYN)
		learn_number(*table, packet->tcp.seq, flow->id,
			     sw_endpoint_equal(&packet->src, &flow->local) ? SW_SIDE_OURS : SW_SIDE_PEER);
}

/* ---- which flow there is this one --------------------------------------------------------------------------------- */

/* One end is the same: then translation, if any, has changed the other alone. */
static bool half_equal(const struct sw_flow *flow, const struct sw_flow *there, bool turned)
{
	const struct sw_endpoint *local = turned ? &there->remote : &there->local;
	const struct sw_endpoint *remote = turned ? &there->local : &there->remote;

	return sw_endpoint_equal(&flow->local, local) || sw_endpoint_equal(&flow->remote, remote);
}

static bool same_time(const struct sw_flow *flow, const struct sw_flow *there)
{
	return there->first_ns <= flow->last_ns + SAME_TIME_NS && there->last_ns >= flow->first_ns - SAME_TIME_NS;
}

static const struct sw_side *side_of(const struct sw_flow *there, enum sw_flow_side side, bool turned)
{
	return &there->side[turned ? (side == SW_SIDE_OURS ? SW_SIDE_PEER : SW_SIDE_OURS) : side];
}

static bool number_disagrees(const struct sw_flow *flow, const struct sw_flow *there, enum sw_flow_side side,
			     bool turned)
{
	const struct sw_side *here = &flow->side[side], *other = side_of(there, side, turned);

	return here->isn_known && other->isn_known && here->isn != other->isn;
}

static bool find_by_number(const struct table *table, const struct sw_flow *flow, enum sw_flow_side side,
			   struct sw_place_flow *found)
{
	const struct sw_side *here = &flow->side[side];
	enum sw_flow_side other = side == SW_SIDE_OURS ? SW_SIDE_PEER : SW_SIDE_OURS;

	if (!here->isn_known)
		return false;
	for (uint32_t id = table->buckets[bucket_of(here->isn)]; id; id = table->numbers.items[id - 1].next) {
		const struct number *number = &table->numbers.items[id - 1];
		const struct sw_flow *there = sw_flows_get(table->flows, number->flow);
		bool turned = number->side != side;

		if (number->number != here->isn || !there || there->protocol != flow->protocol ||
		    number_disagrees(flow, there, other, turned))
			continue;
		if (!half_equal(flow, there, turned) && !same_time(flow, there))
			continue;
		*found = (struct sw_place_flow){.flow = there, .turned = turned};
		return true;
	}
	return false;
}

static bool near(const struct sw_side *a, const struct sw_side *b)
{
	if (!a->packets || !b->packets)
		return true;
	int32_t apart =
		(int32_t)((uint32_t)(a->isn + (uint64_t)a->sent_to) - (uint32_t)(b->isn + (uint64_t)b->sent_to));

	return apart < NEAR_BYTES && apart > -NEAR_BYTES;
}

/* Connections whose beginning was not seen, and datagrams. */
static bool is_like(const struct sw_flow *flow, const struct sw_flow *there, bool turned)
{
	if (there->protocol != flow->protocol || !half_equal(flow, there, turned) || !same_time(flow, there))
		return false;
	if (flow->protocol == IPPROTO_TCP)
		return !number_disagrees(flow, there, SW_SIDE_OURS, turned) &&
		       !number_disagrees(flow, there, SW_SIDE_PEER, turned) &&
		       near(&flow->side[SW_SIDE_OURS], side_of(there, SW_SIDE_OURS, turned)) &&
		       near(&flow->side[SW_SIDE_PEER], side_of(there, SW_SIDE_PEER, turned));
	const struct sw_side *other = side_of(there, SW_SIDE_OURS, turned);

	return !other->packets || other->largest_segment <= flow->side[SW_SIDE_OURS].largest_segment;
}

static bool ends_equal(const struct sw_flow *flow, const struct sw_flow *there, bool turned)
{
	return sw_endpoint_equal(&flow->local, turned ? &there->remote : &there->local) &&
	       sw_endpoint_equal(&flow->remote, turned ? &there->local : &there->remote);
}

static struct sw_place_flow find_alike(const struct table *table, const struct sw_flow *flow)
{
	struct sw_place_flow found = {0};

	for (size_t id = 1; id <= sw_flows_count(table->flows); id++) {
		const struct sw_flow *there = sw_flows_get(table->flows, (uint32_t)id);

		for (int turned = 0; there && turned < 2; turned++) {
			if (!is_like(flow, there, turned))
				continue;
			if (ends_equal(flow, there, turned))
				return (struct sw_place_flow){.flow = there, .turned = turned};
			found.unclear |= found.flow != NULL;
			found.flow = there;
			found.turned = turned;
		}
	}
	if (found.unclear)
		found.flow = NULL;
	return found;
}

struct sw_place_flow sw_places_find(const struct sw_places *places, uint16_t place, const struct sw_flow *flow)
{
	const struct table *table = table_of(places, place);
	struct sw_place_flow found = {0};

	if (!table || flow->no_packets)
		return found;
	if (flow->protocol == IPPROTO_TCP &&
	    (find_by_number(table, flow, SW_SIDE_OURS, &found) || find_by_number(table, flow, SW_SIDE_PEER, &found)))
		return found;
	return find_alike(table, flow);
}

size_t sw_places_kept(const struct sw_places *places, uint16_t place, uint32_t flow, const struct sw_packet **packets,
		      size_t room)
{
	const struct table *table = table_of(places, place);

	return table ? sw_flows_kept(table->flows, flow, packets, room) : 0;
}
