/* All findings: an overview with links where there are several, then each; notes folded away below the others. */
#include "src/report/headline.h"
#include "src/report/html.h"
#include "src/report/html_out.h"
#include "src/report/report.h"
#include "src/report/words.h"

#include "src/base/mem.h"

static size_t count_notes(const struct sw_report *report)
{
	size_t notes = 0;

	for (size_t i = 0; i < report->finding_count; i++)
		notes += report->findings[i].severity == SW_SEVERITY_NOTE;
	return notes;
}

static void put_overview(const struct sw_report *report, FILE *out)
{
	fputs("<ol class=\"overview\">\n", out);
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];
		sw_auto_free char *headline = sw_headline_short(finding);

		if (finding->severity == SW_SEVERITY_NOTE)
			continue;
		fprintf(out, "<li><span class=\"badge %s\">%s</span> <a href=\"#finding-%u\">",
			sw_severity_name(finding->severity), sw_severity_label(finding->severity), finding->id);
		sw_html_text(out, headline);
		fputs("</a> <code>", out);
		sw_html_text(out, finding->verdict);
		fputs("</code></li>\n", out);
	}
	fputs("</ol>\n", out);
}

static void put_notes(const struct sw_report_context *context, size_t notes, FILE *out)
{
	const struct sw_report *report = context->report;
	char count[64];

	fprintf(out, "<details class=\"notes\"><summary>%s: harmless, or made good in time</summary>\n",
		sw_count_text((int64_t)notes, "note", count));
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].severity == SW_SEVERITY_NOTE)
			sw_html_finding(context, &report->findings[i], out);
	fputs("</details>\n", out);
}

void sw_html_findings(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	size_t notes = count_notes(report);

	if (report->finding_count - notes == 0)
		fputs(report->seen_enough ?
			      "<p class=\"calm\">Nothing failed, hung or was slow.</p>\n" :
			      "<p class=\"calm\">No failure was seen, but not enough was seen to say clean.</p>\n",
		      out);
	if (report->finding_count - notes > 1)
		put_overview(report, out);
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].severity != SW_SEVERITY_NOTE)
			sw_html_finding(context, &report->findings[i], out);
	if (notes > 0)
		put_notes(context, notes, out);
}
