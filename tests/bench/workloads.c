/* The workloads of the overhead bench: workloads NAME [COUNT]. Each prints the nanoseconds of its loop, so that start and end of the
 * process do not count (but for "forks", whose starts are the work). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* A connected pair over TCP on loopback. */
static void tcp_pair(int ends[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	if (listener < 0 || bind(listener, (void *)&at, sizeof at) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (void *)&at, &length) < 0)
		die("listen");
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ends[0], (void *)&at, sizeof at) < 0)
		die("connect");
	ends[1] = accept(listener, NULL, NULL);
	close(listener);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* One byte to and fro; the echo is a child that nobody measures apart. Four calls a round. */
static void pingpong(long count)
{
	int ends[2];
	char byte = 'x';
	tcp_pair(ends);
	pid_t echo = fork();
	if (echo == 0) {
		close(ends[0]);
		while (read(ends[1], &byte, 1) == 1 && write(ends[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(ends[1]);
	for (long i = 0; i < count; i++)
		if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
			die("pingpong");
	close(ends[0]);
	waitpid(echo, NULL, 0);
}

static void zero(long count)
{
	char buffer[64];
	int fd = open("/dev/zero", O_RDONLY);
	for (long i = 0; i < count; i++)
		if (read(fd, buffer, sizeof buffer) != sizeof buffer)
			die("read");
}

static void refused(long count)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (long i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (void *)&at, sizeof at) == 0 || errno != ECONNREFUSED)
			die("connect");
		close(fd);
	}
}

static void getppids(long count)
{
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
}

static void forks(long count)
{
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long count);
		long count;
	} workloads[] = {
		{"pingpong", pingpong, 3000},   {"zero", zero, 20000}, {"refused", refused, 1500},
		{"getppid", getppids, 3000000}, {"forks", forks, 500},
	};
	for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof *workloads; i++)
		if (strcmp(argv[1], workloads[i].name) == 0) {
			long count = argc > 2 ? atol(argv[2]) : workloads[i].count;
			long long began = now();
			workloads[i].run(count);
			printf("%lld %ld\n", now() - began, count);
			return 0;
		}
	fprintf(stderr, "usage: workloads pingpong|zero|refused|getppid|forks [COUNT]\n");
	return 2;
}
