/* Loaded into a server before its C library (LD_PRELOAD): counts how often a call returned EINTR to the program, in the file that the
 * environment variable EINTR_FILE names: one 64-bit number for each call, in the order of names[]. Processes that are forked later
 * count in the same file.
 *
 * To add a call: a name, and the function that stands in its place. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	READ,
	READV,
	WRITE,
	WRITEV,
	RECV,
	RECVFROM,
	RECVMSG,
	SEND,
	SENDTO,
	SENDMSG,
	ACCEPT,
	ACCEPT4,
	CONNECT,
	EPOLL_WAIT,
	EPOLL_PWAIT,
	POLL,
	PPOLL,
	SELECT,
	NANOSLEEP,
	CLOCK_NANOSLEEP,
	COUNT
};
static const char *const names[COUNT] = {"read",     "readv",   "write",   "writev",     "recv",
					 "recvfrom", "recvmsg", "send",    "sendto",     "sendmsg",
					 "accept",   "accept4", "connect", "epoll_wait", "epoll_pwait",
					 "poll",     "ppoll",   "select",  "nanosleep",  "clock_nanosleep"};
static void *real[COUNT];
static uint64_t unseen[COUNT], *seen = unseen;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("EINTR_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	for (int i = 0; i < COUNT; i++)
		real[i] = dlsym(RTLD_NEXT, names[i]);
	if (fd < 0)
		return;
	void *shared = mmap(NULL, sizeof unseen, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	seen = shared == MAP_FAILED ? unseen : shared;
	close(fd);
}

static long count(int call, long result)
{
	if (result < 0 && errno == EINTR)
		__atomic_fetch_add(&seen[call], 1, __ATOMIC_RELAXED);
	return result;
}

/* Before the constructor has run there is no such call to count, but there may be one to make. */
static void *of(int call)
{
	return real[call] ? real[call] : (real[call] = dlsym(RTLD_NEXT, names[call]));
}

#define INSTEAD(number, type, name, parameters, ...)                                                                   \
	type name parameters                                                                                           \
	{                                                                                                              \
		return (type)count(number, ((type(*) parameters)of(number))(__VA_ARGS__));                             \
	}

INSTEAD(READ, ssize_t, read, (int fd, void *bytes, size_t length), fd, bytes, length)
INSTEAD(READV, ssize_t, readv, (int fd, const struct iovec *parts, int n), fd, parts, n)
INSTEAD(WRITE, ssize_t, write, (int fd, const void *bytes, size_t length), fd, bytes, length)
INSTEAD(WRITEV, ssize_t, writev, (int fd, const struct iovec *parts, int n), fd, parts, n)
INSTEAD(RECV, ssize_t, recv, (int fd, void *bytes, size_t length, int flags), fd, bytes, length, flags)
INSTEAD(RECVFROM, ssize_t, recvfrom,
	(int fd, void *bytes, size_t length, int flags, struct sockaddr *from, socklen_t *size), fd, bytes, length,
	flags, from, size)
INSTEAD(RECVMSG, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)
INSTEAD(SEND, ssize_t, send, (int fd, const void *bytes, size_t length, int flags), fd, bytes, length, flags)
INSTEAD(SENDTO, ssize_t, sendto,
	(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size), fd, bytes,
	length, flags, to, size)
INSTEAD(SENDMSG, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)
INSTEAD(ACCEPT, int, accept, (int fd, struct sockaddr *from, socklen_t *size), fd, from, size)
INSTEAD(ACCEPT4, int, accept4, (int fd, struct sockaddr *from, socklen_t *size, int flags), fd, from, size, flags)
INSTEAD(CONNECT, int, connect, (int fd, const struct sockaddr *to, socklen_t size), fd, to, size)
INSTEAD(EPOLL_WAIT, int, epoll_wait, (int fd, struct epoll_event *events, int most, int limit), fd, events, most, limit)
INSTEAD(EPOLL_PWAIT, int, epoll_pwait, (int fd, struct epoll_event *events, int most, int limit, const sigset_t *mask),
	fd, events, most, limit, mask)
INSTEAD(POLL, int, poll, (struct pollfd * set, nfds_t n, int limit), set, n, limit)
INSTEAD(PPOLL, int, ppoll, (struct pollfd * set, nfds_t n, const struct timespec *limit, const sigset_t *mask), set, n,
	limit, mask)
INSTEAD(SELECT, int, select, (int n, fd_set *in, fd_set *out, fd_set *other, struct timeval *limit), n, in, out, other,
	limit)
INSTEAD(NANOSLEEP, int, nanosleep, (const struct timespec *time, struct timespec *left), time, left)

/* This one returns its error. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	int error = ((int (*)(clockid_t, int, const struct timespec *, struct timespec *))of(CLOCK_NANOSLEEP))(
		clock, flags, time, left);
	if (error == EINTR)
		__atomic_fetch_add(&seen[CLOCK_NANOSLEEP], 1, __ATOMIC_RELAXED);
	return error;
}
