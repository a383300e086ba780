/* Signals to the tool itself, and job control.
 *
 * A signal from the terminal has reached the command too and is not passed on; one from kill(2) has not, and is. A stop
 * from the terminal stops the tool once the command has really stopped: the shell waits for the tool and then sees the job stopped,
 * and not when the command handles the signal and goes on. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"

#define STOP_FRESH_NS (5 * SW_NS_PER_S) /* a stop signal that the command did not heed is forgotten then */

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

static bool is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void watch(sigset_t *signals, const int *numbers, size_t count)
{
	/* What the tool was started to ignore (nohup) it goes on ignoring, as the command does. */
	for (size_t i = 0; i < count; i++)
		if (!is_ignored(numbers[i]))
			sigaddset(signals, numbers[i]);
}

void sw_engine_signals_set(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	sigaddset(signals, SIGIO);
	watch(signals, passed_on, SW_COUNT(passed_on));
	watch(signals, stops, SW_COUNT(stops));
}

static bool is_stop(int signal)
{
	return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* ---- job control ------------------------------------------------------------------------------------------------ */

static void stop_myself(struct sw_engine_state *engine)
{
	int signal = engine->stop_signal;
	sigset_t only, before;

	engine->stop_signal = 0;
	sigemptyset(&only);
	sigaddset(&only, signal);
	raise(signal);
	/* It stops here, with the very signal, so that the shell words it as it would for the command. */
	sigprocmask(SIG_UNBLOCK, &only, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool command_is_stopped(struct sw_engine_state *engine)
{
	struct sw_tracee *leader = sw_tracee_find(&engine->tracees, engine->launch.pid);

	return leader && leader->stopped;
}

static void stop_if_both(struct sw_engine_state *engine)
{
	if (engine->stop_signal && sw_clock_monotonic() - engine->stop_signal_at > STOP_FRESH_NS)
		engine->stop_signal = 0;
	if (engine->stop_signal && command_is_stopped(engine))
		stop_myself(engine);
}

void sw_engine_group_stop(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	tracee->stopped = true;
	/* Stays stopped, and tells when it goes on. */
	ptrace(PTRACE_LISTEN, tracee->tid, NULL, NULL);
	if (tracee->process->is_command)
		stop_if_both(engine);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* The command has ended and the user wants the report; what it left in the background ends too, or is let go. */
static void leave_all(struct sw_engine_state *engine)
{
	struct sw_tracee *tracee, *next;

	engine->leaving = engine->options->detachable;
	HASH_ITER (hh, engine->tracees.threads, tracee, next) {
		if (engine->leaving)
			ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
		else
			kill(tracee->process->pid, SIGKILL);
	}
}

void sw_engine_told(struct sw_engine_state *engine, const siginfo_t *told)
{
	int signal = told->si_signo;

	if (engine->attach) {
		/* Stopping ourselves would stop the target with its next call: a stop from the terminal is not for us. */
		engine->stopping |= signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
		return;
	}
	if (is_stop(signal)) {
		engine->stop_signal = signal;
		engine->stop_signal_at = sw_clock_monotonic();
		stop_if_both(engine);
	} else if (engine->command_ended) {
		if (signal != SIGWINCH && signal != SIGUSR1 && signal != SIGUSR2)
			leave_all(engine);
	} else if (told->si_code <= 0) { /* SI_USER, SI_QUEUE, SI_TKILL: sent by a process to this one */
		kill(engine->launch.pid, signal);
	}
}
