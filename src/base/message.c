/* Messages with a descriptor, as message.h says. */
#include "src/base/message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union rights {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool sw_message_send(int end, const void *message, size_t size, int fd)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = size};
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
	return sent == (ssize_t)size;
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

int sw_message_receive(int end, void *message, size_t size, int *fd, bool wait)
{
	struct iovec part = {.iov_base = message, .iov_len = size};
	union rights rights;
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
	ssize_t got;

	if (fd)
		*fd = -1;
	do
		got = recvmsg(end, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -1;
	int came = descriptor_in(&header);
	if (fd)
		*fd = came;
	else if (came >= 0)
		close(came);
	return got == (ssize_t)size ? 1 : -1;
}
