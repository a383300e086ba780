/* The page: where text stands in a line of limited width. Enters: raw text. Leaves: cleaned, wrapped lines on a stream.
 *
 * A paragraph has a label column, text that is wrapped at blanks with its continuation below its beginning, and a note at the
 * right margin of its last line (on a line of its own where there is no room). Knows nothing of reports. */
#ifndef SW_REPORT_PAGE_H
#define SW_REPORT_PAGE_H

#include <stdbool.h>
#include <stdio.h>

enum sw_style { SW_STYLE_PLAIN, SW_STYLE_BAD, SW_STYLE_SLOW, SW_STYLE_GOOD, SW_STYLE_STRONG, SW_STYLE_FAINT };

struct sw_page {
	FILE *out;
	unsigned width; /* columns */
	bool colour;
	unsigned indent; /* columns before the label */
	unsigned label_width; /* columns of the label, blanks included */
};

struct sw_paragraph {
	const char *label; /* NULL: none, the column stays empty */
	const char *text; /* NULL: nothing is printed at all */
	const char *note; /* NULL: none */
	unsigned hang; /* columns by which continuation lines stand further right */
	bool whole; /* never broken: a command that is to be copied */
	enum sw_style label_style, style;
};

void sw_page_put(const struct sw_page *page, const struct sw_paragraph *paragraph);
/* A command line that is to be copied: where it does not fit it goes on behind a | or a ; or a backslash, as a shell reads it. `before`
 * stands in front of it. */
void sw_page_command(const struct sw_page *page, const char *label, const char *before, const char *command,
		     enum sw_style style);
/* The usual case: a label and formatted text. */
void sw_page_line(const struct sw_page *page, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
