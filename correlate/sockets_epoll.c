/* Epoll sets: which descriptors stand in one, by epoll_ctl.
 *
 * Enters: epoll_ctl calls. Leaves: the members of the set. The kernel keys a member by file and descriptor number, so that a
 * duplicate keeps a closed descriptor in the set: epoll(7), questions and answers. */
#include "correlate/sockets_state.h"

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

void sw_sockets_control(struct sw_socket_state *set, const struct sw_call *call)
{
	struct sw_member *member = member_find(set, call->fd2, call->socket2);
	const struct sw_wait *asked = call->wait_count ? call->waits : NULL;

	if (call->request == EPOLL_CTL_DEL) {
		if (member)
			*member = set->members.items[--set->members.count];
		return;
	}
	if (!member) {
		member = SW_ARRAY_ADD(&set->members);
		member->fd = call->fd2;
	}
	member->object = call->socket2;
	member->events = asked ? asked->asked : EPOLLIN | EPOLLOUT;
	member->data = asked ? asked->data : 0;
}
