/* How debts end with their socket, their process, or the recording.
 *
 * Enters: the end of a last descriptor, of a process, of everything. Leaves: given up, failed, hung, or no debt after all. Given
 * up means: the last wait for it timed out and then the socket went, or somebody was still waiting. */
#include "correlate/debts/debts_state.h"

#include <signal.h>

#include "correlate/thresholds.h"

#define AT_ONCE_NS (100 * SW_NS_PER_MS)

static bool inside_for(const struct sw_debts *debts, const struct sw_debt_state *state)
{
	struct sw_pending *pending, *next;

	HASH_ITER (hh, debts->pending, pending, next) {
		if (pending->inside && state->socket && pending->call.socket == state->socket->seen.socket.id)
			return true;
	}
	return false;
}

/* The wait that the session found a thread in goes on. */
static bool still_waits(const struct sw_debts *debts, const struct sw_debt_state *state)
{
	struct sw_pending *pending, *next;

	HASH_ITER (hh, debts->pending, pending, next) {
		if (pending->inside && pending->call.id == state->debt.opened_call && sw_waits_is_wait(&pending->call))
			return true;
	}
	return false;
}

/* Somebody waited for it to the last: in a call that never returned, or in a wait that timed out, or for most of its age. */
static bool was_waited_for(const struct sw_debts *debts, const struct sw_debt_state *state, int64_t time_ns)
{
	const struct sw_debt *debt = &state->debt;
	int64_t silent_ns = time_ns - state->progress_ns;

	if (debt->wait.call || state->died_waiting || inside_for(debts, state) || still_waits(debts, state))
		return true;
	return state->waited && silent_ns >= debts->options->slow_ns && debt->wait.waited_ns >= silent_ns / 2;
}

/* The signal may be told after the call that it ended. */
static void learn_signal(const struct sw_debts *debts, struct sw_debt_state *state)
{
	if (state->interrupted && !state->debt.timer_signal)
		state->debt.timer_signal = sw_processes_signal(debts->processes, state->debt.pid,
							       state->interrupted_tid, state->interrupted_ns);
}

/* The request asked the peer to answer when there is news, and no timer of the program's ran out: nothing is owed yet. */
static bool may_still_wait(const struct sw_debt_state *state)
{
	return state->measured && state->first_read_ns == SW_TIME_NONE && !state->timed_out &&
	       state->debt.timer_signal != SIGALRM && sw_account_asks_to_wait(state->socket->account);
}

/* One wait, whose timer ran out, and then the end: of a loop that waits for what may come there are many. */
static bool gave_up_at_once(const struct sw_debt_state *state, int64_t time_ns)
{
	const struct sw_wait_seen *wait = &state->debt.wait;

	return wait->slices == 1 && wait->ended_ns <= time_ns && time_ns - wait->ended_ns < AT_ONCE_NS;
}

/* An answer of which bytes were read, and that somebody still waited for at the end. It stopped, unless it was moving, by the rhythm
 * that it had, or a whole message had come and no timer of the program's ran out: who waits for the next one (a subscription, server-sent
 * events, IMAP IDLE) is owed nothing. While the connection stays open, a timer that runs out again and again is only how a loop waits. */
static bool stopped(const struct sw_debts *debts, struct sw_debt_state *state, int64_t time_ns, bool open)
{
	int64_t silent_ns = time_ns - state->progress_ns;

	enum sw_answer_seen seen = state->measured ? sw_account_answer(state->socket->account) : SW_ANSWER_UNKNOWN;

	if (silent_ns < debts->options->slow_ns || silent_ns < 2 * state->rhythm_ns || seen == SW_ANSWER_WHOLE)
		return false;
	if (state->guessed && !gave_up_at_once(state, time_ns))
		return false;
	if ((state->timed_out && (!open || seen == SW_ANSWER_PARTIAL)) ||
	    (state->interrupted && state->debt.timer_signal == SIGALRM))
		return true;
	if (seen == SW_ANSWER_ENDLESS || state->asks_to_wait)
		return false;
	return (state->died_waiting || state->interrupted || inside_for(debts, state)) &&
	       state->debt.burst_bytes >= SW_BURST_BULK;
}

/* The program gave up an answer that still moved, by pauses that anybody would notice: it had waited for most of the time, and the rest that
 * the head announces would have taken as long again. Who ends it by a signal has had enough of it; that is no complaint. */
static bool trickled(const struct sw_debts *debts, const struct sw_debt_state *state,
		     const struct sw_process_seen *process, int64_t time_ns)
{
	int64_t whole_ns = time_ns - state->debt.began_ns;
	int32_t told = process && process->exited && process->signal ?
			       process->signal :
			       sw_processes_signal(debts->processes, state->debt.pid, 0, state->progress_ns);

	return state->measured && !state->asks_to_wait && told != SIGINT && told != SIGTERM && told != SIGHUP &&
	       told != SIGQUIT && told != SIGKILL && whole_ns >= debts->options->slow_ns &&
	       state->rhythm_ns >= SW_BURST_PAUSE_NS && 2 * state->debt.waited_ns >= whole_ns &&
	       sw_account_missing(state->socket->account) > state->debt.bytes_read;
}

#define REFUSALS_LEAST 3 /* one ends a burst; who tries again and again wants to write */

/* Somebody was kept from writing to the last: inside a write, in waits for room that timed out or took most of the time, or by trying. */
static bool held_up(const struct sw_debts *debts, const struct sw_debt_state *state, int64_t time_ns)
{
	const struct sw_wait_seen *wait = &state->debt.wait;
	int64_t silent_ns = time_ns - state->progress_ns;
	struct sw_pending *pending, *next;

	HASH_ITER (hh, debts->pending, pending, next) {
		if (pending->inside && pending->call.socket == state->debt.socket && sw_call_writes(&pending->call))
			return true;
	}
	if (state->refusals >= REFUSALS_LEAST && time_ns - state->refused_ns >= debts->options->slow_ns)
		return true;
	return wait->call || still_waits(debts, state) ||
	       (silent_ns >= debts->options->slow_ns && wait->waited_ns >= silent_ns / 2);
}

/* A question by datagram is given up when the last wait for its answer times out: who then does something else, or nothing, does not
 * wait until the socket goes. */
static int64_t gave_up_ns(const struct sw_debts *debts, const struct sw_debt_state *state, int64_t time_ns)
{
	const struct sw_wait_seen *wait = &state->debt.wait;

	if (!state->socket || !state->socket->datagram || !wait->call || wait->call != state->debt.last_call ||
	    wait->ended_ns < state->progress_ns || wait->ended_ns < state->socket->seen.last_wait_ns ||
	    wait->ended_ns > time_ns || inside_for(debts, state))
		return time_ns;
	return wait->ended_ns;
}

static void tell(struct sw_debts *debts, struct sw_debt_state *state)
{
	struct sw_call told = {
		.id = state->told_call, .sys = state->told_by, .pid = state->debt.pid, .tid = state->debt.tid};

	told.fd = state->debt.fd;
	told.socket = state->debt.socket;
	told.enter_ns = told.exit_ns = told.exit_bound_ns = state->told_ns;
	told.fd2 = -1;
	told.bytes = -1;
	told.timeout_ns = SW_TIMEOUT_NONE;
	sw_debt_end(debts, state, SW_OUTCOME_FAILED, 0, &told, state->told_ns);
}

/* When a client left who had asked for an answer, and whom we let wait; SW_TIME_NONE: it did not. */
static int64_t left_in_vain(const struct sw_debt_state *state)
{
	int64_t left_ns = state->measured ? sw_account_left_ns(state->socket->account) : SW_TIME_NONE;

	return left_ns == SW_TIME_NONE || left_ns - state->debt.began_ns < SW_ANSWER_LATE_NS ? SW_TIME_NONE : left_ns;
}

static void gone_one(struct sw_debts *debts, struct sw_debt_state *state, const struct sw_call *call, uint32_t pid,
		     int64_t time_ns)
{
	const struct sw_process_seen *process = sw_processes_get(debts->processes, pid);
	bool answered = state->first_read_ns != SW_TIME_NONE;

	learn_signal(debts, state);
	switch (state->debt.operation) {
	case SW_OPERATION_CONNECT: sw_debts_connect_gone(debts, state, call, pid, time_ns); return;
	case SW_OPERATION_DRAIN: /* what was accepted is still the kernel's to deliver: the packets tell */
		if (!call && process && process->exited)
			state->debt.timer_signal = process->signal;
		state->debt.closed_by = call ? call->sys : 0;
		sw_debt_end(debts, state, held_up(debts, state, time_ns) ? SW_OUTCOME_GAVE_UP : SW_OUTCOME_DONE, 0,
			    call, time_ns);
		return;
	case SW_OPERATION_SERVE: /* closed without an answer: our own choice, but where a client left, an alert or a handshake tells of it */
		state->debt.unanswered = true;
		state->debt.closed_by = call ? call->sys : 0;
		state->debt.left_in_vain = call && left_in_vain(state) != SW_TIME_NONE;
		sw_debt_end(debts, state, state->debt.left_in_vain ? SW_OUTCOME_UNSERVED : SW_OUTCOME_DONE, 0, call,
			    state->debt.left_in_vain ? left_in_vain(state) : time_ns);
		return;
	default: break;
	}
	if (state->told_ns != SW_TIME_NONE && state->told_ns >= state->progress_ns) {
		tell(debts, state);
		return;
	}
	state->debt.trickled = answered && !stopped(debts, state, time_ns, false) &&
			       trickled(debts, state, process, time_ns);
	if (answered && !state->debt.trickled && !stopped(debts, state, time_ns, false)) {
		sw_debt_end(debts, state, SW_OUTCOME_DONE, 0, NULL, state->first_read_ns);
		return;
	}
	if (!answered && (!was_waited_for(debts, state, time_ns) || may_still_wait(state) ||
			  (state->guessed && !state->timed_out))) {
		sw_debt_drop(debts, state, time_ns);
		return;
	}
	state->debt.closed_by = call ? call->sys : 0;
	if (call)
		sw_debt_keep_call(&state->closing, call);
	else if (process && process->exited && process->signal)
		state->debt.timer_signal = process->signal;
	sw_debt_end(debts, state, SW_OUTCOME_GAVE_UP, 0, call, gave_up_ns(debts, state, time_ns));
}

void sw_debts_gone(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call, uint32_t pid,
		   int64_t time_ns)
{
	for (size_t i = 0; i < SW_OPERATION_COUNT; i++) {
		if (socket->open[i])
			gone_one(debts, socket->open[i], call, pid, time_ns);
	}
	sw_debts_patterns(debts, socket);
}

/* A thread or process that ends inside a call: the time it waited there is booked first. */
void sw_debts_process(struct sw_debts *debts, const struct sw_process *process)
{
	struct sw_pending *pending, *next;

	if (process->event != SW_PROCESS_EXIT)
		return;
	HASH_ITER (hh, debts->pending, pending, next) {
		struct sw_socket_state *socket;

		if (pending->call.pid != process->pid || !pending->inside)
			continue;
		pending->call.exit_ns = process->time_ns;
		pending->call.result = -1;
		socket = sw_sockets_get(debts->sockets, pending->call.socket);
		if (sw_waits_is_wait(&pending->call))
			sw_debts_waited(debts, &pending->call);
		else if (socket) {
			sw_debts_died(debts, socket, &pending->call);
			sw_debts_datagram_blocked(debts, socket, &pending->call);
		}
	}
}

void sw_debts_process_ended(struct sw_debts *debts, const struct sw_process *process)
{
	struct sw_pending *pending, *next;

	if (process->event != SW_PROCESS_EXIT)
		return;
	HASH_ITER (hh, debts->pending, pending, next) {
		if (pending->call.pid != process->pid)
			continue;
		HASH_DEL(debts->pending, pending);
		SW_ARRAY_RELEASE(&pending->waits);
		SW_ARRAY_RELEASE(&pending->waiting);
		free(pending);
	}
}

/* Answers on this connection have taken as long before: it is not late yet. */
static bool is_young(const struct sw_debt_state *state, int64_t silent_ns)
{
	return state->debt.operation == SW_OPERATION_ANSWER && state->socket &&
	       silent_ns <= state->socket->answered_in_ns + SW_LONG_POLL_SLACK_NS;
}

/* The recording ends and it is still open. A connection that just rests is no debt; what is young is not late yet. */
void sw_debts_end_open(struct sw_debts *debts, struct sw_debt_state *state, int64_t end_ns)
{
	int64_t silent_ns = end_ns - state->progress_ns;
	bool connecting = state->debt.operation == SW_OPERATION_CONNECT;
	const struct sw_process_seen *process = sw_processes_get(debts->processes, state->debt.pid);

	if (process && process->exited &&
	    state->socket) { /* its end did not say which descriptors went with it (imported logs) */
		gone_one(debts, state, NULL, process->pid,
			 process->exit_ns > state->debt.began_ns ? process->exit_ns : end_ns);
		return;
	}
	if (state->debt.operation == SW_OPERATION_DRAIN) {
		bool hung = held_up(debts, state, end_ns) &&
			    (!state->stuck_before || silent_ns >= debts->options->slow_ns);

		sw_debt_end(debts, state, hung ? SW_OUTCOME_HUNG : SW_OUTCOME_DONE, 0, NULL, end_ns);
		return;
	}
	if (connecting && (state->told_ns != SW_TIME_NONE || state->writable_ns != SW_TIME_NONE)) {
		sw_debts_connect_gone(debts, state, NULL, state->debt.pid, end_ns);
		return;
	}
	if (state->first_read_ns != SW_TIME_NONE && !stopped(debts, state, end_ns, true)) {
		sw_debt_end(debts, state, SW_OUTCOME_DONE, 0, NULL, state->first_read_ns);
		return;
	}
	if (state->debt.operation == SW_OPERATION_SERVE || may_still_wait(state) || state->guessed ||
	    is_young(state, silent_ns) || (!connecting && !was_waited_for(debts, state, end_ns)) ||
	    (silent_ns < debts->options->slow_ns && !connecting)) {
		sw_debt_drop(debts, state, end_ns);
		return;
	}
	int64_t gave_up = gave_up_ns(debts, state, end_ns);

	sw_debt_end(debts, state, gave_up < end_ns ? SW_OUTCOME_GAVE_UP : SW_OUTCOME_HUNG, 0, NULL, gave_up);
}
