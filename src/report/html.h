/* Between the files of the HTML report: html.c fills the template, the others write its parts. */
#ifndef SW_REPORT_HTML_H
#define SW_REPORT_HTML_H

#include <stdio.h>

#include "src/report/context.h"

void sw_html_head(const struct sw_report_context *context, FILE *out); /* html_about.c: title, command, exit */
void sw_html_about(const struct sw_report_context *context, FILE *out);
void sw_html_foot(const struct sw_report_context *context, FILE *out);
void sw_html_title(const struct sw_report_context *context, FILE *out); /* of the window: escaped text */

void sw_html_findings(const struct sw_report_context *context, FILE *out); /* html_findings.c: list, then one by one */
/* html_finding.c */
void sw_html_finding(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out);
/* html_ladder.c */
void sw_html_ladder(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out);
/* html_evidence.c: what the ladder shows, as a table */
void sw_html_evidence(const struct sw_finding *finding, FILE *out);
void sw_html_parts(const struct sw_finding *finding, FILE *out); /* html_evidence.c: where the time went */

/* html_tables.c: the first lines for readers without JavaScript, and everything as data for those with it. */
void sw_html_flows(const struct sw_report_context *context, FILE *out);
void sw_html_flows_data(const struct sw_report_context *context, FILE *out);
void sw_html_timeline(const struct sw_report_context *context, FILE *out);
void sw_html_timeline_data(const struct sw_report_context *context, FILE *out);

const char *sw_html_kind(enum sw_evidence_kind kind); /* "call": as a word and as a class */

#endif
