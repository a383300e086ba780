/* Words, tokens and addresses of the text form: see the header. */
#include "tracer/text/text_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/names.h"

const struct sw_word sw_words_call_flags[] = {
	{"unfinished", SW_CALL_UNFINISHED},
	{"nonblocking", SW_CALL_NONBLOCKING},
	{"restarted", SW_CALL_RESTARTED},
	{"by-tool", SW_CALL_BY_TOOL},
	{"started-before", SW_CALL_STARTED_BEFORE},
	{"peek", SW_CALL_PEEK},
	{"errqueue", SW_CALL_ERRQUEUE},
	{"last-close", SW_CALL_LAST_CLOSE},
	{"shared-close", SW_CALL_SHARED_CLOSE},
	{"injected", SW_CALL_INJECTED},
	{"fastopen", SW_CALL_FASTOPEN},
	{"waitall", SW_CALL_WAITALL},
	{NULL, 0},
};

const struct sw_word sw_words_socket_flags[] = {
	{"inherited", SW_SOCKET_INHERITED},
	{"pair", SW_SOCKET_PAIR},
	{"nonblocking", SW_SOCKET_NONBLOCKING},
	{"listening", SW_SOCKET_LISTENING},
	{"accepted", SW_SOCKET_ACCEPTED},
	{"mapped", SW_SOCKET_MAPPED},
	{"io-uring", SW_SOCKET_IO_URING},
	{"mptcp", SW_SOCKET_MPTCP},
	{"bound", SW_SOCKET_BOUND},
	{"gone", SW_SOCKET_GONE},
	{NULL, 0},
};

const struct sw_word sw_words_events[] = {
	{"IN", 0x1},
	{"PRI", 0x2},
	{"OUT", 0x4},
	{"ERR", 0x8},
	{"HUP", 0x10},
	{"NVAL", 0x20},
	{"RDNORM", 0x40},
	{"RDBAND", 0x80},
	{"WRNORM", 0x100},
	{"WRBAND", 0x200},
	{"MSG", 0x400},
	{"RDHUP", 0x2000},
	{"EXCLUSIVE", 1u << 28},
	{"WAKEUP", 1u << 29},
	{"ONESHOT", 1u << 30},
	{"ET", 1u << 31},
	{NULL, 0},
};

const struct sw_word sw_words_domains[] = {
	{"inet", AF_INET},       {"inet6", AF_INET6},   {"unix", AF_UNIX},
	{"netlink", AF_NETLINK}, {"packet", AF_PACKET}, {NULL, 0},
};

const struct sw_word sw_words_types[] = {
	{"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM}, {"seqpacket", SOCK_SEQPACKET}, {"raw", SOCK_RAW}, {NULL, 0},
};

void sw_words_add(struct sw_out *out, const struct sw_word *words, uint64_t bits, char separator)
{
	bool any = false;

	for (; words->name; words++)
		if (bits & words->bit) {
			if (any)
				sw_out_add(out, "%c", separator);
			sw_out_string(out, words->name);
			bits &= ~words->bit;
			any = true;
		}
	if (bits && any)
		sw_out_add(out, "%c", separator);
	if (bits)
		sw_out_add(out, "0x%llx", (unsigned long long)bits);
	else if (!any)
		sw_out_string(out, "0");
}

bool sw_word_find(const struct sw_word *words, const char *text, size_t length, uint64_t *bit)
{
	for (; words->name; words++)
		if (strncmp(words->name, text, length) == 0 && words->name[length] == '\0') {
			*bit = words->bit;
			return true;
		}
	return false;
}

const char *sw_word_name(const struct sw_word *words, uint64_t bit)
{
	for (; words->name; words++)
		if (words->bit == bit)
			return words->name;
	return NULL;
}

bool sw_words_parse(const struct sw_word *words, const char *text, size_t length, char separator, uint64_t *bits)
{
	const char *end = text + length;

	*bits = 0;
	while (text < end) {
		const char *stop = memchr(text, separator, (size_t)(end - text));
		struct sw_token word = {text, (size_t)((stop ? stop : end) - text)};
		uint64_t bit;
		int64_t number;

		if (sw_word_find(words, word.text, word.length, &bit))
			*bits |= bit;
		else if (sw_token_number(&word, &number))
			*bits |= (uint64_t)number;
		else
			return false;
		text = stop ? stop + 1 : end;
	}
	return true;
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool sw_token_next(const char **line, struct sw_token *token)
{
	const char *at = *line;
	bool quoted = false;

	while (blank(*at))
		at++;
	token->text = at;
	for (; *at && (quoted || !blank(*at)); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && quoted && at[1])
			at++;
	}
	token->length = (size_t)(at - token->text);
	*line = at;
	return token->length > 0;
}

bool sw_token_is(const struct sw_token *token, const char *word)
{
	return strncmp(token->text, word, token->length) == 0 && word[token->length] == '\0';
}

bool sw_token_number(const struct sw_token *token, int64_t *number)
{
	char text[40], *end;

	if (token->length == 0 || token->length >= sizeof text)
		return false;
	memcpy(text, token->text, token->length);
	text[token->length] = '\0';
	if (!isdigit((unsigned char)text[text[0] == '-']))
		return false;
	errno = 0;
	/* Hexadecimal words are bits and may have the highest one. */
	*number = strncmp(text, "0x", 2) == 0 ? (int64_t)strtoull(text, &end, 16) : strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

bool sw_token_time(const struct sw_token *token, int64_t *ns)
{
	char text[40];
	const char *end;
	bool negative;

	if (sw_token_is(token, "-")) {
		*ns = SW_TIME_NONE;
		return true;
	}
	if (token->length >= sizeof text)
		return false;
	memcpy(text, token->text, token->length);
	text[token->length] = '\0';
	negative = text[0] == '-';
	if (!isdigit((unsigned char)text[negative]))
		return false;
	end = sw_time_parse(text + negative, ns);
	if (negative)
		*ns = -*ns;
	return end && *end == '\0';
}

bool sw_token_split(const struct sw_token *token, struct sw_token *key, struct sw_token *value)
{
	const char *equals = memchr(token->text, '=', token->length), *quote = memchr(token->text, '"', token->length);

	if (!equals || equals == token->text || (quote && quote < equals))
		return false;
	*key = (struct sw_token){token->text, (size_t)(equals - token->text)};
	*value = (struct sw_token){equals + 1, token->length - key->length - 1};
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* One escape behind its backslash; returns how many bytes of the text it took. */
static size_t unescape(const char *text, const char *end, char *byte)
{
	if (*text == 'x' && end - text >= 3 && hex_digit(text[1]) >= 0 && hex_digit(text[2]) >= 0) {
		*byte = (char)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
		return 3;
	}
	*byte = *text == 'n' ? '\n' : *text == 'r' ? '\r' : *text == 't' ? '\t' : *text;
	return 1;
}

size_t sw_token_unquote(const struct sw_token *token, char *buffer)
{
	const char *at = token->text, *end = at + token->length;
	bool quoted = at < end && *at == '"';
	size_t length = 0;

	for (at += quoted; at < end; at++) {
		if (quoted && *at == '"')
			break;
		if (quoted && *at == '\\' && at + 1 < end)
			at += unescape(at + 1, end, &buffer[length++]);
		else
			buffer[length++] = *at;
	}
	buffer[length] = '\0';
	return length;
}

/* ---- addresses and times -------------------------------------------------------------------------------------- */

void sw_text_time_add(struct sw_out *out, int64_t ns)
{
	char text[32];

	if (ns == SW_TIME_NONE)
		sw_out_string(out, "-");
	else
		sw_out_add(out, "%s%s", ns < 0 ? "-" : "", sw_time_text(ns < 0 ? -ns : ns, text));
}

static bool plain_path(const struct sw_addr *addr)
{
	for (size_t i = 0; i < addr->path_length; i++)
		if (!isgraph((unsigned char)addr->path[i]) || addr->path[i] == '"' || addr->path[i] == '\\')
			return false;
	return addr->path_length == 0 || addr->path[0] != '@';
}

static void add_unix(struct sw_out *out, const struct sw_addr *addr)
{
	sw_out_string(out, addr->abstract ? "unix:@" : "unix:");
	if (plain_path(addr))
		sw_out_add(out, "%.*s", addr->path_length, addr->path);
	else
		sw_out_quoted(out, addr->path, addr->path_length);
}

void sw_text_addr_add(struct sw_out *out, const struct sw_addr *addr)
{
	char text[SW_ADDR_TEXT];

	if (!addr->present) {
		sw_out_string(out, "none");
	} else if (addr->family == AF_UNIX) {
		add_unix(out, addr);
	} else if (addr->family != AF_INET && addr->family != AF_INET6) {
		sw_out_add(out, "family:%u", addr->family);
	} else {
		sw_out_add(out, "%s%s", addr->mapped ? "mapped:" : "", sw_endpoint_text(&addr->endpoint, text));
		if (addr->scope)
			sw_out_add(out, "%%%u", addr->scope);
	}
}

static bool parse_unix(const char *text, size_t length, struct sw_addr *addr)
{
	struct sw_token path = {text, length};
	char buffer[4 * SW_PATH_MAX + 8];

	addr->family = AF_UNIX;
	if (length && text[0] == '@') {
		addr->abstract = true;
		path = (struct sw_token){text + 1, length - 1};
	}
	if (path.length >= sizeof buffer)
		return false;
	length = sw_token_unquote(&path, buffer);
	if (length > SW_PATH_MAX)
		return false;
	memcpy(addr->path, buffer, length);
	addr->path_length = (uint8_t)length;
	return true;
}

static bool parse_inet(const char *text, size_t length, struct sw_addr *addr)
{
	const char *percent = memchr(text, '%', length);
	char buffer[80];
	int64_t scope = 0;

	if (length > 7 && memcmp(text, "mapped:", 7) == 0) {
		addr->mapped = true;
		text += 7;
		length -= 7;
	}
	if (percent && memchr(percent, ']', length - (size_t)(percent - text)) == NULL) {
		struct sw_token number = {percent + 1, length - (size_t)(percent + 1 - text)};

		if (!sw_token_number(&number, &scope) || scope < 0 || scope > UINT32_MAX)
			return false;
		length = (size_t)(percent - text);
	}
	if (length >= sizeof buffer)
		return false;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	if (strchr(buffer, '%'))
		return sw_addr_parse(buffer, addr);
	if (!sw_endpoint_parse(buffer, &addr->endpoint))
		return false;
	addr->scope = (uint32_t)scope;
	addr->family = addr->mapped || addr->endpoint.ip.family == 6 ? AF_INET6 : AF_INET;
	return true;
}

bool sw_text_addr_parse(const struct sw_token *token, struct sw_addr *addr)
{
	int64_t family;

	*addr = (struct sw_addr){.present = true};
	if (sw_token_is(token, "none")) {
		addr->present = false;
		return true;
	}
	if (token->length >= 5 && memcmp(token->text, "unix:", 5) == 0)
		return parse_unix(token->text + 5, token->length - 5, addr);
	if (token->length > 7 && memcmp(token->text, "family:", 7) == 0) {
		struct sw_token number = {token->text + 7, token->length - 7};

		if (!sw_token_number(&number, &family) || family < 0 || family > UINT16_MAX)
			return false;
		addr->family = (uint16_t)family;
		return true;
	}
	return parse_inet(token->text, token->length, addr);
}
