/* The workloads of the benches: workloads NAME [COUNT]. Each prints the nanoseconds of its loop, so that start and end of the
 * process do not count (but for "forks", whose starts are the work). With BENCH_COUNTER=FILE in the environment the rounds done stand
 * in that file all the time, as a 64-bit number. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 8 /* of threads */
#define ASKERS 4 /* connections to a web server */

static uint64_t unseen, *done = &unseen;

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

static void count_in(const char *path)
{
	int fd = open(path, O_RDWR);
	void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		die(path);
	close(fd);
	done = shared;
}

static void one_done(void)
{
	__atomic_fetch_add(done, 1, __ATOMIC_RELAXED);
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
	for (long i = 0; i < count; i++, one_done())
		if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
			die("pingpong");
	close(ends[0]);
	waitpid(echo, NULL, 0);
}

static void zero(long count)
{
	char buffer[64];
	int fd = open("/dev/zero", O_RDONLY);
	for (long i = 0; i < count; i++, one_done())
		if (read(fd, buffer, sizeof buffer) != sizeof buffer)
			die("read");
}

static void refused(long count)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (long i = 0; i < count; i++, one_done()) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (void *)&at, sizeof at) == 0 || errno != ECONNREFUSED)
			die("connect");
		close(fd);
	}
}

static void getppids(long count)
{
	for (long i = 0; i < count; i++, one_done())
		syscall(SYS_getppid);
}

struct end { /* of a pair of threads */
	int fd;
	long count;
	int first;
};

static void *end_run(void *argument)
{
	const struct end *end = argument;
	char byte = 'x';
	if (end->first && write(end->fd, &byte, 1) != 1)
		die("threads");
	for (long i = 0; i < end->count && read(end->fd, &byte, 1) == 1 && write(end->fd, &byte, 1) == 1; i++)
		if (end->first)
			one_done();
	return NULL;
}

/* Pairs of threads that each have a byte go to and fro over TCP. */
static void threads(long count)
{
	static pthread_t ids[2 * PAIRS];
	static struct end all[2 * PAIRS];
	for (int i = 0; i < 2 * PAIRS; i += 2) {
		int ends[2];
		tcp_pair(ends);
		for (int j = 0; j < 2; j++) {
			all[i + j] = (struct end){.fd = ends[j], .count = count / PAIRS, .first = j == 0};
			pthread_create(&ids[i + j], NULL, end_run, &all[i + j]);
		}
	}
	for (int i = 0; i < 2 * PAIRS; i++)
		pthread_join(ids[i], NULL);
}

static void ask(int fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
	if (write(fd, request, sizeof request - 1) != sizeof request - 1)
		die("ask");
}

/* Asks the web server at the port for ever, over connections that stay; each answer is expected in one piece. */
static void asks(long port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event came[ASKERS], wanted = {.events = EPOLLIN};
	char answer[65536];
	int epoll = epoll_create1(0);
	for (int i = 0; i < ASKERS; i++) {
		wanted.data.fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(wanted.data.fd, (void *)&at, sizeof at) < 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, wanted.data.fd, &wanted) < 0)
			die("asks");
		ask(wanted.data.fd);
	}
	for (;;) {
		int count = epoll_wait(epoll, came, ASKERS, -1);
		for (int i = 0; i < count; i++, one_done()) {
			if (read(came[i].data.fd, answer, sizeof answer) <= 0)
				die("answer");
			ask(came[i].data.fd);
		}
	}
}

static void forks(long count)
{
	for (long i = 0; i < count; i++, one_done()) {
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
		{"pingpong", pingpong, 3000}, {"zero", zero, 20000},
		{"refused", refused, 1500},   {"getppid", getppids, 3000000},
		{"forks", forks, 500},        {"threads", threads, 8000},
		{"asks", asks, 80},
	};
	if (getenv("BENCH_COUNTER"))
		count_in(getenv("BENCH_COUNTER"));
	for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof *workloads; i++)
		if (strcmp(argv[1], workloads[i].name) == 0) {
			long count = argc > 2 ? atol(argv[2]) : workloads[i].count;
			long long began = now();
			workloads[i].run(count);
			printf("%lld %ld\n", now() - began, count);
			return 0;
		}
	fprintf(stderr,
		"usage: workloads pingpong|zero|refused|getppid|forks|threads [COUNT], or workloads asks PORT\n");
	return 2;
}
