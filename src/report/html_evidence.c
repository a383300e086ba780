/* The evidence of a finding as a table, which says in words what the ladder draws; and where its time went, as a bar. */
#include "src/report/html.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/html_out.h"
#include "src/report/words.h"

#define BAR_WIDTH 1000 /* units of the picture */
#define WORDS_SHARE 200 /* a part of less than one in so many of the whole is not seen in it and gets no words */

static const char *const part_words[] = {
	[SW_PART_DATA_WAITING] = "data waited unread here",
	[SW_PART_RECEIVER_WINDOW] = "the receiver's window was full",
	[SW_PART_NAGLE] = "a small write was held back",
	[SW_PART_SEND_BUFFER] = "not sent yet (send buffer, or not connected)",
	[SW_PART_LOSS] = "lost packets",
	[SW_PART_ROUND_TRIP] = "round trips",
	[SW_PART_PEER_APPLICATION] = "the peer's turn",
	[SW_PART_APPLICATION] = "this program (nobody waited)",
};

static void put_bar(const struct sw_symptom *symptom, int64_t total, FILE *out)
{
	double x = 0;

	for (int part = 0; part < SW_PART_COUNT; part++) {
		double width = (double)symptom->time_ns[part] / (double)total * BAR_WIDTH;

		if (symptom->time_ns[part] <= 0)
			continue;
		fprintf(out, "<rect class=\"part-%d\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"20\"/>", part, x,
			width);
		x += width;
	}
}

void sw_html_parts(const struct sw_finding *finding, FILE *out)
{
	const struct sw_symptom *symptom = &finding->symptom;
	sw_auto_free char *text = sw_parts_text(symptom);
	int64_t total = 0;
	char duration[32];

	for (int part = 0; part < SW_PART_COUNT; part++)
		total += symptom->time_ns[part] > 0 ? symptom->time_ns[part] : 0;
	if (total <= 0 || !text)
		return;
	fprintf(out,
		"<figure class=\"parts\"><figcaption>Where %s went</figcaption>\n<svg viewBox=\"0 0 %d 20\" "
		"preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"parts-%u\"><title id=\"parts-%u\">",
		sw_duration_text(total, duration), BAR_WIDTH, finding->id, finding->id);
	sw_html_text(out, text);
	fputs("</title>", out);
	put_bar(symptom, total, out);
	fputs("</svg>\n<ul>\n", out);
	for (int part = 0; part < SW_PART_COUNT; part++) {
		if (symptom->time_ns[part] <= total / WORDS_SHARE)
			continue;
		fprintf(out, "<li><span class=\"swatch part-%d\"></span>%s %s</li>\n", part,
			sw_duration_text(symptom->time_ns[part], duration), part_words[part]);
	}
	fputs("</ul></figure>\n", out);
}

static const char *fate_text(const struct sw_evidence *one)
{
	switch (one->fate) {
	case SW_FATE_UNANSWERED: return "no answer was seen";
	case SW_FATE_SENT_AGAIN: return "sent again before anything acknowledged it";
	case SW_FATE_ANSWERED: return one->again ? "sent again, answered" : "answered";
	case SW_FATE_UNKNOWN: break;
	}
	return one->again ? "sent again" : "";
}

static void put_lasted(const struct sw_evidence *one, FILE *out)
{
	char duration[32];

	if (one->kind != SW_EVIDENCE_CALL)
		fputs(fate_text(one), out);
	else if (one->exit_ns == SW_TIME_NONE)
		fputs("did not return", out);
	else if (one->exit_ns >= one->time_ns && one->time_ns != SW_TIME_NONE)
		fprintf(out, "took %s", sw_duration_text(one->exit_ns - one->time_ns, duration));
}

static void put_line(const struct sw_evidence *one, size_t row, int64_t base, FILE *out)
{
	sw_auto_free char *number = sw_record_number_text(one->kind, one->number, one->input);
	char time[48];

	fprintf(out, "<tr class=\"%s%s\" data-row=\"%zu\" data-kind=\"%d\" data-number=\"%u\" data-input=\"%u\">",
		sw_html_kind(one->kind), one->proof ? " proof" : "", row, (int)one->kind, one->number, one->input);
	fprintf(out, "<td class=\"number\">%s</td><td>%s%s%s</td><td class=\"record\">",
		sw_relative_text(one->time_ns, base, time), sw_html_kind(one->kind), number ? " " : "",
		number ? number : "");
	sw_html_text(out, one->text);
	fputs("</td><td>", out);
	put_lasted(one, out);
	fprintf(out, "</td><td>%s</td></tr>\n", one->proof ? "proves it" : "");
}

void sw_html_evidence(const struct sw_finding *finding, FILE *out)
{
	int64_t base = SW_TIME_NONE;

	for (size_t i = 0; i < finding->evidence_count; i++) {
		int64_t ns = finding->evidence[i].time_ns;

		if (ns != SW_TIME_NONE && (base == SW_TIME_NONE || ns < base))
			base = ns;
	}
	fputs("<details class=\"as-table\"><summary>The same as a table</summary>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Evidence\"><table class=\"evidence\">\n"
	      "<thead><tr><th scope=\"col\">seconds</th><th scope=\"col\">what</th><th scope=\"col\">record</th>"
	      "<th scope=\"col\">then</th><th scope=\"col\">counts</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = 0; i < finding->evidence_count; i++)
		put_line(&finding->evidence[i], i, base, out);
	fputs("</tbody></table></div></details>\n", out);
}
