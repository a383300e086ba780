/* Names of code that was made at run time, from the file that its maker writes for perf(1).
 *
 * Enters: /tmp/perf-PID.map, open; addresses. Leaves: functions, and file and line where the maker's way of writing has them (python3 -X
 * perf, node --perf-basic-prof, java with jcmd PID Compiler.perfmap). The file is hostile: so much of it is read and no more, a line that
 * is too long or no line at all is passed over. Source: tools/perf/Documentation/jit-interface.txt of the kernel: "START SIZE symbol". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/stack/frame_names.h"

#define MAP_MAX ((size_t)64 << 20)
#define CODES_MAX ((size_t)1 << 20)

struct code {
	uint64_t start, size;
	const char *symbol;
};

struct sw_jit {
	char *text;
	SW_ARRAY(struct code) codes; /* in the file's order */
};

static void copy(char *to, size_t size, const char *from, size_t length)
{
	length = length < size ? length : size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "py::Client.fetch:/srv/app.py" */
static void python(const char *symbol, struct sw_frame_answer *answer)
{
	const char *colon = strchr(symbol, ':');

	copy(answer->function, sizeof answer->function, symbol, colon ? (size_t)(colon - symbol) : strlen(symbol));
	if (colon)
		copy(answer->file, sizeof answer->file, base_of(colon + 1), strlen(base_of(colon + 1)));
}

/* Where "/srv/app.js:12:5" has its first number, from the end; NULL: it has none. */
static const char *line_of(const char *place)
{
	const char *at = place + strlen(place);

	for (int numbers = 0; numbers < 2; numbers++) {
		const char *end = at;

		while (at > place && isdigit((unsigned char)at[-1]))
			at--;
		if (at == end || at == place || *--at != ':')
			return NULL;
	}
	return at + 1;
}

/* "JS:*fetch /srv/app.js:12:5": behind the kind how well it was compiled, one of ~ ^ + *. */
static bool javascript(const char *symbol, struct sw_frame_answer *answer)
{
	const char *colon = strchr(symbol, ':');
	const char *blank = colon && colon[1] && strchr("~^+*", colon[1]) ? strchr(colon, ' ') : NULL;
	const char *line = blank ? line_of(blank + 1) : NULL;

	if (!line)
		return false;
	const char *file = base_of(blank + 1);

	copy(answer->function, sizeof answer->function, colon + 2, (size_t)(blank - colon) - 2);
	if (!answer->function[0])
		strcpy(answer->function, "(anonymous)");
	if (file < line)
		copy(answer->file, sizeof answer->file, file, (size_t)(line - file) - 1);
	answer->line = (uint32_t)strtoul(line, NULL, 10);
	return true;
}

static void tell(const char *symbol, struct sw_frame_answer *answer)
{
	if (!strncmp(symbol, "py::", 4))
		python(symbol + 4, answer);
	else if (!javascript(symbol, answer))
		copy(answer->function, sizeof answer->function, symbol, strlen(symbol));
}

/* A line that begins with two numbers in base 16; the symbol behind them. */
static const char *parse(const char *line, uint64_t *start, uint64_t *size)
{
	char *end, *behind;

	if (!isxdigit((unsigned char)*line))
		return NULL;
	*start = strtoull(line, &end, 16);
	if (*end != ' ' || !isxdigit((unsigned char)end[1]))
		return NULL;
	*size = strtoull(end + 1, &behind, 16);
	return *behind == ' ' && behind[1] ? behind + 1 : NULL;
}

static char *read_text(int fd, size_t *length)
{
	size_t room = 1 << 16;
	char *text = sw_alloc(room + 1);

	*length = 0;
	for (ssize_t got; *length < MAP_MAX && (got = pread(fd, text + *length, room - *length, (off_t)*length)) > 0;) {
		*length += (size_t)got;
		if (*length == room)
			text = sw_realloc(text, (room *= 2) + 1);
	}
	text[*length] = '\0';
	return text;
}

struct sw_jit *sw_jit_open(int fd)
{
	struct sw_jit *jit = sw_alloc(sizeof *jit);
	size_t length;

	jit->text = read_text(fd, &length);
	for (char *line = jit->text, *end; (end = memchr(line, '\n', (size_t)(jit->text + length - line)));
	     line = end + 1) {
		struct code code;

		*end = '\0';
		code.symbol = parse(line, &code.start, &code.size);
		if (code.symbol && jit->codes.count < CODES_MAX)
			*SW_ARRAY_ADD(&jit->codes) = code;
	}
	return jit;
}

void sw_jit_free(struct sw_jit *jit)
{
	if (!jit)
		return;
	SW_ARRAY_RELEASE(&jit->codes);
	free(jit->text);
	free(jit);
}

/* The last line that has the address: memory is used again for other code. */
bool sw_jit_ask(const struct sw_jit *jit, uint64_t address, struct sw_frame_answer *answer)
{
	for (size_t i = jit->codes.count; i--;) {
		const struct code *code = &jit->codes.items[i];

		if (address < code->start || address - code->start >= code->size)
			continue;
		answer->within = address - code->start;
		tell(code->symbol, answer);
		return true;
	}
	return false;
}
