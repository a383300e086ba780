/* A line `call ENTER EXIT NAME ...` of the text form: words in any order, most of them known by their look.
 *
 * Enters: the rest of the line behind "call". Leaves: the call, delivered; objects of descriptors that no line named. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/names.h"
#include "tracer/constants.h"
#include "tracer/text/text.h"
#include "tracer/text/text_state.h"

/* ---- words ---------------------------------------------------------------------------------------------------- */

static bool events(const char *text, size_t length, uint32_t *bits)
{
	uint64_t wide;

	if (!sw_words_parse(sw_words_events, text, length, '|', &wide))
		return false;
	*bits = (uint32_t)wide;
	return true;
}

static struct sw_wait *wait_of(struct call_line *line, int32_t fd)
{
	struct sw_wait *wait;

	for (size_t i = 0; line->after && i < line->state->waits.count; i++)
		if (line->state->waits.items[i].fd == fd)
			return &line->state->waits.items[i];
	wait = SW_ARRAY_ADD(&line->state->waits);
	wait->fd = fd;
	/* Marks that the object is to be found by the descriptor. */
	wait->socket = UINT32_MAX;
	return wait;
}

/* "3:IN", "3:IN/HUP#7@12": descriptor, asked, got, object, epoll's data; behind '=' one set alone is what was got. */
static bool take_wait(struct call_line *line, const struct sw_token *token)
{
	const char *colon = memchr(token->text, ':', token->length), *end = token->text + token->length, *at, *stop;
	struct sw_token part = {token->text, colon ? (size_t)(colon - token->text) : 0};
	uint32_t first, second;
	struct sw_wait *wait;
	int64_t fd = -1, number;

	if (!colon || !(sw_token_is(&part, "?") || (sw_token_number(&part, &fd) && fd >= 0)))
		return false;
	at = colon + 1;
	stop = at + strcspn(at, "/#@ \t\r\n");
	if (stop > end || !events(at, (size_t)(stop - at), &first))
		return false;
	wait = wait_of(line, (int32_t)fd);
	*(line->after ? &wait->got : &wait->asked) = first;
	if (stop < end && *stop == '/') {
		at = stop + 1;
		stop = at + strcspn(at, "#@ \t\r\n");
		if (stop > end || !events(at, (size_t)(stop - at), &second))
			return false;
		wait->asked = first;
		wait->got = second;
	}
	for (; stop < end; stop = part.text + part.length) {
		part = (struct sw_token){stop + 1, strcspn(stop + 1, "#@ \t\r\n")};
		if (*stop == '@' && part.length < 32) {
			char digits[32];

			memcpy(digits, part.text, part.length);
			digits[part.length] = '\0';
			wait->data = strtoull(digits, NULL, 10);
		} else if (*stop == '#' && sw_token_number(&part, &number)) {
			wait->socket = (uint32_t)number;
		} else {
			return false;
		}
	}
	return true;
}

static bool take_integer(struct call_line *line, int64_t number)
{
	struct sw_call *call = &line->call;

	if (line->after) {
		call->result = number;
		line->result_given = true;
		return true;
	}
	if (line->numbers++ == 0) {
		call->fd = (int32_t)number;
		return number >= -1 && number <= INT32_MAX;
	}
	switch (call->sys) {
	case SW_SYS_LISTEN:
	case SW_SYS_CLOSE_RANGE:
	case SW_SYS_SETSOCKOPT:
	case SW_SYS_FCNTL: call->value = number; return true;
	case SW_SYS_DUP2:
	case SW_SYS_DUP3:
	case SW_SYS_EPOLL_CTL:
		call->fd2 = (int32_t)number;
		line->fd2_given = true;
		return true;
	default: call->bytes = number; return sw_sys_class(call->sys) == SW_SYS_CLASS_MOVE;
	}
}

static bool duration(const struct sw_token *token, int64_t *ns)
{
	char text[40];

	if (sw_token_is(token, "inf")) {
		*ns = SW_TIMEOUT_INFINITE;
		return true;
	}
	if (token->length < 2 || token->length >= sizeof text ||
	    !isalpha((unsigned char)token->text[token->length - 1]))
		return false;
	memcpy(text, token->text, token->length);
	text[token->length] = '\0';
	if (token->length > 2 && strcmp(text + token->length - 2, "ns") == 0) {
		struct sw_token number = {token->text, token->length - 2};

		return sw_token_number(&number, ns);
	}
	return isdigit((unsigned char)text[0]) && sw_duration_parse(text, ns);
}

static bool take_duration(struct call_line *line, const struct sw_token *token)
{
	int64_t ns;

	if (!duration(token, &ns))
		return false;
	if (line->call.sys == SW_SYS_SETSOCKOPT)
		line->call.value = ns;
	else
		line->call.timeout_ns = ns;
	return true;
}

/* Words that mean something only for their call: F_SETFL, SHUT_WR or WR, ADD, FIONREAD. */
static bool take_request(struct call_line *line, const struct sw_token *token)
{
	static const struct {
		enum sw_sys sys;
		enum sw_constants set;
		const char *prefix;
	} sets[] = {{SW_SYS_FCNTL, SW_CONSTANTS_FCNTL, "F_"},
		    {SW_SYS_SHUTDOWN, SW_CONSTANTS_SHUTDOWN, "SHUT_"},
		    {SW_SYS_EPOLL_CTL, SW_CONSTANTS_EPOLL_OP, "EPOLL_CTL_"},
		    {SW_SYS_IOCTL, SW_CONSTANTS_IOCTL, ""}};
	char name[64];
	int64_t number;

	for (size_t i = 0; i < SW_COUNT(sets); i++) {
		size_t prefix = strlen(sets[i].prefix);

		if (sets[i].sys != line->call.sys || token->length + prefix >= sizeof name)
			continue;
		memcpy(name, sets[i].prefix, prefix);
		memcpy(name + prefix, token->text, token->length);
		if (sw_constant_number(sets[i].set, token->text, token->length, &number) ||
		    sw_constant_number(sets[i].set, name, prefix + token->length, &number)) {
			line->call.request = (int32_t)number;
			return true;
		}
	}
	return false;
}

static bool take_error(struct call_line *line, const struct sw_token *token)
{
	char name[32];
	int error;

	if (token->length >= sizeof name || token->text[0] != 'E')
		return false;
	memcpy(name, token->text, token->length);
	name[token->length] = '\0';
	error = sw_errno_number(name);
	if (!error)
		return false;
	if (!line->after) {
		line->call.value = error;
		return line->call.sys == SW_SYS_GETSOCKOPT;
	}
	line->call.error = error;
	if (!line->result_given)
		line->call.result = -1;
	return true;
}

static bool take_flag(struct call_line *line, const struct sw_token *token)
{
	uint64_t bit;

	if (!sw_word_find(sw_words_call_flags, token->text, token->length, &bit))
		return false;
	if (line->call.sys == SW_SYS_SOCKET && bit == SW_CALL_NONBLOCKING)
		line->call.level |= SOCK_NONBLOCK;
	else if (line->call.sys == SW_SYS_FCNTL && bit == SW_CALL_NONBLOCKING)
		line->call.value |= O_NONBLOCK;
	else
		line->call.flags |= (uint32_t)bit;
	return true;
}

static bool take_socket_word(struct call_line *line, const struct sw_token *token)
{
	struct sw_call *call = &line->call;
	int32_t domain = -1, type = -1, protocol = -1;

	if (!text_is_sys(line, SW_SYS_SOCKET, SW_SYS_SOCKETPAIR) ||
	    !text_kind_of_socket(token, &domain, &type, &protocol))
		return false;
	if (domain != -1)
		call->request = domain;
	if (type != -1)
		call->level |= type;
	if (protocol != -1)
		call->option = protocol;
	return true;
}

static bool take_word(struct call_line *line, const struct sw_token *token)
{
	struct sw_call *call = &line->call;
	int level, option;
	int64_t number;

	if (sw_token_number(token, &number))
		return take_integer(line, number);
	if (take_wait(line, token) || take_duration(line, token) || take_error(line, token) ||
	    take_request(line, token) || take_socket_word(line, token) || take_flag(line, token))
		return true;
	if (text_is_sys(line, SW_SYS_GETSOCKOPT, SW_SYS_SETSOCKOPT) &&
	    sw_sockopt_number(token->text, token->length, &level, &option)) {
		call->level = level;
		call->option = option;
		return true;
	}
	return sw_text_addr_parse(token, &call->addr);
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

static bool take_message(struct call_line *line, const struct sw_token *value)
{
	const char *comma = memchr(value->text, ',', value->length);
	struct sw_token bytes = {value->text, comma ? (size_t)(comma - value->text) : value->length};
	struct sw_message *message = SW_ARRAY_ADD(&line->state->messages);
	struct sw_token addr;

	if (!sw_token_number(&bytes, &message->bytes))
		return false;
	if (!comma)
		return true;
	addr = (struct sw_token){comma + 1, value->length - bytes.length - 1};
	return sw_text_addr_parse(&addr, &message->addr);
}

/* The next piece up to a comma outside quotes. */
static struct sw_token piece(struct sw_token *rest)
{
	const char *end = rest->text + rest->length, *at = rest->text;
	struct sw_token token = {at, 0};
	bool quoted = false;

	for (; at < end && (quoted || *at != ','); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && quoted && at + 1 < end)
			at++;
	}
	token.length = (size_t)(at - token.text);
	rest->text = at < end ? at + 1 : end;
	rest->length = (size_t)(end - rest->text);
	return token;
}

static void frame_text(struct call_line *line, struct sw_token *rest, char *place, size_t size)
{
	struct sw_token token = piece(rest);
	size_t length;
	const char *text = text_unquoted(line->state, &token, &length);

	if (length >= size)
		length = size - 1;
	memcpy(place, text, length);
	place[length] = '\0';
}

static bool take_frame(struct call_line *line, const struct sw_token *value)
{
	struct sw_frame *frame = SW_ARRAY_ADD(&line->state->frames);
	struct sw_token rest = *value, token;
	int64_t number;

	token = piece(&rest);
	if (!sw_token_number(&token, &number))
		return false;
	frame->address = (uint64_t)number;
	token = piece(&rest);
	if (!sw_token_number(&token, &number))
		return false;
	frame->offset = (uint64_t)number;
	frame_text(line, &rest, frame->object, sizeof frame->object);
	frame_text(line, &rest, frame->function, sizeof frame->function);
	frame_text(line, &rest, frame->file, sizeof frame->file);
	token = piece(&rest);
	if (!sw_token_number(&token, &number))
		return false;
	frame->line = (uint32_t)number;
	return true;
}

static bool take_data(struct call_line *line, const struct sw_token *value)
{
	size_t length;

	line->call.data = (const uint8_t *)text_unquoted(line->state, value, &length);
	line->call.data_count = (uint32_t)length;
	return true;
}

static bool take_number_key(struct call_line *line, const struct sw_token *key, int64_t number)
{
	struct sw_call *call = &line->call;
	const struct {
		const char *name;
		void *field;
		bool wide;
		bool *given;
	} keys[] = {
		{"id", &call->id, false, &line->id_given},
		{"tid", &call->tid, false, &line->tid_given},
		{"pid", &call->pid, false, &line->pid_given},
		{"fd", &call->fd, false, &line->fd_given},
		{"socket", &call->socket, false, &line->socket_given},
		{"fd2", &call->fd2, false, &line->fd2_given},
		{"socket2", &call->socket2, false, &line->socket2_given},
		{"error", &call->error, false, NULL},
		{"request", &call->request, false, NULL},
		{"level", &call->level, false, NULL},
		{"option", &call->option, false, NULL},
		{"value", &call->value, true, NULL},
		{"bytes", &call->bytes, true, NULL},
	};

	for (size_t i = 0; i < SW_COUNT(keys); i++)
		if (sw_token_is(key, keys[i].name)) {
			uint32_t narrow = (uint32_t)number;

			memcpy(keys[i].field, keys[i].wide ? (void *)&number : (void *)&narrow, keys[i].wide ? 8 : 4);
			if (keys[i].given)
				*keys[i].given = true;
			return true;
		}
	return false;
}

static bool take_key(struct call_line *line, const struct sw_token *key, const struct sw_token *value)
{
	int64_t number;
	uint64_t bits;

	if (sw_token_is(key, "flags")) {
		if (!sw_words_parse(sw_words_call_flags, value->text, value->length, ',', &bits))
			return false;
		line->call.flags = (uint32_t)bits;
		return true;
	}
	if (sw_token_is(key, "bound")) {
		line->bound_given = true;
		return sw_token_time(value, &line->call.exit_bound_ns);
	}
	if (sw_token_is(key, "timeout"))
		return duration(value, &line->call.timeout_ns);
	if (sw_token_is(key, "addr"))
		return sw_text_addr_parse(value, &line->call.addr);
	if (sw_token_is(key, "message"))
		return take_message(line, value);
	if (sw_token_is(key, "frame"))
		return take_frame(line, value);
	if (sw_token_is(key, "data"))
		return take_data(line, value);
	return sw_token_number(value, &number) && take_number_key(line, key, number);
}

/* ---- the line ------------------------------------------------------------------------------------------------- */

static void finish_line(struct call_line *line, const struct sw_trace_sink *sink)
{
	struct sw_text_state *state = line->state;
	struct sw_call *call = &line->call;

	if (!line->tid_given)
		call->tid = line->pid_given ? call->pid : 1;
	if (!line->pid_given)
		call->pid = call->tid;
	if (!line->id_given)
		call->id = state->last_call + 1;
	state->last_call = call->id;
	if (!line->bound_given)
		call->exit_bound_ns = call->exit_ns;
	text_call_objects(line, sink);
	call->wait_count = (uint32_t)state->waits.count;
	call->waits = call->wait_count ? state->waits.items : NULL;
	call->message_count = (uint32_t)state->messages.count;
	call->messages = call->message_count ? state->messages.items : NULL;
	call->stack_count = (uint32_t)state->frames.count;
	call->stack = call->stack_count ? state->frames.items : NULL;
}

static void deliver(struct call_line *line, const struct sw_trace_sink *sink)
{
	struct sw_text_state *state = line->state;
	struct sw_call entry;

	while (state->entry_waits.count < state->waits.count)
		SW_ARRAY_ADD(&state->entry_waits);
	sw_call_entry(&line->call, &entry, state->entry_waits.items);
	if (sink->enter)
		sink->enter(sink->context, &entry);
	if (line->call.exit_ns != SW_TIME_NONE && sink->leave)
		sink->leave(sink->context, &line->call);
	if (line->call.sys == SW_SYS_CLOSE && line->call.exit_ns != SW_TIME_NONE && !line->call.error)
		text_descriptor_set(state, line->call.pid, line->call.fd, 0);
}

static int read_head(const char **rest, struct call_line *line, struct sw_err *err)
{
	struct sw_token token;

	if (!sw_token_next(rest, &token) || !sw_token_time(&token, &line->call.enter_ns))
		return text_error(line->state, &token, "the time of the call's enter, in seconds", err);
	if (!sw_token_next(rest, &token) || !sw_token_time(&token, &line->call.exit_ns))
		return text_error(line->state, &token, "the time of its exit, or -", err);
	if (!sw_token_next(rest, &token))
		return text_error(line->state, &token, "the name of a system call", err);
	line->call.sys = sw_sys_by_name(token.text, token.length);
	if (line->call.sys == SW_SYS_NONE && !sw_token_is(&token, "?"))
		return text_error(line->state, &token, "the name of a system call that concerns sockets", err);
	return 0;
}

int text_read_call(const char *rest, struct sw_text_state *state, const struct sw_trace_sink *sink, struct sw_err *err)
{
	struct call_line line = {
		.call = {.fd = -1, .fd2 = -1, .bytes = -1, .timeout_ns = SW_TIMEOUT_NONE},
		.state = state,
	};
	struct sw_token token, key, value;

	if (read_head(&rest, &line, err) < 0)
		return -EINVAL;
	while (sw_token_next(&rest, &token)) {
		if (sw_token_is(&token, "="))
			line.after = true;
		else if (!(sw_token_split(&token, &key, &value) && take_key(&line, &key, &value)) &&
			 !take_word(&line, &token))
			return text_error(state, &token,
					  "a descriptor, address, FD:EVENTS, time-out, name=value, or = RESULT ERRNO",
					  err);
	}
	finish_line(&line, sink);
	deliver(&line, sink);
	return 1;
}
