/* What stands below (or instead of) the findings: a clean run in one line, what the tool could not do, and the last
 * line, which says whether a packet that is missing proves anything. */
#include "src/report/text.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/headline.h"

/* "curl exited 7"; NULL where there is no command or its end is not known. */
static char *exit_text(const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	const struct sw_report_target *target = &context->target;
	const char *command = target->command_count > 0 ? target->command[0] : NULL;
	const char *slash = command ? strrchr(command, '/') : NULL;
	const char *name = slash && slash[1] ? slash + 1 : command;

	if (!name || !report->exit_known)
		return NULL;
	if (report->exit_signal)
		return sw_format("%s was killed by %s", name, sw_signal_name(report->exit_signal));
	return sw_format("%s exited %d", name, report->exit_code);
}

/* Why a clean run is clean, in few words. */
static char *clean_text(const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	char slow[32], calls[64], sockets[64];
	bool failed = report->exit_known && (report->exit_code != 0 || report->exit_signal != 0);

	if (report->sockets == 0 && report->packets == 0)
		return sw_strdup("it used no socket");
	return sw_format("%s on %s; nothing failed, hung or took over %s%s",
			 sw_count_text(report->calls, "call", calls), sw_count_text(report->sockets, "socket", sockets),
			 sw_duration_text(context->slow_ns, slow),
			 failed && report->complete ? ": the reason lies elsewhere" : "");
}

void sw_text_clean(const struct sw_page *page, const struct sw_report_context *context)
{
	bool blind = sw_report_status(context->report) == SW_STATUS_BLIND;
	sw_auto_free char *why = blind ? sw_strdup("no failure was seen, but not enough was seen to call it clean") :
					 clean_text(context);
	sw_auto_free char *end = exit_text(context);
	sw_auto_free char *text = sw_format("%s%s%s", end ? end : "", end ? "; " : "", why);
	struct sw_page wide = *page;

	wide.label_width = 8;
	sw_page_put(&wide, &(struct sw_paragraph){.label = blind ? "BLIND" : "CLEAN",
						  .label_style = blind ? SW_STYLE_SLOW : SW_STYLE_GOOD,
						  .text = text});
}

void sw_text_limits(const struct sw_page *page, const struct sw_report *report)
{
	struct sw_page wide = *page;

	wide.label_width = 8;
	for (size_t i = 0; i < report->limit_count; i++) {
		const struct sw_limit *limit = &report->limits[i];

		sw_page_line(&wide, "limit:", "%s%s%s", limit->what ? limit->what : "", limit->costs ? ": " : "",
			     limit->costs ? limit->costs : "");
	}
}

struct captured { /* all captures together */
	bool available, drops_unknown;
	int64_t seen, kept, dropped, overruns;
	const char *interfaces, *why_not;
};

static struct captured sum_up(const struct sw_report *report)
{
	struct captured sum = {0};

	for (size_t i = 0; i < report->status_count; i++) {
		const struct sw_capture_status *status = &report->statuses[i];

		if (!status->available) {
			sum.why_not = sum.why_not ? sum.why_not : status->why_not;
			continue;
		}
		sum.available = true;
		sum.seen += status->seen;
		sum.kept += status->kept;
		sum.overruns += status->overruns;
		sum.drops_unknown |= status->dropped < 0;
		sum.dropped += status->dropped > 0 ? status->dropped : 0;
		if (sum.interfaces && status->interfaces && strcmp(sum.interfaces, status->interfaces) != 0)
			sum.interfaces = "several interfaces";
		else
			sum.interfaces = status->interfaces;
	}
	return sum;
}

/* Whether absence counts, and if not, why. */
static char *absence_text(const struct sw_report *report, const struct captured *sum)
{
	if (report->complete)
		return sw_strdup("capture open before the first call: what is missing was not there");
	if (sum->dropped > 0)
		return sw_strdup("packets were dropped: that one is missing proves nothing");
	if (sum->overruns > 0)
		return sw_format("%" PRId64 " were forgotten undecided: that one is missing proves nothing",
				 sum->overruns);
	if (sum->why_not)
		return sw_format("not everywhere (%s): that a packet is missing proves nothing", sum->why_not);
	return sw_strdup("capture not complete: that a packet is missing proves nothing");
}

void sw_text_watched(const struct sw_page *page, const struct sw_report *report)
{
	struct captured sum = sum_up(report);
	sw_auto_free char *absence = absence_text(report, &sum);
	char sockets[64], calls[64], drops[64];

	sw_count_text(report->sockets, "socket", sockets);
	sw_count_text(report->calls, "call", calls);
	snprintf(drops, sizeof drops, "%" PRId64 " dropped", sum.dropped);
	if (!sum.available && report->sockets == 0 && report->packets == 0 && !sum.why_not)
		sw_page_line(page, NULL, "watched %s on no socket: no capture was opened", calls);
	else if (!sum.available)
		sw_page_line(page, NULL, "watched %s, %s; no packets%s%s%s: that a packet is missing proves nothing",
			     sockets, calls, sum.why_not ? " (" : "", sum.why_not ? sum.why_not : "",
			     sum.why_not ? ")" : "");
	else
		sw_page_line(page, NULL, "watched %s; %" PRId64 " of %" PRId64 " packets kept, %s%s%s, %s", sockets,
			     sum.kept, sum.seen, sum.drops_unknown ? "drops not known" : drops,
			     sum.interfaces ? ", " : "",
			     !sum.interfaces                    ? "" :
			     strcmp(sum.interfaces, "any") == 0 ? "all interfaces" :
								  sum.interfaces,
			     absence);
}
