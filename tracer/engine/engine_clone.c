/* CLONE_UNTRACED cleared at the entry of clone and clone3, as strace does, and given back at the exit.
 *
 * A child that nobody traces but that has the filter would get ENOSYS for every call of the table. Registers are those of x86. */
#include <errno.h>
#include <linux/sched.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "tracer/engine/engine_state.h"

/* The register of the first argument: rdi, or ebx of i386. */
static size_t first_argument(const struct sw_tracee *tracee)
{
	return tracee->at.abi == SW_ABI_I386 ? offsetof(struct user_regs_struct, rbx) :
					       offsetof(struct user_regs_struct, rdi);
}

static bool flags_write(const struct sw_tracee *tracee, uint64_t flags)
{
	bool in_memory = tracee->at.args[5] != 0; /* set by sw_engine_clone_enter() */

	if (in_memory)
		return sw_tracee_write(tracee, tracee->at.args[0], &flags, sizeof flags);
	return ptrace(PTRACE_POKEUSER, tracee->tid, (void *)first_argument(tracee), (void *)(uintptr_t)flags) == 0;
}

void sw_engine_clone_enter(struct sw_engine_state *engine, struct sw_tracee *tracee, bool in_memory)
{
	uint64_t flags = tracee->at.args[0];

	(void)engine;
	if (in_memory && !sw_tracee_read_all(tracee, tracee->at.args[0], &flags, sizeof flags))
		return;
	if (!(flags & CLONE_UNTRACED))
		return;
	tracee->at.args[5] = in_memory;
	tracee->clone_flags = flags;
	tracee->untraced = flags_write(tracee, flags & ~(uint64_t)CLONE_UNTRACED);
}

void sw_engine_clone_leave(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	(void)engine;
	tracee->untraced = false;
	flags_write(tracee, tracee->clone_flags);
}

uint64_t sw_engine_clone_flags(const struct sw_tracee *tracee)
{
	struct user_regs_struct registers;
	uint64_t flags = 0;

	if (ptrace(PTRACE_GETREGS, tracee->tid, NULL, &registers) < 0)
		return 0;
	bool i386 = registers.cs == 0x23; /* the code segment of 32-bit programs */
	uint64_t number = i386 ? registers.orig_rax : registers.orig_rax & ~UINT64_C(0x40000000);
	uint64_t argument = i386 ? registers.rbx : registers.rdi;
	if (number == 435)
		return sw_tracee_read_all(tracee, argument, &flags, sizeof flags) ? flags : 0;
	return number == (i386 ? 120u : 56u) ? argument : 0;
}
