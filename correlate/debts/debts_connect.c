/* The debt of a connect: opened by the call, ended by whatever tells first how it went.
 *
 * Enters: connect() and every other call and wait on a socket that is still connecting. Leaves: the debt, done, failed or given
 * up. connect(2), tcp(7); for EALREADY, EISCONN and SO_ERROR: net/ipv4/af_inet.c, __inet_stream_connect. */
#include "correlate/debts/debts_state.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "capture/dns.h"

/* A blocking connect that the socket's own timer ended lasted at least this share of it (the kernel rounds to its ticks). */
#define TIMER_SHARE_PERCENT 90

static bool timer_ended(const struct sw_socket_state *socket, const struct sw_call *call)
{
	int64_t timer_ns = socket->seen.options.sndtimeo_ns;

	return timer_ns > 0 && call->exit_ns != SW_TIME_NONE &&
	       call->exit_ns - call->enter_ns >= timer_ns / 100 * TIMER_SHARE_PERCENT;
}

static void remember(struct sw_debts *debts, const struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_recent *recent = &debts->recent[debts->recent_next++ % SW_RECENT_MAX];

	if (!call->addr.present || call->addr.family == AF_UNIX || call->addr.family == AF_UNSPEC)
		return;
	recent->pid = call->pid;
	recent->socket = socket->seen.socket.id;
	recent->port = call->addr.endpoint.port;
	recent->datagram = socket->datagram;
	recent->time_ns = call->enter_ns;
}

static struct sw_debt_state *begin(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = sw_debt_open(debts, SW_OPERATION_CONNECT, socket, call);

	debt->target = call->addr;
	socket->seen.connect_call = call->id;
	if (sw_socket_is_ip(socket) && call->addr.endpoint.port != SW_DNS_PORT)
		sw_processes_reached(debts->processes, call->pid, call->enter_ns);
	debt->debt.attempt = sw_attempts_began(debts->attempts, &debt->debt, &debt->target, NULL);
	return debt;
}

/* Begun before the session by a call that did not block; this wait is for it. */
void sw_debts_connect_joined(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = sw_debt_open(debts, SW_OPERATION_CONNECT, socket, call);

	debt->debt.sys = debt->debt.surfaced_sys = SW_SYS_CONNECT;
	debt->debt.nonblocking = true;
	sw_debt_keep_call(&debt->found, call);
	socket->seen.connect_call = call->id;
	debt->debt.attempt = sw_attempts_began(debts->attempts, &debt->debt, &debt->target, NULL);
}

static bool is_connected(const struct sw_socket_state *socket)
{
	return socket->seen.connected_ns != SW_TIME_NONE;
}

void sw_debts_connect_enter(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	bool dissolves = call->addr.present && call->addr.family == AF_UNSPEC;

	if (!socket->datagram && !socket->open[SW_OPERATION_CONNECT] && !is_connected(socket) && !dissolves)
		begin(debts, socket, call);
}

static void connected(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call, int64_t time_ns)
{
	struct sw_socket_state *socket = debt->socket;

	socket->seen.connected_ns = time_ns;
	if (!socket->seen.socket.remote.present)
		socket->seen.socket.remote = debt->target;
	sw_debt_end(debts, debt, SW_OUTCOME_DONE, 0, call, time_ns);
}

static void gave_up(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call, int error)
{
	sw_debt_end(debts, debt, SW_OUTCOME_GAVE_UP, error, call, sw_call_end(call));
}

/* Only names the other end; but it may be what an earlier try was made good by: logger(1) tries one type of socket and then the
 * other. */
static void datagram_connected(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt debt = {.operation = SW_OPERATION_CONNECT,
			       .pid = call->pid,
			       .began_ns = call->enter_ns,
			       .ended_ns = sw_call_end(call),
			       .outcome = SW_OUTCOME_DONE,
			       .surfaced_call = call->id};

	socket->seen.connected_ns = call->exit_ns;
	socket->seen.connect_call = call->id;
	socket->seen.socket.remote = call->addr;
	sw_attempts_ended(debts->attempts, &debt, &call->addr);
}

/* connect() failed on a datagram socket: no debt, but somebody may have meant to send. */
static void datagram_connect(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt;

	remember(debts, socket, call);
	if (call->addr.family == AF_UNSPEC || call->result == 0 || call->error == EINTR) {
		if (call->result == 0 && call->addr.family != AF_UNSPEC)
			datagram_connected(debts, socket, call);
		return;
	}
	debt = sw_debt_open(debts, SW_OPERATION_CONNECT, socket, call);
	debt->target = call->addr;
	debt->debt.call_error = call->error;
	debt->tentative = call->addr.family != AF_UNIX && call->addr.endpoint.port != 53;
	debt->debt.attempt = debt->tentative ? 0 : sw_attempts_began(debts->attempts, &debt->debt, &debt->target, NULL);
	sw_debt_end(debts, debt, SW_OUTCOME_FAILED, call->error, call, sw_call_end(call));
}

static void in_progress(struct sw_debts *debts, struct sw_socket_state *socket, struct sw_debt_state *debt,
			const struct sw_call *call)
{
	if (timer_ended(socket, call)) {
		debt->debt.socket_timeout_ns = socket->seen.options.sndtimeo_ns;
		gave_up(debts, debt, call, call->error);
		return;
	}
	debt->debt.nonblocking = true;
	debt->debt.last_call = call->id;
}

/* Interrupted, it goes on without the caller: connect(2), ERRORS. The close that may follow says who gave up. */
static void interrupted(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call)
{
	debt->debt.nonblocking = true;
	debt->debt.timer_signal = sw_debts_signal(debts, call);
	sw_debt_keep_call(&debt->surfaced, call);
}

static void already_connected(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	/* Once after a connect that did not block this is how programs learn that it worked. */
	if (socket->checked || !is_connected(socket) || sw_call_blocks(call, socket))
		sw_debts_misuse(debts, socket, call);
	socket->checked = true;
}

void sw_debts_connect_leave(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = socket->open[SW_OPERATION_CONNECT];
	bool first;

	if (socket->datagram) {
		datagram_connect(debts, socket, call);
		return;
	}
	remember(debts, socket, call);
	if (call->addr.present && call->addr.family == AF_UNSPEC) {
		if (debt)
			gave_up(debts, debt, call, 0);
		socket->seen.connected_ns = SW_TIME_NONE;
		return;
	}
	if (!debt && call->error == EISCONN) {
		already_connected(debts, socket, call);
		return;
	}
	if (!debt)
		debt = begin(debts, socket, call);
	first = debt->debt.opened_call == call->id;
	if (first) {
		debt->debt.opened_until_ns = call->exit_ns;
		debt->debt.call_error = call->error;
		debt->opening.exit_ns = call->exit_ns;
		debt->opening.exit_bound_ns = call->exit_bound_ns;
		debt->opening.result = call->result;
		debt->opening.error = call->error;
		debt->opening.flags = call->flags;
		debt->debt.waited_ns += sw_call_end(call) - call->enter_ns;
	}
	switch (call->error) {
	case 0:
	case EISCONN:
		connected(debts, debt, call, sw_call_end(call));
		socket->checked = call->error == EISCONN;
		break;
	case EINPROGRESS: in_progress(debts, socket, debt, call); break;
	case EALREADY: debt->debt.last_call = call->id; break;
	case EINTR: interrupted(debts, debt, call); break;
	default: sw_debt_end(debts, debt, SW_OUTCOME_FAILED, call->error, call, sw_call_end(call)); break;
	}
}

/* ---- what else tells ------------------------------------------------------------------------------------------ */

static void told_by_error_option(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call)
{
	/* 0 says "no error yet", which is success only where a wait has said that it can be written to. */
	if (call->value > 0)
		sw_debt_end(debts, debt, SW_OUTCOME_FAILED, (int)call->value, call, sw_call_end(call));
	else if (debt->writable_ns != SW_TIME_NONE && debt->told_ns == SW_TIME_NONE)
		connected(debts, debt, call, debt->writable_ns);
}

static void told_by_move(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call)
{
	if (call->result >= 0) {
		connected(debts, debt, call, debt->writable_ns != SW_TIME_NONE ? debt->writable_ns : sw_call_end(call));
		return;
	}
	switch (call->error) {
	case EAGAIN:
	case EINTR:
	case EINPROGRESS: /* fast open: the SYN left with the data */ return;
	case ENOTCONN: /* still connecting, or failed and the error is consumed: only in the second case it is the answer */
		if (debt->told_ns == SW_TIME_NONE)
			return;
		break;
	default: break;
	}
	sw_debt_end(debts, debt, SW_OUTCOME_FAILED, call->error == ENOTCONN ? 0 : call->error, call, sw_call_end(call));
}

void sw_debts_connect_other(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = socket->open[SW_OPERATION_CONNECT];

	if (!debt)
		return;
	if (call->sys == SW_SYS_GETSOCKOPT && call->result == 0 && call->level == SOL_SOCKET &&
	    call->option == SO_ERROR)
		told_by_error_option(debts, debt, call);
	else if (call->sys == SW_SYS_GETPEERNAME && call->result == 0)
		connected(debts, debt, call, debt->writable_ns != SW_TIME_NONE ? debt->writable_ns : sw_call_end(call));
	else if (sw_call_reads(call) || sw_call_writes(call))
		told_by_move(debts, debt, call);
}

void sw_debts_connect_wait(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call, uint32_t got)
{
	/* select has one bit for "connected" and "failed": what the program does next tells. */
	bool unsure = sw_waits_is_select(call);

	if (got & (EPOLLERR | EPOLLHUP)) {
		if (debt->told_ns == SW_TIME_NONE) {
			debt->told_ns = sw_call_end(call);
			debt->told_by = call->sys;
			debt->told_call = call->id;
			sw_debt_keep_call(&debt->surfaced, call);
		}
	} else if (got & (EPOLLOUT | EPOLLIN)) {
		if (debt->writable_ns == SW_TIME_NONE)
			debt->writable_ns = sw_call_end(call);
		if (!unsure)
			connected(debts, debt, call, debt->writable_ns);
	}
}

/* ---- the end of the socket ------------------------------------------------------------------------------------ */

void sw_debts_connect_gone(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call, uint32_t pid,
			   int64_t time_ns)
{
	const struct sw_process_seen *process = sw_processes_get(debts->processes, pid);

	if (debt->told_ns != SW_TIME_NONE) { /* a wait said that it failed, and nobody asked why */
		struct sw_call *told = debt->surfaced;

		debt->surfaced = NULL;
		sw_debt_end(debts, debt, SW_OUTCOME_FAILED, 0, told, debt->told_ns);
		free(told);
		return;
	}
	if (debt->writable_ns !=
	    SW_TIME_NONE) { /* select said writable, and the socket was closed without a question */
		connected(debts, debt, NULL, debt->writable_ns);
		return;
	}
	/* The signal that interrupted it is reported only behind the call. */
	if (!debt->debt.timer_signal && debt->surfaced && debt->surfaced->error == EINTR)
		debt->debt.timer_signal = sw_debts_signal(debts, debt->surfaced);
	debt->debt.closed_by = call ? call->sys : 0;
	if (!call && process && process->exited && process->signal)
		debt->debt.timer_signal = process->signal;
	if (call)
		sw_debt_keep_call(&debt->closing, call);
	sw_debt_end(debts, debt, SW_OUTCOME_GAVE_UP, 0, call, time_ns);
}

/* A datagram socket that is connected and never used only asks the kernel which source address it would take: getaddrinfo sorts
 * addresses so (RFC 6724), and its failures say nothing of what the program wanted. */
bool sw_debts_explained_away(const struct sw_debts *debts, const struct sw_debt_state *state)
{
	const struct sw_debt *debt = &state->debt;
	const struct sw_socket_seen *seen = &state->socket->seen;
	int64_t near_ns = debts->options->settle_ns;

	if (seen->writes || seen->reads || state->target.endpoint.port == 0)
		return state->target.endpoint.port == 0;
	for (size_t i = 0; i < SW_RECENT_MAX; i++) {
		const struct sw_recent *recent = &debts->recent[i];

		if (recent->pid != debt->pid || recent->port != state->target.endpoint.port ||
		    recent->time_ns < debt->began_ns - near_ns || recent->time_ns > debt->began_ns + near_ns)
			continue;
		if (!recent->datagram || recent->time_ns > debt->began_ns)
			return true; /* a stream to the same port, or the next address asked about */
	}
	return false;
}
