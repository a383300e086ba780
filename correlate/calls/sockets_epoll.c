/* Epoll sets: which descriptors stand in one, by epoll_ctl.
 *
 * Enters: epoll_ctl calls, at an attach the facts of kind "epoll". Leaves: the members of the set. The kernel keys a
 * member by file and descriptor number, so that a duplicate keeps a closed descriptor in the set: epoll(7), questions and
 * answers. */
#include "correlate/calls/sockets_state.h"

#include <sys/epoll.h>

static struct sw_member *member_find(struct sw_socket_state *set, int32_t fd, uint32_t object)
{
	for (size_t i = 0; i < set->members.count; i++) {
		struct sw_member *member = &set->members.items[i];

		if (member->fd == fd && (!object || !member->object || member->object == object))
			return member;
	}
	return NULL;
}

static struct sw_member *member_get(struct sw_socket_state *set, int32_t fd, uint32_t object)
{
	struct sw_member *member = member_find(set, fd, object);

	if (!member) {
		member = SW_ARRAY_ADD(&set->members);
		member->fd = fd;
	}
	member->object = object;
	return member;
}

void sw_sockets_member(struct sw_sockets *sockets, const struct sw_fact *fact)
{
	struct sw_socket_state *set = sw_sockets_get(sockets, fact->socket);

	if (!set)
		return;
	struct sw_member *member =
		member_get(set, (int32_t)sw_fact_number(fact, "fd", -1), (uint32_t)sw_fact_number(fact, "member", 0));

	member->events = (uint32_t)sw_fact_number(fact, "events", EPOLLIN | EPOLLOUT);
	member->data = (uint64_t)sw_fact_number(fact, "data", 0);
}

void sw_sockets_control(struct sw_socket_state *set, const struct sw_call *call)
{
	struct sw_member *member = member_find(set, call->fd2, call->socket2);
	const struct sw_wait *asked = call->wait_count ? call->waits : NULL;

	if (call->request == EPOLL_CTL_DEL) {
		if (member)
			*member = set->members.items[--set->members.count];
		return;
	}
	member = member_get(set, call->fd2, call->socket2);
	member->events = asked ? asked->asked : EPOLLIN | EPOLLOUT;
	member->data = asked ? asked->data : 0;
}
