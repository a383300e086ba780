/* Waiting busily for the next stop, while that pays.
 *
 * Most of a stop's cost is waking a processor that has halted, ours or the thread's: so before it sleeps the thread that traces looks again
 * and again, for a moment. Whether that pays it learns by how often the look brought the stop; whether another manner brings more,
 * engine_contest.c finds out. Enters: the threads and who was let go last. Leaves: a stop, or none. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

#define SPIN_NS                                                                                                        \
	(500 * SW_NS_PER_US) /* with 50 a call of node's, which computes between its calls, took three times as long */
#define SPIN_PAYS 128u /* of 256: at least every second spin must have brought the stop */
#define SPIN_RETRY 64u /* look again whether it pays, once in so many */
#define SPIN_ROW 16u /* then the other threads have their turn */
#define SPIN_ANY 64u /* threads, up to which spinning is for any of them */

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
	if (!tid)
		return 0;
	int64_t now = sw_clock_monotonic(), until = now + SPIN_NS, empty = 0;
	sw_engine_contest(engine, now);
	if (waiter->contest.manner != SW_MANNER_BUSY || (waiter->in_row >= SPIN_ROW && !few) || !worth(spin))
		return 0;
	do
		got = waitpid(few ? -1 : tid, status, WNOHANG | __WALL);
	while (got == 0 && (empty = sw_clock_monotonic()) < until);
	if (few && empty)
		waiter->looked_at = empty;
	spin->hits = spin->hits - spin->hits / 8 + (got > 0 ? 32 : 0);
	return got > 0 ? got : 0;
}
