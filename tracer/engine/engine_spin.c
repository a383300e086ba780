/* Waiting busily for the next stop, while that pays.
 *
 * On an idle machine most of a stop's cost is waking a processor: so before it sleeps the thread that traces looks again and again, for
 * a moment. Whether that pays it learns in two ways: by how often the look brought the stop, and, since a processor that is spent
 * on looking is one that the program may want, by a contest: for some milliseconds each, in turn, it looks busily and it does not,
 * and does from then on what brought more stops. Enters: the threads and who was let go last. Leaves: a stop, or none. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

#define SPIN_NS (50 * SW_NS_PER_US)
#define SPIN_PAYS 128u /* of 256: at least every second spin must have brought the stop */
#define SPIN_RETRY 64u /* look again whether it pays, once in so many */
#define SPIN_ROW 16u /* then the other threads have their turn */
#define SPIN_ANY 8u /* threads, up to which spinning is for any of them */
#define ROUND_NS (8 * SW_NS_PER_MS) /* of a contest: longer than a slice of time of the scheduler's */
#define ROUNDS 4u /* busily and not, in turn */
#define ENOUGH 64u /* stops in a contest, to tell anything */
#define PAUSE_NS (300 * SW_NS_PER_MS) /* from one contest to the next; it doubles while they all say the same */
#define PAUSE_MOST_NS (1200 * SW_NS_PER_MS)

/* ---- may it spin ----------------------------------------------------------------------------------------------- */

static bool quota_in(const char *path)
{
	char text[64];

	/* "max 100000" or "50000 100000" (cgroup v2); "-1" or a number (v1). */
	return sw_proc_read(path, text, sizeof text) > 0 && strncmp(text, "max", 3) != 0 && strncmp(text, "-1", 2) != 0;
}

/* A quota anywhere on the way up counts against us. */
static bool quota_above(const char *mount, char *folder, const char *file)
{
	char path[4200];

	for (;;) {
		snprintf(path, sizeof path, "%s%s/%s", mount, folder, file);
		if (quota_in(path))
			return true;
		char *slash = strrchr(folder, '/');
		if (!slash || slash == folder)
			return false;
		*slash = '\0';
	}
}

static bool has_quota(void)
{
	char text[4096], *line, *rest = text;
	bool found = quota_in("/sys/fs/cgroup/cpu.max") || quota_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");

	if (sw_proc_read("/proc/self/cgroup", text, sizeof text) <= 0)
		return found;
	while (!found && (line = strsep(&rest, "\n"))) {
		char *controllers = strchr(line, ':'), *folder = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!folder)
			continue;
		*folder++ = '\0';
		if (!strcmp(controllers, ":"))
			found = quota_above("/sys/fs/cgroup", folder, "cpu.max");
		else if (!strcmp(controllers, ":cpu") || strstr(controllers, "cpu,") || strstr(controllers, ",cpu"))
			found = quota_above("/sys/fs/cgroup/cpu", folder, "cpu.cfs_quota_us");
	}
	return found;
}

void sw_engine_spin_init(struct sw_waiter *waiter)
{
	cpu_set_t allowed;

	/* With one processor the tracee could not run while we spin; under a quota spinning spends its time. */
	waiter->may_spin = sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1 &&
			   !has_quota();
	waiter->spin[SW_RELEASED_INTO].hits = waiter->spin[SW_RELEASED_FROM].hits = 256;
	waiter->contest.pause_ns = PAUSE_NS;
}

/* ---- the contest ------------------------------------------------------------------------------------------------ */

/* What the rounds say: the other way must have brought an eighth more. */
static void decide(struct sw_contest *contest)
{
	unsigned now = contest->stops[contest->asleep], other = contest->stops[!contest->asleep];
	bool enough = now + other >= ENOUGH, change = enough && other > now + now / 8;

	contest->asleep ^= change;
	contest->pause_ns = enough && !change ? contest->pause_ns * 2 : PAUSE_NS;
	if (contest->pause_ns > PAUSE_MOST_NS)
		contest->pause_ns = PAUSE_MOST_NS;
}

/* Whether to sleep at once. A round in which the program paused says nothing. */
static bool asleep(struct sw_contest *contest, int64_t now)
{
	bool paused = contest->round && now >= contest->until + ROUND_NS;

	if (now >= contest->until) {
		if (contest->round == ROUNDS && !paused)
			decide(contest);
		contest->round = paused || contest->round == ROUNDS ? 0 : contest->round + 1;
		if (!contest->round)
			contest->stops[0] = contest->stops[1] = 0;
		contest->until = now + (contest->round ? ROUND_NS : contest->pause_ns);
	}
	return contest->round ? contest->round % 2 : contest->asleep;
}

/* ---- spinning --------------------------------------------------------------------------------------------------- */

static bool worth(struct sw_spin *spin)
{
	if (spin->hits >= SPIN_PAYS)
		return true;
	if (++spin->skipped < SPIN_RETRY)
		return false;
	spin->skipped = 0;
	return true;
}

/* Where few are traced, on any of them: two that answer each other block in turn, and the one just let go is then not
 * the one that stops next. With many, asking for any costs more than it gains (2,000: 123 us, one: 44). */
pid_t sw_engine_spin(struct sw_engine_state *engine, int *status)
{
	struct sw_waiter *waiter = &engine->waiter;
	struct sw_spin *spin = &waiter->spin[waiter->where];
	bool few = HASH_COUNT(engine->tracees.threads) <= SPIN_ANY;
	pid_t tid = waiter->released, got = 0;

	waiter->released = 0;
	if (!waiter->may_spin || engine->rank.leads || !tid)
		return 0;
	int64_t now = sw_clock_monotonic(), until = now + SPIN_NS, empty = 0;
	bool sleeps = asleep(&waiter->contest, now);
	waiter->contest.stops[sleeps] += waiter->contest.round > 0;
	if (sleeps || (waiter->in_row >= SPIN_ROW && !few) || !worth(spin))
		return 0;
	do
		got = waitpid(few ? -1 : tid, status, WNOHANG | __WALL);
	while (got == 0 && (empty = sw_clock_monotonic()) < until);
	if (few && empty)
		waiter->looked_at = empty;
	spin->hits = spin->hits - spin->hits / 8 + (got > 0 ? 32 : 0);
	return got > 0 ? got : 0;
}
