/* The first stop of each thread that was attached to, made so that the program does not notice.
 *
 * Enters: threads that are seized and run. Leaves: threads that stop at their calls, and the call that each was inside of as a record. Most
 * are interrupted at once, and their call goes on (engine_restart.c). Two kinds are left alone at first: a wait with a limit of time that would
 * begin anew is given a while to end by itself, since just after that a new one has hardly begun; and a write in the middle, which would
 * answer a short count, is given all the time that it takes. What a thread is inside of is read without stopping it:
 * proc(5), /proc/PID/task/TID/syscall. */
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_attach.h"
#include "tracer/kernel/getfd.h"
#include "tracer/kernel/proc.h"

#define A_WHILE_NS (250 * SW_NS_PER_MS)
#define LOOK_NS SW_NS_PER_MS
#define LOOK_LATER_NS (20 * SW_NS_PER_MS)
#define ARRIVAL_NS (5 * SW_NS_PER_MS) /* a thread in an uninterruptible sleep comes later */
#define LOOKS_OUTSIDE 3u /* a writer runs now and then in the middle of its call */

/* ---- what it is inside of --------------------------------------------------------------------------------------- */

/* False: it runs, or is inside no call. x86-64's numbers; a 32-bit thread is not told apart, and its numbers match rarely. */
static bool inside(const struct sw_tracee *tracee, struct ptrace_syscall_info *info)
{
	char text[256];
	unsigned long long v[8];
	long number;

	if (sw_proc_read_task(tracee->process->pid, tracee->tid, "syscall", text, sizeof text) <= 0 ||
	    sscanf(text, "%ld %llx %llx %llx %llx %llx %llx %llx %llx", &number, &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5], &v[6], &v[7]) != 9 ||
	    number < 0)
		return false;
	*info = (struct ptrace_syscall_info){.op = PTRACE_SYSCALL_INFO_ENTRY,
					     .arch = AUDIT_ARCH_X86_64,
					     .stack_pointer = v[6],
					     .instruction_pointer = v[7]};
	info->entry.nr = (uint64_t)number;
	for (int i = 0; i < 6; i++)
		info->entry.args[i] = v[i];
	return true;
}

static uint64_t digest(const struct ptrace_syscall_info *info)
{
	uint64_t sum = info->entry.nr ^ info->stack_pointer << 8;

	for (int i = 0; i < 6; i++)
		sum = sum * UINT64_C(0x100000001b3) ^ info->entry.args[i];
	return sum;
}

static bool has_limit(const struct sw_tracee *tracee, int fd, bool sends)
{
	struct sw_getfd_answer answer;
	int pidfd = -1;
	int failed = sw_getfd_ask(tracee->process->pid, tracee->tid, &pidfd, fd, 0, 0, &answer);

	if (pidfd >= 0)
		close(pidfd);
	return !failed && (sends ? answer.send_timeout_ns : answer.receive_timeout_ns) != 0;
}

static enum sw_patience a_while(bool limited)
{
	return limited ? SW_PATIENCE_A_WHILE : SW_PATIENCE_NONE;
}

static enum sw_patience patience_for(const struct sw_tracee *tracee, const struct ptrace_syscall_info *info)
{
	const __u64 *args = info->entry.args;

	switch (info->entry.nr) {
	case 232: /* epoll_wait */
	case 281: /* epoll_pwait */ return a_while((int)args[3] > 0);
	case 220: /* semtimedop */
	case 441: /* epoll_pwait2 */ return a_while(args[3] != 0);
	case 128: /* rt_sigtimedwait */ return a_while(args[2] != 0);
	case 208: /* io_getevents */
	case 333: /* io_pgetevents */ return a_while(args[4] != 0);
	case 426: /* io_uring_enter with IORING_ENTER_EXT_ARG */ return a_while(args[3] & 8);
	case 0: /* read */
	case 19: /* readv */
	case 43: /* accept */
	case 45: /* recvfrom */
	case 47: /* recvmsg */
	case 288: /* accept4 */
	case 299: /* recvmmsg */ return a_while(has_limit(tracee, (int)args[0], false));
	case 42: /* connect */ return a_while(has_limit(tracee, (int)args[0], true));
	case 1: /* write */
	case 20: /* writev */
	case 40: /* sendfile */
	case 44: /* sendto */
	case 46: /* sendmsg */
	case 275: /* splice */
	case 307: /* sendmmsg */ return SW_PATIENCE_TO_THE_END;
	default: return SW_PATIENCE_NONE;
	}
}

/* How often the thread has been given a processor: changes when its wait is over. */
static uint32_t slices(const struct sw_tracee *tracee)
{
	struct sw_proc_sched sched;

	return sw_proc_sched(tracee->process->pid, tracee->tid, &sched) ? (uint32_t)sched.slices : 0;
}

/* ---- interrupting ----------------------------------------------------------------------------------------------- */

/* One at a time, and at once seen to: if we are killed between its stop and the mending of its EINTR, it keeps that. */
static void interrupt(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	struct sw_event event = {0};
	pid_t tid = tracee->tid;

	tracee->patience = SW_PATIENCE_NONE;
	tracee->interrupted_by_us = true;
	/* ESRCH: gone meanwhile, which is told by the next wait. */
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 && sw_engine_next_of(tid, ARRIVAL_NS, &event))
		sw_engine_dispatch(engine, &event);
}

void sw_engine_arrive(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	tracee->arriving = false;
	tracee->patience = SW_PATIENCE_NONE;
	sw_engine_call_lost(engine, tracee, event->time_ns);
	if (tracee->process->arriving && --tracee->process->arriving == 0)
		/* What its other threads closed and opened until now nobody saw: descriptors are looked up anew. */
		sw_identity_exec(engine->identity, tracee->process->pid);
	sw_engine_restart_after_us(engine, tracee, event->time_ns);
}

/* Which of the threads are still to arrive, by number: while one is interrupted others may end. */
static void arriving(struct sw_engine_state *engine, struct sw_pids *tids)
{
	struct sw_tracee *tracee, *next;

	HASH_ITER (hh, engine->tracees.threads, tracee, next)
		if (tracee->arriving)
			*SW_ARRAY_ADD(tids) = tracee->tid;
}

static void each(struct sw_engine_state *engine, void (*one)(struct sw_engine_state *engine, struct sw_tracee *tracee))
{
	struct sw_pids tids = {0};

	arriving(engine, &tids);
	for (size_t i = 0; i < tids.count; i++) {
		struct sw_tracee *tracee = sw_tracee_find(&engine->tracees, tids.items[i]);
		if (tracee && tracee->arriving)
			one(engine, tracee);
	}
	sw_pids_release(&tids);
}

static void begin_one(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	struct ptrace_syscall_info info;

	tracee->slices = slices(tracee);
	if (inside(tracee, &info))
		tracee->patience = patience_for(tracee, &info);
	if (tracee->patience == SW_PATIENCE_NONE) {
		interrupt(engine, tracee);
		return;
	}
	engine->patients++;
	if (tracee->patience == SW_PATIENCE_A_WHILE)
		return;
	tracee->slices = 0;
	tracee->patient_call = digest(&info);
	sw_engine_call_found(engine, tracee, &info);
}

void sw_engine_arrivals_begin(struct sw_engine_state *engine)
{
	engine->patient_until = sw_clock_monotonic() + A_WHILE_NS;
	sw_engine_rank_hurry(&engine->rank, true); /* a busy machine shall not come between a stop and its going on */
	each(engine, begin_one);
	sw_engine_rank_hurry(&engine->rank, false);
}

/* ---- being patient ---------------------------------------------------------------------------------------------- */

static bool is_over(const struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	struct ptrace_syscall_info info;

	if (tracee->patience == SW_PATIENCE_A_WHILE)
		return sw_clock_monotonic() >= engine->patient_until || slices(tracee) != tracee->slices;
	if (!inside(tracee, &info))
		return ++tracee->slices >= LOOKS_OUTSIDE;
	tracee->slices = 0;
	return digest(&info) != tracee->patient_call;
}

static void look_one(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	if (tracee->patience == SW_PATIENCE_NONE)
		return;
	if (is_over(engine, tracee))
		interrupt(engine, tracee);
	else
		engine->patients++;
}

void sw_engine_arrivals_look(struct sw_engine_state *engine, int64_t now)
{
	(void)now;
	engine->patients = 0;
	sw_engine_rank_hurry(&engine->rank, true);
	each(engine, look_one);
	sw_engine_rank_hurry(&engine->rank, false);
}

int64_t sw_engine_arrivals_pace(const struct sw_engine_state *engine, int64_t now)
{
	return now < engine->patient_until ? LOOK_NS : LOOK_LATER_NS;
}
