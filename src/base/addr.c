/* Addresses: from the kernel's form, compared, and written as text. addr_parse.c reads the text again.
 *
 * Knows nothing of name resolution: an address is numbers or a path. */
#include "src/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "src/base/names.h"

struct sw_ip sw_ip_v4(uint32_t network_order)
{
	struct sw_ip ip = {.family = 4};

	memcpy(ip.bytes, &network_order, 4);
	return ip;
}

struct sw_ip sw_ip_v6(const void *bytes16)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sw_ip ip = {.family = 6};
	const uint8_t *bytes = bytes16;

	if (memcmp(bytes, mapped, sizeof mapped) == 0) {
		ip.family = 4;
		memcpy(ip.bytes, bytes + 12, 4);
	} else {
		memcpy(ip.bytes, bytes, 16);
	}
	return ip;
}

socklen_t sw_endpoint_to_sockaddr(const struct sw_endpoint *endpoint, struct sockaddr_storage *storage)
{
	*storage = (struct sockaddr_storage){0};
	if (endpoint->ip.family == 4) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(endpoint->port);
		memcpy(&v4->sin_addr, endpoint->ip.bytes, sizeof v4->sin_addr);
		return sizeof *v4;
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(endpoint->port);
	memcpy(&v6->sin6_addr, endpoint->ip.bytes, sizeof v6->sin6_addr);
	return sizeof *v6;
}

static void from_inet(struct sw_addr *addr, const void *sockaddr, size_t length)
{
	struct sockaddr_in in = {0};

	/* The kernel wants 16 bytes; what matters are the first 8. */
	if (length < 8)
		return;
	memcpy(&in, sockaddr, length < sizeof in ? length : sizeof in);
	addr->endpoint.ip = sw_ip_v4(in.sin_addr.s_addr);
	addr->endpoint.port = ntohs(in.sin_port);
}

static void from_inet6(struct sw_addr *addr, const void *sockaddr, size_t length)
{
	struct sockaddr_in6 in6 = {0};

	/* RFC 2133's form, which the kernel accepts too, ends before the scope. */
	if (length < offsetof(struct sockaddr_in6, sin6_scope_id))
		return;
	memcpy(&in6, sockaddr, length < sizeof in6 ? length : sizeof in6);
	addr->endpoint.ip = sw_ip_v6(&in6.sin6_addr);
	addr->endpoint.port = ntohs(in6.sin6_port);
	addr->mapped = addr->endpoint.ip.family == 4;
	addr->scope = in6.sin6_scope_id;
}

static void from_unix(struct sw_addr *addr, const void *sockaddr, size_t length)
{
	const char *path = (const char *)sockaddr + offsetof(struct sockaddr_un, sun_path);
	size_t room = length - offsetof(struct sockaddr_un, sun_path);

	if (room > SW_PATH_MAX)
		room = SW_PATH_MAX;
	if (room == 0)
		return; /* unnamed */
	addr->abstract = path[0] == '\0';
	addr->path_length = (uint8_t)(addr->abstract ? room - 1 : strnlen(path, room));
	memcpy(addr->path, path + addr->abstract, addr->path_length);
}

void sw_addr_from_sockaddr(struct sw_addr *addr, const void *sockaddr, size_t length)
{
	*addr = (struct sw_addr){0};
	if (!sockaddr || length < sizeof(sa_family_t))
		return;

	sa_family_t family;

	memcpy(&family, sockaddr, sizeof family);
	addr->present = true;
	addr->family = family;
	if (family == AF_INET)
		from_inet(addr, sockaddr, length);
	else if (family == AF_INET6)
		from_inet6(addr, sockaddr, length);
	else if (family == AF_UNIX)
		from_unix(addr, sockaddr, length);
}

bool sw_ip_equal(const struct sw_ip *a, const struct sw_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool sw_ip_is_loopback(const struct sw_ip *ip)
{
	return (ip->family == 4 && ip->bytes[0] == 127) ||
	       (ip->family == 6 && memcmp(ip->bytes, &in6addr_loopback, 16) == 0);
}

bool sw_ip_is_any(const struct sw_ip *ip)
{
	static const uint8_t zero[16];

	return ip->family != 0 && memcmp(ip->bytes, zero, sizeof zero) == 0;
}

bool sw_ip_is_multicast(const struct sw_ip *ip)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	return (ip->family == 4 && (ip->bytes[0] >> 4 == 14 || memcmp(ip->bytes, broadcast, 4) == 0)) ||
	       (ip->family == 6 && ip->bytes[0] == 0xff);
}

bool sw_ip_is_link_local(const struct sw_ip *ip)
{
	return (ip->family == 4 && ip->bytes[0] == 169 && ip->bytes[1] == 254) ||
	       (ip->family == 6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80);
}

bool sw_endpoint_equal(const struct sw_endpoint *a, const struct sw_endpoint *b)
{
	return a->port == b->port && sw_ip_equal(&a->ip, &b->ip);
}

uint32_t sw_endpoint_hash(const struct sw_endpoint *endpoint)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	hash = (hash ^ endpoint->ip.family) * 16777619u;
	for (size_t i = 0; i < sizeof endpoint->ip.bytes; i++)
		hash = (hash ^ endpoint->ip.bytes[i]) * 16777619u;
	hash = (hash ^ (endpoint->port & 0xffu)) * 16777619u;
	return (hash ^ (endpoint->port >> 8)) * 16777619u;
}

char *sw_ip_text(const struct sw_ip *ip, char *buffer)
{
	if (ip->family == 4)
		inet_ntop(AF_INET, ip->bytes, buffer, SW_ADDR_TEXT);
	else if (ip->family == 6)
		inet_ntop(AF_INET6, ip->bytes, buffer, SW_ADDR_TEXT);
	else
		strcpy(buffer, "*");
	return buffer;
}

static char *endpoint_text(const struct sw_endpoint *endpoint, uint32_t scope, char *buffer)
{
	char ip[INET6_ADDRSTRLEN];
	char scope_text[16] = "";

	sw_ip_text(&endpoint->ip, buffer);
	snprintf(ip, sizeof ip, "%.45s", buffer);
	if (scope)
		snprintf(scope_text, sizeof scope_text, "%%%u", scope);
	if (endpoint->ip.family == 6)
		snprintf(buffer, SW_ADDR_TEXT, "[%s%s]:%u", ip, scope_text, endpoint->port);
	else
		snprintf(buffer, SW_ADDR_TEXT, "%s:%u", ip, endpoint->port);
	return buffer;
}

char *sw_endpoint_text(const struct sw_endpoint *endpoint, char *buffer)
{
	return endpoint_text(endpoint, 0, buffer);
}

static bool escaped(const struct sw_addr *addr, size_t i)
{
	unsigned char c = (unsigned char)addr->path[i];

	/* A leading "@" of a path would read as an abstract name. */
	return c < 0x20 || c == 0x7f || c == '\\' || (i == 0 && c == '@' && !addr->abstract);
}

static char *unix_text(const struct sw_addr *addr, char *buffer)
{
	/* 108 bytes of four characters each and the prefix are less than SW_ADDR_TEXT. */
	char *out = stpcpy(buffer, addr->abstract ? "unix:@" : "unix:");

	for (size_t i = 0; i < addr->path_length && i < SW_PATH_MAX; i++)
		if (escaped(addr, i))
			out += sprintf(out, "\\x%02x", (unsigned char)addr->path[i]);
		else
			*out++ = addr->path[i];
	*out = '\0';
	return buffer;
}

char *sw_addr_text(const struct sw_addr *addr, char *buffer)
{
	if (!addr->present)
		return strcpy(buffer, "NULL");
	if (addr->family == AF_UNIX)
		return unix_text(addr, buffer);
	if (addr->endpoint.ip.family)
		return endpoint_text(&addr->endpoint, addr->scope, buffer);
	return strcpy(buffer, sw_family_name(addr->family));
}
