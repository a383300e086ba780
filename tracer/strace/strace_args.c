/* The arguments of one call in strace's text, as fields of the record. Options: strace_options.c, waits and messages: strace_waits.c, strace_moves.c.
 *
 * Enters: the arguments, split, and the result. Leaves: fields of struct sw_call, and what the call changes about descriptors and sockets.
 * To add one: a row in the table at the end; a test fails while a call of tracer/sys.h has none. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "tracer/strace/strace_state.h"

struct span strace_argument(const struct decode *decode, int index)
{
	return index < decode->argument_count ? decode->arguments[index] : (struct span){"", ""};
}

int64_t strace_number(const struct decode *decode, int index, int64_t absent)
{
	int64_t number;

	return scan_number(strace_argument(decode, index), &number) ? number : absent;
}

/* ---- descriptors ---------------------------------------------------------------------------------------------- */

/* A thread that was taken to share its maker's descriptors and sees another object there has its own; so has one that still sees a
 * socket where the other has closed it: sockets come to descriptors by calls that the log shows. */
static void disagree(struct decode *decode, const struct object *known, const struct object *seen)
{
	bool other = known && known != &no_object;
	bool closed = !known && seen != &no_object && seen->references;

	if ((other || closed) && !decode->thread->known)
		strace_thread_alone(decode->strace, decode->thread);
}

static bool no_descriptor_error(int32_t error)
{
	return error == EBADF || error == ENOTSOCK;
}

struct object *strace_descriptor(struct decode *decode, struct span span, int32_t *fd, bool certain)
{
	struct descriptors *descriptors = decode->thread->descriptors;
	struct object *known, *object;
	struct span note;

	if (!scan_fd(span, fd, &note))
		return NULL;
	known = object = descriptors_get(descriptors, *fd);
	if (!span_empty(note))
		object = object_by_note(&decode->strace->objects, known, note, decode->now_ns);
	else if (certain && (!known || known == &no_object) && *fd >= 0 && !no_descriptor_error(decode->call->error)) {
		object = object_new(&decode->strace->objects, SW_OBJECT_SOCKET, decode->now_ns);
		object->socket.flags = SW_SOCKET_INHERITED;
		object_say(&decode->strace->objects, object);
	}
	if (object != known) {
		disagree(decode, known, object);
		descriptors_set(&decode->strace->objects, decode->thread->descriptors, *fd, object);
	}
	return object == &no_object ? NULL : object;
}

/* The call's own descriptor: fills fd and socket; the call is wanted when it leads to a socket. */
struct object *strace_own(struct decode *decode, bool certain)
{
	struct object *object = strace_descriptor(decode, strace_argument(decode, 0), &decode->call->fd, certain);

	if (object) {
		decode->call->socket = object->socket.id;
		if (object->socket.flags & SW_SOCKET_NONBLOCKING)
			decode->call->flags |= SW_CALL_NONBLOCKING;
	}
	decode->wanted = object || (certain && decode->ended);
	return object;
}

static struct object *make(struct decode *decode, int32_t fd, struct span note, enum sw_object_kind kind)
{
	struct objects *objects = &decode->strace->objects;
	struct object *known = descriptors_get(decode->thread->descriptors, fd),
		      *object = object_new(objects, kind, decode->now_ns);

	disagree(decode, known, &no_object);
	descriptors_set(objects, decode->thread->descriptors, fd, object);
	if (span_empty(note))
		return object;
	/* Only a damaged log says of a new socket that it is something else. */
	known = object_by_note(objects, object, note, decode->now_ns);
	if (known == object || known == &no_object)
		return object;
	descriptors_set(objects, decode->thread->descriptors, fd, known);
	return known;
}

void strace_say(struct decode *decode, struct object *object)
{
	object->socket.since_ns = decode->now_ns;
	object_say(&decode->strace->objects, object);
}

/* ---- making --------------------------------------------------------------------------------------------------- */

static void decode_socket(struct decode *decode)
{
	struct sw_call *call = decode->call;
	struct object *object;
	int64_t number = 0;

	decode->wanted = true;
	if (scan_constant(SW_CONSTANTS_FAMILY, strace_argument(decode, 0), &number))
		call->request = (int32_t)number;
	call->level = (int32_t)scan_flags(SW_CONSTANTS_TYPE, strace_argument(decode, 1));
	if (scan_constant(SW_CONSTANTS_PROTOCOL, strace_argument(decode, 2), &number))
		call->option = (int32_t)number;
	if (!strace_ended_well(decode) || call->sys == SW_SYS_SOCKETPAIR)
		return;
	call->fd = (int32_t)call->result;
	object = make(decode, call->fd, decode->result_note, SW_OBJECT_SOCKET);
	object->socket.domain = call->request;
	object->socket.type = call->level & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	object->socket.protocol = call->option;
	if (call->option == 0 && (call->request == AF_INET || call->request == AF_INET6))
		object->socket.protocol = object->socket.type == SOCK_STREAM ? IPPROTO_TCP :
					  object->socket.type == SOCK_DGRAM  ? IPPROTO_UDP :
									       0;
	object->socket.flags = call->level & SOCK_NONBLOCK ? SW_SOCKET_NONBLOCKING : 0;
	descriptors_set_cloexec(decode->thread->descriptors, call->fd, call->level & SOCK_CLOEXEC);
	call->socket = object->socket.id;
	strace_say(decode, object);
}

static void decode_socketpair(struct decode *decode)
{
	struct sw_call *call = decode->call;
	struct span pair = scan_inside(strace_argument(decode, 3)), element, note;
	int32_t *fds[] = {&call->fd, &call->fd2};
	uint32_t *ids[] = {&call->socket, &call->socket2};

	decode_socket(decode);
	for (int i = 0; i < 2 && strace_ended_well(decode) && scan_element(&pair, &element); i++) {
		struct object *object;

		if (!scan_fd(element, fds[i], &note))
			return;
		object = make(decode, *fds[i], note, SW_OBJECT_SOCKET);
		object->socket.domain = call->request;
		object->socket.type = call->level & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
		object->socket.protocol = call->option;
		object->socket.flags = SW_SOCKET_PAIR | (call->level & SOCK_NONBLOCK ? SW_SOCKET_NONBLOCKING : 0);
		descriptors_set_cloexec(decode->thread->descriptors, *fds[i], call->level & SOCK_CLOEXEC);
		*ids[i] = object->socket.id;
		strace_say(decode, object);
	}
}

static void decode_accept(struct decode *decode)
{
	struct sw_call *call = decode->call;
	struct object *listener = strace_own(decode, true), *object;

	call->level = (int32_t)scan_flags(SW_CONSTANTS_TYPE, strace_argument(decode, 3));
	if (!strace_ended_well(decode))
		return;
	scan_addr(strace_argument(decode, 1), &call->addr);
	call->fd2 = (int32_t)call->result;
	object = make(decode, call->fd2, decode->result_note, SW_OBJECT_SOCKET);
	if (listener) {
		object->socket.domain = listener->socket.domain;
		object->socket.type = listener->socket.type;
		object->socket.protocol = listener->socket.protocol;
		object->socket.netns = listener->socket.netns;
		if (!object->socket.local.present)
			object->socket.local = listener->socket.local;
	}
	object->socket.flags |= SW_SOCKET_ACCEPTED | (call->level & SOCK_NONBLOCK ? SW_SOCKET_NONBLOCKING : 0);
	if (call->addr.present && !object->socket.remote.present)
		object->socket.remote = call->addr;
	descriptors_set_cloexec(decode->thread->descriptors, call->fd2, call->level & SOCK_CLOEXEC);
	call->socket2 = object->socket.id;
	strace_say(decode, object);
}

static void decode_epoll_create(struct decode *decode)
{
	struct object *object;

	decode->wanted = true;
	if (!strace_ended_well(decode))
		return;
	decode->call->fd = (int32_t)decode->call->result;
	object = make(decode, decode->call->fd, (struct span){"", ""}, SW_OBJECT_EPOLL);
	decode->call->socket = object->socket.id;
	strace_say(decode, object);
}

/* ---- names ------------------------------------------------------------------------------------------------ */

static void decode_connect(struct decode *decode)
{
	struct object *object = strace_own(decode, true);
	struct sw_call *call = decode->call;

	scan_addr(strace_argument(decode, 1), &call->addr);
	if (!object || !decode->ended || (call->error && call->error != EINPROGRESS && call->error != EINTR) ||
	    !call->addr.present)
		return;
	object->socket.remote = call->addr.family == AF_UNSPEC ? (struct sw_addr){0} : call->addr;
	if (object->socket.domain == -1)
		object->socket.domain = call->addr.mapped ? AF_INET6 : call->addr.family;
	if (call->addr.mapped)
		object->socket.flags |= SW_SOCKET_MAPPED;
	strace_say(decode, object);
}

static void decode_bind(struct decode *decode)
{
	struct object *object = strace_own(decode, true);

	scan_addr(strace_argument(decode, 1), &decode->call->addr);
	if (!object || !strace_ended_well(decode))
		return;
	object->socket.local = decode->call->addr;
	object->socket.flags |= SW_SOCKET_BOUND;
	strace_say(decode, object);
}

static void decode_listen(struct decode *decode)
{
	struct object *object = strace_own(decode, true);

	decode->call->value = strace_number(decode, 1, 0);
	if (!object || !strace_ended_well(decode))
		return;
	object->socket.flags |= SW_SOCKET_LISTENING;
	strace_say(decode, object);
}

static void decode_name(struct decode *decode)
{
	struct object *object = strace_own(decode, true);
	struct sw_addr *known;

	if (!strace_ended_well(decode) || !scan_addr(strace_argument(decode, 1), &decode->call->addr) || !object)
		return;
	known = decode->call->sys == SW_SYS_GETSOCKNAME ? &object->socket.local : &object->socket.remote;
	if (memcmp(known, &decode->call->addr, sizeof *known) == 0)
		return;
	*known = decode->call->addr;
	strace_say(decode, object);
}

/* ---- descriptors that come and go ----------------------------------------------------------------------------- */

/* O_CLOEXEC, CLOSE_RANGE_CLOEXEC */
static bool names_cloexec(struct span flags)
{
	return !span_empty(flags) && memmem(flags.at, span_length(flags), "CLOEXEC", 7);
}

static void duplicate(struct decode *decode, struct object *object, bool cloexec)
{
	struct sw_call *call = decode->call;
	struct object *known;

	if (!strace_ended_well(decode))
		return;
	call->fd2 = (int32_t)call->result;
	known = descriptors_get(decode->thread->descriptors, call->fd2);
	if (known != object)
		disagree(decode, known, &no_object);
	descriptors_set(&decode->strace->objects, decode->thread->descriptors, call->fd2,
			object ? object :
			known  ? &no_object :
				 NULL);
	descriptors_set_cloexec(decode->thread->descriptors, call->fd2, cloexec);
	if (object)
		call->socket2 = object->socket.id;
}

static void decode_dup(struct decode *decode)
{
	struct object *object = strace_own(decode, false), *target = NULL;
	int64_t fd2 = strace_number(decode, 1, -1);

	/* dup2 closes what its target was: that is wanted too. */
	if (decode->call->sys != SW_SYS_DUP) {
		decode->call->fd2 = (int32_t)fd2;
		target = descriptors_get(decode->thread->descriptors, decode->call->fd2);
		decode->wanted = decode->wanted || (target && target != &no_object);
	}
	duplicate(decode, object, names_cloexec(strace_argument(decode, 2)));
}

static void decode_fcntl(struct decode *decode)
{
	struct object *object = strace_own(decode, false);
	struct sw_call *call = decode->call;
	int64_t number = 0;

	if (scan_constant(SW_CONSTANTS_FCNTL, strace_argument(decode, 1), &number))
		call->request = (int32_t)number;
	if (call->request == F_SETFL) {
		call->value = (int64_t)scan_flags(SW_CONSTANTS_OPEN, strace_argument(decode, 2));
		if (object && strace_ended_well(decode))
			strace_set_nonblocking(decode, object, call->value & O_NONBLOCK);
	} else if (call->request == F_SETFD) {
		call->value = (int64_t)scan_flags(SW_CONSTANTS_OPEN, strace_argument(decode, 2)) & FD_CLOEXEC;
		if (strace_ended_well(decode))
			descriptors_set_cloexec(decode->thread->descriptors, call->fd, call->value);
	} else {
		call->value = strace_number(decode, 2, 0);
	}
	if (call->request == F_GETFL && object && strace_ended_well(decode))
		strace_set_nonblocking(decode, object, call->result & O_NONBLOCK);
	if (call->request == F_DUPFD || call->request == F_DUPFD_CLOEXEC)
		duplicate(decode, object, call->request == F_DUPFD_CLOEXEC);
}

static void decode_close(struct decode *decode)
{
	struct object *object = strace_own(decode, false);
	bool guessed = decode->strace->unknown_makers;

	/* close(2) gives the descriptor up whatever it returns, but for EBADF. */
	if (!decode->ended || decode->call->error == EBADF)
		return;
	if (object && object->references > 1)
		decode->call->flags |= SW_CALL_SHARED_CLOSE;
	else if (object && !guessed && decode->thread->descriptors->users == 1)
		decode->call->flags |= SW_CALL_LAST_CLOSE;
	descriptors_set(&decode->strace->objects, decode->thread->descriptors, decode->call->fd, NULL);
}

static void decode_close_range(struct decode *decode)
{
	struct descriptors *descriptors = decode->thread->descriptors;
	int64_t first = strace_number(decode, 0, 0), last = strace_number(decode, 1, 0);

	decode->call->fd = (int32_t)first;
	decode->call->value = last;
	decode->wanted = true;
	bool cloexec = names_cloexec(strace_argument(decode, 2));

	if (!strace_ended_well(decode) || first < 0)
		return;
	for (int64_t fd = first; fd <= last && fd < descriptors->room; fd++) {
		if (cloexec)
			descriptors_set_cloexec(descriptors, (int32_t)fd, true);
		else
			descriptors_set(&decode->strace->objects, descriptors, (int32_t)fd, NULL);
	}
}

static void decode_shutdown(struct decode *decode)
{
	int64_t number;

	strace_own(decode, true);
	if (scan_constant(SW_CONSTANTS_SHUTDOWN, strace_argument(decode, 1), &number))
		decode->call->request = (int32_t)number;
}

static void decode_pidfd_getfd(struct decode *decode)
{
	if (!strace_ended_well(decode) || span_empty(decode->result_note))
		return;
	decode->call->fd2 = (int32_t)decode->call->result;
	decode->call->socket2 = 0;
	struct object *object = object_by_note(&decode->strace->objects, NULL, decode->result_note, decode->now_ns);

	descriptors_set(&decode->strace->objects, decode->thread->descriptors, decode->call->fd2, object);
	if (object != &no_object) {
		decode->call->socket2 = object->socket.id;
		decode->wanted = true;
	}
}

/* ---- what changes what can be seen ---------------------------------------------------------------------------- */

static void decode_state(struct decode *decode)
{
	int64_t number;

	if (scan_constant(SW_CONSTANTS_PRCTL, strace_argument(decode, 0), &number))
		decode->call->request = (int32_t)number;
	if (decode->call->sys == SW_SYS_UNSHARE || decode->call->sys == SW_SYS_SETNS)
		decode->call->request = (int32_t)scan_flags(SW_CONSTANTS_CLONE,
							    strace_argument(decode, decode->call->sys == SW_SYS_SETNS));
	if (decode->call->sys == SW_SYS_UNSHARE && strace_ended_well(decode) && decode->call->request & 0x400)
		strace_thread_alone(decode->strace, decode->thread);
	decode->wanted = decode->ended &&
			 (decode->call->sys != SW_SYS_PRCTL || decode->call->request == PR_SET_SECCOMP);
}

/* By number: the table of tracer/sys.h. */
static decoder *const decoders[SW_SYS_COUNT] = {
	[SW_SYS_SOCKET] = decode_socket,
	[SW_SYS_SOCKETPAIR] = decode_socketpair,
	[SW_SYS_ACCEPT] = decode_accept,
	[SW_SYS_ACCEPT4] = decode_accept,
	[SW_SYS_BIND] = decode_bind,
	[SW_SYS_LISTEN] = decode_listen,
	[SW_SYS_CONNECT] = decode_connect,
	[SW_SYS_GETSOCKNAME] = decode_name,
	[SW_SYS_GETPEERNAME] = decode_name,
	[SW_SYS_GETSOCKOPT] = strace_decode_sockopt,
	[SW_SYS_SETSOCKOPT] = strace_decode_sockopt,
	[SW_SYS_SHUTDOWN] = decode_shutdown,
	[SW_SYS_SENDTO] = strace_decode_move,
	[SW_SYS_SENDMSG] = strace_decode_message,
	[SW_SYS_SENDMMSG] = strace_decode_messages,
	[SW_SYS_RECVFROM] = strace_decode_move,
	[SW_SYS_RECVMSG] = strace_decode_message,
	[SW_SYS_RECVMMSG] = strace_decode_messages,
	[SW_SYS_READ] = strace_decode_move,
	[SW_SYS_WRITE] = strace_decode_move,
	[SW_SYS_READV] = strace_decode_vector,
	[SW_SYS_WRITEV] = strace_decode_vector,
	[SW_SYS_SENDFILE] = strace_decode_sendfile,
	[SW_SYS_SPLICE] = strace_decode_splice,
	[SW_SYS_CLOSE] = decode_close,
	[SW_SYS_CLOSE_RANGE] = decode_close_range,
	[SW_SYS_DUP] = decode_dup,
	[SW_SYS_DUP2] = decode_dup,
	[SW_SYS_DUP3] = decode_dup,
	[SW_SYS_FCNTL] = decode_fcntl,
	[SW_SYS_PIDFD_GETFD] = decode_pidfd_getfd,
	[SW_SYS_IOCTL] = strace_decode_ioctl,
	[SW_SYS_POLL] = strace_decode_wait_poll,
	[SW_SYS_PPOLL] = strace_decode_wait_poll,
	[SW_SYS_SELECT] = strace_decode_wait_select,
	[SW_SYS_PSELECT6] = strace_decode_wait_select,
	[SW_SYS_EPOLL_CREATE] = decode_epoll_create,
	[SW_SYS_EPOLL_CREATE1] = decode_epoll_create,
	[SW_SYS_EPOLL_CTL] = strace_decode_epoll_ctl,
	[SW_SYS_EPOLL_WAIT] = strace_decode_wait_epoll,
	[SW_SYS_EPOLL_PWAIT] = strace_decode_wait_epoll,
	[SW_SYS_EPOLL_PWAIT2] = strace_decode_wait_epoll,
	[SW_SYS_SECCOMP] = decode_state,
	[SW_SYS_PRCTL] = decode_state,
	[SW_SYS_SETNS] = decode_state,
	[SW_SYS_UNSHARE] = decode_state,
	[SW_SYS_IO_URING_SETUP] = decode_state,
	[SW_SYS_IO_URING_REGISTER] = decode_state,
};

decoder *strace_decoder(enum sw_sys sys)
{
	return decoders[sys];
}
