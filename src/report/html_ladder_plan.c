/* Where things stand in the ladder. See html_ladder.h. Knows nothing of SVG. */
#include "src/report/html_ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"

#define TOP 74.0 /* below the names of the columns */
#define BOTTOM 26.0
#define ROW_LEAST 25.0 /* so that labels do not touch */
#define LABELS_MEET 5.0
#define BAR_LEAST 9.0
#define SLOPE_LEAST 7.0
#define SLOPE_MOST 44.0
#define END_GAP 20.0
#define PAUSE_NS (100 * SW_NS_PER_MS)
#define PAUSE_LEAST 36.0

struct instant {
	int64_t ns;
	size_t row;
	bool begins; /* a row's own instant; else the end of a call */
	double y;
};

struct plan {
	size_t count;
	struct instant instants[2 * SW_LADDER_ROWS];
};

/* The order of cause wins over stamps: a row never stands above the one before it. */
static void fill_rows(struct sw_ladder *ladder, const struct sw_finding *finding)
{
	int64_t base = SW_TIME_NONE, last = 0;
	uint32_t threads[SW_LADDER_LANES] = {0};

	for (size_t i = 0; i < finding->evidence_count; i++) {
		int64_t ns = finding->evidence[i].time_ns;

		if (ns != SW_TIME_NONE && (base == SW_TIME_NONE || ns < base))
			base = ns;
	}
	ladder->base_ns = base;
	for (size_t i = 0; i < finding->evidence_count && ladder->row_count < SW_LADDER_ROWS; i++) {
		const struct sw_evidence *one = &finding->evidence[i];
		struct sw_ladder_row *row = &ladder->rows[ladder->row_count++];

		int64_t at = one->time_ns == SW_TIME_NONE ? last : one->time_ns - base;

		last = at > last ? at : last;
		*row = (struct sw_ladder_row){.evidence = one, .at_ns = last, .end_ns = last};
		ladder->packet_count += one->kind == SW_EVIDENCE_PACKET;
		if (one->kind != SW_EVIDENCE_CALL)
			continue;
		ladder->call_count++;
		if (one->exit_ns > 0 && base != SW_TIME_NONE && one->exit_ns - base > last)
			row->end_ns = one->exit_ns - base;
		while (row->lane + 1 < SW_LADDER_LANES && row->lane < ladder->lane_count &&
		       threads[row->lane] != one->tid)
			row->lane++;
		threads[row->lane] = one->tid;
		ladder->lane_count = row->lane >= ladder->lane_count ? row->lane + 1 : ladder->lane_count;
	}
	for (size_t i = 0; i < ladder->row_count; i++)
		ladder->span_ns = ladder->rows[i].end_ns > ladder->span_ns ? ladder->rows[i].end_ns : ladder->span_ns;
	/* What has not returned lasts to the end of the picture. */
	for (size_t i = 0; i < ladder->row_count; i++)
		if (ladder->rows[i].evidence->kind == SW_EVIDENCE_CALL &&
		    ladder->rows[i].evidence->exit_ns == SW_TIME_NONE)
			ladder->rows[i].end_ns = ladder->span_ns;
}

static int by_time(const void *a, const void *b)
{
	const struct instant *one = a, *other = b;

	if (one->ns != other->ns)
		return one->ns < other->ns ? -1 : 1;
	if (one->row != other->row)
		return one->row < other->row ? -1 : 1;
	return (int)other->begins - (int)one->begins;
}

static void fill_instants(struct plan *plan, const struct sw_ladder *ladder)
{
	for (size_t i = 0; i < ladder->row_count; i++) {
		const struct sw_ladder_row *row = &ladder->rows[i];

		plan->instants[plan->count++] = (struct instant){.ns = row->at_ns, .row = i, .begins = true};
		if (row->end_ns > row->at_ns)
			plan->instants[plan->count++] = (struct instant){.ns = row->end_ns, .row = i};
	}
	qsort(plan->instants, plan->count, sizeof *plan->instants, by_time);
}

static double distance(int64_t ns)
{
	return 3.0 + 6.0 * log10(1.0 + (double)ns / (double)SW_NS_PER_US);
}

/* Arrows need room for their slope; a label below one and a label above the next for each other. */
static double least_gap(const struct sw_ladder *ladder, size_t row)
{
	const struct sw_evidence *above = row ? ladder->rows[row - 1].evidence : NULL,
				 *one = ladder->rows[row].evidence;
	bool above_falls = above && above->kind == SW_EVIDENCE_PACKET && above->way != SW_WAY_IN;
	bool one_falls = one->kind == SW_EVIDENCE_PACKET && one->way == SW_WAY_IN;

	bool between = above && above->kind == SW_EVIDENCE_PACKET && above->way == SW_WAY_IN && !one_falls;

	return ROW_LEAST + (between ? LABELS_MEET : 0) + (above_falls ? SLOPE_LEAST : 0) +
	       (one_falls ? SLOPE_LEAST : 0);
}

static void place(struct plan *plan, struct sw_ladder *ladder)
{
	double last_row = TOP, y = TOP;

	for (size_t i = 0; i < plan->count; i++) {
		struct instant *at = &plan->instants[i];
		int64_t passed = i ? at->ns - plan->instants[i - 1].ns : 0;
		double step = i ? distance(passed) : 0;

		if (passed >= PAUSE_NS && step < PAUSE_LEAST)
			step = PAUSE_LEAST;
		if (i && at->begins && y + step < last_row + least_gap(ladder, at->row))
			step = last_row + least_gap(ladder, at->row) - y;
		if (passed >= PAUSE_NS)
			ladder->pauses[ladder->pause_count++] =
				(struct sw_ladder_pause){.y = y + step / 2, .ns = passed};
		y += step;
		at->y = y;
		if (at->begins)
			last_row = y;
	}
	ladder->height = y + BOTTOM;
}

/* The drawing's y of a moment: between the instants in proportion, beyond the last by the same logarithm. */
static double y_of(const struct plan *plan, int64_t ns)
{
	for (size_t i = 1; i < plan->count; i++) {
		const struct instant *a = &plan->instants[i - 1], *b = &plan->instants[i];

		if (ns <= b->ns && b->ns > a->ns && ns >= a->ns)
			return a->y + (b->y - a->y) * ((double)(ns - a->ns) / (double)(b->ns - a->ns));
	}
	const struct instant *first = &plan->instants[0], *last = &plan->instants[plan->count - 1];

	return ns <= first->ns ? first->y - distance(first->ns - ns) : last->y + distance(ns - last->ns);
}

static double slope_of(const struct plan *plan, const struct sw_ladder *ladder, const struct sw_ladder_row *row)
{
	bool in = row->evidence->way == SW_WAY_IN;
	double far = y_of(plan, row->at_ns + (in ? -ladder->one_way_ns : ladder->one_way_ns));
	double slope = ladder->one_way_ns > 0 ? fabs(far - row->y) : SLOPE_LEAST;

	return slope < SLOPE_LEAST ? SLOPE_LEAST : slope > SLOPE_MOST ? SLOPE_MOST : slope;
}

/* What is sent later arrives later, and the marks at the ends of arrows that got nowhere need room. */
static double behind(double slope, const struct sw_ladder_row *row, double *last_end)
{
	double least = *last_end + END_GAP - row->y;

	slope = slope < least ? least : slope;
	*last_end = row->y + slope;
	return slope;
}

void sw_ladder_plan(struct sw_ladder *ladder, const struct sw_finding *finding)
{
	struct plan plan = {0};
	double last_end = 0;

	memset(ladder, 0, sizeof *ladder);
	ladder->one_way_ns = finding->flow.rtt_ns > 0 ? finding->flow.rtt_ns / 2 : 0;
	fill_rows(ladder, finding);
	fill_instants(&plan, ladder);
	place(&plan, ladder);
	for (size_t i = 0; i < plan.count; i++) {
		struct sw_ladder_row *row = &ladder->rows[plan.instants[i].row];

		if (plan.instants[i].begins)
			row->y = plan.instants[i].y;
		else
			row->height = plan.instants[i].y - row->y;
	}
	for (size_t i = 0; i < ladder->row_count; i++) {
		struct sw_ladder_row *row = &ladder->rows[i];

		if (row->height < BAR_LEAST)
			row->height = BAR_LEAST;
		if (row->evidence->kind == SW_EVIDENCE_PACKET)
			row->slope = slope_of(&plan, ladder, row);
		if (row->evidence->kind == SW_EVIDENCE_PACKET && row->evidence->way == SW_WAY_OUT)
			row->slope = behind(row->slope, row, &last_end);
		if (row->y + row->slope + BOTTOM > ladder->height)
			ladder->height = row->y + row->slope + BOTTOM;
	}
}
