/* See dial.h. Sources: ip(7), ipv6(7), icmp(7), <linux/errqueue.h>; the TTL of a SYN that a router discards comes back as
 * EHOSTUNREACH with the router's address in the error queue (net/ipv4/tcp_ipv4.c, tcp_v4_err). */
#include "src/probe/dial.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"

#define SMALL_PING 64

static void set(int fd, int level, int option, int value)
{
	/* An option that this kernel lacks costs a detail of the answer, no more. */
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

static void finish(struct sw_dial *dial, enum sw_reach_how how, int error)
{
	dial->done = true;
	dial->reach.how = how;
	dial->reach.error = error;
	dial->reach.after_ns = sw_clock_monotonic() - dial->began_ns;
}

/* ---- beginning ------------------------------------------------------------------------------------------------- */

static int open_socket(struct sw_dial *dial)
{
	const int family = dial->remote.ip.family == 4 ? AF_INET : AF_INET6;
	const int protocol = !dial->ping ? IPPROTO_TCP : family == AF_INET ? IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd;

	if (!dial->ping)
		return socket(family, SOCK_STREAM | flags, protocol);
	fd = socket(family, SOCK_RAW | flags, protocol);
	dial->raw = fd >= 0;
	return fd >= 0 ? fd : socket(family, SOCK_DGRAM | flags, protocol);
}

static void prepare(const struct sw_dial *dial)
{
	const struct linger at_once = {.l_onoff = 1};
	int fd = dial->fd;

	if (dial->remote.ip.family == 4) {
		set(fd, IPPROTO_IP, IP_RECVERR, 1);
		set(fd, IPPROTO_IP, IP_RECVTTL, 1);
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		if (dial->ttl)
			set(fd, IPPROTO_IP, IP_TTL, dial->ttl);
		if (dial->size)
			set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	} else {
		set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
		set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		if (dial->ttl)
			set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, dial->ttl);
		if (dial->size)
			set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	}
	if (!dial->ping)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length & 1)
		sum += (uint32_t)bytes[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The echo's identifier: a raw socket hears the replies to all pings of the host. */
static uint16_t identifier(const struct sw_dial *dial)
{
	return (uint16_t)(getpid() * SW_DIALS_MAX + dial->fd);
}

static ssize_t send_ping(const struct sw_dial *dial)
{
	static uint8_t packet[65535];
	const bool v4 = dial->remote.ip.family == 4;
	const size_t header = v4 ? sizeof(struct iphdr) : 40;
	size_t length = (dial->size ? dial->size : SMALL_PING + header) - header;
	const uint16_t id = identifier(dial);

	memset(packet, 0, length);
	packet[0] = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	packet[4] = (uint8_t)(id >> 8);
	packet[5] = (uint8_t)id;
	packet[7] = 1;
	if (v4) {
		uint16_t sum = checksum(packet, length);
		memcpy(packet + 2, &sum, sizeof sum);
	}
	return send(dial->fd, packet, length, MSG_NOSIGNAL);
}

static void begin(struct sw_dial *dial)
{
	struct sockaddr_storage address;
	struct sw_endpoint remote;
	socklen_t length;

	dial->done = false;
	dial->reach = (struct sw_reach){.how = SW_REACH_SILENCE};
	dial->began_ns = sw_clock_monotonic();
	dial->fd = open_socket(dial);
	if (dial->fd < 0) {
		finish(dial, SW_REACH_NOT_ASKED, errno);
		return;
	}
	prepare(dial);
	if (dial->source.family) {
		length = sw_endpoint_to_sockaddr(&(struct sw_endpoint){.ip = dial->source}, &address);
		(void)bind(dial->fd, (struct sockaddr *)&address, length); /* gone since: the kernel chooses */
	}
	remote = (struct sw_endpoint){.ip = dial->remote.ip, .port = dial->ping ? 0 : dial->remote.port};
	length = sw_endpoint_to_sockaddr(&remote, &address);
	if (connect(dial->fd, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS)
		finish(dial, errno == ECONNREFUSED ? SW_REACH_RST : SW_REACH_NOT_ASKED, errno);
	else if (dial->ping && send_ping(dial) < 0)
		finish(dial, SW_REACH_NOT_ASKED, errno);
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static enum sw_reach_how how_of(const struct sock_extended_err *error)
{
	const bool v6 = error->ee_origin == SO_EE_ORIGIN_ICMP6;

	if (error->ee_type == (v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED))
		return SW_REACH_TTL_EXCEEDED;
	if (v6 ? error->ee_type == ICMP6_PACKET_TOO_BIG :
		 error->ee_type == ICMP_DEST_UNREACH && error->ee_code == ICMP_FRAG_NEEDED)
		return SW_REACH_TOO_BIG;
	return SW_REACH_REJECTED;
}

static void offender(struct sw_reach *reach, const struct sock_extended_err *error)
{
	const struct sockaddr *from = SO_EE_OFFENDER(error);

	if (from->sa_family == AF_INET)
		reach->by = sw_ip_v4(((const struct sockaddr_in *)from)->sin_addr.s_addr);
	else if (from->sa_family == AF_INET6)
		reach->by = sw_ip_v6(&((const struct sockaddr_in6 *)from)->sin6_addr);
}

/* Whether an ICMP error lay in the queue. */
static bool take_error(struct sw_dial *dial)
{
	uint8_t data[512], control[512];
	struct iovec part = {data, sizeof data};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

	if (recvmsg(dial->fd, &message, MSG_ERRQUEUE) < 0)
		return false;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		bool ours = (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
			    (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR);
		const struct sock_extended_err *error = (const struct sock_extended_err *)CMSG_DATA(header);
		if (!ours || (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6))
			continue;
		offender(&dial->reach, error);
		dial->reach.mtu = error->ee_info;
		finish(dial, how_of(error), (int)error->ee_errno);
		return true;
	}
	return false;
}

static uint8_t hop_limit(struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		int ttl;
		if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
		    (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&ttl, CMSG_DATA(header), sizeof ttl);
			return (uint8_t)ttl;
		}
	}
	return 0;
}

/* An echo reply to this ping; whatever else a raw socket hears is passed over. */
static bool is_reply(const struct sw_dial *dial, const uint8_t *bytes, size_t length)
{
	const bool v4 = dial->remote.ip.family == 4;
	const size_t header = v4 && dial->raw && length ? (bytes[0] & 15u) * 4 : 0;

	if (length < header + 8 || bytes[header] != (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY))
		return false;
	/* A datagram socket's identifier is the kernel's, and it hears only its own. */
	return !dial->raw || (bytes[header + 4] << 8 | bytes[header + 5]) == identifier(dial);
}

static void take_reply(struct sw_dial *dial)
{
	uint8_t bytes[256], control[256];
	struct iovec part = {bytes, sizeof bytes};

	while (!dial->done) {
		struct msghdr message = {
			.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		ssize_t got = recvmsg(dial->fd, &message, 0);
		if (got < 0)
			return;
		if (!is_reply(dial, bytes, (size_t)got))
			continue;
		finish(dial, SW_REACH_ECHO, 0);
		dial->reach.ttl = hop_limit(&message);
	}
}

static void take_connection(struct sw_dial *dial)
{
	int error = 0;
	socklen_t length = sizeof error;

	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error == 0)
		finish(dial, SW_REACH_SYN_ACK, 0);
	else if (error == ECONNREFUSED)
		finish(dial, SW_REACH_RST, error);
	else if (error != EINPROGRESS)
		finish(dial, error == ETIMEDOUT ? SW_REACH_SILENCE : SW_REACH_REJECTED, error);
}

static void take(struct sw_dial *dial, short events)
{
	if ((events & POLLERR) && take_error(dial))
		return;
	if (dial->ping)
		take_reply(dial);
	else
		take_connection(dial);
}

void sw_dial(struct sw_dial *dials, size_t count, int64_t patience_ns)
{
	struct pollfd fds[SW_DIALS_MAX];
	int64_t until = sw_clock_monotonic() + patience_ns, left = patience_ns;
	size_t waiting = 1;

	count = count < SW_DIALS_MAX ? count : SW_DIALS_MAX;
	for (size_t i = 0; i < count; i++)
		begin(&dials[i]);
	while (waiting > 0 && left > 0) {
		waiting = 0;
		for (size_t i = 0; i < count; i++) {
			fds[i] = (struct pollfd){.fd = dials[i].done ? -1 : dials[i].fd,
						 .events = dials[i].ping ? POLLIN : POLLOUT};
			waiting += !dials[i].done;
		}
		if (waiting == 0 || (poll(fds, count, (int)(left / SW_NS_PER_MS) + 1) < 0 && errno != EINTR))
			break;
		for (size_t i = 0; i < count; i++)
			if (!dials[i].done && fds[i].revents)
				take(&dials[i], fds[i].revents);
		left = until - sw_clock_monotonic();
	}
	for (size_t i = 0; i < count; i++)
		if (dials[i].fd >= 0)
			close(dials[i].fd);
}
