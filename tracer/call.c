/* Calls and facts as records: deep copies, field look-up. Their one-line text is in call_text.c. */
#include "tracer/call.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"

static size_t aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

/* Puts `size` bytes behind what the block holds already, and moves on. */
static const void *put(char **at, const void *bytes, size_t size)
{
	void *place = *at;

	if (size == 0)
		return NULL;
	memcpy(place, bytes, size);
	*at += aligned(size);
	return place;
}

struct sw_call *sw_call_copy(const struct sw_call *call)
{
	size_t waits = call->wait_count * sizeof *call->waits, messages = call->message_count * sizeof *call->messages;
	size_t stack = call->stack_count * sizeof *call->stack, data = call->data_count;
	struct sw_call *copy =
		sw_alloc(aligned(sizeof *call) + aligned(waits) + aligned(messages) + aligned(stack) + aligned(data));
	char *at = (char *)copy + aligned(sizeof *call);

	*copy = *call;
	copy->waits = put(&at, call->waits, waits);
	copy->messages = put(&at, call->messages, messages);
	copy->stack = put(&at, call->stack, stack);
	copy->data = put(&at, call->data, data);
	return copy;
}

/* Whether the address is the kernel's answer rather than an argument. */
static bool answers_address(enum sw_sys sys)
{
	return sys == SW_SYS_ACCEPT || sys == SW_SYS_ACCEPT4 || sys == SW_SYS_GETSOCKNAME ||
	       sys == SW_SYS_GETPEERNAME || sys == SW_SYS_RECVFROM || sys == SW_SYS_RECVMSG || sys == SW_SYS_RECVMMSG;
}

/* Whether fd2 is a descriptor that the call made. (dup2's was an argument, but means nothing before.) */
static bool makes_fd2(const struct sw_call *call)
{
	return call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4 || call->sys == SW_SYS_DUP ||
	       call->sys == SW_SYS_FCNTL || call->sys == SW_SYS_PIDFD_GETFD || call->sys == SW_SYS_SOCKETPAIR;
}

static bool makes_fd(enum sw_sys sys)
{
	return sys == SW_SYS_SOCKET || sys == SW_SYS_SOCKETPAIR || sys == SW_SYS_EPOLL_CREATE ||
	       sys == SW_SYS_EPOLL_CREATE1;
}

static void entry_waits(const struct sw_call *call, struct sw_call *entry, struct sw_wait *waits)
{
	if (call->sys == SW_SYS_EPOLL_WAIT || call->sys == SW_SYS_EPOLL_PWAIT || call->sys == SW_SYS_EPOLL_PWAIT2) {
		entry->wait_count = 0;
		entry->waits = NULL;
		return;
	}
	for (uint32_t i = 0; i < call->wait_count; i++) {
		waits[i] = call->waits[i];
		waits[i].got = 0;
	}
	entry->waits = waits;
}

void sw_call_entry(const struct sw_call *call, struct sw_call *entry, struct sw_wait *waits)
{
	*entry = *call;
	entry->exit_ns = entry->exit_bound_ns = SW_TIME_NONE;
	entry->result = 0;
	entry->error = 0;
	entry->stack_count = 0;
	entry->stack = NULL;
	if (makes_fd(call->sys)) {
		entry->fd = -1;
		entry->socket = 0;
	}
	if (makes_fd2(call)) {
		entry->fd2 = -1;
		entry->socket2 = 0;
	}
	if (answers_address(call->sys))
		entry->addr = (struct sw_addr){0};
	if (call->sys == SW_SYS_RECVMMSG)
		entry->message_count = 0;
	if (call->sys == SW_SYS_GETSOCKOPT)
		entry->value = 0;
	if (call->wait_count)
		entry_waits(call, entry, waits);
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

struct sw_fact *sw_fact_copy(const struct sw_fact *fact)
{
	size_t fields = fact->field_count * sizeof *fact->fields, size = aligned(sizeof *fact) + aligned(fields);
	struct sw_field *field;
	struct sw_fact *copy;
	char *at;

	size += aligned(text_size(fact->kind));
	for (uint32_t i = 0; i < fact->field_count; i++)
		size += aligned(text_size(fact->fields[i].name)) + aligned(text_size(fact->fields[i].text));
	copy = sw_alloc(size);
	*copy = *fact;
	at = (char *)copy + aligned(sizeof *fact);
	field = (struct sw_field *)at;
	at += aligned(fields);
	copy->fields = fact->field_count ? field : NULL;
	copy->kind = put(&at, fact->kind, text_size(fact->kind));
	for (uint32_t i = 0; i < fact->field_count; i++) {
		field[i] = fact->fields[i];
		field[i].name = put(&at, fact->fields[i].name, text_size(fact->fields[i].name));
		field[i].text = put(&at, fact->fields[i].text, text_size(fact->fields[i].text));
	}
	return copy;
}

const struct sw_field *sw_fact_field(const struct sw_fact *fact, const char *name)
{
	for (uint32_t i = 0; i < fact->field_count; i++)
		if (strcmp(fact->fields[i].name, name) == 0)
			return &fact->fields[i];
	return NULL;
}

int64_t sw_fact_number(const struct sw_fact *fact, const char *name, int64_t absent)
{
	const struct sw_field *field = sw_fact_field(fact, name);

	return field && !field->text ? field->number : absent;
}

const char *sw_fact_text(const struct sw_fact *fact, const char *name)
{
	const struct sw_field *field = sw_fact_field(fact, name);

	return field ? field->text : NULL;
}
