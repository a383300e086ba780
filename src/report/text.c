/* The text report: headline first, the rest in the order in which a tired person asks.
 *
 * Enters: report and context. Leaves: lines. The first finding in full, the next two in three lines, the rest a line
 * each; notes are counted (-v shows them); the last line says whether absence counts. */
#include "src/report/text.h"

#include <errno.h>
#include <string.h>

#include "src/report/headline.h"
#include "src/report/renderers.h"

#define FULL 1
#define BRIEF 3 /* up to this one */
#define LINES 12 /* up to this one; more are counted */
#define WIDTH 80
#define LEAST_WIDTH 40

static bool is_note(const struct sw_finding *finding)
{
	return finding->severity == SW_SEVERITY_NOTE;
}

static void put_finding(const struct sw_page *page, const struct sw_report_context *context,
			const struct sw_finding *finding, size_t place)
{
	if (place > 1 && place <= BRIEF + 1)
		fputc('\n', page->out);
	if (place <= FULL)
		sw_text_finding(page, context, finding);
	else if (place <= BRIEF)
		sw_text_finding_brief(page, context, finding);
	else if (place <= LINES || context->verbose)
		sw_text_finding_line(page, finding);
}

/* Failures and slow ones in the order of rank, then the notes where they are wanted. */
static void put_findings(const struct sw_page *page, const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	size_t place = 0;

	for (size_t i = 0; i < report->finding_count; i++)
		if (!is_note(&report->findings[i]))
			put_finding(page, context, &report->findings[i], ++place);
	for (size_t i = 0; context->verbose && i < report->finding_count; i++)
		if (is_note(&report->findings[i])) {
			if (i > 0)
				fputc('\n', page->out);
			sw_text_finding_brief(page, context, &report->findings[i]);
		}
}

/* "also: 3 more findings, 2 notes (-v)" */
static void put_also(const struct sw_page *page, const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	size_t notes = 0;
	char more_text[64], notes_text[64];

	for (size_t i = 0; i < report->finding_count; i++)
		notes += is_note(&report->findings[i]);

	size_t others = report->finding_count - notes;
	size_t more = others > LINES ? others - LINES : 0;

	if (context->verbose || (more == 0 && notes == 0))
		return;
	sw_count_text((int64_t)more, "more finding", more_text);
	sw_count_text((int64_t)notes, "note", notes_text);
	sw_page_line(page, NULL, "also: %s%s%s (-v shows %s)", more ? more_text : "", more && notes ? ", " : "",
		     notes ? notes_text : "", more + notes == 1 ? "it" : "them");
}

static void put_quiet(const struct sw_page *page, const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;

	for (size_t i = 0; i < report->finding_count; i++)
		if (!is_note(&report->findings[i]))
			sw_text_finding_line(page, &report->findings[i]);
	if (sw_report_status(report) == SW_STATUS_BLIND)
		sw_text_clean(page, context);
}

int sw_render_text(const struct sw_report_context *context, FILE *out, struct sw_err *err)
{
	unsigned width = context->width ? context->width : WIDTH;
	struct sw_page page = {
		.out = out,
		.width = width < LEAST_WIDTH ? LEAST_WIDTH : width,
		.colour = context->colour,
	};
	enum sw_status status = sw_report_status(context->report);

	errno = 0;
	if (context->quiet) {
		put_quiet(&page, context);
	} else {
		if (status == SW_STATUS_CLEAN || status == SW_STATUS_BLIND)
			sw_text_clean(&page, context);
		put_findings(&page, context);
		if (context->report->finding_count > 0)
			fputc('\n', out);
		put_also(&page, context);
		if (context->verbose)
			sw_text_timeline(&page, context);
		sw_text_limits(&page, context->report);
		sw_text_watched(&page, context->report);
	}
	if (fflush(out) || ferror(out))
		return sw_err_set(err, errno ? -errno : -EIO, "cannot write the text report: %s",
				  strerror(errno ? errno : EIO));
	return 0;
}
