/* What TCP_INFO tells of debts in the middle of their life: those that stand still, for whom it is asked; and in a session that joins in
 * mid-life what was asked before it came, which is owed nonetheless.
 *
 * Enters: TCP_INFO of the sockets that were there at the attach, and the calls that threads were in. Leaves: the debt of an answer
 * where a thread waits for its own connection, and the last bytes went out, not in; of a request that was read and not answered; of a
 * connect that did not block. A connection that rests between two questions has had its answer: its last bytes came in. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "correlate/debts/debts_state.h"

#define STALLED_MOST_NS (60 * SW_NS_PER_S)
#define REPLY_NS                                                                                                       \
	(20 * SW_NS_PER_MS) /* what leaves so soon behind what came acknowledges it, as of HTTP/2 and WebSocket */
#define TICK_NS (10 * SW_NS_PER_MS) /* of the kernel's clock for these times, at its coarsest (CONFIG_HZ=100) */
#define BARE_ACK_NS (250 * SW_NS_PER_MS) /* TCP_DELACK_MAX, and a tick or two; TCP_DELACK_MIN is 40 ms */
#define EPHEMERAL_FROM 32768 /* net.ipv4.ip_local_port_range, as it comes */

/* Which end made the connection is not known of what was there before: the one with a port that the kernel chose. */
static bool is_client(const struct sw_socket *socket)
{
	return !(socket->flags & (SW_SOCKET_ACCEPTED | SW_SOCKET_LISTENING | SW_SOCKET_PAIR)) &&
	       socket->remote.present && socket->local.endpoint.port >= EPHEMERAL_FROM &&
	       socket->remote.endpoint.port < EPHEMERAL_FROM;
}

static bool is_server(const struct sw_socket *socket)
{
	return (socket->flags & SW_SOCKET_ACCEPTED) && (socket->flags & SW_SOCKET_INHERITED);
}

static bool is_fresh(const struct sw_socket_state *socket)
{
	return !socket->seen.reads && !socket->seen.writes && !socket->asked_before_ns && !socket->read_before_ns &&
	       !socket->connecting_before && !socket->seen.connect_call;
}

/* Within one tick bytes went out and came in: which were the last, the acknowledgement tells. An answer acknowledges what it answers;
 * where no answer left, the peer's kernel acknowledged alone, when its time for that was over. (tcp_ack() in net/ipv4/tcp_input.c
 * keeps the time of both kinds.) */
static bool acknowledged_alone(const struct sw_fact *fact, int64_t sent_ns, int64_t received_ns)
{
	int64_t ack_ns = sw_fact_number(fact, "last_ack_recv_ms", -1) * SW_NS_PER_MS;
	int64_t later_ns = received_ns - ack_ns;

	return sent_ns == received_ns && ack_ns >= 0 && later_ns > 2 * TICK_NS && later_ns < BARE_ACK_NS;
}

/* Without a byte received, or sent, the kernel counts from the handshake on. */
static void learn_moves(struct sw_socket_state *socket, const struct sw_fact *fact)
{
	int64_t sent_ns = sw_fact_number(fact, "last_data_sent_ms", -1) * SW_NS_PER_MS;
	int64_t received_ns = sw_fact_number(fact, "last_data_recv_ms", -1) * SW_NS_PER_MS;
	bool sent = sw_fact_number(fact, "bytes_sent", 0) > 0, heard = sw_fact_number(fact, "bytes_received", 0) > 0;

	if (sent_ns < 0 || received_ns < 0)
		return;
	socket->heard_before = heard;
	socket->unsent_before = sw_fact_number(fact, "notsent_bytes", 0) > 0;
	if (is_client(&socket->seen.socket) && sent &&
	    (!heard || sent_ns < received_ns || acknowledged_alone(fact, sent_ns, received_ns))) {
		socket->asked_before_ns = fact->time_ns - sent_ns;
		socket->replied_before = heard && received_ns - sent_ns < REPLY_NS;
	}
	if (is_client(&socket->seen.socket) && heard && !socket->asked_before_ns) {
		socket->heard_ns = fact->time_ns - received_ns;
		socket->heard_bytes = sw_fact_number(fact, "bytes_received", 0);
	}
	if (is_server(&socket->seen.socket) && heard && (!sent || received_ns + REPLY_NS < sent_ns))
		socket->read_before_ns = fact->time_ns - received_ns;
}

void sw_debts_tcp_info(struct sw_debts *debts, const struct sw_fact *fact)
{
	struct sw_socket_state *socket = sw_sockets_get(debts->sockets, fact->socket);
	const char *state = sw_fact_text(fact, "state");

	if (!socket || !state || !is_fresh(socket))
		return;
	if (!strcmp(state, "established"))
		learn_moves(socket, fact);
	else if (!strcmp(state, "syn-sent") && socket->seen.socket.flags & SW_SOCKET_NONBLOCKING) {
		socket->connecting_before = true;
		debts->connecting_before++;
	}
}

static bool is_connection(const struct sw_socket *socket)
{
	return socket->type == SOCK_STREAM && (socket->domain == AF_INET || socket->domain == AF_INET6);
}

void sw_debts_stalled(struct sw_debts *debts, int64_t now_ns, void (*each)(void *context, uint32_t socket),
		      void *context)
{
	for (size_t i = 0; i < debts->live.count; i++) {
		struct sw_debt_state *state = debts->live.items[i];
		int64_t gap_ns = now_ns - state->progress_ns;

		if (state->debt.ended_ns != SW_TIME_NONE || !state->socket ||
		    !is_connection(&state->socket->seen.socket))
			continue;
		if (gap_ns < state->asked_gap_ns)
			state->asked_gap_ns = 0; /* it has moved */
		if (gap_ns < debts->options->slow_ns ||
		    (gap_ns < 2 * state->asked_gap_ns && gap_ns < state->asked_gap_ns + STALLED_MOST_NS))
			continue;
		state->asked_gap_ns = gap_ns;
		if (state->socket->stalled_told_ns != now_ns)
			each(context, state->debt.socket);
		state->socket->stalled_told_ns = now_ns;
	}
}

/* ---- joining ---------------------------------------------------------------------------------------------------- */

struct joining {
	struct sw_debts *debts;
	const struct sw_call *call;
	uint32_t members; /* connections of which the thread waits for bytes */
};

static void count_member(void *context, struct sw_socket_state *socket, uint32_t asked, uint32_t got)
{
	struct joining *joining = context;

	(void)got;
	joining->members += (asked & EPOLLIN) && !(socket->seen.socket.flags & SW_SOCKET_PAIR) &&
			    (sw_socket_is_ip(socket) || socket->seen.socket.domain == AF_UNIX);
}

static void join_answer(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call,
			bool guessed)
{
	struct sw_debt_state *answer;

	if (!socket->asked_before_ns || socket->datagram || socket->open[SW_OPERATION_ANSWER] || socket->seen.reads ||
	    socket->seen.writes || (guessed && socket->replied_before))
		return;
	answer = sw_debt_open(debts, SW_OPERATION_ANSWER, socket, call);
	answer->debt.began_ns = answer->progress_ns = socket->asked_before_ns;
	answer->guessed = guessed;
	answer->debt.asked_before = true;
	if (sw_waits_is_wait(call))
		sw_debt_keep_call(&answer->found, call);
	/* It may have been asked to answer when there is news: nobody knows. If the service is slow, the next question will show it. */
	answer->asks_to_wait = true;
}

static struct sw_debt_state *guess(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *answer = sw_debt_open(debts, SW_OPERATION_ANSWER, socket, call);

	answer->guessed = answer->asks_to_wait = answer->debt.asked_before = true;
	return answer;
}

struct sw_debt_state *sw_debts_answer_joined(struct sw_debts *debts, struct sw_socket_state *socket,
					     const struct sw_call *call)
{
	if (!debts->options->attached || socket->datagram || socket->seen.writes || !sw_socket_is_ip(socket) ||
	    !(socket->seen.socket.flags & SW_SOCKET_INHERITED) || !is_client(&socket->seen.socket))
		return NULL;
	return guess(debts, socket, call);
}

/* A thread waits for more, and not for ever, where the peer has spoken: the answer may have stopped. */
static void join_stopped(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *answer;

	if (!socket->heard_ns || socket->open[SW_OPERATION_ANSWER] || socket->seen.reads || socket->seen.writes ||
	    call->timeout_ns <= 0)
		return;
	answer = guess(debts, socket, call);
	answer->debt.began_ns = answer->progress_ns = answer->first_read_ns = socket->heard_ns;
	answer->debt.bytes_read = socket->heard_bytes;
	sw_debt_keep_call(&answer->found, call);
}

/* Who writes, or waits for room, while bytes wait to leave. */
static void join_drain(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *drain;

	if (socket->datagram || !sw_socket_is_ip(socket) || socket->open[SW_OPERATION_DRAIN] || socket->seen.writes)
		return;
	drain = sw_debt_open(debts, SW_OPERATION_DRAIN, socket, call);
	drain->stuck_before = true;
	sw_debt_keep_call(&drain->found, call);
}

static void join_member(void *context, struct sw_socket_state *socket, uint32_t asked, uint32_t got)
{
	const struct joining *joining = context;
	const struct sw_call *call = joining->call;

	(void)got;
	if (socket->connecting_before && !socket->open[SW_OPERATION_CONNECT] && !socket->seen.connect_call) {
		sw_debts_connect_joined(joining->debts, socket, call);
		joining->debts->connecting_before--;
		return;
	}
	if (!(call->flags & SW_CALL_STARTED_BEFORE))
		return;
	if ((asked & EPOLLOUT) && socket->unsent_before)
		join_drain(joining->debts, socket, call);
	if (!(asked & EPOLLIN))
		return;
	bool alone = !sw_waits_is_epoll(call) && joining->members == 1;

	join_answer(joining->debts, socket, call, !alone);
	if (alone)
		join_stopped(joining->debts, socket, call);
}

void sw_debts_joined(struct sw_debts *debts, const struct sw_call *call)
{
	struct joining joining = {.debts = debts, .call = call};
	struct sw_socket_state *socket;

	if (sw_waits_is_wait(call)) {
		if (!(call->flags & SW_CALL_STARTED_BEFORE) && !debts->connecting_before)
			return;
		sw_waits_each(debts->sockets, call, count_member, &joining);
		sw_waits_each(debts->sockets, call, join_member, &joining);
		return;
	}
	socket = call->flags & SW_CALL_STARTED_BEFORE ? sw_sockets_get(debts->sockets, call->socket) : NULL;
	if (socket && sw_call_reads(call))
		join_answer(debts, socket, call, false);
	else if (socket && sw_call_writes(call))
		join_drain(debts, socket, call);
}
