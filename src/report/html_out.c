/* Escaping. See html_out.h. Cleaning before it: no control character, no text that shows itself as other text. */
#include "src/report/html_out.h"

#include <stdarg.h>
#include <stdlib.h>

#include "src/base/mem.h"
#include "src/report/clean.h"

static const char *reference(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void sw_html_text(FILE *out, const char *text)
{
	if (!text)
		return;
	sw_auto_free char *clean = sw_clean_terminal(text);

	for (const char *c = clean; *c; c++) {
		const char *escaped = reference(*c);

		if (escaped)
			fputs(escaped, out);
		else
			fputc(*c, out);
	}
}

void sw_html_format(FILE *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	sw_auto_free char *text = sw_format_list(format, arguments);
	va_end(arguments);
	sw_html_text(out, text);
}

void sw_html_element(FILE *out, const char *name, const char *class, const char *text)
{
	if (!text)
		return;
	if (class)
		fprintf(out, "<%s class=\"%s\">", name, class);
	else
		fprintf(out, "<%s>", name);
	sw_html_text(out, text);
	fprintf(out, "</%s>\n", name);
}

void sw_html_row(FILE *out, const char *label, const char *text)
{
	if (!text || !text[0])
		return;
	fputs("<dt>", out);
	sw_html_text(out, label);
	fputs("</dt><dd>", out);
	sw_html_text(out, text);
	fputs("</dd>\n", out);
}

void sw_html_json(FILE *out, const char *text)
{
	if (!text) {
		fputs("null", out);
		return;
	}
	sw_auto_free char *clean = sw_clean_terminal(text);

	fputc('"', out);
	for (const char *c = clean; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c == '<' || *c == '>' || *c == '&')
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}
