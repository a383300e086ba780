/* See said.h. A terminal's view: a carriage return begins the line anew, escape sequences (ECMA-48) colour and are gone. */
#include "correlate/said.h"

#include <string.h>
#include <uthash.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

#define PROCESSES_MAX 1024
#define LINES 32 /* of a process */
#define LINE_MAX 320 /* bytes; what is longer ends in dots */
/* What is said this long after is of something else, where a line before it names the failure. */
#define LATER_NS (2 * SW_NS_PER_S)

enum state { PLAIN, ESCAPE, SEQUENCE, STRING, STRING_ESCAPE };

struct line {
	int64_t time_ns;
	char *text;
};

struct speaker {
	uint32_t pid;
	struct line lines[LINES]; /* a ring: line n is at n % LINES */
	size_t count; /* that were ended so far */
	enum state state;
	bool returned; /* a carriage return: what comes next overwrites the line */
	size_t length; /* of the line that has not ended */
	bool longer;
	int64_t time_ns;
	char text[LINE_MAX + 4];
	UT_hash_handle hh;
};

struct sw_said {
	struct speaker *speakers; /* in the order of their first word */
};

struct sw_said *sw_said_new(void)
{
	return sw_alloc(sizeof(struct sw_said));
}

static void forget(struct sw_said *said, struct speaker *speaker)
{
	HASH_DEL(said->speakers, speaker);
	for (size_t i = 0; i < LINES; i++)
		free(speaker->lines[i].text);
	free(speaker);
}

void sw_said_free(struct sw_said *said)
{
	struct speaker *speaker, *next;

	if (!said)
		return;
	HASH_ITER (hh, said->speakers, speaker, next)
		forget(said, speaker);
	free(said);
}

/* ---- from bytes to lines -------------------------------------------------------------------------------------------- */

static void end_line(struct speaker *speaker)
{
	struct line *line = &speaker->lines[speaker->count % LINES];

	while (speaker->length && speaker->text[speaker->length - 1] == ' ')
		speaker->length--;
	if (speaker->longer) {
		/* Not in the middle of a character (RFC 3629). */
		while (speaker->length && ((unsigned char)speaker->text[speaker->length - 1] & 0xc0) == 0x80)
			speaker->length--;
		if (speaker->length && (unsigned char)speaker->text[speaker->length - 1] >= 0xc0)
			speaker->length--;
		memcpy(speaker->text + speaker->length, "...", 3);
		speaker->length += 3;
	}
	if (speaker->length) {
		free(line->text);
		line->text = sw_strndup(speaker->text, speaker->length);
		line->time_ns = speaker->time_ns;
		speaker->count++;
	}
	speaker->length = 0;
	speaker->longer = speaker->returned = false;
}

static void add(struct speaker *speaker, char byte)
{
	if (speaker->returned)
		speaker->length = 0;
	speaker->returned = false;
	if (byte == ' ' && !speaker->length)
		return;
	if (speaker->length < LINE_MAX)
		speaker->text[speaker->length++] = byte;
	else
		speaker->longer = true;
}

static void plain(struct speaker *speaker, char byte)
{
	switch (byte) {
	case '\n': end_line(speaker); break;
	case '\r': speaker->returned = true; break;
	case '\b': speaker->length -= speaker->length > 0; break;
	case '\t': add(speaker, ' '); break;
	case 0x1b: speaker->state = ESCAPE; break;
	default:
		if ((unsigned char)byte >= 0x20 && byte != 0x7f)
			add(speaker, byte);
	}
}

static void take(struct speaker *speaker, char byte)
{
	switch (speaker->state) {
	case PLAIN: plain(speaker, byte); break;
	case ESCAPE: speaker->state = byte == '[' ? SEQUENCE : strchr("]PX^_", byte) ? STRING : PLAIN; break;
	case SEQUENCE:
		if (byte >= 0x40 && byte <= 0x7e)
			speaker->state = PLAIN;
		else if (byte == '\n')
			speaker->state = PLAIN, end_line(speaker);
		break;
	case STRING:
		if (byte == 0x07)
			speaker->state = PLAIN;
		else if (byte == 0x1b)
			speaker->state = STRING_ESCAPE;
		else if (byte == '\n') /* never ended: not the rest of what is said, too */
			speaker->state = PLAIN;
		break;
	case STRING_ESCAPE: speaker->state = PLAIN; break;
	}
}

void sw_said_fact(struct sw_said *said, const struct sw_fact *fact)
{
	const char *text = sw_fact_text(fact, "text");
	struct speaker *speaker;

	if (!text)
		return;
	HASH_FIND(hh, said->speakers, &fact->pid, sizeof fact->pid, speaker);
	if (!speaker) {
		if (HASH_COUNT(said->speakers) >= PROCESSES_MAX)
			forget(said, said->speakers);
		speaker = sw_alloc(sizeof *speaker);
		speaker->pid = fact->pid;
		HASH_ADD(hh, said->speakers, pid, sizeof speaker->pid, speaker);
	}
	if (sw_fact_number(fact, "cut", 0)) { /* the middle of a line is no line */
		end_line(speaker);
		speaker->state = PLAIN;
		const char *whole = strchr(text, '\n');
		text = whole && whole[1] ? whole + 1 : text;
	}
	speaker->time_ns = fact->time_ns;
	for (; *text; text++)
		take(speaker, *text);
}

/* ---- what is worth showing ------------------------------------------------------------------------------------------ */

static const struct speaker *find(const struct sw_said *said, uint32_t pid)
{
	struct speaker *speaker;

	HASH_FIND(hh, said->speakers, &pid, sizeof pid, speaker);
	return speaker;
}

bool sw_said_since(const struct sw_said *said, uint32_t pid, int64_t since_ns)
{
	const struct speaker *speaker = find(said, pid);

	return speaker && speaker->time_ns >= since_ns && (speaker->count || speaker->length);
}

struct choice {
	const char *lines[LINES + 1];
	int64_t times[LINES + 1];
	bool chosen[LINES + 1];
	size_t count;
};

static void collect(const struct speaker *speaker, char *last, struct choice *choice)
{
	size_t first = speaker->count > LINES ? speaker->count - LINES : 0;

	for (size_t i = first; i < speaker->count; i++) {
		choice->lines[choice->count] = speaker->lines[i % LINES].text;
		choice->times[choice->count++] = speaker->lines[i % LINES].time_ns;
	}
	if (!speaker->length)
		return;
	memcpy(last, speaker->text, speaker->length);
	last[speaker->length] = '\0';
	choice->lines[choice->count] = last;
	choice->times[choice->count++] = speaker->time_ns;
}

static bool has_word(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (**words && strcasestr(line, *words))
			return true;
	return false;
}

bool sw_said_of(const struct sw_said *said, uint32_t pid, int64_t since_ns, const char *const *words)
{
	const struct speaker *speaker = find(said, pid);
	struct choice choice = {.count = 0};
	char last[LINE_MAX + 4];

	if (speaker)
		collect(speaker, last, &choice);
	for (size_t i = 0; i < choice.count; i++) {
		if (choice.times[i] >= since_ns && has_word(choice.lines[i], words))
			return true;
	}
	return false;
}

static void choose(struct choice *choice, int64_t since_ns, const char *const *words)
{
	size_t named = 0, last = choice->count - 1;
	int64_t named_ns = 0;

	for (size_t i = choice->count; i-- && named < SW_SAID_SHOWN - 1;) {
		if (choice->times[i] < since_ns || !has_word(choice->lines[i], words))
			continue;
		choice->chosen[i] = true;
		named_ns = choice->times[i] > named_ns ? choice->times[i] : named_ns;
		named++;
	}
	if (!named || choice->times[last] - named_ns < LATER_NS)
		choice->chosen[last] = true;
}

void sw_said_tell(const struct sw_said *said, uint32_t pid, int64_t since_ns, const char *const *words,
		  struct sw_texts *texts, struct sw_arena *arena)
{
	const struct speaker *speaker = find(said, pid);
	struct choice choice = {.count = 0};
	char last[LINE_MAX + 4];

	if (!speaker)
		return;
	collect(speaker, last, &choice);
	if (!choice.count)
		return;
	choose(&choice, since_ns, words);
	texts->items = sw_arena_alloc(arena, SW_SAID_SHOWN * sizeof *texts->items);
	for (size_t i = 0; i < choice.count && texts->count < SW_SAID_SHOWN; i++) {
		if (!choice.chosen[i] || (texts->count && !strcmp(texts->items[texts->count - 1], choice.lines[i])))
			continue;
		texts->items[texts->count++] = sw_arena_strdup(arena, choice.lines[i]);
	}
}
