/* Which manner of waiting for the next stop brings the program furthest, found out by trying.
 *
 * There are three: busily (engine_spin.c), asleep, and asleep but before others when woken (engine_rank.c). Which is best hangs on how many
 * want a processor, on how many of them are the program's own threads or wait for its answers, and on what waking a processor costs on
 * this machine: a call took up to three times as long in the wrong one, and each is the wrong one somewhere (engine.md). So now and then
 * each that is open is tried for some milliseconds, twice and in turn, and the one that brought the most stops in its time is kept. Of a
 * time without stops little counts: the program may have paused. Enters: that a stop has been seen to. Leaves: the manner in which to wait
 * for the next. */
#include "tracer/engine/engine_state.h"

#define ROUND_NS (10 * SW_NS_PER_MS) /* some slices of time of the scheduler's */
#define GAP_MOST_NS (10 * SW_NS_PER_MS)
#define TRIES 2u /* each */
#define ENOUGH 64u /* stops in a contest, to tell anything */
#define PAUSE_NS (300 * SW_NS_PER_MS) /* from one contest to the next; it doubles while they all say the same */
#define PAUSE_MOST_NS (1200 * SW_NS_PER_MS)

static unsigned open_manners(const struct sw_engine_state *engine)
{
	return 1u << SW_MANNER_ASLEEP | (unsigned)engine->waiter.may_spin << SW_MANNER_BUSY |
	       (unsigned)engine->rank.open << SW_MANNER_FIRST;
}

static bool is_open(const struct sw_contest *contest, enum sw_manner manner)
{
	return contest->open >> manner & 1;
}

static uint64_t rate(const struct sw_contest *contest, enum sw_manner manner)
{
	int64_t tried_ns = contest->tried[manner].ns;

	return is_open(contest, manner) && tried_ns ?
		       contest->tried[manner].stops * (uint64_t)SW_NS_PER_S / (uint64_t)tried_ns :
		       0;
}

/* Asleep costs nobody a processor or a place in the line: another manner must bring an eighth more. The one that was best before keeps
 * its place by half of that. */
static void decide(struct sw_contest *contest)
{
	enum sw_manner before = contest->best, best = SW_MANNER_ASLEEP;
	unsigned stops = 0;

	for (enum sw_manner manner = 0; manner < SW_MANNERS; manner++) {
		stops += contest->tried[manner].stops;
		if (rate(contest, manner) > rate(contest, best) + rate(contest, best) / (manner == before ? 16 : 8))
			best = manner;
	}
	contest->pause_ns *= 2;
	if (stops < ENOUGH || best != before)
		contest->pause_ns = PAUSE_NS;
	if (contest->pause_ns > PAUSE_MOST_NS)
		contest->pause_ns = PAUSE_MOST_NS;
	if (stops >= ENOUGH)
		contest->best = best;
}

static void begin(struct sw_contest *contest, unsigned open)
{
	contest->open = open;
	contest->round = 0;
	for (enum sw_manner manner = 0; manner < SW_MANNERS; manner++)
		contest->tried[manner] = (struct sw_tried){0};
	if (!is_open(contest, contest->best))
		contest->best = is_open(contest, SW_MANNER_BUSY) ? SW_MANNER_BUSY : SW_MANNER_ASLEEP;
}

/* The next round, or the pause after the last; with one manner alone there is nothing to try. */
static void advance(struct sw_contest *contest, int64_t now)
{
	bool alone = !(contest->open & (contest->open - 1));

	do
		contest->round++;
	while (contest->round <= TRIES * SW_MANNERS && !is_open(contest, (contest->round - 1) % SW_MANNERS));
	if (alone || contest->round > TRIES * SW_MANNERS) {
		contest->round = 0;
		decide(contest);
	}
	contest->manner = contest->round ? (contest->round - 1) % SW_MANNERS : contest->best;
	contest->until = now + (contest->round ? ROUND_NS : contest->pause_ns);
}

void sw_engine_contest(struct sw_engine_state *engine, int64_t now)
{
	struct sw_contest *contest = &engine->waiter.contest;
	struct sw_tried *tried = &contest->tried[contest->manner];
	unsigned open = open_manners(engine);
	int64_t gap_ns = now - contest->stop_at;

	if (!contest->pause_ns) {
		begin(contest, open);
		contest->manner = contest->best;
		contest->pause_ns = PAUSE_NS / 2; /* how it begins says little */
		contest->until = now + contest->pause_ns;
	}
	if (contest->round) {
		tried->stops++;
		tried->ns += gap_ns < GAP_MOST_NS ? gap_ns : GAP_MOST_NS;
	}
	contest->stop_at = now;
	if (now < contest->until && open == contest->open)
		return;
	if (!contest->round || open != contest->open)
		begin(contest, open);
	advance(contest, now);
	sw_engine_rank_lead(&engine->rank, contest->manner == SW_MANNER_FIRST, now);
	if (contest->manner == SW_MANNER_FIRST && !engine->rank.leads)
		contest->manner = SW_MANNER_ASLEEP; /* it is not permitted */
}
