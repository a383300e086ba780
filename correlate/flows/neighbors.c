/* Neighbour resolution and hosts: who was asked for on the link and who answered; at which hop count hosts are heard.
 *
 * Enters: ARP, neighbour discovery, hop counts. Leaves: one record a target. RFC 826, 4861. */
#include "correlate/flows/flow_track.h"

static struct sw_flow_neighbor *neighbor_of(const struct sw_flows *flows, const struct sw_ip *target)
{
	uint32_t id = flows->neighbor_buckets[sw_flow_hash_ip(target) % SW_FLOW_NEIGHBOR_BUCKETS];

	while (id) {
		struct sw_flow_neighbor *neighbor = &flows->neighbors.items[id - 1];
		if (sw_ip_equal(&neighbor->seen.target, target))
			return neighbor;
		id = neighbor->next;
	}
	return NULL;
}

static struct sw_flow_neighbor *neighbor_add(struct sw_flows *flows, const struct sw_ip *target)
{
	uint32_t *bucket = &flows->neighbor_buckets[sw_flow_hash_ip(target) % SW_FLOW_NEIGHBOR_BUCKETS];
	struct sw_flow_neighbor *neighbor = SW_ARRAY_ADD(&flows->neighbors);

	neighbor->seen.target = *target;
	neighbor->seen.unanswered_since_ns = SW_TIME_NONE;
	neighbor->next = *bucket;
	*bucket = (uint32_t)flows->neighbors.count;
	return neighbor;
}

void sw_flow_neighbor_packet(struct sw_flows *flows, const struct sw_packet *packet)
{
	const struct sw_ip *target = &packet->neighbor.target;
	struct sw_flow_neighbor *neighbor = neighbor_of(flows, target);

	if (!target->family || (packet->flags & SW_PACKET_DUPLICATE))
		return;
	if (!neighbor)
		neighbor = neighbor_add(flows, target);
	struct sw_neighbor_seen *seen = &neighbor->seen;
	if (packet->neighbor.op == SW_NEIGHBOR_ANSWER) {
		if (!seen->answered++)
			seen->first_answer = sw_flow_seen(packet);
		seen->unanswered_since_ns = SW_TIME_NONE;
		return;
	}
	if (sw_ip_equal(&packet->neighbor.sender, target))
		return; /* a gratuitous announcement asks nobody */
	if (!seen->asked++)
		seen->first_ask = sw_flow_seen(packet);
	seen->last_ask = sw_flow_seen(packet);
	if (seen->unanswered_since_ns == SW_TIME_NONE)
		seen->unanswered_since_ns = packet->time_ns;
}

const struct sw_neighbor_seen *sw_flows_neighbor(const struct sw_flows *flows, const struct sw_ip *target)
{
	const struct sw_flow_neighbor *neighbor = neighbor_of(flows, target);

	return neighbor ? &neighbor->seen : NULL;
}

size_t sw_flows_neighbors(const struct sw_flows *flows, const struct sw_neighbor_seen **list, size_t room)
{
	size_t count = 0;

	for (; count < room && count < flows->neighbors.count; count++)
		list[count] = &flows->neighbors.items[count].seen;
	return count;
}

static struct sw_flow_host *host_of(const struct sw_flows *flows, const struct sw_ip *ip, uint32_t hash)
{
	const struct sw_flow_index *index = &flows->by_host;

	if (!index->slots)
		return NULL;
	for (uint32_t at = hash & index->mask; index->slots[at].flow; at = (at + 1) & index->mask) {
		struct sw_flow_host *host = &flows->hosts.items[index->slots[at].flow - 1];
		if (index->slots[at].hash == hash && sw_ip_equal(&host->ip, ip))
			return host;
	}
	return NULL;
}

void sw_flow_host_seen(struct sw_flows *flows, const struct sw_ip *ip, uint8_t ttl)
{
	uint32_t hash = sw_flow_hash_ip(ip);
	struct sw_flow_host *host = host_of(flows, ip, hash);

	if (!host) {
		host = SW_ARRAY_ADD(&flows->hosts);
		host->ip = *ip;
		sw_flow_index_put(&flows->by_host, hash, (uint32_t)flows->hosts.count);
	}
	host->ttl = ttl;
}

uint8_t sw_flows_host_ttl(const struct sw_flows *flows, const struct sw_ip *host)
{
	const struct sw_flow_host *known = host_of(flows, host, sw_flow_hash_ip(host));

	return known ? known->ttl : 0;
}
