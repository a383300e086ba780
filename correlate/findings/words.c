/* See words.h. Written into a growing text, copied to the arena when it is whole. */
#include "correlate/findings/words.h"

#include <stdio.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

#define ARTICLE "the|each"
#define ARTICLE_MARK '\001' /* no printable text has it */
#define ITS_PID "its_pid"
/* What no shell takes for anything but itself, wherever it stands in a word. */
#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:%@+=,-"

enum manner { IN_TEXT, IN_COMMAND, IN_QUOTES /* of a command */ };

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

static bool is_its_pid(const struct place *place)
{
	return place->name_length == sizeof ITS_PID - 1 && memcmp(place->name, ITS_PID, sizeof ITS_PID - 1) == 0;
}

/* Names and paths are whoever's who made them: in a command that somebody will paste they are words, never shell. False: one that would be
 * taken for an option. */
static bool put_words(FILE *out, const char *words, enum manner manner)
{
	bool plain = manner == IN_TEXT || (manner == IN_COMMAND && words[0] && !words[strspn(words, PLAIN)]);

	if (manner != IN_TEXT && words[0] == '-')
		return false;
	if (manner == IN_COMMAND && !plain)
		fputc('\'', out);
	for (const char *c = words; *c; c++)
		if (*c == '\'' && !plain)
			fputs("'\\''", out);
		else
			fputc(*c, out);
	if (manner == IN_COMMAND && !plain)
		fputc('\'', out);
	return true;
}

/* The process that failed has ended more often than not: the next one of its name is meant then. */
static bool put_its_pid(FILE *out, const struct sw_facts *facts)
{
	if (facts->runs_on && facts->pid > 0)
		return fprintf(out, "%lld", (long long)facts->pid) > 0;
	if (!facts->comm)
		return fputs("PID", out) >= 0;
	fputs("$(pgrep -nx ", out);
	bool done = put_words(out, facts->comm, IN_COMMAND);
	fputc(')', out);
	return done;
}

static bool fill_place(FILE *out, const struct place *place, const struct sw_facts *facts, struct sw_arena *arena,
		       enum manner manner)
{
	enum sw_fact_id id = sw_fact_find(place->name, place->name_length);

	if (is_article(place)) {
		fputc(ARTICLE_MARK, out);
		return true;
	}
	if (is_its_pid(place))
		return put_its_pid(out, facts);
	const char *words = id == SW_FACT_COUNT ? NULL : sw_fact_words(facts, id, arena);

	bool once = words && place->noun_length == 4 && memcmp(place->noun, "time", 4) == 0 && !strcmp(words, "1");

	if (!words || !put_words(out, once ? "once" : words, manner))
		return false;
	sw_reads_mark(facts->reads, id);
	if (place->noun && !once)
		fprintf(out, " %.*s%s", (int)place->noun_length, place->noun, strcmp(words, "1") == 0 ? "" : "s");
	return true;
}

static bool fill(FILE *out, const char *template, const struct sw_facts *facts, struct sw_arena *arena,
		 enum manner manner)
{
	struct place place;

	for (const char *c = template; *c;) {
		if (*c == '\'' && manner != IN_TEXT)
			manner = manner == IN_QUOTES ? IN_COMMAND : IN_QUOTES;
		if (*c != '{') {
			fputc(*c++, out);
			continue;
		}
		if (!place_parse(c, &place) || !fill_place(out, &place, facts, arena, manner))
			return false;
		c = place.end;
	}
	return true;
}

static char *filled(const char *template, const struct sw_facts *facts, struct sw_arena *arena, enum manner manner)
{
	sw_auto_free char *text = NULL;
	size_t size = 0;

	if (!template)
		return NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	bool whole = fill(out, template, facts, arena, manner);

	fclose(out);
	return whole ? sw_arena_strdup(arena, text) : NULL;
}

char *sw_words_fill(const char *template, const struct sw_facts *facts, struct sw_arena *arena)
{
	return filled(template, facts, arena, IN_TEXT);
}

char *sw_words_command(const char *template, const struct sw_facts *facts, struct sw_arena *arena)
{
	return filled(template, facts, arena, IN_COMMAND);
}

bool sw_words_check(const char *template)
{
	struct place place;

	for (const char *c = template; c && *c; c++) {
		if (*c != '{')
			continue;
		if (!place_parse(c, &place))
			return false;
		if (!is_article(&place) && !is_its_pid(&place) &&
		    sw_fact_find(place.name, place.name_length) == SW_FACT_COUNT)
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
