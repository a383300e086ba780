/* Flows and timeline: the first lines as tables for paper and for readers without JavaScript, all of them as data for those with it.
 *
 * The data is JSON in a <script> that nothing executes: rows as arrays, in the order of the columns named beside them. */
#include "src/report/html.h"

#include <inttypes.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/headline.h"
#include "src/report/html_out.h"
#include "src/report/words.h"

#define FLOWS_STATIC 100
#define TIMELINE_STATIC 200

static const char *protocol_text(const struct sw_flow_summary *flow)
{
	if (flow->protocol)
		return sw_protocol_name(flow->protocol);
	return flow->local.family == AF_UNIX || flow->remote.family == AF_UNIX ? "unix" : "";
}

static const char *addr_text(const struct sw_addr *addr, char *buffer)
{
	return addr->present ? sw_addr_text(addr, buffer) : "";
}

static void put_flow(const struct sw_flow_summary *flow, FILE *out)
{
	char local[SW_ADDR_TEXT], remote[SW_ADDR_TEXT], rtt[32];

	fprintf(out, "<tr><td class=\"number\">%u</td><td>%s</td><td>", flow->id, protocol_text(flow));
	sw_html_text(out, addr_text(&flow->local, local));
	fprintf(out, "</td><td>%s</td><td>", flow->initiator ? "\xe2\x86\x92" : "\xe2\x86\x90");
	sw_html_text(out, addr_text(&flow->remote, remote));
	fputs("</td><td>", out);
	sw_html_text(out, flow->name);
	fprintf(out, "</td><td class=\"number\">%" PRId64 "</td><td class=\"number\">%" PRId64 "</td>",
		flow->packets_out, flow->packets_in);
	fprintf(out, "<td class=\"number\">%" PRId64 "</td><td class=\"number\">%" PRId64 "</td>", flow->bytes_out,
		flow->bytes_in);
	fprintf(out, "<td class=\"number\">%" PRId64 "</td><td class=\"number\">%s</td><td>", flow->retransmissions,
		flow->rtt_ns > 0 ? sw_duration_text(flow->rtt_ns, rtt) : "");
	sw_html_text(out, flow->state);
	fputs("</td><td>", out);
	sw_html_text(out, flow->history);
	fputs("</td></tr>\n", out);
}

void sw_html_flows(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	size_t shown = report->flow_count < FLOWS_STATIC ? report->flow_count : FLOWS_STATIC;
	char count[64];

	if (report->flow_count == 0) {
		fputs("<p>No packets of a flow were seen.</p>\n", out);
		return;
	}
	fprintf(out, "<p>%s. The history has zeek's letters: capitals are the initiator's.</p>\n",
		sw_count_text((int64_t)report->flow_count, "flow", count));
	fputs("<div class=\"static scroll\" id=\"flows-static\" tabindex=\"0\" role=\"group\" aria-label=\"Flows\"><table>\n"
	      "<thead><tr><th scope=\"col\">flow</th><th scope=\"col\">protocol</th><th scope=\"col\">local</th>"
	      "<th scope=\"col\"><abbr title=\"which end began\">dir</abbr></th><th scope=\"col\">remote</th>"
	      "<th scope=\"col\">name</th><th scope=\"col\">packets out</th><th scope=\"col\">in</th>"
	      "<th scope=\"col\">bytes out</th><th scope=\"col\">in</th><th scope=\"col\">sent again</th>"
	      "<th scope=\"col\">round trip</th><th scope=\"col\">state</th><th scope=\"col\">history</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = 0; i < shown; i++)
		put_flow(&report->flows[i], out);
	fputs("</tbody></table>\n", out);
	if (shown < report->flow_count)
		fprintf(out, "<p>%zu more are shown where JavaScript runs.</p>\n", report->flow_count - shown);
	fputs("</div>\n<div class=\"live\" id=\"flows-live\" hidden></div>\n", out);
}

/* id, protocol, local, initiator, remote, name, packets out, in, bytes out, in, sent again, round trip (ns), state, history */
void sw_html_flows_data(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	char local[SW_ADDR_TEXT], remote[SW_ADDR_TEXT];

	fputc('[', out);
	for (size_t i = 0; i < report->flow_count; i++) {
		const struct sw_flow_summary *flow = &report->flows[i];

		fprintf(out, "%s[%u,\"%s\",", i ? ",\n" : "", flow->id, protocol_text(flow));
		sw_html_json(out, addr_text(&flow->local, local));
		fprintf(out, ",%d,", flow->initiator);
		sw_html_json(out, addr_text(&flow->remote, remote));
		fputc(',', out);
		sw_html_json(out, flow->name ? flow->name : "");
		fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",",
			flow->packets_out, flow->packets_in, flow->bytes_out, flow->bytes_in, flow->retransmissions,
			flow->rtt_ns);
		sw_html_json(out, flow->state ? flow->state : "");
		fputc(',', out);
		sw_html_json(out, flow->history ? flow->history : "");
		fputc(']', out);
	}
	fputc(']', out);
}

/* ---- timeline ------------------------------------------------------------------------------------------------------ */

static int64_t timeline_base(const struct sw_report_context *context)
{
	int64_t base = context->report->began_ns;

	return base != SW_TIME_NONE || context->timeline_count == 0 ? base : context->timeline[0].time_ns;
}

void sw_html_timeline(const struct sw_report_context *context, FILE *out)
{
	size_t shown = context->timeline_count < TIMELINE_STATIC ? context->timeline_count : TIMELINE_STATIC;
	int64_t base = timeline_base(context);
	char time[48], count[64];

	if (context->timeline_count == 0) {
		fputs("<p>The timeline was not kept.</p>\n", out);
		return;
	}
	fprintf(out, "<p>%s, calls, packets and facts in one list; seconds since the start.",
		sw_count_text((int64_t)context->timeline_count, "record", count));
	if (context->timeline_left_out > 0)
		fprintf(out, " %" PRId64 " more were not kept.", context->timeline_left_out);
	fputs("</p>\n<details class=\"static\" id=\"timeline-static\"><summary>", out);
	fprintf(out, "The first %zu</summary>\n<pre tabindex=\"0\">", shown);
	for (size_t i = 0; i < shown; i++) {
		const struct sw_timeline_line *line = &context->timeline[i];

		fprintf(out, "%10s  ", sw_relative_text(line->time_ns, base, time));
		if (line->tid)
			fprintf(out, "[%u] ", line->tid);
		sw_html_text(out, line->text);
		fputc('\n', out);
	}
	fputs("</pre></details>\n<div class=\"live\" id=\"timeline-live\" hidden></div>\n", out);
}

/* nanoseconds since the start (null unknown), kind, number, input, thread, process name, text */
void sw_html_timeline_data(const struct sw_report_context *context, FILE *out)
{
	int64_t base = timeline_base(context);

	fputc('[', out);
	for (size_t i = 0; i < context->timeline_count; i++) {
		const struct sw_timeline_line *line = &context->timeline[i];

		fputs(i ? ",\n[" : "[", out);
		if (line->time_ns == SW_TIME_NONE || base == SW_TIME_NONE)
			fputs("null", out);
		else
			fprintf(out, "%" PRId64, line->time_ns - base);
		fprintf(out, ",%d,%u,%u,%u,", (int)line->kind, line->number, line->input, line->tid);
		sw_html_json(out, line->comm);
		fputc(',', out);
		sw_html_json(out, line->text ? line->text : "");
		fputc(']', out);
	}
	fputc(']', out);
}
