/* When a line stands: what its stamp says, and what is known besides.
 *
 * Enters: lines in their order, -T's durations, pins. Leaves: log->now_ns. Stamps of seconds or milliseconds are cut off: so that each
 * line has a place of its own, the lines of one stamp stand a nanosecond apart, no line before the end of the call above it, and no pinned
 * one before its pin. */
#include <stdlib.h>
#include <string.h>

#include "tracer/strace/strace_calls.h"

#define LINE_NS SW_NS_PER_US /* what a line counts where there are no stamps */
#define LATEST_NS (INT64_C(4000000000) * SW_NS_PER_S) /* a sum of relative stamps goes no further */
#define DAY_NS (24 * 3600 * SW_NS_PER_S)
#define COARSE_NS SW_NS_PER_MS /* stamps cut off here or before hide which of two calls came first */

uint32_t strace_who(const struct sw_strace_log *log, const struct line *line)
{
	if (line->pid)
		return line->pid;
	if (log->pid)
		return log->pid;
	/* Without -f there is one thread; before others were attached its lines have no number either. */
	return log->strace->first_thread ? log->strace->first_thread->tid : 1;
}

static int pin_order(const void *a, const void *b)
{
	const struct sw_strace_pin *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->stamp_ns < y->stamp_ns ? -1 : x->stamp_ns > y->stamp_ns;
}

/* The latest of what the pins say of this line. */
static int64_t pinned(const struct sw_strace *strace, uint32_t tid, int64_t stamp_ns)
{
	const struct sw_strace_pin key = {.tid = tid, .stamp_ns = stamp_ns}, *end, *pin;
	int64_t least_ns = stamp_ns;

	if (!strace->pin_count)
		return stamp_ns;
	end = strace->pins + strace->pin_count;
	pin = bsearch(&key, strace->pins, strace->pin_count, sizeof *pin, pin_order);
	while (pin && pin > strace->pins && pin_order(pin - 1, &key) == 0)
		pin--;
	for (; pin && pin < end && pin_order(pin, &key) == 0; pin++)
		if (pin->least_ns > least_ns)
			least_ns = pin->least_ns;
	return least_ns;
}

/* The end of a call that was interrupted by other threads' lines is where its last line stands. */
static int64_t resumed_at(const struct sw_strace_log *log, const struct line *line, int64_t now_ns)
{
	uint32_t tid = strace_who(log, line);
	struct thread *thread;

	if (line->kind != LINE_RESUMED || line->duration_ns < 0)
		return now_ns;
	HASH_FIND_INT(log->strace->threads, &tid, thread);
	if (!thread || thread->pending != PENDING_UNFINISHED)
		return now_ns;
	return thread->enter_ns - log->strace->offset_ns + line->duration_ns > now_ns ?
		       thread->enter_ns - log->strace->offset_ns + line->duration_ns :
		       now_ns;
}

static int64_t place(struct sw_strace_log *log, const struct line *line, int64_t cut_ns)
{
	int64_t stamp_ns, now_ns;

	log->in_cut = cut_ns == log->cut_ns ? log->in_cut + 1 : 0;
	log->cut_ns = cut_ns;
	now_ns = stamp_ns = cut_ns + log->in_cut;
	if (log->strace->raw)
		return stamp_ns;
	if (log->spent_ns > now_ns)
		now_ns = log->spent_ns;
	now_ns = resumed_at(log, line, now_ns);
	stamp_ns = pinned(log->strace, strace_who(log, line), stamp_ns);
	if (stamp_ns > now_ns)
		now_ns = stamp_ns;
	/* What the stamp says is true whatever the others sum up to. */
	if (now_ns >= cut_ns + log->summary.resolution_ns)
		now_ns = cut_ns + log->summary.resolution_ns - 1;
	return now_ns > log->now_ns ? now_ns : log->now_ns + 1;
}

void strace_stamp(struct sw_strace_log *log, const struct line *line)
{
	struct sw_strace_summary *summary = &log->summary;
	int64_t now_ns = line->stamp_ns;

	if (line->clock == SW_STRACE_CLOCK_NONE) {
		if (!log->stamped)
			log->now_ns = log->spent_ns > log->now_ns ? log->spent_ns + LINE_NS : log->now_ns + LINE_NS;
		return;
	}
	if (line->clock == SW_STRACE_CLOCK_RELATIVE) {
		now_ns = log->now_ns < LATEST_NS ? now_ns + log->now_ns : log->now_ns;
	} else if (line->clock == SW_STRACE_CLOCK_TIME_OF_DAY) {
		now_ns += log->day_ns;
		if (log->stamped && now_ns < log->now_ns - DAY_NS / 2 && log->day_ns < LATEST_NS) {
			log->day_ns += DAY_NS;
			now_ns += DAY_NS;
		}
	}
	if (!log->stamped) {
		summary->clock = line->clock;
		summary->first_ns = now_ns;
		summary->resolution_ns = line->resolution_ns;
		log->now_ns = now_ns - 1;
	}
	log->stamped = true;
	summary->last_ns = now_ns;
	log->now_ns = summary->resolution_ns >= COARSE_NS && line->clock != SW_STRACE_CLOCK_RELATIVE ?
			      place(log, line, now_ns) :
			      now_ns;
}

/* A line that is whole was written when its call had ended: the next one stands behind it. */
void strace_stamp_spend(struct sw_strace_log *log, const struct line *line)
{
	if (line->kind == LINE_CALL && line->duration_ns > 0)
		log->spent_ns = log->now_ns + line->duration_ns;
}
