/* What the tool itself tried after the failure (--probe), in sentences.
 *
 * Enters: the facts probe-* of the context that concern this operation. Leaves: finding->tried. What rules make of them stands
 * in facts_probe.c. */
#include <string.h>

#include "correlate/findings/finding_internal.h"
#include "src/base/arena.h"
#include "src/base/clock.h"

#define TRIED_MAX 16

static char *path_sentence(const struct sw_fact *fact, struct sw_arena *arena)
{
	const char *destination = sw_fact_text(fact, "destination"), *answer = sw_fact_text(fact, "answer");
	const char *by = sw_fact_text(fact, "answer_by"), *hop = sw_fact_text(fact, "hop");
	char took[32];

	if (!answer || !strcmp(answer, "not asked"))
		return NULL;
	if (strcmp(answer, "silence") != 0)
		return sw_arena_format(arena, "a SYN to %s was answered with %s%s%s%s after %s", destination,
				       !strcmp(answer, "SYN-ACK") ? "a " :
				       !strcmp(answer, "RST")     ? "a " :
								    "an ",
				       answer, by ? " from " : "", by ? by : "",
				       sw_duration_text(sw_fact_number(fact, "answer_us", 0) * SW_NS_PER_US, took));
	if (!hop)
		return sw_arena_format(arena, "SYNs to %s with rising TTL: no router on the way answered", destination);
	return sw_arena_format(arena, "SYNs to %s with rising TTL: %s, %lld %s away, is the last that answered",
			       destination, hop, (long long)sw_fact_number(fact, "hop_ttl", 0),
			       sw_fact_number(fact, "hop_ttl", 0) == 1 ? "hop" : "hops");
}

static char *ping_sentence(const struct sw_fact *fact, struct sw_arena *arena)
{
	int64_t ping = sw_fact_number(fact, "ping", -1), distance = sw_fact_number(fact, "distance", -1);
	char took[32];

	if (ping < 0)
		return NULL;
	if (ping == 0)
		return sw_arena_strdup(arena, "a ping went unanswered too");
	sw_duration_text(sw_fact_number(fact, "ping_us", 0) * SW_NS_PER_US, took);
	return distance < 0 ? sw_arena_format(arena, "a ping came back after %s", took) :
			      sw_arena_format(arena, "a ping came back after %s, from %lld %s away", took,
					      (long long)distance, distance == 1 ? "hop" : "hops");
}

static char *size_sentence(const struct sw_fact *fact, struct sw_arena *arena)
{
	long long back = sw_fact_number(fact, "came_back", 0), silent = sw_fact_number(fact, "silent", 0);
	const char *by = sw_fact_text(fact, "too_big_by");

	if (!silent)
		return sw_arena_format(arena, "pings with DF of all sizes up to %lld bytes came back", back);
	if (!back)
		return sw_arena_strdup(arena, "pings with DF of no size came back");
	return by ? sw_arena_format(arena, "pings with DF of %lld bytes came back, of %lld %s said that it takes %lld",
				    back, silent, by, (long long)sw_fact_number(fact, "too_big_mtu", 0)) :
		    sw_arena_format(arena, "pings with DF of %lld bytes came back, of %lld they did not", back, silent);
}

static char *resolver_sentence(const struct sw_fact *fact, struct sw_arena *arena)
{
	const char *answer = sw_fact_text(fact, "answer"), *address = sw_fact_text(fact, "address");
	long long addresses = sw_fact_number(fact, "addresses", 0);

	if (!answer || !address)
		return NULL;
	if (!strcmp(answer, "silence"))
		return sw_arena_format(arena, "%s, asked for %s again, does not answer", address,
				       sw_fact_text(fact, "name"));
	if (addresses > 0)
		return sw_arena_format(arena, "%s, asked for %s again, gives %lld %s", address,
				       sw_fact_text(fact, "name"), addresses, addresses == 1 ? "address" : "addresses");
	return sw_arena_format(arena, "%s, asked for %s again, says %s%s", address, sw_fact_text(fact, "name"), answer,
			       strcmp(answer, "NOERROR") ? "" : ", and no address");
}

static char *address_sentence(const struct sw_fact *fact, struct sw_arena *arena)
{
	const char *name = sw_fact_text(fact, "name"), *other = sw_fact_text(fact, "other"),
		   *answer = sw_fact_text(fact, "answer");

	if (!name || !other || !answer || !strcmp(answer, "not asked"))
		return NULL;
	return sw_arena_format(arena, "%s is also %s, and a SYN to the same port there got %s%s", name, other,
			       !strcmp(answer, "SYN-ACK") || !strcmp(answer, "RST") ? "a " : "",
			       !strcmp(answer, "silence") ? "no answer" : answer);
}

static bool concerns(const struct sw_fact *fact, const struct sw_telling *telling)
{
	const struct sw_symptom_context *context = telling->context;
	const char *destination = sw_fact_text(fact, "destination"), *name = sw_fact_text(fact, "name");
	char target[SW_ADDR_TEXT];

	if (destination)
		return context->target && context->target->present &&
		       !strcmp(destination, sw_addr_text(context->target, target));
	return context->lookup && name && !strcmp(name, sw_lookup_name(context->lookup));
}

void sw_telling_tried(const struct sw_telling *telling, struct sw_finding *finding)
{
	static const struct {
		const char *kind;
		char *(*sentence)(const struct sw_fact *fact, struct sw_arena *arena);
	} rows[] = {
		{"probe-path", path_sentence},       {"probe-path", ping_sentence},
		{"probe-size", size_sentence},       {"probe-resolver", resolver_sentence},
		{"probe-address", address_sentence},
	};
	const struct sw_symptom_context *context = telling->context;
	struct sw_texts *tried = &finding->tried;

	for (size_t i = 0; i < context->fact_count; i++) {
		const struct sw_fact *fact = context->facts[i];

		for (size_t row = 0; row < SW_COUNT(rows); row++) {
			if (strcmp(fact->kind, rows[row].kind) != 0 || !concerns(fact, telling) ||
			    tried->count == TRIED_MAX)
				continue;
			char *sentence = rows[row].sentence(fact, telling->arena);
			if (!sentence)
				continue;
			if (!tried->items)
				tried->items = sw_arena_alloc(telling->arena, TRIED_MAX * sizeof *tried->items);
			tried->items[tried->count++] = sentence;
		}
	}
}
