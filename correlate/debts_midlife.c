/* What TCP_INFO tells of debts in the middle of their life: those that stand still, for whom it is asked; and in a session that joins in
 * mid-life what was asked before it came, which is owed nonetheless.
 *
 * Enters: TCP_INFO of the sockets that were there at the attach, and the calls that threads were in. Leaves: the debt of an answer
 * where a thread sits in a read of its own connection, and the last bytes went out, not in. A connection that rests between two
 * questions has had its answer: its last bytes came in. */
#include <poll.h>
#include <string.h>

#include "correlate/debts_state.h"

#define STALLED_MOST_NS (60 * SW_NS_PER_S)
#define EPHEMERAL_FROM 32768 /* net.ipv4.ip_local_port_range, as it comes */

/* Which end made the connection is not known of what was there before: the one with a port that the kernel chose. */
static bool is_client(const struct sw_socket *socket)
{
	return !(socket->flags & (SW_SOCKET_ACCEPTED | SW_SOCKET_LISTENING | SW_SOCKET_PAIR)) &&
	       socket->remote.present && socket->local.endpoint.port >= EPHEMERAL_FROM &&
	       socket->remote.endpoint.port < EPHEMERAL_FROM;
}

void sw_debts_tcp_info(struct sw_debts *debts, const struct sw_fact *fact)
{
	struct sw_socket_state *socket = sw_sockets_get(debts->sockets, fact->socket);
	int64_t sent_ms = sw_fact_number(fact, "last_data_sent_ms", -1);
	int64_t received_ms = sw_fact_number(fact, "last_data_recv_ms", -1);
	const char *state = sw_fact_text(fact, "state");

	if (!socket || socket->seen.reads || socket->seen.writes || socket->asked_before_ns || sent_ms < 0 || !state ||
	    strcmp(state, "established") != 0 || !is_client(&socket->seen.socket) ||
	    sw_fact_number(fact, "bytes_sent", 0) <= 0)
		return;
	/* Without a byte received the kernel counts from the handshake on. */
	if (sw_fact_number(fact, "bytes_received", -1) == 0 || sent_ms < received_ms)
		socket->asked_before_ns = fact->time_ns - sent_ms * SW_NS_PER_MS;
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

/* What the thread reads, or waits to read and for nothing else. */
static struct sw_socket_state *read_from(struct sw_debts *debts, const struct sw_call *call)
{
	if (sw_call_reads(call))
		return sw_sockets_get(debts->sockets, call->socket);
	if (!sw_waits_is_wait(call) || sw_waits_is_epoll(call) || call->wait_count != 1 ||
	    !(call->waits[0].asked & POLLIN))
		return NULL;
	return sw_sockets_get(debts->sockets, call->waits[0].socket);
}

void sw_debts_joined(struct sw_debts *debts, const struct sw_call *call)
{
	struct sw_socket_state *socket = call->flags & SW_CALL_STARTED_BEFORE ? read_from(debts, call) : NULL;
	struct sw_debt_state *answer;

	if (!socket || !socket->asked_before_ns || socket->datagram || socket->open[SW_OPERATION_ANSWER])
		return;
	answer = sw_debt_open(debts, SW_OPERATION_ANSWER, socket, call);
	answer->debt.began_ns = answer->debt.gap_began_ns = answer->progress_ns = socket->asked_before_ns;
}
