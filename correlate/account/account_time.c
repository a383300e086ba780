/* The clock of an account: see account_time.h.
 *
 * Enters: moments, what the time up to them was, rulings on time held back. Leaves: the parts of each debt. Buckets only grow; a debt
 * is the difference between two moments, so debts may overlap at no cost. Knows nothing of bytes and packets. */
#include "correlate/account/account_time.h"

#include <string.h>

/* A debt that began in between owns only the rest. */
static void own_rest(struct sw_debt_clock *debt, uint8_t bucket, int64_t from_ns, int64_t to_ns)
{
	if (debt->begin_ns > from_ns)
		debt->base[bucket] += (debt->begin_ns < to_ns ? debt->begin_ns : to_ns) - from_ns;
}

static void add(struct sw_account_clock *clock, uint8_t bucket, int64_t from_ns, int64_t to_ns)
{
	if (to_ns <= from_ns)
		return;
	clock->buckets[bucket] += to_ns - from_ns;
	for (size_t i = 0; i < clock->debts.count; i++)
		own_rest(&clock->debts.items[i], bucket, from_ns, to_ns);
	for (size_t i = 0; i < SW_MARK_COUNT; i++)
		own_rest(&clock->marks[i].at, bucket, from_ns, to_ns);
}

/* Where the interval is cut, between its ends. */
static int64_t split_of(const struct sw_interval *held, struct sw_ruling ruling)
{
	if (ruling.split_ns == SW_TIME_NONE || (ruling.only_round_trip && held->bucket != SW_PART_ROUND_TRIP) ||
	    (ruling.only_idle && held->bucket < SW_BUCKET_WAITED))
		return held->to_ns;
	if (ruling.split_ns < held->from_ns)
		return held->from_ns;
	return ruling.split_ns < held->to_ns ? ruling.split_ns : held->to_ns;
}

void sw_account_clock_rule(struct sw_account_clock *clock, struct sw_ruling ruling)
{
	for (uint32_t i = 0; i < clock->held_count; i++) {
		const struct sw_interval *held = &clock->held[i];
		int64_t split = split_of(held, ruling);
		add(clock, held->bucket, held->from_ns, split);
		add(clock, ruling.after, split, held->to_ns);
	}
	clock->held_count = 0;
}

int64_t sw_account_clock_held(const struct sw_account_clock *clock, uint8_t bucket)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < clock->held_count; i++)
		if (clock->held[i].bucket == bucket)
			sum += clock->held[i].to_ns - clock->held[i].from_ns;
	return sum;
}

static void hold_back(struct sw_account_clock *clock, uint8_t bucket, int64_t to_ns)
{
	struct sw_interval *last = clock->held_count ? &clock->held[clock->held_count - 1] : NULL;

	if (last && last->bucket == bucket && last->to_ns == clock->now_ns) {
		last->to_ns = to_ns;
		return;
	}
	if (clock->held_count == SW_INTERVALS_MAX) { /* the oldest is taken for what it looks like */
		add(clock, clock->held[0].bucket, clock->held[0].from_ns, clock->held[0].to_ns);
		memmove(clock->held, clock->held + 1, --clock->held_count * sizeof *clock->held);
	}
	clock->held[clock->held_count++] = (struct sw_interval){clock->now_ns, to_ns, bucket};
}

void sw_account_clock_advance(struct sw_account_clock *clock, int64_t time_ns, uint8_t bucket, bool hold)
{
	if (clock->now_ns == SW_TIME_NONE)
		clock->now_ns = time_ns;
	if (time_ns <= clock->now_ns)
		return; /* a stamp that is late by a moment takes no time */
	if (hold)
		hold_back(clock, bucket, time_ns);
	else
		add(clock, bucket, clock->now_ns, time_ns);
	clock->now_ns = time_ns;
}

/* `begun` as of this moment; one before it looked as this one does. */
static void start(const struct sw_account_clock *clock, struct sw_debt_clock *begun, int64_t time_ns, uint8_t bucket)
{
	begun->begun_ns = begun->begin_ns = time_ns;
	memcpy(begun->base, clock->buckets, sizeof begun->base);
	if (time_ns < clock->now_ns) {
		begun->base[bucket] -= clock->now_ns - time_ns;
		begun->begin_ns = clock->now_ns;
	}
}

void sw_account_clock_mark(struct sw_account_clock *clock, enum sw_mark mark, int64_t time_ns, uint8_t bucket)
{
	clock->marks[mark].at.debt = 1;
	clock->marks[mark].bucket = bucket;
	start(clock, &clock->marks[mark].at, time_ns, bucket);
}

/* The first mark that is not before `time_ns`, NULL where there is none. */
static const struct sw_clock_mark *mark_at(const struct sw_account_clock *clock, int64_t time_ns)
{
	const struct sw_clock_mark *first = NULL;

	for (size_t i = 0; i < SW_MARK_COUNT; i++) {
		const struct sw_clock_mark *mark = &clock->marks[i];
		if (mark->at.debt && mark->at.begun_ns >= time_ns && mark->at.begun_ns < clock->now_ns &&
		    (!first || mark->at.begun_ns < first->at.begun_ns))
			first = mark;
	}
	return first;
}

void sw_account_clock_begin(struct sw_account_clock *clock, uint32_t debt, enum sw_operation operation, int64_t time_ns,
			    uint8_t bucket)
{
	struct sw_debt_clock *begun;
	const struct sw_clock_mark *mark;

	if (clock->debts.count == clock->debts.room)
		clock->debts.items = sw_array_grow(clock->debts.items, &clock->debts.room, sizeof *begun);
	begun = &clock->debts.items[clock->debts.count++];
	if (time_ns == SW_TIME_NONE)
		time_ns = clock->now_ns;
	mark = mark_at(clock, time_ns);
	if (mark) {
		*begun = mark->at;
		begun->base[mark->bucket] -= mark->at.begun_ns - time_ns;
		begun->begun_ns = time_ns;
	} else {
		start(clock, begun, time_ns, bucket);
	}
	begun->debt = debt;
	begun->operation = operation;
}

/* What idle time was, by the kind of debt. */
static enum sw_part part_of(uint8_t bucket, enum sw_operation operation)
{
	bool peer_owes = operation != SW_OPERATION_SERVE && operation != SW_OPERATION_DRAIN &&
			 operation != SW_OPERATION_CONNECT && operation != SW_OPERATION_CALL;

	switch (bucket) {
	case SW_BUCKET_BEFORE:
		return operation == SW_OPERATION_CONNECT ? SW_PART_ROUND_TRIP :
		       peer_owes                         ? SW_PART_PEER_APPLICATION :
							   SW_PART_APPLICATION;
	case SW_BUCKET_WAITED:
	case SW_BUCKET_PEERS_TURN: return peer_owes ? SW_PART_PEER_APPLICATION : SW_PART_APPLICATION;
	case SW_BUCKET_OUR_TURN:
		return operation == SW_OPERATION_GREETING ? SW_PART_PEER_APPLICATION : SW_PART_APPLICATION;
	default: return (enum sw_part)bucket;
	}
}

/* Makes the parts add up where stamps overlapped by a moment: the largest gives or takes. */
static void settle(int64_t parts[SW_PART_COUNT], int64_t whole)
{
	int64_t sum = 0;

	for (int i = 0; i < SW_PART_COUNT; i++) {
		if (parts[i] < 0)
			parts[i] = 0;
		sum += parts[i];
	}
	while (sum != whole) {
		int largest = 0;
		for (int i = 1; i < SW_PART_COUNT; i++)
			if (parts[i] > parts[largest])
				largest = i;
		int64_t change = whole - sum < -parts[largest] ? -parts[largest] : whole - sum;
		parts[largest] += change;
		sum += change;
	}
}

static void collect(const struct sw_account_clock *clock, const struct sw_debt_clock *debt, struct sw_ruling ruling,
		    int64_t parts[SW_PART_COUNT])
{
	for (unsigned bucket = 0; bucket < SW_PART_COUNT; bucket++)
		parts[bucket] += clock->buckets[bucket] - debt->base[bucket];
	for (unsigned bucket = SW_PART_COUNT; bucket < SW_BUCKET_COUNT; bucket++)
		if (clock->buckets[bucket] != debt->base[bucket])
			parts[part_of((uint8_t)bucket, debt->operation)] += clock->buckets[bucket] - debt->base[bucket];
	for (uint32_t i = 0; i < clock->held_count; i++) {
		struct sw_interval held = clock->held[i];
		if (held.from_ns < debt->begin_ns)
			held.from_ns = debt->begin_ns;
		if (held.from_ns >= held.to_ns)
			continue;
		int64_t split = split_of(&held, ruling);
		parts[part_of(held.bucket, debt->operation)] += split - held.from_ns;
		parts[part_of(ruling.after, debt->operation)] += held.to_ns - split;
	}
}

void sw_account_clock_end(struct sw_account_clock *clock, uint32_t debt, int64_t time_ns, struct sw_ruling ruling,
			  int64_t parts[SW_PART_COUNT])
{
	memset(parts, 0, SW_PART_COUNT * sizeof *parts);
	for (size_t i = 0; i < clock->debts.count; i++) {
		struct sw_debt_clock *ended = &clock->debts.items[i];
		if (ended->debt != debt)
			continue;
		/* A debt whose begin or end nobody stamped has no time to be parted. */
		bool stamped = time_ns != SW_TIME_NONE && ended->begun_ns != SW_TIME_NONE && time_ns > ended->begun_ns;
		collect(clock, ended, ruling, parts);
		settle(parts, stamped ? time_ns - ended->begun_ns : 0);
		*ended = clock->debts.items[--clock->debts.count];
		return;
	}
}
