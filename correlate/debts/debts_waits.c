/* How waits are booked: "the application was waiting", to every open debt of the sockets that it waited for.
 *
 * Enters: finished waits and blocking calls. Leaves: struct sw_wait_seen of the debts, with the sum of the slices in a row
 * (curl polls in slices of at most 1 s), and a greeting's debt where somebody waits for a silent connection alone. */
#include "correlate/debts/debts_state.h"

#include <string.h>
#include <sys/epoll.h>

struct booking {
	struct sw_debts *debts;
	const struct sw_call *call;
	uint32_t members; /* sockets in the set */
};

/* Which readiness a debt waits for. */
static uint32_t events_of(enum sw_operation operation)
{
	switch (operation) {
	case SW_OPERATION_CONNECT: return EPOLLOUT | EPOLLIN;
	case SW_OPERATION_DRAIN: return EPOLLOUT;
	case SW_OPERATION_SERVE: /* the peer waits, not we */
	case SW_OPERATION_CALL:
	case SW_OPERATION_NONE: return 0;
	default: return EPOLLIN;
	}
}

static void book(struct sw_debt_state *state, const struct sw_call *call)
{
	struct sw_debt *debt = &state->debt;
	struct sw_wait_seen *wait = &debt->wait;
	int64_t from_ns = call->enter_ns > debt->began_ns ? call->enter_ns : debt->began_ns;
	int64_t waited_ns = sw_call_end(call) - from_ns;

	if (waited_ns <= 0)
		return;
	debt->waited_ns += waited_ns;
	debt->last_call = call->id;
	wait->waited_ns += waited_ns;
	if (call->timeout_ns != 0) /* who only asks what is ready now waits for nothing */
		state->timed_out = sw_waits_timed_out(call);
	if (!sw_waits_timed_out(call))
		return;
	/* A slice that ended for another socket's sake counts towards the sum, but only one that timed out shows whose timer it was. */
	wait->call = call->id;
	wait->sys = call->sys;
	wait->slices++;
	wait->asked_ns = call->timeout_ns;
	wait->ended_ns = sw_call_end(call);
	sw_debt_keep_call(&state->last_wait, call);
}

static void count_member(void *context, struct sw_socket_state *socket, uint32_t asked, uint32_t got)
{
	struct booking *booking = context;

	(void)asked;
	(void)got;
	if (sw_socket_is_ip(socket) || socket->seen.socket.domain == AF_UNIX)
		booking->members += !(socket->seen.socket.flags & SW_SOCKET_PAIR);
}

/* Connected, nothing moved, and somebody waits for this socket alone: the peer is to speak first. */
static void greet(struct booking *booking, struct sw_socket_state *socket, uint32_t asked)
{
	const struct sw_socket_seen *seen = &socket->seen;

	if (!(asked & EPOLLIN) || socket->datagram || booking->members != 1 || seen->writes || seen->reads ||
	    seen->eofs || seen->connected_ns == SW_TIME_NONE ||
	    (seen->socket.flags & (SW_SOCKET_ACCEPTED | SW_SOCKET_PAIR | SW_SOCKET_LISTENING)) ||
	    socket->open[SW_OPERATION_GREETING])
		return;
	sw_debt_open(booking->debts, SW_OPERATION_GREETING, socket, booking->call)->debt.began_ns =
		booking->call->enter_ns;
}

static void book_member(void *context, struct sw_socket_state *socket, uint32_t asked, uint32_t got)
{
	struct booking *booking = context;
	struct sw_debt_state *debt;

	if (booking->call->timeout_ns == 0)
		sw_debts_serve_waits(socket,
				     booking->call->enter_ns); /* a look; what passed since the last wait was none */
	socket->seen.last_wait_ns = sw_call_end(booking->call);
	socket->seen.waiting = false;
	if (booking->call->timeout_ns != 0)
		greet(booking, socket, asked);
	for (size_t i = 0; i < SW_OPERATION_COUNT; i++) {
		debt = socket->open[i];
		if (!debt || !(asked & events_of((enum sw_operation)i)))
			continue;
		debt->waited = true;
		debt->only_for_it |= booking->members == 1 && !sw_waits_is_epoll(booking->call);
		book(debt, booking->call);
	}
	if (socket->datagram && asked & EPOLLIN && sw_waits_timed_out(booking->call))
		sw_debts_datagram_rest(booking->debts, socket, booking->call);
	debt = socket->open[SW_OPERATION_CONNECT];
	if (debt && got)
		sw_debts_connect_wait(booking->debts, debt, booking->call, got);
	for (size_t i = 0; got & EPOLLERR && i < SW_OPERATION_COUNT; i++) {
		debt = socket->open[i];
		if (debt && debt->told_ns == SW_TIME_NONE && i != SW_OPERATION_CONNECT && i != SW_OPERATION_SERVE) {
			debt->told_ns = sw_call_end(booking->call);
			debt->told_by = booking->call->sys;
			debt->told_call = booking->call->id;
		}
	}
}

void sw_debts_waited(struct sw_debts *debts, const struct sw_call *call)
{
	struct booking booking = {.debts = debts, .call = call};

	/* Most waits of a busy server concern nothing that is owed; counting the set costs as much as booking it. */
	sw_waits_each(debts->sockets, call, count_member, &booking);
	if (booking.members)
		sw_waits_each(debts->sockets, call, book_member, &booking);
}

void sw_debts_died(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	enum sw_operation waited[] = {SW_OPERATION_ANSWER, SW_OPERATION_GREETING};

	sw_debts_blocked(debts, socket, call);
	if (socket->datagram && sw_call_reads(call) && sw_call_blocks(call, socket))
		sw_debts_datagram_rest(debts, socket, call);
	for (size_t i = 0; sw_call_reads(call) && i < SW_COUNT(waited); i++) {
		if (socket->open[waited[i]])
			socket->open[waited[i]]->died_waiting = true;
	}
}

void sw_debts_blocked(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	uint32_t events = sw_call_reads(call) ? EPOLLIN : EPOLLOUT;
	struct booking booking = {.debts = debts, .call = call, .members = 1};

	if (!sw_call_blocks(call, socket) || call->exit_ns == SW_TIME_NONE)
		return;
	greet(&booking, socket, events);
	for (size_t i = 0; i < SW_OPERATION_COUNT; i++) {
		struct sw_debt_state *debt = socket->open[i];
		int64_t waited_ns;

		if (!debt || !(events & events_of((enum sw_operation)i)))
			continue;
		waited_ns =
			call->exit_ns - (call->enter_ns > debt->debt.began_ns ? call->enter_ns : debt->debt.began_ns);
		if (waited_ns <= 0)
			continue;
		debt->waited = debt->only_for_it = true;
		debt->debt.waited_ns += waited_ns;
		debt->debt.wait.waited_ns += waited_ns;
	}
}
