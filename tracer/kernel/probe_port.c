/* Ports and local addresses: facts "port-range", "port-holder" and "address-local".
 *
 * Enters: the address that connect, bind or listen was refused. Leaves: how full the range is toward that end, which
 * socket holds the port and which process that socket. Sources: sock_diag(7), ip(7), ip-sysctl.rst. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/kernel/identity_ask.h"
#include "tracer/kernel/probe_ask.h"
#include "tracer/kernel/proc.h"
#include "tracer/kernel/sockdiag.h"

#define TIME_WAIT_STATE 6
#define LISTEN_STATE 10
#define EVERY_STATE UINT32_MAX
#define INODES_MAX 32

/* ---- ports toward one remote end ------------------------------------------------------------------------------ */

struct usage {
	int low, high;
	int64_t used, time_wait;
	uint8_t seen[65536 / 8];
};

static bool count_port(void *context, const struct sw_diag *socket)
{
	struct usage *usage = context;
	unsigned port = socket->local.endpoint.port;
	if ((int)port < usage->low || (int)port > usage->high || usage->seen[port / 8] >> port % 8 & 1)
		return true;
	usage->seen[port / 8] |= (uint8_t)(1u << port % 8);
	usage->used++;
	usage->time_wait += socket->state == TIME_WAIT_STATE;
	return true;
}

static int protocol_of(const struct sw_question *question)
{
	return question->socket && question->socket->protocol == IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

/* A UDP port is taken whatever its remote end; a TCP port once for each remote end. */
void sw_probe_port_range(struct sw_question *question)
{
	struct usage usage = {0};
	struct sw_fact_draft draft;
	char text[SW_ADDR_TEXT];
	const struct sw_endpoint *to = &question->to.endpoint;
	int protocol = protocol_of(question);
	if (question->switches & SW_NO_DIAG || !sw_probe_fresh(question, "port-range", to, sizeof *to) ||
	    !sw_probe_ports(question, &usage.low, &usage.high))
		return;
	struct sw_diag_wanted wanted = {AF_INET, protocol, EVERY_STATE, 0, protocol == IPPROTO_TCP ? to : NULL};
	int four = sw_diag_inet(question->spaces, question->netns, &wanted, count_port, &usage);
	wanted.domain = AF_INET6;
	int six = sw_diag_inet(question->spaces, question->netns, &wanted, count_port, &usage);
	sw_fact_begin(&draft, "port-range");
	sw_fact_add_text(&draft, "destination", sw_endpoint_text(to, text));
	sw_fact_add_number(&draft, "low", usage.low);
	sw_fact_add_number(&draft, "high", usage.high);
	sw_fact_add_number(&draft, "total", usage.high - usage.low + 1);
	if (four == 0 || six == 0) {
		sw_fact_add_number(&draft, "used", usage.used);
		sw_fact_add_number(&draft, "time_wait", usage.time_wait);
		sw_fact_add_number(&draft, "complete", four == 0 && six == 0);
	}
	sw_probe_say(question, &draft);
}

/* ---- who has a socket ----------------------------------------------------------------------------------------- */

struct search {
	const uint64_t *inodes;
	size_t count;
	uint64_t found;
};

static bool compare(void *context, int fd, const char *link)
{
	struct search *search = context;
	uint64_t inode = sw_proc_inode_of_link(link, "socket");
	(void)fd;
	for (size_t i = 0; inode && i < search->count; i++)
		if (search->inodes[i] == inode)
			search->found = inode;
	return search->found == 0;
}

pid_t sw_probe_holder(const uint64_t *inodes, size_t count, uint64_t *inode, bool *complete)
{
	struct search search = {inodes, count, 0};
	int64_t deadline = sw_clock_monotonic() + SW_PROBE_SEARCH_NS;
	const struct dirent *entry;
	pid_t holder = 0, self = getpid();
	*complete = false;
	DIR *folder = opendir("/proc");
	if (!folder)
		return 0;
	*complete = true;
	while (holder == 0 && (entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (pid <= 0 || pid == self)
			continue;
		int result = sw_proc_each_fd(pid, pid, deadline, compare, &search);
		if (search.found)
			holder = pid;
		else if (result != 0 && result != -ENOENT && result != -ESRCH)
			*complete = false; /* not allowed to look, or no time */
		if (sw_clock_monotonic() > deadline)
			break;
	}
	*complete = *complete && (holder || sw_clock_monotonic() <= deadline);
	closedir(folder);
	*inode = search.found;
	return holder;
}

/* ---- who holds a port ----------------------------------------------------------------------------------------- */

struct holders {
	const struct sw_addr *wanted;
	uint64_t own; /* inode of the socket that wanted it */
	int64_t count;
	struct sw_diag best;
	uint64_t inodes[INODES_MAX];
	size_t inode_count;
};

/* The same address, or one of the two is every address; the IPv6 wildcard covers IPv4 unless IPV6_V6ONLY says no. */
static bool overlaps(const struct sw_ip *a, const struct sw_ip *b)
{
	if (sw_ip_equal(a, b))
		return true;
	if (a->family == b->family)
		return sw_ip_is_any(a) || sw_ip_is_any(b);
	const struct sw_ip *six = a->family == 6 ? a : b;
	return sw_ip_is_any(six);
}

static int weight(const struct sw_diag *socket)
{
	if (socket->state == LISTEN_STATE)
		return 3;
	if (socket->state == TIME_WAIT_STATE)
		return 0;
	return socket->remote.present ? 1 : 2;
}

static bool take_holder(void *context, const struct sw_diag *socket)
{
	struct holders *holders = context;
	if ((socket->inode && socket->inode == holders->own) ||
	    !overlaps(&socket->local.endpoint.ip, &holders->wanted->endpoint.ip))
		return true;
	if (holders->count == 0 || weight(socket) > weight(&holders->best))
		holders->best = *socket;
	holders->count++;
	if (socket->inode && holders->inode_count < INODES_MAX)
		holders->inodes[holders->inode_count++] = socket->inode;
	return true;
}

static void add_process(struct sw_fact_draft *draft, const struct holders *holders)
{
	uint64_t inode = holders->best.inode;
	bool complete;
	char comm[16];
	pid_t pid = inode ? sw_probe_holder(&inode, 1, &inode, &complete) : 0;
	if (!pid && holders->inode_count)
		pid = sw_probe_holder(holders->inodes, holders->inode_count, &inode, &complete);
	sw_fact_add_number(draft, "inode", (int64_t)holders->best.inode);
	if (!pid) {
		sw_fact_add_number(draft, "complete", holders->inode_count == 0 || complete);
		return;
	}
	sw_proc_comm(pid, comm);
	sw_fact_add_number(draft, "pid", pid);
	sw_fact_add_text(draft, "comm", comm);
}

void sw_probe_port_holder(struct sw_question *question, const struct sw_addr *wanted)
{
	struct sw_fact_draft draft;
	char text[SW_ADDR_TEXT];
	int protocol = protocol_of(question);
	uint16_t port = wanted->endpoint.port;
	struct holders holders = {.wanted = wanted, .own = question->socket ? question->socket->inode : 0};
	if (question->switches & SW_NO_DIAG || port == 0 ||
	    !sw_probe_fresh(question, "port-holder", &wanted->endpoint, sizeof wanted->endpoint))
		return;
	struct sw_diag_wanted sockets = {AF_INET, protocol, EVERY_STATE, port, NULL};
	int four = sw_diag_inet(question->spaces, question->netns, &sockets, take_holder, &holders);
	sockets.domain = AF_INET6;
	int six = sw_diag_inet(question->spaces, question->netns, &sockets, take_holder, &holders);
	if (four && six)
		return;
	sw_fact_begin(&draft, "port-holder");
	sw_fact_add_text(&draft, "address", sw_addr_text(wanted, text));
	sw_fact_add_number(&draft, "port", port);
	sw_fact_add_text(&draft, "protocol", protocol == IPPROTO_UDP ? "udp" : "tcp");
	sw_fact_add_number(&draft, "sockets", holders.count);
	if (holders.count) {
		sw_fact_add_text(&draft, "state",
				 protocol == IPPROTO_UDP ? "bound" : sw_diag_state_name(holders.best.state));
		sw_fact_add_text(&draft, "local", sw_addr_text(&holders.best.local, text));
		if (holders.best.remote.present)
			sw_fact_add_text(&draft, "remote", sw_addr_text(&holders.best.remote, text));
		sw_fact_add_number(&draft, "uid", holders.best.uid);
		add_process(&draft, &holders);
	}
	sw_probe_say(question, &draft);
}

void sw_probe_address(struct sw_question *question, const struct sw_addr *wanted)
{
	struct sw_fact_draft draft;
	struct sw_device device;
	if (sw_ip_is_any(&wanted->endpoint.ip) ||
	    !sw_probe_fresh(question, "address-local", &wanted->endpoint.ip, sizeof wanted->endpoint.ip))
		return;
	int local = sw_probe_is_local(question, &wanted->endpoint.ip, &device);
	if (local < 0)
		return;
	sw_fact_begin(&draft, "address-local");
	sw_fact_add_ip(&draft, "address", &wanted->endpoint.ip);
	sw_fact_add_number(&draft, "local", local);
	sw_probe_say(question, &draft);
}
