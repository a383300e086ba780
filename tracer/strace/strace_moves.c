/* Calls that move bytes, in strace's text: read and write, messages, vectors, sendfile and splice. */
#include <sys/socket.h>

#include "tracer/strace/strace_state.h"

void strace_take_data(struct decode *decode, struct span string)
{
	struct sw_strace_log *log = decode->log;

	if (!decode->ended || decode->call->error)
		return;
	decode->call->data_count = (uint32_t)scan_string(string, (char *)log->data, DATA_MAX);
	decode->call->data = decode->call->data_count ? log->data : NULL;
}

/* Of a message, as they are wanted: the MSG_* that change what a call means. */
static uint32_t flags_of(uint64_t asked)
{
	return (asked & MSG_DONTWAIT ? SW_CALL_NONBLOCKING : 0) | (asked & MSG_PEEK ? SW_CALL_PEEK : 0) |
	       (asked & MSG_ERRQUEUE ? SW_CALL_ERRQUEUE : 0) | (asked & MSG_FASTOPEN ? SW_CALL_FASTOPEN : 0) |
	       (asked & MSG_WAITALL ? SW_CALL_WAITALL : 0);
}

static bool is_socket_call(enum sw_sys sys)
{
	return sys == SW_SYS_SENDTO || sys == SW_SYS_RECVFROM;
}

void strace_decode_move(struct decode *decode)
{
	struct sw_call *call = decode->call;
	uint64_t flags;

	bool wanted = strace_own(decode, is_socket_call(call->sys)) != NULL;

	strace_said(decode);
	if (!wanted)
		return;
	call->bytes = strace_number(decode, 2, -1);
	strace_take_data(decode, strace_argument(decode, 1));
	if (!is_socket_call(call->sys))
		return;
	flags = scan_flags(SW_CONSTANTS_MSG, strace_argument(decode, 3));
	call->flags |= flags_of(flags);
	if (call->sys == SW_SYS_SENDTO || strace_ended_well(decode))
		scan_addr(strace_argument(decode, 4), &call->addr);
}

void strace_decode_sendfile(struct decode *decode)
{
	struct object *in, *object = strace_own(decode, false);

	in = strace_descriptor(decode, strace_argument(decode, 1), &decode->call->fd2, false);
	decode->call->socket2 = in ? in->socket.id : 0;
	decode->wanted = object || in;
	decode->call->bytes = strace_number(decode, 3, -1);
}

void strace_decode_splice(struct decode *decode)
{
	struct object *in = strace_descriptor(decode, strace_argument(decode, 0), &decode->call->fd2, false);
	struct object *out = strace_descriptor(decode, strace_argument(decode, 2), &decode->call->fd, false);

	decode->call->socket = out ? out->socket.id : 0;
	decode->call->socket2 = in ? in->socket.id : 0;
	decode->wanted = in || out;
	decode->call->bytes = strace_number(decode, 4, -1);
}

/* [{iov_base="...", iov_len=5}, ...], of strace 4 [{"...", 5}, ...]: the sum; the first one's bytes are kept. */
static int64_t vector_bytes(struct decode *decode, struct span vector)
{
	struct span list = scan_inside(vector), element;
	int64_t sum = 0, number;
	bool first = true;

	while (scan_element(&list, &element)) {
		struct span inside = scan_inside(element), length = scan_field(inside, "iov_len"),
			    base = scan_field(inside, "iov_base");

		if (span_empty(length)) {
			if (!scan_element(&inside, &base) || !scan_element(&inside, &length))
				continue;
		}
		if (first)
			strace_take_data(decode, base);
		first = false;
		if (scan_number(length, &number) && number > 0 && number < INT64_MAX / 2 - sum)
			sum += number;
	}
	return sum;
}

void strace_decode_vector(struct decode *decode)
{
	bool wanted = strace_own(decode, false) != NULL;

	strace_said(decode);
	if (wanted)
		decode->call->bytes = vector_bytes(decode, strace_argument(decode, 1));
}

static void message_flags(struct decode *decode, struct span flags_text)
{
	decode->call->flags |= flags_of(scan_flags(SW_CONSTANTS_MSG, flags_text));
}

static int64_t header(struct decode *decode, struct span header_text, struct sw_addr *addr)
{
	struct span inside = scan_inside(header_text), name = scan_field(inside, "msg_name");
	int64_t bytes = vector_bytes(decode, scan_field(inside, "msg_iov"));

	/* The name of a message that is still to be received means nothing. */
	if (!span_empty(name) && *name.at == '{')
		scan_addr(name, addr);
	return bytes;
}

void strace_decode_message(struct decode *decode)
{
	struct sw_call *call = decode->call;

	if (!strace_own(decode, true))
		return;
	call->bytes = header(decode, strace_argument(decode, 1), &call->addr);
	message_flags(decode, strace_argument(decode, 2));
	strace_rights(decode, strace_argument(decode, 1),
		      scan_flags(SW_CONSTANTS_MSG, strace_argument(decode, 2)) & MSG_CMSG_CLOEXEC);
}

void strace_decode_messages(struct decode *decode)
{
	struct span list = scan_inside(strace_argument(decode, 1)), element;
	struct sw_strace_log *log = decode->log;
	struct sw_call *call = decode->call;
	int64_t sum = 0, bytes;

	if (!strace_own(decode, true))
		return;
	log->messages.count = 0;
	while (scan_element(&list, &element)) {
		struct span inside = scan_inside(element), length = scan_field(inside, "msg_len");
		struct sw_message *message = SW_ARRAY_ADD(&log->messages);

		message->bytes = header(decode, scan_field(inside, "msg_hdr"), &message->addr);
		if (call->result > 0 && scan_number(length, &bytes))
			message->bytes = bytes;
		if (message->bytes > 0 && message->bytes < INT64_MAX / 2 - sum)
			sum += message->bytes;
	}
	call->bytes = sum;
	call->message_count = (uint32_t)log->messages.count;
	call->messages = log->messages.items;
	if (call->message_count)
		call->addr = call->messages[0].addr;
	message_flags(decode, strace_argument(decode, 3));
}
