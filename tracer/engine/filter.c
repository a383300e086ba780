/* The filter of filter.h: every call of the table stops (SCMP_ACT_TRACE), everything else runs at full speed.
 *
 * Calls that matter only with some arguments stop only with these. Knows nothing of what a stop means. */
#include "tracer/engine/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "src/base/mem.h"

#define NUMBERS 1024u
#define X32_BIT 0x40000000u

/* All names under which the kernel has the calls of the table. To add one: a row; `wide`: 64-bit time on i386 too. */
static const struct name {
	const char *name;
	enum sw_sys sys;
	bool wide;
} names[] = {
#define NAME_ROW(NAME, text, kind) {text, SW_SYS_##NAME, false},
	SW_SYS_TABLE(NAME_ROW)
#undef NAME_ROW
		{"_newselect", SW_SYS_SELECT, false},
	{"fcntl64", SW_SYS_FCNTL, false},
	{"sendfile64", SW_SYS_SENDFILE, false},
	{"ppoll_time64", SW_SYS_PPOLL, true},
	{"pselect6_time64", SW_SYS_PSELECT6, true},
	{"recvmmsg_time64", SW_SYS_RECVMMSG, true},
};

/* Calls that stop only when this argument has one of these values (in these bits). */
static const struct condition {
	enum sw_sys sys;
	unsigned argument;
	uint64_t mask, value;
} conditions[] = {
	{SW_SYS_FCNTL, 1, UINT32_MAX, F_DUPFD},        {SW_SYS_FCNTL, 1, UINT32_MAX, F_DUPFD_CLOEXEC},
	{SW_SYS_FCNTL, 1, UINT32_MAX, F_SETFL},        {SW_SYS_IOCTL, 1, UINT32_MAX, FIONBIO},
	{SW_SYS_PRCTL, 0, UINT32_MAX, PR_SET_SECCOMP},
};

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static struct sw_number numbers[SW_ABI_COUNT][NUMBERS];
static bool numbers_known;

static void number_set(enum sw_abi abi, int number, struct sw_number meaning)
{
	unsigned index = (unsigned)number & ~X32_BIT;

	if (number >= 0 && index < NUMBERS)
		numbers[abi][index] = meaning;
}

/* i386's own numbers of the socket calls (Linux 4.3): the library has only the multiplexed ones by name. */
static void numbers_learn_direct(void)
{
	for (int number = 337; number <= 373; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86, number);
		enum sw_sys sys = name ? sw_sys_by_name(name, strlen(name)) : SW_SYS_NONE;
		if (sys != SW_SYS_NONE)
			number_set(SW_ABI_I386, number, (struct sw_number){.sys = sys});
		free(name);
	}
}

static void numbers_learn(enum sw_abi abi, uint32_t arch)
{
	for (size_t i = 0; i < SW_COUNT(names); i++) {
		struct sw_number meaning = {.sys = names[i].sys};
		meaning.wide_time = abi != SW_ABI_I386 || names[i].wide || names[i].sys == SW_SYS_EPOLL_PWAIT2;
		number_set(abi, seccomp_syscall_resolve_name_arch(arch, names[i].name), meaning);
	}
	number_set(abi, seccomp_syscall_resolve_name_arch(arch, "clone"),
		   (struct sw_number){.engine_call = SW_ENGINE_CALL_CLONE});
	number_set(abi, seccomp_syscall_resolve_name_arch(arch, "clone3"),
		   (struct sw_number){.engine_call = SW_ENGINE_CALL_CLONE3});
}

struct sw_number sw_number_of(uint32_t audit_arch, uint64_t number, enum sw_abi *abi)
{
	if (!numbers_known) {
		numbers_learn(SW_ABI_NATIVE, seccomp_arch_native());
		numbers_learn(SW_ABI_X32, SCMP_ARCH_X32);
		numbers_learn(SW_ABI_I386, SCMP_ARCH_X86);
		numbers_learn_direct();
		numbers_known = true;
	}
	*abi = SW_ABI_NATIVE;
	if (audit_arch == AUDIT_ARCH_I386)
		*abi = SW_ABI_I386;
	else if (audit_arch == AUDIT_ARCH_X86_64 && (number & X32_BIT))
		*abi = SW_ABI_X32;
	if (*abi == SW_ABI_X32)
		number &= ~(uint64_t)X32_BIT;
	return number < NUMBERS ? numbers[*abi][number] : (struct sw_number){0};
}

/* ---- the filter ------------------------------------------------------------------------------------------------ */

static int add_conditional(scmp_filter_ctx context, int number, enum sw_sys sys, bool *any)
{
	for (size_t i = 0; i < SW_COUNT(conditions); i++) {
		if (conditions[i].sys != sys)
			continue;
		struct scmp_arg_cmp compare =
			SCMP_CMP(conditions[i].argument, SCMP_CMP_MASKED_EQ, conditions[i].mask, conditions[i].value);
		int failed = seccomp_rule_add_array(context, SCMP_ACT_TRACE(0), number, 1, &compare);
		*any = true;
		if (failed && failed != -EEXIST)
			return failed;
	}
	return 0;
}

static int add_name(scmp_filter_ctx context, const struct name *row)
{
	int number = seccomp_syscall_resolve_name(row->name);
	bool conditional = false;

	if (number == __NR_SCMP_ERROR)
		return 0; /* a library older than the call: it is seen nowhere then */
	int failed = add_conditional(context, number, row->sys, &conditional);
	if (!failed && !conditional)
		failed = seccomp_rule_add_array(context, SCMP_ACT_TRACE(0), number, 0, NULL);
	return failed == -EEXIST ? 0 : failed;
}

static int add_engine_calls(scmp_filter_ctx context)
{
	struct scmp_arg_cmp untraced = SCMP_CMP(0, SCMP_CMP_MASKED_EQ, CLONE_UNTRACED, CLONE_UNTRACED);
	int failed = seccomp_rule_add_array(context, SCMP_ACT_TRACE(0), SCMP_SYS(clone), 1, &untraced);

	/* Its flags are in memory, which a filter cannot read. */
	return failed ? failed : seccomp_rule_add_array(context, SCMP_ACT_TRACE(0), SCMP_SYS(clone3), 0, NULL);
}

static int build(scmp_filter_ctx context)
{
	int failed = 0;

#ifdef __x86_64__
	failed = seccomp_arch_add(context, SCMP_ARCH_X86);
	if (!failed)
		failed = seccomp_arch_add(context, SCMP_ARCH_X32);
#endif
	if (!failed)
		failed = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	if (!failed)
		failed = add_engine_calls(context);
	for (size_t i = 0; !failed && i < SW_COUNT(names); i++)
		failed = add_name(context, &names[i]);
	return failed;
}

struct sw_filter *sw_filter_new(struct sw_err *err)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	int failed = context ? build(context) : -ENOMEM;

	if (!failed)
		return (struct sw_filter *)context;
	sw_err_set(err, failed, "cannot build the seccomp filter: %s", strerror(-failed));
	if (context)
		seccomp_release(context);
	return NULL;
}

int sw_filter_load(struct sw_filter *filter)
{
	scmp_filter_ctx context = (scmp_filter_ctx)filter;
	int failed;

	/* With no_new_privs a set-user-ID program would run without its rights, so only where the kernel insists. */
	seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0);
	failed = seccomp_load(context);
	if (failed == 0)
		return 0;
	seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 1);
	return seccomp_load(context);
}

void sw_filter_free(struct sw_filter *filter)
{
	if (filter)
		seccomp_release((scmp_filter_ctx)filter);
}
