/* How flows are found: by their two ends, by a translated answer's ends, by the local port, and hosts by their address.
 *
 * Enters: endpoints. Leaves: tracks. Open addressing without deletion: where flows are
 * forgotten, flow_forget.c makes all of it anew. Knows nothing of what a packet means. */
#include "correlate/flows/flow_track.h"

#include <string.h>

static uint32_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(value >> 32);
}

uint32_t sw_flow_hash_ip(const struct sw_ip *ip)
{
	uint64_t words[2];

	memcpy(words, ip->bytes, sizeof words);
	return mix(words[0] * UINT64_C(0xff51afd7ed558ccd) + words[1] + ip->family);
}

uint32_t sw_flow_hash_ends(uint8_t protocol, const struct sw_endpoint *a, const struct sw_endpoint *b)
{
	uint64_t one = mix(((uint64_t)sw_flow_hash_ip(&a->ip) << 16) + a->port);
	uint64_t two = mix(((uint64_t)sw_flow_hash_ip(&b->ip) << 16) + b->port);

	return mix(one + two + ((one ^ two) << 32) + protocol);
}

bool sw_flow_end_equal(const struct sw_endpoint *a, const struct sw_endpoint *b)
{
	return a->port == b->port && a->ip.family == b->ip.family &&
	       memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) == 0;
}

static void grow(struct sw_flow_index *index)
{
	struct sw_flow_slot *old = index->slots;
	uint32_t room = old ? index->mask + 1 : 0;

	index->mask = room ? room * 2 - 1 : 63;
	index->slots = sw_alloc((index->mask + 1) * sizeof *index->slots);
	for (uint32_t i = 0; i < room; i++) {
		if (!old[i].flow)
			continue;
		uint32_t at = old[i].hash & index->mask;
		while (index->slots[at].flow)
			at = (at + 1) & index->mask;
		index->slots[at] = old[i];
	}
	free(old);
}

void sw_flow_index_put(struct sw_flow_index *index, uint32_t hash, uint32_t flow)
{
	if (!index->slots || index->count * 2 > index->mask)
		grow(index);
	uint32_t at = hash & index->mask;
	while (index->slots[at].flow)
		at = (at + 1) & index->mask;
	index->slots[at] = (struct sw_flow_slot){.hash = hash, .flow = flow};
	index->count++;
}

struct sw_flow_track *sw_flow_track_at(const struct sw_flows *flows, uint32_t id)
{
	const struct sw_flow_page *page = id && id <= flows->last_id ? flows->pages.items[(id - 1) / SW_FLOW_PAGE] :
								       NULL;

	return page ? page->tracks[(id - 1) % SW_FLOW_PAGE] : NULL;
}

struct sw_flow_track *sw_flow_stored_at(const struct sw_flows *flows, uint32_t id)
{
	struct sw_flow_track *track = sw_flow_track_at(flows, id);

	return track && track->mirror_of ? sw_flow_track_at(flows, track->mirror_of) : track;
}

void sw_flow_lately_clear(struct sw_flows *flows)
{
	memset(flows->lately, 0, sizeof flows->lately);
}

void sw_flow_add(struct sw_flows *flows, struct sw_flow_track *track)
{
	uint32_t place = flows->last_id++;

	if (place / SW_FLOW_PAGE >= flows->pages.count)
		*SW_ARRAY_ADD(&flows->pages) = sw_alloc(sizeof(struct sw_flow_page));
	flows->pages.items[place / SW_FLOW_PAGE]->tracks[place % SW_FLOW_PAGE] = track;
	flows->living++;
	track->flow.id = flows->last_id;
}

static bool has_ends(const struct sw_flow *flow, uint8_t protocol, const struct sw_endpoint *a,
		     const struct sw_endpoint *b, const struct sw_endpoint *remote)
{
	return flow->protocol == protocol && ((sw_flow_end_equal(&flow->local, a) && sw_flow_end_equal(remote, b)) ||
					      (sw_flow_end_equal(&flow->local, b) && sw_flow_end_equal(remote, a)));
}

/* The slot of the pair in `index`, NULL when there is none. */
static struct sw_flow_slot *slot_of(const struct sw_flows *flows, const struct sw_flow_index *index, uint32_t hash,
				    uint8_t protocol, const struct sw_endpoint *a, const struct sw_endpoint *b)
{
	if (!index->slots)
		return NULL;
	for (uint32_t at = hash & index->mask; index->slots[at].flow; at = (at + 1) & index->mask) {
		if (index->slots[at].hash != hash)
			continue;
		const struct sw_flow *flow = &sw_flow_track_at(flows, index->slots[at].flow)->flow;
		if (has_ends(flow, protocol, a, b, index == &flows->by_alias ? &flow->remote_in : &flow->remote))
			return &index->slots[at];
	}
	return NULL;
}

static struct sw_flow_track *in_netns(const struct sw_flows *flows, uint32_t id, uint32_t netns)
{
	struct sw_flow_track *track = sw_flow_track_at(flows, id);

	while (track && track->flow.netns != netns)
		track = sw_flow_track_at(flows, track->previous);
	return track;
}

struct sw_flow_track *sw_flow_lookup(const struct sw_flows *flows, uint32_t netns, uint8_t protocol,
				     const struct sw_endpoint *a, const struct sw_endpoint *b)
{
	uint32_t hash = sw_flow_hash_ends(protocol, a, b);
	struct sw_flow_slot *slot = slot_of(flows, &flows->by_ends, hash, protocol, a, b);
	struct sw_flow_track *track = slot ? in_netns(flows, slot->flow, netns) : NULL;

	if (!flows->by_alias.count)
		return track;
	slot = slot_of(flows, &flows->by_alias, hash, protocol, a, b);
	struct sw_flow_track *alias = slot ? sw_flow_track_at(flows, slot->flow) : NULL;
	if (alias && alias->flow.netns == netns && (!track || alias->flow.id > track->flow.id))
		return alias;
	return track;
}

struct sw_flow_track *sw_flow_latest_of(const struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *a,
					const struct sw_endpoint *b)
{
	struct sw_flow_slot *slot = slot_of(flows, &flows->by_ends, sw_flow_hash_ends(protocol, a, b), protocol, a, b);

	return slot ? sw_flow_track_at(flows, slot->flow) : NULL;
}

void sw_flow_alias(struct sw_flows *flows, struct sw_flow_track *track, const struct sw_endpoint *remote_in)
{
	struct sw_flow *flow = &track->flow;

	if (flow->remote_in.port || sw_flow_end_equal(&flow->remote, remote_in))
		return;
	flow->remote_in = *remote_in;
	sw_flow_lately_clear(flows);
	sw_flow_enter_alias(flows, track);
}

void sw_flow_enter_alias(struct sw_flows *flows, struct sw_flow_track *track)
{
	const struct sw_flow *flow = &track->flow;
	uint32_t hash = sw_flow_hash_ends(flow->protocol, &flow->local, &flow->remote_in);
	struct sw_flow_slot *slot =
		slot_of(flows, &flows->by_alias, hash, flow->protocol, &flow->local, &flow->remote_in);

	if (slot)
		slot->flow = flow->id;
	else
		sw_flow_index_put(&flows->by_alias, hash, flow->id);
}

uint32_t *sw_flow_port_chain(const struct sw_flows *flows, uint8_t protocol, uint16_t port)
{
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return NULL;
	uint32_t *heads = flows->by_port[protocol == IPPROTO_UDP];
	return heads ? &heads[port] : NULL;
}

uint32_t sw_flow_port_next(const struct sw_flow_track *track, uint16_t port)
{
	return track->previous_port[track->flow.local.port != port];
}

static void enter_ports(struct sw_flows *flows, struct sw_flow_track *track)
{
	struct sw_flow *flow = &track->flow;
	uint32_t **heads = &flows->by_port[flow->protocol == IPPROTO_UDP];

	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return;
	if (!*heads)
		*heads = sw_alloc(SW_FLOW_PORTS * sizeof **heads);
	track->previous_port[0] = (*heads)[flow->local.port];
	(*heads)[flow->local.port] = flow->id;
	track->in_two_chains = flow->loopback && flow->remote.port != flow->local.port;
	if (!track->in_two_chains)
		return;
	track->previous_port[1] = (*heads)[flow->remote.port];
	(*heads)[flow->remote.port] = flow->id;
}

/* Whether the two ends are one host: then a packet says nothing of which is "ours". */
static bool same_host(const struct sw_packet *packet)
{
	return (packet->flags & SW_PACKET_LOOPBACK) || sw_ip_equal(&packet->src.ip, &packet->dst.ip) ||
	       sw_ip_is_loopback(&packet->src.ip) || sw_ip_is_loopback(&packet->dst.ip);
}

struct sw_flow_track *sw_flow_make(struct sw_flows *flows, const struct sw_packet *packet, bool src_is_local)
{
	struct sw_flow_track *track = sw_alloc(sizeof *track);
	struct sw_flow *flow = &track->flow;

	sw_flow_add(flows, track);
	sw_flow_lately_clear(flows);
	flow->netns = packet->netns;
	flow->protocol = packet->protocol;
	flow->local = src_is_local ? packet->src : packet->dst;
	flow->remote = src_is_local ? packet->dst : packet->src;
	flow->loopback = same_host(packet);
	flow->first_ns = flow->last_ns = packet->time_ns;
	flow->established_ns = SW_TIME_NONE;
	flow->synack_rtt_ns = -1;
	flow->began_before = flow->protocol == IPPROTO_TCP;
	track->interface = packet->interface ^ ((uint32_t)packet->input << 20);
	for (int i = 0; i < 2; i++) {
		flow->side[i].acked_ns = SW_TIME_NONE;
		flow->side[i].rtt_min_ns = flow->side[i].rtt_max_ns = -1;
		flow->side[i].window_scale = 255;
		flow->side[i].rst_ack = -1;
		flow->side[i].zero_since_ns = SW_TIME_NONE;
	}
	sw_flow_enter(flows, track);
	return track;
}

void sw_flow_enter(struct sw_flows *flows, struct sw_flow_track *track)
{
	const struct sw_flow *flow = &track->flow;
	uint32_t hash = sw_flow_hash_ends(flow->protocol, &flow->local, &flow->remote);
	struct sw_flow_slot *slot = slot_of(flows, &flows->by_ends, hash, flow->protocol, &flow->local, &flow->remote);

	track->previous = slot ? slot->flow : 0;
	if (slot)
		slot->flow = flow->id;
	else
		sw_flow_index_put(&flows->by_ends, hash, flow->id);
	enter_ports(flows, track);
}
