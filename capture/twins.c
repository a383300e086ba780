/* See twins.h. Two tables of fixed size: prints of single packets, and the ends that connections have, here or there. */
#include "capture/twins.h"

#include <netinet/in.h>
#include <string.h>

#include "src/base/hash.h"
#include "src/base/mem.h"

#define PRINTS 65536u /* both direct mapped */
#define ENDS 16384u
#define RECENT 4096u /* times of additions that a late reader can still ask for */
#define TWIN_NS SW_NS_PER_S /* between the two places: queues, and shaping by seconds is told by the ends */
#define PAYLOAD_READ 256u

struct print {
	uint64_t print;
	int64_t time_ns;
};

struct ends {
	struct sw_endpoint a, b;
	uint8_t protocol;
	int64_t time_ns; /* of the last packet; 0 unused */
};

struct sw_twins {
	struct print prints[PRINTS];
	struct ends ends[ENDS];
	int64_t added_ns[RECENT];
	uint64_t added;
};

struct sw_twins *sw_twins_new(void)
{
	return sw_alloc(sizeof(struct sw_twins));
}

void sw_twins_free(struct sw_twins *twins)
{
	free(twins);
}

static uint64_t mix_payload(uint64_t key, const struct sw_packet *packet)
{
	uint32_t length = packet->payload_captured < PAYLOAD_READ ? packet->payload_captured : PAYLOAD_READ;

	for (uint32_t i = 0; i < length; i++)
		key = sw_hash_mix(key, packet->payload[i]);
	return key;
}

/* Without the payload's length: offload cuts and joins segments on the way. The first of the pieces is the one that matches. */
uint64_t sw_twins_print(const struct sw_packet *packet)
{
	uint64_t key = packet->protocol;

	if (packet->kind == SW_PACKET_TCP) {
		key = sw_hash_mix(key, (uint64_t)packet->tcp.seq << 32 | packet->tcp.ack);
		key = sw_hash_mix(key, (uint64_t)packet->tcp.tsval << 32 | packet->tcp.tsecr);
		return sw_hash_mix(key, packet->tcp.flags & ~SW_TCP_PSH) | 1;
	}
	if (packet->kind == SW_PACKET_UDP && packet->payload_length && packet->payload_captured)
		return mix_payload(sw_hash_mix(key, packet->payload_length), packet) | 1;
	return 0;
}

static struct ends *ends_of(struct sw_twins *twins, const struct sw_subject *subject)
{
	uint64_t hash = (uint64_t)sw_endpoint_hash(&subject->src) + sw_endpoint_hash(&subject->dst);

	return &twins->ends[sw_hash_mix(subject->protocol, hash) % ENDS];
}

static bool are_of(const struct ends *ends, const struct sw_subject *subject)
{
	if (!ends->time_ns || ends->protocol != subject->protocol)
		return false;
	return (sw_endpoint_equal(&ends->a, &subject->src) && sw_endpoint_equal(&ends->b, &subject->dst)) ||
	       (sw_endpoint_equal(&ends->a, &subject->dst) && sw_endpoint_equal(&ends->b, &subject->src));
}

static void learn_ends(struct sw_twins *twins, const struct sw_subject *subject, int64_t time_ns)
{
	struct ends *ends = ends_of(twins, subject);

	if (!subject->src.port || !subject->dst.port)
		return;
	if (are_of(ends, subject))
		ends->time_ns = time_ns > ends->time_ns ? time_ns : ends->time_ns;
	else
		*ends = (struct ends){subject->src, subject->dst, subject->protocol, time_ns};
}

void sw_twins_add(struct sw_twins *twins, uint64_t print, const struct sw_subject *subject, int64_t time_ns)
{
	learn_ends(twins, subject, time_ns);
	if (print)
		twins->prints[print % PRINTS] = (struct print){print, time_ns};
	twins->added_ns[twins->added++ % RECENT] = time_ns;
}

static bool near(int64_t a, int64_t b, int64_t most)
{
	return a - b <= most && b - a <= most;
}

bool sw_twins_match(struct sw_twins *twins, uint64_t print, const struct sw_subject *subject, int64_t time_ns)
{
	const struct ends *ends = ends_of(twins, subject);
	const struct print *known = &twins->prints[print % PRINTS];

	if (are_of(ends, subject) && near(ends->time_ns, time_ns, SW_OWNER_GRACE_NS)) {
		learn_ends(twins, subject, time_ns);
		return true;
	}
	if (!print || known->print != print || !near(known->time_ns, time_ns, TWIN_NS))
		return false;
	learn_ends(twins, subject, time_ns);
	return true;
}

int64_t sw_twins_added(const struct sw_twins *twins, uint64_t *position)
{
	int64_t least = SW_TIME_NONE;

	if (twins->added - *position > RECENT)
		*position = twins->added - RECENT;
	for (; *position < twins->added; ++*position) {
		int64_t time_ns = twins->added_ns[*position % RECENT];
		if (least == SW_TIME_NONE || time_ns < least)
			least = time_ns;
	}
	return least;
}
