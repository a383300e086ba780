/* `sockwhy diff GOOD BAD`: what differs in what matters, the broken step first.
 *
 * Enters: two incident files. Leaves: text or JSON on standard output; exit status 0 where nothing differs, 1 where something does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/names.h"
#include "src/diff_print.h"
#include "src/report/page.h"
#include "src/report/report.h"
#include "src/report/words.h"

#define WIDTH 80
#define LABEL 11
#define ALSO_MAX 20

const char *sw_difference_name(enum sw_difference kind)
{
	static const char *const names[] = {"none", "outcome", "slower", "address", "missing", "extra"};
	return names[kind];
}

char *sw_exit_text(const struct sw_report *report)
{
	if (!report->exit_known)
		return NULL;
	if (report->exit_signal)
		return sw_format("killed by %s", sw_signal_name(report->exit_signal));
	return sw_format("exited %d", report->exit_code);
}

bool sw_routes_have(const struct sw_recording *recording, const char *route)
{
	for (size_t i = 0; i < recording->routes.count; i++)
		if (strcmp(recording->routes.items[i], route) == 0)
			return true;
	return false;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

/* Where it was another end there, this is the first thing to know: " it was 10.0.0.2:80,". The caller frees. */
static char *other_end(const struct sw_divergence *divergence)
{
	const struct sw_step *good = divergence->good, *bad = divergence->bad;
	char there[SW_ADDR_TEXT], here[SW_ADDR_TEXT];

	if (!good || !bad || !good->target.present || !bad->target.present ||
	    strcmp(sw_addr_text(&good->target, there), sw_addr_text(&bad->target, here)) == 0)
		return sw_strdup("");
	return sw_format(" it was %s,", there);
}

static char *sentence(const struct sw_divergence *divergence)
{
	const struct sw_step *step = divergence->bad ? divergence->bad : divergence->good;
	sw_auto_free char *text = sw_step_text(step);
	sw_auto_free char *good = divergence->good ? sw_step_outcome_text(divergence->good) : NULL;
	sw_auto_free char *bad = divergence->bad ? sw_step_outcome_text(divergence->bad) : NULL;
	sw_auto_free char *other = divergence->good ? sw_step_text(divergence->good) : NULL;
	switch (divergence->kind) {
	case SW_DIFFERENCE_MISSING: return sw_format("%s: only in the good one (%s)", text, good);
	case SW_DIFFERENCE_EXTRA: return sw_format("%s: only in the bad one, %s", text, bad);
	case SW_DIFFERENCE_ADDRESS: return sw_format("%s: in the good one %s", text, other);
	default: break;
	}
	sw_auto_free char *end = other_end(divergence);

	return sw_format("%s: %s; in the good one%s %s", text, bad, end, good);
}

static void put_next(const struct sw_page *page, const struct sw_finding *finding)
{
	for (size_t i = 0; i < finding->next_count && i < 2; i++) {
		const struct sw_next *next = &finding->next[i];
		sw_auto_free char *where = sw_format("%s: ", sw_place_text(next->where));
		const char *label = i == 0 ? "next" : NULL;

		if (next->command)
			sw_page_command(page, label, where, next->command, SW_STYLE_PLAIN);
		else
			sw_page_line(page, label, "%s%s", where, next->text);
	}
}

static void put_finding(const struct sw_page *page, const struct sw_finding *finding)
{
	sw_auto_free char *note = sw_format("%s, %s", finding->verdict, sw_confidence_name(finding->confidence));
	sw_auto_free char *usually = sw_joined_text(&finding->usually, "; else ", ", or ");
	sw_page_put(page, &(struct sw_paragraph){.label = "cause", .text = sw_cause_text(finding), .note = note});
	sw_page_put(page, &(struct sw_paragraph){.label = "usually", .text = usually});
	sw_page_put(page, &(struct sw_paragraph){.label = "address", .text = sw_origin_text(&finding->flow)});
	put_next(page, finding);
}

static void put_routes(const struct sw_page *page, const struct sw_recording *recording,
		       const struct sw_recording *other, const char *label)
{
	for (size_t i = 0; i < recording->routes.count; i++)
		if (!sw_routes_have(other, recording->routes.items[i]))
			sw_page_line(page, label, "%s", recording->routes.items[i]);
}

/* Tried once more, with the same end. */
static bool same_again(const struct sw_divergence *one, const struct sw_divergence *before)
{
	const struct sw_step *step = one->bad ? one->bad : one->good, *other = before->bad ? before->bad : before->good;
	sw_auto_free char *text = sw_step_text(step), *other_text = sw_step_text(other);
	return one->kind == before->kind && step->outcome == other->outcome && step->error == other->error &&
	       strcmp(text, other_text) == 0;
}

static void put_rest(const struct sw_page *page, const struct sw_diff_view *view)
{
	const struct sw_diff *diff = view->diff;
	size_t last = 0;
	for (size_t i = 1; i < diff->divergences.count && i <= ALSO_MAX; i++) {
		const struct sw_divergence *one = &diff->divergences.items[i];
		sw_auto_free char *text = sentence(one);
		if (same_again(one, &diff->divergences.items[i - 1]))
			continue;
		sw_page_line(page, last == 0 ? "also" : NULL, "%s", text);
		last = i;
	}
	if (diff->divergences.count > ALSO_MAX + 1)
		sw_page_line(page, NULL, "and %zu more (--json)", diff->divergences.count - ALSO_MAX - 1);
	if (view->good->routes.count && view->bad->routes.count) {
		put_routes(page, view->good, view->bad, "good only");
		put_routes(page, view->bad, view->good, "bad only");
	}
	sw_auto_free char *good = sw_exit_text(view->good->report), *bad = sw_exit_text(view->bad->report);
	if (good && bad && strcmp(good, bad) != 0)
		sw_page_line(page, "program", "%s; was: %s", bad, good);
}

static void print(const struct sw_diff_view *view)
{
	unsigned width = sw_report_width(stdout);
	struct sw_page page = {.out = stdout,
			       .width = width ? width : WIDTH,
			       .colour = sw_report_colour(stdout),
			       .indent = 2,
			       .label_width = LABEL};
	struct sw_page head = page;
	head.indent = 0;
	if (view->diff->divergences.count == 0) {
		sw_page_line(&head, "SAME", "%zu operation%s went the same way in both", view->diff->same,
			     view->diff->same == 1 ? "" : "s");
		put_rest(&page, view);
		return;
	}
	const struct sw_divergence *first = &view->diff->divergences.items[0];
	sw_auto_free char *text = sentence(first);
	sw_page_put(&head,
		    &(struct sw_paragraph){
			    .label = "DIFFERS", .label_style = SW_STYLE_BAD, .text = text, .style = SW_STYLE_STRONG});
	if (first->bad && first->bad->finding)
		put_finding(&page, first->bad->finding);
	sw_page_line(&page, "before", "%zu operation%s went the same way", view->diff->same,
		     view->diff->same == 1 ? "" : "s");
	put_rest(&page, view);
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static int compare(const struct sw_options *options, struct sw_recording *good, struct sw_recording *bad)
{
	struct sw_diff diff;
	sw_diff_make(&diff, good, bad);
	const struct sw_diff_view view = {good, bad, &diff};
	int status = diff.divergences.count > 0;
	if (options->json)
		sw_diff_json(&view, stdout);
	else
		print(&view);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "sockwhy: standard output cannot be written: %s\n", strerror(errno));
		status = SW_EXIT_TOOL;
	}
	SW_ARRAY_RELEASE(&diff.divergences);
	return status;
}

int sw_cmd_diff(const struct sw_options *options)
{
	struct sw_recording good = {0}, bad = {0};
	struct sw_err err = {0};
	int status = SW_EXIT_USAGE;
	if (options->argc != 2)
		sw_err_set(&err, -EINVAL,
			   "two recordings are needed: sockwhy diff GOOD BAD (see: sockwhy diff --help)");
	else if (sw_recording_read(&good, options->argv[0], options, &err) == 0 &&
		 sw_recording_read(&bad, options->argv[1], options, &err) == 0)
		status = compare(options, &good, &bad);
	if (err.code)
		fprintf(stderr, "sockwhy: %s\n", err.text);
	sw_recording_release(&good);
	sw_recording_release(&bad);
	return status;
}
