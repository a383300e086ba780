/* The trace's records: sockets, calls, processes, facts, limits. See anonymize.h.
 *
 * Enters: a record. Leaves: a copy in which whatever could name a host, a path or a person is replaced; bytes that a call moved are left
 * out. A field of a fact is kept as it is only where this file says that its words are the kernel's. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "src/anonymize/internal.h"

static void change_addr(struct sw_anonymizer *anonymizer, struct sw_addr *addr)
{
	if (addr->family == AF_INET || addr->family == AF_INET6)
		addr->endpoint.ip = sw_anonymizer_ip(anonymizer, &addr->endpoint.ip);
	if (addr->path_length == 0)
		return;
	/* A name with NULs inside (autobind, some abstract ones) is bytes; as text it would end early. */
	if (memchr(addr->path, 0, addr->path_length)) {
		sw_anonymizer_name(anonymizer, addr->path, addr->path_length);
		return;
	}
	sw_auto_free char *path = sw_anonymizer_text(anonymizer, addr->path);
	size_t length = strlen(path);
	length = length > SW_PATH_MAX ? SW_PATH_MAX : length;
	memset(addr->path, 0, sizeof addr->path);
	memcpy(addr->path, path, length);
	addr->path_length = (uint8_t)length;
}

const struct sw_socket *sw_anonymizer_socket(struct sw_anonymizer *anonymizer, const struct sw_socket *socket)
{
	if (!anonymizer)
		return socket;
	anonymizer->socket = *socket;
	change_addr(anonymizer, &anonymizer->socket.local);
	change_addr(anonymizer, &anonymizer->socket.remote);
	return &anonymizer->socket;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

/* Whether the first bytes of an option's value are a number and no address or name: SOL_SOCKET's and TCP's are (but for a device's
 * name, which is kept as others are, and a key's address), of IP's those of ip(7) and ipv6(7) that have int values. */
static bool is_number_option(int level, int option)
{
	static const int ip[] = {1, 2, 6, 7, 8, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 23, 24, 33, 34, 49, 50, 51};
	static const int ip6[] = {1,  16, 17, 18, 19, 23, 24, 25, 26, 49, 51, 56,
				  58, 60, 66, 67, 70, 72, 73, 74, 75, 76, 78};
	const int *list = level == IPPROTO_IP ? ip : ip6;
	size_t count = level == IPPROTO_IP ? SW_COUNT(ip) : SW_COUNT(ip6);
	if (level == SOL_SOCKET)
		return option != 28; /* SO_PEERNAME */
	if (level == IPPROTO_TCP)
		return option != 14 && option != 38; /* TCP_MD5SIG, TCP_AO_ADD_KEY: begin with an address */
	if (level != IPPROTO_IP && level != IPPROTO_IPV6)
		return false;
	for (size_t i = 0; i < count; i++)
		if (list[i] == option)
			return true;
	return false;
}

static void change_messages(struct sw_anonymizer *anonymizer, struct sw_call *call)
{
	anonymizer->messages.count = 0;
	for (uint32_t i = 0; i < call->message_count; i++) {
		struct sw_message *message = SW_ARRAY_ADD(&anonymizer->messages);
		*message = call->messages[i];
		change_addr(anonymizer, &message->addr);
	}
	call->messages = anonymizer->messages.items;
}

/* A frame's function and the base names of object and file are the program's, not the user's. */
static void change_stack(struct sw_anonymizer *anonymizer, struct sw_call *call)
{
	anonymizer->stack.count = 0;
	for (uint32_t i = 0; i < call->stack_count; i++) {
		struct sw_frame *frame = SW_ARRAY_ADD(&anonymizer->stack);
		*frame = call->stack[i];
		for (int j = 0; j < 2; j++) {
			char *text = j ? frame->object : frame->file, *slash = strrchr(text, '/');
			if (slash)
				memmove(text, slash + 1, strlen(slash + 1) + 1);
		}
	}
	call->stack = anonymizer->stack.items;
}

const struct sw_call *sw_anonymizer_call(struct sw_anonymizer *anonymizer, const struct sw_call *call)
{
	if (!anonymizer)
		return call;
	struct sw_call *copy = &anonymizer->call;
	*copy = *call;
	change_addr(anonymizer, &copy->addr);
	change_messages(anonymizer, copy);
	change_stack(anonymizer, copy);
	if ((copy->sys == SW_SYS_SETSOCKOPT || copy->sys == SW_SYS_GETSOCKOPT) &&
	    !is_number_option(copy->level, copy->option))
		copy->value = 0;
	copy->data = NULL;
	copy->data_count = 0;
	return copy;
}

/* ---- processes ---------------------------------------------------------------------------------------------------------- */

static char *command_line(struct sw_anonymizer *anonymizer, const char *line)
{
	sw_auto_free char *copy = sw_strdup(line);
	char *state = NULL, *joined = NULL;
	for (char *word = strtok_r(copy, " \t\n", &state); word; word = strtok_r(NULL, " \t\n", &state)) {
		sw_auto_free char *shown = sw_anonymizer_argument(anonymizer, word, !joined), *before = joined;
		joined = before ? sw_format("%s %s", before, shown) : sw_strdup(shown);
	}
	return joined ? joined : sw_strdup("");
}

const struct sw_process *sw_anonymizer_process(struct sw_anonymizer *anonymizer, const struct sw_process *process)
{
	if (!anonymizer)
		return process;
	anonymizer->process = *process;
	sw_anonymizer_program(anonymizer, process->comm);
	free(anonymizer->command_line);
	anonymizer->command_line = process->command_line ? command_line(anonymizer, process->command_line) : NULL;
	anonymizer->process.command_line = anonymizer->command_line;
	return &anonymizer->process;
}

/* ---- facts -------------------------------------------------------------------------------------------------------------- */

/* Fields of tracer/facts.md whose texts are the kernel's words, names of devices or of programs. Every other text is rewritten. To add
 * one: its name, when it can hold neither an address nor a name or path that somebody chose. */
static const char *const kernels_words[] = {
	"type",        "state",        "congestion_state", "device",   "kind",     "mode",          "owner",
	"denied_mode", "denied_owner", "holder_comm",      "comm",     "protocol", "cap_effective", "iptables",
	"when",        "variable",     "object",           "function", "file",
};

static bool is_kernels(const char *name)
{
	for (size_t i = 0; i < SW_COUNT(kernels_words); i++)
		if (strcmp(kernels_words[i], name) == 0)
			return true;
	return false;
}

static char *link_address(struct sw_anonymizer *anonymizer, const char *text)
{
	uint8_t mac[6];
	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) !=
	    6)
		return sw_strdup("?");
	sw_anonymizer_mac(anonymizer, mac);
	return sw_format("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void forget_texts(struct sw_anonymizer *anonymizer)
{
	for (size_t i = 0; i < anonymizer->texts.count; i++)
		free(anonymizer->texts.items[i]);
	anonymizer->texts.count = anonymizer->fields.count = 0;
}

const struct sw_fact *sw_anonymizer_fact(struct sw_anonymizer *anonymizer, const struct sw_fact *fact)
{
	if (!anonymizer)
		return fact;
	forget_texts(anonymizer);
	for (uint32_t i = 0; i < fact->field_count; i++) {
		struct sw_field *field = SW_ARRAY_ADD(&anonymizer->fields);
		*field = fact->fields[i];
		if (!field->text || is_kernels(field->name))
			continue;
		char **text = SW_ARRAY_ADD(&anonymizer->texts);
		*text = strcmp(field->name, "lladdr") == 0 ? link_address(anonymizer, field->text) :
			strcmp(fact->kind, "said") == 0    ? sw_anonymizer_said(anonymizer, field->text) :
							     sw_anonymizer_text(anonymizer, field->text);
		field->text = *text;
	}
	if (!anonymizer->fact)
		anonymizer->fact = sw_alloc(sizeof *anonymizer->fact);
	*anonymizer->fact = *fact;
	anonymizer->fact->fields = anonymizer->fields.items;
	return anonymizer->fact;
}

/* ---- sentences ---------------------------------------------------------------------------------------------------------- */

/* A word of a sentence of ours that something was put into: an address, a path, a host or a file. */
static bool is_put_in(const char *word, size_t length)
{
	size_t last = length;
	while (last > 0 && strchr(".,:;)'\"", word[last - 1]))
		last--;
	for (size_t i = 0; i < last; i++)
		if (strchr("/@", word[i]) || (i > 0 && i + 1 < last && strchr(".:", word[i])))
			return true;
	return false;
}

/* The tool's own sentences stay readable: only what was put into them is replaced. */
static char *sentence(struct sw_anonymizer *anonymizer, const char *text)
{
	char *joined = sw_strdup("");
	while (text && *text) {
		size_t length = strcspn(text, " "), blanks = strspn(text + length, " ");
		sw_auto_free char *word = sw_strndup(text, length);
		sw_auto_free char *shown = is_put_in(word, length) ? sw_anonymizer_text(anonymizer, word) :
								     sw_strdup(word);
		char *longer = sw_format("%s%s%.*s", joined, shown, (int)blanks, text + length);
		free(joined);
		joined = longer;
		text += length + blanks;
	}
	return joined;
}

const struct sw_limit *sw_anonymizer_limit(struct sw_anonymizer *anonymizer, const struct sw_limit *limit)
{
	if (!anonymizer)
		return limit;
	free(anonymizer->what);
	free(anonymizer->costs);
	anonymizer->what = sentence(anonymizer, limit->what);
	anonymizer->costs = sentence(anonymizer, limit->costs);
	anonymizer->limit = (struct sw_limit){anonymizer->what, anonymizer->costs};
	return &anonymizer->limit;
}

/* "eth0", "router:eth0", "any (--filter host db.example)": devices keep their names, network namespaces and filters do not. */
static char *interfaces_shown(struct sw_anonymizer *anonymizer, const char *text)
{
	const char *filter = strstr(text, " (--filter");
	sw_auto_free char *name = filter ? sw_strndup(text, (size_t)(filter - text)) : sw_strdup(text);
	const char *colon = strrchr(name, ':');
	if (colon)
		sw_anonymizer_name(anonymizer, name, (size_t)(colon - name));
	return sw_format("%s%s", name, filter ? " (--filter, not shown)" : "");
}

const struct sw_capture_status *sw_anonymizer_status(struct sw_anonymizer *anonymizer,
						     const struct sw_capture_status *status)
{
	if (!anonymizer)
		return status;
	free(anonymizer->why_not);
	anonymizer->why_not = status->why_not ? sentence(anonymizer, status->why_not) : NULL;
	anonymizer->status = *status;
	anonymizer->status.why_not = anonymizer->why_not;
	free(anonymizer->interfaces);
	anonymizer->interfaces = status->interfaces ? interfaces_shown(anonymizer, status->interfaces) : NULL;
	anonymizer->status.interfaces = anonymizer->interfaces;
	return &anonymizer->status;
}
