/* Paths, sizes and the peer's other addresses: which attempts are made for a question, and what they tell together. */
#include "src/probe/tries.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/mem.h"

#define PATIENCE_NS (800 * SW_NS_PER_MS) /* below the second after which a SYN is sent again: each is one packet */
#define HOPS_MAX 24

static struct sw_dial dial_to(const struct sw_prober_question *question)
{
	return (struct sw_dial){.remote = question->remote, .source = question->source};
}

/* First as the program did: what works by now needs no ladder. Then one SYN for each TTL, and a ping. */
void sw_try_path(const struct sw_prober_question *question, struct sw_path_tried *tried)
{
	struct sw_dial dials[HOPS_MAX + 1] = {dial_to(question)};
	struct sw_dial *ping = &dials[HOPS_MAX];

	sw_dial(dials, 1, PATIENCE_NS);
	tried->now = dials[0].reach;
	if (tried->now.how != SW_REACH_SILENCE)
		return;
	for (size_t i = 0; i <= HOPS_MAX; i++) {
		dials[i] = dial_to(question);
		dials[i].ttl = (uint8_t)(i + 1);
	}
	ping->ttl = 0;
	ping->ping = true;
	sw_dial(dials, HOPS_MAX + 1, PATIENCE_NS);
	tried->ping = ping->reach;
	for (unsigned i = 0; i < HOPS_MAX; i++) {
		if (dials[i].reach.how != SW_REACH_TTL_EXCEEDED)
			continue;
		tried->hops++;
		tried->hop_ttl = i + 1;
		tried->hop = dials[i].reach.by;
	}
}

/* The path MTUs of the field: IPv4's least that must pass, IPv6's, tunnels, PPPoE, Ethernet. */
void sw_try_sizes(const struct sw_prober_question *question, struct sw_size_tried *tried)
{
	static const uint32_t sizes[] = {576, 1280, 1400, 1420, 1450, 1472, 1492, 1500};
	struct sw_dial dials[SW_COUNT(sizes)];

	for (size_t i = 0; i < SW_COUNT(sizes); i++) {
		dials[i] = dial_to(question);
		dials[i].ping = true;
		dials[i].size = sizes[i];
	}
	sw_dial(dials, SW_COUNT(sizes), PATIENCE_NS);
	for (size_t i = SW_COUNT(sizes); i-- > 0;) {
		const struct sw_reach *reach = &dials[i].reach;
		if (reach->how == SW_REACH_ECHO && sizes[i] > tried->came_back)
			tried->came_back = sizes[i];
		if (reach->how == SW_REACH_SILENCE || reach->how == SW_REACH_TOO_BIG)
			tried->silent = sizes[i]; /* the least, at the end */
		if (reach->how == SW_REACH_TOO_BIG) {
			tried->too_big_by = reach->by;
			tried->too_big_mtu = reach->mtu;
		}
	}
}

static bool add_address(struct sw_dial *dials, size_t *count, const struct sw_prober_question *question,
			const struct sockaddr *address)
{
	struct sw_dial dial = dial_to(question);

	if (address->sa_family == AF_INET)
		dial.remote.ip = sw_ip_v4(((const struct sockaddr_in *)address)->sin_addr.s_addr);
	else
		dial.remote.ip = sw_ip_v6(&((const struct sockaddr_in6 *)address)->sin6_addr);
	if (dial.remote.ip.family != question->source.family)
		dial.source = (struct sw_ip){0};
	if (sw_ip_equal(&dial.remote.ip, &question->remote.ip))
		return true;
	dials[(*count)++] = dial;
	return *count < SW_TRIES_ADDRESSES_MAX;
}

/* The C library is asked as a person's ping would ask it; the prober has set it to be brief (RES_OPTIONS). */
void sw_try_addresses(const struct sw_prober_question *question, struct sw_addresses_tried *tried)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct sw_dial dials[SW_TRIES_ADDRESSES_MAX];
	struct addrinfo *list = NULL;
	size_t count = 0;

	if (getaddrinfo(question->name, NULL, &hints, &list) != 0)
		return;
	for (const struct addrinfo *one = list; one; one = one->ai_next) {
		if (one->ai_family != AF_INET && one->ai_family != AF_INET6)
			continue;
		if (!add_address(dials, &count, question, one->ai_addr))
			break;
	}
	freeaddrinfo(list);
	sw_dial(dials, count, PATIENCE_NS);
	for (size_t i = 0; i < count; i++) {
		tried->items[i].ip = dials[i].remote.ip;
		tried->items[i].reach = dials[i].reach;
	}
	tried->count = (unsigned)count;
}
