/* The merged timeline of -v: calls, packets and facts as lines of text, in the order in which the merge hands them out.
 *
 * Enters: the merge's records. Leaves: an array for the renderers. Bounded: what is over SW_TIMELINE_MAX is counted. */
#ifndef SW_TIMELINE_H
#define SW_TIMELINE_H

#include "capture/packet.h"
#include "src/options.h"
#include "src/report/context.h"
#include "tracer/call.h"

#define SW_TIMELINE_MAX 200000u /* lines; some 30 MB */

struct sw_timeline;

bool sw_timeline_wanted(const struct sw_options *options); /* -v, or a page that lists it */
struct sw_timeline *sw_timeline_new(void);
void sw_timeline_free(struct sw_timeline *timeline);

void sw_timeline_call(struct sw_timeline *timeline, const struct sw_call *call); /* when it is left */
void sw_timeline_process(struct sw_timeline *timeline, const struct sw_process *process); /* learns names */
void sw_timeline_fact(struct sw_timeline *timeline, const struct sw_fact *fact);
/* Names the further places of capture. */
void sw_timeline_status(struct sw_timeline *timeline, const struct sw_capture_status *status);
void sw_timeline_packet(struct sw_timeline *timeline, const struct sw_packet *packet);

/* Lends the lines to the context, sorted by time: a call stands where it was entered. */
void sw_timeline_lend(struct sw_timeline *timeline, struct sw_report_context *context);

#endif
