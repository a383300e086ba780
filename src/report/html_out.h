/* How text gets into the page: cleaned, then escaped for the place where it stands. Everything that came from outside goes
 * through here; what else is printed are literals and numbers.
 *
 * Escaped for element content and quoted attribute values alike: & < > " ' are references. */
#ifndef SW_REPORT_HTML_OUT_H
#define SW_REPORT_HTML_OUT_H

#include <stdio.h>

void sw_html_text(FILE *out, const char *text); /* NULL: nothing */
/* the result is escaped */
void sw_html_format(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* <p class="cause">text</p>; class NULL: none. Nothing at all where text is NULL. `name` and `class` are ours. */
void sw_html_element(FILE *out, const char *name, const char *class, const char *text);
/* <dt>label</dt><dd>text</dd>; nothing where text is NULL or empty. */
void sw_html_row(FILE *out, const char *label, const char *text);
/* A string of JSON, with its quotes, that cannot end the <script> it stands in: no <, > or & appears in it. NULL: null. */
void sw_html_json(FILE *out, const char *text);

#endif
