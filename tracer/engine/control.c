/* The control channel of control.h: one message of fixed size a packet, a descriptor as SCM_RIGHTS. */
#include "tracer/engine/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/message.h"

int sw_control_open(int ends[2], struct sw_err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return sw_err_set(err, -errno, "cannot make the channel to the recorder: %s", strerror(errno));
	return 0;
}

bool sw_control_send(int end, const struct sw_control *message, int fd)
{
	return sw_message_send(end, message, sizeof *message, fd);
}

int sw_control_receive(int end, struct sw_control *message, int *fd)
{
	return sw_message_receive(end, message, sizeof *message, fd, false);
}
