/* Calls that fail on their own, without anybody else: making, naming and using a descriptor wrongly.
 *
 * Enters: finished calls. Leaves: a debt of the kind "call" for each failure that says something, with the call that made it wrong
 * where one is known. Probes that are expected to fail (getpeername, option queries, a close that does not matter) are none. */
#include "correlate/debts/debts_state.h"

#include <fcntl.h>
#include <sys/socket.h>

static bool is_accept(const struct sw_call *call)
{
	return call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4;
}

/* Calls whose failure is a symptom whatever the errno, but for the polite ones. */
static bool makes_or_names(const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_SOCKET:
	case SW_SYS_SOCKETPAIR:
	case SW_SYS_BIND:
	case SW_SYS_LISTEN: return true;
	default: return is_accept(call);
	}
}

/* Nobody called listen(2): not the EINVAL of a listener that was shut down. */
static bool never_listened(const struct sw_socket_state *socket)
{
	return socket && socket->seen.listened_ns == SW_TIME_NONE &&
	       !(socket->seen.socket.flags & (SW_SOCKET_LISTENING | SW_SOCKET_INHERITED));
}

static bool is_polite(const struct sw_call *call, const struct sw_socket_state *socket)
{
	switch (call->error) {
	case EAGAIN:
	case EINTR: return true;
	case ECONNABORTED: /* a client that went away while it queued: accept(2) says try again */
	case EINVAL: /* a listener shut down to wake its acceptor */ return is_accept(call) && !never_listened(socket);
	default: return false;
	}
}

/* Sockets that talk to the kernel alone: libraries try them and do without. */
static bool is_kernel_family(const struct sw_call *call)
{
	return call->sys == SW_SYS_SOCKET &&
	       (call->request == AF_NETLINK || call->request == AF_ALG || call->request == AF_VSOCK);
}

static bool is_misuse_errno(int error)
{
	return error == EBADF || error == ENOTSOCK || error == ENOTCONN || error == EISCONN || error == EDESTADDRREQ ||
	       error == EOPNOTSUPP;
}

/* Calls in which such an errno means that the program is wrong, not that it asks. */
static bool can_be_misused(const struct sw_call *call)
{
	return makes_or_names(call) || sw_call_reads(call) || sw_call_writes(call) || call->sys == SW_SYS_CONNECT ||
	       ((call->sys == SW_SYS_SHUTDOWN || call->sys == SW_SYS_SETSOCKOPT) &&
		(call->error == EBADF || call->error == ENOTSOCK));
}

static struct sw_debt_state *fail(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = sw_debt_open(debts, SW_OPERATION_CALL, socket, call);

	if (call->addr.present)
		debt->target = call->addr;
	else if (call->sys == SW_SYS_SOCKET)
		debt->target.family = (uint16_t)call->request;
	debt->debt.call_error = call->error;
	debt->debt.attempt = sw_attempts_began(debts->attempts, &debt->debt, &debt->target, NULL);
	sw_debt_end(debts, debt, SW_OUTCOME_FAILED, call->error, call, sw_call_end(call));
	return debt;
}

void sw_debts_misuse(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	const struct sw_call *closed = NULL;
	uint32_t was = sw_sockets_by_fd(debts->sockets, call->pid, call->fd, &closed);
	struct sw_debt_state *debt;

	/* read() on a number that was never a socket is none of our business. */
	if (!socket && !was &&
	    (call->sys == SW_SYS_READ || call->sys == SW_SYS_WRITE || call->sys == SW_SYS_READV ||
	     call->sys == SW_SYS_WRITEV))
		return;
	debt = fail(debts, socket ? socket : sw_sockets_get(debts->sockets, was), call);
	if (closed)
		sw_debt_keep_call(&debt->culprit, closed);
}

/* A success that may be what a failed try of the same call was made good by. */
static void succeeded(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt debt = {
		.operation = SW_OPERATION_CALL, .sys = call->sys, .pid = call->pid, .began_ns = call->enter_ns};
	struct sw_addr target = call->addr;

	debt.ended_ns = sw_call_end(call);
	debt.outcome = SW_OUTCOME_DONE;
	debt.surfaced_call = call->id;
	if (call->sys == SW_SYS_SOCKET)
		target.family = (uint16_t)call->request;
	if (call->sys == SW_SYS_LISTEN && socket)
		target = socket->seen.socket.local;
	sw_attempts_ended(debts->attempts, &debt, &target);
}

void sw_debts_service_no(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call,
			 uint32_t question, int64_t asked_ns)
{
	struct sw_debt_state *debt = sw_debt_open(debts, SW_OPERATION_LOOKUP, socket, call);

	debt->service = question;
	debt->target = socket->seen.socket.remote;
	debt->debt.began_ns = asked_ns;
	sw_debt_end(debts, debt, SW_OUTCOME_ANSWERED_NO, 0, call, sw_call_end(call));
}

/* Who logs to /dev/log writes, and connects (again) when that says that nobody is there. */
static bool asks_whether_connected(const struct sw_socket_state *socket, const struct sw_call *call)
{
	return call->error == ENOTCONN && socket && socket->datagram && socket->seen.socket.domain == AF_UNIX &&
	       sw_call_writes(call);
}

void sw_debts_call(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	if (call->result >= 0) {
		if (makes_or_names(call) && !is_accept(call))
			succeeded(debts, socket, call);
		return;
	}
	if (is_polite(call, socket) || is_kernel_family(call) || (call->flags & SW_CALL_ERRQUEUE))
		return;
	if (is_misuse_errno(call->error) && can_be_misused(call)) {
		/* EISCONN is judged with the connect that it follows; ENOTCONN of a read may be the consumed error of a failed connect. */
		if (call->sys == SW_SYS_CONNECT && (call->error == EISCONN || socket))
			return;
		if (call->error == ENOTCONN && socket && socket->seen.connect_call && !socket->datagram)
			return;
		if (asks_whether_connected(socket, call))
			return;
		sw_debts_misuse(debts, socket, call);
	} else if (makes_or_names(call)) {
		fail(debts, socket, call);
	}
}
