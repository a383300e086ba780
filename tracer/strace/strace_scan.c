/* Pieces of strace's text: see the header. */
#include "tracer/strace/strace_scan.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct span span_trim(struct span span)
{
	while (span.at < span.end && blank(*span.at))
		span.at++;
	while (span.at < span.end && blank(span.end[-1]))
		span.end--;
	return span;
}

struct span span_after(struct span span, const char *word)
{
	size_t length = strlen(word);
	const char *found = span_empty(span) ? NULL : memmem(span.at, span_length(span), word, length);

	return found ? (struct span){found + length, span.end} : (struct span){span.end, span.end};
}

/* ---- structure ------------------------------------------------------------------------------------------------ */

/* What scanning stops at; all else is passed over at once. */
enum { IN_LIST = 1, IN_NOTE = 2, IN_STRING = 4 };
static const uint8_t stops[256] = {['('] = IN_LIST,
				   ['['] = IN_LIST,
				   ['{'] = IN_LIST,
				   [')'] = IN_LIST,
				   [']'] = IN_LIST,
				   ['}'] = IN_LIST,
				   [','] = IN_LIST,
				   ['"'] = IN_LIST | IN_STRING,
				   ['<'] = IN_LIST | IN_NOTE,
				   ['>'] = IN_NOTE,
				   ['\\'] = IN_NOTE | IN_STRING};

static const char *pass(const char *at, const char *end, uint8_t where)
{
	while (at < end && !(stops[(unsigned char)*at] & where))
		at++;
	return at;
}

static const char *skip_string(const char *at, const char *end)
{
	for (at++; (at = pass(at, end, IN_STRING)) < end; at++) {
		if (*at == '\\')
			at++;
		else
			return at + 1;
	}
	return end;
}

/* Behind the '>' that ends a descriptor's note. A path's own '<' and '>' are escaped; an arrow is none in notes of sockets. */
static const char *skip_note(const char *at, const char *end)
{
	bool path = at + 1 < end && at[1] == '/';
	int depth = 0;

	for (; (at = pass(at, end, IN_NOTE)) < end; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '<')
			depth++;
		else if ((path || at[-1] != '-') && --depth == 0)
			return at + 1;
	}
	return end;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *scan_skip(const char *at, const char *end, const char *begin)
{
	const char *next = at + 1;

	if (*at == '"')
		next = skip_string(at, end);
	else if (next < end && *at == '<' && *next == '<') /* 1<<CAP_CHOWN, and no note */
		next++;
	else if (*at == '<' && at > begin && (digit(at[-1]) || at[-1] == 'D'))
		next = skip_note(at, end);
	return next < end ? next : end;
}

const char *scan_until(const char *at, const char *end, char stop)
{
	bool listed = stop == ',' || stop == '\0';
	const char *begin = at;
	int depth = 0;

	while (at < end) {
		if (listed && (at = pass(at, end, IN_LIST)) == end)
			break;
		if (depth == 0 && *at == stop)
			return at;
		switch (*at) {
		case '(':
		case '[':
		case '{': depth++; break;
		case ')':
		case ']':
		case '}':
			if (--depth < 0)
				return at;
			break;
		case '"':
		case '<': at = scan_skip(at, end, begin); continue;
		}
		at++;
	}
	return end;
}

bool scan_element(struct span *list, struct span *element)
{
	const char *comma;

	if (span_empty(*list))
		return false;
	comma = scan_until(list->at, list->end, ',');
	*element = span_trim((struct span){list->at, comma});
	list->at = comma < list->end ? comma + 1 : list->end;
	return true;
}

struct span scan_inside(struct span span)
{
	span = span_trim(span);
	if (span_empty(span) || !strchr("[{(", *span.at))
		return (struct span){span.end, span.end};
	span.at++;
	return (struct span){span.at, scan_until(span.at, span.end, '\0')};
}

struct span scan_field(struct span inside, const char *key)
{
	size_t length = strlen(key);
	struct span element;

	while (scan_element(&inside, &element)) {
		if (!span_starts(element, key, length))
			continue;
		element.at += length;
		if (!span_empty(element) && *element.at == '(') {
			element.at = scan_until(element.at + 1, element.end, '\0');
			element.at += element.at < element.end;
		}
		if (!span_empty(element) && *element.at == '=')
			return (struct span){element.at + 1, element.end};
	}
	return (struct span){inside.end, inside.end};
}

/* ---- numbers and strings -------------------------------------------------------------------------------------- */

bool scan_number(struct span span, int64_t *number)
{
	bool negative;
	uint64_t value = 0;
	unsigned base = 10;
	const char *begin;

	span = span_trim(span);
	negative = !span_empty(span) && *span.at == '-';
	span.at += negative;
	if (SPAN_STARTS(span, "0x")) {
		base = 16;
		span.at += 2;
	} else if (span_length(span) > 1 && *span.at == '0' && digit(span.at[1])) {
		base = 8;
	}
	begin = span.at;
	for (; base == 10 && span.at < span.end && digit(*span.at); span.at++)
		value = value * 10 + (uint64_t)(*span.at - '0');
	for (; base != 10 && span.at < span.end; span.at++) {
		unsigned char c = (unsigned char)*span.at, low = c | 0x20;
		unsigned value_of = digit((char)c) ? c - 0u - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10u : 99u;

		if (value_of >= base)
			break;
		value = value * base + value_of;
	}
	*number = (int64_t)(negative ? 0 - value : value);
	return span.at > begin;
}

static int hex(char c)
{
	return digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* What stands behind a backslash; strace writes C's escapes, octal by default and hexadecimal with -x and -xx. */
static const char *escape(const char *at, const char *end, char *byte)
{
	static const char letters[256] = {['n'] = '\n', ['t'] = '\t', ['r'] = '\r', ['v'] = '\v',
					  ['f'] = '\f', ['a'] = '\a', ['b'] = '\b', ['e'] = '\033'};
	int value = 0, digits = 0;

	if (*at == 'x') {
		for (at++; at < end && digits < 2 && hex(*at) >= 0; at++, digits++)
			value = value * 16 + hex(*at);
		*byte = (char)value;
		return at;
	}
	if (*at >= '0' && *at <= '7') {
		for (; at < end && digits < 3 && *at >= '0' && *at <= '7'; at++, digits++)
			value = value * 8 + (*at - '0');
		*byte = (char)value;
		return at;
	}
	*byte = letters[(unsigned char)*at] ? letters[(unsigned char)*at] : *at;
	return at + 1;
}

size_t scan_string(struct span span, char *bytes, size_t room)
{
	size_t length = 0;

	span = span_trim(span);
	if (span_empty(span) || *span.at != '"')
		return 0;
	for (span.at++; span.at < span.end && *span.at != '"' && length < room;) {
		size_t plain = (size_t)(pass(span.at, span.end, IN_STRING) - span.at);

		if (plain > room - length)
			plain = room - length;
		if (plain) {
			memcpy(bytes + length, span.at, plain);
			span.at += plain;
			length += plain;
		} else if (span.at + 1 < span.end) {
			span.at = escape(span.at + 1, span.end, &bytes[length++]);
		} else {
			bytes[length++] = *span.at++;
		}
	}
	return length;
}

bool scan_time(struct span span, int64_t unit_ns, int64_t *ns)
{
	struct span inside = scan_inside(span), element;
	int64_t numbers[2] = {0, 0};
	int count = 0;

	while (count < 2 && scan_element(&inside, &element)) {
		struct span value = span_after(element, "=");

		if (!scan_number(span_empty(value) ? element : value, &numbers[count]))
			return false;
		if (!span_empty(span_after(element, "nsec=")))
			unit_ns = 1;
		count++;
	}
	if (count < 2 || numbers[0] > INT64_MAX / SW_NS_PER_S / 2 || numbers[0] < 0)
		return false;
	*ns = numbers[0] * SW_NS_PER_S + numbers[1] % SW_NS_PER_S * unit_ns;
	return true;
}

bool scan_constant(enum sw_constants set, struct span span, int64_t *number)
{
	const char *end;

	span = span_trim(span);
	for (end = span.at;
	     end < span.end && (digit(*end) || ((*end | 0x20) >= 'a' && (*end | 0x20) <= 'z') || *end == '_'); end++)
		;
	if (end > span.at && !digit(*span.at))
		return sw_constant_number(set, span.at, (size_t)(end - span.at), number);
	return scan_number(span, number);
}

uint64_t scan_flags(enum sw_constants set, struct span span)
{
	uint64_t flags;

	span = span_trim(span);
	sw_constants_parse(set, span.at, span.end, &flags, NULL);
	return flags;
}

/* ---- addresses ------------------------------------------------------------------------------------------------ */

static struct span call_argument(struct span span, const char *name)
{
	struct span rest = span_after(span, name);

	return (struct span){rest.at, span_empty(rest) ? rest.end : scan_until(rest.at, rest.end, '\0')};
}

static bool addr_inet(struct span inside, struct sw_addr *addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	char text[INET_ADDRSTRLEN + 1];
	int64_t port = 0;
	size_t length;

	scan_number(call_argument(inside, "htons("), &port);
	length = scan_string(call_argument(inside, "inet_addr("), text, sizeof text - 1);
	text[length] = '\0';
	if (inet_pton(AF_INET, text, &in.sin_addr) != 1)
		return false;
	in.sin_port = htons((uint16_t)port);
	sw_addr_from_sockaddr(addr, &in, sizeof in);
	return true;
}

static bool addr_inet6(struct span inside, struct sw_addr *addr)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct span words = call_argument(inside, "inet_pton("), element;
	char text[INET6_ADDRSTRLEN + 1];
	int64_t port = 0, scope = 0;
	size_t length;

	scan_number(call_argument(inside, "htons("), &port);
	for (int i = 0; i < 2; i++) /* the family, then the address */
		if (!scan_element(&words, &element))
			return false;
	length = scan_string(element, text, sizeof text - 1);
	text[length] = '\0';
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return false;
	scan_number(scan_field(inside, "sin6_scope_id"), &scope);
	in6.sin6_port = htons((uint16_t)port);
	in6.sin6_scope_id = (uint32_t)scope;
	sw_addr_from_sockaddr(addr, &in6, sizeof in6);
	return true;
}

static bool addr_unix(struct span inside, struct sw_addr *addr)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct span path = span_trim(scan_field(inside, "sun_path"));
	size_t length, abstract = !span_empty(path) && *path.at == '@';

	path.at += abstract;
	length = scan_string(path, un.sun_path + abstract, sizeof un.sun_path - abstract);
	sw_addr_from_sockaddr(addr, &un, offsetof(struct sockaddr_un, sun_path) + abstract + length);
	return true;
}

bool scan_addr(struct span span, struct sw_addr *addr)
{
	struct span inside = scan_inside(span), family = scan_field(inside, "sa_family");
	int64_t number;

	*addr = (struct sw_addr){0};
	if (span_empty(family) || *span_trim(span).at != '{' || !scan_constant(SW_CONSTANTS_FAMILY, family, &number))
		return false;
	switch (number) {
	case AF_INET: return addr_inet(inside, addr);
	case AF_INET6: return addr_inet6(inside, addr);
	case AF_UNIX: return addr_unix(inside, addr);
	default:
		addr->present = true;
		addr->family = (uint16_t)number;
		return true;
	}
}

bool scan_endpoint(struct span span, struct sw_addr *addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const char *colon = memrchr(span.at, ':', span_length(span));
	char text[INET6_ADDRSTRLEN + 1];
	struct span ip;
	int64_t port;

	if (!colon || !scan_number((struct span){colon + 1, span.end}, &port) || port < 0 || port > UINT16_MAX)
		return false;
	ip = (struct span){span.at, colon};
	if (!span_empty(ip) && *ip.at == '[' && ip.end[-1] == ']')
		ip = (struct span){ip.at + 1, ip.end - 1};
	if (span_empty(ip) || span_length(ip) >= sizeof text)
		return false;
	memcpy(text, ip.at, span_length(ip));
	text[span_length(ip)] = '\0';
	in.sin_port = in6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		sw_addr_from_sockaddr(addr, &in, sizeof in);
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		sw_addr_from_sockaddr(addr, &in6, sizeof in6);
	else
		return false;
	return true;
}

bool scan_fd(struct span span, int32_t *fd, struct span *note)
{
	const char *open;
	int64_t number;

	span = span_trim(span);
	*note = (struct span){span.end, span.end};
	if (span_empty(span) || (!digit(*span.at) && *span.at != '-') || !scan_number(span, &number))
		return false;
	if (number < INT32_MIN || number > INT32_MAX)
		return false;
	*fd = (int32_t)number;
	for (open = span.at; open < span.end && (digit(*open) || *open == '-'); open++)
		;
	if (open < span.end && *open == '<') {
		/* Mostly it ends where its note ends. */
		bool whole = span.end[-1] == '>' && !memchr(open + 1, '<', (size_t)(span.end - open - 1));
		const char *close = whole ? span.end : skip_note(open, span.end);

		*note = (struct span){open + 1, close > open + 1 && close[-1] == '>' ? close - 1 : close};
	}
	return true;
}
