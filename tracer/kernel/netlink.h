/* Netlink messages: building a request, walking an answer, attributes. Nothing of namespaces or of what is asked.
 *
 * Enters: a socket, a request. Leaves: the answer's messages, one call each. Every length is checked against what
 * was received; an answer is waited for at most until a deadline. Source: netlink(7). */
#ifndef SW_TRACER_NETLINK_H
#define SW_TRACER_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_netlink_request {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
};

/* Begins a request whose fixed part is `fixed`; NLM_F_REQUEST is added. */
void sw_netlink_begin(struct sw_netlink_request *request, uint16_t type, uint16_t flags, const void *fixed,
		      size_t length);
/* Adds an attribute; asserts that there is room (requests are ours, and small). */
void sw_netlink_put(struct sw_netlink_request *request, uint16_t type, const void *data, size_t length);
void sw_netlink_put_u32(struct sw_netlink_request *request, uint16_t type, uint32_t value);
/* A nested attribute: its offset, to be given to the end. */
size_t sw_netlink_nest(struct sw_netlink_request *request, uint16_t type);
void sw_netlink_nest_end(struct sw_netlink_request *request, size_t offset);

/* Attributes 0 .. count-1 of `length` bytes into table (NULL where absent); those beyond count are skipped. */
void sw_netlink_attributes(const void *bytes, size_t length, const struct nlattr **table, size_t count);
static inline const void *sw_netlink_data(const struct nlattr *attribute)
{
	return (const char *)attribute + NLA_HDRLEN;
}
static inline size_t sw_netlink_length(const struct nlattr *attribute)
{
	return attribute->nla_len - (size_t)NLA_HDRLEN;
}
/* The value, or `absent` when there is none or it is too short. Network order is the caller's work. */
uint32_t sw_netlink_u32(const struct nlattr *attribute, uint32_t absent);
/* A NUL-terminated copy; false when absent. */
bool sw_netlink_string(const struct nlattr *attribute, char *text, size_t size);

/* The fixed part and attributes of one message; false ends the walk early. */
typedef bool sw_netlink_each(void *context, const struct nlmsghdr *message, size_t payload);

/* Sends and delivers what comes back: 0, or the kernel's error, -ETIMEDOUT after `deadline_ns` (monotonic),
 * -ECANCELED when `each` stopped it. After the last two the socket must not be used again: the rest of a dump would
 * be in its way. */
int sw_netlink_ask(int fd, struct sw_netlink_request *request, int64_t deadline_ns, sw_netlink_each *each,
		   void *context);

#endif
