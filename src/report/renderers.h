/* The render functions, one file each; reached through the table in report.c. */
#ifndef SW_REPORT_RENDERERS_H
#define SW_REPORT_RENDERERS_H

#include "src/report/report.h"

int sw_render_text(const struct sw_report_context *context, FILE *out, struct sw_err *err); /* text.c */
int sw_render_json(const struct sw_report_context *context, FILE *out, struct sw_err *err); /* json.c */

#endif
