/* A server in the manner of redis, for loaded.py: one thread, epoll with a limit of 100 ms, a line for a line, at the port that
 * its argument names. An ordinary program. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void add(int epoll, int fd)
{
	struct epoll_event in = {.events = EPOLLIN, .data.fd = fd};
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &in);
}

static void answer(int fd)
{
	char room[512];
	if (read(fd, room, sizeof room) <= 0 || write(fd, "+PONG\r\n", 7) != 7)
		close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), one = 1;
	name.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 64) < 0)
		return 1;
	add(epoll, listener);
	for (;;) {
		struct epoll_event events[16];
		int got = epoll_wait(epoll, events, 16, 100);
		for (int i = 0; i < got; i++)
			if (events[i].data.fd == listener)
				add(epoll, accept(listener, NULL, NULL));
			else
				answer(events[i].data.fd);
	}
}
