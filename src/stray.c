/* See the header. unlink(2) and raise(3) are what a handler may call: signal-safety(7). */
#include "src/stray.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "src/base/mem.h"

#define STRAYS_MAX 64

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const char *volatile strays[STRAYS_MAX];
static sigset_t before;

static void remove_all(int number)
{
	for (size_t i = 0; i < STRAYS_MAX; i++) {
		const char *path = strays[i];

		if (path)
			unlink(path);
	}
	signal(number, SIG_DFL);
	raise(number);
}

void sw_stray_watch(void)
{
	for (size_t i = 0; i < SW_COUNT(ends); i++) {
		struct sigaction old;

		/* Who starts it with a signal ignored (nohup(1)) means it. */
		if (sigaction(ends[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			signal(ends[i], remove_all);
	}
}

void sw_stray_hold(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SW_COUNT(ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
}

void sw_stray_release(void)
{
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void sw_stray_add(const char *path)
{
	for (size_t i = 0; i < STRAYS_MAX; i++) {
		if (!strays[i]) {
			strays[i] = path;
			return;
		}
	}
}

void sw_stray_remove(const char *path)
{
	for (size_t i = 0; i < STRAYS_MAX; i++)
		if (strays[i] == path)
			strays[i] = NULL;
}
