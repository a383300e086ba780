/* The recorder's confinement: in a child that is confined, what must be refused is, and what the recorder does works. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/confine.h"

static char folder[] = "/tmp/sockwhy-confine.XXXXXX";
static char path[128], temporary[128], elsewhere[128];

static bool refused(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

/* Each step has its number, so that a failure says which; 0: all as it should be. */
static int attempts(void)
{
	char *const none[] = {NULL};
	if (!refused(execve("/bin/true", none, none)))
		return 1;
	if (!refused(ptrace(PTRACE_SEIZE, getppid(), 0, 0)) || !refused(kill(getppid(), 0)))
		return 2;
	if (!refused(socket(AF_INET, SOCK_STREAM, 0)) || !refused(socket(AF_INET6, SOCK_DGRAM, 0)))
		return 3;
	if (!refused(open(elsewhere, O_WRONLY | O_CREAT, 0600)) || !refused(open(path, O_WRONLY)))
		return 4;
	if (!refused(mount("none", "/mnt", "tmpfs", 0, NULL)) || !refused(unshare(CLONE_NEWNS)))
		return 5;
	if (!refused(fork()) || !refused(ioctl(STDIN_FILENO, 0x5412 /* TIOCSTI */, "x")))
		return 6;
	if (!refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)) ||
	    !refused(syscall(SYS_bpf, 0, NULL, 0)))
		return 7;
	if (rename(temporary, path) < 0)
		return 8;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || close(fd) < 0)
		return 9;
	return 0;
}

/* Where the kernel has landlock, files elsewhere are out of reach too. */
static int attempts_on_files(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0)
		return 0;
	if (!refused(open("/etc/passwd", O_RDONLY)))
		return 20;
	if (!refused(unlink(elsewhere)))
		return 21;
	return 0;
}

static int confined(const struct sw_options *options, const struct sw_outputs *outputs)
{
	struct sw_err err = {0};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3];
	if (sw_confine_begin(options, outputs, &err) < 0)
		return 30;
#if defined(__SANITIZE_ADDRESS__)
	return 0; /* capabilities alone, see confine.c */
#endif
	int step = attempts();
	step = step ? step : attempts_on_files();
	sw_confine_further();
	const uint32_t kept = 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER;
	if (syscall(SYS_capget, &header, have) < 0 || have[0].permitted & ~kept || have[1].permitted)
		return 31;
	return step;
}

static void reaches_little(void **state)
{
	const struct sw_output output = {path, "json"};
	const struct sw_options options = {.command = SW_COMMAND_RUN};
	const struct sw_outputs outputs = {.files = {{.output = &output}}, .count = 1};
	int status;
	(void)state;
	pid_t child = fork();
	if (child == 0)
		_exit(confined(&options, &outputs));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/out.json", folder);
	snprintf(temporary, sizeof temporary, "%s/out.json.tmp", folder);
	snprintf(elsewhere, sizeof elsewhere, "%s.other", folder);
	for (int i = 0; i < 3; i++)
		close(open(i == 0 ? path : i == 1 ? temporary : elsewhere, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return 0;
}

static int clear(void **state)
{
	(void)state;
	unlink(path);
	unlink(temporary);
	unlink(elsewhere);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reaches_little)};
	return cmocka_run_group_tests(tests, make, clear);
}
