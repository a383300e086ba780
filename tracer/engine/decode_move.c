/* Decoders of the calls that move bytes: read and write, send and recv in all their forms, sendfile, splice. See decode.h. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/mem.h"
#include "tracer/engine/decode.h"

#define PORT_DNS 53
#define VECTOR_MAX 1024u /* UIO_MAXIOV */

struct header { /* struct msghdr in the words of its architecture */
	uint64_t name, name_length, vectors, vector_count, control, control_length, flags;
};

static const struct flag {
	uint64_t asked;
	uint32_t call;
} flags[] = {
	{MSG_DONTWAIT, SW_CALL_NONBLOCKING}, {MSG_PEEK, SW_CALL_PEEK},       {MSG_ERRQUEUE, SW_CALL_ERRQUEUE},
	{MSG_FASTOPEN, SW_CALL_FASTOPEN},    {MSG_WAITALL, SW_CALL_WAITALL},
};

static void message_flags(struct sw_call *call, uint64_t asked)
{
	for (size_t i = 0; i < SW_COUNT(flags); i++)
		if (asked & flags[i].asked)
			call->flags |= flags[i].call;
}

/* Lengths are the program's: no sum may overflow. */
static int64_t add_bytes(int64_t sum, uint64_t more)
{
	return more > (uint64_t)(INT64_MAX - sum) ? INT64_MAX : sum + (int64_t)more;
}

static int64_t vector_bytes(const struct sw_tracee *tracee, uint64_t address, uint64_t count, uint64_t *first)
{
	unsigned char vectors[16 * 64];
	size_t pair = 2 * sw_tracee_word_size(tracee);
	int64_t sum = 0;

	if (count > VECTOR_MAX)
		count = VECTOR_MAX;
	for (uint64_t done = 0; done < count;) {
		size_t now = count - done < 64 ? (size_t)(count - done) : 64;
		if (!sw_tracee_read_all(tracee, address + done * pair, vectors, now * pair))
			break;
		if (done == 0 && first)
			*first = sw_tracee_word(tracee, vectors, 0);
		for (size_t i = 0; i < now; i++)
			sum = add_bytes(sum, sw_tracee_word(tracee, vectors, 2 * i + 1));
		done += now;
	}
	return sum;
}

static size_t header_size(const struct sw_tracee *tracee)
{
	return 7 * sw_tracee_word_size(tracee); /* padding included: 56 or 28 bytes */
}

static void header_from(const struct sw_tracee *tracee, const unsigned char *bytes, struct header *header)
{
	uint32_t name_length, message_flags_at;
	size_t word = sw_tracee_word_size(tracee);

	memcpy(&name_length, bytes + word, sizeof name_length);
	memcpy(&message_flags_at, bytes + 6 * word, sizeof message_flags_at);
	*header = (struct header){.name = sw_tracee_word(tracee, bytes, 0),
				  .name_length = name_length,
				  .vectors = sw_tracee_word(tracee, bytes, 2),
				  .vector_count = sw_tracee_word(tracee, bytes, 3),
				  .control = sw_tracee_word(tracee, bytes, 4),
				  .control_length = sw_tracee_word(tracee, bytes, 5),
				  .flags = message_flags_at};
}

static bool header_read(const struct sw_tracee *tracee, uint64_t address, struct header *header)
{
	unsigned char bytes[56];

	if (!sw_tracee_read_all(tracee, address, bytes, header_size(tracee)))
		return false;
	header_from(tracee, bytes, header);
	return true;
}

static bool is_dns(const struct sw_decoder *decoder, const struct sw_call *call)
{
	const struct sw_socket *socket = call->socket ? sw_identity_socket(decoder->identity, call->socket) : NULL;

	return call->addr.endpoint.port == PORT_DNS ||
	       (socket && (socket->remote.endpoint.port == PORT_DNS || socket->local.endpoint.port == PORT_DNS));
}

/* To add one: a protocol of correlate/findings/name_services.c. */
static bool is_name_service(const struct sw_decoder *decoder, const struct sw_call *call)
{
	static const char *const paths[] = {"/nscd/socket", "/systemd/resolve/io.systemd.Resolve",
					    "/avahi-daemon/socket"};
	const struct sw_socket *socket = call->socket ? sw_identity_socket(decoder->identity, call->socket) : NULL;

	if (!socket || socket->domain != AF_UNIX || !socket->remote.present || socket->remote.abstract)
		return false;
	for (size_t i = 0; i < SW_COUNT(paths); i++) {
		size_t length = strlen(paths[i]), path = strlen(socket->remote.path);

		if (path >= length && strcmp(socket->remote.path + path - length, paths[i]) == 0)
			return true;
	}
	return false;
}

/* Messages to resolvers, which say why a look-up failed. */
static bool is_wanted(const struct sw_decoder *decoder, const struct sw_call *call)
{
	return is_dns(decoder, call) || is_name_service(decoder, call);
}

static void take_data(struct sw_decoder *decoder, const struct sw_tracee *tracee, struct sw_call *call,
		      uint64_t address)
{
	size_t want = call->result > 0 ? (size_t)call->result : 0;

	if (!want || !is_wanted(decoder, call))
		return;
	call->data_count =
		(uint32_t)sw_tracee_read(tracee, address, decoder->data, want < SW_DECODE_DATA ? want : SW_DECODE_DATA);
	call->data = decoder->data;
}

/* ---- one buffer ------------------------------------------------------------------------------------------------ */

static bool plain_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->bytes = add_bytes(0, tracee->at.args[2]);
	return sw_decode_fd(decoder, tracee, call, (int)tracee->at.args[0]);
}

static void plain_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	take_data(decoder, tracee, call, tracee->at.args[1]);
}

static bool vector_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (!sw_decode_fd(decoder, tracee, call, (int)tracee->at.args[0]))
		return false;
	call->bytes = vector_bytes(tracee, tracee->at.args[1], tracee->at.args[2], NULL);
	return true;
}

static bool sendto_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	plain_enter(decoder, tracee, call);
	message_flags(call, tracee->at.args[3]);
	if (tracee->at.args[4])
		sw_decode_address(tracee, &call->addr, tracee->at.args[4], (uint32_t)tracee->at.args[5]);
	return true;
}

static bool recvfrom_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	plain_enter(decoder, tracee, call);
	message_flags(call, tracee->at.args[3]);
	return true;
}

static void recvfrom_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (call->result >= 0)
		sw_decode_answered_address(tracee, &call->addr, tracee->at.args[4], tracee->at.args[5]);
	plain_leave(decoder, tracee, call);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static bool message_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call, bool sends)
{
	struct header header;

	sw_decode_fd(decoder, tracee, call, (int)tracee->at.args[0]);
	message_flags(call, tracee->at.args[2]);
	if (!header_read(tracee, tracee->at.args[1], &header))
		return true;
	call->bytes = vector_bytes(tracee, header.vectors, header.vector_count, NULL);
	if (sends && header.name)
		sw_decode_address(tracee, &call->addr, header.name, header.name_length);
	return true;
}

static bool sendmsg_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	return message_enter(decoder, tracee, call, true);
}

static bool recvmsg_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	return message_enter(decoder, tracee, call, false);
}

/* What each descriptor in a message goes through. */
typedef void passed(struct sw_decoder *decoder, const struct sw_tracee *tracee, int fd);

/* It came: whatever its number meant before is void. */
static void forget_received(struct sw_decoder *decoder, const struct sw_tracee *tracee, int fd)
{
	sw_identity_closed(decoder->identity, tracee->process->pid, fd);
}

/* It left: who gets it may not be traced, so that our last close is not its end. */
static void hand_on(struct sw_decoder *decoder, const struct sw_tracee *tracee, int fd)
{
	uint32_t object = sw_identity_object(decoder->identity, tracee->process->pid, tracee->tid, fd);

	if (object)
		sw_identity_handed_on(decoder->identity, object);
}

static void each_passed(struct sw_decoder *decoder, const struct sw_tracee *tracee, const struct header *header,
			passed *visit)
{
	unsigned char control[1024];
	size_t word = sw_tracee_word_size(tracee), head = word + 8;
	size_t length = header->control_length < sizeof control ? (size_t)header->control_length : sizeof control;

	length = sw_tracee_read(tracee, header->control, control, length);
	for (size_t at = 0; at + head <= length;) {
		uint64_t size = sw_tracee_word(tracee, control + at, 0);
		int32_t kind[2], fd;
		memcpy(kind, control + at + word, sizeof kind);
		if (size < head || size > length - at)
			return;
		for (size_t i = at + head; kind[0] == SOL_SOCKET && kind[1] == SCM_RIGHTS && i + 4 <= at + size;
		     i += 4) {
			memcpy(&fd, control + i, sizeof fd);
			visit(decoder, tracee, fd);
		}
		at += (size + word - 1) & ~(uint64_t)(word - 1);
	}
}

static void sendmsg_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	struct header header;
	uint64_t first = 0;

	if (call->result <= 0 || !header_read(tracee, tracee->at.args[1], &header))
		return;
	if (header.control && header.control_length)
		each_passed(decoder, tracee, &header, hand_on);
	if (!is_wanted(decoder, call))
		return;
	vector_bytes(tracee, header.vectors, header.vector_count, &first);
	take_data(decoder, tracee, call, first);
}

static void recvmsg_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	struct header header;
	uint64_t first = 0;

	if (call->result < 0 || !header_read(tracee, tracee->at.args[1], &header))
		return;
	if (header.name)
		sw_decode_address(tracee, &call->addr, header.name, header.name_length);
	if (header.control && header.control_length)
		each_passed(decoder, tracee, &header, forget_received);
	if (call->result > 0 && is_wanted(decoder, call)) {
		vector_bytes(tracee, header.vectors, header.vector_count, &first);
		take_data(decoder, tracee, call, first);
	}
}

/* ---- several messages ------------------------------------------------------------------------------------------ */

static size_t messages_read(struct sw_decoder *decoder, const struct sw_tracee *tracee, uint64_t count, size_t *stride)
{
	*stride = header_size(tracee) + (sw_tracee_word_size(tracee) == 8 ? 8 : 4); /* struct mmsghdr */
	if (count > SW_DECODE_MESSAGES)
		count = SW_DECODE_MESSAGES;
	if (count > sizeof decoder->raw / *stride)
		count = sizeof decoder->raw / *stride;
	return sw_tracee_read(tracee, tracee->at.args[1], decoder->raw, (size_t)count * *stride) / *stride;
}

static bool messages_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call, bool sends)
{
	struct header header;
	size_t stride, count;

	sw_decode_fd(decoder, tracee, call, (int)tracee->at.args[0]);
	message_flags(call, tracee->at.args[3]);
	count = messages_read(decoder, tracee, (uint32_t)tracee->at.args[2], &stride);
	call->bytes = 0;
	for (size_t i = 0; i < count; i++) {
		header_from(tracee, decoder->raw + i * stride, &header);
		int64_t bytes = vector_bytes(tracee, header.vectors, header.vector_count, NULL);
		call->bytes = add_bytes(call->bytes, (uint64_t)bytes);
		if (i == 0 && sends && header.name)
			sw_decode_address(tracee, &call->addr, header.name, header.name_length);
	}
	return true;
}

static bool sendmmsg_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	return messages_enter(decoder, tracee, call, true);
}

static bool recvmmsg_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->timeout_ns = sw_decode_time(tracee, tracee->at.args[4], false);
	return messages_enter(decoder, tracee, call, false);
}

static void messages_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	size_t stride, count = 0, limit = call->result > 0 ? (size_t)call->result : 0;
	uint64_t first = 0;

	if (limit)
		count = messages_read(decoder, tracee, limit, &stride);
	for (size_t i = 0; i < count; i++) {
		struct sw_message *message = &decoder->messages[i];
		struct header header;
		uint32_t length;
		header_from(tracee, decoder->raw + i * stride, &header);
		memcpy(&length, decoder->raw + i * stride + header_size(tracee), sizeof length);
		*message = (struct sw_message){.bytes = length};
		if (header.name)
			sw_decode_address(tracee, &message->addr, header.name, header.name_length);
	}
	call->messages = decoder->messages;
	call->message_count = (uint32_t)count;
	if (count && is_wanted(decoder, call)) {
		struct header header;
		header_from(tracee, decoder->raw, &header);
		vector_bytes(tracee, header.vectors, header.vector_count, &first);
		int64_t datagrams = call->result;
		call->result = decoder->messages[0].bytes; /* of the first: what take_data() may copy */
		take_data(decoder, tracee, call, first);
		call->result = datagrams;
	}
}

/* ---- between two descriptors ----------------------------------------------------------------------------------- */

static bool two_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call, int out, int in)
{
	bool to_socket = sw_decode_fd(decoder, tracee, call, out);

	call->fd2 = in;
	call->socket2 = sw_decode_object(decoder, tracee, in);
	return to_socket || sw_decode_is_socket(decoder, call->socket2);
}

static bool sendfile_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->bytes = add_bytes(0, tracee->at.args[3]);
	return two_enter(decoder, tracee, call, (int)tracee->at.args[0], (int)tracee->at.args[1]);
}

static bool splice_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	call->bytes = add_bytes(0, tracee->at.args[4]);
	if (tracee->at.args[5] & SPLICE_F_NONBLOCK)
		call->flags |= SW_CALL_NONBLOCKING;
	return two_enter(decoder, tracee, call, (int)tracee->at.args[2], (int)tracee->at.args[0]);
}

const struct sw_decode_row sw_decode_move_rows[SW_SYS_COUNT] = {
	[SW_SYS_READ] = {plain_enter, plain_leave},
	[SW_SYS_WRITE] = {plain_enter, plain_leave},
	[SW_SYS_READV] = {vector_enter, NULL},
	[SW_SYS_WRITEV] = {vector_enter, NULL},
	[SW_SYS_SENDTO] = {sendto_enter, plain_leave},
	[SW_SYS_RECVFROM] = {recvfrom_enter, recvfrom_leave},
	[SW_SYS_SENDMSG] = {sendmsg_enter, sendmsg_leave},
	[SW_SYS_RECVMSG] = {recvmsg_enter, recvmsg_leave},
	[SW_SYS_SENDMMSG] = {sendmmsg_enter, messages_leave},
	[SW_SYS_RECVMMSG] = {recvmmsg_enter, messages_leave},
	[SW_SYS_SENDFILE] = {sendfile_enter, NULL},
	[SW_SYS_SPLICE] = {splice_enter, NULL},
};
