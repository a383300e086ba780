/* The table of calls: which system calls are recorded, and what class each belongs to.
 *
 * It drives the seccomp filter, the decoding (tracer/engine/decode*.c and tracer/strace/), the help and the document.
 * To add one: add a row here (the name is the kernel's, libseccomp resolves the number for each architecture), and a
 * decoder for it in tracer/engine/decode.c and in tracer/strace/strace_args.c; a test fails while either is missing. */
#ifndef SW_TRACER_SYS_H
#define SW_TRACER_SYS_H

/* X(NAME, name, class): classes say when it stops and what it means for the socket.
 *   MAKE   makes a descriptor            NAME  asks or sets names and options     MOVE  moves bytes in or out
 *   END    ends a descriptor             WAIT  waits for several descriptors      DUP   another descriptor for the same
 *   STATE  changes what we can see (filters, namespaces, io_uring)                RAW   i386's multiplexed socketcall */
#define SW_SYS_TABLE(X)                                                                                                \
	X(SOCKET, "socket", MAKE)                                                                                      \
	X(SOCKETPAIR, "socketpair", MAKE)                                                                              \
	X(ACCEPT, "accept", MAKE)                                                                                      \
	X(ACCEPT4, "accept4", MAKE)                                                                                    \
	X(BIND, "bind", NAME)                                                                                          \
	X(LISTEN, "listen", NAME)                                                                                      \
	X(CONNECT, "connect", NAME)                                                                                    \
	X(GETSOCKNAME, "getsockname", NAME)                                                                            \
	X(GETPEERNAME, "getpeername", NAME)                                                                            \
	X(GETSOCKOPT, "getsockopt", NAME)                                                                              \
	X(SETSOCKOPT, "setsockopt", NAME)                                                                              \
	X(SHUTDOWN, "shutdown", END)                                                                                   \
	X(SENDTO, "sendto", MOVE)                                                                                      \
	X(SENDMSG, "sendmsg", MOVE)                                                                                    \
	X(SENDMMSG, "sendmmsg", MOVE)                                                                                  \
	X(RECVFROM, "recvfrom", MOVE)                                                                                  \
	X(RECVMSG, "recvmsg", MOVE)                                                                                    \
	X(RECVMMSG, "recvmmsg", MOVE)                                                                                  \
	X(READ, "read", MOVE)                                                                                          \
	X(WRITE, "write", MOVE)                                                                                        \
	X(READV, "readv", MOVE)                                                                                        \
	X(WRITEV, "writev", MOVE)                                                                                      \
	X(SENDFILE, "sendfile", MOVE)                                                                                  \
	X(SPLICE, "splice", MOVE)                                                                                      \
	X(CLOSE, "close", END)                                                                                         \
	X(CLOSE_RANGE, "close_range", END)                                                                             \
	X(DUP, "dup", DUP)                                                                                             \
	X(DUP2, "dup2", DUP)                                                                                           \
	X(DUP3, "dup3", DUP)                                                                                           \
	X(FCNTL, "fcntl", DUP)                                                                                         \
	X(PIDFD_GETFD, "pidfd_getfd", DUP)                                                                             \
	X(IOCTL, "ioctl", NAME)                                                                                        \
	X(POLL, "poll", WAIT)                                                                                          \
	X(PPOLL, "ppoll", WAIT)                                                                                        \
	X(SELECT, "select", WAIT)                                                                                      \
	X(PSELECT6, "pselect6", WAIT)                                                                                  \
	X(EPOLL_CREATE, "epoll_create", MAKE)                                                                          \
	X(EPOLL_CREATE1, "epoll_create1", MAKE)                                                                        \
	X(EPOLL_CTL, "epoll_ctl", NAME)                                                                                \
	X(EPOLL_WAIT, "epoll_wait", WAIT)                                                                              \
	X(EPOLL_PWAIT, "epoll_pwait", WAIT)                                                                            \
	X(EPOLL_PWAIT2, "epoll_pwait2", WAIT)                                                                          \
	X(RESTART_SYSCALL, "restart_syscall", WAIT)                                                                    \
	X(SECCOMP, "seccomp", STATE)                                                                                   \
	X(PRCTL, "prctl", STATE)                                                                                       \
	X(SETNS, "setns", STATE)                                                                                       \
	X(UNSHARE, "unshare", STATE)                                                                                   \
	X(IO_URING_SETUP, "io_uring_setup", STATE)                                                                     \
	X(IO_URING_REGISTER, "io_uring_register", STATE)                                                               \
	X(SOCKETCALL, "socketcall", RAW)

/* SEND and RECV exist as calls of their own on no architecture of ours; i386's socketcall and strace's text have them. */
enum sw_sys {
	SW_SYS_NONE,
#define SW_SYS_ENUM(NAME, name, class) SW_SYS_##NAME,
	SW_SYS_TABLE(SW_SYS_ENUM)
#undef SW_SYS_ENUM
		SW_SYS_COUNT,
};

enum sw_sys_class {
	SW_SYS_CLASS_NONE,
	SW_SYS_CLASS_MAKE,
	SW_SYS_CLASS_NAME,
	SW_SYS_CLASS_MOVE,
	SW_SYS_CLASS_END,
	SW_SYS_CLASS_WAIT,
	SW_SYS_CLASS_DUP,
	SW_SYS_CLASS_STATE,
	SW_SYS_CLASS_RAW,
};

const char *sw_sys_name(enum sw_sys sys); /* "connect"; "?" for SW_SYS_NONE */
enum sw_sys_class sw_sys_class(enum sw_sys sys);
/* knows aliases (send, recv, _newselect, ppoll_time64) */
enum sw_sys sw_sys_by_name(const char *name, unsigned long length);

#endif
