/* A server in the manner of redis, for loaded.py: one thread, epoll with a limit of 100 ms, a line for a line. Prints its port; when its
 * standard input ends it prints "EINTR N": how often any call returned that. An ordinary program. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int interrupted;

static long count(long result)
{
	interrupted += result < 0 && errno == EINTR;
	return result;
}

static void add(int epoll, int fd)
{
	struct epoll_event in = {.events = EPOLLIN, .data.fd = fd};
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &in);
}

static void answer(int fd)
{
	char room[512];
	if (count(read(fd, room, sizeof room)) <= 0)
		close(fd);
	else
		count(write(fd, "+PONG\r\n", 7));
}

int main(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
	if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 64) < 0)
		return 1;
	getsockname(listener, (struct sockaddr *)&name, &length);
	printf("%d\n", ntohs(name.sin_port));
	fflush(stdout);
	add(epoll, listener);
	add(epoll, STDIN_FILENO);
	for (;;) {
		struct epoll_event events[16];
		long got = count(epoll_wait(epoll, events, 16, 100));
		for (long i = 0; i < got; i++) {
			if (events[i].data.fd == STDIN_FILENO) {
				printf("EINTR %d\n", interrupted);
				return 0;
			}
			if (events[i].data.fd == listener)
				add(epoll, (int)count(accept(listener, NULL, NULL)));
			else
				answer(events[i].data.fd);
		}
	}
}
