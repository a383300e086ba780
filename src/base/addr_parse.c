/* Addresses read from the text that addr.c writes. Anything else is refused as a whole. */
#include "src/base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "src/base/names.h"

bool sw_ip_parse(const char *text, struct sw_ip *ip)
{
	uint8_t bytes[16];

	if (strcmp(text, "*") == 0) {
		*ip = (struct sw_ip){0};
		return true;
	}
	if (inet_pton(AF_INET, text, bytes) == 1) {
		uint32_t v4;

		memcpy(&v4, bytes, 4);
		*ip = sw_ip_v4(v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return false;
	*ip = sw_ip_v6(bytes);
	return true;
}

static bool number_parse(const char *text, uint32_t most, uint32_t *number)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > most)
			return false;
	}
	*number = (uint32_t)value;
	return true;
}

/* "host:port", "[host]:port", "[host%scope]:port". `was_v6` tells a mapped address from an IPv4 one. */
static bool endpoint_parse(const char *text, struct sw_endpoint *endpoint, uint32_t *scope, bool *was_v6)
{
	char host[INET6_ADDRSTRLEN + 16];
	const char *colon = strrchr(text, ':');
	uint32_t port;

	*scope = 0;
	if (!colon || (size_t)(colon - text) >= sizeof host || !number_parse(colon + 1, UINT16_MAX, &port))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*was_v6 = host[0] == '[';
	if (*was_v6) {
		size_t length = strlen(host);

		if (host[length - 1] != ']')
			return false;
		host[length - 1] = '\0';

		char *percent = strchr(host, '%');

		if (percent && !number_parse(percent + 1, UINT32_MAX, scope))
			return false;
		if (percent)
			*percent = '\0';
	}
	if ((strchr(host, ':') != NULL) != *was_v6 || !sw_ip_parse(host + *was_v6, &endpoint->ip))
		return false;
	endpoint->port = (uint16_t)port;
	return true;
}

bool sw_endpoint_parse(const char *text, struct sw_endpoint *endpoint)
{
	uint32_t scope;
	bool was_v6;

	return endpoint_parse(text, endpoint, &scope, &was_v6);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool path_parse(const char *text, struct sw_addr *addr)
{
	addr->abstract = *text == '@';
	for (text += addr->abstract; *text; text++) {
		if (addr->path_length == SW_PATH_MAX)
			return false;
		if (*text != '\\') {
			addr->path[addr->path_length++] = *text;
			continue;
		}
		if (text[1] != 'x' || hex_digit(text[2]) < 0 || hex_digit(text[3]) < 0)
			return false;
		addr->path[addr->path_length++] = (char)(hex_digit(text[2]) << 4 | hex_digit(text[3]));
		text += 3;
	}
	/* The leading NUL of an abstract name counts as well. */
	return !addr->abstract || addr->path_length < SW_PATH_MAX;
}

static bool family_parse(const char *text, struct sw_addr *addr)
{
	for (uint16_t family = 0; family < AF_MAX; family++)
		if (strcmp(text, sw_family_name(family)) == 0) {
			addr->family = family;
			addr->present = true;
			return true;
		}
	return false;
}

bool sw_addr_parse(const char *text, struct sw_addr *addr)
{
	bool was_v6;

	*addr = (struct sw_addr){0};
	if (strcmp(text, "NULL") == 0 || family_parse(text, addr))
		return true;
	addr->present = true;
	if (strncmp(text, "unix:", 5) == 0) {
		addr->family = AF_UNIX;
		return path_parse(text + 5, addr);
	}
	if (!endpoint_parse(text, &addr->endpoint, &addr->scope, &was_v6))
		return false;
	addr->family = was_v6 ? AF_INET6 : AF_INET;
	addr->mapped = was_v6 && addr->endpoint.ip.family == 4;
	return true;
}
