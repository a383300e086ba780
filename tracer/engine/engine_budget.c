/* The price of being followed, and its bound: what share of its time each thread has spent stopped, as a moving average.
 *
 * Enters: stops and releases. Leaves: whether a thread is above --budget. The kernel does not say when a thread stopped, so what lies
 * between its stop and our learning of it is taken from experience (tests/bench): two context switches, more when we slept. Where stops
 * come faster than we see to them a thread waits its turn: half of the time in which that can have begun. */
#include "tracer/engine/engine_state.h"

#define WINDOW_NS (SW_NS_PER_S / 4)
#define KEPT                                                                                                           \
	7 /* of 8: what a window leaves of the average; a thread that is always stopped is over 25 % after 0.75 s */
#define UNSEEN_BUSY_NS (4 * SW_NS_PER_US)
#define UNSEEN_ASLEEP_NS (20 * SW_NS_PER_US)

void sw_engine_budget_begin(struct sw_engine_state *engine)
{
	engine->budget_since = sw_clock_monotonic();
	engine->budget_at = engine->budget_since + WINDOW_NS;
}

void sw_engine_budget_stop(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	const struct sw_waiter *waiter = &engine->waiter;
	int64_t now = sw_clock_monotonic();
	int64_t since = tracee->released_at > waiter->looked_at ? tracee->released_at : waiter->looked_at;

	tracee->stopped_at = now;
	tracee->stopped_ns += waiter->in_row ? UNSEEN_BUSY_NS : UNSEEN_ASLEEP_NS;
	if (waiter->queued && since > engine->budget_since)
		tracee->stopped_ns += (now - since) / 2;
}

void sw_engine_budget_release(struct sw_tracee *tracee)
{
	if (!tracee->stopped_at)
		return;
	tracee->released_at = sw_clock_monotonic();
	tracee->stopped_ns += tracee->released_at - tracee->stopped_at;
	tracee->stopped_at = 0;
}

static unsigned share_next(struct sw_tracee *tracee, int64_t window)
{
	int64_t now = tracee->stopped_ns * 1000 / window;

	tracee->stopped_ns = 0;
	tracee->stopped_share = (unsigned)((tracee->stopped_share * KEPT + (now > 1000 ? 1000 : now)) / (KEPT + 1));
	return tracee->stopped_share;
}

bool sw_engine_budget_spent(struct sw_engine_state *engine)
{
	int64_t now = sw_clock_monotonic(), window = now - engine->budget_since;
	struct sw_tracee *tracee, *next;
	unsigned most = 0;

	HASH_ITER (hh, engine->tracees.threads, tracee, next) {
		unsigned share = window > 0 ? share_next(tracee, window) : 0;
		most = share > most ? share : most;
	}
	sw_engine_budget_begin(engine);
	return most > engine->attach->budget * 10;
}
