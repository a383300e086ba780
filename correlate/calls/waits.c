/* Waits, opened into the sockets they wait for. Enters: wait calls, epoll sets. Leaves: visits. Knows nothing of debts. */
#include "correlate/calls/waits.h"

#include <sys/epoll.h>

/* epoll(7): a set may hold sets; the kernel allows a depth of 5. */
#define NESTING_MAX 5

struct visit {
	struct sw_sockets *sockets;
	const struct sw_call *call;
	sw_waits_visit visit;
	void *context;
};

bool sw_waits_is_wait(const struct sw_call *call)
{
	return sw_sys_class(call->sys) == SW_SYS_CLASS_WAIT;
}

bool sw_waits_is_select(const struct sw_call *call)
{
	return call->sys == SW_SYS_SELECT || call->sys == SW_SYS_PSELECT6;
}

bool sw_waits_timed_out(const struct sw_call *call)
{
	return sw_waits_is_wait(call) && call->result == 0 && call->exit_ns != SW_TIME_NONE && call->timeout_ns > 0;
}

bool sw_waits_is_epoll(const struct sw_call *call)
{
	return call->sys == SW_SYS_EPOLL_WAIT || call->sys == SW_SYS_EPOLL_PWAIT || call->sys == SW_SYS_EPOLL_PWAIT2;
}

/* What epoll_wait reported of a member: by its data where that is known, as the kernel does, else by the object. */
static uint32_t reported(const struct sw_call *call, const struct sw_member *member)
{
	uint32_t got = 0;

	for (uint32_t i = 0; i < call->wait_count; i++) {
		const struct sw_wait *wait = &call->waits[i];

		if (wait->data == member->data && (!wait->socket || wait->socket == member->object))
			got |= wait->got;
		else if (wait->socket && wait->socket == member->object)
			got |= wait->got;
	}
	return got;
}

static void visit_set(const struct visit *visit, struct sw_socket_state *set, int depth)
{
	for (size_t i = 0; i < set->members.count; i++) {
		struct sw_member *member = &set->members.items[i];
		struct sw_socket_state *socket = sw_sockets_get(visit->sockets, member->object);

		if (!socket)
			continue;
		if (socket->seen.socket.kind == SW_OBJECT_EPOLL && depth < NESTING_MAX)
			visit_set(visit, socket, depth + 1);
		else if (socket->seen.socket.kind == SW_OBJECT_SOCKET)
			visit->visit(visit->context, socket, member->events, reported(visit->call, member));
	}
}

/* A program may give select the same memory for two of its sets, as Perl does: what is written back last is all that is left of them. */
static uint32_t got_of(const struct sw_call *call, const struct sw_wait *wait)
{
	return !wait->got && call->result > 0 && call->wait_count == 1 ? wait->asked : wait->got;
}

static void visit_listed(const struct visit *visit, const struct sw_wait *wait)
{
	uint32_t id = wait->socket ? wait->socket : sw_sockets_by_fd(visit->sockets, visit->call->pid, wait->fd, NULL);
	struct sw_socket_state *socket = sw_sockets_get(visit->sockets, id);

	if (!socket)
		return;
	if (socket->seen.socket.kind == SW_OBJECT_EPOLL)
		visit_set(visit, socket, 1);
	else if (socket->seen.socket.kind == SW_OBJECT_SOCKET)
		visit->visit(visit->context, socket, wait->asked, got_of(visit->call, wait));
}

/* An epoll set whose making was not seen (attach, a log cut at its beginning): what it reports is in it. */
static void visit_unknown_set(const struct visit *visit)
{
	for (uint32_t i = 0; i < visit->call->wait_count; i++) {
		if (visit->call->waits[i].socket)
			visit_listed(visit, &visit->call->waits[i]);
	}
}

void sw_waits_each(struct sw_sockets *sockets, const struct sw_call *call, sw_waits_visit visit, void *context)
{
	struct visit what = {.sockets = sockets, .call = call, .visit = visit, .context = context};
	struct sw_socket_state *set;

	if (!sw_waits_is_epoll(call)) {
		for (uint32_t i = 0; i < call->wait_count; i++)
			visit_listed(&what, &call->waits[i]);
		return;
	}
	set = sw_sockets_get(sockets, call->socket);
	if (set && set->members.count)
		visit_set(&what, set, 0);
	else
		visit_unknown_set(&what);
}
