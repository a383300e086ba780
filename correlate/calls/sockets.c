/* The table of sockets: objects by id, descriptors by (pid, fd), and the end of the last descriptor.
 *
 * Enters: records of the trace. Leaves: struct sw_socket_state and the callback `gone`. What calls say of options and counters
 * is in sockets_options.c, epoll sets in sockets_epoll.c. Knows nothing of debts and packets. */
#include "correlate/calls/sockets_state.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

struct sw_sockets *sw_sockets_new(bool imported, sw_socket_gone gone, void *context)
{
	struct sw_sockets *sockets = sw_alloc(sizeof *sockets);

	sockets->imported = imported;
	sockets->gone = gone;
	sockets->context = context;
	return sockets;
}

static void object_free(struct sw_object *object)
{
	SW_ARRAY_RELEASE(&object->state.holders);
	SW_ARRAY_RELEASE(&object->state.members);
	sw_account_free(object->state.account);
	free(object);
}

void sw_sockets_free(struct sw_sockets *sockets)
{
	struct sw_object *object, *next_object;
	struct sw_descriptor *descriptor, *next_descriptor;

	HASH_ITER (hh, sockets->objects, object, next_object) {
		HASH_DEL(sockets->objects, object);
		object_free(object);
	}
	HASH_ITER (hh, sockets->descriptors, descriptor, next_descriptor) {
		HASH_DEL(sockets->descriptors, descriptor);
		free(descriptor);
	}
	free(sockets);
}

struct sw_socket_state *sw_sockets_get(struct sw_sockets *sockets, uint32_t id)
{
	struct sw_object **lately = &sockets->lately[id % SW_SOCKETS_LATELY], *object = *lately;

	if (!id)
		return NULL;
	if (!object || object->id != id) {
		HASH_FIND(hh, sockets->objects, &id, sizeof id, object);
		if (object)
			*lately = object;
	}
	return object ? &object->state : NULL;
}

static struct sw_socket_state *object_add(struct sw_sockets *sockets, uint32_t id)
{
	struct sw_object *object = sw_alloc(sizeof *object);
	struct sw_socket_seen *seen = &object->state.seen;

	object->id = id;
	seen->socket.id = id;
	seen->socket.domain = seen->socket.type = seen->socket.protocol = -1;
	seen->options.linger_s = -1;
	seen->options.backlog = -1;
	seen->made_ns = seen->connected_ns = seen->shut_write_ns = seen->shut_read_ns = seen->closed_ns = SW_TIME_NONE;
	seen->last_write_ns = seen->last_wait_ns = seen->without_fd_ns = SW_TIME_NONE;
	seen->listened_ns = seen->waits_from_ns = SW_TIME_NONE;
	HASH_ADD(hh, sockets->objects, id, sizeof object->id, object);
	return &object->state;
}

static bool is_datagram(const struct sw_socket *socket)
{
	return socket->type == SOCK_DGRAM || socket->type == SOCK_RAW || socket->protocol == IPPROTO_UDP ||
	       socket->protocol == IPPROTO_ICMP || socket->protocol == IPPROTO_ICMPV6;
}

/* socketpair(2), by somebody else: both ends of a local connection are without a name. A listener has one, and who is accepted shares it. */
static bool is_pair(const struct sw_socket *socket)
{
	return (socket->flags & SW_SOCKET_INHERITED) && socket->domain == AF_UNIX && socket->local.present &&
	       socket->remote.present && !socket->local.path_length && !socket->remote.path_length;
}

struct sw_socket_state *sw_sockets_learn(struct sw_sockets *sockets, const struct sw_socket *socket)
{
	struct sw_socket_state *state = sw_sockets_get(sockets, socket->id);
	struct sw_addr local, remote;

	if (!state) {
		state = object_add(sockets, socket->id);
		sockets->seen += socket->kind == SW_OBJECT_SOCKET;
	}
	local = state->seen.socket.local;
	remote = state->seen.socket.remote;
	state->seen.socket = *socket;
	/* After a failure the kernel no longer tells the ends (ENOTCONN): what was known stays known. */
	if (!socket->local.present ||
	    (socket->local.family != AF_UNIX && !socket->local.endpoint.port && local.endpoint.port))
		state->seen.socket.local = local;
	if (!socket->remote.present)
		state->seen.socket.remote = remote;
	state->seen.foreign |= (socket->flags & SW_SOCKET_IO_URING) != 0;
	state->datagram = is_datagram(socket);
	if (is_pair(&state->seen.socket))
		state->seen.socket.flags |= SW_SOCKET_PAIR;
	return state;
}

bool sw_socket_is_ip(const struct sw_socket_state *socket)
{
	int domain = socket->seen.socket.domain;

	return domain == AF_INET || domain == AF_INET6;
}

bool sw_socket_pings(const struct sw_socket_state *socket)
{
	int protocol = socket->seen.socket.protocol;

	return sw_socket_is_ip(socket) && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
}

bool sw_socket_is_stream(const struct sw_socket_state *socket)
{
	return !socket->datagram;
}

size_t sw_sockets_seen(const struct sw_sockets *sockets)
{
	return sockets->seen;
}

/* ---- descriptors ---------------------------------------------------------------------------------------------- */

static struct sw_descriptor *descriptor_find(struct sw_sockets *sockets, uint32_t pid, int32_t fd)
{
	struct sw_descriptor **lately = &sockets->lately_used[(uint32_t)fd % SW_SOCKETS_LATELY];
	struct sw_descriptor_key key = {.pid = pid, .fd = fd};
	struct sw_descriptor *descriptor = *lately;

	if (descriptor && descriptor->key.pid == pid && descriptor->key.fd == fd)
		return descriptor;
	HASH_FIND(hh, sockets->descriptors, &key, sizeof key, descriptor);
	if (descriptor)
		*lately = descriptor;
	return descriptor;
}

uint32_t sw_sockets_by_fd(struct sw_sockets *sockets, uint32_t pid, int32_t fd, const struct sw_call **closed)
{
	struct sw_descriptor *descriptor = descriptor_find(sockets, pid, fd);

	if (closed)
		*closed = descriptor && descriptor->closed ? &descriptor->close : NULL;
	return descriptor ? descriptor->object : 0;
}

static void holder_remove(struct sw_socket_state *state, uint32_t pid, int32_t fd)
{
	for (size_t i = 0; i < state->holders.count; i++) {
		if (state->holders.items[i].pid == pid && state->holders.items[i].fd == fd)
			state->holders.items[i--] = state->holders.items[--state->holders.count];
	}
}

static void last_gone(struct sw_sockets *sockets, struct sw_socket_state *state, const struct sw_call *call,
		      uint32_t pid, int64_t time_ns)
{
	if (state->gone)
		return;
	state->gone = true;
	state->seen.closed_ns = time_ns;
	sockets->gone(sockets->context, state, call, pid, time_ns);
}

void sw_sockets_hold(struct sw_sockets *sockets, uint32_t object, uint32_t pid, int32_t fd, bool close_on_exec,
		     const struct sw_call *call)
{
	struct sw_socket_state *state = sw_sockets_get(sockets, object);
	struct sw_descriptor *descriptor;

	if (!state || fd < 0)
		return;
	descriptor = descriptor_find(sockets, pid, fd);
	if (descriptor && descriptor->object == object && !descriptor->closed)
		return;
	if (!descriptor) {
		descriptor = sw_alloc(sizeof *descriptor);
		descriptor->key.pid = pid;
		descriptor->key.fd = fd;
		HASH_ADD(hh, sockets->descriptors, key, sizeof descriptor->key, descriptor);
	} else if (!descriptor->closed) {
		/* Its close was not seen: the number leads to another object now. */
		struct sw_socket_state *old = sw_sockets_get(sockets, descriptor->object);

		if (old) {
			holder_remove(old, pid, fd);
			if (!old->holders.count)
				last_gone(sockets, old, NULL, pid, call->enter_ns);
		}
	}
	descriptor->object = object;
	descriptor->closed = false;
	state->gone = false;
	*SW_ARRAY_ADD(&state->holders) = (struct sw_holder){.pid = pid, .fd = fd, .close_on_exec = close_on_exec};
}

void sw_sockets_mark_exec(struct sw_sockets *sockets, uint32_t pid, int32_t fd, bool close_on_exec)
{
	struct sw_socket_state *state = sw_sockets_get(sockets, sw_sockets_by_fd(sockets, pid, fd, NULL));

	for (size_t i = 0; state && i < state->holders.count; i++) {
		if (state->holders.items[i].pid == pid && state->holders.items[i].fd == fd)
			state->holders.items[i].close_on_exec = close_on_exec;
	}
}

/* An imported log does not say which numbers are threads of one process: a descriptor of the same number belongs to the same
 * table unless that process is known to have been forked with a table of its own; if not so, the next use opens it again. */
static void siblings_remove(struct sw_sockets *sockets, struct sw_socket_state *state, int32_t fd)
{
	for (size_t i = 0; i < state->holders.count; i++) {
		struct sw_holder *holder = &state->holders.items[i];

		if (holder->fd == fd) {
			struct sw_descriptor *descriptor = descriptor_find(sockets, holder->pid, fd);

			if (descriptor)
				descriptor->closed = true;
			*holder = state->holders.items[--state->holders.count];
			i--;
		}
	}
}

static void descriptor_close(struct sw_sockets *sockets, uint32_t pid, int32_t fd, uint32_t object,
			     const struct sw_call *call)
{
	struct sw_descriptor *descriptor = descriptor_find(sockets, pid, fd);
	struct sw_socket_state *state = sw_sockets_get(sockets, object ? object : descriptor ? descriptor->object : 0);

	if (!state || (descriptor && descriptor->closed && !object))
		return;
	if (descriptor) {
		descriptor->closed = true;
		descriptor->close = *call;
		descriptor->close.waits = NULL;
		descriptor->close.messages = NULL;
		descriptor->close.stack = NULL;
		descriptor->close.data = NULL;
		descriptor->close.wait_count = descriptor->close.message_count = 0;
		descriptor->close.stack_count = descriptor->close.data_count = 0;
	}
	holder_remove(state, pid, fd);
	if (sockets->imported && !(call->flags & SW_CALL_SHARED_CLOSE))
		siblings_remove(sockets, state, fd);
	if (call->flags & SW_CALL_SHARED_CLOSE)
		return;
	if ((call->flags & SW_CALL_LAST_CLOSE) || !state->holders.count)
		last_gone(sockets, state, call, pid, call->exit_ns == SW_TIME_NONE ? call->enter_ns : call->exit_ns);
}

static void range_close(struct sw_sockets *sockets, const struct sw_call *call)
{
	struct sw_descriptor *descriptor, *next;
	int32_t last = call->fd2 < 0 ? INT_MAX : call->fd2;

	HASH_ITER (hh, sockets->descriptors, descriptor, next) {
		if (descriptor->key.pid == call->pid && descriptor->key.fd >= call->fd && descriptor->key.fd <= last &&
		    !descriptor->closed)
			descriptor_close(sockets, call->pid, descriptor->key.fd, 0, call);
	}
}

void sw_sockets_ended(struct sw_sockets *sockets, const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_CLOSE:
		if (call->error != EBADF) /* close frees the descriptor even where it reports EINTR or EIO: close(2) */
			descriptor_close(sockets, call->pid, call->fd, call->socket, call);
		break;
	case SW_SYS_CLOSE_RANGE:
		if (call->result == 0)
			range_close(sockets, call);
		break;
	case SW_SYS_DUP2:
	case SW_SYS_DUP3:
		if (call->result >= 0 && call->fd != call->fd2 &&
		    sw_sockets_by_fd(sockets, call->pid, call->fd2, NULL) != call->socket2)
			descriptor_close(sockets, call->pid, call->fd2, 0, call);
		break;
	default: break;
	}
}

/* ---- processes ------------------------------------------------------------------------------------------------ */

static void drop_holder(struct sw_sockets *sockets, struct sw_descriptor *descriptor, int64_t time_ns)
{
	struct sw_socket_state *state = sw_sockets_get(sockets, descriptor->object);
	uint32_t pid = descriptor->key.pid;

	if (state && !descriptor->closed) {
		holder_remove(state, pid, descriptor->key.fd);
		if (!state->holders.count)
			last_gone(sockets, state, NULL, pid, time_ns);
	}
	HASH_DEL(sockets->descriptors, descriptor);
	sockets->lately_used[(uint32_t)descriptor->key.fd % SW_SOCKETS_LATELY] = NULL;
	free(descriptor);
}

static void process_forked(struct sw_sockets *sockets, const struct sw_process *process)
{
	struct sw_object *object, *next;
	struct sw_call now = {.enter_ns = process->time_ns};

	HASH_ITER (hh, sockets->objects, object, next) {
		size_t count = object->state.holders.count;

		for (size_t i = 0; i < count; i++) {
			struct sw_holder holder = object->state.holders.items[i];

			if (holder.pid == process->parent)
				sw_sockets_hold(sockets, object->id, process->pid, holder.fd, holder.close_on_exec,
						&now);
		}
	}
}

static bool closes_at_exec(struct sw_sockets *sockets, const struct sw_descriptor *descriptor)
{
	struct sw_socket_state *state = sw_sockets_get(sockets, descriptor->object);

	for (size_t i = 0; state && i < state->holders.count; i++) {
		const struct sw_holder *holder = &state->holders.items[i];

		if (holder->pid == descriptor->key.pid && holder->fd == descriptor->key.fd)
			return holder->close_on_exec;
	}
	return false;
}

void sw_sockets_process(struct sw_sockets *sockets, const struct sw_process *process)
{
	struct sw_descriptor *descriptor, *next;

	if (process->event == SW_PROCESS_BEGIN && process->parent && process->parent != process->pid &&
	    process->tid == process->pid)
		process_forked(sockets, process);
	if (process->event != SW_PROCESS_EXIT && process->event != SW_PROCESS_EXEC)
		return;
	/* An imported log calls the end of a thread an exit too: where no parent is known it may be one, and its process lives on. */
	if (sockets->imported && process->event == SW_PROCESS_EXIT && !process->is_command && !process->parent)
		return;
	HASH_ITER (hh, sockets->descriptors, descriptor, next) {
		if (descriptor->key.pid != process->pid)
			continue;
		if (process->event == SW_PROCESS_EXIT || closes_at_exec(sockets, descriptor))
			drop_holder(sockets, descriptor, process->time_ns);
	}
}

/* ---- forgetting ----------------------------------------------------------------------------------------------- */

void sw_sockets_expire(struct sw_sockets *sockets, int64_t before_ns,
		       bool (*forgets)(void *context, struct sw_socket_state *socket), void *context)
{
	struct sw_object *object, *next;

	HASH_ITER (hh, sockets->objects, object, next) {
		struct sw_socket_state *state = &object->state;

		if (!state->gone || state->kept || state->seen.closed_ns >= before_ns || !forgets(context, state))
			continue;
		HASH_DEL(sockets->objects, object);
		sockets->lately[object->id % SW_SOCKETS_LATELY] = NULL;
		object_free(object);
	}
}

void sw_sockets_each(struct sw_sockets *sockets, void (*visit)(void *context, struct sw_socket_state *socket),
		     void *context)
{
	struct sw_object *object, *next;

	HASH_ITER (hh, sockets->objects, object, next)
		visit(context, &object->state);
}
