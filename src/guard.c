/* See guard.h. SIGKILL leaves nobody time to do anything: so the process that the user sees, and kills, only waits. */
#include "src/guard.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/options.h"

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* A script starts what it puts in the background with SIGINT ignored, and means it when it sends one: tcpdump heeds it too. */
static void listen_to_ends(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	signal(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < SW_COUNT(ends); i++) {
		signal(ends[i], SIG_DFL);
		sigaddset(signals, ends[i]);
	}
}

/* What tells it to end stays blocked until it looks: at its very beginning it would die of it, and say nothing. */
static void mask_for_child(const sigset_t *before)
{
	sigset_t mask = *before;

	for (size_t i = 0; i < SW_COUNT(ends); i++)
		sigaddset(&mask, ends[i]);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static int in_child(const struct sw_guarded *guarded, pid_t parent, const sigset_t *before)
{
	/* What the terminal or a script kills with our process group is not for the child. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	mask_for_child(before);
	/* It may have died before it could be told. */
	return getppid() == parent ? guarded->work(guarded->work_context) : SW_EXIT_TOOL;
}

/* True when the child has ended. */
static bool reap(const struct sw_guarded *guarded, pid_t child, int *status)
{
	pid_t pid;
	int how;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid == child) {
			*status = how;
			return true;
		}
		guarded->other_ended(guarded->other_context, pid, how);
	}
	return false;
}

int sw_guard(const struct sw_guarded *guarded)
{
	sigset_t signals, before;
	const struct timespec now = {0}, again = {.tv_sec = 1};
	bool told = false;
	pid_t parent = getpid();
	int status = 0;

	listen_to_ends(&signals);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid_t child = fork();
	if (child == 0)
		_exit(in_child(guarded, parent, &before));
	while (child > 0 && !reap(guarded, child, &status)) {
		/* Told once, it is told each second until it ends: nobody shall have to press Ctrl-C twice. */
		int signal = sigtimedwait(&signals, NULL, told ? &again : NULL);
		told |= signal > 0 && signal != SIGCHLD;
		if (told && signal != SIGCHLD)
			kill(child, SIGTERM);
	}
	/* What came while it ended must not kill us before the report. */
	while (sigtimedwait(&signals, NULL, &now) > 0)
		continue;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return child < 0 ? -1 : status;
}
