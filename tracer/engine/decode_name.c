/* Decoders of the calls that make, name, tune, duplicate and end descriptors, and of those that change what we can see.
 * See decode.h. What a call returned is asked of the kernel by its descriptor (identity.h), not simulated. */
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "tracer/engine/decode.h"

#ifndef SO_RCVTIMEO_NEW
#define SO_RCVTIMEO_NEW 66
#define SO_SNDTIMEO_NEW 67
#endif

static int argument(const struct sw_tracee *tracee, int index)
{
	return (int)(uint32_t)tracee->at.args[index];
}

static uint32_t made(struct sw_decoder *decoder, const struct sw_tracee *tracee, int fd)
{
	return sw_identity_made(decoder->identity, tracee->process->pid, tracee->tid, fd);
}

static bool fd_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	sw_decode_fd(decoder, tracee, call, argument(tracee, 0));
	return true;
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

static bool socket_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	(void)decoder;
	call->request = argument(tracee, 0);
	call->level = argument(tracee, 1);
	call->option = argument(tracee, 2);
	if (call->level & SOCK_NONBLOCK)
		call->flags |= SW_CALL_NONBLOCKING;
	return true;
}

static void socket_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->result < 0)
		return;
	call->fd = (int32_t)call->result;
	call->socket = made(decoder, tracee, call->fd);
}

static void socketpair_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	int32_t fds[2];

	if (call->result < 0 || !sw_tracee_read_all(tracee, tracee->at.args[3], fds, sizeof fds))
		return;
	call->fd = fds[0];
	call->fd2 = fds[1];
	call->socket = made(decoder, tracee, fds[0]);
	call->socket2 = made(decoder, tracee, fds[1]);
}

static bool accept_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (tracee->at.sys == SW_SYS_ACCEPT4)
		call->option = argument(tracee, 3);
	return fd_enter(decoder, tracee, call);
}

static void accept_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->result < 0)
		return;
	call->fd2 = (int32_t)call->result;
	call->socket2 = made(decoder, tracee, call->fd2);
	sw_decode_answered_address(tracee, &call->addr, tracee->at.args[1], tracee->at.args[2]);
}

static void epoll_create_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->result < 0)
		return;
	call->fd = (int32_t)call->result;
	call->socket = sw_identity_epoll_created(decoder->identity, tracee->process->pid, call->fd);
}

static bool nothing_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	(void)decoder;
	call->request = argument(tracee, 0);
	return true;
}

/* ---- names and options ----------------------------------------------------------------------------------------- */

static bool named_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	sw_decode_address(tracee, &call->addr, tracee->at.args[1], (uint32_t)tracee->at.args[2]);
	return fd_enter(decoder, tracee, call);
}

static bool listen_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->value = argument(tracee, 1);
	return fd_enter(decoder, tracee, call);
}

static void asked_name_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	(void)decoder;
	if (call->result >= 0)
		sw_decode_answered_address(tracee, &call->addr, tracee->at.args[1], tracee->at.args[2]);
}

static bool is_timeout(const struct sw_call *call)
{
	return call->level == SOL_SOCKET && (call->option == SO_RCVTIMEO || call->option == SO_SNDTIMEO ||
					     call->option == SO_RCVTIMEO_NEW || call->option == SO_SNDTIMEO_NEW);
}

/* The value by its length: a number, a struct linger, a struct timeval of either size. */
static int64_t option_value(const struct sw_call *call, const unsigned char *bytes, size_t length)
{
	int32_t narrow[2] = {0};
	int64_t wide[2] = {0};

	memcpy(narrow, bytes, length < sizeof narrow ? length : sizeof narrow);
	memcpy(wide, bytes, length < sizeof wide ? length : sizeof wide);
	if (call->level == SOL_SOCKET && call->option == SO_LINGER && length >= sizeof narrow)
		return narrow[0] ? narrow[1] : -1;
	if (is_timeout(call) && length == sizeof narrow)
		return narrow[0] * SW_NS_PER_S + narrow[1] * SW_NS_PER_US;
	if (is_timeout(call) && length >= sizeof wide && wide[0] >= 0 && wide[0] < INT64_MAX / SW_NS_PER_S - 1 &&
	    wide[1] >= 0 && wide[1] < 1000000)
		return wide[0] * SW_NS_PER_S + wide[1] * SW_NS_PER_US;
	return length < sizeof wide[0] ? narrow[0] : wide[0];
}

static void option_read(const struct sw_tracee *tracee, struct sw_call *call, uint32_t length)
{
	unsigned char bytes[16];
	size_t got = sw_tracee_read(tracee, tracee->at.args[3], bytes, length < sizeof bytes ? length : sizeof bytes);

	if (got)
		call->value = option_value(call, bytes, got);
}

static bool option_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->level = argument(tracee, 1);
	call->option = argument(tracee, 2);
	if (tracee->at.sys == SW_SYS_SETSOCKOPT) {
		option_read(tracee, call, (uint32_t)tracee->at.args[4]);
		if (call->level == IPPROTO_TCP && call->option == TCP_FASTOPEN_CONNECT && call->value)
			call->flags |= SW_CALL_FASTOPEN;
	}
	return fd_enter(decoder, tracee, call);
}

static void getsockopt_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	uint32_t length;

	(void)decoder;
	if (call->result >= 0 && sw_tracee_read_all(tracee, tracee->at.args[4], &length, sizeof length))
		option_read(tracee, call, length);
}

static bool shutdown_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->request = argument(tracee, 1);
	return fd_enter(decoder, tracee, call);
}

static bool ioctl_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	int32_t value;

	call->request = argument(tracee, 1);
	if ((uint32_t)call->request != FIONBIO)
		return false;
	if (sw_tracee_read_all(tracee, tracee->at.args[2], &value, sizeof value))
		call->value = value;
	return sw_decode_fd(decoder, tracee, call, argument(tracee, 0));
}

/* ---- duplicates ------------------------------------------------------------------------------------------------ */

static bool dup_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	sw_decode_fd(decoder, tracee, call, argument(tracee, 0));
	return call->socket != 0;
}

static void dup_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->result < 0)
		return;
	call->fd2 = (int32_t)call->result;
	call->socket2 =
		sw_identity_duplicated(decoder->identity, tracee->process->pid, tracee->tid, call->fd, call->fd2);
}

/* At the entry fd2's object is the one that the call closes; at the exit it is fd's. */
static bool dup_over_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	dup_enter(decoder, tracee, call);
	call->fd2 = argument(tracee, 1);
	if (call->fd2 == call->fd)
		return call->socket != 0;
	call->socket2 = sw_decode_object(decoder, tracee, call->fd2);
	if (call->socket2)
		call->flags |= sw_identity_last(decoder->identity, tracee->process->pid, tracee->tid, call->fd2,
						call->socket2);
	sw_identity_closed(decoder->identity, tracee->process->pid, call->fd2);
	return call->socket || call->socket2;
}

static bool fcntl_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->request = argument(tracee, 1);
	call->value = (int64_t)tracee->at.args[2];
	switch (call->request) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC: return dup_enter(decoder, tracee, call);
	case F_SETFL:
		call->value = argument(tracee, 2);
		return sw_decode_fd(decoder, tracee, call, argument(tracee, 0));
	default: return false;
	}
}

static void fcntl_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->request != F_SETFL)
		dup_leave(decoder, tracee, call);
}

static void pidfd_getfd_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->result < 0)
		return;
	call->fd2 = (int32_t)call->result;
	call->socket2 = made(decoder, tracee, call->fd2);
}

/* ---- ends ------------------------------------------------------------------------------------------------------ */

/* The number is void from here on: while the thread is in close() another may get it anew. */
static bool close_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	pid_t pid = tracee->process->pid;

	sw_decode_fd(decoder, tracee, call, argument(tracee, 0));
	if (call->socket)
		call->flags |= sw_identity_last(decoder->identity, pid, tracee->tid, call->fd, call->socket);
	sw_identity_closed(decoder->identity, pid, call->fd);
	return call->socket != 0;
}

static bool close_range_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	pid_t pid = tracee->process->pid;

	call->request = argument(tracee, 0);
	call->value = (int64_t)(uint32_t)tracee->at.args[1];
	call->option = argument(tracee, 2);
	if (call->option & CLOSE_RANGE_CLOEXEC)
		return false;
	if (call->option & CLOSE_RANGE_UNSHARE)
		sw_identity_unshared(decoder->identity, pid);
	sw_identity_closed_range(decoder->identity, pid, (uint32_t)call->request, (uint32_t)call->value);
	return true;
}

static void close_range_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	/* Other threads may have asked in between, while the descriptors were still there. */
	sw_identity_closed_range(decoder->identity, tracee->process->pid, (uint32_t)call->request,
				 (uint32_t)call->value);
}

/* ---- what we can see ------------------------------------------------------------------------------------------- */

static bool prctl_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	nothing_enter(decoder, tracee, call);
	call->value = (int64_t)tracee->at.args[1];
	return call->request == PR_SET_SECCOMP;
}

static bool seccomp_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	nothing_enter(decoder, tracee, call);
	call->option = argument(tracee, 1);
	return true;
}

static bool setns_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	(void)decoder;
	call->fd = argument(tracee, 0);
	call->request = argument(tracee, 1);
	return true;
}

static bool io_uring_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	(void)decoder;
	call->request = argument(tracee, 1);
	call->value = argument(tracee, 0);
	return true;
}

const struct sw_decode_row sw_decode_name_rows[SW_SYS_COUNT] = {
	[SW_SYS_SOCKET] = {socket_enter, socket_leave},
	[SW_SYS_SOCKETPAIR] = {socket_enter, socketpair_leave},
	[SW_SYS_ACCEPT] = {accept_enter, accept_leave},
	[SW_SYS_ACCEPT4] = {accept_enter, accept_leave},
	[SW_SYS_BIND] = {named_enter, NULL},
	[SW_SYS_LISTEN] = {listen_enter, NULL},
	[SW_SYS_CONNECT] = {named_enter, NULL},
	[SW_SYS_GETSOCKNAME] = {fd_enter, asked_name_leave},
	[SW_SYS_GETPEERNAME] = {fd_enter, asked_name_leave},
	[SW_SYS_GETSOCKOPT] = {option_enter, getsockopt_leave},
	[SW_SYS_SETSOCKOPT] = {option_enter, NULL},
	[SW_SYS_SHUTDOWN] = {shutdown_enter, NULL},
	[SW_SYS_IOCTL] = {ioctl_enter, NULL},
	[SW_SYS_CLOSE] = {close_enter, NULL},
	[SW_SYS_CLOSE_RANGE] = {close_range_enter, close_range_leave},
	[SW_SYS_DUP] = {dup_enter, dup_leave},
	[SW_SYS_DUP2] = {dup_over_enter, dup_leave},
	[SW_SYS_DUP3] = {dup_over_enter, dup_leave},
	[SW_SYS_FCNTL] = {fcntl_enter, fcntl_leave},
	[SW_SYS_PIDFD_GETFD] = {setns_enter, pidfd_getfd_leave},
	[SW_SYS_EPOLL_CREATE] = {nothing_enter, epoll_create_leave},
	[SW_SYS_EPOLL_CREATE1] = {nothing_enter, epoll_create_leave},
	[SW_SYS_RESTART_SYSCALL] = {nothing_enter, NULL},
	[SW_SYS_SECCOMP] = {seccomp_enter, NULL},
	[SW_SYS_PRCTL] = {prctl_enter, NULL},
	[SW_SYS_SETNS] = {setns_enter, NULL},
	[SW_SYS_UNSHARE] = {nothing_enter, NULL},
	[SW_SYS_IO_URING_SETUP] = {nothing_enter, NULL},
	[SW_SYS_IO_URING_REGISTER] = {io_uring_enter, NULL},
};
