/* The control channel of control.h: one message of fixed size a packet, a descriptor as SCM_RIGHTS. */
#include "tracer/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int sw_control_open(int ends[2], struct sw_err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return sw_err_set(err, -errno, "cannot make the channel to the recorder: %s", strerror(errno));
	return 0;
}

union rights {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool sw_control_send(int end, const struct sw_control *message, int fd)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof *message};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	union rights rights = {0};
	ssize_t sent;

	if (fd >= 0) {
		header.msg_control = &rights;
		header.msg_controllen = sizeof rights;
		rights.header.cmsg_level = SOL_SOCKET;
		rights.header.cmsg_type = SCM_RIGHTS;
		rights.header.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&rights.header), &fd, sizeof fd);
	}
	do
		sent = sendmsg(end, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof *message;
}

static int descriptor_in(struct msghdr *header)
{
	struct cmsghdr *rights = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
	    rights->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(rights), sizeof fd);
	return fd;
}

int sw_control_receive(int end, struct sw_control *message, int *fd)
{
	struct iovec part = {.iov_base = message, .iov_len = sizeof *message};
	union rights rights;
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
	ssize_t got;

	if (fd)
		*fd = -1;
	do
		got = recvmsg(end, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -1;
	int came = descriptor_in(&header);
	if (fd)
		*fd = came;
	else if (came >= 0)
		close(came);
	return got == sizeof *message ? 1 : -1;
}
