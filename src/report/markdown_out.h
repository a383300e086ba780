/* How text gets into Markdown: cleaned, then escaped so that GitHub and Jira show it as it is. Knows nothing of reports. */
#ifndef SW_REPORT_MARKDOWN_OUT_H
#define SW_REPORT_MARKDOWN_OUT_H

#include <stdio.h>

void sw_markdown_text(FILE *out, const char *text); /* in a sentence, never at the start of a line; NULL: nothing */
void sw_markdown_code(FILE *out, const char *text); /* a code span */
/* A code block of lines separated by newlines (ours: those of hostile text are cleaned by who made the lines). */
void sw_markdown_block(FILE *out, const char *lines);
/* "- **label:** text"; nothing where text is NULL or empty. */
void sw_markdown_item(FILE *out, const char *label, const char *text);

#endif
