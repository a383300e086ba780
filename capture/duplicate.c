/* Copies of one packet on several interfaces: by what all copies have in common.
 *
 * A copy has the same ends, identification, numbers, flags and lengths, an equal or lower hop limit, another
 * interface, and comes within SW_DUPLICATE_NS. Where translation lies between, the ends differ and it is not known
 * as a copy: two packets rather than a lost one. */
#include "capture/duplicate.h"

#include <string.h>

#include "src/base/hash.h"
#include "src/base/mem.h"

#define SLOTS 2048u /* direct mapped */
#define DUPLICATE_NS (5 * SW_NS_PER_MS)
#define UNNAMED_NS SW_NS_PER_MS /* no kernel sends the same again so soon */
#define INTERFACES 4 /* on which one packet is remembered to have been seen */

struct seen {
	uint64_t key;
	int64_t time_ns;
	uint32_t interfaces[INTERFACES];
	uint8_t count, ttl;
};

struct sw_duplicates {
	struct seen slots[SLOTS];
	uint32_t interface; /* of the first packet ever */
	bool any, several; /* one interface alone can have no copies */
};

struct sw_duplicates *sw_duplicates_new(void)
{
	return sw_alloc(sizeof(struct sw_duplicates));
}

void sw_duplicates_free(struct sw_duplicates *duplicates)
{
	free(duplicates);
}

static uint64_t mix_ip(uint64_t key, const struct sw_ip *ip)
{
	uint64_t words[2];

	memcpy(words, ip->bytes, sizeof words);
	return sw_hash_mix(sw_hash_mix(key, words[0] ^ ip->family), words[1]);
}

static uint64_t key_of(const struct sw_packet *packet)
{
	uint64_t key = mix_ip(mix_ip(packet->kind, &packet->src.ip), &packet->dst.ip);

	key = sw_hash_mix(key, (uint64_t)packet->src.port << 48 | (uint64_t)packet->dst.port << 32 |
				       (uint64_t)packet->ip_id << 16 | packet->protocol);
	key = sw_hash_mix(key, (uint64_t)packet->payload_length << 32 | packet->fragment_id);
	key = sw_hash_mix(key, (uint64_t)packet->fragment_offset << 32 | packet->length);
	switch (packet->kind) {
	case SW_PACKET_TCP:
		key = sw_hash_mix(key, (uint64_t)packet->tcp.seq << 32 | packet->tcp.ack);
		return sw_hash_mix(key, (uint64_t)packet->tcp.tsval << 32 | (uint32_t)packet->tcp.window << 8 |
						packet->tcp.flags);
	case SW_PACKET_ICMP:
		key = sw_hash_mix(key, (uint64_t)packet->icmp.type << 8 | packet->icmp.code);
		return sw_hash_mix(key, (uint64_t)packet->icmp.quote.seq << 32 |
						(uint32_t)packet->icmp.quote.src.port << 16 | packet->icmp.quote.ip_id);
	case SW_PACKET_NEIGHBOR: return mix_ip(sw_hash_mix(key, packet->neighbor.op), &packet->neighbor.target);
	default: return key;
	}
}

static bool on_interface(const struct seen *seen, uint32_t interface)
{
	for (int i = 0; i < seen->count; i++) {
		if (seen->interfaces[i] == interface)
			return true;
	}
	return false;
}

static bool several_interfaces(struct sw_duplicates *duplicates, uint32_t interface)
{
	if (!duplicates->any)
		duplicates->interface = interface;
	duplicates->any = true;
	duplicates->several |= duplicates->interface != interface;
	return duplicates->several;
}

/* Two datagrams, and two bare acknowledgements, may well look alike: what has a place of its own in a stream does not. */
static bool is_unlike_others(const struct sw_packet *packet)
{
	return packet->kind == SW_PACKET_TCP &&
	       (packet->payload_length || packet->tcp.flags & (SW_TCP_SYN | SW_TCP_FIN | SW_TCP_RST));
}

bool sw_duplicates_seen(struct sw_duplicates *duplicates, const struct sw_packet *packet, bool named)
{
	if (packet->kind == SW_PACKET_OTHER)
		return false;
	uint64_t key = key_of(packet);
	struct seen *seen = &duplicates->slots[key % SLOTS];
	int64_t apart = packet->time_ns - seen->time_ns;
	int64_t within = named ? DUPLICATE_NS : UNNAMED_NS;
	bool copy = seen->count && seen->key == key && apart <= within && apart >= -within &&
		    packet->ttl <= seen->ttl && seen->count < INTERFACES;

	if (named)
		copy = several_interfaces(duplicates, packet->interface) && copy &&
		       !on_interface(seen, packet->interface);
	else
		copy = copy && is_unlike_others(packet);

	if (copy) {
		seen->interfaces[seen->count++] = packet->interface;
		seen->ttl = packet->ttl;
		return true;
	}
	*seen = (struct seen){.key = key,
			      .time_ns = packet->time_ns,
			      .interfaces = {packet->interface},
			      .count = 1,
			      .ttl = packet->ttl};
	return false;
}
