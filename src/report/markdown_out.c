/* Escapes for Markdown (CommonMark 0.31, GitHub's additions). See markdown_out.h.
 *
 * References rather than backslashes for < and &: they hold in every renderer, and HTML must never get through. A mention
 * (@name) or an issue (#1) would notify or link somebody: the sign alone stands as code, which breaks it. */
#include "src/report/markdown_out.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "src/base/mem.h"
#include "src/report/clean.h"

/* What GitHub would make a link of, and so whoever chose the name: "http://", "www.". */
static bool begins_link(const char *text, const char *c)
{
	return (*c == ':' && c[1] == '/' && c[2] == '/') ||
	       (*c == '.' && c - text >= 3 && !strncasecmp(c - 3, "www", 3));
}

static void put_character(FILE *out, const char *text, const char *c)
{
	bool before = c > text && isalnum((unsigned char)c[-1]), after = isalnum((unsigned char)c[1]);

	if (*c == '<' || *c == '>')
		fputs(*c == '<' ? "&lt;" : "&gt;", out);
	else if (*c == '&')
		fputs("&amp;", out);
	else if ((*c == '@' || *c == '#') && after)
		fprintf(out, "`%c`", *c);
	else if (*c == '_' && before && after) /* SO_ERROR is no emphasis */
		fputc('_', out);
	else if (begins_link(text, c) || strchr("\\`*_[]|~#", *c))
		fprintf(out, "\\%c", *c);
	else
		fputc(*c, out);
}

void sw_markdown_text(FILE *out, const char *text)
{
	if (!text)
		return;
	sw_auto_free char *clean = sw_clean_terminal(text);

	for (const char *c = clean; *c; c++)
		put_character(out, clean, c);
}

static size_t longest_run(const char *text)
{
	size_t longest = 0, run = 0;

	for (; *text; text++) {
		run = *text == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void put_fence(FILE *out, size_t length)
{
	while (length--)
		fputc('`', out);
}

void sw_markdown_code(FILE *out, const char *text)
{
	sw_auto_free char *clean = sw_clean_terminal(text);
	size_t fence = longest_run(clean) + 1, length = strlen(clean);
	bool padded = length == 0 || clean[0] == '`' || clean[length - 1] == '`';

	put_fence(out, fence);
	fprintf(out, "%s%s%s", padded ? " " : "", clean, padded ? " " : "");
	put_fence(out, fence);
}

void sw_markdown_block(FILE *out, const char *lines)
{
	size_t longest = longest_run(lines);
	size_t fence = longest < 3 ? 3 : longest + 1;

	put_fence(out, fence);
	fprintf(out, "text\n%s", lines);
	put_fence(out, fence);
	fputs("\n\n", out);
}

void sw_markdown_item(FILE *out, const char *label, const char *text)
{
	if (!text || !text[0])
		return;
	fprintf(out, "- **%s:** ", label);
	sw_markdown_text(out, text);
	fputc('\n', out);
}
