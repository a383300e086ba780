/* Addresses as both timelines name them: IP addresses, endpoints, decoded sockaddrs, and the ownership of ports.
 *
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d, as Java uses them) are normalised to IPv4 where they are decoded, so that
 * a call and its packets compare equal. Ports are in host byte order. */
#ifndef SW_BASE_ADDR_H
#define SW_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct sw_ip {
	uint8_t family; /* 0: none, 4 or 6 */
	uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
};

struct sw_endpoint {
	struct sw_ip ip;
	uint16_t port; /* 0: none */
};

#define SW_PATH_MAX 108 /* sun_path, unix(7) */

struct sw_addr { /* a sockaddr */
	uint16_t family; /* AF_*; AF_UNSPEC with present=false: none */
	bool present;
	bool mapped; /* was an IPv4-mapped IPv6 address */
	bool abstract; /* AF_UNIX: path without the leading NUL */
	uint8_t path_length; /* AF_UNIX: bytes of path */
	uint32_t scope; /* IPv6 scope id */
	struct sw_endpoint endpoint; /* AF_INET, AF_INET6 */
	char path[SW_PATH_MAX + 1]; /* AF_UNIX; NUL terminated */
};

/* From the kernel's form; `length` as the call gave it, checked against `room` bytes that were really read. */
void sw_addr_from_sockaddr(struct sw_addr *addr, const void *sockaddr, size_t length);

/* Back to it; its length. */
socklen_t sw_endpoint_to_sockaddr(const struct sw_endpoint *endpoint, struct sockaddr_storage *storage);

bool sw_ip_equal(const struct sw_ip *a, const struct sw_ip *b);
bool sw_ip_is_loopback(const struct sw_ip *ip); /* 127.0.0.0/8, ::1 */
bool sw_ip_is_any(const struct sw_ip *ip);
bool sw_ip_is_multicast(const struct sw_ip *ip); /* and 255.255.255.255 */
bool sw_ip_is_link_local(const struct sw_ip *ip);
struct sw_ip sw_ip_v4(uint32_t network_order);
struct sw_ip sw_ip_v6(const void *bytes16); /* normalises mapped addresses */
bool sw_endpoint_equal(const struct sw_endpoint *a, const struct sw_endpoint *b);
uint32_t sw_endpoint_hash(const struct sw_endpoint *endpoint);

/* Text: "10.0.0.1:80", "[fd00::1]:80", "unix:/path", "unix:@abstract"; parse accepts the same. Control characters of a
 * path are escaped (\xNN). The buffers are at least SW_ADDR_TEXT bytes. They return `buffer`. */
#define SW_ADDR_TEXT 512
char *sw_ip_text(const struct sw_ip *ip, char *buffer);
char *sw_endpoint_text(const struct sw_endpoint *endpoint, char *buffer);
char *sw_addr_text(const struct sw_addr *addr, char *buffer);
bool sw_ip_parse(const char *text, struct sw_ip *ip);
bool sw_endpoint_parse(const char *text, struct sw_endpoint *endpoint);
bool sw_addr_parse(const char *text, struct sw_addr *addr);

/* Who owns which port when: what the tracer tells the capture. An open interval has until_ns INT64_MAX. */
struct sw_owner {
	uint32_t netns; /* the session's number of the network namespace, 0: the one it began in */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, ... */
	bool mine; /* false: no longer ours from `since_ns` on */
	struct sw_endpoint local; /* ip.family 0: any address */
	struct sw_endpoint remote; /* port 0: any remote end */
	int64_t since_ns, until_ns; /* real-time clock */
};

#endif
