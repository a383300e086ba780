/* Starting the command, see launch.h. */
#include "tracer/engine/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/filter.h"

#define EXIT_TOOL 125
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127
#define GROUPS_MAX 256

struct identity { /* --user: looked up before the fork, since a look-up may open sockets */
	bool wanted;
	uid_t uid;
	gid_t gid, groups[GROUPS_MAX];
	int group_count;
	char home[256], name[64];
};

struct child { /* what the child needs */
	const struct sw_engine_options *options;
	const struct identity *user;
	struct sw_filter *filter;
	int gate; /* read end: a byte when it is traced */
	volatile int *failure;
};

/* The one place that decides whether tracees die with the tracer. With a filter they must: a filtered call without a tracer
 * gets ENOSYS, so a command that outlived us would see every socket call fail, and nothing could take the filter away again. Without one
 * (--detachable) they go on untraced. */
static long exit_policy(const struct sw_engine_options *options)
{
	return options->detachable ? 0 : PTRACE_O_EXITKILL;
}

static long trace_options(const struct sw_engine_options *options)
{
	return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	       PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | (options->detachable ? 0 : PTRACE_O_TRACESECCOMP) |
	       exit_policy(options);
}

/* ---- --user ---------------------------------------------------------------------------------------------------- */

static int user_find(const char *name, struct identity *user, struct sw_err *err)
{
	struct passwd *found;

	if (!name)
		return 0;
	if (geteuid() != 0)
		return sw_err_set(err, -EPERM, "--user %s: only root can run a command as another user", name);
	errno = 0;
	found = getpwnam(name);
	if (!found)
		return sw_err_set(err, -ENOENT, "--user %s: %s", name,
				  errno ? strerror(errno) : "there is no such user");
	user->wanted = true;
	user->uid = found->pw_uid;
	user->gid = found->pw_gid;
	strncpy(user->home, found->pw_dir, sizeof user->home - 1);
	strncpy(user->name, found->pw_name, sizeof user->name - 1);
	user->group_count = GROUPS_MAX;
	if (getgrouplist(name, user->gid, user->groups, &user->group_count) < 0)
		user->group_count = GROUPS_MAX;
	return 0;
}

static int user_become(const struct identity *user)
{
	if (!user->wanted)
		return 0;
	if (setgroups((size_t)user->group_count, user->groups) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	setenv("HOME", user->home, 1);
	setenv("USER", user->name, 1);
	setenv("LOGNAME", user->name, 1);
	return 0;
}

/* ---- the child ------------------------------------------------------------------------------------------------- */

static void child_run(const struct child *child)
{
	char byte;

	/* The tracer died or gave up: nothing is to be run. */
	if (read(child->gate, &byte, 1) != 1)
		_exit(EXIT_TOOL);
	int failed = child->filter ? sw_filter_load(child->filter) : 0;
	if (!failed)
		failed = user_become(child->user);
	if (!failed) {
		execvp(child->options->argv[0], child->options->argv);
		failed = -errno;
	}
	*child->failure = -failed;
	_exit(EXIT_NOT_FOUND);
}

static int seize(const struct sw_engine_options *options, pid_t pid, struct sw_err *err)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)trace_options(options)) == 0)
		return 0;
	int code = -errno;
	if (code == -EPERM)
		return sw_err_set(err, code,
				  "cannot trace the command: not permitted (ptrace is forbidden here: see "
				  "/proc/sys/kernel/yama/ptrace_scope, or the container's seccomp profile)");
	return sw_err_set(err, code, "cannot trace the command: %s", strerror(-code));
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
}

static int parent_run(const struct sw_engine_options *options, pid_t pid, int gate, struct sw_err *err)
{
	int failed = seize(options, pid, err);

	if (!failed && write(gate, "", 1) != 1)
		failed = sw_err_set(err, -EIO, "the command ended before it could be started");
	if (failed)
		reap(pid);
	return failed;
}

static int fork_child(struct child *child, struct sw_launch *launch, struct sw_err *err)
{
	int gate[2];
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return sw_err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		child->gate = gate[0];
		child_run(child);
	}
	int failed = pid < 0 ? sw_err_set(err, -errno, "cannot start another process: %s", strerror(errno)) : 0;
	close(gate[0]);
	launch->pid = pid;
	if (!failed)
		failed = parent_run(child->options, pid, gate[1], err);
	close(gate[1]);
	return failed;
}

/* PTRACE_GET_SYSCALL_INFO is of Linux 5.3. */
static int kernel_suffices(struct sw_err *err)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 3))
		return 0;
	return sw_err_set(err, -ENOSYS, "this kernel is %s: tracing needs Linux 5.3 or newer", name.release);
}

int sw_launch(const struct sw_engine_options *options, struct sw_launch *launch, struct sw_err *err)
{
	struct identity user = {0};
	struct child child = {.options = options, .user = &user};
	int failed = kernel_suffices(err);

	if (!failed)
		failed = user_find(options->user, &user, err);
	if (failed)
		return failed;
	void *shared = mmap(NULL, sizeof *launch->failure, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return sw_err_set(err, -errno, "cannot get shared memory: %s", strerror(errno));
	child.failure = launch->failure = shared;
	if (!options->detachable && !(child.filter = sw_filter_new(err)))
		failed = err && err->code ? err->code : -ENOMEM;
	if (!failed)
		failed = fork_child(&child, launch, err);
	sw_filter_free(child.filter);
	if (failed)
		sw_launch_release(launch);
	return failed;
}

int sw_launch_failure(const struct sw_engine_options *options, const struct sw_launch *launch, struct sw_err *err)
{
	const char *name = options->argv[0];
	int failure = *launch->failure;

	if (!failure) {
		sw_err_set(err, -EIO, "%s: ended before it was started", name);
		return EXIT_TOOL;
	}
	if (failure == ENOENT && !strchr(name, '/')) {
		sw_err_set(err, -failure, "%s: command not found (in no folder of PATH)", name);
		return EXIT_NOT_FOUND;
	}
	sw_err_set(err, -failure, "cannot run %s: %s", name, strerror(failure));
	return failure == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

void sw_launch_release(struct sw_launch *launch)
{
	if (launch->failure)
		munmap((void *)(uintptr_t)launch->failure, sizeof *launch->failure);
	launch->failure = NULL;
}

/* ---- before and after ------------------------------------------------------------------------------------------ */

void sw_engine_reserve_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) > fd)
			return; /* cannot be: the lowest free number is taken */
}

void sw_engine_end_like(int status)
{
	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	int signal = WTERMSIG(status);
	struct rlimit none = {0};
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t only;
	setrlimit(RLIMIT_CORE, &none);
	sigaction(signal, &standard, NULL);
	sigemptyset(&only);
	sigaddset(&only, signal);
	fflush(NULL);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	exit(128 + signal); /* a signal that does not kill by itself */
}
