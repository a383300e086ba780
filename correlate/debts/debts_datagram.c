/* The debt of a datagram: sent on a socket that is read or waited for afterwards, until something is read.
 *
 * Enters: finished sends and receives on datagram sockets. Leaves: one debt for a question with all its tries; a question to port 53
 * is a look-up. A datagram that nobody waits for an answer to owes nothing. udp(7), ip(7). */
#include "correlate/debts/debts_state.h"

#include <sys/socket.h>

#define DNS_PORT 53
#define HOPS_USUAL 64 /* ip_default_ttl of the kernel's documentation */

static const struct sw_addr *target_of(const struct sw_socket_state *socket, const struct sw_call *call)
{
	if (call->addr.present)
		return &call->addr;
	if (call->message_count && call->messages[0].addr.present)
		return &call->messages[0].addr;
	return &socket->seen.socket.remote;
}

static struct sw_debt_state *open_of(const struct sw_socket_state *socket)
{
	return socket->open[SW_OPERATION_LOOKUP] ? socket->open[SW_OPERATION_LOOKUP] :
						   socket->open[SW_OPERATION_DATAGRAM];
}

static struct sw_debt_state *question(struct sw_debts *debts, struct sw_socket_state *socket,
				      const struct sw_call *call)
{
	const struct sw_addr *target = target_of(socket, call);
	bool lookup = sw_socket_is_ip(socket) && target->present && target->endpoint.port == DNS_PORT;
	struct sw_debt_state *debt =
		sw_debt_open(debts, lookup ? SW_OPERATION_LOOKUP : SW_OPERATION_DATAGRAM, socket, call);

	debt->target = *target;
	if (!lookup && sw_socket_is_ip(socket))
		sw_processes_reached(debts->processes, call->pid, call->enter_ns);
	return debt;
}

/* unix(7): the receiver's queue is full. Programs try again; a send that then succeeds makes it good. */
static void receiver_full(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = open_of(socket);

	if (debt)
		sw_debt_drop(debts, debt, call->enter_ns);
	debt = question(debts, socket, call);
	debt->debt.attempt = sw_attempts_began(debts->attempts, &debt->debt, &debt->target, NULL);
	sw_debt_end(debts, debt, SW_OUTCOME_FAILED, EAGAIN, call, sw_call_end(call));
}

/* What an earlier try asked in vain is made good: by a send that the receiver took, or by an answer. */
static void made_good(struct sw_debts *debts, const struct sw_addr *target, const struct sw_call *call)
{
	struct sw_debt debt = {.operation = SW_OPERATION_DATAGRAM,
			       .pid = call->pid,
			       .began_ns = call->enter_ns,
			       .ended_ns = sw_call_end(call),
			       .outcome = SW_OUTCOME_DONE,
			       .surfaced_call = call->id};

	sw_attempts_ended(debts->attempts, &debt, target);
}

static bool gave_up_lately(const struct sw_debts *debts, int64_t now_ns)
{
	return debts->gave_up_ns != SW_TIME_NONE && now_ns - debts->gave_up_ns <= debts->options->settle_ns;
}

/* A signal or the process's end cut a long send short: it waited for a place in the receiver's queue. */
void sw_debts_datagram_blocked(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	int64_t waited_ns = call->exit_ns - call->enter_ns;
	struct sw_debt_state *debt;

	if (!socket->datagram || socket->seen.socket.domain != AF_UNIX ||
	    (socket->seen.socket.flags & SW_SOCKET_PAIR) || !sw_call_writes(call) ||
	    waited_ns < debts->options->slow_ns)
		return;
	debt = open_of(socket);
	if (debt)
		sw_debt_drop(debts, debt, call->enter_ns);
	debt = question(debts, socket, call);
	debt->debt.timer_signal = sw_debts_signal(debts, call);
	sw_debt_end(debts, debt, SW_OUTCOME_GAVE_UP, 0, call, call->exit_ns);
}

void sw_debts_datagram_rest(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt;

	if (!sw_socket_is_ip(socket) || !socket->last.id || !socket->seen.reads || socket->seen.foreign ||
	    socket->rest_told || open_of(socket) || target_of(socket, &socket->last)->endpoint.port == DNS_PORT)
		return; /* look-ups know what is missing: lookups_join.c */
	debt = question(debts, socket, &socket->last);
	debt->rest = true;
	debt->debt.timer_signal = sw_debts_signal(debts, call);
	debt->debt.wait = (struct sw_wait_seen){.call = call->id,
						.sys = call->sys,
						.slices = 1,
						.asked_ns = call->timeout_ns,
						.waited_ns = sw_call_end(call) - call->enter_ns,
						.ended_ns = sw_call_end(call)};
	sw_debt_end(debts, debt, SW_OUTCOME_GAVE_UP, 0, call, sw_call_end(call));
}

/* Nobody but a signal ended it: more was waited for. */
static void unended(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	if (socket->datagram && sw_call_reads(call) && !(call->flags & SW_CALL_BY_TOOL) &&
	    sw_call_end(call) - call->enter_ns >= debts->options->slow_ns)
		sw_debts_datagram_rest(debts, socket, call);
}

/* musl's resolver asks all servers over one socket that is not connected. */
static void ask(struct sw_debt_state *debt, const struct sw_addr *target)
{
	for (uint32_t i = 0; i < debt->asked_count && i < SW_ASKED_MAX; i++)
		if (sw_endpoint_equal(&debt->asked[i], &target->endpoint))
			return;
	if (debt->asked_count < SW_ASKED_MAX)
		debt->asked[debt->asked_count] = target->endpoint;
	debt->asked_count++;
}

/* Resolver libraries drop what comes from who was not asked. */
static bool is_strangers(const struct sw_debt_state *debt, const struct sw_call *call)
{
	if (debt->debt.operation != SW_OPERATION_LOOKUP || !call->addr.present || !call->addr.endpoint.ip.family ||
	    debt->asked_count > SW_ASKED_MAX)
		return false;
	for (uint32_t i = 0; i < debt->asked_count; i++)
		if (sw_endpoint_equal(&debt->asked[i], &call->addr.endpoint) || sw_ip_is_any(&debt->asked[i].ip))
			return false;
	return debt->asked_count > 0;
}

static void sent(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = open_of(socket);
	int64_t bytes = call->sys == SW_SYS_SENDMMSG ? call->bytes : call->result;

	if (!socket->seen.writes && !socket->seen.reads && sw_socket_is_ip(socket))
		socket->asked_first = target_of(socket, call)->endpoint.ip;
	socket->seen.writes++;
	socket->seen.bytes_written += bytes > 0 ? bytes : 0;
	socket->seen.last_write_ns = call->exit_ns;
	if (socket->seen.socket.domain == AF_UNIX)
		made_good(debts, target_of(socket, call), call);
	if (!debt)
		debt = question(debts, socket, call);
	debt->debt.bytes_accepted += bytes > 0 ? bytes : 0;
	debt->debt.last_call = call->id;
	debt->waited = false;
	ask(debt, target_of(socket, call));
}

static void received(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = open_of(socket);

	if (call->flags & SW_CALL_ERRQUEUE)
		return;
	int64_t bytes = call->sys == SW_SYS_RECVMMSG ? call->bytes : call->result;

	if (bytes < 0)
		bytes = 0;
	socket->seen.reads++;
	if (!(call->flags & SW_CALL_PEEK))
		socket->seen.datagrams_read += call->sys == SW_SYS_RECVMMSG ? call->result : 1;
	socket->seen.bytes_read += bytes;
	if (!debt || is_strangers(debt, call))
		return;
	debt->debt.bytes_read += bytes;
	if (debt->debt.operation == SW_OPERATION_DATAGRAM && sw_socket_is_ip(socket) &&
	    gave_up_lately(debts, call->exit_ns))
		made_good(debts, &debt->target, call);
	sw_debt_end(debts, debt, SW_OUTCOME_DONE, 0, call, call->exit_ns);
}

static void failed(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	struct sw_debt_state *debt = open_of(socket);
	int64_t timer_ns = sw_call_reads(call) ? socket->seen.options.rcvtimeo_ns : socket->seen.options.sndtimeo_ns;

	switch (call->error) {
	case EAGAIN:
		if (debt && timer_ns > 0 && sw_call_blocks(call, socket)) {
			debt->debt.socket_timeout_ns = timer_ns;
			sw_debt_end(debts, debt, SW_OUTCOME_GAVE_UP, EAGAIN, call, sw_call_end(call));
		} else if (sw_call_writes(call) && socket->seen.socket.domain == AF_UNIX) {
			receiver_full(debts, socket, call);
		} else if (debt) {
			debt->debt.last_call = call->id; /* it was still asked for */
		} else if (timer_ns > 0 && sw_call_blocks(call, socket)) {
			sw_debts_datagram_rest(debts, socket, call);
		}
		return;
	case EINTR:
		sw_debts_datagram_blocked(debts, socket, call);
		debt = open_of(socket);
		if (!debt) {
			unended(debts, socket, call);
		} else {
			debt->debt.timer_signal = sw_debts_signal(debts, call);
		}
		return;
	case ENOTCONN:
	case EBADF:
	case ENOTSOCK:
	case EFAULT:
	case EISCONN:
	case EOPNOTSUPP:
	case EDESTADDRREQ: return; /* a misuse: debts_call.c */
	case EINVAL: /* a blackhole route, or an address that lacks its scope */
		if (!sw_call_writes(call) || !sw_socket_is_ip(socket))
			return;
		break;
	default: break;
	}
	if (!debt) /* a receive tells of what was sent before it, which somebody had given up */
		debt = question(debts, socket, sw_call_reads(call) && socket->last.id ? &socket->last : call);
	sw_debt_end(debts, debt, SW_OUTCOME_FAILED, call->error, call, sw_call_end(call));
}

/* Sent to die on the way, or to be too big, and the errors asked for: traceroute(8), tracepath(8). */
static bool traces_path(const struct sw_socket_state *socket)
{
	const struct sw_socket_options *options = &socket->seen.options;

	return options->recverr && options->hops > 0 && options->hops < HOPS_USUAL;
}

void sw_debts_datagram(struct sw_debts *debts, struct sw_socket_state *socket, const struct sw_call *call)
{
	/* Raw, packet and netlink sockets talk to the kernel, or for somebody else. */
	if ((socket->seen.socket.flags & SW_SOCKET_PAIR) || traces_path(socket) ||
	    (!sw_socket_is_ip(socket) && socket->seen.socket.domain != AF_UNIX))
		return;
	if (call->result < 0)
		failed(debts, socket, call);
	else if (sw_call_writes(call))
		sent(debts, socket, call);
	else
		received(debts, socket, call);
}
