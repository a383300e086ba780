/* The clock of an account: time goes into buckets, some of it only when the next acknowledgement says what it was.
 *
 * Private to this folder. */
#ifndef SW_CORRELATE_ACCOUNT_TIME_H
#define SW_CORRELATE_ACCOUNT_TIME_H

#include "correlate/report.h"
#include "src/base/mem.h"

/* the parts, and idle time that only the kind of debt tells apart */
enum sw_bucket {
	SW_BUCKET_BEFORE = SW_PART_COUNT, /* nothing sent yet, no connection */
	SW_BUCKET_WAITED, /* nothing under way, somebody waits */
	SW_BUCKET_PEERS_TURN, /* nobody waits, we wrote last */
	SW_BUCKET_OUR_TURN,
	SW_BUCKET_COUNT,
};

struct sw_interval { /* time held back */
	int64_t from_ns, to_ns;
	uint8_t bucket; /* what it is where the acknowledgement says nothing else */
};
#define SW_INTERVALS_MAX 32

struct sw_debt_clock {
	uint32_t debt;
	enum sw_operation operation;
	int64_t begun_ns; /* as it was said */
	int64_t begin_ns; /* the clock's moment that `base` is of */
	int64_t base[SW_BUCKET_COUNT]; /* what the buckets held when it began */
};

/* A moment that a debt may turn out to have begun at: a call opens its debt when it returns, and may have taken long. */
enum sw_mark { SW_MARK_WRITE, SW_MARK_WAIT, SW_MARK_COUNT };
struct sw_clock_mark {
	struct sw_debt_clock at; /* debt 0: not set */
	uint8_t bucket; /* what that moment was */
};

struct sw_account_clock {
	int64_t now_ns; /* SW_TIME_NONE: nothing happened yet */
	int64_t buckets[SW_BUCKET_COUNT];
	struct sw_clock_mark marks[SW_MARK_COUNT];
	struct sw_interval held[SW_INTERVALS_MAX];
	uint32_t held_count;
	SW_ARRAY(struct sw_debt_clock) debts;
};

struct sw_ruling { /* what held time turned out to be: before `split_ns` its own bucket, from there on `after` */
	int64_t split_ns; /* SW_TIME_NONE: its own bucket throughout */
	uint8_t after;
	bool only_idle; /* to time in which nothing was under way alone */
	bool only_round_trip; /* applies to time held as round trip alone */
};

/* Moves the clock to `time_ns`; what passed goes to `bucket`, or is held back. */
void sw_account_clock_advance(struct sw_account_clock *clock, int64_t time_ns, uint8_t bucket, bool hold);
void sw_account_clock_rule(struct sw_account_clock *clock, struct sw_ruling ruling);
int64_t sw_account_clock_held(const struct sw_account_clock *clock, uint8_t bucket); /* held back as that */
void sw_account_clock_mark(struct sw_account_clock *clock, enum sw_mark mark, int64_t time_ns, uint8_t bucket);
/* A time in the past is measured from the mark that is next to it; before that, all looked as it did there. */
void sw_account_clock_begin(struct sw_account_clock *clock, uint32_t debt, enum sw_operation operation, int64_t time_ns,
			    uint8_t bucket);
/* `ruling`: what the time that is still held back looks like now. */
void sw_account_clock_end(struct sw_account_clock *clock, uint32_t debt, int64_t time_ns, struct sw_ruling ruling,
			  int64_t parts[SW_PART_COUNT]);

#endif
