/* Sleeping until a thread stops, while stops come often.
 *
 * Who sleeps in waitpid(2) is woken by the stopping thread as one that will run when that one sleeps, mostly on its processor; who sleeps in
 * sigtimedwait(2) is woken by the signal, on a processor that must be woken too, or is busy: a traced call then took up to twice as long. But
 * waitpid() has no limit of time. So a timer interrupts it; when nothing has stopped between two ticks, the engine sleeps the other way. */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracer/engine/engine_state.h"

#define TICK_SIGNAL SIGRTMAX
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void interrupt(int signal)
{
	(void)signal;
}

static void mask(int how)
{
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, TICK_SIGNAL);
	pthread_sigmask(how, &only, NULL);
}

/* For the calling thread; outside of waitpid() the signal is blocked, so that nothing else is interrupted. */
static bool create(struct sw_tick *tick)
{
	struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART: waitpid() is to return */
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	mask(SIG_BLOCK);
	if (sigaction(TICK_SIGNAL, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &event, &tick->timer) < 0)
		return false;
	tick->exists = true;
	return true;
}

static void set(struct sw_tick *tick, bool on)
{
	const struct timespec each = {.tv_nsec = on ? SW_TICK_NS : 0};
	const struct itimerspec when = {.it_value = each, .it_interval = each};

	tick->runs = timer_settime(tick->timer, 0, &when, NULL) == 0 && on;
	tick->stops = 0;
}

void sw_engine_tick_begin(struct sw_tick *tick)
{
	if (!tick->runs && (tick->exists || create(tick)))
		set(tick, true);
	tick->stops++;
}

pid_t sw_engine_tick_sleep(struct sw_tick *tick, int *status)
{
	pid_t tid;

	if (!tick->runs)
		return 0;
	mask(SIG_UNBLOCK);
	tid = waitpid(-1, status, __WALL);
	mask(SIG_BLOCK);
	if (tid > 0) {
		tick->stops++;
		return tid;
	}
	if (!tick->stops)
		set(tick, false);
	tick->stops = 0;
	return 0;
}

void sw_engine_tick_end(struct sw_tick *tick)
{
	if (tick->exists)
		timer_delete(tick->timer);
	*tick = (struct sw_tick){0};
}
