/* One finding: headline, cause, who should look, what to do; the ladder and its table; what else was considered. */
#include "src/report/html.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/headline.h"
#include "src/report/html_out.h"
#include "src/report/report.h"
#include "src/report/words.h"

static void put_head(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out)
{
	sw_auto_free char *headline = sw_headline(context, finding);
	sw_auto_free char *process = sw_process_text(&finding->symptom);

	fprintf(out, "<h3 id=\"finding-%u-title\"><span class=\"badge %s\">%s</span> ", finding->id,
		sw_severity_name(finding->severity), sw_severity_label(finding->severity));
	sw_html_text(out, headline);
	fputs("</h3>\n", out);
	fputs("<p class=\"verdict\"><code>", out);
	sw_html_text(out, finding->verdict);
	fprintf(out, "</code> <span>%s</span>", sw_confidence_name(finding->confidence));
	if (process) {
		fputs(" <span>", out);
		sw_html_text(out, process);
		fputs("</span>", out);
	}
	fputs("</p>\n", out);
}

static void put_story(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out)
{
	sw_auto_free char *usually = sw_joined_text(&finding->usually, "; else ", ", or ");
	sw_auto_free char *meanwhile = sw_joined_text(&finding->meanwhile, "; ", "; ");
	sw_auto_free char *lost = sw_lost_text(context, finding);
	sw_auto_free char *timer = sw_deadline_text(&finding->symptom.deadline);
	sw_auto_free char *recovered = sw_recovered_text(context, finding);
	sw_auto_free char *earlier = sw_said_live_text(context, finding);

	fputs("<dl class=\"rows\">\n<dt>cause</dt><dd class=\"cause\">", out);
	sw_html_text(out, sw_cause_text(finding));
	fputs("</dd>\n", out);
	sw_html_row(out, "usually", usually);
	sw_html_row(out, "look at", sw_locus_text(finding->locus));
	sw_html_row(out, "meanwhile", meanwhile);
	sw_html_row(out, "lost", lost);
	sw_html_row(out, "timer", timer);
	sw_html_row(out, "address", sw_origin_text(&finding->flow));
	sw_html_row(out, "recovered", recovered);
	sw_html_row(out, "earlier", earlier);
	if (finding->caused_by)
		fprintf(out, "<dt>follows</dt><dd>from <a href=\"#finding-%u\">finding %u</a></dd>\n",
			finding->caused_by, finding->caused_by);
	sw_html_row(out, "program", finding->program);
	for (size_t i = 0; i < finding->said.count; i++)
		sw_html_row(out, "said", finding->said.items[i]);
	fputs("</dl>\n", out);
}

static void put_next(const struct sw_finding *finding, FILE *out)
{
	if (finding->next_count == 0)
		return;
	fputs("<h4>What to do next</h4>\n<ol class=\"next\">\n", out);
	for (size_t i = 0; i < finding->next_count; i++) {
		const struct sw_next *next = &finding->next[i];

		fputs("<li><span class=\"place\">", out);
		sw_html_text(out, sw_place_text(next->where));
		fputs("</span> ", out);
		sw_html_text(out, next->text);
		if (next->command) {
			fputs("<pre class=\"command\" tabindex=\"0\"><code>", out);
			sw_html_text(out, next->command);
			fputs("</code></pre>", out);
		}
		if (next->expect && next->expect[0])
			sw_html_element(out, "p", "expect", next->expect);
		fputs("</li>\n", out);
	}
	fputs("</ol>\n", out);
}

static void put_tried(const struct sw_finding *finding, FILE *out)
{
	if (finding->tried.count == 0)
		return;
	fputs("<h4>What sockwhy tried afterwards</h4>\n<ul class=\"tried\">\n", out);
	for (size_t i = 0; i < finding->tried.count; i++)
		sw_html_element(out, "li", NULL, finding->tried.items[i]);
	fputs("</ul>\n", out);
}

static void put_considered(const struct sw_finding *finding, FILE *out)
{
	if (finding->ruled_out_count + finding->alternative_count + finding->not_observed.count == 0)
		return;
	fputs("<details><summary>What else was considered</summary>\n<dl class=\"rows\">\n", out);
	for (size_t i = 0; i < finding->ruled_out_count; i++) {
		const struct sw_alternative *other = &finding->ruled_out[i];
		sw_auto_free char *text = sw_format("%s%s%s", other->verdict, other->because ? ": " : "",
						    other->because ? other->because : "");

		sw_html_row(out, "not", text);
	}
	for (size_t i = 0; i < finding->alternative_count; i++) {
		sw_auto_free char *text = sw_format("%s (%s)", finding->alternatives[i].verdict,
						    sw_confidence_name(finding->alternatives[i].confidence));

		sw_html_row(out, "or", text);
	}
	for (size_t i = 0; i < finding->not_observed.count; i++)
		sw_html_row(out, "not seen", finding->not_observed.items[i]);
	fputs("</dl>\n</details>\n", out);
}

static void put_stack(const struct sw_symptom *symptom, FILE *out)
{
	if (symptom->stack_count == 0)
		return;
	fputs("<details><summary>The program's stack at that moment</summary>\n<ol class=\"stack\">\n", out);
	for (uint32_t i = 0; i < symptom->stack_count; i++) {
		sw_auto_free char *frame = sw_frame_text(&symptom->stack[i]);

		fputs("<li><code>", out);
		sw_html_text(out, frame);
		fputs("</code></li>\n", out);
	}
	fputs("</ol>\n", out);
	if (sw_stack_note(symptom))
		sw_html_element(out, "p", NULL, sw_stack_note(symptom));
	fputs("</details>\n", out);
}

static void put_facts(const struct sw_finding *finding, FILE *out)
{
	if (finding->fact_count == 0)
		return;
	fputs("<details><summary>The facts that decided it</summary>\n<dl class=\"rows facts\">\n", out);
	for (size_t i = 0; i < finding->fact_count; i++) {
		const struct sw_field *field = &finding->facts[i];
		sw_auto_free char *number = sw_format("%" PRId64, field->number);

		sw_html_row(out, field->name, field->text ? field->text : number);
	}
	fputs("</dl>\n</details>\n", out);
}

static void put_occurrences(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out)
{
	char when[48], duration[32];

	if (finding->count < 2 || finding->occurrence_count == 0)
		return;
	fprintf(out, "<details><summary>Each time it happened (%zu of %u)</summary>\n", finding->occurrence_count,
		finding->count);
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Each time it happened\"><table>\n"
	      "<thead><tr><th scope=\"col\">began</th><th scope=\"col\">took</th><th scope=\"col\">flow</th>"
	      "<th scope=\"col\">ended</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = 0; i < finding->occurrence_count; i++) {
		const struct sw_occurrence *one = &finding->occurrences[i];

		fputs("<tr><td>", out);
		sw_html_text(out, one->began_ns == SW_TIME_NONE ? "?" : sw_when_text(context, one->began_ns, when));
		fprintf(out, "</td><td class=\"number\">%s</td>", sw_duration_text(one->duration_ns, duration));
		fprintf(out, "<td class=\"number\">%u</td><td>%s</td></tr>\n", one->flow,
			sw_outcome_name(one->outcome));
	}
	fputs("</tbody></table></div>\n</details>\n", out);
}

void sw_html_finding(const struct sw_report_context *context, const struct sw_finding *finding, FILE *out)
{
	fprintf(out, "<article class=\"finding %s\" id=\"finding-%u\" aria-labelledby=\"finding-%u-title\">\n",
		sw_severity_name(finding->severity), finding->id, finding->id);
	put_head(context, finding, out);
	put_story(context, finding, out);
	sw_html_parts(finding, out);
	sw_html_ladder(context, finding, out);
	put_next(finding, out);
	put_tried(finding, out);
	put_considered(finding, out);
	put_stack(&finding->symptom, out);
	put_facts(finding, out);
	put_occurrences(context, finding, out);
	fputs("</article>\n", out);
}
