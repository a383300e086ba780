/* What stands above and below the findings: what was run and how it ended, how it was recorded, what could not be seen. */
#include "src/report/html.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/headline.h"
#include "src/report/html_out.h"
#include "src/report/report.h"
#include "src/report/words.h"

/* The command as it was typed, as far as blanks allow. NULL: none. */
static char *command_text(const struct sw_report_target *target)
{
	char *all = NULL;

	for (size_t i = 0; i < target->command_count; i++) {
		char *longer = sw_format("%s%s%s", all ? all : "", all ? " " : "", target->command[i]);

		free(all);
		all = longer;
	}
	return all;
}

static char *exit_text(const struct sw_report *report)
{
	if (!report->exit_known)
		return NULL;
	if (report->exit_signal)
		return sw_format("killed by %s", sw_signal_name(report->exit_signal));
	return sw_format("exited %d", report->exit_code);
}

static const struct sw_finding *answer(const struct sw_report *report)
{
	return report->finding_count > 0 && report->findings[0].severity != SW_SEVERITY_NOTE ? &report->findings[0] :
											       NULL;
}

static char *title_text(const struct sw_report_context *context)
{
	const struct sw_finding *first = answer(context->report);

	return first ? sw_headline_short(first) : sw_clean_text(context);
}

static const char *status_label(const struct sw_report *report)
{
	switch (sw_report_status(report)) {
	case SW_STATUS_FAILED: return "FAILED";
	case SW_STATUS_SLOW: return "SLOW";
	case SW_STATUS_BLIND: return "BLIND";
	case SW_STATUS_CLEAN: break;
	}
	return "CLEAN";
}

void sw_html_title(const struct sw_report_context *context, FILE *out)
{
	sw_auto_free char *title = title_text(context);

	sw_html_format(out, "%s %s - sockwhy", status_label(context->report), title);
}

void sw_html_head(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	sw_auto_free char *title = title_text(context);
	sw_auto_free char *command = command_text(&context->target);
	sw_auto_free char *end = exit_text(report);
	int64_t began = context->target.started_ns != SW_TIME_NONE ? context->target.started_ns : report->began_ns;
	char when[64];

	fprintf(out, "<p class=\"status\">%s</p>\n", status_label(report));
	sw_html_element(out, "h1", NULL, title);
	if (answer(report))
		sw_html_element(out, "p", "lead", sw_cause_text(answer(report)));
	fputs("<p class=\"run\">", out);
	if (command) {
		fputs("<code>", out);
		sw_html_text(out, command);
		fputs("</code> ", out);
	}
	sw_html_format(out, "%s%s", end ? end : "", end && began != SW_TIME_NONE ? ", " : "");
	if (began != SW_TIME_NONE && (!context->clock.base || strcmp(context->clock.base, "relative") != 0))
		sw_html_format(out, "began %s", sw_date_text(context, began, when));
	if (context->host.name)
		sw_html_format(out, " on %s", context->host.name);
	fputs("</p>\n", out);
}

static void put_target(const struct sw_report_context *context, FILE *out)
{
	static const char *const modes[] = {
		[SW_MODE_RUN] = "run under sockwhy",
		[SW_MODE_ATTACH] = "sockwhy attached to it",
		[SW_MODE_EXPLAIN] = "explained from files",
	};
	const struct sw_report_target *target = &context->target;
	sw_auto_free char *command = command_text(target);
	sw_auto_free char *end = exit_text(context->report);
	char number[48], when[64];

	sw_html_row(out, "command", command);
	if (target->pid) {
		const uint32_t inside = context->report->pid_inside;
		snprintf(number, sizeof number, inside ? "%u, %u in its container" : "%u", target->pid, inside);
		sw_html_row(out, "process", number);
	}
	sw_html_row(out, "recorded", modes[target->mode]);
	sw_html_row(out, "end", end);
	for (size_t i = 0; i < context->report->said.count; i++)
		sw_html_row(out, "said", context->report->said.items[i]);
	if (target->started_ns != SW_TIME_NONE)
		sw_html_row(out, "started", sw_date_text(context, target->started_ns, when));
	if (target->ended_ns != SW_TIME_NONE)
		sw_html_row(out, "ended", sw_date_text(context, target->ended_ns, when));
	sw_html_row(out, "host", context->host.name);
	sw_html_row(out, "kernel", context->host.kernel);
	sw_html_row(out, "network namespace", context->host.netns);
	sw_html_row(out, "container", context->host.container);
}

static void put_inputs(const struct sw_report_context *context, FILE *out)
{
	for (size_t i = 0; i < context->input_count; i++) {
		const struct sw_report_input *input = &context->inputs[i];
		sw_auto_free char *unread =
			input->unread > 0 ? sw_format(", %" PRId64 " could not be read", input->unread) : NULL;
		sw_auto_free char *text = sw_format("%s (%s, %" PRId64 " records%s)", input->file ? input->file : "?",
						    input->kind ? input->kind : "?", input->records,
						    unread ? unread : "");

		sw_html_row(out, "input", text);
	}
}

static void put_clock(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report_clock *clock = &context->clock;
	char error[32];

	if (!clock->aligned || strcmp(clock->aligned, "same-clock") == 0)
		return;
	sw_auto_free char *text = sw_format("calls and packets: %s, uncertain by %s, from %" PRId64 " pairs",
					    clock->aligned, sw_duration_text(clock->error_ns, error), clock->pairs);

	sw_html_row(out, "clock", text);
}

static void put_counts(const struct sw_report_context *context, FILE *out)
{
	const struct sw_report *report = context->report;
	char calls[64], sockets[64], packets[64], flows[64], slow[32], settle[32];
	sw_auto_free char *counts = sw_format("%s (%" PRId64 " failed) on %s, %s, %s",
					      sw_count_text(report->calls, "call", calls), report->failed_calls,
					      sw_count_text(report->sockets, "socket", sockets),
					      sw_count_text(report->packets, "packet", packets),
					      sw_count_text((int64_t)report->flow_count, "flow", flows));
	sw_auto_free char *options = sw_format("slow from %s, settling time %s",
					       sw_duration_text(context->slow_ns, slow),
					       sw_duration_text(context->settle_ns, settle));

	sw_html_row(out, "seen", counts);
	sw_html_row(out, "options", options);
	sw_html_row(out, "sockwhy", context->version);
}

static void put_limits(const struct sw_report *report, FILE *out)
{
	if (report->limit_count == 0)
		return;
	fputs("<h3>What could not be seen</h3>\n<ul class=\"limits\">\n", out);
	for (size_t i = 0; i < report->limit_count; i++) {
		const struct sw_limit *limit = &report->limits[i];

		fputs("<li>", out);
		sw_html_format(out, "%s%s%s", limit->what ? limit->what : "", limit->costs ? ": " : "",
			       limit->costs ? limit->costs : "");
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

void sw_html_about(const struct sw_report_context *context, FILE *out)
{
	fputs("<dl class=\"rows\">\n", out);
	put_target(context, out);
	put_inputs(context, out);
	put_clock(context, out);
	put_counts(context, out);
	fputs("</dl>\n", out);
	put_limits(context->report, out);
}

void sw_html_foot(const struct sw_report_context *context, FILE *out)
{
	sw_auto_free char *watched = sw_watched_text(context->report);

	sw_html_element(out, "p", NULL, watched);
}
