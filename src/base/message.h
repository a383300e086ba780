/* One message over a UNIX socket between the tool's own processes, a descriptor with it (unix(7), SCM_RIGHTS).
 *
 * Messages have a fixed size and keep their borders (SOCK_SEQPACKET or SOCK_DGRAM). A descriptor that is sent stays the sender's own as
 * well; one that is received is the receiver's, and is closed at exec. */
#ifndef SW_BASE_MESSAGE_H
#define SW_BASE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Never waits and never raises SIGPIPE; fd -1: none. False, with errno: not sent. */
bool sw_message_send(int end, const void *message, size_t size, int fd);
/* 1: a whole message, with *fd the descriptor or -1 (fd NULL: one that came is closed); 0: none there, where `wait` is false; -1: the other
 * side is gone, or the message has another size. */
int sw_message_receive(int end, void *message, size_t size, int *fd, bool wait);

#endif
