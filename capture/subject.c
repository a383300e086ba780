/* What a packet is about: whose ports decide whether it is kept.
 *
 * Enters: a decoded packet. Leaves: struct sw_subject. An ICMP error is about the packet that it quotes: one that
 * comes in quotes what left here, one that leaves quotes what came. A later fragment is about what its first one
 * was. */
#include <netinet/in.h>
#include <string.h>

#include "capture/owner.h"
#include "src/base/mem.h"

#define FRAGMENT_SLOTS 512u /* direct mapped: a newer datagram takes the place of an older one */
#define FRAGMENT_LIFE_NS (30 * SW_NS_PER_S) /* ip(7): ipfrag_time */

struct datagram {
	struct sw_ip src, dst;
	uint32_t id;
	uint8_t protocol;
	uint16_t src_port, dst_port;
	int64_t time_ns;
};

struct sw_fragments {
	struct datagram slots[FRAGMENT_SLOTS];
};

struct sw_fragments *sw_fragments_new(void)
{
	return sw_alloc(sizeof(struct sw_fragments));
}

void sw_fragments_free(struct sw_fragments *fragments)
{
	free(fragments);
}

static uint32_t slot_of(const struct sw_packet *packet)
{
	struct sw_endpoint src = {.ip = packet->src.ip}, dst = {.ip = packet->dst.ip};

	return (sw_endpoint_hash(&src) * 31 + sw_endpoint_hash(&dst) + packet->fragment_id * 2654435761u) %
	       FRAGMENT_SLOTS;
}

static void learn(struct sw_fragments *fragments, const struct sw_packet *packet)
{
	fragments->slots[slot_of(packet)] = (struct datagram){
		.src = packet->src.ip,
		.dst = packet->dst.ip,
		.id = packet->fragment_id,
		.protocol = packet->protocol,
		.src_port = packet->src.port,
		.dst_port = packet->dst.port,
		.time_ns = packet->time_ns,
	};
}

bool sw_subject_resolve(struct sw_subject *subject, const struct sw_packet *packet,
			const struct sw_fragments *fragments)
{
	const struct datagram *datagram = &fragments->slots[slot_of(packet)];
	int64_t apart = packet->time_ns - datagram->time_ns;

	if (!datagram->src.family || datagram->id != packet->fragment_id ||
	    !sw_ip_equal(&datagram->src, &packet->src.ip) || !sw_ip_equal(&datagram->dst, &packet->dst.ip) ||
	    apart > FRAGMENT_LIFE_NS || apart < -FRAGMENT_LIFE_NS)
		return false;
	subject->protocol = datagram->protocol;
	subject->src.port = datagram->src_port;
	subject->dst.port = datagram->dst_port;
	return true;
}

static bool icmp(struct sw_subject *subject, const struct sw_packet *packet)
{
	const struct sw_quote *quote = &packet->icmp.quote;

	if (quote->present) {
		/* what is quoted went the other way; on loopback both may be */
		bool both = subject->src_may && subject->dst_may, in = subject->dst_may;

		subject->src = quote->src;
		subject->dst = quote->dst;
		subject->protocol = quote->protocol;
		subject->src_may = both || in;
		subject->dst_may = both || !in;
		return quote->src.port || quote->dst.port;
	}
	subject->src.port = subject->dst.port = packet->icmp.identifier;
	return packet->icmp.is_echo;
}

bool sw_subject_of(struct sw_subject *subject, const struct sw_packet *packet, struct sw_fragments *fragments)
{
	bool loopback = packet->flags & SW_PACKET_LOOPBACK;

	*subject = (struct sw_subject){.src = packet->src, .dst = packet->dst, .protocol = packet->protocol};
	subject->src_may = loopback || packet->way != SW_WAY_IN;
	subject->dst_may = loopback || packet->way != SW_WAY_OUT;
	switch (packet->kind) {
	case SW_PACKET_TCP:
	case SW_PACKET_UDP:
		if (packet->flags & SW_PACKET_MORE_FRAGMENTS)
			learn(fragments, packet);
		return true;
	case SW_PACKET_ICMP: return icmp(subject, packet);
	case SW_PACKET_NEIGHBOR:
		subject->neighbor = true;
		subject->dst.ip = packet->neighbor.target;
		return true;
	case SW_PACKET_FRAGMENT: (void)sw_subject_resolve(subject, packet, fragments); return true;
	default: return false;
	}
}
