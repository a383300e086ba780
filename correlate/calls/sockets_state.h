/* The inside of the table of sockets, shared by sockets.c, sockets_options.c and sockets_epoll.c alone. */
#ifndef SW_CORRELATE_SOCKETS_STATE_H
#define SW_CORRELATE_SOCKETS_STATE_H

#include <errno.h>
#include <uthash.h>

#include "correlate/calls/sockets.h"

struct sw_object {
	uint32_t id;
	struct sw_socket_state state;
	UT_hash_handle hh;
};

struct sw_descriptor_key {
	uint32_t pid;
	int32_t fd;
};

struct sw_descriptor { /* what a number leads to, or led to before it was closed */
	struct sw_descriptor_key key;
	uint32_t object;
	bool closed;
	struct sw_call close; /* valid when closed by a call; its lists are empty */
	UT_hash_handle hh;
};

#define SW_SOCKETS_LATELY 64u /* a power of two */

struct sw_sockets {
	struct sw_object *lately[SW_SOCKETS_LATELY]; /* in front of the table, by id; NULL none */
	struct sw_descriptor *lately_used[SW_SOCKETS_LATELY]; /* and by number */
	bool imported;
	sw_socket_gone gone;
	void *context;
	struct sw_object *objects;
	struct sw_descriptor *descriptors;
	size_t seen;
};

void sw_sockets_hold(struct sw_sockets *sockets, uint32_t object, uint32_t pid, int32_t fd, bool close_on_exec,
		     const struct sw_call *call);
void sw_sockets_mark_exec(struct sw_sockets *sockets, uint32_t pid, int32_t fd, bool close_on_exec);
void sw_sockets_option(struct sw_socket_state *state, const struct sw_call *call); /* setsockopt that succeeded */
void sw_sockets_control(struct sw_socket_state *set, const struct sw_call *call); /* epoll_ctl that succeeded */

#endif
