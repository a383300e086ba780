/* See said.h. A terminal's view: a carriage return begins the line anew, escape sequences (ECMA-48) colour and are gone. */
#include "correlate/findings/said.h"

#include <string.h>
#include <uthash.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

#define PROCESSES_MAX 1024
#define LINES 32 /* of a process */
#define OLD_LINES 8 /* that complained, before those */
#define LINE_MAX 320 /* bytes; what is longer ends in dots */
/* What is said this long after is of something else, where a line before it names the failure. */
#define LATER_NS (2 * SW_NS_PER_S)
#define OPENING_MAX 40 /* bytes: longer than names are */

const char *const sw_said_tls_words[] = {"certificate", "SSL", "TLS", "x509", NULL};

enum state { PLAIN, ESCAPE, SEQUENCE, STRING, STRING_ESCAPE };

struct line {
	int64_t time_ns;
	char *text;
};

struct speaker {
	uint32_t pid;
	struct line lines[LINES]; /* a ring: line n is at n % LINES */
	size_t count; /* that were ended so far */
	struct line old[OLD_LINES]; /* a ring as well */
	size_t old_count;
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
	for (size_t i = 0; i < OLD_LINES; i++)
		free(speaker->old[i].text);
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

/* "curl: (60) ...", "Error: ...", "socket.gaierror: ...": programs put their name or the error's before what they complain of. */
static bool has_opening(const char *line)
{
	size_t length = strcspn(line, " :\"'`,;=<>");

	return length && length <= OPENING_MAX && line[length] == ':' && line[length + 1] == ' ';
}

static bool complains(const char *line)
{
	static const char *const complaints[] = {
		"error",     "fail",    "cannot", "can't",       "could not", "couldn't", "unable",    "refused",
		"timed out", "timeout", "denied", "unreachable", "reset",     "closed",   "not found", "expired",
		"invalid",   "alert",   "lost",   "abort",       "exception", "panic",    "fatal",     "unknown",
	};

	for (size_t i = 0; i < SW_COUNT(complaints); i++)
		if (strcasestr(line, complaints[i]))
			return true;
	return false;
}

/* "at java.net.Socket.connect(Socket.java:633)", "at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)": where it was,
 * not what; such lines come by the dozen and would crowd out the line that says what. */
static bool is_frame(const char *line)
{
	return !strncmp(line, "at ", 3) && (strchr(line, '(') || strchr(line, '/') || strstr(line, "node:"));
}

/* A dump of the program's state is long as well. */
static void make_old(struct speaker *speaker, struct line *line)
{
	if (line->text && (has_opening(line->text) || complains(line->text))) {
		struct line *old = &speaker->old[speaker->old_count++ % OLD_LINES];

		free(old->text);
		*old = *line;
		line->text = NULL;
	}
	free(line->text);
	line->text = NULL;
}

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
	speaker->text[speaker->length] = '\0';
	if (speaker->length && !is_frame(speaker->text)) {
		make_old(speaker, line);
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

#define CHOICES (OLD_LINES + LINES + 1)

struct choice {
	const char *lines[CHOICES];
	int64_t times[CHOICES];
	bool chosen[CHOICES];
	size_t count;
};

static void collect_ring(const struct line *ring, size_t length, size_t count, struct choice *choice)
{
	for (size_t i = count > length ? count - length : 0; i < count; i++) {
		choice->lines[choice->count] = ring[i % length].text;
		choice->times[choice->count++] = ring[i % length].time_ns;
	}
}

static void collect(const struct speaker *speaker, char *last, struct choice *choice)
{
	collect_ring(speaker->old, OLD_LINES, speaker->old_count, choice);
	collect_ring(speaker->lines, LINES, speaker->count, choice);
	if (!speaker->length)
		return;
	memcpy(last, speaker->text, speaker->length);
	last[speaker->length] = '\0';
	choice->lines[choice->count] = last;
	choice->times[choice->count++] = speaker->time_ns;
}

/* How many of the words are in it: a line with the errno's text and the address says more than one with the address alone. */
static unsigned words_in(const char *line, const char *const *words)
{
	unsigned count = 0;

	for (; *words; words++)
		count += **words && strcasestr(line, *words);
	return count;
}

static unsigned weight(const char *line, const char *const *words)
{
	return 4 * words_in(line, words) + has_opening(line) + complains(line);
}

static bool is_chosen(const struct choice *choice, const char *line)
{
	for (size_t i = 0; i < choice->count; i++)
		if (choice->chosen[i] && !strcmp(choice->lines[i], line))
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
		if (choice.times[i] >= since_ns && words_in(choice.lines[i], words))
			return true;
	}
	return false;
}

bool sw_said_complaint(const struct sw_said *said, uint32_t pid, int64_t since_ns, int64_t until_ns)
{
	const struct speaker *speaker = find(said, pid);
	struct choice choice = {.count = 0};
	char last[LINE_MAX + 4];

	if (speaker)
		collect(speaker, last, &choice);
	for (size_t i = 0; i < choice.count; i++) {
		if (choice.times[i] >= since_ns && choice.times[i] <= until_ns && complains(choice.lines[i]))
			return true;
	}
	return false;
}

/* Of those that weigh as much the last: a program that tries again says it again. SIZE_MAX: none has so many words. */
static size_t next_named(const struct choice *choice, int64_t since_ns, const char *const *words, unsigned least)
{
	size_t best = SIZE_MAX;
	unsigned most = 0;

	for (size_t i = 0; i < choice->count; i++) {
		const char *line = choice->lines[i];

		if (choice->times[i] < since_ns || words_in(line, words) < least || is_chosen(choice, line))
			continue;
		if (weight(line, words) >= most) {
			best = i;
			most = weight(line, words);
		}
	}
	return best;
}

/* The first line after it that reads more like a complaint than the last one does: advice often follows. */
static void choose_complaint(struct choice *choice, int64_t since_ns)
{
	const char *const no_words[] = {NULL};
	size_t last = choice->count - 1, best = last;

	for (size_t i = last; i--;) {
		unsigned least = weight(choice->lines[best], no_words) + (best == last);

		if (choice->times[i] >= since_ns && weight(choice->lines[i], no_words) >= least)
			best = i;
	}
	choice->chosen[best] = true;
}

static void choose(struct choice *choice, int64_t since_ns, const char *const *words)
{
	size_t last = choice->count - 1;
	int64_t named_ns = INT64_MIN;
	unsigned least = 1;

	for (size_t named = 0; named < SW_SAID_SHOWN - 1; named++) {
		size_t at = next_named(choice, since_ns, words, least);

		if (at == SIZE_MAX)
			break;
		choice->chosen[at] = true;
		least = words_in(choice->lines[at], words); /* one that says less adds nothing */
		named_ns = choice->times[at] > named_ns ? choice->times[at] : named_ns;
	}
	if (named_ns == INT64_MIN)
		choose_complaint(choice, since_ns);
	else if (choice->times[last] - named_ns >= LATER_NS)
		return;
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
	if (since_ns == SW_SAID_AT_THE_END)
		since_ns = choice.times[choice.count - 1] - LATER_NS;
	choose(&choice, since_ns, words);
	texts->items = sw_arena_alloc(arena, SW_SAID_SHOWN * sizeof *texts->items);
	for (size_t i = 0; i < choice.count && texts->count < SW_SAID_SHOWN; i++) {
		if (!choice.chosen[i] || (texts->count && !strcmp(texts->items[texts->count - 1], choice.lines[i])))
			continue;
		texts->items[texts->count++] = sw_arena_strdup(arena, choice.lines[i]);
	}
}
