/* One finding as text: in full, in three lines, or in one. What is not known is left out, never printed empty. */
#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/headline.h"
#include "src/report/text.h"

#define DETAIL_INDENT 2
#define DETAIL_LABEL 11
#define HEAD_LABEL 8
#define NEXT_SHOWN 3
#define PART_LEAST_SHARE 20 /* a part of the time below one in so many is not worth a word */

static const char *head_label(enum sw_severity severity)
{
	return severity == SW_SEVERITY_FAILURE ? "FAILED" : severity == SW_SEVERITY_SLOW ? "SLOW" : "note";
}

static enum sw_style head_style(enum sw_severity severity)
{
	return severity == SW_SEVERITY_FAILURE ? SW_STYLE_BAD :
	       severity == SW_SEVERITY_SLOW    ? SW_STYLE_SLOW :
						 SW_STYLE_FAINT;
}

static void put_head(const struct sw_page *page, const struct sw_report_context *context,
		     const struct sw_finding *finding)
{
	sw_auto_free char *headline = sw_headline(context, finding);
	sw_auto_free char *process = sw_process_text(finding->symptom.comm, finding->symptom.pid);
	struct sw_page head = *page;

	head.label_width = HEAD_LABEL;
	sw_page_put(&head, &(struct sw_paragraph){.label = head_label(finding->severity),
						  .label_style = head_style(finding->severity),
						  .text = headline,
						  .style = SW_STYLE_STRONG,
						  .note = process});
}

/* A list in one sentence: first, then `between`, then `after` between the others. NULL when it is empty. */
static char *joined(const struct sw_texts *texts, const char *between, const char *after)
{
	char *all = NULL;

	for (size_t i = 0; i < texts->count; i++) {
		char *longer = sw_format("%s%s%s", all ? all : "",
					 i == 0 ? "" :
					 i == 1 ? between :
						  after,
					 texts->items[i]);

		free(all);
		all = longer;
	}
	return all;
}

static void put_cause(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *verdict = sw_format("%s, %s", finding->verdict, sw_confidence_name(finding->confidence));
	const char *cause = finding->cause ? finding->cause : finding->title ? finding->title : finding->summary;

	sw_page_put(page, &(struct sw_paragraph){.label = "cause",
						 .text = cause ? cause : "not known",
						 .note = verdict,
						 .style = SW_STYLE_PLAIN});
}

static void put_text(const struct sw_page *page, const char *label, const char *text)
{
	sw_page_put(page, &(struct sw_paragraph){.label = label, .text = text});
}

/* Whose patience ended it. */
static void put_deadline(const struct sw_page *page, const struct sw_deadline *deadline)
{
	sw_auto_free char *kernel = NULL;
	char value[32], would[32];

	if (!deadline->present)
		return;
	if (deadline->kernel_would_ns > 0)
		kernel = sw_format("; the kernel would have given up after %s",
				   sw_duration_text(deadline->kernel_would_ns, would));
	if (!deadline->what || strcmp(deadline->what, "not-visible") == 0)
		sw_page_line(page, "timer", "one of the application's that no call shows%s", kernel ? kernel : "");
	else
		sw_page_line(page, "timer", "%s of the %s%s%s%s", deadline->what,
			     deadline->whose ? deadline->whose : "application", deadline->value_ns > 0 ? ", " : "",
			     deadline->value_ns > 0 ? sw_duration_text(deadline->value_ns, value) : "",
			     kernel ? kernel : "");
}

/* "2.9 s peer-application, 0.10 s round-trip", the largest first. */
static void put_parts(const struct sw_page *page, const struct sw_symptom *symptom)
{
	sw_auto_free char *text = NULL;
	bool shown[SW_PART_COUNT] = {0};
	int64_t total = 0;
	char duration[32];

	for (int part = 0; part < SW_PART_COUNT; part++)
		total += symptom->time_ns[part];
	for (;;) {
		int largest = -1;

		for (int part = 0; part < SW_PART_COUNT; part++)
			if (!shown[part] && symptom->time_ns[part] > total / PART_LEAST_SHARE &&
			    (largest < 0 || symptom->time_ns[part] > symptom->time_ns[largest]))
				largest = part;
		if (largest < 0)
			break;
		shown[largest] = true;

		char *longer = sw_format("%s%s%s %s", text ? text : "", text ? ", " : "",
					 sw_duration_text(symptom->time_ns[largest], duration),
					 sw_part_name((enum sw_part)largest));

		free(text);
		text = longer;
	}
	put_text(page, "time", text);
}

static void put_story(const struct sw_page *page, const struct sw_report_context *context,
		      const struct sw_finding *finding)
{
	char when[48];

	if (finding->lost_calls > 0 || finding->lost_bytes > 0)
		sw_page_line(page, "lost", "since %s, %u call%s said success and %" PRId64 " bytes never arrived",
			     sw_when_text(context, finding->began_ns, when), finding->lost_calls,
			     finding->lost_calls == 1 ? "" : "s", finding->lost_bytes);
	put_parts(page, &finding->symptom);
	put_deadline(page, &finding->symptom.deadline);
	if (finding->recovered_ns != SW_TIME_NONE)
		sw_page_line(page, "recovered", "%s%s%s", sw_when_text(context, finding->recovered_ns, when),
			     finding->recovered_by ? ": " : "", finding->recovered_by ? finding->recovered_by : "");
	if (finding->caused_by)
		sw_page_line(page, "follows", "from finding %u", finding->caused_by);
	put_text(page, "program", finding->program);
}

static const char *place_text(const char *where)
{
	if (!where || strcmp(where, "here") == 0)
		return "here";
	if (strcmp(where, "peer") == 0)
		return "on the peer";
	if (strcmp(where, "path") == 0)
		return "on the path";
	return strcmp(where, "resolver") == 0 ? "on the resolver" : where;
}

/* "on the peer: look who listens", the command whole on a line of its own unless both fit, what to expect of it. */
static void put_next(const struct sw_page *page, const char *label, const struct sw_next *next)
{
	const char *text = next->text && next->text[0] ? next->text : NULL;
	const char *expect = next->expect && next->expect[0] ? next->expect : NULL;

	if (text)
		sw_page_line(page, label, "%s: %s", place_text(next->where), text);
	if (next->command) {
		sw_auto_free char *line = text ? sw_format("  %s", next->command) :
						 sw_format("%s: %s", place_text(next->where), next->command);

		sw_page_put(page, &(struct sw_paragraph){.label = text ? NULL : label, .text = line, .whole = true});
	}
	if (expect)
		sw_page_line(page, NULL, "  (expect %s)", expect);
}

static void put_alternatives(const struct sw_page *page, const struct sw_finding *finding)
{
	for (size_t i = 0; i < finding->ruled_out_count; i++) {
		const struct sw_alternative *other = &finding->ruled_out[i];

		sw_page_line(page, i ? NULL : "not", "%s%s%s", other->verdict, other->because ? ": " : "",
			     other->because ? other->because : "");
	}
	for (size_t i = 0; i < finding->alternative_count; i++)
		sw_page_line(page, i ? NULL : "or", "%s (%s)", finding->alternatives[i].verdict,
			     sw_confidence_name(finding->alternatives[i].confidence));

	sw_auto_free char *unseen = joined(&finding->not_observed, "; ", "; ");

	put_text(page, "not seen", unseen);
}

static void put_where(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *meanwhile = joined(&finding->meanwhile, "; ", "; ");

	sw_page_line(page, "look at", "%s%s%s", sw_locus_text(finding->locus), meanwhile ? "; meanwhile " : "",
		     meanwhile ? meanwhile : "");
}

static struct sw_page detail_page(const struct sw_page *page)
{
	struct sw_page detail = *page;

	detail.indent = DETAIL_INDENT;
	detail.label_width = DETAIL_LABEL;
	return detail;
}

void sw_text_finding(const struct sw_page *page, const struct sw_report_context *context,
		     const struct sw_finding *finding)
{
	sw_auto_free char *usually = joined(&finding->usually, "; else ", ", or ");
	struct sw_page detail = detail_page(page);

	put_head(page, context, finding);
	put_cause(&detail, finding);
	put_text(&detail, "usually", usually);
	put_where(&detail, finding);
	put_story(&detail, context, finding);
	for (size_t i = 0; i < finding->next_count && (i < NEXT_SHOWN || context->verbose); i++)
		put_next(&detail, i ? NULL : "next", &finding->next[i]);
	sw_text_evidence(&detail, finding, context->verbose);
	put_alternatives(&detail, finding);
	sw_text_stack(&detail, &finding->symptom);
}

void sw_text_finding_brief(const struct sw_page *page, const struct sw_report_context *context,
			   const struct sw_finding *finding)
{
	struct sw_page detail = detail_page(page);

	put_head(page, context, finding);
	put_cause(&detail, finding);
	if (finding->caused_by)
		sw_page_line(&detail, "follows", "from finding %u", finding->caused_by);
	else if (finding->next_count > 0 && finding->next[0].command)
		put_next(&detail, "next",
			 &(struct sw_next){.where = finding->next[0].where, .command = finding->next[0].command});
	else
		sw_page_line(&detail, "look at", "%s", sw_locus_text(finding->locus));
}

void sw_text_finding_line(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *headline = sw_headline_short(finding);
	sw_auto_free char *verdict = sw_format("%s, %s", finding->verdict, sw_confidence_name(finding->confidence));
	struct sw_page head = *page;

	head.label_width = HEAD_LABEL;
	sw_page_put(&head, &(struct sw_paragraph){.label = head_label(finding->severity),
						  .label_style = head_style(finding->severity),
						  .text = headline,
						  .note = verdict});
}
