/* Who runs first: while no processor is idle the thread that traces may, before ordinary ones; engine_contest.c finds out whether it should.
 *
 * A stopped thread runs again when we have let it go, and for that we need a processor: behind others, each stop costs the program
 * their slices too. What we do at a stop takes microseconds, and stops come only as fast as the program is given time. Where the
 * kernel does not permit it (CAP_SYS_NICE), where the user has chosen a scheduling policy, or where we would take most of a processor,
 * all stays as it was. And it goes where the stopping thread runs: on another processor it would leave that one to somebody else for a whole
 * slice of time (seen: 500 us for a call instead of 35). Enters: how many threads want a processor, and who has stopped. Leaves:
 * whether that is open to us, our scheduling policy, and our processor. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <string.h>
#include <unistd.h>

#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

#define LOOK_EVERY 64u /* stops */
#define LOOK_NS (5 * SW_NS_PER_MS)
#define CROWDED 160u /* of 256: so many looks found no idle processor */
#define CROWDED_NS (3 * SW_NS_PER_S) /* it counts as crowded for so long after it was */
#define SHARE_NS (100 * SW_NS_PER_MS) /* over which our own share of a processor is taken */
#define REFRAIN_NS SW_NS_PER_S
#define STAT_PROCESSOR 36 /* fields after the state: proc(5), /proc/PID/stat */

static bool lead(const struct sw_rank *rank, bool on)
{
	const struct sched_param first = {.sched_priority = 1}, usual = {0};

	return sched_setscheduler(0, on ? SCHED_FIFO | SCHED_RESET_ON_FORK : rank->usual, on ? &first : &usual) == 0;
}

static int64_t own_time(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0 ? t.tv_sec * SW_NS_PER_S + t.tv_nsec : 0;
}

void sw_engine_rank_begin(struct sw_rank *rank)
{
	*rank = (struct sw_rank){.fd = -1, .usual = sched_getscheduler(0)};
	rank->may_lead = rank->usual == SCHED_OTHER;
	if (rank->may_lead)
		rank->fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (sched_getaffinity(0, sizeof rank->allowed, &rank->allowed) < 0)
		rank->may_lead = false;
	rank->processors = sysconf(_SC_NPROCESSORS_ONLN);
}

void sw_engine_rank_end(struct sw_rank *rank)
{
	if (rank->leads)
		lead(rank, false);
	if (rank->fd >= 0)
		close(rank->fd);
	*rank = (struct sw_rank){.fd = -1};
}

void sw_engine_rank_hurry(const struct sw_rank *rank, bool on)
{
	bool is_first = rank->leads || rank->usual == SCHED_FIFO || rank->usual == SCHED_RR;

	if (!is_first)
		lead(rank, on);
}

/* Whether, beside us, there is one for the thread that we are about to let go. "0.20 0.18 0.12 1/80 11206": one runs, we. */
static bool is_room(const struct sw_rank *rank)
{
	char text[96];
	long running;
	ssize_t length = pread(rank->fd, text, sizeof text - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return sscanf(text, "%*s %*s %*s %ld/", &running) == 1 && running < rank->processors;
}

static bool takes_most(struct sw_rank *rank, int64_t now)
{
	int64_t passed = now - rank->share_at, own = own_time();
	bool most = passed >= SHARE_NS && (own - rank->own_ns) * 4 > passed * 3;

	if (passed >= SHARE_NS) {
		rank->share_at = now;
		rank->own_ns = own;
	}
	return most;
}

void sw_engine_rank_lead(struct sw_rank *rank, bool leads, int64_t now)
{
	if (leads == rank->leads)
		return;
	if (lead(rank, leads))
		rank->leads = leads;
	else
		rank->may_lead = rank->leads;
	rank->share_at = now;
	rank->own_ns = own_time();
}

/* The processor that the thread was last on; -1 unknown. */
static int processor_of(const struct sw_tracee *tracee)
{
	char text[1024];
	int processor;

	if (sw_proc_read_task(tracee->process->pid, tracee->tid, "stat", text, sizeof text) <= 0)
		return -1;
	/* The name, in parentheses, may have any character. */
	const char *at = strrchr(text, ')');
	for (int i = 0; at && i <= STAT_PROCESSOR; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%d", &processor) == 1 && processor < CPU_SETSIZE ? processor : -1;
}

/* Moved once, and free again: one that comes first stays where it is. */
static void go_to(const struct sw_rank *rank, int processor)
{
	cpu_set_t there;

	if (processor < 0 || processor == sched_getcpu() || !CPU_ISSET(processor, &rank->allowed))
		return;
	CPU_ZERO(&there);
	CPU_SET(processor, &there);
	if (sched_setaffinity(0, sizeof there, &there) == 0)
		sched_setaffinity(0, sizeof rank->allowed, &rank->allowed);
}

void sw_engine_rank_look(struct sw_rank *rank, const struct sw_tracee *tracee)
{
	if (!rank->may_lead || rank->fd < 0 || ++rank->stops < LOOK_EVERY)
		return;
	rank->stops = 0;
	int64_t now = sw_clock_monotonic();
	if (now < rank->look_at)
		return;
	rank->look_at = now + LOOK_NS;
	rank->crowded = rank->crowded - rank->crowded / 8 + (is_room(rank) ? 0 : 32);
	if (rank->crowded > CROWDED)
		rank->crowded_at = now;
	if (rank->leads && takes_most(rank, now))
		rank->refrains_until = now + REFRAIN_NS;
	rank->open = rank->may_lead && rank->crowded_at && now < rank->crowded_at + CROWDED_NS &&
		     now >= rank->refrains_until;
	if (rank->leads)
		go_to(rank, processor_of(tracee));
}
