/* The debts of a connected stream: drain, answer, greeting, from the reads and writes of the program.
 *
 * Enters: finished reads and writes. Leaves: debts opened, progressed and ended. Who accepted a connection owes the answers on
 * it (debts_serve.c); who made it is owed them. One broken connection is one symptom: the debt that somebody waited for tells it,
 * the others on the socket end quietly with it. */
#include "correlate/debts/debts_state.h"
#include "correlate/thresholds.h"

#include <sys/socket.h>

static bool is_local_pair(const struct sw_socket_state *socket)
{
	return socket->seen.socket.flags & SW_SOCKET_PAIR;
}

static bool is_server(const struct sw_socket_state *socket)
{
	return socket->seen.socket.flags & SW_SOCKET_ACCEPTED;
}

static void drop_open(struct sw_debts *debts, struct sw_socket_state *socket, enum sw_operation operation,
		      int64_t time_ns)
{
	if (socket->open[operation])
		sw_debt_drop(debts, socket->open[operation], time_ns);
}

static void done(struct sw_debts *debts, struct sw_debt_state *debt, const struct sw_call *call, int64_t time_ns)
{
	if (debt)
		sw_debt_end(debts, debt, SW_OUTCOME_DONE, 0, call, time_ns);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

/* More of a question: what passed before this write is the program's own pause (a wait for 100-continue that ran out), but for the
 * time in which the kernel would not take it. */
static void asked_more(struct sw_debt_state *answer, const struct sw_call *call, bool held_up)
{
	if (!held_up && call->enter_ns > answer->progress_ns)
		answer->progress_ns = call->enter_ns;
	answer->debt.bytes_accepted += call->result;
	answer->last_bytes = call->result;
	answer->debt.last_call = call->id;
	sw_debt_progress(answer, call->exit_ns);
}

static void written(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *drain = socket->open[SW_OPERATION_DRAIN];
	struct sw_debt_state *answer = socket->open[SW_OPERATION_ANSWER];
	bool held_up = drain && answer && 2 * drain->debt.wait.waited_ns >= call->enter_ns - answer->progress_ns;

	socket->seen.writes++;
	socket->seen.bytes_written += call->result;
	socket->seen.last_write_ns = call->exit_ns;
	drop_open(debts, socket, SW_OPERATION_GREETING, call->exit_ns);
	if (!drain && sw_socket_is_ip(socket)) {
		drain = sw_debt_open(debts, SW_OPERATION_DRAIN, socket, call);
		drain->debt.waited_ns = sw_call_blocks(call, socket) ? call->exit_ns - call->enter_ns : 0;
	}
	if (drain) {
		drain->debt.bytes_accepted += call->result;
		drain->debt.last_call = call->id;
		sw_debt_progress(drain, call->exit_ns);
	}
	if (is_server(socket)) {
		sw_debts_serve_write(debts, socket, call);
		return;
	}
	if (answer && answer->first_read_ns != SW_TIME_NONE) { /* the next question: the answer before was whole */
		done(debts, answer, NULL, answer->first_read_ns);
		answer = NULL;
	}
	if (!answer)
		answer = sw_debt_open(debts, SW_OPERATION_ANSWER, socket, call);
	asked_more(answer, call, held_up);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void bytes_of_answer(struct sw_debts *debts, struct sw_debt_state *answer, const struct sw_call *call)
{
	int64_t pause_ns = call->exit_ns - answer->progress_ns;

	answer->debt.burst_bytes = pause_ns > SW_BURST_PAUSE_NS ? call->result :
								  answer->debt.burst_bytes + call->result;
	answer->died_waiting = answer->interrupted = false;
	answer->debt.timer_signal = 0;
	if (answer->first_read_ns == SW_TIME_NONE) {
		answer->first_read_ns = call->exit_ns;
		sw_attempts_answered(debts->attempts, &answer->debt, &answer->target, answer->last_bytes,
				     &answer->socket->seen, call->exit_ns);
		if (call->exit_ns - answer->debt.began_ns > answer->socket->answered_in_ns)
			answer->socket->answered_in_ns = call->exit_ns - answer->debt.began_ns;
		if (answer->measured) {
			answer->asks_to_wait |= sw_account_asks_to_wait(answer->socket->account);
			answer->debt.body_bytes = sw_account_body(answer->socket->account);
		}
		answer->debt.surfaced_sys = call->sys;
		answer->debt.surfaced_call = call->id;
		sw_debt_progress(answer, call->exit_ns);
		sw_debts_account_first(answer, call->exit_ns);
	} else {
		/* What comes after the first byte is the answer's own rhythm: it counts only where it stops, or where it was loss. */
		sw_debts_account_more(answer, answer->progress_ns, call->exit_ns);
		if (pause_ns > answer->rhythm_ns)
			answer->rhythm_ns = pause_ns;
		answer->progress_ns = call->exit_ns;
		answer->waited = false;
		answer->debt.wait.waited_ns = 0;
		answer->debt.wait.slices = 0;
		answer->debt.wait.call = 0;
	}
}

static void arrived(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *answer = socket->open[SW_OPERATION_ANSWER];

	if (!(call->flags & SW_CALL_PEEK)) {
		if (!socket->seen.reads++)
			socket->seen.first_asked = call->bytes;
		socket->seen.bytes_read += call->result;
	}
	done(debts, socket->open[SW_OPERATION_GREETING], call, call->exit_ns);
	if (!answer)
		answer = sw_debts_answer_joined(debts, socket, call);
	if (answer) {
		bytes_of_answer(debts, answer, call);
		if (!(call->flags & SW_CALL_PEEK))
			answer->debt.bytes_read += call->result;
	}
	if (is_server(socket))
		sw_debts_serve_read(debts, socket, call);
}

/* The peer owed a rest: no byte of the answer had come, or its own head announced more. */
static bool ends_early(const struct sw_socket_state *socket, const struct sw_debt_state *answer)
{
	if (socket->seen.shut_read_ns != SW_TIME_NONE || (answer->guessed && socket->heard_before))
		return false;
	return answer->first_read_ns == SW_TIME_NONE || (answer->measured && sw_account_cut(socket->account));
}

static void end_of_file(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *answer = socket->open[SW_OPERATION_ANSWER];
	struct sw_debt_state *greeting = socket->open[SW_OPERATION_GREETING];

	if (call->bytes == 0)
		return;
	socket->seen.eofs += !(call->flags & SW_CALL_PEEK); /* who only looks (wget) learns of the end all the same */
	if (greeting && socket->seen.shut_write_ns != SW_TIME_NONE) /* we closed first: that is only its answer */
		drop_open(debts, socket, SW_OPERATION_GREETING, call->exit_ns);
	else if (greeting)
		sw_debt_end(debts, greeting, SW_OUTCOME_EOF, 0, call, call->exit_ns);
	if (answer && ends_early(socket, answer))
		sw_debt_end(debts, answer, SW_OUTCOME_EOF, 0, call, call->exit_ns);
	else
		done(debts, answer, NULL,
		     answer && answer->first_read_ns != SW_TIME_NONE ? answer->first_read_ns : call->exit_ns);
	if (is_server(socket))
		sw_debts_serve_read(debts, socket, call);
}

/* ---- failing -------------------------------------------------------------------------------------------------- */

/* The debt that tells of an error: what was waited for, else what the failing call itself would have done. */
static struct sw_debt_state *teller(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	static const enum sw_operation reading[] = {SW_OPERATION_ANSWER, SW_OPERATION_GREETING, SW_OPERATION_DRAIN};
	static const enum sw_operation writing[] = {SW_OPERATION_SERVE, SW_OPERATION_DRAIN, SW_OPERATION_ANSWER,
						    SW_OPERATION_GREETING};
	const enum sw_operation *order = sw_call_reads(call) ? reading : writing;
	size_t count = sw_call_reads(call) ? SW_COUNT(reading) : SW_COUNT(writing);

	if (sw_call_writes(call) && !socket->open[SW_OPERATION_SERVE])
		sw_debts_serve_joined(debts, socket, call);
	for (size_t i = 0; i < count; i++) {
		if (socket->open[order[i]])
			return socket->open[order[i]];
	}
	return sw_debt_open(debts, sw_call_reads(call) ? SW_OPERATION_ANSWER : SW_OPERATION_DRAIN, socket, call);
}

static void broken(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call, int error)
{
	struct sw_debt_state *debt = teller(debts, socket, call);
	struct sw_debt_state *serve = socket->open[SW_OPERATION_SERVE];

	if (serve && serve != debt) { /* what was read last may have been an alert, behind which the connection broke */
		serve->debt.unanswered = true;
		serve->debt.closed_by = call->sys;
		sw_debt_end(debts, serve, SW_OUTCOME_DONE, 0, call, sw_call_end(call));
	}
	sw_debt_end(debts, debt, SW_OUTCOME_FAILED, error, call, sw_call_end(call));
	drop_open(debts, socket, SW_OPERATION_ANSWER, sw_call_end(call));
	drop_open(debts, socket, SW_OPERATION_GREETING, sw_call_end(call));
	drop_open(debts, socket, SW_OPERATION_DRAIN, sw_call_end(call));
	drop_open(debts, socket, SW_OPERATION_SERVE, sw_call_end(call));
}

static bool socket_timer(const struct sw_socket_state *socket, const struct sw_call *call, int64_t *timer_ns)
{
	*timer_ns = sw_call_reads(call) ? socket->seen.options.rcvtimeo_ns : socket->seen.options.sndtimeo_ns;
	return *timer_ns > 0 && sw_call_blocks(call, socket);
}

/* EAGAIN: from a blocking call it is the socket's own timer. */
static void would_block(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	enum sw_operation operation = sw_call_reads(call) ? SW_OPERATION_ANSWER : SW_OPERATION_DRAIN;
	struct sw_debt_state *debt = socket->open[operation];
	int64_t timer_ns;

	if (!socket_timer(socket, call, &timer_ns)) {
		if (debt && sw_call_writes(call) && !debt->refusals++)
			debt->refused_ns = sw_call_end(call);
		return;
	}
	if (!debt && sw_call_reads(call))
		debt = socket->open[SW_OPERATION_GREETING];
	if (!debt && sw_call_writes(call))
		debt = sw_debt_open(debts, SW_OPERATION_DRAIN, socket, call);
	if (!debt || debt->guessed)
		return;
	debt->debt.socket_timeout_ns = timer_ns;
	sw_debt_end(debts, debt, SW_OUTCOME_GAVE_UP, call->error, call, sw_call_end(call));
}

static void interrupted(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = socket->open[sw_call_reads(call) ? SW_OPERATION_ANSWER : SW_OPERATION_DRAIN];

	if (!debt && sw_call_reads(call))
		debt = socket->open[SW_OPERATION_GREETING];
	if (!debt)
		return;
	debt->debt.timer_signal = sw_debts_signal(debts, call);
	debt->interrupted = true;
	debt->interrupted_ns = call->enter_ns;
	debt->interrupted_tid = call->tid;
}

/* tcp(7), send(2): a stream that was never connected answers EPIPE to a write, and ENOTCONN only to a read. */
static bool never_connected(const struct sw_socket_state *socket)
{
	const struct sw_socket *known = &socket->seen.socket;

	return !socket->seen.connect_call && !socket->datagram &&
	       !(known->flags & (SW_SOCKET_ACCEPTED | SW_SOCKET_INHERITED | SW_SOCKET_PAIR)) &&
	       known->remote.endpoint.port == 0 && (known->domain == AF_INET || known->domain == AF_INET6);
}

static void failed(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	switch (call->error) {
	case EPIPE:
		if (never_connected(socket))
			sw_debts_misuse(debts, socket, call);
		else
			broken(debts, socket, call, call->error);
		break;
	case EAGAIN: would_block(debts, socket, call); break;
	case EINTR: interrupted(debts, socket, call); break;
	case EINPROGRESS: /* fast open */ break;
	case ENOTCONN:
	case EBADF:
	case ENOTSOCK:
	case EFAULT:
	case EINVAL:
	case EISCONN:
	case EOPNOTSUPP:
	case EDESTADDRREQ: break; /* a misuse: debts_call.c */
	default: broken(debts, socket, call, call->error); break;
	}
}

void sw_debts_stream(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	if (is_local_pair(socket) || (call->flags & SW_CALL_ERRQUEUE))
		return;
	if (call->result < 0)
		failed(debts, socket, call);
	else if (sw_call_writes(call) && call->result > 0)
		written(debts, socket, call);
	else if (sw_call_reads(call) && call->result > 0)
		arrived(debts, socket, call);
	else if (sw_call_reads(call))
		end_of_file(debts, socket, call);
}
