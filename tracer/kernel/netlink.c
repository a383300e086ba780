/* Netlink messages: see netlink.h. */
#include "tracer/kernel/netlink.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/base/clock.h"

#define RECEIVE_ROOM 32768 /* what the kernel fills at most for a dump */

static struct nlmsghdr *header_of(struct sw_netlink_request *request)
{
	return (struct nlmsghdr *)(void *)request->bytes;
}

void sw_netlink_begin(struct sw_netlink_request *request, uint16_t type, uint16_t flags, const void *fixed,
		      size_t length)
{
	assert(NLMSG_SPACE(length) <= sizeof request->bytes);
	memset(request, 0, sizeof *request);
	struct nlmsghdr *header = header_of(request);
	header->nlmsg_type = type;
	header->nlmsg_flags = flags | NLM_F_REQUEST;
	header->nlmsg_len = (uint32_t)NLMSG_LENGTH(length);
	memcpy(request->bytes + NLMSG_HDRLEN, fixed, length);
}

void sw_netlink_put(struct sw_netlink_request *request, uint16_t type, const void *data, size_t length)
{
	struct nlmsghdr *header = header_of(request);
	size_t at = NLMSG_ALIGN(header->nlmsg_len);
	assert(at + NLA_HDRLEN + NLA_ALIGN(length) <= sizeof request->bytes);
	struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = type};
	memcpy(request->bytes + at, &attribute, sizeof attribute);
	if (length)
		memcpy(request->bytes + at + NLA_HDRLEN, data, length);
	header->nlmsg_len = (uint32_t)(at + NLA_HDRLEN + NLA_ALIGN(length));
}

void sw_netlink_put_u32(struct sw_netlink_request *request, uint16_t type, uint32_t value)
{
	sw_netlink_put(request, type, &value, sizeof value);
}

size_t sw_netlink_nest(struct sw_netlink_request *request, uint16_t type)
{
	size_t at = NLMSG_ALIGN(header_of(request)->nlmsg_len);
	sw_netlink_put(request, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void sw_netlink_nest_end(struct sw_netlink_request *request, size_t offset)
{
	struct nlattr attribute;
	memcpy(&attribute, request->bytes + offset, sizeof attribute);
	attribute.nla_len = (uint16_t)(header_of(request)->nlmsg_len - offset);
	memcpy(request->bytes + offset, &attribute, sizeof attribute);
}

void sw_netlink_attributes(const void *bytes, size_t length, const struct nlattr **table, size_t count)
{
	memset(table, 0, count * sizeof *table);
	const uint8_t *at = bytes;
	while (length >= NLA_HDRLEN) {
		const struct nlattr *attribute = (const struct nlattr *)(const void *)at;
		size_t step = NLA_ALIGN((size_t)attribute->nla_len);
		if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > length)
			return;
		unsigned type = attribute->nla_type & NLA_TYPE_MASK;
		if (type < count)
			table[type] = attribute;
		if (step >= length)
			return;
		at += step;
		length -= step;
	}
}

uint32_t sw_netlink_u32(const struct nlattr *attribute, uint32_t absent)
{
	uint32_t value;
	if (!attribute || sw_netlink_length(attribute) < sizeof value)
		return absent;
	memcpy(&value, sw_netlink_data(attribute), sizeof value);
	return value;
}

bool sw_netlink_string(const struct nlattr *attribute, char *text, size_t size)
{
	if (!attribute)
		return false;
	size_t length = strnlen(sw_netlink_data(attribute), sw_netlink_length(attribute));
	if (length >= size)
		length = size - 1;
	memcpy(text, sw_netlink_data(attribute), length);
	text[length] = '\0';
	return true;
}

/* The next datagram of the kernel's own (port 0); 0 when something else came, -ETIMEDOUT when nothing did in time. */
static ssize_t receive(int fd, void *buffer, size_t room, int64_t deadline_ns)
{
	struct sockaddr_nl from = {0};
	socklen_t length = sizeof from;
	ssize_t got;
	while ((got = recvfrom(fd, buffer, room, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &length)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		int64_t left = deadline_ns - sw_clock_monotonic();
		if (left <= 0)
			return -ETIMEDOUT;
		struct timespec wait = {.tv_sec = left / SW_NS_PER_S, .tv_nsec = left % SW_NS_PER_S};
		ppoll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, &wait, NULL);
	}
	if (from.nl_pid != 0)
		return 0;
	return (size_t)got > room ? -EMSGSIZE : got;
}

enum walk { MORE, FINISHED };

/* The messages of one datagram that belong to `sequence`. FINISHED, MORE, or a negative errno. The answer to a plain
 * question is one message, whatever it says of itself: conntrack calls it one of several. */
static int walk(const uint8_t *at, size_t length, uint32_t sequence, bool dump, sw_netlink_each *each, void *context)
{
	while (length >= NLMSG_HDRLEN) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)at;
		if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > length)
			return -EBADMSG;
		size_t payload = message->nlmsg_len - (size_t)NLMSG_HDRLEN;
		if (message->nlmsg_seq != sequence) {
			/* an answer to an earlier question, which came too late */
		} else if (message->nlmsg_type == NLMSG_DONE) {
			return FINISHED;
		} else if (message->nlmsg_type == NLMSG_ERROR) {
			int32_t error = -EBADMSG;
			if (payload >= sizeof error)
				memcpy(&error, at + NLMSG_HDRLEN, sizeof error);
			return error ? error : FINISHED;
		} else if (message->nlmsg_type >= NLMSG_MIN_TYPE) {
			bool more = !each || each(context, message, payload);
			if (!dump || !(message->nlmsg_flags & NLM_F_MULTI))
				return FINISHED;
			if (!more)
				return -ECANCELED;
		}
		size_t step = NLMSG_ALIGN((size_t)message->nlmsg_len);
		if (step >= length)
			break;
		at += step;
		length -= step;
	}
	return MORE;
}

int sw_netlink_ask(int fd, struct sw_netlink_request *request, int64_t deadline_ns, sw_netlink_each *each,
		   void *context)
{
	static uint32_t sequences;
	_Alignas(struct nlmsghdr) static _Thread_local uint8_t buffer[RECEIVE_ROOM];
	struct nlmsghdr *header = header_of(request);
	bool dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	uint32_t sequence = header->nlmsg_seq = __atomic_add_fetch(&sequences, 1, __ATOMIC_RELAXED);
	if (send(fd, request->bytes, header->nlmsg_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	for (;;) {
		ssize_t got = receive(fd, buffer, sizeof buffer, deadline_ns);
		if (got < 0)
			return (int)got;
		int result = walk(buffer, (size_t)got, sequence, dump, each, context);
		if (result == FINISHED)
			return 0;
		if (result < 0)
			return result;
		if (sw_clock_monotonic() > deadline_ns)
			return -ETIMEDOUT;
	}
}
