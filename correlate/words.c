/* See words.h. Written into a growing text, copied to the arena when it is whole. */
#include "correlate/words.h"

#include <stdio.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

#define ARTICLE "the|each"
#define ARTICLE_MARK '\001' /* no printable text has it */

struct place { /* one {name} or {name:noun} */
	const char *name, *noun;
	size_t name_length, noun_length;
	const char *end; /* behind the brace */
};

static bool place_parse(const char *text, struct place *place)
{
	const char *end = strchr(text, '}');
	const char *colon = end ? memchr(text, ':', (size_t)(end - text)) : NULL;

	if (!end)
		return false;
	*place = (struct place){.name = text + 1, .end = end + 1};
	place->name_length = (size_t)((colon ? colon : end) - place->name);
	if (colon) {
		place->noun = colon + 1;
		place->noun_length = (size_t)(end - place->noun);
	}
	return true;
}

/* How often it happened is known only when all of a finding has been seen: sw_words_article(). */
static bool is_article(const struct place *place)
{
	return place->name_length == sizeof ARTICLE - 1 && memcmp(place->name, ARTICLE, sizeof ARTICLE - 1) == 0;
}

static bool fill_place(FILE *out, const struct place *place, const struct sw_facts *facts, struct sw_arena *arena)
{
	enum sw_fact_id id = sw_fact_find(place->name, place->name_length);

	if (is_article(place)) {
		fputc(ARTICLE_MARK, out);
		return true;
	}
	const char *words = id == SW_FACT_COUNT ? NULL : sw_fact_words(facts, id, arena);

	if (!words)
		return false;
	sw_reads_mark(facts->reads, id);
	fputs(words, out);
	if (place->noun)
		fprintf(out, " %.*s%s", (int)place->noun_length, place->noun, strcmp(words, "1") == 0 ? "" : "s");
	return true;
}

static bool fill(FILE *out, const char *template, const struct sw_facts *facts, struct sw_arena *arena)
{
	struct place place;

	for (const char *c = template; *c;) {
		if (*c != '{') {
			fputc(*c++, out);
			continue;
		}
		if (!place_parse(c, &place) || !fill_place(out, &place, facts, arena))
			return false;
		c = place.end;
	}
	return true;
}

char *sw_words_fill(const char *template, const struct sw_facts *facts, struct sw_arena *arena)
{
	sw_auto_free char *text = NULL;
	size_t size = 0;

	if (!template)
		return NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	bool whole = fill(out, template, facts, arena);

	fclose(out);
	return whole ? sw_arena_strdup(arena, text) : NULL;
}

bool sw_words_check(const char *template)
{
	struct place place;

	for (const char *c = template; c && *c; c++) {
		if (*c != '{')
			continue;
		if (!place_parse(c, &place))
			return false;
		if (!is_article(&place) && sw_fact_find(place.name, place.name_length) == SW_FACT_COUNT)
			return false;
	}
	return true;
}

char *sw_words_article(const char *text, bool each, struct sw_arena *arena)
{
	sw_auto_free char *whole = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&whole, &size);

	if (!out)
		abort();
	for (const char *c = text; *c; c++) {
		if (*c == ARTICLE_MARK)
			fputs(each ? "each" : "the", out);
		else
			fputc(*c, out);
	}
	fclose(out);
	return sw_arena_strdup(arena, whole);
}
