/* What we owe others: a request that was read from an accepted connection, until our first byte.
 *
 * Enters: reads and writes on accepted connections. Leaves: the debt, done when we answered, failed when the peer had gone by
 * then. Whether a peer that waited in vain is a symptom is seen with the packets (symptoms.c). */
#include "correlate/debts/debts_state.h"

#include <errno.h>
#include <sys/socket.h>

/* A loop that serves quickly is back in its wait within this. */
#define PAUSE_NS (50 * SW_NS_PER_MS)
/* A program that has no descriptor left tries again after a pause of its own, or when a client knocks. */
#define SHORTAGE_NS (10 * SW_NS_PER_S)

void sw_debts_serve_waits(struct sw_socket_state *socket, int64_t time_ns)
{
	struct sw_socket_seen *seen = &socket->seen;

	if (seen->waiting)
		return;
	if (seen->waits_from_ns == SW_TIME_NONE || seen->last_wait_ns == SW_TIME_NONE ||
	    time_ns - seen->last_wait_ns > PAUSE_NS)
		seen->waits_from_ns = time_ns;
	seen->waiting = true;
}

static void without_fd(struct sw_socket_seen *seen, int64_t time_ns)
{
	if (seen->without_fd_ns == SW_TIME_NONE || time_ns - seen->without_fd_until_ns > SHORTAGE_NS)
		seen->without_fd_ns = time_ns;
	seen->without_fd_until_ns = time_ns;
}

void sw_debts_serve_accept(struct sw_socket_state *socket, const struct sw_call *call)
{
	if (call->result < 0 && (call->error == EMFILE || call->error == ENFILE))
		without_fd(&socket->seen, sw_call_end(call));
	if (!sw_call_blocks(call, socket))
		return;
	socket->seen.last_wait_ns = sw_call_end(call);
	socket->seen.waiting = false;
}

static struct sw_debt_state *begin(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call,
				   int64_t time_ns)
{
	struct sw_debt_state *serve = sw_debt_open(debts, SW_OPERATION_SERVE, socket, call);

	serve->debt.began_ns = serve->progress_ns = time_ns;
	sw_debts_account_restart(serve);
	return serve;
}

struct sw_debt_state *sw_debts_serve_joined(struct sw_debts *debts, struct sw_socket_state *socket,
					    const struct sw_call *call)
{
	int64_t read_ns = socket->read_before_ns;

	socket->read_before_ns = 0;
	return read_ns ? begin(debts, socket, call, read_ns) : NULL;
}

void sw_debts_serve_read(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *serve = socket->open[SW_OPERATION_SERVE];

	if (call->result <= 0 || (call->flags & SW_CALL_PEEK))
		return;
	socket->read_before_ns = 0;
	if (!serve)
		serve = begin(debts, socket, call, call->exit_ns);
	serve->debt.bytes_read += call->result;
	serve->progress_ns = call->exit_ns; /* the request is still coming */
}

/* What the debt hangs on: the last call that served, or, for a listener that was there before the tool, whoever holds it. */
static struct sw_call service_of(const struct sw_socket_state *listener)
{
	struct sw_call call = listener->last;

	if (call.id)
		return call;
	call.sys = listener->datagram ? SW_SYS_BIND : SW_SYS_LISTEN;
	call.pid = call.tid = listener->holders.count ? listener->holders.items[0].pid : 0;
	call.fd = listener->holders.count ? listener->holders.items[0].fd : -1;
	call.fd2 = -1;
	call.bytes = -1;
	call.timeout_ns = SW_TIMEOUT_NONE;
	call.socket = listener->seen.socket.id;
	return call;
}

void sw_debts_unserved(struct sw_debts *debts, struct sw_socket_state *listener, const struct sw_flow *flow,
		       int64_t until_ns)
{
	struct sw_call call = service_of(listener);
	struct sw_debt_state *serve = sw_debt_open(debts, SW_OPERATION_SERVE, listener, &call);

	serve->debt.began_ns = serve->progress_ns = flow->first_ns;
	serve->debt.flow = flow->id;
	serve->target.present = true;
	serve->target.family = flow->remote.ip.family == 6 ? AF_INET6 : AF_INET;
	serve->target.endpoint = flow->remote;
	sw_debt_end(debts, serve, SW_OUTCOME_UNSERVED, 0, NULL, until_ns);
}

void sw_debts_serve_write(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *serve = socket->open[SW_OPERATION_SERVE];

	if (!serve)
		serve = sw_debts_serve_joined(debts, socket, call);
	if (!serve)
		return;
	if (call->enter_ns - serve->debt.began_ns > socket->seen.answer_took_ns)
		socket->seen.answer_took_ns = call->enter_ns - serve->debt.began_ns;
	sw_debt_end(debts, serve, SW_OUTCOME_DONE, 0, call, call->enter_ns);
}
