/* Objects of descriptors that a hand-written case does not name: made where a call makes or first uses one.
 *
 * Enters: a call that was read. Leaves: its object ids, and sockets said to the sink. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tracer/text/text.h"
#include "tracer/text/text_state.h"

static uint32_t make_object(struct call_line *line, int fd, const struct sw_trace_sink *sink)
{
	const struct sw_call *call = &line->call;
	struct sw_socket socket = {
		.id = line->state->last_object + 1, .kind = SW_OBJECT_SOCKET, .domain = -1, .type = -1, .protocol = -1};

	socket.since_ns = call->enter_ns;
	if (call->sys == SW_SYS_EPOLL_CREATE || call->sys == SW_SYS_EPOLL_CREATE1) {
		socket.kind = SW_OBJECT_EPOLL;
	} else if (text_is_sys(line, SW_SYS_SOCKET, SW_SYS_SOCKETPAIR)) {
		socket.domain = call->request;
		socket.type = call->level & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
		socket.protocol = call->option;
		socket.flags = (call->level & SOCK_NONBLOCK ? SW_SOCKET_NONBLOCKING : 0) |
			       (call->sys == SW_SYS_SOCKETPAIR ? SW_SOCKET_PAIR : 0);
	} else {
		/* Whoever writes a case by hand and names no kind means a TCP socket. */
		socket.domain = call->addr.present ? call->addr.family : AF_INET;
		socket.type = SOCK_STREAM;
		socket.protocol = socket.domain == AF_UNIX ? 0 : IPPROTO_TCP;
		socket.flags = text_is_sys(line, SW_SYS_ACCEPT, SW_SYS_ACCEPT4) ? SW_SOCKET_ACCEPTED : 0;
		if (socket.flags || call->sys == SW_SYS_CONNECT)
			socket.remote = call->addr;
		if (call->flags & SW_CALL_NONBLOCKING)
			socket.flags |= SW_SOCKET_NONBLOCKING;
	}
	text_socket_set(line->state, &socket);
	text_descriptor_set(line->state, call->pid, fd, socket.id);
	if (sink->socket)
		sink->socket(sink->context, &socket);
	return socket.id;
}

static bool makes_socket_known(const struct sw_call *call)
{
	enum sw_sys_class class = sw_sys_class(call->sys);

	return class == SW_SYS_CLASS_NAME || class == SW_SYS_CLASS_MOVE || call->sys == SW_SYS_SHUTDOWN ||
	       (class == SW_SYS_CLASS_MAKE && call->sys != SW_SYS_SOCKET && call->sys != SW_SYS_SOCKETPAIR &&
		call->sys != SW_SYS_EPOLL_CREATE && call->sys != SW_SYS_EPOLL_CREATE1);
}

/* A connect says where a socket leads; a later line of the file says it better. */
static void learn_remote(struct call_line *line, const struct sw_trace_sink *sink)
{
	struct sw_socket *socket = text_socket_find(line->state, line->call.socket);

	if (line->call.sys != SW_SYS_CONNECT || !socket || socket->remote.present || !line->call.addr.present)
		return;
	socket->remote = line->call.addr;
	if (sink->socket)
		sink->socket(sink->context, socket);
}

static void first_object(struct call_line *line, const struct sw_trace_sink *sink)
{
	struct sw_call *call = &line->call;
	bool makes = text_is_sys(line, SW_SYS_SOCKET, SW_SYS_SOCKETPAIR) ||
		     text_is_sys(line, SW_SYS_EPOLL_CREATE, SW_SYS_EPOLL_CREATE1);

	if (makes && !line->fd_given && call->fd < 0 && call->result >= 0 && call->sys != SW_SYS_SOCKETPAIR &&
	    call->exit_ns != SW_TIME_NONE)
		call->fd = (int32_t)call->result;
	if (call->fd < 0)
		return;
	if (line->socket_given) {
		if (call->socket)
			text_descriptor_set(line->state, call->pid, call->fd, call->socket);
		return;
	}
	call->socket = makes ? 0 : sw_text_state_object(line->state, call->pid, call->fd);
	if (call->socket == 0 && (makes || makes_socket_known(call)))
		call->socket = make_object(line, call->fd, sink);
}

static bool makes_second(const struct sw_call *call)
{
	return call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4 || call->sys == SW_SYS_DUP ||
	       call->sys == SW_SYS_DUP2 || call->sys == SW_SYS_DUP3 || call->sys == SW_SYS_PIDFD_GETFD ||
	       (call->sys == SW_SYS_FCNTL && (call->request == F_DUPFD || call->request == F_DUPFD_CLOEXEC));
}

static void second_object(struct call_line *line, const struct sw_trace_sink *sink)
{
	struct sw_call *call = &line->call;
	bool ended = call->exit_ns != SW_TIME_NONE && call->error == 0 && call->result >= 0;

	if (!line->fd2_given && ended && makes_second(call))
		call->fd2 = (int32_t)call->result;
	if (call->fd2 < 0)
		return;
	if (!line->socket2_given) {
		if (call->sys == SW_SYS_EPOLL_CTL || !ended)
			call->socket2 = sw_text_state_object(line->state, call->pid, call->fd2);
		else if (text_is_sys(line, SW_SYS_ACCEPT, SW_SYS_ACCEPT4) || call->sys == SW_SYS_SOCKETPAIR)
			call->socket2 = make_object(line, call->fd2, sink);
		else if (makes_second(call))
			call->socket2 = call->socket;
	}
	if (ended && (makes_second(call) || call->sys == SW_SYS_SOCKETPAIR))
		text_descriptor_set(line->state, call->pid, call->fd2, call->socket2);
}

static void wait_objects(struct call_line *line)
{
	for (size_t i = 0; i < line->state->waits.count; i++) {
		struct sw_wait *wait = &line->state->waits.items[i];

		if (wait->socket == UINT32_MAX)
			wait->socket = wait->fd >= 0 ? sw_text_state_object(line->state, line->call.pid, wait->fd) : 0;
	}
}

void text_call_objects(struct call_line *line, const struct sw_trace_sink *sink)
{
	first_object(line, sink);
	learn_remote(line, sink);
	second_object(line, sink);
	wait_objects(line);
}
