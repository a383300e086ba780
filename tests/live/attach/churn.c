/* churn: a busy program for soak.py. Sockets of every kind come and go, some without a close that anybody could see; connects are
 * refused at one address after the other; processes and threads begin and end; one connection stays and carries data.
 *
 * Enters: nothing. Leaves: each second a line "connections N refused N forked N datagrams N others N" on standard output. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PACE 2000 /* us, after each: it shall not take a processor for itself */

static struct sockaddr_in home; /* where the program itself listens */
static atomic_ulong connections, refused, forked, datagrams, others;

static void *serve(void *listener)
{
	for (;;) {
		char bytes[4096];
		int fd = accept4((int)(intptr_t)listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (recv(fd, bytes, sizeof bytes, 0) > 0)
			(void)!write(fd, "+OK\n", 4);
		close(fd);
	}
	return NULL;
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&home, sizeof home) == 0)
		return fd;
	close(fd);
	return -1;
}

static void *ask(void *unused)
{
	(void)unused;
	for (;; connections++, usleep(PACE)) {
		char bytes[64];
		int fd = dial();
		if (fd < 0)
			continue;
		(void)!write(fd, "ask\n", 4);
		while (read(fd, bytes, sizeof bytes) > 0)
			;
		close(fd);
	}
	return NULL;
}

/* Each time another address: another cause. */
static void *be_refused(void *unused)
{
	(void)unused;
	for (uint32_t i = 1;; i++, refused++, usleep(PACE)) {
		struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		nobody.sin_addr.s_addr = htonl(0x7f010000u + i);
		(void)connect(fd, (struct sockaddr *)&nobody, sizeof nobody);
		close(fd);
	}
	return NULL;
}

/* The connection's last descriptor goes with the process. */
static void *bear(void *unused)
{
	(void)unused;
	for (;; forked++, usleep(PACE)) {
		int fd = dial();
		pid_t child = fork();
		if (child == 0) {
			(void)!write(fd, "ask\n", 4);
			_exit(0);
		}
		close(fd);
		waitpid(child, NULL, 0);
	}
	return NULL;
}

static void *tell(void *unused)
{
	(void)unused;
	for (uint32_t i = 1;; i++, datagrams++, usleep(PACE)) {
		static const uint8_t question[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3www\4shop\7example\0\0\1\0";
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(i & 1 ? 53 : 9)};
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		char bytes[64];
		to.sin_addr.s_addr = htonl(0x7f020000u + i % 5000);
		(void)connect(fd, (struct sockaddr *)&to, sizeof to);
		send(fd, question, sizeof question, 0);
		recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		close(fd);
	}
	return NULL;
}

static void *nothing(void *unused)
{
	return unused;
}

/* What is no connection: pairs, abstract names, epoll sets, threads, a listener of a moment. */
static void *others_of(void *unused)
{
	(void)unused;
	for (;; others++, usleep(PACE)) {
		int pair[2], set = epoll_create1(EPOLL_CLOEXEC), listener = socket(AF_INET, SOCK_STREAM, 0), local;
		struct epoll_event event = {.events = EPOLLIN};
		struct sockaddr_un name = {.sun_family = AF_UNIX};
		pthread_t thread;
		socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		epoll_ctl(set, EPOLL_CTL_ADD, pair[0], &event);
		(void)!write(pair[1], "x", 1);
		epoll_wait(set, &event, 1, 0);
		(void)listen(listener, 4);
		snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "churn-%lu", atomic_load(&others));
		local = socket(AF_UNIX, SOCK_STREAM, 0);
		(void)connect(local, (struct sockaddr *)&name, sizeof name);
		if (pthread_create(&thread, NULL, nothing, NULL) == 0)
			pthread_join(thread, NULL);
		for (size_t i = 0; i < 5; i++)
			close((const int[]){pair[0], pair[1], set, listener, local}[i]);
	}
	return NULL;
}

static void *stay(void *unused)
{
	static char bytes[65536];
	int pair[2] = {dial(), -1}, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof here;
	(void)unused;
	close(pair[0]);
	(void)bind(listener, (struct sockaddr *)&here, sizeof here);
	(void)listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&here, &length);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	(void)connect(pair[0], (struct sockaddr *)&here, sizeof here);
	pair[1] = accept(listener, NULL, NULL);
	for (;;) {
		(void)!write(pair[0], bytes, sizeof bytes);
		for (ssize_t left = sizeof bytes, got; left > 0 && (got = read(pair[1], bytes, sizeof bytes)) > 0;)
			left -= got;
		usleep(20000);
	}
	return NULL;
}

int main(void)
{
	void *(*const works[])(void *) = {ask, be_refused, bear, tell, others_of, stay};
	socklen_t length = sizeof home;
	pthread_t thread;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	home = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(listener, (struct sockaddr *)&home, sizeof home) < 0 || listen(listener, 128) < 0 ||
	    getsockname(listener, (struct sockaddr *)&home, &length) < 0)
		return 1;
	pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener);
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		pthread_create(&thread, NULL, works[i], NULL);
	for (;; sleep(1))
		if (printf("connections %lu refused %lu forked %lu datagrams %lu others %lu\n", connections, refused,
			   forked, datagrams, others) < 0 ||
		    fflush(stdout) < 0)
			return 0;
}
