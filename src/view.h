/* What a person sees while the session runs: each finding when it is final, the timeline with --live, a status line on a terminal.
 *
 * Enters: findings, records, counts. Leaves: lines on standard error, each in one write: the traced program may write there too. A pipe that
 * nobody reads, or a stopped terminal, costs lines and never time. Under `run` the terminal is the command's: no status line there,
 * unless --live asked to watch. */
#ifndef SW_VIEW_H
#define SW_VIEW_H

#include "src/options.h"
#include "src/report/context.h"

struct sw_view;

struct sw_view_counts {
	uint64_t calls, packets, dropped;
	bool drops_unknown;
};

struct sw_view *sw_view_new(const struct sw_options *options, enum sw_report_mode mode);
/* Takes the status line away, and says how many lines were not shown. NULL is allowed. */
void sw_view_free(struct sw_view *view);

void sw_view_finding(struct sw_view *view, const struct sw_finding *finding);
/* The session is over, and the report goes elsewhere: findings that were final only with the end. */
void sw_view_end(struct sw_view *view, const struct sw_report *report);
void sw_view_rest(struct sw_view *view); /* others write now: the status line goes, and comes no more */
/* "sockwhy: ..." where findings are shown at all. */
void sw_view_say(struct sw_view *view, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool sw_view_is_live(const struct sw_view *view); /* the records are wanted */
void sw_view_enter(struct sw_view *view, const struct sw_call *call);
void sw_view_call(struct sw_view *view, const struct sw_call *call); /* when it is left */
void sw_view_process(struct sw_view *view, const struct sw_process *process);
void sw_view_fact(struct sw_view *view, const struct sw_fact *fact);
void sw_view_packet(struct sw_view *view, const struct sw_packet *packet);

/* Call often: once a second the status line is drawn anew. */
void sw_view_status(struct sw_view *view, int64_t now_ns, const struct sw_view_counts *counts);

#endif
