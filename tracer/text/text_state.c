/* What earlier lines of a text file said: see the header. */
#include "tracer/text/text_state.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct sw_text_state *sw_text_state_new(void)
{
	return sw_alloc(sizeof(struct sw_text_state));
}

void sw_text_state_free(struct sw_text_state *state)
{
	if (!state)
		return;
	SW_ARRAY_RELEASE(&state->descriptors);
	SW_ARRAY_RELEASE(&state->sockets);
	SW_ARRAY_RELEASE(&state->waits);
	SW_ARRAY_RELEASE(&state->messages);
	SW_ARRAY_RELEASE(&state->frames);
	SW_ARRAY_RELEASE(&state->fields);
	SW_ARRAY_RELEASE(&state->entry_waits);
	free(state->text);
	free(state);
}

uint32_t sw_text_state_line(const struct sw_text_state *state)
{
	return state->line;
}

uint32_t sw_text_state_object(const struct sw_text_state *state, uint32_t pid, int fd)
{
	for (size_t i = 0; i < state->descriptors.count; i++)
		if (state->descriptors.items[i].pid == pid && state->descriptors.items[i].fd == fd)
			return state->descriptors.items[i].object;
	return 0;
}

void text_descriptor_set(struct sw_text_state *state, uint32_t pid, int fd, uint32_t object)
{
	struct text_descriptor *descriptor;

	for (size_t i = 0; i < state->descriptors.count; i++)
		if (state->descriptors.items[i].pid == pid && state->descriptors.items[i].fd == fd) {
			state->descriptors.items[i].object = object;
			return;
		}
	descriptor = SW_ARRAY_ADD(&state->descriptors);
	*descriptor = (struct text_descriptor){.pid = pid, .fd = fd, .object = object};
}

struct sw_socket *text_socket_find(struct sw_text_state *state, uint32_t id)
{
	for (size_t i = state->sockets.count; i-- > 0;)
		if (state->sockets.items[i].id == id)
			return &state->sockets.items[i];
	return NULL;
}

void text_socket_set(struct sw_text_state *state, const struct sw_socket *socket)
{
	struct sw_socket *known = text_socket_find(state, socket->id);

	if (!known)
		known = SW_ARRAY_ADD(&state->sockets);
	*known = *socket;
	if (socket->id > state->last_object)
		state->last_object = socket->id;
}

const char *text_unquoted(struct sw_text_state *state, const struct sw_token *token, size_t *length)
{
	char *place = state->text + state->text_length;

	/* The room was made for the whole line before its first token. */
	*length = sw_token_unquote(token, place);
	state->text_length += *length + 1;
	return place;
}

int text_error(const struct sw_text_state *state, const struct sw_token *token, const char *expected,
	       struct sw_err *err)
{
	int length = token->length > 60 ? 60 : (int)token->length;

	if (token->length == 0)
		return sw_err_set(err, -EINVAL, "line %u: ends too early; expected %s", state->line, expected);
	return sw_err_set(err, -EINVAL, "line %u: \"%.*s\" is not understood; expected %s", state->line, length,
			  token->text, expected);
}

bool text_kind_of_socket(const struct sw_token *token, int32_t *domain, int32_t *type, int32_t *protocol)
{
	uint64_t number;

	if (sw_token_is(token, "tcp") || sw_token_is(token, "udp")) {
		*type = token->text[0] == 't' ? SOCK_STREAM : SOCK_DGRAM;
		*protocol = token->text[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
	} else if (sw_word_find(sw_words_domains, token->text, token->length, &number)) {
		*domain = (int32_t)number;
	} else if (sw_word_find(sw_words_types, token->text, token->length, &number)) {
		*type = (int32_t)number;
	} else {
		return false;
	}
	return true;
}
