/* The text form of records, read: one line a record. Calls are read in text_call.c.
 *
 * Enters: lines, made by the writer or by hand. Leaves: records to a sink, or an error that names the line and the word. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/names.h"
#include "tracer/text/text.h"
#include "tracer/text/text_state.h"

struct number_key {
	const char *name;
	int64_t *number;
};

/* The number keys of a record: 1 taken, 0 not among them, -1 no number. */
static int take_number(const struct number_key *keys, const struct sw_token *key, const struct sw_token *value)
{
	for (; keys->name; keys++)
		if (sw_token_is(key, keys->name))
			return sw_token_number(value, keys->number) ? 1 : -1;
	return 0;
}

/* ---- socket --------------------------------------------------------------------------------------------------- */

struct socket_line {
	struct sw_socket socket;
	int64_t domain, type, protocol, inode, cookie, netns, uid, mark, device, fd, pid;
	bool domain_given;
};

static int socket_key(struct socket_line *line, const struct sw_token *key, const struct sw_token *value)
{
	const struct number_key keys[] = {
		{"domain", &line->domain}, {"type", &line->type},     {"protocol", &line->protocol},
		{"inode", &line->inode},   {"cookie", &line->cookie}, {"netns", &line->netns},
		{"uid", &line->uid},       {"mark", &line->mark},     {"device", &line->device},
		{"fd", &line->fd},         {"pid", &line->pid},       {NULL, NULL}};
	uint64_t bits;

	if (sw_token_is(key, "flags")) {
		if (!sw_words_parse(sw_words_socket_flags, value->text, value->length, ',', &bits))
			return -1;
		line->socket.flags = (uint32_t)bits;
		return 1;
	}
	if (sw_token_is(key, "since"))
		return sw_token_time(value, &line->socket.since_ns) ? 1 : -1;
	if (sw_token_is(key, "domain"))
		line->domain_given = true;
	return take_number(keys, key, value);
}

static bool socket_kind(const struct sw_token *token, enum sw_object_kind *kind)
{
	if (sw_token_is(token, "epoll"))
		*kind = SW_OBJECT_EPOLL;
	else if (sw_token_is(token, "other"))
		*kind = SW_OBJECT_OTHER;
	else if (sw_token_is(token, "unknown"))
		*kind = SW_OBJECT_UNKNOWN;
	else
		return false;
	return true;
}

static bool socket_word(struct socket_line *line, const char **rest, const struct sw_token *token)
{
	int32_t domain = -1, type = -1, protocol = -1;
	struct sw_token addr;

	if (sw_token_is(token, "local"))
		return sw_token_next(rest, &addr) && sw_text_addr_parse(&addr, &line->socket.local);
	if (sw_token_is(token, "remote"))
		return sw_token_next(rest, &addr) && sw_text_addr_parse(&addr, &line->socket.remote);
	if (text_kind_of_socket(token, &domain, &type, &protocol)) {
		line->domain = domain != -1 ? domain : line->domain;
		line->type = type != -1 ? type : line->type;
		line->protocol = protocol != -1 ? protocol : line->protocol;
		return true;
	}
	return socket_kind(token, &line->socket.kind);
}

static void socket_finish(struct socket_line *line)
{
	struct sw_socket *socket = &line->socket;

	if (line->domain == -1 && !line->domain_given && (socket->local.present || socket->remote.present))
		line->domain = socket->local.present ? socket->local.family : socket->remote.family;
	socket->domain = (int32_t)line->domain;
	socket->type = (int32_t)line->type;
	socket->protocol = (int32_t)line->protocol;
	socket->inode = (uint64_t)line->inode;
	socket->cookie = (uint64_t)line->cookie;
	socket->netns = (uint32_t)line->netns;
	socket->uid = (uint32_t)line->uid;
	socket->mark = (uint32_t)line->mark;
	socket->device = (uint32_t)line->device;
}

static int read_socket(const char *rest, struct sw_text_state *state, const struct sw_trace_sink *sink,
		       struct sw_err *err)
{
	struct socket_line line = {
		.socket = {.kind = SW_OBJECT_SOCKET}, .domain = -1, .type = -1, .protocol = -1, .fd = -1, .pid = 1};
	struct sw_token token, key, value;
	int64_t id;

	if (!sw_token_next(&rest, &token) || !sw_token_number(&token, &id) || id < 1 || id > UINT32_MAX)
		return text_error(state, &token, "the socket's number", err);
	line.socket.id = (uint32_t)id;
	while (sw_token_next(&rest, &token)) {
		if (sw_token_split(&token, &key, &value) && socket_key(&line, &key, &value) == 1)
			continue;
		if (!socket_word(&line, &rest, &token))
			return text_error(state, &token, "inet, tcp, local ADDRESS, remote ADDRESS, flags= ...", err);
	}
	socket_finish(&line);
	text_socket_set(state, &line.socket);
	if (line.fd >= 0)
		text_descriptor_set(state, (uint32_t)line.pid, (int)line.fd, line.socket.id);
	if (sink->socket)
		sink->socket(sink->context, &line.socket);
	return 1;
}

/* ---- process -------------------------------------------------------------------------------------------------- */

static int signal_number(const struct sw_token *value, int64_t *number)
{
	char name[32];

	if (sw_token_number(value, number))
		return 1;
	if (value->length >= sizeof name)
		return -1;
	memcpy(name, value->text, value->length);
	name[value->length] = '\0';
	for (int i = 1; i < 65; i++)
		if (strcmp(sw_signal_name(i), name) == 0) {
			*number = i;
			return 1;
		}
	return -1;
}

static bool process_event(const struct sw_token *token, enum sw_process_event *event)
{
	static const char *const names[] = {"begin", "exec", "exit", "signal"};

	for (size_t i = 0; i < SW_COUNT(names); i++)
		if (sw_token_is(token, names[i])) {
			*event = (enum sw_process_event)i;
			return true;
		}
	return false;
}

static int read_process(const char *rest, struct sw_text_state *state, const struct sw_trace_sink *sink,
			struct sw_err *err)
{
	struct sw_process process = {0};
	int64_t pid = 1, tid = -1, inside = 0, parent = 0, code = 0, signal = 0, command = 0;
	const struct number_key keys[] = {{"pid", &pid},       {"tid", &tid},   {"inside", &inside},
					  {"parent", &parent}, {"code", &code}, {"command", &command},
					  {NULL, NULL}};
	struct sw_token token, key, value;
	size_t length;

	if (!sw_token_next(&rest, &token) || !sw_token_time(&token, &process.time_ns))
		return text_error(state, &token, "a time in seconds", err);
	if (!sw_token_next(&rest, &token) || !process_event(&token, &process.event))
		return text_error(state, &token, "begin, exec, exit or signal", err);
	while (sw_token_next(&rest, &token)) {
		bool split = sw_token_split(&token, &key, &value);

		if (split && sw_token_is(&key, "comm"))
			process.comm = text_unquoted(state, &value, &length);
		else if (split && sw_token_is(&key, "line"))
			process.command_line = text_unquoted(state, &value, &length);
		else if (!split || (sw_token_is(&key, "signal") ? signal_number(&value, &signal) :
								  take_number(keys, &key, &value)) != 1)
			return text_error(state, &token,
					  "pid=, tid=, inside=, parent=, code=, signal=, command=, comm=, line=", err);
	}
	process.pid = (uint32_t)pid;
	process.tid = tid >= 0 ? (uint32_t)tid : process.pid;
	process.inside = (uint32_t)inside;
	process.parent = (uint32_t)parent;
	process.code = (int32_t)code;
	process.signal = (int32_t)signal;
	process.is_command = command != 0;
	if (sink->process)
		sink->process(sink->context, &process);
	return 1;
}

/* ---- fact and limit ------------------------------------------------------------------------------------------- */

/* False: it has no name. */
static bool fact_field(struct sw_text_state *state, const struct sw_token *key, const struct sw_token *value)
{
	struct sw_token name = *key;
	struct sw_field *field;
	size_t length;

	if (name.length && name.text[0] == '.') {
		name.text++;
		name.length--;
	}
	if (!name.length)
		return false;
	field = SW_ARRAY_ADD(&state->fields);
	field->name = text_unquoted(state, &name, &length);
	if (!sw_token_number(value, &field->number))
		field->text = text_unquoted(state, value, &length);
	return true;
}

static int read_fact(const char *rest, struct sw_text_state *state, const struct sw_trace_sink *sink,
		     struct sw_err *err)
{
	struct sw_fact fact = {0};
	int64_t id = -1, pid = 0, tid = 0, socket = 0, call = 0;
	const struct number_key before[] = {{"id", &id},         {"pid", &pid},   {"tid", &tid},
					    {"socket", &socket}, {"call", &call}, {NULL, NULL}};
	const struct number_key after[] = {{"tid", &tid}, {"socket", &socket}, {"call", &call}, {NULL, NULL}};
	struct sw_token token, key, value;
	size_t length;

	if (!sw_token_next(&rest, &token) || !sw_token_time(&token, &fact.time_ns))
		return text_error(state, &token, "a time in seconds", err);
	while (sw_token_next(&rest, &token)) {
		bool split = sw_token_split(&token, &key, &value);

		if (!split && !fact.kind && !memchr(token.text, '"', token.length)) /* it is written without quotes */
			fact.kind = text_unquoted(state, &token, &length);
		else if (!split || (!fact.kind && take_number(before, &key, &value) != 1))
			return text_error(state, &token, "the fact's kind, then name=value", err);
		else if (fact.kind && take_number(after, &key, &value) != 1 && !fact_field(state, &key, &value))
			return text_error(state, &token, "name=value", err);
	}
	if (!fact.kind)
		return text_error(state, &token, "the fact's kind", err);
	fact.id = id >= 0 ? (uint32_t)id : state->last_fact + 1;
	state->last_fact = fact.id;
	fact.pid = (uint32_t)pid;
	fact.tid = (uint32_t)tid;
	fact.socket = (uint32_t)socket;
	fact.call = (uint32_t)call;
	fact.field_count = (uint32_t)state->fields.count;
	fact.fields = state->fields.items;
	if (sink->fact)
		sink->fact(sink->context, &fact);
	return 1;
}

static int read_limit(const char *rest, struct sw_text_state *state, const struct sw_trace_sink *sink,
		      struct sw_err *err)
{
	struct sw_limit limit;
	struct sw_token what, costs;
	size_t length;

	if (!sw_token_next(&rest, &what))
		return text_error(state, &what, "\"what is limited\" \"what it costs\"", err);
	if (!sw_token_next(&rest, &costs))
		return text_error(state, &costs, "\"what it costs\"", err);
	limit.what = text_unquoted(state, &what, &length);
	limit.costs = text_unquoted(state, &costs, &length);
	if (sink->limit)
		sink->limit(sink->context, &limit);
	return 1;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static void begin_line(struct sw_text_state *state, const char *line)
{
	/* Every token's copy and its NUL; a name and a value may come from one token. */
	size_t room = 2 * strlen(line) + 16;

	state->line++;
	state->text_length = 0;
	if (room > state->text_room) {
		state->text = sw_realloc(state->text, room);
		state->text_room = room;
	}
	state->waits.count = state->messages.count = state->frames.count = state->fields.count = 0;
}

int sw_text_line(const char *line, struct sw_text_state *state, const struct sw_trace_sink *sink, struct sw_err *err)
{
	static const struct {
		const char *word;
		int (*read)(const char *, struct sw_text_state *, const struct sw_trace_sink *, struct sw_err *);
	} readers[] = {{"call", text_read_call},
		       {"socket", read_socket},
		       {"process", read_process},
		       {"fact", read_fact},
		       {"limit", read_limit}};
	struct sw_token word;

	begin_line(state, line);
	if (!sw_token_next(&line, &word) || word.text[0] == '#')
		return 0;
	for (size_t i = 0; i < SW_COUNT(readers); i++)
		if (sw_token_is(&word, readers[i].word))
			return readers[i].read(line, state, sink, err);
	return 0;
}
