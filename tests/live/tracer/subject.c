/* subject MODE: one program for each way in which a tracer could show. What it prints must be the same bare and traced.
 *
 * To add a mode: a function and a row in the table at the end; tests/live/tracer/behaviour.py runs them all. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self;

static int pair_echo(void)
{
	int ends[2];
	char byte = 'x';

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || write(ends[0], &byte, 1) != 1 ||
	    read(ends[1], &byte, 1) != 1)
		return -1;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static int refused(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int result = connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ? errno : 0;
	close(fd);
	return result;
}

static void *thread_main(void *argument)
{
	return pair_echo() < 0 ? NULL : argument;
}

static int threads(void)
{
	pthread_t ids[200];
	int good = 0;
	void *result;

	for (int i = 0; i < 200; i++)
		if (pthread_create(&ids[i], NULL, thread_main, &good))
			return 1;
	for (int i = 0; i < 200; i++)
		if (!pthread_join(ids[i], &result) && result)
			good++;
	printf("threads %d\n", good);
	return 0;
}

static int children(void)
{
	int good = 0, status;

	for (int i = 0; i < 1000; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(pair_echo() ? 1 : 7);
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7)
			good++;
	}
	printf("children %d\n", good);
	return 0;
}

static int vforks(void)
{
	volatile int good = 0;
	int status;

	for (volatile int i = 0; i < 50; i++) {
		pid_t pid = vfork();
		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		good += waitpid(pid, &status, 0) == pid && status == 0;
	}
	printf("vforks %d\n", good);
	return 0;
}

static void *exec_main(void *argument)
{
	(void)argument;
	execl(self, self, "refused", (char *)NULL);
	return NULL;
}

static void *idle_main(void *argument)
{
	char byte;

	if (read(*(int *)argument, &byte, 1) < 0)
		return NULL;
	return NULL;
}

static int exec_from_thread(void)
{
	pthread_t id, idle;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return 1;
	pthread_create(&idle, NULL, idle_main, ends);
	usleep(10000);
	pthread_create(&id, NULL, exec_main, NULL);
	pthread_join(id, NULL);
	return 1;
}

static int print_refused(void)
{
	printf("refused %d\n", refused());
	return 0;
}

static int daemonize(void)
{
	int ends[2], status;
	char text[32];

	if (pipe(ends) < 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() == 0) {
			usleep(50000);
			dprintf(ends[1], "daemon %d", refused());
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	close(ends[1]);
	ssize_t length = read(ends[0], text, sizeof text);
	printf("%.*s %d\n", (int)length, text, status);
	return 0;
}

static int untraced(void)
{
	int status = -1;
	unsigned long flags = CLONE_UNTRACED | SIGCHLD;
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid == 0)
		_exit(refused() == ECONNREFUSED ? 3 : 4);
	waitpid(pid, &status, 0);
	printf("clone %d", WEXITSTATUS(status));
	struct clone_args arguments = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
	pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	if (pid == 0)
		_exit(refused() == ECONNREFUSED ? 3 : 4);
	waitpid(pid, &status, 0);
	printf(" clone3 %d flags %d\n", WEXITSTATUS(status), arguments.flags == CLONE_UNTRACED);
	return 0;
}

static int own_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};
	int status = -1;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) < 0)
		return 1;
	printf("filtered %d", refused());
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(refused() == EACCES ? 5 : 6);
	waitpid(pid, &status, 0);
	printf(" child %d pair %d\n", WEXITSTATUS(status), pair_echo());
	return 0;
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void alarm_in(int milliseconds, int flags)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
	struct itimerval timer = {.it_value = {.tv_usec = milliseconds * 1000}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void later(int fd, int milliseconds)
{
	if (fork() == 0) {
		usleep((useconds_t)milliseconds * 1000);
		if (write(fd, "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
}

static int restarts(void)
{
	int ends[2];
	char byte = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 1;
	later(ends[1], 100);
	alarm_in(30, SA_RESTART);
	ssize_t length = recv(ends[0], &byte, 1, 0);
	printf("restarted %zd %c alarms %d\n", length, byte, (int)alarms);
	wait(NULL);
	return 0;
}

static int interrupts(void)
{
	int ends[2], epoll = epoll_create1(0);
	char byte;
	struct epoll_event event = {.events = EPOLLIN};

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 1;
	alarm_in(30, 0);
	printf("recv %d", recv(ends[0], &byte, 1, 0) < 0 ? errno : 0);
	alarm_in(30, SA_RESTART);
	struct pollfd set = {.fd = ends[0], .events = POLLIN};
	printf(" poll %d", poll(&set, 1, 1000) < 0 ? errno : 0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
	alarm_in(30, SA_RESTART);
	printf(" epoll %d", epoll_wait(epoll, &event, 1, 1000) < 0 ? errno : 0);
	fd_set reads;
	struct timeval timeout = {.tv_sec = 1};
	FD_ZERO(&reads);
	FD_SET(ends[0], &reads);
	alarm_in(30, SA_RESTART);
	printf(" select %d alarms %d\n", select(ends[0] + 1, &reads, NULL, NULL, &timeout) < 0 ? errno : 0,
	       (int)alarms);
	return 0;
}

static int stops(void)
{
	int status, ends[2];
	struct pollfd set;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 1;
	set = (struct pollfd){.fd = ends[0], .events = POLLIN};
	pid_t pid = fork();
	if (pid == 0) /* a poll over a stop goes on with what is left of its time */
		_exit(write(ends[0], "x", 1) == 1 && poll(&set, 1, 600) == 0 ? 9 : errno);
	if (read(ends[1], &byte, 1) != 1)
		return 1;
	usleep(100000); /* it polls by now */
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	printf("stopped %d %d", WIFSTOPPED(status), WSTOPSIG(status));
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	printf(" continued %d", WIFCONTINUED(status));
	waitpid(pid, &status, 0);
	printf(" exit %d\n", WEXITSTATUS(status));
	return 0;
}

static int dies_stopped(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(1);
	}
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("killed %d\n", WTERMSIG(status));
	return 0;
}

static int traces(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0);
	waitpid(pid, &status, 0);
	printf("traceme %d\n", WEXITSTATUS(status));
	return 0;
}

static int inherits(void)
{
	sigset_t mask;
	struct rlimit limit;
	cpu_set_t processors;
	struct sigaction action;
	mode_t mode = umask(0);

	sigprocmask(SIG_BLOCK, NULL, &mask);
	getrlimit(RLIMIT_NOFILE, &limit);
	sched_getaffinity(0, sizeof processors, &processors);
	printf("umask %o nofile %lu processors %d blocked", mode, (unsigned long)limit.rlim_cur,
	       CPU_COUNT(&processors));
	for (int i = 1; i < 65; i++)
		if (sigismember(&mask, i) == 1)
			printf(" %d", i);
	printf(" ignored");
	for (int i = 1; i < 65; i++)
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf(" %d", i);
	printf(" open");
	for (int i = 0; i < 64; i++)
		if (fcntl(i, F_GETFD) >= 0)
			printf(" %d", i);
	printf(" nnp %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	return 0;
}

static int failed(int result, int error)
{
	return result < 0 && errno == error;
}

static int bad_pointers(void)
{
	void *volatile bad = (void *)8;
	volatile unsigned many = 100000, huge = 1u << 30;
	struct iovec vector = {bad, (size_t)-1};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), good = 0;

	good += failed((int)sendmsg(fd, bad, 0), EFAULT);
	good += failed(connect(fd, bad, 16), EFAULT);
	good += failed(connect(fd, bad, huge), EINVAL);
	good += failed((int)syscall(SYS_writev, fd, &vector, 1), EINVAL);
	good += failed((int)syscall(SYS_writev, fd, &vector, many), EINVAL);
	good += failed(poll(bad, 5, 0), EFAULT);
	good += failed((int)syscall(SYS_select, many, bad, bad, bad, 0), EFAULT);
	good += failed((int)syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, bad, bad), EFAULT);
	good += failed((int)syscall(SYS_sendmmsg, fd, bad, huge, 0), EFAULT);
	good += failed((int)syscall(SYS_epoll_wait, fd, bad, many, 0), EINVAL);
	printf("bad %d\n", good);
	return 0;
}

static int timeouts(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct timeval tenth = {.tv_usec = 100000};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char byte;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof tenth);
	printf("recv %d\n", recv(fd, &byte, 1, 0) < 0 ? errno : 0);
	return 0;
}

static const struct mode {
	const char *name;
	int (*run)(void);
} modes[] = {
	{"threads", threads},
	{"children", children},
	{"vforks", vforks},
	{"exec-from-thread", exec_from_thread},
	{"refused", print_refused},
	{"daemonize", daemonize},
	{"untraced", untraced},
	{"own-filter", own_filter},
	{"restarts", restarts},
	{"interrupts", interrupts},
	{"stops", stops},
	{"dies-stopped", dies_stopped},
	{"traces", traces},
	{"inherits", inherits},
	{"bad-pointers", bad_pointers},
	{"timeouts", timeouts},
};

int main(int argc, char **argv)
{
	self = "/proc/self/exe";
	for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run();
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		puts(modes[i].name);
	return argc > 1 ? 2 : 0;
}
