/* pidfd_getfd(2) and what the duplicate answers: see getfd.h. Sources: socket(7), tcp(7), ip(7), ipv6(7). */
#include "tracer/kernel/getfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#define TCP_INFO_OPTION 11 /* <linux/tcp.h> and <netinet/tcp.h> do not go together */
#define CLOSE_PATIENCE_NS 100000000
#define PIDFD_THREAD_FLAG O_EXCL /* PIDFD_THREAD, Linux 6.9 */

static void *close_later(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

/* With SO_LINGER on, close() of the last descriptor blocks for as long as the program asked: that may be ours by now. Mostly it is not, and
 * then it must be gone before the program goes on: or the program's own close would not be the last one, and would not linger. */
static void close_aside(int fd)
{
	sigset_t all, old;
	pthread_t thread;
	struct timespec until;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int failed = pthread_create(&thread, NULL, close_later, (void *)(intptr_t)fd);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failed) {
		close(fd);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += CLOSE_PATIENCE_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (pthread_timedjoin_np(thread, NULL, &until) != 0)
		pthread_detach(thread);
}

static int same_socket(int fd, uint64_t inode)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	return inode == 0 || status.st_ino == inode ? 0 : -ESTALE;
}

/* One duplicate that leads to `inode`, or a negative errno. A file that is not ours is closed at once: no socket, so
 * no linger. */
static int take(int pidfd, int fd, uint64_t inode)
{
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		return -errno;
	int error = same_socket(copy, inode);
	if (error == 0)
		return copy;
	close_aside(copy);
	return error;
}

static int duplicate(pid_t pid, pid_t tid, int *pidfd, int fd, uint64_t inode)
{
	if (*pidfd < 0)
		*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int result = *pidfd < 0 ? -errno : take(*pidfd, fd, inode);
	if (result >= 0 || result == -EPERM || result == -ENOSYS || tid == pid)
		return result;
	/* The leader has ended, or this thread has descriptors of its own. */
	int thread = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD_FLAG);
	if (thread < 0)
		return result;
	result = take(thread, fd, inode);
	close(thread);
	return result;
}

static bool option(int fd, int level, int name, void *value, socklen_t size)
{
	socklen_t length = size;
	return getsockopt(fd, level, name, value, &length) == 0 && length == size;
}

static int option_number(int fd, int level, int name, int absent)
{
	int value;
	return option(fd, level, name, &value, sizeof value) ? value : absent;
}

static int64_t option_time(int fd, int name)
{
	struct timeval time;
	return option(fd, SOL_SOCKET, name, &time, sizeof time) ?
		       time.tv_sec * INT64_C(1000000000) + time.tv_usec * INT64_C(1000) :
		       0;
}

static void ask_names(int fd, struct sw_getfd_answer *answer)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0 && length <= sizeof name)
		sw_addr_from_sockaddr(&answer->local, &name, length);
	length = sizeof name;
	if (getpeername(fd, (struct sockaddr *)&name, &length) == 0 && length <= sizeof name)
		sw_addr_from_sockaddr(&answer->remote, &name, length);
}

static void ask_namespace(int fd, unsigned want, struct sw_getfd_answer *answer)
{
	if (!option(fd, SOL_SOCKET, SO_NETNS_COOKIE, &answer->netns_cookie, sizeof answer->netns_cookie))
		answer->netns_cookie = 0;
	int netns = want & SW_GETFD_NETNS ? ioctl(fd, SIOCGSKNS) : -1;
	struct stat status;
	if (netns < 0)
		return;
	if (fstat(netns, &status) == 0)
		answer->netns_inode = status.st_ino;
	close(netns);
}

/* Since Linux 4.12. What it dropped counts from its making. */
static void ask_memory(int fd, struct sw_getfd_answer *answer)
{
	uint32_t memory[SK_MEMINFO_VARS];
	socklen_t length = sizeof memory;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0 || length < sizeof memory)
		return;
	answer->has_memory = true;
	answer->receive_used = memory[SK_MEMINFO_RMEM_ALLOC];
	answer->receive_limit = memory[SK_MEMINFO_RCVBUF];
	answer->drops = memory[SK_MEMINFO_DROPS];
}

static void ask(int fd, unsigned want, struct sw_getfd_answer *answer)
{
	struct stat status;
	if (fstat(fd, &status) == 0) {
		answer->inode = status.st_ino;
		answer->uid = status.st_uid;
	}
	answer->domain = option_number(fd, SOL_SOCKET, SO_DOMAIN, -1);
	answer->type = option_number(fd, SOL_SOCKET, SO_TYPE, -1);
	answer->protocol = option_number(fd, SOL_SOCKET, SO_PROTOCOL, -1);
	answer->listening = option_number(fd, SOL_SOCKET, SO_ACCEPTCONN, 0) != 0;
	answer->mark = (uint32_t)option_number(fd, SOL_SOCKET, SO_MARK, 0);
	answer->device = (uint32_t)option_number(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0);
	if (!option(fd, SOL_SOCKET, SO_COOKIE, &answer->cookie, sizeof answer->cookie))
		answer->cookie = 0;
	answer->nonblocking = (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
	answer->receive_timeout_ns = option_time(fd, SO_RCVTIMEO);
	answer->send_timeout_ns = option_time(fd, SO_SNDTIMEO);
	if (answer->domain == AF_INET)
		answer->tos = option_number(fd, IPPROTO_IP, IP_TOS, 0);
	else if (answer->domain == AF_INET6)
		answer->tos = option_number(fd, IPPROTO_IPV6, IPV6_TCLASS, 0);
	ask_names(fd, answer);
	ask_namespace(fd, want, answer);
	if (want & SW_GETFD_TCP_INFO && answer->type == SOCK_DGRAM)
		ask_memory(fd, answer);
	if (!(want & SW_GETFD_TCP_INFO) || answer->protocol != IPPROTO_TCP)
		return;
	socklen_t length = sizeof answer->tcp_info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO_OPTION, answer->tcp_info, &length) == 0)
		answer->tcp_info_length = length;
}

int sw_getfd_ask(pid_t pid, pid_t tid, int *pidfd, int fd, uint64_t inode, unsigned want,
		 struct sw_getfd_answer *answer)
{
	memset(answer, 0, sizeof *answer);
	answer->domain = answer->type = answer->protocol = -1;
	int copy = duplicate(pid, tid, pidfd, fd, inode);
	if (copy < 0)
		return copy;
	ask(copy, want, answer);
	struct linger linger = {0};
	/* Asked last: the program may have set it meanwhile. */
	answer->lingers = option(copy, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) && linger.l_onoff;
	if (answer->lingers && linger.l_linger != 0)
		close_aside(copy);
	else
		close(copy);
	return 0;
}
