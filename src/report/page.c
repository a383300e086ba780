/* Wrapping, label columns, right margins and colours. See page.h. */
#include "src/report/page.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/clean.h"

#define GLUED_WORD 5

/* SGR parameters that are readable on dark and on light terminals (ECMA-48 8.3.117). */
static const char *const styles[] = {
	[SW_STYLE_PLAIN] = "",        [SW_STYLE_BAD] = "\x1b[1;31m", [SW_STYLE_SLOW] = "\x1b[1;33m",
	[SW_STYLE_GOOD] = "\x1b[32m", [SW_STYLE_STRONG] = "\x1b[1m", [SW_STYLE_FAINT] = "\x1b[2m",
};

static void put_styled(const struct sw_page *page, enum sw_style style, const char *text, size_t length)
{
	bool styled = page->colour && style != SW_STYLE_PLAIN && length > 0;

	if (styled)
		fputs(styles[style], page->out);
	fwrite(text, 1, length, page->out);
	if (styled)
		fputs("\x1b[0m", page->out);
}

static void put_blanks(const struct sw_page *page, size_t count)
{
	fprintf(page->out, "%*s", (int)count, "");
}

static size_t columns_of(const char *text, size_t length)
{
	size_t columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static bool is_unit(const char *word)
{
	static const char *const units[] = {"ns", "us", "ms", "s", "min", "h", "d", "bytes"};
	size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < SW_COUNT(units); i++)
		if (strlen(units[i]) == length && memcmp(word, units[i], length) == 0)
			return true;
	return false;
}

/* No line is broken between a number and its unit, or a short word and its number: "5.0 s", "ttl 63", "last 20:58:11Z". */
static bool glued(const char *text, size_t blank)
{
	const char *next = text + blank + 1;
	size_t word = 0;

	if (blank > 0 && isdigit((unsigned char)text[blank - 1]))
		return is_unit(next);
	while (word < blank && islower((unsigned char)text[blank - 1 - word]))
		word++;
	return isdigit((unsigned char)*next) && word > 0 && word <= GLUED_WORD &&
	       (word == blank || text[blank - 1 - word] == ' ');
}

/* Bytes of `text` that go on a line of `room` columns: up to a blank, or one whole word where even that is too long. */
static size_t line_length(const char *text, size_t room)
{
	size_t best = 0;

	for (size_t end = 0;; end++) {
		if (text[end] && (text[end] != ' ' || glued(text, end)))
			continue;
		if (columns_of(text, end) > room)
			return best ? best : end;
		if (end > 0 && text[end - 1] != ' ')
			best = end;
		if (!text[end])
			return end;
	}
}

static void put_note(const struct sw_page *page, const char *note, size_t column)
{
	size_t columns = sw_clean_columns(note);

	if (column + 2 + columns > page->width) {
		fputc('\n', page->out);
		column = 0;
	}
	if (column + columns < page->width)
		put_blanks(page, page->width - column - columns);
	put_styled(page, SW_STYLE_FAINT, note, strlen(note));
}

void sw_page_put(const struct sw_page *page, const struct sw_paragraph *paragraph)
{
	if (!paragraph->text)
		return;

	sw_auto_free char *clean = sw_clean_terminal(paragraph->text);
	sw_auto_free char *label = sw_clean_terminal(paragraph->label);
	size_t start = page->indent + page->label_width, column = start;
	const char *text = clean;

	put_blanks(page, page->indent);
	put_styled(page, paragraph->label_style, label, strlen(label));
	if (sw_clean_columns(label) >= page->label_width && page->label_width > 0)
		column = page->indent + sw_clean_columns(label) + 1;
	put_blanks(page, column - page->indent - sw_clean_columns(label));
	for (;;) {
		size_t room = page->width > column ? page->width - column : 1;
		size_t length = paragraph->whole ? strlen(text) : line_length(text, room);

		put_styled(page, paragraph->style, text, length);
		column += columns_of(text, length);
		text += length + strspn(text + length, " ");
		if (!*text)
			break;
		column = start + paragraph->hang;
		fputc('\n', page->out);
		put_blanks(page, column);
	}
	if (paragraph->note) {
		sw_auto_free char *note = sw_clean_terminal(paragraph->note);

		put_note(page, note, column);
	}
	fputc('\n', page->out);
}

/* Bytes of the command that go on a line of `room` columns, the blank behind them left out: the whole, or up to a blank that stands in no
 * quotes, behind | or ; if it can be. 0: it cannot be broken there. */
static size_t command_length(const char *command, size_t room, bool *joined)
{
	size_t best = 0, between = 0;
	char quote = 0;

	*joined = true;
	if (columns_of(command, strlen(command)) <= room)
		return strlen(command);
	for (size_t at = 0; command[at] && columns_of(command, at) <= room; at++) {
		if (quote ? command[at] == quote : command[at] == '\'' || command[at] == '"')
			quote = quote ? 0 : command[at];
		if (quote || command[at] != ' ' || at == 0)
			continue;
		if (strchr("|;", command[at - 1]))
			between = at;
		else if (columns_of(command, at) + 2 <= room)
			best = at;
	}
	*joined = between > 0;
	return between ? between : best;
}

void sw_page_command(const struct sw_page *page, const char *label, const char *before, const char *command,
		     enum sw_style style)
{
	size_t room = page->width - page->indent - page->label_width, used = strlen(before);
	sw_auto_free char *clean = sw_clean_terminal(command);
	const char *rest = clean;

	for (bool first = true; *rest; first = false) {
		bool joined = true;
		size_t length = room > used ? command_length(rest, room - used, &joined) : 0;

		length = length ? length : strlen(rest);
		joined |= rest[length] == '\0';
		sw_auto_free char *line =
			sw_format("%s%.*s%s", first ? before : "    ", (int)length, rest, joined ? "" : " \\");

		sw_page_put(page, &(struct sw_paragraph){
					  .label = first ? label : NULL, .text = line, .whole = true, .style = style});
		rest += length + strspn(rest + length, " ");
		used = strlen("    ");
	}
}

void sw_page_line(const struct sw_page *page, const char *label, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	sw_auto_free char *text = sw_format_list(format, arguments);
	va_end(arguments);
	sw_page_put(page, &(struct sw_paragraph){.label = label, .text = text});
}
