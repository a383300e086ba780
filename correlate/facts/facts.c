/* The registry of facts: names, kinds, words.
 *
 * Enters: gathered facts. Leaves: single values as fields of the report or as words for a sentence. Knows nothing of
 * what any fact means. */
#include "correlate/facts/facts.h"

#include <string.h>

#include "src/base/arena.h"

struct fact_row {
	const char *name;
	enum sw_fact_kind kind;
	size_t offset;
};

static const struct fact_row rows[SW_FACT_COUNT] = {
#define SW_FACT_ROW(KIND, name, comment) {#name, SW_FACT_KIND_##KIND, offsetof(struct sw_facts, name)},
	SW_FACT_TABLE(SW_FACT_ROW)
#undef SW_FACT_ROW
};

static const void *value(const struct sw_facts *facts, enum sw_fact_id id)
{
	return (const char *)facts + rows[id].offset;
}

enum sw_fact_kind sw_fact_kind(enum sw_fact_id id)
{
	return rows[id].kind;
}

enum sw_fact_id sw_fact_find(const char *name, size_t length)
{
	for (enum sw_fact_id id = 0; id < SW_FACT_COUNT; id++)
		if (strlen(rows[id].name) == length && memcmp(rows[id].name, name, length) == 0)
			return id;
	return SW_FACT_COUNT;
}

static int64_t number(const struct sw_facts *facts, enum sw_fact_id id)
{
	switch (rows[id].kind) {
	case SW_FACT_KIND_FLAG: return *(const bool *)value(facts, id);
	case SW_FACT_KIND_SEEN: return ((const struct sw_seen *)value(facts, id))->packet;
	case SW_FACT_KIND_TEXT: return -1;
	default: return *(const int64_t *)value(facts, id);
	}
}

bool sw_fact_known(const struct sw_facts *facts, enum sw_fact_id id)
{
	switch (rows[id].kind) {
	case SW_FACT_KIND_FLAG: return true;
	case SW_FACT_KIND_SEEN: return number(facts, id) != 0;
	case SW_FACT_KIND_TEXT: return *(const char *const *)value(facts, id) != NULL;
	case SW_FACT_KIND_ERRNO: return number(facts, id) > 0;
	default: return number(facts, id) != -1;
	}
}

struct sw_field sw_fact_as_field(const struct sw_facts *facts, enum sw_fact_id id)
{
	struct sw_field field = {.name = rows[id].name, .number = number(facts, id)};

	if (rows[id].kind == SW_FACT_KIND_TEXT)
		field.text = *(const char *const *)value(facts, id);
	return field;
}

const char *sw_fact_words(const struct sw_facts *facts, enum sw_fact_id id, struct sw_arena *arena)
{
	char buffer[64];

	if (!sw_fact_known(facts, id))
		return NULL;
	switch (rows[id].kind) {
	case SW_FACT_KIND_TEXT: return *(const char *const *)value(facts, id);
	case SW_FACT_KIND_NS: return sw_arena_strdup(arena, sw_duration_text(number(facts, id), buffer));
	case SW_FACT_KIND_FLAG: return number(facts, id) ? "yes" : "no";
	case SW_FACT_KIND_SEEN: return sw_arena_format(arena, "#%lld", (long long)number(facts, id));
	default: return sw_arena_format(arena, "%lld", (long long)number(facts, id));
	}
}

/* Everything starts as unknown, so that a section need only set what it knows. */
static void forget_all(struct sw_facts *facts)
{
	memset(facts, 0, sizeof *facts);
	for (enum sw_fact_id id = 0; id < SW_FACT_COUNT; id++) {
		enum sw_fact_kind kind = rows[id].kind;

		if (kind != SW_FACT_KIND_FLAG && kind != SW_FACT_KIND_TEXT && kind != SW_FACT_KIND_SEEN)
			*(int64_t *)(void *)((char *)facts + rows[id].offset) = -1;
	}
}

void sw_facts_gather(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	forget_all(facts);
	sw_facts_of_calls(facts, context, arena);
	sw_facts_of_kernel(facts, context, arena);
	sw_facts_of_probe(facts, context);
	sw_facts_of_packets(facts, context, arena);
	sw_facts_of_stream(facts, context);
	sw_facts_of_answer(facts, context, arena);
	sw_facts_of_dns(facts, context, arena);
	sw_facts_of_tls(facts, context, arena);
	sw_facts_of_serve(facts, context, arena);
	sw_facts_of_places(facts, context, arena);
}
