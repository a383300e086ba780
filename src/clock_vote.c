/* The offset that most pairs of a call and a packet agree on.
 *
 * Enters: which moves and packets may belong together. Leaves: a region of offsets, with its votes. Every pair gives an interval of
 * offsets, and each call has one vote; where a constant offset does not satisfy all, a drift is tried. */
#include <stdlib.h>
#include <string.h>

#include "src/clock_align_internal.h"

#define QUARTER_NS (900 * SW_NS_PER_S) /* time zones differ by whole quarters of an hour */
#define LOOSE_NS (2 * SW_NS_PER_MS) /* stamps of one clock, taken at different places in the kernel */
#define DRIFT_STEP 5000 /* parts per 10^9 */
#define DRIFT_MAX 100000
#define NEAR_NS (5 * SW_NS_PER_S) /* where a drift is looked for */
#define ELSEWHERE_NS (2 * SW_NS_PER_S) /* from the best region to the next that counts as another */

struct edge { /* of an interval of offsets */
	int64_t offset_ns;
	uint32_t move;
	int8_t step;
};

struct vote {
	const struct sw_align *align;
	SW_ARRAY(struct edge) edges;
	uint32_t *counts; /* by move: its intervals that are open here */
};

bool sw_align_round(int64_t from_ns, int64_t to_ns, int64_t *round_ns)
{
	int64_t multiple = 0;

	if (from_ns > 0)
		multiple = (from_ns + QUARTER_NS - 1) / QUARTER_NS;
	else if (to_ns < 0)
		multiple = -((-to_ns + QUARTER_NS - 1) / QUARTER_NS);
	*round_ns = multiple * QUARTER_NS;
	return *round_ns >= from_ns && *round_ns <= to_ns;
}

static int edge_order(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->offset_ns != y->offset_ns)
		return x->offset_ns < y->offset_ns ? -1 : 1;
	return y->step - x->step; /* closed intervals: begin before end */
}

/* `near_ns`: only offsets around it, SW_TIME_NONE all. */
static void make_edges(struct vote *vote, int64_t drift, int64_t near_ns)
{
	const struct sw_align *align = vote->align;

	vote->edges.count = 0;
	for (size_t i = 0; i < align->pairs.count; i++) {
		const struct sw_align_pair *pair = &align->pairs.items[i];
		const struct sw_align_move *move = &align->moves.items[pair->move];
		int64_t time_ns = align->seens.items[pair->seen].time_ns -
				  (move->from_ns - align->log.first_ns) / SW_NS_PER_S * drift;

		if (near_ns != SW_TIME_NONE &&
		    llabs(time_ns - move->from_ns - near_ns) > NEAR_NS + move->to_ns - move->from_ns)
			continue;
		if (!move->waited && move->kind >= SW_ALIGN_RECEIVE)
			continue;
		*SW_ARRAY_ADD(&vote->edges) = (struct edge){time_ns - move->to_ns - LOOSE_NS, pair->move, 1};
		*SW_ARRAY_ADD(&vote->edges) = (struct edge){time_ns - move->from_ns + LOOSE_NS, pair->move, -1};
	}
	if (vote->edges.count)
		qsort(vote->edges.items, vote->edges.count, sizeof *vote->edges.items, edge_order);
}

static bool better(const struct sw_align_region *a, const struct sw_align_region *b)
{
	/* A few calls may have lost their packets: a round offset that nearly all agree on is more likely than chance. */
	if (a->round != b->round)
		return a->round ? a->votes * 5 >= b->votes * 4 : a->votes * 4 > b->votes * 5;
	return a->votes > b->votes;
}

static bool is_elsewhere(const struct sw_align_region *region, const struct sw_align_region *but)
{
	return !but || region->to_ns <= but->from_ns - ELSEWHERE_NS || region->from_ns >= but->to_ns + ELSEWHERE_NS;
}

/* The best of the regions in which the number of votes stays the same; `but`: only elsewhere. */
static struct sw_align_region sweep(struct vote *vote, const struct sw_align_region *but)
{
	struct sw_align_region best = {0}, region = {0};

	memset(vote->counts, 0, (vote->align->moves.count + 1) * sizeof *vote->counts);
	for (size_t i = 0; i < vote->edges.count; i++) {
		const struct edge *edge = &vote->edges.items[i];
		uint32_t *count = &vote->counts[edge->move];

		*count += (uint32_t)edge->step;
		/* The call's vote comes with its first interval and goes with its last. */
		if (edge->step > 0 ? *count != 1 : *count != 0)
			continue;
		region.to_ns = edge->offset_ns;
		region.round = sw_align_round(region.from_ns, region.to_ns, &region.round_ns);
		if (region.votes && is_elsewhere(&region, but) && better(&region, &best))
			best = region;
		region.from_ns = edge->offset_ns;
		region.votes += (uint32_t)edge->step;
	}
	return best;
}

static uint32_t count_asked(const struct vote *vote)
{
	uint32_t asked = 0;

	memset(vote->counts, 0, (vote->align->moves.count + 1) * sizeof *vote->counts);
	for (size_t i = 0; i < vote->edges.count; i++)
		asked += vote->counts[vote->edges.items[i].move]++ == 0;
	return asked;
}

static void try_drifts(struct vote *vote, struct sw_align_region *best)
{
	const struct sw_align_region still = *best;

	for (int64_t drift = -DRIFT_MAX; drift <= DRIFT_MAX; drift += DRIFT_STEP) {
		struct sw_align_region region;

		make_edges(vote, drift, still.from_ns);
		region = sweep(vote, NULL);
		/* A drift explains only what is clearly better with it. */
		if (drift && region.votes > best->votes && region.votes > still.votes + still.votes / 5) {
			region.asked = still.asked;
			region.second = still.second;
			region.drift = drift;
			*best = region;
		}
	}
}

void sw_align_vote(const struct sw_align *align, struct sw_align_region *best)
{
	struct vote vote = {.align = align, .counts = sw_alloc((align->moves.count + 1) * sizeof(uint32_t))};
	uint32_t asked;

	make_edges(&vote, 0, SW_TIME_NONE);
	asked = count_asked(&vote);
	*best = sweep(&vote, NULL);
	best->second = sweep(&vote, best).votes;
	best->asked = asked;
	/* One clock has no drift: where nearly all agree on that, nothing better is looked for. */
	if (best->votes < asked && asked >= 4 && !(best->round && best->votes * 10 >= asked * 9))
		try_drifts(&vote, best);
	SW_ARRAY_RELEASE(&vote.edges);
	free(vote.counts);
}
