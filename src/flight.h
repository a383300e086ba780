/* The flight recorder: which final finding is the one that was waited for, when the session is over, which incidents are written.
 *
 * Enters: final findings, the time, the journal. Leaves: the end of an --until-failure; files in the folder of --each-failure, one for
 * each cause (verdict, remote end, program), the repeats counted. Judges nothing. */
#ifndef SW_FLIGHT_H
#define SW_FLIGHT_H

#include "src/incident.h"
#include "src/view.h"

struct sw_flight;

struct sw_flight *sw_flight_new(const struct sw_options *options, struct sw_view *view);
void sw_flight_free(struct sw_flight *flight); /* NULL is allowed */

void sw_flight_found(struct sw_flight *flight, const struct sw_finding *finding, int64_t now_ns);
/* --until-failure: what was waited for came, and --linger after it is over. */
bool sw_flight_is_over(const struct sw_flight *flight, int64_t now_ns);
/* When the oldest began of what is found and not written yet; SW_TIME_NONE: there is none. */
int64_t sw_flight_needs_since(const struct sw_flight *flight);
/* --each-failure: writes the incidents that are due (INT64_MAX: all that wait). 0, or the first error that a file met. */
int sw_flight_write(struct sw_flight *flight, struct sw_incident *incident, const struct sw_report_context *context,
		    int64_t now_ns);
/* The session is over: takes what became final only now. */
void sw_flight_end(struct sw_flight *flight, const struct sw_report *report, int64_t now_ns);
void sw_flight_say_end(const struct sw_flight *flight);

#endif
