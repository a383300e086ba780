/* A verdict explained without a finding: the row of its rule, as text for a reader and as JSON for a program. */
#ifndef SW_VERDICT_PAGE_H
#define SW_VERDICT_PAGE_H

#include <stdio.h>

#include "correlate/rules/rules.h"

void sw_verdict_page(const struct sw_rule *rule, FILE *out); /* everything, in full */
void sw_verdict_list(FILE *out); /* all, one a line, under the headings of the document */
void sw_verdict_json(const struct sw_rule *const *rules, size_t count, FILE *out);

/* A sentence of a rule with its facts as placeholders: "a RST from RST_SOURCE", "N SYNs". The caller frees; NULL for NULL. */
char *sw_verdict_text(const char *text);

#endif
