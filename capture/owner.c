/* Ownership of ports by intervals of time. Enters: events. Leaves: whether a subject is the target's at a time. */
#include "capture/owner.h"

#include <netinet/in.h>

#include "src/base/mem.h"

#define PORTS 65536u
#define HOP_BUCKETS 1024u
#define HOPS_MAX                                                                                                       \
	8192u /* of a service that the whole world talks to: the first, where the gateways are, and the latest */
#define HOPS_FIRST 256u

enum { TABLE_TCP, TABLE_UDP, TABLE_ICMP, TABLES };

struct interval {
	struct sw_ip local; /* family 0: any */
	int64_t since_ns, until_ns; /* until: the grace is in it */
	uint32_t next; /* index + 1 of the next interval of the port, or of the next free one */
};

struct hop {
	struct sw_ip ip;
	uint32_t next;
};

struct sw_owners {
	uint32_t *heads[TABLES]; /* by port: index + 1 of the first interval; made when first needed */
	SW_ARRAY(struct interval) intervals;
	uint32_t unused; /* index + 1 of the first free interval */
	uint32_t hop_heads[HOP_BUCKETS];
	SW_ARRAY(struct hop) hops;
	size_t hops_at; /* when there are HOPS_MAX: how many have been replaced */
};

struct sw_owners *sw_owners_new(void)
{
	return sw_alloc(sizeof(struct sw_owners));
}

void sw_owners_free(struct sw_owners *owners)
{
	if (!owners)
		return;
	for (int i = 0; i < TABLES; i++)
		free(owners->heads[i]);
	SW_ARRAY_RELEASE(&owners->intervals);
	SW_ARRAY_RELEASE(&owners->hops);
	free(owners);
}

static int table_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP: return TABLE_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: return TABLE_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: return TABLE_ICMP; /* ping sockets: the port is the echo identifier */
	default: return -1;
	}
}

/* A raw socket sends echo requests of any identifier; its own port is its protocol, raw(7). Such sockets stand at port 0. */
static uint16_t place_of(const struct sw_owner *event)
{
	return table_of(event->protocol) == TABLE_ICMP && event->local.port == event->protocol ? 0 : event->local.port;
}

static int64_t later(int64_t time_ns, int64_t by_ns)
{
	return time_ns > INT64_MAX - by_ns ? INT64_MAX : time_ns + by_ns;
}

/* Gives back the intervals of a port that ended before `before_ns`. */
static void forget(struct sw_owners *owners, uint32_t *head, int64_t before_ns)
{
	uint32_t *link = head;

	while (*link) {
		uint32_t index = *link - 1;
		struct interval *interval = &owners->intervals.items[index];

		if (interval->until_ns >= before_ns) {
			link = &interval->next;
			continue;
		}
		*link = interval->next;
		interval->next = owners->unused;
		owners->unused = index + 1;
	}
}

static void add(struct sw_owners *owners, uint32_t *head, const struct sw_ip *local, int64_t since_ns, int64_t until_ns)
{
	uint32_t index = owners->unused;

	if (index) {
		owners->unused = owners->intervals.items[index - 1].next;
	} else {
		(void)SW_ARRAY_ADD(&owners->intervals);
		index = (uint32_t)owners->intervals.count;
	}
	owners->intervals.items[index - 1] =
		(struct interval){.local = *local, .since_ns = since_ns, .until_ns = until_ns, .next = *head};
	*head = index;
}

static bool same_local(const struct sw_ip *a, const struct sw_ip *b)
{
	return a->family == b->family && (!a->family || sw_ip_equal(a, b));
}

/* Ends what is open: with the grace where the socket was closed, at once where the port is another's. */
static void end(struct sw_owners *owners, uint32_t head, const struct sw_ip *local, int64_t at_ns, bool others)
{
	int64_t until_ns = others ? at_ns : later(at_ns, SW_OWNER_GRACE_NS);

	for (uint32_t i = head; i; i = owners->intervals.items[i - 1].next) {
		struct interval *interval = &owners->intervals.items[i - 1];
		bool fits = others ? !local->family || !interval->local.family || sw_ip_equal(&interval->local, local) :
				     same_local(&interval->local, local);

		if (fits && interval->since_ns <= at_ns && interval->until_ns > until_ns)
			interval->until_ns = until_ns;
	}
}

static void begin(struct sw_owners *owners, uint32_t *head, const struct sw_ip *local, int64_t since_ns)
{
	for (uint32_t i = *head; i; i = owners->intervals.items[i - 1].next) {
		struct interval *interval = &owners->intervals.items[i - 1];

		if (!same_local(&interval->local, local) || interval->until_ns < since_ns)
			continue;
		interval->until_ns = INT64_MAX;
		if (since_ns < interval->since_ns)
			interval->since_ns = since_ns;
		return;
	}
	add(owners, head, local, since_ns, INT64_MAX);
}

bool sw_owners_known(const struct sw_owners *owners, const struct sw_owner *event)
{
	int table = table_of(event->protocol);
	struct sw_ip local = event->local.ip;

	if (table < 0 || !owners->heads[table])
		return false;
	if (local.family && sw_ip_is_any(&local))
		local = (struct sw_ip){0};
	for (uint32_t i = owners->heads[table][place_of(event)]; i; i = owners->intervals.items[i - 1].next) {
		const struct interval *interval = &owners->intervals.items[i - 1];

		if ((!interval->local.family || same_local(&interval->local, &local)) &&
		    interval->since_ns <= event->since_ns && interval->until_ns == INT64_MAX)
			return true;
	}
	return false;
}

void sw_owners_event(struct sw_owners *owners, const struct sw_owner *event)
{
	int table = table_of(event->protocol);
	struct sw_ip local = event->local.ip;

	if (event->mine && event->remote.ip.family)
		sw_owners_next_hop(owners, &event->remote.ip); /* on the link, the next hop is the remote end itself */
	if (table < 0 || !event->local.port)
		return;
	if (local.family && sw_ip_is_any(&local))
		local = (struct sw_ip){0};
	if (!owners->heads[table])
		owners->heads[table] = sw_alloc(PORTS * sizeof(uint32_t));
	uint32_t *head = &owners->heads[table][place_of(event)];

	forget(owners, head, event->since_ns - SW_OWNER_GRACE_NS);
	if (event->mine)
		begin(owners, head, &local, event->since_ns);
	else
		end(owners, *head, &local, event->since_ns, true);
	if (event->mine && event->until_ns != INT64_MAX && event->until_ns != SW_TIME_NONE)
		end(owners, *head, &local, event->until_ns, false);
}

static uint32_t hop_bucket(const struct sw_ip *ip)
{
	struct sw_endpoint endpoint = {.ip = *ip};

	return sw_endpoint_hash(&endpoint) % HOP_BUCKETS;
}

static bool is_hop(const struct sw_owners *owners, const struct sw_ip *ip)
{
	for (uint32_t i = owners->hop_heads[hop_bucket(ip)]; i; i = owners->hops.items[i - 1].next) {
		if (sw_ip_equal(&owners->hops.items[i - 1].ip, ip))
			return true;
	}
	return false;
}

/* A place for one more, with the oldest forgotten where there are too many; its index + 1. */
static uint32_t hop_place(struct sw_owners *owners)
{
	if (owners->hops.count < HOPS_MAX) {
		(void)SW_ARRAY_ADD(&owners->hops);
		return (uint32_t)owners->hops.count;
	}
	uint32_t place = HOPS_FIRST + (uint32_t)(owners->hops_at++ % (HOPS_MAX - HOPS_FIRST)) + 1;
	uint32_t *link = &owners->hop_heads[hop_bucket(&owners->hops.items[place - 1].ip)];

	while (*link != place)
		link = &owners->hops.items[*link - 1].next;
	*link = owners->hops.items[place - 1].next;
	return place;
}

void sw_owners_next_hop(struct sw_owners *owners, const struct sw_ip *ip)
{
	uint32_t *head = &owners->hop_heads[hop_bucket(ip)];

	if (is_hop(owners, ip))
		return;
	uint32_t place = hop_place(owners);

	owners->hops.items[place - 1] = (struct hop){.ip = *ip, .next = *head};
	*head = place;
}

static bool owned_at(const struct sw_owners *owners, int table, uint16_t port, const struct sw_ip *ip, int64_t time_ns)
{
	uint32_t head = owners->heads[table] ? owners->heads[table][port] : 0;

	for (uint32_t i = head; i; i = owners->intervals.items[i - 1].next) {
		const struct interval *interval = &owners->intervals.items[i - 1];

		if (time_ns >= interval->since_ns - SW_OWNER_EARLY_NS && time_ns <= interval->until_ns &&
		    (!interval->local.family || sw_ip_equal(&interval->local, ip)))
			return true;
	}
	return false;
}

static bool owned(const struct sw_owners *owners, int table, const struct sw_endpoint *end, int64_t time_ns)
{
	return owned_at(owners, table, end->port, &end->ip, time_ns) ||
	       (table == TABLE_ICMP && end->port && owned_at(owners, table, 0, &end->ip, time_ns));
}

bool sw_owners_match(const struct sw_owners *owners, const struct sw_subject *subject, int64_t time_ns)
{
	int table = table_of(subject->protocol);

	if (subject->neighbor)
		return is_hop(owners, &subject->dst.ip);
	if (table < 0)
		return false;
	return (subject->src_may && owned(owners, table, &subject->src, time_ns)) ||
	       (subject->dst_may && owned(owners, table, &subject->dst, time_ns));
}
