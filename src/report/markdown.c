/* The Markdown report, for an issue or a chat: headline, evidence as a code block, next steps.
 *
 * Enters: report and context. Leaves: plain Markdown without HTML (Jira shows that as it is). The first findings in full, the
 * rest a line each. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/clean.h"
#include "src/report/headline.h"
#include "src/report/markdown_out.h"
#include "src/report/renderers.h"
#include "src/report/words.h"

#define FULL 3 /* findings; the others in one line */

static void put_head(const struct sw_report_context *context, const struct sw_finding *finding, bool first, FILE *out)
{
	sw_auto_free char *headline = sw_headline(context, finding);

	fprintf(out, "%s %s: ", first ? "#" : "##", sw_severity_label(finding->severity));
	sw_markdown_text(out, headline);
	fputs("\n\n", out);
}

static void put_story(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out)
{
	sw_auto_free char *usually = sw_joined_text(&finding->usually, "; else ", ", or ");
	sw_auto_free char *meanwhile = sw_joined_text(&finding->meanwhile, "; ", "; ");
	sw_auto_free char *lost = sw_lost_text(context, finding);
	sw_auto_free char *parts = sw_parts_text(&finding->symptom);
	sw_auto_free char *timer = sw_deadline_text(&finding->symptom.deadline);
	sw_auto_free char *recovered = sw_recovered_text(context, finding);
	sw_auto_free char *earlier = sw_said_live_text(context, finding);
	sw_auto_free char *process = sw_process_text(&finding->symptom);

	fputs("- **Cause:** ", out);
	sw_markdown_text(out, sw_cause_text(finding));
	fputs(" (", out);
	sw_markdown_code(out, finding->verdict);
	fprintf(out, ", %s)\n", sw_confidence_name(finding->confidence));
	sw_markdown_item(out, "Usually", usually);
	sw_markdown_item(out, "Look at", sw_locus_text(finding->locus));
	sw_markdown_item(out, "Meanwhile", meanwhile);
	sw_markdown_item(out, "Lost", lost);
	sw_markdown_item(out, "Time", parts);
	sw_markdown_item(out, "Timer", timer);
	sw_markdown_item(out, "Address", sw_origin_text(&finding->flow));
	sw_markdown_item(out, "Recovered", recovered);
	sw_markdown_item(out, "Earlier", earlier);
	if (finding->caused_by)
		fprintf(out, "- **Follows:** from finding %u\n", finding->caused_by);
	sw_markdown_item(out, "Process", process);
	sw_markdown_item(out, "Program", finding->program);
	for (size_t i = 0; i < finding->said.count; i++)
		sw_markdown_item(out, "Said", finding->said.items[i]);
	fputc('\n', out);
}

static void put_evidence_line(const struct sw_evidence *one, int64_t moment, int64_t base, FILE *lines)
{
	sw_auto_free char *text = sw_clean_terminal(one->text);
	sw_auto_free char *number = sw_record_number_text(one->kind, one->number, one->input);
	char time[48], lasted[48] = "", duration[32];

	if (one->kind == SW_EVIDENCE_CALL && one->exit_ns == SW_TIME_NONE)
		snprintf(lasted, sizeof lasted, "   (did not return)");
	else if (one->kind == SW_EVIDENCE_CALL && one->time_ns != SW_TIME_NONE &&
		 one->exit_ns >= one->time_ns + SW_NS_PER_MS)
		snprintf(lasted, sizeof lasted, "   (took %s)",
			 sw_duration_text(one->exit_ns - one->time_ns, duration));
	fprintf(lines, "%c %s  %s%s%s%s\n", one->proof ? '*' : ' ', sw_relative_text(moment, base, time), text,
		number ? "   " : "", number ? number : "", lasted);
}

static void put_evidence(const struct sw_finding *finding, FILE *out)
{
	sw_auto_free char *lines = NULL;
	int64_t base = SW_TIME_NONE, last = SW_TIME_NONE;
	bool proof = false;
	size_t size;

	if (finding->evidence_count == 0)
		return;
	for (size_t i = 0; i < finding->evidence_count; i++) {
		int64_t ns = finding->evidence[i].time_ns;

		proof |= finding->evidence[i].proof;
		if (ns != SW_TIME_NONE && (base == SW_TIME_NONE || ns < base))
			base = ns;
	}
	FILE *stream = open_memstream(&lines, &size);

	for (size_t i = 0; i < finding->evidence_count; i++) {
		int64_t moment = sw_evidence_moment(&finding->evidence[i], last);

		last = moment > last ? moment : last;
		put_evidence_line(&finding->evidence[i], moment, base, stream);
	}
	fclose(stream);
	fprintf(out, "**Evidence** (seconds%s)\n\n", proof ? "; a star marks what proves it" : "");
	sw_markdown_block(out, lines);
}

static void put_next(const struct sw_finding *finding, FILE *out)
{
	if (finding->next_count == 0)
		return;
	fputs("**Next steps**\n\n", out);
	for (size_t i = 0; i < finding->next_count; i++) {
		const struct sw_next *next = &finding->next[i];

		fprintf(out, "%zu. ", i + 1);
		sw_markdown_text(out, sw_place_text(next->where));
		fputs(next->text && next->text[0] ? ": " : "", out);
		sw_markdown_text(out, next->text);
		if (next->command) {
			fputs(": ", out);
			sw_markdown_code(out, next->command);
		}
		if (next->expect && next->expect[0]) {
			fputs(" (expect ", out);
			sw_markdown_text(out, next->expect);
			fputc(')', out);
		}
		fputc('\n', out);
	}
	fputc('\n', out);
}

static void put_considered(const struct sw_finding *finding, FILE *out)
{
	size_t count = finding->ruled_out_count + finding->alternative_count + finding->not_observed.count +
		       finding->tried.count;

	for (size_t i = 0; i < finding->ruled_out_count; i++) {
		fputs("- **Not** ", out);
		sw_markdown_code(out, finding->ruled_out[i].verdict);
		fputs(finding->ruled_out[i].because ? ": " : "", out);
		sw_markdown_text(out, finding->ruled_out[i].because);
		fputc('\n', out);
	}
	for (size_t i = 0; i < finding->alternative_count; i++) {
		fputs("- **Or** ", out);
		sw_markdown_code(out, finding->alternatives[i].verdict);
		fprintf(out, " (%s)\n", sw_confidence_name(finding->alternatives[i].confidence));
	}
	for (size_t i = 0; i < finding->not_observed.count; i++)
		sw_markdown_item(out, "Not seen", finding->not_observed.items[i]);
	for (size_t i = 0; i < finding->tried.count; i++)
		sw_markdown_item(out, "Tried by sockwhy", finding->tried.items[i]);
	if (count > 0)
		fputc('\n', out);
}

static void put_stack(const struct sw_symptom *symptom, FILE *out)
{
	sw_auto_free char *lines = NULL;
	size_t size;

	if (symptom->stack_count == 0)
		return;
	FILE *stream = open_memstream(&lines, &size);

	for (uint32_t i = 0; i < symptom->stack_count; i++) {
		sw_auto_free char *frame = sw_frame_text(&symptom->stack[i]);
		sw_auto_free char *clean = sw_clean_terminal(frame);

		fprintf(stream, "%s\n", clean);
	}
	fclose(stream);
	fputs("**Stack**\n\n", out);
	sw_markdown_block(out, lines);
	if (sw_stack_note(symptom))
		fprintf(out, "%s.\n\n", sw_stack_note(symptom));
}

static void put_line(const struct sw_finding *finding, FILE *out)
{
	sw_auto_free char *headline = sw_headline_short(finding);

	fprintf(out, "- %s: ", sw_severity_label(finding->severity));
	sw_markdown_text(out, headline);
	fputs(" (", out);
	sw_markdown_code(out, finding->verdict);
	fprintf(out, ", %s)\n", sw_confidence_name(finding->confidence));
}

/* Failures and slow ones in the order of rank, then the notes. */
static void put_findings(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	size_t place = 0, lines = 0;

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];

		if (finding->severity == SW_SEVERITY_NOTE || place++ >= FULL)
			continue;
		put_head(context, finding, place == 1, out);
		put_story(context, finding, out);
		put_evidence(finding, out);
		put_next(finding, out);
		put_considered(finding, out);
		put_stack(&finding->symptom, out);
	}
	size_t shown = place < FULL ? place : FULL;

	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0, at = 0; i < report->finding_count; i++) {
			bool note = report->findings[i].severity == SW_SEVERITY_NOTE;

			if (note != (pass == 1) || (!note && at++ < shown))
				continue;
			fputs(lines++ ? "" : "**Also**\n\n", out);
			put_line(&report->findings[i], out);
		}
	fputs(lines ? "\n" : "", out);
}

static void put_end(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	int64_t began = context->target.started_ns != SW_TIME_NONE ? context->target.started_ns : report->began_ns;
	sw_auto_free char *watched = sw_watched_text(report);
	char when[64];

	for (size_t i = 0; i < report->limit_count; i++) {
		sw_auto_free char *text = sw_format("%s%s%s", report->limits[i].what ? report->limits[i].what : "",
						    report->limits[i].costs ? ": " : "",
						    report->limits[i].costs ? report->limits[i].costs : "");

		sw_markdown_item(out, "Limit", text);
	}
	fputs(report->limit_count ? "\n---\n\n" : "---\n\n", out);
	if (context->target.command_count > 0) {
		fputs("Command:", out);
		for (size_t i = 0; i < context->target.command_count; i++) {
			fputc(' ', out);
			sw_markdown_code(out, context->target.command[i]);
		}
		fputs(context->host.name ? " on " : "", out);
		sw_markdown_text(out, context->host.name);
		fputs("\n\n", out);
	}
	if (began != SW_TIME_NONE && (!context->clock.base || strcmp(context->clock.base, "relative") != 0))
		fprintf(out, "Began %s\n\n", sw_date_text(context, began, when));
	fputs("sockwhy ", out);
	sw_markdown_text(out, context->version ? context->version : "");
	fputs(": ", out);
	sw_markdown_text(out, watched);
	fputc('\n', out);
}

int sw_render_markdown(const struct sw_report_context *context, FILE *out, struct sw_err *err)
{
	enum sw_status status = sw_report_status(context->report);

	errno = 0;
	if (status == SW_STATUS_CLEAN || status == SW_STATUS_BLIND) {
		sw_auto_free char *text = sw_clean_text(context);

		fprintf(out, "# %s: ", status == SW_STATUS_CLEAN ? "CLEAN" : "BLIND");
		sw_markdown_text(out, text);
		fputs("\n\n", out);
		for (size_t i = 0; i < context->report->said.count; i++)
			sw_markdown_item(out, "Said", context->report->said.items[i]);
		fputs(context->report->said.count ? "\n" : "", out);
	}
	put_findings(context, out);
	put_end(context, out);
	if (fflush(out) || ferror(out))
		return sw_err_set(err, errno ? -errno : -EIO, "cannot write the Markdown report: %s",
				  strerror(errno ? errno : EIO));
	return 0;
}
