/* The render functions, one file each; reached through the table in report.c. */
#ifndef SW_REPORT_RENDERERS_H
#define SW_REPORT_RENDERERS_H

#include "src/report/report.h"

int sw_render_text(const struct sw_report_context *context, FILE *out, struct sw_err *err); /* text.c */
int sw_render_json(const struct sw_report_context *context, FILE *out, struct sw_err *err); /* json.c */
int sw_render_html(const struct sw_report_context *context, FILE *out, struct sw_err *err); /* html.c */
int sw_render_markdown(const struct sw_report_context *context, FILE *out, struct sw_err *err); /* markdown.c */

#endif
