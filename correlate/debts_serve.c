/* What we owe others: a request that was read from an accepted connection, until our first byte.
 *
 * Enters: reads and writes on accepted connections. Leaves: the debt, done when we answered, failed when the peer had gone by
 * then. Whether a peer that waited in vain is a symptom is seen with the packets (symptoms.c). */
#include "correlate/debts_state.h"

#include <sys/socket.h>

void sw_debts_serve_read(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *serve = socket->open[SW_OPERATION_SERVE];

	if (call->result <= 0 || (call->flags & SW_CALL_PEEK))
		return;
	if (!serve) {
		serve = sw_debt_open(debts, SW_OPERATION_SERVE, socket, call);
		serve->debt.began_ns = serve->progress_ns = call->exit_ns;
	}
	serve->debt.bytes_read += call->result;
	serve->progress_ns = call->exit_ns; /* the request is still coming */
}

void sw_debts_unserved(struct sw_debts *debts, struct sw_socket_state *listener, const struct sw_flow *flow)
{
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];
	struct sw_debt_state *serve;

	if (!listener->last.id)
		return;
	serve = sw_debt_open(debts, SW_OPERATION_SERVE, listener, &listener->last);
	serve->debt.began_ns = serve->progress_ns = peer->syn.time_ns;
	serve->debt.flow = flow->id;
	serve->target.present = true;
	serve->target.family = flow->remote.ip.family == 6 ? AF_INET6 : AF_INET;
	serve->target.endpoint = flow->remote;
	sw_debt_end(debts, serve, SW_OUTCOME_UNSERVED, 0, NULL, peer->last_syn.time_ns);
}

void sw_debts_serve_write(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *serve = socket->open[SW_OPERATION_SERVE];

	if (serve)
		sw_debt_end(debts, serve, SW_OUTCOME_DONE, 0, call, call->enter_ns);
}
