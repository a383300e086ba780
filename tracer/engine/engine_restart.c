/* EINTR that a program would not have had without us, and how it is spared that.
 *
 * Most calls go on by themselves when a stop has interrupted them: the kernel answers ERESTART* inside, and enters them again. Some
 * answer EINTR at once (signal(7), "Interruption of system calls and library functions by stop signals"): waits for epoll,
 * for System V semaphores and for signals, and socket calls with SO_RCVTIMEO or SO_SNDTIMEO. None of them has done anything by
 * then, so they are made to begin anew: the result becomes ERESTARTNOINTR before the thread goes on. A time limit then begins anew too;
 * how that is kept short is engine_attach.c's care. When a signal with a handler is about to be delivered, EINTR is the program's due,
 * and it is put back: that stop comes before the thread returns to the program. Registers are those of x86. */
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"
#include "tracer/engine/filter.h"
#include "tracer/kernel/proc.h"

#define KERNEL_ERESTARTNOINTR 513
#define KERNEL_ERESTART_FIRST 512
#define KERNEL_ERESTART_LAST 516
#define CODE_SEGMENT_I386 0x23
#define NUMBER_X32 UINT64_C(0x40000000)

struct inside { /* a stopped thread's way into the kernel */
	struct ptrace_syscall_info info; /* as at an entry stop */
	int64_t value; /* the kernel's answer so far */
};

/* Calls outside the table that answer EINTR to a stop: semop, semtimedop, rt_sigtimedwait, io_getevents, io_pgetevents, io_uring_enter (which
 * has submitted nothing then, or answers how much) and their forms with 64-bit times; i386's ipc has semop (1) and semtimedop (4) in its first argument. */
static const uint64_t others_native[] = {65, 220, 128, 208, 333, 426};
static const uint64_t others_i386[] = {177, 420, 421, 247, 385, 416, 426};

static bool registers(const struct sw_tracee *tracee, struct inside *inside)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tracee->tid, NULL, &r) < 0)
		return false;
	bool i386 = r.cs == CODE_SEGMENT_I386;
	int64_t number = i386 ? (int32_t)r.orig_rax : (int64_t)r.orig_rax;
	if (number < 0)
		return false; /* it was not inside a call */
	const uint64_t wide[6] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
	const uint64_t narrow[6] = {(uint32_t)r.rbx, (uint32_t)r.rcx, (uint32_t)r.rdx,
				    (uint32_t)r.rsi, (uint32_t)r.rdi, (uint32_t)r.rbp};
	inside->info = (struct ptrace_syscall_info){
		.op = PTRACE_SYSCALL_INFO_ENTRY, .instruction_pointer = r.rip, .stack_pointer = r.rsp};
	inside->info.arch = i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	inside->info.entry.nr = (uint64_t)number;
	memcpy(inside->info.entry.args, i386 ? narrow : wide, sizeof wide);
	inside->value = i386 ? (int32_t)r.rax : (int64_t)r.rax;
	return true;
}

static bool is_other(const struct inside *inside)
{
	bool i386 = inside->info.arch == AUDIT_ARCH_I386;
	const uint64_t *numbers = i386 ? others_i386 : others_native;
	size_t count = i386 ? SW_COUNT(others_i386) : SW_COUNT(others_native);
	uint64_t number = i386 ? inside->info.entry.nr : inside->info.entry.nr & ~NUMBER_X32;

	if (i386 && number == 117)
		return (inside->info.entry.args[0] & 0xffff) == 1 || (inside->info.entry.args[0] & 0xffff) == 4;
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* Answered EINTR with nothing done: a call that has moved bytes, or reported something, answers with that instead. */
static bool may_begin_anew(struct sw_engine_state *engine, const struct sw_tracee *tracee, const struct inside *inside)
{
	enum sw_abi abi;

	if (is_other(inside))
		return true;
	enum sw_sys sys = sw_number_of(inside->info.arch, inside->info.entry.nr, &abi).sys;
	switch (sys) {
	case SW_SYS_EPOLL_WAIT:
	case SW_SYS_EPOLL_PWAIT:
	case SW_SYS_EPOLL_PWAIT2:
	case SW_SYS_CONNECT:
	case SW_SYS_ACCEPT:
	case SW_SYS_ACCEPT4:
	case SW_SYS_SOCKETCALL:
	case SW_SYS_SENDTO:
	case SW_SYS_SENDMSG:
	case SW_SYS_SENDMMSG:
	case SW_SYS_RECVFROM:
	case SW_SYS_RECVMSG:
	case SW_SYS_RECVMMSG: return true;
	case SW_SYS_READ: /* of other files a driver may mean more by EINTR */
	case SW_SYS_READV:
	case SW_SYS_WRITE:
	case SW_SYS_WRITEV:
		return sw_decode_is_socket(engine->decoder,
					   sw_identity_object(engine->identity, tracee->process->pid, tracee->tid,
							      (int)inside->info.entry.args[0]));
	default: return false;
	}
}

static bool answer(const struct sw_tracee *tracee, int64_t value)
{
	return ptrace(PTRACE_POKEUSER, tracee->tid, (void *)offsetof(struct user_regs_struct, rax),
		      (void *)(intptr_t)value) == 0;
}

void sw_engine_restart_after_us(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t now)
{
	struct inside inside;

	if (!registers(tracee, &inside))
		return;
	if (inside.value == -EINTR && may_begin_anew(engine, tracee, &inside)) {
		tracee->restarts = answer(tracee, -KERNEL_ERESTARTNOINTR);
		inside.value = tracee->restarts ? -KERNEL_ERESTARTNOINTR : -EINTR;
	}
	bool goes_on = inside.value <= -KERNEL_ERESTART_FIRST && inside.value >= -KERNEL_ERESTART_LAST;
	if (!goes_on && inside.value != -EINTR)
		return; /* it was just done */
	bool restarts = tracee->restarts;
	sw_engine_call_resume(engine, tracee, &inside.info, inside.value, now);
	tracee->restarts = restarts;
}

/* ---- at signals -------------------------------------------------------------------------------------------------- */

static bool is_caught(const struct sw_tracee *tracee, int signal)
{
	char status[4096];
	uint64_t caught = 0;

	if (sw_proc_read_task(tracee->process->pid, tracee->tid, "status", status, sizeof status) <= 0 ||
	    !sw_proc_field(status, "SigCgt", 16, &caught))
		return true;
	return caught >> (signal - 1) & 1;
}

/* Untraced, these would not even be queued where the program ignores them, or has left them alone. */
static bool is_harmless(const struct sw_tracee *tracee, int signal)
{
	char status[4096];
	uint64_t ignored = 0;

	if (signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH)
		return !is_caught(tracee, signal);
	return sw_proc_read_task(tracee->process->pid, tracee->tid, "status", status, sizeof status) > 0 &&
	       sw_proc_field(status, "SigIgn", 16, &ignored) && ignored >> (signal - 1) & 1;
}

void sw_engine_restart_at_signal(struct sw_engine_state *engine, struct sw_tracee *tracee, int signal)
{
	struct inside inside;

	if (signal < 1 || signal > 64 || !registers(tracee, &inside))
		return;
	if (tracee->restarts && inside.value == -KERNEL_ERESTARTNOINTR) {
		if (is_caught(tracee, signal))
			tracee->restarts = !answer(tracee, -EINTR);
	} else if (inside.value == -EINTR && is_harmless(tracee, signal) && may_begin_anew(engine, tracee, &inside)) {
		tracee->restarts = answer(tracee, -KERNEL_ERESTARTNOINTR);
	}
}
