/* The table of debts: opening, progress, ending, review. Enters: calls, dispatched to the kind of debt that they concern.
 * Leaves: debts kept as symptoms. Knows nothing of rules and, but for progress that it is told, of packets. */
#include "correlate/debts/debts_state.h"

#include <string.h>
#include <sys/epoll.h>

struct sw_debts *sw_debts_new(const struct sw_correlate_options *options, struct sw_sockets *sockets,
			      struct sw_processes *processes, struct sw_attempts *attempts,
			      const struct sw_debts_hooks *hooks)
{
	struct sw_debts *debts = sw_alloc(sizeof *debts);

	debts->options = options;
	debts->sockets = sockets;
	debts->processes = processes;
	debts->attempts = attempts;
	debts->hooks = *hooks;
	debts->gave_up_ns = SW_TIME_NONE;
	return debts;
}

static void debt_free(struct sw_debt_state *debt)
{
	free(debt->surfaced);
	free(debt->last_wait);
	free(debt->closing);
	free(debt->culprit);
	free(debt->found);
	free(debt);
}

void sw_debts_free(struct sw_debts *debts)
{
	struct sw_pending *pending, *next;

	for (size_t i = 0; i < debts->live.count; i++)
		debt_free(debts->live.items[i]);
	for (size_t i = 0; i < debts->kept.count; i++)
		debt_free(debts->kept.items[i]);
	SW_ARRAY_RELEASE(&debts->live);
	SW_ARRAY_RELEASE(&debts->kept);
	HASH_ITER (hh, debts->pending, pending, next) {
		HASH_DEL(debts->pending, pending);
		SW_ARRAY_RELEASE(&pending->waits);
		SW_ARRAY_RELEASE(&pending->waiting);
		free(pending);
	}
	free(debts);
}

/* ---- opening and ending --------------------------------------------------------------------------------------- */

void sw_debt_call_copy(struct sw_call *copy, const struct sw_call *call)
{
	*copy = *call;
	copy->waits = NULL;
	copy->messages = NULL;
	copy->stack = NULL;
	copy->data = NULL;
	copy->wait_count = copy->message_count = copy->stack_count = copy->data_count = 0;
}

void sw_debt_keep_call(struct sw_call **place, const struct sw_call *call)
{
	free(*place);
	*place = sw_call_copy(call);
}

int64_t sw_call_end(const struct sw_call *call)
{
	return call->exit_ns == SW_TIME_NONE ? call->enter_ns : call->exit_ns;
}

struct sw_debt_state *sw_debt_open(struct sw_debts *debts, enum sw_operation operation, struct sw_socket_state *socket,
				   const struct sw_call *call)
{
	/* Not calloc(3): glibc keeps what was freed lately for malloc alone. */
	struct sw_debt_state *state = sw_realloc(NULL, sizeof *state);
	struct sw_debt *debt = &state->debt;

	memset(state, 0, sizeof *state);
	debt->id = ++debts->last_id;
	debt->operation = operation;
	debt->socket = socket ? socket->seen.socket.id : 0;
	debt->pid = call->pid;
	debt->tid = call->tid;
	debt->fd = call->fd;
	debt->sys = debt->surfaced_sys = call->sys;
	debt->opened_call = debt->last_call = call->id;
	debt->began_ns = call->enter_ns;
	debt->opened_until_ns = call->exit_ns;
	debt->ended_ns = debt->wait.ended_ns = SW_TIME_NONE;
	debt->outcome = SW_OUTCOME_OPEN;
	debt->body_bytes = -1;
	state->socket = socket;
	state->progress_ns = call->enter_ns;
	state->first_read_ns = state->told_ns = state->writable_ns = SW_TIME_NONE;
	sw_debt_call_copy(&state->opening, call);
	state->place = debts->live.count;
	*SW_ARRAY_ADD(&debts->live) = state;
	if (socket) {
		socket->kept++;
		state->target = socket->seen.socket.remote;
		if (operation != SW_OPERATION_CALL)
			socket->open[operation] = state;
		sw_debts_account_begin(state);
	}
	return state;
}

static void close_gap(struct sw_debt_state *state, int64_t time_ns)
{
	if (time_ns - state->progress_ns > state->debt.gap_ns)
		state->debt.gap_ns = time_ns - state->progress_ns;
}

void sw_debt_progress(struct sw_debt_state *state, int64_t time_ns)
{
	close_gap(state, time_ns);
	if (time_ns > state->progress_ns)
		state->progress_ns = time_ns;
	state->waited = false;
	state->refusals = 0;
	memset(&state->debt.wait, 0, sizeof state->debt.wait);
	state->debt.wait.ended_ns = SW_TIME_NONE;
}

/* A request went down with a connection that had served others: what a client may repeat by itself. */
static bool cut_off(const struct sw_debt_state *state)
{
	const struct sw_debt *debt = &state->debt;

	return debt->operation == SW_OPERATION_ANSWER && state->socket && state->socket->seen.bytes_read > 0 &&
	       (debt->outcome == SW_OUTCOME_EOF || debt->outcome == SW_OUTCOME_FAILED) && !debt->bytes_read &&
	       debt->bytes_accepted > 0 && !debt->asked_before && !debt->attempt;
}

static void end(struct sw_debts *debts, struct sw_debt_state *state, enum sw_outcome outcome, int error,
		const struct sw_call *call, int64_t time_ns)
{
	struct sw_debt *debt = &state->debt;

	close_gap(state, time_ns);
	debt->ended_ns = time_ns < debt->began_ns ? debt->began_ns : time_ns;
	debt->outcome = outcome;
	debt->error = error;
	if (call) {
		debt->surfaced_sys = call->sys;
		debt->surfaced_call = debt->last_call = call->id;
		if (outcome != SW_OUTCOME_DONE)
			sw_debt_keep_call(&state->surfaced, call);
	}
	debt->late_ns = sw_lateness_most(&debts->lateness, debt->began_ns - SW_LATENESS_LASTS_NS, debt->ended_ns);
	sw_debts_account_end(state);
	if (outcome == SW_OUTCOME_GAVE_UP)
		debts->gave_up_ns = debt->ended_ns;
	if (state->socket && state->socket->open[debt->operation] == state)
		state->socket->open[debt->operation] = NULL;
	if (outcome == SW_OUTCOME_GAVE_UP && debt->operation == SW_OPERATION_DATAGRAM && !debt->attempt)
		debt->attempt = sw_attempts_began(debts->attempts, debt, &state->target, NULL);
	if (cut_off(state))
		debt->attempt = sw_attempts_began(debts->attempts, debt, &state->target, NULL);
	if (debt->attempt)
		sw_attempts_ended(debts->attempts, debt, &state->target);
}

void sw_debt_end(struct sw_debts *debts, struct sw_debt_state *state, enum sw_outcome outcome, int error,
		 const struct sw_call *call, int64_t time_ns)
{
	end(debts, state, outcome, error, call, time_ns);
	sw_debts_quiet(debts, state);
}

void sw_debt_forget(struct sw_debt_state *state)
{
	if (state->socket)
		state->socket->kept--;
	debt_free(state);
}

void sw_debt_leave_live(struct sw_debts *debts, struct sw_debt_state *state)
{
	struct sw_debt_state *last = debts->live.items[--debts->live.count];

	debts->live.items[state->place] = last;
	last->place = state->place;
}

void sw_debt_drop(struct sw_debts *debts, struct sw_debt_state *state, int64_t time_ns)
{
	end(debts, state, SW_OUTCOME_DONE, 0, NULL, time_ns);
	sw_debt_leave_live(debts, state);
	sw_debt_forget(state);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static struct sw_pending *pending_of(struct sw_debts *debts, uint32_t tid)
{
	struct sw_pending *pending;

	HASH_FIND(hh, debts->pending, &tid, sizeof tid, pending);
	if (!pending) {
		pending = sw_alloc(sizeof *pending);
		pending->tid = tid;
		HASH_ADD(hh, debts->pending, tid, sizeof pending->tid, pending);
	}
	return pending;
}

static struct sw_pending *pending_begin(struct sw_debts *debts, const struct sw_call *call)
{
	struct sw_pending *pending = pending_of(debts, call->tid);

	sw_debt_call_copy(&pending->call, call);
	pending->inside = true;
	pending->waits.count = 0;
	for (uint32_t i = 0; i < call->wait_count; i++)
		*SW_ARRAY_ADD(&pending->waits) = call->waits[i];
	pending->call.waits = pending->waits.items;
	pending->call.wait_count = call->wait_count;
	return pending;
}

void sw_debts_enter(struct sw_debts *debts, const struct sw_call *call)
{
	struct sw_socket_state *socket = sw_sockets_get(debts->sockets, call->socket);

	if (socket || sw_waits_is_wait(call))
		sw_debts_account_enter(debts, pending_begin(debts, call), socket, call);
	if (socket && call->sys == SW_SYS_CONNECT)
		sw_debts_connect_enter(debts, socket, call);
	else
		sw_debts_joined(debts, call);
}

static void leave_socket(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	bool moves = sw_call_reads(call) || sw_call_writes(call), connecting;

	if (call->sys == SW_SYS_CONNECT) {
		sw_debts_connect_leave(debts, socket, call);
		return;
	}
	if (call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4)
		sw_debts_serve_accept(socket, call);
	connecting = socket->open[SW_OPERATION_CONNECT] != NULL;
	sw_debts_connect_other(debts, socket, call);
	if (connecting && call->result < 0)
		return; /* it tells how the connect went, no more */
	if (moves)
		sw_debts_blocked(debts, socket, call);
	if (moves && socket->datagram)
		sw_debts_datagram(debts, socket, call);
	else if (moves)
		sw_debts_stream(debts, socket, call);
}

void sw_debts_leave(struct sw_debts *debts, const struct sw_call *call)
{
	struct sw_socket_state *socket = sw_sockets_get(debts->sockets, call->socket);
	struct sw_pending *pending;

	HASH_FIND(hh, debts->pending, &call->tid, sizeof call->tid, pending);
	if (pending)
		pending->inside = false;
	if (call->flags & SW_CALL_UNFINISHED) { /* ended by the death of its thread: the socket's end tells */
		if (pending)
			pending->inside = true;
		return;
	}
	sw_debts_account_woken(debts, pending, call);
	if (sw_waits_is_wait(call))
		sw_debts_waited(debts, call);
	else if (socket && socket->seen.socket.kind != SW_OBJECT_EPOLL && sw_sys_class(call->sys) != SW_SYS_CLASS_END)
		leave_socket(debts, socket, call);
	sw_debts_call(debts, socket, call);
	sw_debts_account_leave(debts, pending, socket, call);
	if (socket && call->result >= 0 &&
	    (sw_call_writes(call) || call->sys == SW_SYS_LISTEN || call->sys == SW_SYS_ACCEPT ||
	     call->sys == SW_SYS_ACCEPT4))
		sw_debt_call_copy(&socket->last, call);
}

bool sw_call_reads(const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_RECVFROM:
	case SW_SYS_RECVMSG:
	case SW_SYS_RECVMMSG:
	case SW_SYS_READ:
	case SW_SYS_READV: return true;
	default: return false;
	}
}

bool sw_call_writes(const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_SENDTO:
	case SW_SYS_SENDMSG:
	case SW_SYS_SENDMMSG:
	case SW_SYS_WRITE:
	case SW_SYS_WRITEV:
	case SW_SYS_SENDFILE:
	case SW_SYS_SPLICE: return true;
	default: return false;
	}
}

bool sw_call_blocks(const struct sw_call *call, const struct sw_socket_state *socket)
{
	return !(call->flags & SW_CALL_NONBLOCKING) && !(socket->seen.socket.flags & SW_SOCKET_NONBLOCKING);
}

int32_t sw_debts_signal(const struct sw_debts *debts, const struct sw_call *call)
{
	/* The signal is reported between the kernel's answer and the stop that ends the call, or just after it. */
	return sw_processes_signal(debts->processes, call->pid, call->tid, call->enter_ns);
}
