/* What finished calls say of a socket: options, names, counters, new descriptors.
 *
 * Enters: struct sw_call. Leaves: struct sw_socket_seen kept up to date. Knows nothing of debts and packets. */
#include "correlate/calls/sockets_state.h"

#include <fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void option_socket(struct sw_socket_options *options, const struct sw_call *call)
{
	bool on = call->value != 0;

	switch (call->option) {
	case SO_RCVTIMEO: options->rcvtimeo_ns = call->value; break;
	case SO_SNDTIMEO: options->sndtimeo_ns = call->value; break;
	case SO_LINGER: options->linger_s = call->value; break;
	case SO_KEEPALIVE: options->keepalive = on; break;
	case SO_BROADCAST: options->broadcast = on; break;
	default: break;
	}
}

static void option_tcp(struct sw_socket_options *options, const struct sw_call *call)
{
	int32_t value = call->value > 0 && call->value < INT32_MAX ? (int32_t)call->value : 0;

	switch (call->option) {
	case TCP_USER_TIMEOUT: options->user_timeout_ns = call->value * SW_NS_PER_MS; break;
	case TCP_FASTOPEN:
	case TCP_FASTOPEN_CONNECT: options->fastopen = call->value != 0; break;
	case TCP_KEEPIDLE: options->keepidle_s = value; break;
	case TCP_KEEPINTVL: options->keepintvl_s = value; break;
	case TCP_KEEPCNT: options->keepcnt = value; break;
	default: break;
	}
}

void sw_sockets_option(struct sw_socket_state *state, const struct sw_call *call)
{
	struct sw_socket_options *options = &state->seen.options;
	bool on = call->value != 0;

	if (call->level == SOL_SOCKET)
		option_socket(options, call);
	else if (call->level == IPPROTO_TCP)
		option_tcp(options, call);
	else if ((call->level == IPPROTO_IP && call->option == IP_TTL) ||
		 (call->level == IPPROTO_IPV6 && call->option == IPV6_UNICAST_HOPS))
		options->hops = call->value > 0 && call->value < 256 ? (int32_t)call->value : 0;
	else if ((call->level == IPPROTO_IP && call->option == IP_RECVERR) ||
		 (call->level == IPPROTO_IPV6 && call->option == IPV6_RECVERR))
		options->recverr = on;
	else if (call->level == IPPROTO_IPV6 && call->option == IPV6_V6ONLY)
		options->v6only = on;
}

static void shut(struct sw_socket_seen *seen, const struct sw_call *call)
{
	if (call->request != SHUT_WR)
		seen->shut_read_ns = call->exit_ns;
	if (call->request != SHUT_RD)
		seen->shut_write_ns = call->exit_ns;
}

static void named(struct sw_socket_state *state, const struct sw_call *call)
{
	struct sw_socket_seen *seen = &state->seen;

	switch (call->sys) {
	case SW_SYS_BIND:
		seen->bind_call = call->id;
		if (!seen->socket.local.present)
			seen->socket.local = call->addr;
		break;
	case SW_SYS_LISTEN:
		seen->options.backlog = (int32_t)call->value;
		seen->socket.flags |= SW_SOCKET_LISTENING;
		if (seen->listened_ns == SW_TIME_NONE)
			seen->listened_ns = call->exit_ns;
		break;
	case SW_SYS_SETSOCKOPT: sw_sockets_option(state, call); break;
	case SW_SYS_GETSOCKNAME:
		if (call->addr.present)
			seen->socket.local = call->addr;
		break;
	case SW_SYS_GETPEERNAME:
		if (call->addr.present)
			seen->socket.remote = call->addr;
		break;
	case SW_SYS_SHUTDOWN: shut(seen, call); break;
	case SW_SYS_FCNTL:
		if (call->request == F_SETFL)
			seen->socket.flags = call->value & O_NONBLOCK ? seen->socket.flags | SW_SOCKET_NONBLOCKING :
									seen->socket.flags & ~SW_SOCKET_NONBLOCKING;
		break;
	case SW_SYS_IOCTL:
		if (call->request == FIONBIO)
			seen->socket.flags = call->value ? seen->socket.flags | SW_SOCKET_NONBLOCKING :
							   seen->socket.flags & ~SW_SOCKET_NONBLOCKING;
		break;
	default: break;
	}
}

/* A socket that a call makes: the session's record of it may come before or after. */
static void made(struct sw_sockets *sockets, const struct sw_call *call, uint32_t object, int32_t fd,
		 bool close_on_exec)
{
	struct sw_socket_state *state = sw_sockets_get(sockets, object);

	if (!state)
		return;
	if (state->seen.made_ns == SW_TIME_NONE)
		state->seen.made_ns = call->exit_ns;
	sw_sockets_hold(sockets, object, call->pid, fd, close_on_exec, call);
}

static void accepted(struct sw_sockets *sockets, const struct sw_call *call)
{
	struct sw_socket_state *listener = sw_sockets_get(sockets, call->socket);
	struct sw_socket_state *state = sw_sockets_get(sockets, call->socket2);
	int32_t fd = call->fd2 >= 0 ? call->fd2 : (int32_t)call->result;

	if (listener)
		listener->seen.accepts++;
	if (!state)
		return;
	state->seen.socket.flags |= SW_SOCKET_ACCEPTED;
	state->seen.connected_ns = call->exit_ns;
	if (!state->seen.socket.remote.present)
		state->seen.socket.remote = call->addr;
	made(sockets, call, call->socket2, fd, call->option & SOCK_CLOEXEC);
}

static void duplicated(struct sw_sockets *sockets, const struct sw_call *call)
{
	int32_t fd = (int32_t)call->result;
	bool close_on_exec = call->sys == SW_SYS_DUP3 && (call->value & O_CLOEXEC);

	if (call->sys == SW_SYS_FCNTL) {
		if (call->request == F_SETFD)
			sw_sockets_mark_exec(sockets, call->pid, call->fd, call->value & FD_CLOEXEC);
		if (call->request != F_DUPFD && call->request != F_DUPFD_CLOEXEC)
			return;
		close_on_exec = call->request == F_DUPFD_CLOEXEC;
	}
	sw_sockets_hold(sockets, call->socket2 ? call->socket2 : call->socket, call->pid, fd, close_on_exec, call);
}

static void created(struct sw_sockets *sockets, const struct sw_call *call)
{
	uint32_t object = call->socket ? call->socket : call->socket2;

	switch (call->sys) {
	case SW_SYS_SOCKET: made(sockets, call, object, (int32_t)call->result, call->level & SOCK_CLOEXEC); break;
	case SW_SYS_SOCKETPAIR:
		made(sockets, call, call->socket, call->fd, call->level & SOCK_CLOEXEC);
		made(sockets, call, call->socket2, call->fd2, call->level & SOCK_CLOEXEC);
		break;
	case SW_SYS_EPOLL_CREATE:
	case SW_SYS_EPOLL_CREATE1: made(sockets, call, object, (int32_t)call->result, call->value & O_CLOEXEC); break;
	case SW_SYS_ACCEPT:
	case SW_SYS_ACCEPT4: accepted(sockets, call); break;
	case SW_SYS_DUP:
	case SW_SYS_DUP2:
	case SW_SYS_DUP3:
	case SW_SYS_FCNTL:
	case SW_SYS_PIDFD_GETFD: duplicated(sockets, call); break;
	default: break;
	}
}

void sw_sockets_call(struct sw_sockets *sockets, const struct sw_call *call)
{
	struct sw_socket_state *state;

	if (call->result < 0 || call->exit_ns == SW_TIME_NONE)
		return;
	created(sockets, call);
	if (call->sys == SW_SYS_CLOSE || !(state = sw_sockets_get(sockets, call->socket)))
		return;
	if (call->sys == SW_SYS_EPOLL_CTL)
		sw_sockets_control(state, call);
	else
		named(state, call);
	if (call->fd >= 0 && call->sys != SW_SYS_SOCKETPAIR)
		sw_sockets_hold(sockets, call->socket, call->pid, call->fd, false, call);
}
