/* Between the files of the text report: text.c has the order, text_finding.c one finding, text_end.c what stands below. */
#ifndef SW_REPORT_TEXT_H
#define SW_REPORT_TEXT_H

#include "src/report/context.h"
#include "src/report/page.h"
#include "src/report/report.h"

void sw_text_finding(const struct sw_page *page, const struct sw_report_context *context,
		     const struct sw_finding *finding);
void sw_text_finding_brief(const struct sw_page *page, const struct sw_report_context *context,
			   const struct sw_finding *finding); /* three lines */
/* one line, with the verdict */
void sw_text_finding_line(const struct sw_page *page, const struct sw_finding *finding);

void sw_text_evidence(const struct sw_page *page, const struct sw_finding *finding, bool all); /* text_evidence.c */
/* The operations of a slow finding, with the parts of their time; false: there is no more than one. */
bool sw_text_time(const struct sw_page *page, const struct sw_finding *finding);
void sw_text_stack(const struct sw_page *page, const struct sw_symptom *symptom);
void sw_text_timeline(const struct sw_page *page, const struct sw_report_context *context);

void sw_text_said(const struct sw_page *page, const struct sw_texts *said); /* what it wrote to standard error */
/* "CLEAN  ..." or "BLIND  ..." */
void sw_text_clean(const struct sw_page *page, const struct sw_report_context *context);
void sw_text_limits(const struct sw_page *page, const struct sw_report *report);
void sw_text_watched(const struct sw_page *page, const struct sw_report *report); /* the last line */

#endif
