/* The ladder of a finding: where each call and packet stands in the picture. Plain geometry in units of the drawing.
 *
 * Time runs downward; between two instants the distance grows with the logarithm of the time, so that microseconds and minutes
 * fit one picture. A packet's far end is half the least round trip away. */
#ifndef SW_REPORT_HTML_LADDER_H
#define SW_REPORT_HTML_LADDER_H

#include "src/report/context.h"

#define SW_LADDER_ROWS 64 /* more are only in the table */
#define SW_LADDER_LANES 4

struct sw_ladder_row {
	const struct sw_evidence *evidence;
	int64_t at_ns, end_ns; /* since the first; in the order of cause. end: of a call, else at_ns */
	double y, height; /* height: of a call's bar */
	double slope; /* of a packet: how much lower its far (out) or higher its near (in) end is */
	unsigned lane; /* of a call: threads stand side by side */
};

struct sw_ladder_pause { /* a long time in which nothing is shown */
	double y;
	int64_t ns;
};

struct sw_ladder {
	size_t row_count, pause_count, packet_count, call_count;
	unsigned lane_count;
	double height;
	int64_t one_way_ns; /* half the least round trip; 0: none was measured, slopes are symbols */
	int64_t base_ns; /* the earliest; SW_TIME_NONE: no time is known */
	int64_t span_ns;
	struct sw_ladder_row rows[SW_LADDER_ROWS];
	struct sw_ladder_pause pauses[2 * SW_LADDER_ROWS];
};

void sw_ladder_plan(struct sw_ladder *ladder, const struct sw_finding *finding);

#endif
