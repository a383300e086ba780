/* The way from a call to its decoder, and what several decoders share. See decode.h. */
#include "tracer/engine/decode.h"

#include <linux/net.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/mem.h"

#define SOCKADDR_ROOM 128u /* struct sockaddr_storage */

/* To add a decoder: a row in the table of its file. A call without a row is recorded with its name and result alone. */
static const struct sw_decode_row *row_of(enum sw_sys sys)
{
	const struct sw_decode_row *tables[] = {sw_decode_move_rows, sw_decode_name_rows, sw_decode_wait_rows};

	for (size_t i = 0; i < SW_COUNT(tables); i++)
		if (tables[i][sys].enter)
			return &tables[i][sys];
	return NULL;
}

static void call_clear(struct sw_call *call, const struct sw_tracee *tracee)
{
	*call = (struct sw_call){.pid = (uint32_t)tracee->process->pid, .tid = (uint32_t)tracee->tid};
	call->sys = tracee->at.sys;
	call->fd = call->fd2 = -1;
	call->bytes = -1;
	call->enter_ns = call->exit_ns = call->exit_bound_ns = SW_TIME_NONE;
	call->timeout_ns = SW_TIMEOUT_NONE;
}

bool sw_decode_enter(struct sw_decoder *decoder, struct sw_tracee *tracee)
{
	const struct sw_decode_row *row = row_of(tracee->at.sys);

	call_clear(&tracee->call, tracee);
	return !row || row->enter(decoder, tracee, &tracee->call);
}

void sw_decode_leave(struct sw_decoder *decoder, struct sw_tracee *tracee)
{
	const struct sw_decode_row *row = row_of(tracee->at.sys);

	if (row && row->leave)
		row->leave(decoder, tracee, &tracee->call);
}

/* ---- socketcall ------------------------------------------------------------------------------------------------ */

static const struct {
	enum sw_sys sys;
	unsigned arguments;
} subcalls[] = {
	[SYS_SOCKET] = {SW_SYS_SOCKET, 3},
	[SYS_BIND] = {SW_SYS_BIND, 3},
	[SYS_CONNECT] = {SW_SYS_CONNECT, 3},
	[SYS_LISTEN] = {SW_SYS_LISTEN, 2},
	[SYS_ACCEPT] = {SW_SYS_ACCEPT, 3},
	[SYS_GETSOCKNAME] = {SW_SYS_GETSOCKNAME, 3},
	[SYS_GETPEERNAME] = {SW_SYS_GETPEERNAME, 3},
	[SYS_SOCKETPAIR] = {SW_SYS_SOCKETPAIR, 4},
	[SYS_SEND] = {SW_SYS_SENDTO, 4},
	[SYS_RECV] = {SW_SYS_RECVFROM, 4},
	[SYS_SENDTO] = {SW_SYS_SENDTO, 6},
	[SYS_RECVFROM] = {SW_SYS_RECVFROM, 6},
	[SYS_SHUTDOWN] = {SW_SYS_SHUTDOWN, 2},
	[SYS_SETSOCKOPT] = {SW_SYS_SETSOCKOPT, 5},
	[SYS_GETSOCKOPT] = {SW_SYS_GETSOCKOPT, 5},
	[SYS_SENDMSG] = {SW_SYS_SENDMSG, 3},
	[SYS_RECVMSG] = {SW_SYS_RECVMSG, 3},
	[SYS_ACCEPT4] = {SW_SYS_ACCEPT4, 4},
	[SYS_RECVMMSG] = {SW_SYS_RECVMMSG, 5},
	[SYS_SENDMMSG] = {SW_SYS_SENDMMSG, 4},
};

bool sw_decode_socketcall(struct sw_tracee *tracee)
{
	uint64_t subcall = tracee->at.args[0];
	uint32_t words[6] = {0};

	if (subcall >= SW_COUNT(subcalls) || subcalls[subcall].sys == SW_SYS_NONE)
		return false;
	if (!sw_tracee_read_all(tracee, tracee->at.args[1], words, subcalls[subcall].arguments * sizeof *words))
		return false;
	tracee->at.sys = subcalls[subcall].sys;
	for (size_t i = 0; i < SW_COUNT(words); i++)
		tracee->at.args[i] = words[i];
	return true;
}

/* ---- shared ---------------------------------------------------------------------------------------------------- */

uint32_t sw_decode_object(struct sw_decoder *decoder, const struct sw_tracee *tracee, int fd)
{
	if (fd < 0)
		return 0;
	return sw_identity_object(decoder->identity, tracee->process->pid, tracee->tid, fd);
}

bool sw_decode_is_socket(struct sw_decoder *decoder, uint32_t object)
{
	const struct sw_socket *socket = object ? sw_identity_socket(decoder->identity, object) : NULL;

	return socket && socket->kind == SW_OBJECT_SOCKET;
}

bool sw_decode_fd(struct sw_decoder *decoder, const struct sw_tracee *tracee, struct sw_call *call, int fd)
{
	const struct sw_socket *socket;

	call->fd = fd;
	call->socket = sw_decode_object(decoder, tracee, fd);
	socket = call->socket ? sw_identity_socket(decoder->identity, call->socket) : NULL;
	if (!socket || socket->kind != SW_OBJECT_SOCKET)
		return false;
	if (socket->flags & SW_SOCKET_NONBLOCKING)
		call->flags |= SW_CALL_NONBLOCKING;
	return true;
}

void sw_decode_address(const struct sw_tracee *tracee, struct sw_addr *addr, uint64_t address, uint64_t length)
{
	unsigned char bytes[SOCKADDR_ROOM];
	size_t want = length < sizeof bytes ? (size_t)length : sizeof bytes;
	size_t got = sw_tracee_read(tracee, address, bytes, want);

	if (got)
		sw_addr_from_sockaddr(addr, bytes, got);
}

void sw_decode_answered_address(const struct sw_tracee *tracee, struct sw_addr *addr, uint64_t address,
				uint64_t length_at)
{
	uint32_t length = 0;

	if (address && sw_tracee_read_all(tracee, length_at, &length, sizeof length))
		sw_decode_address(tracee, addr, address, length);
}

static int64_t time_ns(int64_t seconds, int64_t fraction, bool micro)
{
	int64_t scale = micro ? SW_NS_PER_US : 1, most = INT64_MAX / SW_NS_PER_S - 1;

	/* The kernel refuses what is out of range; here only nothing may overflow. */
	if (seconds < 0 || fraction < 0)
		return 0;
	if (seconds > most || fraction > SW_NS_PER_S)
		return SW_TIMEOUT_INFINITE;
	return seconds * SW_NS_PER_S + fraction * scale;
}

int64_t sw_decode_time(const struct sw_tracee *tracee, uint64_t address, bool micro)
{
	int64_t wide[2];
	int32_t narrow[2];

	if (!address)
		return SW_TIMEOUT_INFINITE;
	if (tracee->at.wide_time)
		return sw_tracee_read_all(tracee, address, wide, sizeof wide) ? time_ns(wide[0], wide[1], micro) : 0;
	return sw_tracee_read_all(tracee, address, narrow, sizeof narrow) ? time_ns(narrow[0], narrow[1], micro) : 0;
}
