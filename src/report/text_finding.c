/* One finding as text: in full, in three lines, or in one. What is not known is left out, never printed empty. */
#include "src/base/mem.h"
#include "src/report/headline.h"
#include "src/report/text.h"
#include "src/report/words.h"

#define DETAIL_INDENT 2
#define DETAIL_LABEL 11
#define HEAD_LABEL 8
#define NEXT_SHOWN 3

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
	sw_auto_free char *process = sw_process_text(&finding->symptom);
	struct sw_page head = *page;

	head.label_width = HEAD_LABEL;
	sw_page_put(&head, &(struct sw_paragraph){.label = sw_severity_label(finding->severity),
						  .label_style = head_style(finding->severity),
						  .text = headline,
						  .style = SW_STYLE_STRONG,
						  .note = process});
}

static void put_cause(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *verdict = sw_format("%s, %s", finding->verdict, sw_confidence_name(finding->confidence));

	sw_page_put(page, &(struct sw_paragraph){.label = "cause",
						 .text = sw_cause_text(finding),
						 .note = verdict,
						 .style = SW_STYLE_PLAIN});
}

static void put_text(const struct sw_page *page, const char *label, const char *text)
{
	sw_page_put(page, &(struct sw_paragraph){.label = label, .text = text});
}

void sw_text_said(const struct sw_page *page, const struct sw_texts *said)
{
	for (size_t i = 0; i < said->count; i++)
		put_text(page, i ? NULL : "said", said->items[i]);
}

static void put_story(const struct sw_page *page, const struct sw_report_context *context,
		      const struct sw_finding *finding)
{
	sw_auto_free char *lost = sw_lost_text(context, finding);
	sw_auto_free char *parts = sw_parts_text(&finding->symptom);
	sw_auto_free char *timer = sw_deadline_text(&finding->symptom.deadline);
	sw_auto_free char *recovered = sw_recovered_text(context, finding);
	sw_auto_free char *earlier = sw_said_live_text(context, finding);

	put_text(page, "lost", lost);
	if (!sw_text_time(page, finding))
		put_text(page, "time", parts);
	put_text(page, "timer", timer);
	put_text(page, "address", sw_origin_text(&finding->flow));
	put_text(page, "recovered", recovered);
	put_text(page, "earlier", earlier);
	if (finding->caused_by)
		sw_page_line(page, "follows", "from finding %u", finding->caused_by);
	put_text(page, "program", finding->program);
	sw_text_said(page, &finding->said);
}

/* "on the peer: look who listens", the command whole on a line of its own unless both fit, what to expect of it. */
static void put_next(const struct sw_page *page, const char *label, const struct sw_next *next)
{
	const char *text = next->text && next->text[0] ? next->text : NULL;
	const char *expect = next->expect && next->expect[0] ? next->expect : NULL;

	if (text)
		sw_page_line(page, label, "%s: %s", sw_place_text(next->where), text);
	if (next->command) {
		sw_auto_free char *before = text ? sw_strdup("  ") : sw_format("%s: ", sw_place_text(next->where));

		sw_page_command(page, text ? NULL : label, before, next->command, SW_STYLE_PLAIN);
	}
	if (expect)
		sw_page_line(page, NULL, "  (expect: %s)", expect);
}

static void put_alternatives(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *not = sw_ruled_out_text(finding), * or = sw_alternatives_text(finding);
	sw_auto_free char *unseen = sw_joined_text(&finding->not_observed, "; ", "; ");

	put_text(page, "not", not );
	put_text(page, "or", or);
	put_text(page, "not seen", unseen);
}

/* What the tool itself sent, and what came of it: nobody shall take it for the program's. */
static void put_tried(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *tried = sw_joined_text(&finding->tried, "; ", "; ");
	sw_auto_free char *marked = tried ? sw_format("(by sockwhy) %s", tried) : NULL;

	put_text(page, "tried", marked);
}

static void put_where(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *meanwhile = sw_joined_text(&finding->meanwhile, "; ", "; ");

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
	sw_auto_free char *usually = sw_joined_text(&finding->usually, "; else ", ", or ");
	struct sw_page detail = detail_page(page);

	put_head(page, context, finding);
	put_cause(&detail, finding);
	put_text(&detail, "usually", usually);
	put_tried(&detail, finding);
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
	sw_auto_free char *recovered = sw_recovered_text(context, finding);
	struct sw_page detail = detail_page(page);

	put_head(page, context, finding);
	put_cause(&detail, finding);
	put_text(&detail, "recovered", recovered);
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
	sw_page_put(&head, &(struct sw_paragraph){.label = sw_severity_label(finding->severity),
						  .label_style = head_style(finding->severity),
						  .text = headline,
						  .note = verdict});
}
