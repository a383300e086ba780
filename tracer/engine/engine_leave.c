/* Letting go of processes that were attached to, so that they do not notice.
 *
 * The kernel detaches from a thread by waking it as a signal would: a call that it is about to enter (it stands at the entry stop)
 * then finds that it is to be interrupted, and epoll_wait answers EINTR. So first each thread that stops is let go on without any
 * more stops at its calls, until none is left that could come to an entry: who is inside a call meets its exit first, which is harmless.
 * Then the tracing thread ends. Threads that were told to stop and have not yet are waited for: their EINTR must be mended. */
#include "tracer/engine/engine_state.h"

#define COMPUTING_NS (100 * SW_NS_PER_MS) /* who makes no call for so long will hardly make one just then */
#define ARRIVING_NS (2 * SW_NS_PER_S) /* a thread that has been told to stop needs a processor first */

static bool is_owed_an_arrival(const struct sw_tracee *tracee)
{
	return tracee->arriving && tracee->interrupted_by_us;
}

static bool may_meet_an_entry(const struct sw_tracee *tracee)
{
	return !tracee->arriving && !tracee->let_go && !tracee->inside && !tracee->stopped;
}

static bool any(struct sw_engine_state *engine, bool (*is)(const struct sw_tracee *tracee))
{
	struct sw_tracee *tracee, *next;

	HASH_ITER (hh, engine->tracees.threads, tracee, next)
		if (is(tracee))
			return true;
	return false;
}

/* When to stop waiting; 0: there is nobody to wait for. */
static int64_t patience(struct sw_engine_state *engine, int64_t began)
{
	if (any(engine, is_owed_an_arrival))
		return began + ARRIVING_NS;
	return any(engine, may_meet_an_entry) ? began + COMPUTING_NS : 0;
}

void sw_engine_leave(struct sw_engine_state *engine)
{
	int64_t began = sw_clock_monotonic(), until;
	struct sw_event event = {0};

	engine->letting_go = true;
	while ((until = patience(engine, began)) > sw_clock_monotonic()) {
		engine->wake_at = until;
		sw_engine_next(engine, &event);
		if (event.kind == SW_EVENT_OVER)
			return;
		if (event.kind != SW_EVENT_ALARM)
			sw_engine_dispatch(engine, &event);
	}
}
