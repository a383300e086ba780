/* The price of being followed, and its bound: what share of its time each thread has spent stopped, as a moving average.
 *
 * Enters: stops and releases. Leaves: whether a thread is above --budget. The kernel does not say when a thread stopped, so what lies
 * between its stop and our learning of it, and between its release and its running, is taken from experience (tests/bench): two context switches, more
 * when we slept. Where a thread stops often it is measured, by the time that it ran and waited for a processor (/proc/PID/task/TID/schedstat).
 * Each stop takes it off its processor once, and each call that blocks once more: where it was put on one no more often than that
 * counts up to, all that it did not run was ours, but for the long calls. Where short calls block too nobody can tell them from our doing: but
 * outside of calls a thread does nothing but run, so what it did not run there is ours, and inside of calls it is as much again. Where stops
 * come faster than we see to them a thread waits its turn: half of the time in which that can have begun. */
#include "tracer/engine/engine_state.h"

#define WINDOW_NS (SW_NS_PER_S / 4)
#define KEPT                                                                                                           \
	7 /* of 8: what a window leaves of the average; a thread that is always stopped is over 25 % after 0.75 s */
#define UNSEEN_BUSY_NS (4 * SW_NS_PER_US)
#define UNSEEN_ASLEEP_NS (20 * SW_NS_PER_US)
#define UNSEEN_MOST_NS (40 * SW_NS_PER_US) /* a stop; what is more is a page fault's, or others' */
#define WAKING_NS (20 * SW_NS_PER_US) /* a stop: being woken; what it waited longer for a processor is others' */
#define STOPS_OFTEN 250u /* a window */
#define LONG_NS (200 * SW_NS_PER_US) /* a call: it blocked */
#define PREEMPTED 16 /* so many stops for one time that it lost its processor otherwise */

void sw_engine_budget_begin(struct sw_engine_state *engine)
{
	engine->budget_since = sw_clock_monotonic();
	engine->budget_at = engine->budget_since + WINDOW_NS;
}

/* It has been in a call until now. */
static void called(struct sw_tracee *tracee, int64_t window_at, int64_t now)
{
	int64_t since = tracee->released_at > window_at ? tracee->released_at : window_at;

	if (now - tracee->released_at < LONG_NS)
		return;
	tracee->price.long_ns += now - since;
	tracee->price.long_calls++;
}

void sw_engine_budget_stop(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	const struct sw_waiter *waiter = &engine->waiter;
	int64_t now = sw_clock_monotonic();
	int64_t since = tracee->released_at > waiter->looked_at ? tracee->released_at : waiter->looked_at;

	tracee->stopped_at = now;
	tracee->price.stops++;
	tracee->price.unseen_ns += waiter->in_row ? UNSEEN_BUSY_NS : UNSEEN_ASLEEP_NS;
	if (waiter->queued && since > engine->budget_since)
		tracee->price.unseen_ns += (now - since) / 2;
	if (!tracee->inside && tracee->released_at >= engine->budget_since)
		tracee->price.free_ns += now - tracee->released_at;
	if (tracee->inside)
		called(tracee, engine->budget_since, now);
}

void sw_engine_budget_release(struct sw_tracee *tracee)
{
	if (!tracee->stopped_at)
		return;
	tracee->released_at = sw_clock_monotonic();
	tracee->price.stopped_ns += tracee->released_at - tracee->stopped_at;
	tracee->stopped_at = 0;
}

/* The next window begins for the thread. False: what it ran in this one is not known. */
static bool ran(struct sw_tracee *tracee, struct sw_proc_sched *in_window)
{
	struct sw_tracee_price *price = &tracee->price, before = *price;

	price->measured = sw_proc_sched(tracee->process->pid, tracee->tid, &price->at_begin);
	in_window->ran_ns = price->at_begin.ran_ns - before.at_begin.ran_ns;
	in_window->delayed_ns = price->at_begin.delayed_ns - before.at_begin.delayed_ns;
	in_window->slices = price->at_begin.slices - before.at_begin.slices;
	return price->measured && before.measured;
}

static int64_t unseen(struct sw_tracee *tracee, int64_t window)
{
	struct sw_tracee_price *price = &tracee->price;
	struct sw_proc_sched sched;
	int64_t most = price->stops * UNSEEN_MOST_NS;

	if (price->stops < STOPS_OFTEN) {
		price->measured = false;
		return price->unseen_ns;
	}
	if (!ran(tracee, &sched))
		return price->unseen_ns;
	int64_t others = (int64_t)sched.delayed_ns - price->stops * WAKING_NS, ran_ns = (int64_t)sched.ran_ns;
	if (others > 0)
		ran_ns += others;
	bool only_long = sched.slices <= price->stops + price->long_calls + price->stops / PREEMPTED;
	int64_t found = only_long ? window - ran_ns - price->long_ns - price->stopped_ns :
				    2 * (price->free_ns - ran_ns);

	found = found < most ? found : most;
	return found > price->unseen_ns ? found : price->unseen_ns;
}

static unsigned share_next(struct sw_tracee *tracee, int64_t window_at, int64_t window)
{
	if (tracee->inside && !tracee->stopped_at)
		called(tracee, window_at, window_at + window);
	int64_t now = (tracee->price.stopped_ns + unseen(tracee, window)) * 1000 / window;

	tracee->price.stopped_ns = tracee->price.unseen_ns = tracee->price.free_ns = tracee->price.long_ns = 0;
	tracee->price.stops = tracee->price.long_calls = 0;
	tracee->stopped_share = (unsigned)((tracee->stopped_share * KEPT + (now > 1000 ? 1000 : now)) / (KEPT + 1));
	return tracee->stopped_share;
}

bool sw_engine_budget_spent(struct sw_engine_state *engine)
{
	int64_t now = sw_clock_monotonic(), window = now - engine->budget_since;
	struct sw_tracee *tracee, *next;
	unsigned most = 0;

	HASH_ITER (hh, engine->tracees.threads, tracee, next) {
		unsigned share = window > 0 ? share_next(tracee, engine->budget_since, window) : 0;
		most = share > most ? share : most;
	}
	sw_engine_budget_begin(engine);
	return most > engine->attach->budget * 10;
}
