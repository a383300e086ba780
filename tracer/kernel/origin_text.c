/* The texts of origin.h: lines of a hosts file and of resolv.conf, proxy variables. hosts(5), resolv.conf(5); RFC 3986, 3.2 (the authority of a URL). */
#include <ctype.h>
#include <string.h>

#include "src/base/mem.h"
#include "tracer/kernel/origin.h"

static const char blanks[] = " \t\r\f\v";

/* "fe80::1%eth0" is fe80::1. */
static bool parse_address(const char *at, size_t length, struct sw_ip *ip)
{
	char text[64];

	if (length == 0 || length >= sizeof text)
		return false;
	memcpy(text, at, length);
	text[length] = '\0';
	text[strcspn(text, "%")] = '\0';
	return sw_ip_parse(text, ip);
}

static size_t add_names(const char *at, const char *end, char *names, size_t length, size_t size)
{
	while (at < end) {
		at += strspn(at, blanks);
		size_t word = strcspn(at, " \t\r\f\v\n#");

		if (at >= end || !word)
			break;
		if (length + word + 2 > size)
			return length;
		if (length)
			names[length++] = ' ';
		memcpy(names + length, at, word);
		length += word;
		names[length] = '\0';
		at += word;
	}
	return length;
}

bool sw_hosts_names(const char *text, const struct sw_ip *ip, char *names, size_t size)
{
	size_t length = 0;

	names[0] = '\0';
	for (const char *line = text; *line; line += *line == '\n') {
		const char *end = line + strcspn(line, "\n#"), *at = line + strspn(line, blanks);
		size_t word = strcspn(at, " \t\r\f\v\n#");
		struct sw_ip address;

		if (at < end && parse_address(at, word, &address) && sw_ip_equal(&address, ip))
			length = add_names(at + word, end, names, length, size);
		line = end + strcspn(end, "\n");
	}
	return length > 0;
}

bool sw_resolv_has(const char *text, const struct sw_ip *ip)
{
	static const char keyword[] = "nameserver";

	for (const char *line = text; *line; line += *line == '\n') {
		const char *end = line + strcspn(line, "\n"), *at = line + strspn(line, blanks);
		struct sw_ip address;

		if (strncmp(at, keyword, sizeof keyword - 1) == 0 && strchr(blanks, at[sizeof keyword - 1]) &&
		    at[sizeof keyword - 1]) {
			at += sizeof keyword - 1;
			at += strspn(at, blanks);
			if (parse_address(at, strcspn(at, " \t\r\f\v\n#;"), &address) && sw_ip_equal(&address, ip))
				return true;
		}
		line = end;
	}
	return false;
}

const char *sw_proxy_variable(const char *entry)
{
	static const char *const variables[] = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
						"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"};

	for (size_t i = 0; i < SW_COUNT(variables); i++) {
		size_t length = strlen(variables[i]);

		if (strncmp(entry, variables[i], length) == 0 && entry[length] == '=')
			return variables[i];
	}
	return NULL;
}

void sw_proxy_without_secret(char *value)
{
	char *scheme = strstr(value, "://"), *begin = scheme ? scheme + 3 : value;
	char *at = NULL;

	/* A password may hold what ends an authority where it should have been escaped: the last @ counts. */
	for (char *c = begin; *c; c++)
		if (*c == '@')
			at = c;
	if (at)
		memmove(begin, at + 1, strlen(at + 1) + 1);
	begin[strcspn(begin, "/?#")] = '\0';
	for (char *c = value; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}
