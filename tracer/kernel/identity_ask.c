/* What a socket is: by a duplicate of its descriptor, else by sock_diag, else by what the calls say. See identity.h.
 *
 * Enters: an object, a descriptor that leads to it, or a call. Leaves: struct sw_socket said anew where something
 * changed, and TCP_INFO as a fact. */
#include "tracer/kernel/identity_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "src/base/clock.h"
#include "tracer/kernel/getfd.h"
#include "tracer/kernel/probe_fact.h"
#include "tracer/kernel/probe_tcp.h"
#include "tracer/kernel/proc.h"
#include "tracer/kernel/sockdiag.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#define QUEUE_AGAIN_NS (250 * SW_NS_PER_MS)

static bool same(const struct sw_socket *a, const struct sw_socket *b)
{
	return a->flags == b->flags && a->inode == b->inode && a->cookie == b->cookie && a->netns == b->netns &&
	       a->domain == b->domain && a->type == b->type && a->protocol == b->protocol && a->uid == b->uid &&
	       a->mark == b->mark && a->device == b->device && !memcmp(&a->local, &b->local, sizeof a->local) &&
	       !memcmp(&a->remote, &b->remote, sizeof a->remote);
}

static void update(struct sw_identity *identity, struct object *object, const struct sw_socket *now)
{
	if (object->said && same(&object->socket, now))
		return;
	object->socket = *now;
	object->socket.since_ns = sw_clock_realtime();
	sw_objects_say(identity, object);
}

static void set_flag(struct sw_socket *socket, uint32_t flag, bool on)
{
	socket->flags = on ? socket->flags | flag : socket->flags & ~flag;
}

static bool is_ip(const struct sw_addr *addr)
{
	return addr->present && addr->endpoint.ip.family != 0;
}

/* After a failed connect the kernel still has the local port, with address 0: the address that it had is worth more. */
static void set_local(struct sw_socket *socket, const struct sw_addr *local)
{
	if (!local->present)
		return;
	bool faded = is_ip(local) && is_ip(&socket->local) && sw_ip_is_any(&local->endpoint.ip) &&
		     local->endpoint.port != 0 && local->endpoint.port == socket->local.endpoint.port &&
		     !(socket->flags & SW_SOCKET_LISTENING);
	if (!faded)
		socket->local = *local;
}

/* The remote end as asked stays where the kernel does not (yet, or any more) name one. */
static void set_remote(struct sw_socket *socket, const struct sw_addr *remote)
{
	if (remote->present && !(is_ip(remote) && remote->endpoint.port == 0 && sw_ip_is_any(&remote->endpoint.ip)))
		socket->remote = *remote;
	set_flag(socket, SW_SOCKET_MAPPED, socket->local.mapped || socket->remote.mapped);
}

static void set_kind(struct sw_socket *socket, int domain, int type, int protocol)
{
	if (domain >= 0)
		socket->domain = domain;
	if (type >= 0)
		socket->type = type;
	if (protocol >= 0)
		socket->protocol = protocol;
	set_flag(socket, SW_SOCKET_MPTCP, socket->protocol == IPPROTO_MPTCP);
}

/* ---- the kernel's answers ------------------------------------------------------------------------------------- */

static int ask(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint64_t inode, unsigned want,
	       struct sw_getfd_answer *answer)
{
	struct process *process = sw_identity_process_get(identity, pid);
	int pidfd = process->pidfd;
	int error = sw_getfd_ask(pid, tid, &pidfd, fd, inode, want, answer);
	sw_identity_process_keep_pidfd(identity, process, pidfd);
	return error;
}

/* The namespace of the socket, which need not be that of the thread. */
static uint32_t number_netns(struct sw_identity *identity, pid_t pid, pid_t tid, int fd,
			     const struct sw_getfd_answer *answer)
{
	uint32_t number = sw_spaces_by_cookie(identity->spaces, answer->netns_cookie);
	if (number != SW_SPACE_UNKNOWN)
		return number;
	struct sw_getfd_answer again;
	uint64_t inode = 0, of_thread = sw_proc_netns(pid, tid);
	if (ask(identity, pid, tid, fd, answer->inode, SW_GETFD_NETNS, &again) == 0)
		inode = again.netns_inode;
	if (!inode)
		inode = of_thread; /* not allowed to ask: nearly always so */
	if (!inode && !answer->netns_cookie)
		return 0;
	bool inside = inode == of_thread;
	return sw_spaces_number(identity->spaces, inode, answer->netns_cookie, inside ? pid : 0, inside ? tid : 0);
}

static void take_answer(struct sw_socket *socket, const struct sw_getfd_answer *answer)
{
	set_kind(socket, answer->domain, answer->type, answer->protocol);
	socket->inode = answer->inode;
	socket->cookie = answer->cookie;
	socket->uid = answer->uid;
	socket->mark = answer->mark;
	socket->device = answer->device;
	set_flag(socket, SW_SOCKET_NONBLOCKING, answer->nonblocking);
	set_flag(socket, SW_SOCKET_LISTENING, answer->listening);
	set_local(socket, &answer->local);
	set_remote(socket, &answer->remote);
}

static void say_fact(struct sw_identity *identity, const struct object *object, pid_t pid, pid_t tid,
		     struct sw_fact_draft *draft)
{
	if (!identity->sink || !identity->sink->fact)
		return;
	draft->fact.id = ++identity->fact_ids;
	draft->fact.socket = object->id;
	draft->fact.pid = (uint32_t)pid;
	draft->fact.tid = (uint32_t)tid;
	identity->sink->fact(identity->sink->context, sw_fact_of(draft));
}

/* Whoever accepts in vain in a loop asks as often; a queue that stands as it did is told four times a second. */
static bool is_told(struct object *object, uint32_t queue, uint32_t backlog)
{
	int64_t now = sw_clock_monotonic();
	if (object->queue_said_ns && now - object->queue_said_ns < QUEUE_AGAIN_NS && queue == object->queue &&
	    backlog == object->backlog)
		return true;
	object->queue_said_ns = now;
	object->queue = queue;
	object->backlog = backlog;
	return false;
}

static void say_queue(struct sw_identity *identity, struct object *object, pid_t pid, pid_t tid, uint32_t queue,
		      uint32_t backlog)
{
	struct sw_fact_draft draft;
	char text[SW_ADDR_TEXT];
	if (is_told(object, queue, backlog))
		return;
	sw_fact_begin(&draft, "listener");
	sw_fact_add_text(&draft, "address", sw_addr_text(&object->socket.local, text));
	sw_fact_add_number(&draft, "queue", queue);
	sw_fact_add_number(&draft, "backlog", backlog);
	say_fact(identity, object, pid, tid, &draft);
}

static void say_memory(struct sw_identity *identity, const struct object *object, pid_t pid, pid_t tid,
		       const struct sw_getfd_answer *answer)
{
	struct sw_fact_draft draft;
	if (!answer->has_memory || (!answer->drops && !answer->receive_used))
		return; /* nothing lies there, nothing was dropped */
	sw_fact_begin(&draft, "receive-buffer");
	sw_fact_add_number(&draft, "used", answer->receive_used);
	sw_fact_add_number(&draft, "limit", answer->receive_limit);
	sw_fact_add_number(&draft, "drops", answer->drops);
	say_fact(identity, object, pid, tid, &draft);
}

static void say_tcp_info(struct sw_identity *identity, struct object *object, pid_t pid, pid_t tid,
			 const uint8_t *bytes, size_t length)
{
	struct sw_fact_draft draft;
	uint32_t queue, backlog;
	if (length == 0)
		return;
	if (object->socket.flags & SW_SOCKET_LISTENING) {
		if (sw_tcp_info_queue(bytes, length, &queue, &backlog))
			say_queue(identity, object, pid, tid, queue, backlog);
		return;
	}
	object->connecting = sw_tcp_info_connecting(bytes, length);
	sw_tcp_info_fact(&draft, bytes, length);
	say_fact(identity, object, pid, tid, &draft);
}

/* No descriptor tells how many wait at a listening AF_UNIX socket: sock_diag does. */
static void say_unix_queue(struct sw_identity *identity, struct object *object, pid_t pid, pid_t tid)
{
	struct sw_diag found;
	if (object->socket.domain == AF_UNIX && object->socket.flags & SW_SOCKET_LISTENING &&
	    !(identity->switches & SW_NO_DIAG) &&
	    sw_diag_by_inode(identity->spaces, object->socket.netns, object->inode, AF_UNIX, 0, &found) == 0)
		say_queue(identity, object, pid, tid, found.receive_queue, found.send_queue);
}

/* In the middle of a connect that nobody saw begin: getpeername(2) answers ENOTCONN, sock_diag names the other end. */
static void learn_remote(struct sw_identity *identity, struct object *object)
{
	struct sw_diag found;
	struct sw_socket now = object->socket;
	if (identity->switches & SW_NO_DIAG || object->socket.remote.present ||
	    sw_diag_by_inode(identity->spaces, now.netns, object->inode, now.domain, now.protocol, &found) != 0)
		return;
	set_local(&now, &found.local);
	set_remote(&now, &found.remote);
	update(identity, object, &now);
}

static bool refresh_by_getfd(struct sw_identity *identity, struct object *object, pid_t pid, pid_t tid, int fd,
			     enum sw_identity_detail detail)
{
	struct sw_getfd_answer answer;
	if (ask(identity, pid, tid, fd, object->inode, detail == SW_DETAIL_TCP_INFO ? SW_GETFD_TCP_INFO : 0, &answer) !=
	    0)
		return false;
	struct sw_socket now = object->socket;
	take_answer(&now, &answer);
	object->tos = answer.tos;
	if (!object->said)
		now.netns = number_netns(identity, pid, tid, fd, &answer);
	update(identity, object, &now);
	if (detail == SW_DETAIL_TCP_INFO) {
		if (sw_tcp_info_connecting(answer.tcp_info, answer.tcp_info_length))
			learn_remote(identity, object);
		say_tcp_info(identity, object, pid, tid, answer.tcp_info, answer.tcp_info_length);
		say_unix_queue(identity, object, pid, tid);
		say_memory(identity, object, pid, tid, &answer);
	}
	return true;
}

static bool refresh_by_diag(struct sw_identity *identity, struct object *object, pid_t pid, pid_t tid,
			    enum sw_identity_detail detail)
{
	struct sw_diag found;
	struct sw_socket now = object->socket;
	if (!object->said)
		now.netns = sw_spaces_of_thread(identity->spaces, pid, tid);
	if (object->inode == 0 ||
	    sw_diag_by_inode(identity->spaces, now.netns, object->inode, now.domain, now.protocol, &found) != 0)
		return false;
	set_kind(&now, found.domain, found.type, found.protocol);
	now.cookie = found.cookie;
	now.uid = found.uid;
	now.device = found.device;
	if (found.has_mark)
		now.mark = found.mark;
	set_flag(&now, SW_SOCKET_LISTENING, found.state == 10);
	set_local(&now, &found.local);
	set_remote(&now, &found.remote);
	update(identity, object, &now);
	if (detail == SW_DETAIL_TCP_INFO && found.state == 10)
		say_queue(identity, object, pid, tid, found.receive_queue, found.send_queue);
	else if (detail == SW_DETAIL_TCP_INFO)
		say_tcp_info(identity, object, pid, tid, found.tcp_info, found.tcp_info_length);
	return true;
}

bool sw_identity_refresh(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint32_t id,
			 enum sw_identity_detail detail)
{
	struct object *object = sw_objects_find(identity, id);
	if (!object || object->socket.kind != SW_OBJECT_SOCKET || fd < 0)
		return false;
	if (!(identity->switches & SW_NO_GETFD) && refresh_by_getfd(identity, object, pid, tid, fd, detail))
		return true;
	return !(identity->switches & SW_NO_DIAG) && refresh_by_diag(identity, object, pid, tid, detail);
}

bool sw_identity_connecting(struct sw_identity *identity, uint32_t id)
{
	const struct object *object = sw_objects_find(identity, id);
	return object && object->connecting;
}

void sw_identity_say_timeouts(struct sw_identity *identity, const struct object *object, pid_t pid, int fd)
{
	struct sw_getfd_answer answer;
	if (identity->switches & SW_NO_GETFD || object->socket.kind != SW_OBJECT_SOCKET)
		return;
	if (ask(identity, pid, pid, fd, object->inode, 0, &answer) != 0 ||
	    (!answer.receive_timeout_ns && !answer.send_timeout_ns))
		return;
	struct sw_fact_draft draft;
	sw_fact_begin(&draft, "socket");
	sw_fact_add_number(&draft, "receive_timeout_ns", answer.receive_timeout_ns);
	sw_fact_add_number(&draft, "send_timeout_ns", answer.send_timeout_ns);
	say_fact(identity, object, pid, pid, &draft);
}

int sw_identity_tos(struct sw_identity *identity, uint32_t id)
{
	const struct object *object = sw_objects_find(identity, id);
	return object ? object->tos : 0;
}

/* ---- what calls say ------------------------------------------------------------------------------------------- */

/* socket(2)'s 0 means the family's own choice. */
static int default_protocol(int domain, int type, int protocol)
{
	if (protocol || (domain != AF_INET && domain != AF_INET6))
		return protocol;
	return type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : protocol;
}

static void learn_made(struct sw_socket *socket, const struct sw_call *call)
{
	int type = call->level & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (socket->domain < 0)
		set_kind(socket, call->request, type, default_protocol(call->request, type, call->option));
	set_flag(socket, SW_SOCKET_NONBLOCKING, call->level & SOCK_NONBLOCK);
	if (call->sys == SW_SYS_SOCKETPAIR)
		socket->flags |= SW_SOCKET_PAIR;
}

static void learn_accepted(struct sw_identity *identity, struct sw_socket *socket, const struct sw_call *call)
{
	const struct object *listener = sw_objects_find(identity, call->socket);
	socket->flags |= SW_SOCKET_ACCEPTED;
	set_flag(socket, SW_SOCKET_NONBLOCKING, call->sys == SW_SYS_ACCEPT4 && call->option & SOCK_NONBLOCK);
	if (!socket->remote.present)
		set_remote(socket, &call->addr);
	if (!listener || socket->domain >= 0)
		return;
	set_kind(socket, listener->socket.domain, listener->socket.type, listener->socket.protocol);
	set_local(socket, &listener->socket.local);
}

static void learn_connect(struct sw_socket *socket, const struct sw_call *call)
{
	bool inside = call->exit_ns == SW_TIME_NONE;
	if (!call->addr.present) {
		return;
	} else if (call->addr.family == AF_UNSPEC) {
		if (!inside && call->error == 0)
			memset(&socket->remote, 0, sizeof socket->remote);
	} else if (call->error == 0 || call->error == EINPROGRESS || socket->type != SOCK_DGRAM) {
		set_remote(socket, &call->addr);
	}
}

static void learn_option(struct sw_socket *socket, const struct sw_call *call)
{
	if (call->level == SOL_SOCKET && call->option == SO_MARK)
		socket->mark = (uint32_t)call->value;
	else if (call->level == SOL_SOCKET && call->option == SO_BINDTOIFINDEX)
		socket->device = (uint32_t)call->value;
}

static void learn_success(struct sw_identity *identity, struct object *object, struct sw_socket *socket,
			  const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_SOCKET:
	case SW_SYS_SOCKETPAIR: learn_made(socket, call); break;
	case SW_SYS_ACCEPT:
	case SW_SYS_ACCEPT4:
		if (object->id == call->socket2)
			learn_accepted(identity, socket, call);
		break;
	case SW_SYS_BIND:
		socket->flags |= SW_SOCKET_BOUND;
		if (!socket->local.present || (is_ip(&socket->local) && socket->local.endpoint.port == 0))
			set_local(socket, &call->addr);
		break;
	case SW_SYS_LISTEN: socket->flags |= SW_SOCKET_LISTENING; break;
	case SW_SYS_GETSOCKNAME: set_local(socket, &call->addr); break;
	case SW_SYS_GETPEERNAME: set_remote(socket, &call->addr); break;
	case SW_SYS_SETSOCKOPT: learn_option(socket, call); break;
	case SW_SYS_FCNTL:
		if (call->request == F_SETFL)
			set_flag(socket, SW_SOCKET_NONBLOCKING, call->value & O_NONBLOCK);
		break;
	case SW_SYS_IOCTL:
		if (call->request == FIONBIO)
			set_flag(socket, SW_SOCKET_NONBLOCKING, call->value != 0);
		break;
	default: break;
	}
}

void sw_identity_learn(struct sw_identity *identity, uint32_t id, const struct sw_call *call)
{
	struct object *object = sw_objects_find(identity, id);
	if (!object || object->socket.kind != SW_OBJECT_SOCKET)
		return;
	struct sw_socket now = object->socket;
	if (call->sys == SW_SYS_CONNECT)
		learn_connect(&now, call);
	else if (call->exit_ns != SW_TIME_NONE && call->error == 0)
		learn_success(identity, object, &now, call);
	update(identity, object, &now);
}
