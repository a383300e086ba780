/* What worked, by remote end. Enters: ends of connects. Leaves: the contrast of a symptom, as numbers and as words. Judges
 * nothing: that another port of the host answers is told, not what follows from it. */
#include "correlate/groups/groups_peers.h"

#include <string.h>
#include <uthash.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

/* Ends that are remembered: a program with more remote ends has enough to compare with. */
#define ENDS_MAX 4096
#define TIMES_MAX 32

struct peer {
	struct sw_endpoint end; /* compared as bytes: zeroed first */
	uint32_t ok, failed;
	int64_t first_ok_ns, times[TIMES_MAX]; /* of the last successes */
	UT_hash_handle hh;
};

struct sw_peers {
	struct peer *table;
};

struct sw_peers *sw_peers_new(void)
{
	return sw_alloc(sizeof(struct sw_peers));
}

void sw_peers_free(struct sw_peers *peers)
{
	struct peer *peer, *next;

	HASH_ITER (hh, peers->table, peer, next) {
		HASH_DEL(peers->table, peer);
		free(peer);
	}
	free(peers);
}

static bool is_ip(const struct sw_addr *end)
{
	return end->present && (end->family == AF_INET || end->family == AF_INET6);
}

void sw_peers_ended(struct sw_peers *peers, const struct sw_addr *end, bool ok, int64_t time_ns)
{
	struct sw_endpoint key;
	struct peer *peer;

	if (!is_ip(end))
		return;
	memset(&key, 0, sizeof key);
	key.ip.family = end->endpoint.ip.family;
	memcpy(key.ip.bytes, end->endpoint.ip.bytes, sizeof key.ip.bytes);
	key.port = end->endpoint.port;
	HASH_FIND(hh, peers->table, &key, sizeof key, peer);
	if (!peer) {
		if (HASH_COUNT(peers->table) >= ENDS_MAX)
			return;
		peer = sw_alloc(sizeof *peer);
		memcpy(&peer->end, &key, sizeof key);
		peer->first_ok_ns = SW_TIME_NONE;
		HASH_ADD(hh, peers->table, end, sizeof peer->end, peer);
	}
	if (!ok) {
		peer->failed++;
		return;
	}
	if (peer->first_ok_ns == SW_TIME_NONE)
		peer->first_ok_ns = time_ns;
	peer->times[peer->ok++ % TIMES_MAX] = time_ns;
}

static void same_end(struct sw_contrast *contrast, const struct peer *peer, int64_t at_ns)
{
	contrast->same_end_ok = peer->ok;
	for (uint32_t i = 0; i < peer->ok && i < TIMES_MAX; i++) {
		int64_t time_ns = peer->times[i];

		if (time_ns <= at_ns &&
		    (contrast->same_end_before_ns == SW_TIME_NONE || time_ns > contrast->same_end_before_ns))
			contrast->same_end_before_ns = time_ns;
		if (time_ns > at_ns &&
		    (contrast->same_end_after_ns == SW_TIME_NONE || time_ns < contrast->same_end_after_ns))
			contrast->same_end_after_ns = time_ns;
	}
	if (contrast->same_end_before_ns == SW_TIME_NONE && peer->first_ok_ns != SW_TIME_NONE &&
	    peer->first_ok_ns <= at_ns)
		contrast->same_end_before_ns = peer->first_ok_ns;
}

static bool same_prefix(const struct sw_ip *a, const struct sw_ip *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, a->family == 4 ? 3 : 8);
}

static void other_end(struct sw_contrast *contrast, const struct peer *peer, const struct sw_endpoint *end)
{
	uint32_t ok = peer->ok != 0, failed = !peer->ok && peer->failed;

	if (sw_ip_equal(&peer->end.ip, &end->ip)) {
		contrast->same_host_ok += peer->ok;
		if (peer->ok)
			contrast->same_host_end = peer->end;
		return;
	}
	if (sw_ip_is_loopback(&peer->end.ip))
		return; /* says nothing of the network */
	if (same_prefix(&peer->end.ip, &end->ip)) {
		contrast->same_prefix_ok += ok;
		contrast->same_prefix_failed += failed;
	} else {
		contrast->other_hosts_ok += ok;
		contrast->other_hosts_failed += failed;
	}
	if (peer->end.ip.family != end->ip.family)
		contrast->other_family_ok += peer->ok;
}

void sw_peers_contrast(const struct sw_peers *peers, const struct sw_flows *flows, const struct sw_addr *end,
		       int64_t at_ns, struct sw_contrast *contrast)
{
	struct peer *peer, *next;

	contrast->same_end_before_ns = contrast->same_end_after_ns = SW_TIME_NONE;
	if (!is_ip(end))
		return;
	contrast->same_host_heard = sw_flows_host_ttl(flows, &end->endpoint.ip) != 0;
	HASH_ITER (hh, peers->table, peer, next) {
		if (sw_endpoint_equal(&peer->end, &end->endpoint))
			same_end(contrast, peer, at_ns);
		else
			other_end(contrast, peer, &end->endpoint);
	}
}

static void add(struct sw_texts *texts, struct sw_arena *arena, char *text)
{
	char **items = sw_arena_alloc(arena, (texts->count + 1) * sizeof *items);

	if (texts->count)
		memcpy(items, texts->items, texts->count * sizeof *items);
	items[texts->count++] = text;
	texts->items = items;
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

void sw_peers_words(const struct sw_contrast *contrast, const struct sw_addr *end, struct sw_texts *texts,
		    struct sw_arena *arena)
{
	char text[SW_ADDR_TEXT];
	uint32_t hosts = contrast->same_prefix_ok + contrast->other_hosts_ok;

	if (!is_ip(end))
		return;
	if (contrast->same_end_ok)
		add(texts, arena,
		    sw_arena_format(arena, "%u other connection%s to %s could be made", contrast->same_end_ok,
				    plural(contrast->same_end_ok), sw_endpoint_text(&end->endpoint, text)));
	if (contrast->same_host_ok)
		add(texts, arena,
		    sw_arena_format(arena, "%s answered: host and path are up",
				    sw_endpoint_text(&contrast->same_host_end, text)));
	if (hosts)
		add(texts, arena, sw_arena_format(arena, "%u other host%s could be reached", hosts, plural(hosts)));
	if (!hosts && contrast->same_prefix_failed + contrast->other_hosts_failed)
		add(texts, arena,
		    sw_arena_format(arena, "no other host could be reached either (%u tried)",
				    contrast->same_prefix_failed + contrast->other_hosts_failed));
}
