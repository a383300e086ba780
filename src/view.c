/* See view.h. Judges nothing; which findings are final is the correlator's matter. */
#include "src/view_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/outputs.h"
#include "src/report/clean.h"
#include "src/report/headline.h"
#include "src/report/report.h"
#include "src/report/words.h"

#define SAID_MAX 4096u
#define SAID_AGAIN_NS (60 * SW_NS_PER_S)
#define STATUS_NS SW_NS_PER_S
#define ERASE "\r\033[K"

struct sw_view *sw_view_new(const struct sw_options *options, enum sw_report_mode mode)
{
	struct sw_view *view = sw_alloc(sizeof *view);
	const char *terminal = getenv("TERM");
	bool watched = options->live || sw_options_flight(options);
	/* Where the report goes to files alone, nobody expects anything here. */
	view->findings = !options->quiet && (watched || options->output_count == 0);
	view->live = options->live && !options->quiet;
	view->notes = options->verbose;
	view->colour = sw_report_colour(stderr);
	view->status = !options->quiet && (mode == SW_MODE_ATTACH || options->live) && isatty(STDERR_FILENO) &&
		       !(terminal && strcmp(terminal, "dumb") == 0);
	view->began_ns = view->status_ns = sw_clock_realtime();
	return view;
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

/* With the status line erased before it, in one write. */
void sw_view_put(struct sw_view *view, const char *text)
{
	sw_auto_free char *whole = sw_format("%s%s", view->drawn ? ERASE : "", text);
	if (sw_output_send(STDERR_FILENO, whole, strlen(whole), 0) < 0)
		view->not_shown++;
	else
		view->drawn = false;
}

void sw_view_say(struct sw_view *view, const char *format, ...)
{
	va_list list;
	if (!view->findings)
		return;
	va_start(list, format);
	sw_auto_free char *text = sw_format_list(format, list);
	va_end(list);
	sw_auto_free char *clean = sw_clean_terminal(text);
	sw_auto_free char *line = sw_format("sockwhy: %s\n", clean);
	sw_view_put(view, line);
}

void sw_view_free(struct sw_view *view)
{
	struct said *said, *next;
	if (!view)
		return;
	sw_view_live_end(view);
	if (view->drawn)
		sw_view_put(view, "");
	if (view->not_shown)
		sw_view_say(view, "%llu lines were not shown: nobody read them in time",
			    (unsigned long long)view->not_shown);
	HASH_ITER (hh, view->said, said, next) {
		HASH_DEL(view->said, said);
		free(said);
	}
	free(view);
}

/* ---- findings --------------------------------------------------------------------------------------------------- */

/* What repeats is said again at its tenth, hundredth ... time, and after a minute. */
static bool worth_saying(struct sw_view *view, const struct sw_finding *finding, uint64_t *before)
{
	int64_t now_ns = sw_clock_realtime();
	struct said *said;
	HASH_FIND_STR(view->said, finding->fingerprint, said);
	*before = 0;
	if (!said && HASH_COUNT(view->said) < SAID_MAX) {
		said = sw_alloc(sizeof *said);
		memcpy(said->fingerprint, finding->fingerprint, sizeof said->fingerprint);
		HASH_ADD_STR(view->said, fingerprint, said);
	}
	if (!said)
		return true;
	said->count += finding->count;
	if (said->shown && said->count < 10 * said->shown && now_ns - said->shown_ns < SAID_AGAIN_NS)
		return false;
	*before = said->count - finding->count;
	said->shown = said->count;
	said->shown_ns = now_ns;
	return true;
}

void sw_view_finding(struct sw_view *view, const struct sw_finding *finding)
{
	static const char *const colours[] = {[SW_SEVERITY_NOTE] = "\033[2m",
					      [SW_SEVERITY_SLOW] = "\033[1;33m",
					      [SW_SEVERITY_FAILURE] = "\033[1;31m"};
	char when[48];
	uint64_t before;
	if (finding->severity == SW_SEVERITY_NOTE && !view->notes)
		return;
	view->found += finding->count;
	if (!view->findings || !worth_saying(view, finding, &before))
		return;
	sw_auto_free char *headline = sw_headline_short(finding), *process = sw_process_text(&finding->symptom);
	sw_auto_free char *again = before ? sw_format(", %llu before", (unsigned long long)before) : sw_strdup("");
	sw_auto_free char *text = sw_format("%s  (%s, %s%s)%s%s", headline, finding->verdict,
					    sw_confidence_name(finding->confidence), again, process ? "  " : "",
					    process ? process : "");
	sw_auto_free char *clean = sw_clean_terminal(text);
	sw_auto_free char *line = sw_format("%s  %s%s%s  %s\n", sw_time_of_day_text(finding->surfaced_ns, when),
					    view->colour ? colours[finding->severity] : "",
					    sw_severity_label(finding->severity), view->colour ? "\033[0m" : "", clean);
	sw_view_put(view, line);
}

void sw_view_end(struct sw_view *view, const struct sw_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		struct said *said;
		HASH_FIND_STR(view->said, report->findings[i].fingerprint, said);
		if (!said)
			sw_view_finding(view, &report->findings[i]);
	}
}

void sw_view_rest(struct sw_view *view)
{
	if (view->drawn)
		sw_view_put(view, "");
	view->status = false;
}

/* ---- the status line -------------------------------------------------------------------------------------------- */

static char *status_text(const struct sw_view *view, int64_t now_ns, const struct sw_view_counts *counts)
{
	char calls[64], packets[64], found[64], up[32];
	sw_count_text((int64_t)counts->calls, "call", calls);
	sw_count_text((int64_t)counts->packets, "packet", packets);
	sw_count_text((int64_t)view->found, "finding", found);
	int64_t up_ns = (now_ns - view->began_ns) / SW_NS_PER_S * SW_NS_PER_S;
	sw_auto_free char *dropped = counts->drops_unknown ?
					     sw_strdup("drops unknown") :
					     sw_format("%llu dropped", (unsigned long long)counts->dropped);
	return sw_format("%s: %s, %s, %s, %s", sw_duration_text(up_ns, up), calls, packets, dropped, found);
}

void sw_view_status(struct sw_view *view, int64_t now_ns, const struct sw_view_counts *counts)
{
	if (!view->status || (view->drawn && now_ns - view->status_ns < STATUS_NS))
		return;
	if (now_ns - view->began_ns < STATUS_NS)
		return; /* what ends at once shows nothing */
	sw_auto_free char *text = status_text(view, now_ns, counts);
	unsigned width = sw_report_width(stderr);
	int most = width > 1 ? (int)width - 1 : 79;
	sw_auto_free char *line = sw_format(ERASE "%.*s", most, text);
	view->status_ns = now_ns;
	if (sw_output_send(STDERR_FILENO, line, strlen(line), 0) == 0)
		view->drawn = true;
}
