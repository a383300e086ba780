/* See facts_kept.h. Knows nothing of flows and verdicts. */
#include "correlate/facts/facts_kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/search.h"

#define NEAR_NS (2 * SW_NS_PER_S)
#define KEPT 8192u /* of calls, and of the session; at some 700 bytes */
#define KEPT_FIRST 1024u /* of the session: how it was at its start */

static const char *const target_names[] = {"destination", "address", "path"};

/* FNV-1a; never 0. */
static uint32_t hash(const char *text)
{
	uint32_t sum = 2166136261u;

	for (; *text; text++)
		sum = (sum ^ (uint8_t)*text) * 16777619u;
	return sum ? sum : 1;
}

void sw_facts_kept_add(struct sw_facts_kept *facts, const struct sw_fact *fact)
{
	struct sw_fact_key *key;

	if (!fact->call && !fact->socket) {
		*SW_ARRAY_ADD(&facts->of_session) = sw_fact_copy(fact);
		return;
	}
	*SW_ARRAY_ADD(&facts->of_calls) = sw_fact_copy(fact);
	key = SW_ARRAY_ADD(&facts->keys);
	*key = (struct sw_fact_key){
		.time_ns = fact->time_ns, .call = fact->call, .socket = fact->socket, .pid = fact->pid};
	for (size_t i = 0; i < SW_COUNT(target_names); i++) {
		const char *text = sw_fact_text(fact, target_names[i]);

		key->words[i] = text ? hash(text) : 0;
	}
}

/* Those from `first` to `end` are forgotten. */
static void drop(struct sw_fact **items, size_t *count, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		free(items[i]);
	memmove(items + first, items + end, (*count - end) * sizeof *items);
	*count -= end - first;
}

void sw_facts_kept_forget(struct sw_facts_kept *facts)
{
	if (facts->of_calls.count > KEPT) {
		size_t quarter = facts->of_calls.count / 4;

		drop(facts->of_calls.items, &facts->of_calls.count, 0, quarter);
		facts->keys.count -= quarter;
		memmove(facts->keys.items, facts->keys.items + quarter, facts->keys.count * sizeof *facts->keys.items);
	}
	if (facts->of_session.count > KEPT)
		drop(facts->of_session.items, &facts->of_session.count, KEPT_FIRST,
		     KEPT_FIRST + facts->of_session.count / 4);
}

void sw_facts_kept_release(struct sw_facts_kept *facts)
{
	for (size_t i = 0; i < facts->of_calls.count; i++)
		free(facts->of_calls.items[i]);
	for (size_t i = 0; i < facts->of_session.count; i++)
		free(facts->of_session.items[i]);
	SW_ARRAY_RELEASE(&facts->of_calls);
	SW_ARRAY_RELEASE(&facts->keys);
	SW_ARRAY_RELEASE(&facts->of_session);
}

/* ---- looking -------------------------------------------------------------------------------------------------- */

struct target { /* as facts name it: with its port, and without */
	char texts[2][SW_ADDR_TEXT];
	uint32_t words[2]; /* 0: there is none */
};

static void target_init(struct target *target, const struct sw_addr *addr)
{
	*target = (struct target){0};
	if (!addr->present)
		return;
	sw_addr_text(addr, target->texts[0]);
	if (addr->family == AF_UNIX)
		snprintf(target->texts[1], sizeof target->texts[1], "%s%s", addr->abstract ? "@" : "", addr->path);
	else
		sw_ip_text(&addr->endpoint.ip, target->texts[1]);
	for (size_t i = 0; i < SW_COUNT(target->words); i++)
		target->words[i] = hash(target->texts[i]);
}

static bool names(const struct sw_fact *fact, const struct sw_fact_key *key, const struct target *target)
{
	for (size_t i = 0; i < SW_COUNT(key->words); i++) {
		for (size_t j = 0; key->words[i] && j < SW_COUNT(target->words); j++) {
			if (key->words[i] == target->words[j] &&
			    !strcmp(sw_fact_text(fact, target_names[i]), target->texts[j]))
				return true;
		}
	}
	return false;
}

static bool concerns(const struct sw_fact_key *key, const struct sw_debt *debt)
{
	if (key->call)
		return key->call == debt->opened_call || key->call == debt->surfaced_call ||
		       key->call == debt->last_call;
	return key->socket ? key->socket == debt->socket : key->pid == debt->pid;
}

const struct sw_fact **sw_facts_kept_about(const struct sw_facts_kept *facts, const struct sw_debt *debt,
					   const struct sw_addr *addr, int64_t end_ns, struct sw_arena *arena,
					   size_t *count)
{
	int64_t until_ns = (debt->ended_ns == SW_TIME_NONE ? end_ns : debt->ended_ns) + NEAR_NS;
	size_t first = SW_ARRAY_FIRST(&facts->keys, time_ns, debt->began_ns - NEAR_NS),
	       last = SW_ARRAY_FIRST(&facts->keys, time_ns, until_ns + 1);
	SW_ARRAY(const struct sw_fact *) found = {0};
	const struct sw_fact **list;
	struct target target;

	target_init(&target, addr);
	for (size_t i = first; i < last; i++) {
		const struct sw_fact *fact = facts->of_calls.items[i];

		if (concerns(&facts->keys.items[i], debt) || names(fact, &facts->keys.items[i], &target))
			*SW_ARRAY_ADD(&found) = fact;
	}
	*count = found.count + facts->of_session.count;
	list = sw_arena_alloc(arena, (*count + 1) * sizeof *list);
	if (found.count)
		memcpy(list, found.items, found.count * sizeof *list);
	if (facts->of_session.count)
		memcpy(list + found.count, facts->of_session.items, facts->of_session.count * sizeof *list);
	SW_ARRAY_RELEASE(&found);
	return list;
}
