/* The same name asked of each name server of the process: resolv.conf(5) as it sees it, one UDP question each, RFC 1035.
 *
 * Enters: the name, the process. Leaves: what each server said. The answer is read no further than its code and the number of
 * its addresses. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/mem.h"
#include "src/probe/tries.h"

#define PATIENCE_NS SW_NS_PER_S
#define PORT 53

/* "nameserver 10.0.0.1" */
static unsigned read_servers(uint32_t pid, struct sw_ip servers[SW_TRIES_SERVERS_MAX])
{
	char path[64], line[256], text[128];
	unsigned count = 0;

	snprintf(path, sizeof path, "/proc/%u/root/etc/resolv.conf", pid);
	FILE *file = fopen(path, "re");
	if (!file) /* the process is gone */
		file = fopen("/etc/resolv.conf", "re");
	while (file && count < SW_TRIES_SERVERS_MAX && fgets(line, sizeof line, file))
		if (sscanf(line, "nameserver %127s", text) == 1 && sw_ip_parse(text, &servers[count]))
			count++;
	if (file)
		fclose(file);
	return count;
}

static int open_to(const struct sw_ip *server)
{
	int fd = socket(server->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage address;
	socklen_t length = sw_endpoint_to_sockaddr(&(struct sw_endpoint){.ip = *server, .port = PORT}, &address);
	int code = connect(fd, (struct sockaddr *)&address, length);

	if (code < 0 && fd >= 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int read_answer(const uint8_t *bytes, size_t length, unsigned *addresses)
{
	ns_msg message;
	ns_rr record;

	if (ns_initparse(bytes, (int)length, &message) < 0)
		return -1;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++)
		if (ns_parserr(&message, ns_s_an, i, &record) == 0 &&
		    (ns_rr_type(record) == ns_t_a || ns_rr_type(record) == ns_t_aaaa))
			++*addresses;
	return (int)ns_msg_getflag(message, ns_f_rcode);
}

void sw_try_resolvers(const struct sw_prober_question *question, struct sw_resolver_tried *tried)
{
	struct sw_ip servers[SW_TRIES_SERVERS_MAX];
	struct pollfd fds[SW_TRIES_SERVERS_MAX];
	uint8_t query[512], answer[4096];
	int length = res_mkquery(ns_o_query, question->name, ns_c_in, ns_t_a, NULL, 0, NULL, query, sizeof query);
	int64_t until = sw_clock_monotonic() + PATIENCE_NS, left = PATIENCE_NS;

	tried->count = length < 0 ? 0 : read_servers(question->pid, servers);
	for (unsigned i = 0; i < tried->count; i++) {
		tried->items[i].server = servers[i];
		tried->items[i].code = -1;
		fds[i] = (struct pollfd){.fd = open_to(&servers[i]), .events = POLLIN};
		if (fds[i].fd >= 0 && send(fds[i].fd, query, (size_t)length, MSG_NOSIGNAL) < 0) {
			close(fds[i].fd);
			fds[i].fd = -1;
		}
	}
	for (unsigned open = tried->count; open > 0 && left > 0; left = until - sw_clock_monotonic()) {
		if (poll(fds, tried->count, (int)(left / SW_NS_PER_MS) + 1) < 0 && errno != EINTR)
			break;
		open = 0;
		for (unsigned i = 0; i < tried->count; i++) {
			ssize_t got = fds[i].revents ? recv(fds[i].fd, answer, sizeof answer, 0) : 0;
			if (fds[i].revents && (got < 2 || memcmp(answer, query, 2) == 0)) {
				if (got > 0)
					tried->items[i].code =
						read_answer(answer, (size_t)got, &tried->items[i].addresses);
				close(fds[i].fd);
				fds[i].fd = -1;
			}
			open += fds[i].fd >= 0;
		}
	}
	for (unsigned i = 0; i < tried->count; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
}
