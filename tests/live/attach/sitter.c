/* A program that sits in one interruptible call of signal(7), again and again, and counts what comes back.
 *
 * `sitter CALL [LIMIT_MS]` prints "ready"; when its standard input ends it prints "interrupted N made N slowest MS". Without
 * arguments it lists the calls. An ordinary program, which knows nothing of tracers.
 *
 * To add a call: a function that makes it once (with the limit where it has one), and a row in calls[]. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int limit_ms;
static int pair[2], pipes[2], epoll, listener, semaphores, queue, inotify;
static mqd_t messages, full_messages;
static char queue_name[32];
static char path[] = "/tmp/sitter.XXXXXX";
static char big[4 << 20];

static struct timespec limit(void)
{
	return (struct timespec){.tv_sec = limit_ms / 1000, .tv_nsec = limit_ms % 1000 * 1000000L};
}

static void receive_limit(int fd, int option)
{
	struct timeval time = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000L};
	setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}

static long in_read(void)
{
	char byte;
	return read(pipes[0], &byte, 1);
}
static long in_recv(void)
{
	char byte;
	return recv(pair[0], &byte, 1, 0);
}
static long in_recv_limit(void)
{
	receive_limit(pair[0], SO_RCVTIMEO);
	return in_recv();
}
static long in_read_limit(void)
{
	char byte;
	receive_limit(pair[0], SO_RCVTIMEO);
	return read(pair[0], &byte, 1);
}
static long in_accept(void)
{
	return accept(listener, NULL, NULL);
}
static long in_accept_limit(void)
{
	receive_limit(listener, SO_RCVTIMEO);
	return in_accept();
}
static long in_epoll(void)
{
	struct epoll_event event;
	return epoll_wait(epoll, &event, 1, limit_ms ? limit_ms : -1);
}
static long in_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t none;
	sigemptyset(&none);
	return epoll_pwait(epoll, &event, 1, limit_ms ? limit_ms : -1, &none);
}
static long in_poll(void)
{
	struct pollfd one = {.fd = pair[0], .events = POLLIN};
	return poll(&one, 1, limit_ms ? limit_ms : -1);
}
static long in_ppoll(void)
{
	struct pollfd one = {.fd = pair[0], .events = POLLIN};
	struct timespec time = limit();
	return ppoll(&one, 1, limit_ms ? &time : NULL, NULL);
}
static long in_select(void)
{
	fd_set set;
	struct timeval time = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000L};
	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	return select(pair[0] + 1, &set, NULL, NULL, limit_ms ? &time : NULL);
}
static long in_nanosleep(void)
{
	struct timespec time = limit();
	return nanosleep(&time, NULL);
}
static long in_clock_nanosleep(void)
{
	struct timespec time = limit();
	int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	errno = error;
	return error ? -1 : 0;
}
static long in_futex(void)
{
	static int word;
	struct timespec time = limit();
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, limit_ms ? &time : NULL, NULL, 0);
}
static long in_sem_wait(void)
{
	static sem_t one;
	sem_init(&one, 0, 0);
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_sec += 1000;
	return sem_timedwait(&one, &time);
}
static long in_sigtimedwait(void)
{
	sigset_t set;
	struct timespec time = limit();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, limit_ms ? &time : NULL);
}
static long in_semop(void)
{
	struct sembuf down = {.sem_op = -1};
	return semop(semaphores, &down, 1);
}
static long in_semtimedop(void)
{
	struct sembuf down = {.sem_op = -1};
	struct timespec time = limit();
	return semtimedop(semaphores, &down, 1, &time);
}
static long in_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;
	return msgrcv(queue, &message, sizeof message.text, 0, 0);
}
static long in_wait(void)
{
	return wait4(-1, NULL, 0, NULL);
}
static long in_waitid(void)
{
	return waitid(P_ALL, 0, NULL, WEXITED);
}
static long in_pause(void)
{
	return pause();
}
static long in_sigsuspend(void)
{
	sigset_t none;
	sigemptyset(&none);
	return sigsuspend(&none);
}
static long in_inotify(void)
{
	char room[4096];
	return read(inotify, room, sizeof room);
}
static long in_flock(void)
{
	struct flock lock = {.l_type = F_WRLCK};
	return fcntl(pipes[1], F_OFD_SETLKW, &lock);
}
static long in_write_pipe(void)
{
	return write(pipes[1], big, sizeof big) == sizeof big ? 0 : -1;
}
static long in_send_limit(void)
{
	receive_limit(pair[0], SO_SNDTIMEO);
	return send(pair[0], big, 1 << 16, 0);
}
static long in_recvmmsg(void)
{
	char byte;
	struct iovec part = {&byte, 1};
	struct mmsghdr one = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	return recvmmsg(pair[0], &one, 1, 0, NULL);
}
static long in_recvmsg_limit(void)
{
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr one = {.msg_iov = &part, .msg_iovlen = 1};
	receive_limit(pair[0], SO_RCVTIMEO);
	return recvmsg(pair[0], &one, 0);
}
static long in_readv_limit(void)
{
	char byte;
	struct iovec part = {&byte, 1};
	receive_limit(pair[0], SO_RCVTIMEO);
	return readv(pair[0], &part, 1);
}
static long in_recvmmsg_limit(void)
{
	receive_limit(pair[0], SO_RCVTIMEO);
	return in_recvmmsg();
}
static long in_send(void)
{
	return send(pair[0], big, sizeof big, 0) == sizeof big ? 0 : -1;
}
static long in_open_fifo(void)
{
	return open(path, O_RDONLY);
}
static long in_whole_flock(void)
{
	return flock(pipes[1], LOCK_EX);
}
static long in_mq_receive(void)
{
	char room[64];
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += limit_ms % 1000 * 1000000L;
	time.tv_sec += limit_ms / 1000 + time.tv_nsec / 1000000000L;
	time.tv_nsec %= 1000000000L;
	return mq_timedreceive(messages, room, sizeof room, NULL, limit_ms ? &time : NULL);
}
static long in_mq_send(void)
{
	return mq_send(full_messages, "x", 1, 0);
}
static long in_msgsnd(void)
{
	struct {
		long type;
		char text[1024];
	} message = {.type = 1};
	return msgsnd(queue, &message, sizeof message.text, 0);
}
static long in_pselect(void)
{
	fd_set set;
	struct timespec time = limit();
	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	return pselect(pair[0] + 1, &set, NULL, NULL, limit_ms ? &time : NULL, NULL);
}
static long in_epoll_pwait2(void)
{
	struct epoll_event event;
	struct timespec time = limit();
	return syscall(SYS_epoll_pwait2, epoll, &event, 1, limit_ms ? &time : NULL, NULL, 0);
}
static long in_io_getevents(void)
{
	static aio_context_t context;
	struct io_event event;
	struct timespec time = limit();
	if (!context && syscall(SYS_io_setup, 1, &context) < 0)
		return -1;
	return syscall(SYS_io_getevents, context, 1, 1, &event, limit_ms ? &time : NULL);
}
static long in_io_uring(void)
{
	static int ring = -1;
	struct io_uring_params how = {0};
	if (ring < 0)
		ring = (int)syscall(SYS_io_uring_setup, 4, &how);
	return syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}
static long in_connect_limit(void)
{
	struct sockaddr_un name;
	socklen_t length = sizeof name;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	receive_limit(fd, SO_SNDTIMEO);
	getsockname(listener, (struct sockaddr *)&name, &length);
	return connect(fd, (struct sockaddr *)&name, length);
}

static const struct {
	const char *name;
	long (*call)(void);
	bool endless; /* it has no limit of time: it is still inside when the test is over */
} calls[] = {
	{"read", in_read, true},
	{"recv", in_recv, true},
	{"recv-limit", in_recv_limit, false},
	{"read-limit", in_read_limit, false},
	{"accept", in_accept, true},
	{"accept-limit", in_accept_limit, false},
	{"epoll", in_epoll, true},
	{"epoll-limit", in_epoll, false},
	{"epoll_pwait-limit", in_epoll_pwait, false},
	{"poll", in_poll, true},
	{"poll-limit", in_poll, false},
	{"ppoll-limit", in_ppoll, false},
	{"select", in_select, true},
	{"select-limit", in_select, false},
	{"nanosleep", in_nanosleep, false},
	{"clock_nanosleep", in_clock_nanosleep, false},
	{"futex", in_futex, true},
	{"futex-limit", in_futex, false},
	{"sem_wait", in_sem_wait, true},
	{"sigwait", in_sigtimedwait, true},
	{"sigtimedwait", in_sigtimedwait, false},
	{"semop", in_semop, true},
	{"semtimedop", in_semtimedop, false},
	{"msgrcv", in_msgrcv, true},
	{"wait4", in_wait, true},
	{"waitid", in_waitid, true},
	{"pause", in_pause, true},
	{"sigsuspend", in_sigsuspend, true},
	{"inotify", in_inotify, true},
	{"fcntl-lock", in_flock, true},
	{"write-pipe", in_write_pipe, true},
	{"send-limit", in_send_limit, false},
	{"recvmmsg", in_recvmmsg, true},
	{"connect-limit", in_connect_limit, false},
	{"recvmsg-limit", in_recvmsg_limit, false},
	{"readv-limit", in_readv_limit, false},
	{"recvmmsg-limit", in_recvmmsg_limit, false},
	{"send", in_send, true},
	{"open-fifo", in_open_fifo, true},
	{"flock", in_whole_flock, true},
	{"mq_receive", in_mq_receive, true},
	{"mq_receive-limit", in_mq_receive, false},
	{"mq_send", in_mq_send, true},
	{"msgsnd", in_msgsnd, true},
	{"pselect", in_pselect, true},
	{"pselect-limit", in_pselect, false},
	{"epoll_pwait2", in_epoll_pwait2, true},
	{"epoll_pwait2-limit", in_epoll_pwait2, false},
	{"io_getevents", in_io_getevents, true},
	{"io_getevents-limit", in_io_getevents, false},
	{"io_uring", in_io_uring, true},
};

static int interrupted, made;
static double slowest;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void *sit(void *argument)
{
	size_t which = *(size_t *)argument;
	for (;;) {
		double before = now();
		errno = 0;
		long result = calls[which].call();
		double took = now() - before;
		slowest = took > slowest ? took : slowest;
		interrupted += result < 0 && errno == EINTR;
		made++;
		if (made > 100000)
			return NULL; /* it does not wait at all */
	}
}

static void prepare(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (pipe(pipes) < 0)
		exit(3);
	epoll = epoll_create1(0);
	struct epoll_event in = {.events = EPOLLIN};
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &in);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	/* An abstract name of the kernel's choice. */
	if (bind(listener, (struct sockaddr *)&address, sizeof address.sun_family) < 0 || listen(listener, 0) < 0)
		exit(1);
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	inotify = inotify_init1(0);
	inotify_add_watch(inotify, "/proc/self", IN_CREATE);
	if (strcmp(name, "send-limit") == 0)
		while (send(pair[0], big, 1 << 16, MSG_DONTWAIT) > 0)
			continue;
	if (strcmp(name, "connect-limit") == 0) { /* a full queue: the next connect waits */
		struct sockaddr_un full;
		socklen_t length = sizeof full;
		getsockname(listener, (struct sockaddr *)&full, &length);
		for (int i = 0; i < 4; i++)
			(void)connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&full,
				      length);
	}
	if (strncmp(name, "wait", 4) == 0 && fork() == 0) {
		pause();
		_exit(0);
	}
}

static void prepare_files(const char *name)
{
	struct {
		long type;
		char text[1024];
	} message = {.type = 1};
	struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 64};
	if (strcmp(name, "fcntl-lock") == 0 || strcmp(name, "flock") == 0) {
		int holder = mkstemp(path);
		pipes[1] = open(path, O_RDWR);
		unlink(path);
		fcntl(holder, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK});
		flock(holder, LOCK_EX);
	}
	if (strcmp(name, "open-fifo") == 0) {
		close(mkstemp(path));
		unlink(path);
		if (mkfifo(path, 0600) < 0)
			exit(4);
	}
	if (strncmp(name, "mq_", 3) == 0) {
		snprintf(queue_name, sizeof queue_name, "/sitter-%d", getpid());
		messages = full_messages = mq_open(queue_name, O_CREAT | O_RDWR, 0600, &one);
		mq_unlink(queue_name);
		if (strcmp(name, "mq_send") == 0)
			mq_send(full_messages, "x", 1, 0);
	}
	while (strcmp(name, "msgsnd") == 0 && msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0)
		continue;
}

int main(int argc, char **argv)
{
	static size_t which;
	pthread_t thread;
	char byte;
	if (argc < 2) {
		for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
			puts(calls[i].name);
		return 0;
	}
	limit_ms = argc > 2 ? atoi(argv[2]) : 1000;
	for (which = 0; which < sizeof calls / sizeof *calls && strcmp(calls[which].name, argv[1]) != 0; which++)
		continue;
	if (which == sizeof calls / sizeof *calls)
		return 2;
	if (calls[which].endless)
		limit_ms = 0;
	prepare(argv[1]);
	prepare_files(argv[1]);
	pthread_create(&thread, NULL, sit, &which);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) < 0)
		printf("main EINTR\n");
	printf("interrupted %d made %d slowest %.0f\n", interrupted, made, slowest);
	fflush(stdout);
	if (strcmp(argv[1], "open-fifo") == 0)
		unlink(path);
	semctl(semaphores, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
	if (strncmp(argv[1], "wait", 4) == 0)
		kill(0, SIGTERM);
	_exit(0);
}
