/* See confine.h: the calls that the recorder may still make. seccomp(2), libseccomp.
 *
 * Every other answers EPERM, so that a call that a later C library makes costs a line in the report and not the report; under
 * SOCKWHY_CONFINE=strict (the tests) it ends the recorder and says which call it was. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/confine_internal.h"

/* To add one: here, when it reaches neither another process, nor the network, nor a file that is not open; with its reason if that is not
 * plain. With conditions on its arguments: in conditions(). */
static const int plain[] = {
	/* memory */
	SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
	SCMP_SYS(mprotect),
	/* descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
	SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(dup), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(bind), SCMP_SYS(eventfd2),
	/* names of files, for reading; what may be opened landlock bounds */
	SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
	/* to finish the outputs */
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	/* itself: time, signals, threads (one enters a namespace), its end */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(futex), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit), SCMP_SYS(capget), SCMP_SYS(capset), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(tgkill), /* abort() */
};

/* What a name in --filter needs to be looked up, when a capture is opened. */
static const int look_ups[] = {SCMP_SYS(connect), SCMP_SYS(sendto), SCMP_SYS(sendmmsg), SCMP_SYS(getpeername)};

static int add(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int code = 0;
	for (size_t i = 0; i < count && code == 0; i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return code;
}

static int add_sockets(scmp_filter_ctx filter, const struct sw_options *options)
{
	/* The capture's; if_nametoindex(3)'s and libpcap's, to ask for interfaces. Of the internet's only for look-ups. */
	static const int families[] = {AF_PACKET, AF_UNIX, AF_NETLINK, AF_INET, AF_INET6};
	size_t count = options->filter ? SW_COUNT(families) : 3;
	int code = 0;
	for (size_t i = 0; i < count && code == 0; i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	/* netlink's questions have no address; with one a datagram could go anywhere */
	if (code == 0 && !options->filter)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_EQ, 0, 0));
	if (code == 0 && options->filter)
		code = add(filter, look_ups, SW_COUNT(look_ups));
	return code;
}

/* The incidents of --each-failure: new files, and landlock says in which folder. */
static int add_incidents(scmp_filter_ctx filter)
{
	const scmp_datum_t new = O_CREAT | O_EXCL | O_NOFOLLOW;
	int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, new, new));
	return code ? code :
		      seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, new, new));
}

/* A FIFO among the outputs that nobody reads yet is opened when there is something to say; landlock says which. */
static int add_pipes(scmp_filter_ctx filter)
{
	const scmp_datum_t mask = O_ACCMODE | O_CREAT | O_TRUNC | O_NONBLOCK, late = O_WRONLY | O_NONBLOCK;
	int code =
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, mask, late));
	return code ? code :
		      seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, mask, late));
}

static int add_conditions(scmp_filter_ctx filter)
{
	const scmp_datum_t writes = O_ACCMODE | O_CREAT | O_TRUNC;
	const scmp_datum_t thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
	int code =
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0));
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0));
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
	/* clone3's flags stand in memory, where no filter sees them: the C library then takes clone */
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setns), 1,
					SCMP_A1(SCMP_CMP_EQ, CLONE_NEWNET, 0));
	/* of terminals their size, of interfaces what they are (0x89..); no TIOCSTI, which would type for the user */
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00, 0x8900));
	static const scmp_datum_t terminal[] = {0x5401 /* TCGETS */, 0x5413 /* TIOCGWINSZ */, 0x541b /* FIONREAD */};
	for (size_t i = 0; i < SW_COUNT(terminal) && code == 0; i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					SCMP_A1(SCMP_CMP_EQ, terminal[i], 0));
	return code;
}

static void say_forbidden(int signal, siginfo_t *info, void *context)
{
	char line[96];
	(void)signal;
	(void)context;
	int length = snprintf(line, sizeof line, "sockwhy: the recorder's filter forbids call number %d\n",
			      info->si_syscall);
	if (write(STDERR_FILENO, line, (size_t)length) < 0 || length > 0)
		_exit(SW_EXIT_TOOL);
}

static uint32_t otherwise(void)
{
	const char *how = getenv("SOCKWHY_CONFINE");
	if (!how || strcmp(how, "strict") != 0)
		return SCMP_ACT_ERRNO(EPERM);
	const struct sigaction action = {.sa_sigaction = say_forbidden, .sa_flags = SA_SIGINFO};
	sigaction(SIGSYS, &action, NULL);
	return SCMP_ACT_TRAP;
}

int sw_confine_calls(const struct sw_options *options, struct sw_err *err)
{
	scmp_filter_ctx filter = seccomp_init(otherwise());
	if (!filter)
		return sw_err_set(err, -ENOMEM, "the recorder's filter could not be made");
	int code = add(filter, plain, SW_COUNT(plain));
	if (code == 0)
		code = add_sockets(filter, options);
	if (code == 0)
		code = add_conditions(filter);
	if (code == 0 && options->each_failure)
		code = add_incidents(filter);
	if (code == 0 && options->output_count)
		code = add_pipes(filter);
	if (code == 0)
		code = seccomp_load(filter);
	seccomp_release(filter);
	return code < 0 ? sw_err_set(err, code, "the recorder's filter could not be loaded: %s", strerror(-code)) : 0;
}
