/* What a process has open when we come: its sockets with what the kernel says of them, and the members of its epoll sets.
 *
 * Enters: a process that is running. Leaves: sockets and facts to the sink, members into the decoder's sets. What the program closes while
 * this looks is nobody's loss: the next look, or its calls, will tell. Sources: proc(5), /proc/PID/fdinfo of epoll. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_attach.h"
#include "tracer/kernel/probe_fact.h"
#include "tracer/kernel/proc.h"

#define FDINFO_ROOM ((size_t)1 << 20) /* some 15,000 members */
#define AGAIN_NS (100 * SW_NS_PER_MS) /* of a second */

struct look {
	struct sw_engine_state *engine;
	struct sw_tracee_process *process;
	char *room;
	bool again;
};

static const struct sw_socket *object(struct look *look, int fd, uint32_t *id)
{
	*id = sw_identity_object(look->engine->identity, look->process->pid, look->process->pid, fd);
	return *id ? sw_identity_socket(look->engine->identity, *id) : NULL;
}

static bool one_socket(void *context, int fd, const char *link)
{
	struct look *look = context;
	uint32_t id;

	if (strncmp(link, "socket:", 7) != 0)
		return true;
	const struct sw_socket *socket = object(look, fd, &id);
	if (!socket || (socket->domain != AF_INET && socket->domain != AF_INET6))
		return true;
	look->process->sockets = true;
	bool stream = socket->type == SOCK_STREAM;
	if (stream || look->again)
		sw_identity_refresh(look->engine->identity, look->process->pid, look->process->pid, fd, id,
				    stream ? SW_DETAIL_TCP_INFO : SW_DETAIL_ADDRESSES);
	return true;
}

/* ---- epoll ------------------------------------------------------------------------------------------------------ */

static void say_member(struct look *look, const struct sw_epoll_member *member)
{
	struct sw_fact_draft draft;
	struct sw_engine_state *engine = look->engine;

	sw_fact_begin(&draft, "epoll");
	sw_fact_add_number(&draft, "fd", member->fd);
	sw_fact_add_number(&draft, "member", member->socket);
	sw_fact_add_number(&draft, "events", member->asked);
	sw_fact_add_number(&draft, "data", (int64_t)member->data);
	draft.fact.id = sw_identity_fact_id(engine->identity);
	draft.fact.socket = member->epoll;
	draft.fact.pid = draft.fact.tid = (uint32_t)look->process->pid;
	if (engine->sink->fact)
		engine->sink->fact(engine->sink->context, sw_fact_of(&draft));
}

/* "tfd:        5 events:       19 data:                5  pos:0 ino:7a1 sdev:8" */
static void one_member(struct look *look, uint32_t epoll, const char *line)
{
	struct sw_epoll_member member = {.epoll = epoll};
	unsigned long long data;

	if (sscanf(line, "tfd: %d events: %x data: %llx", &member.fd, &member.asked, &data) != 3)
		return;
	member.data = data;
	object(look, member.fd, &member.socket);
	sw_epolls_put(look->engine->decoder->epolls, &member);
	if (member.socket)
		say_member(look, &member);
}

static bool one_epoll(void *context, int fd, const char *link)
{
	struct look *look = context;
	char path[SW_PROC_PATH], *rest = look->room, *line;
	uint32_t id;

	if (strcmp(link, "anon_inode:[eventpoll]") != 0 || !object(look, fd, &id))
		return true;
	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)look->process->pid, fd);
	if (sw_proc_read(path, look->room, FDINFO_ROOM) <= 0)
		return true;
	while ((line = strsep(&rest, "\n")))
		one_member(look, id, line);
	return true;
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

void sw_engine_attach_sockets(struct sw_engine_state *engine, struct sw_tracee_process *process, bool again)
{
	struct look look = {.engine = engine, .process = process, .again = again};
	pid_t pid = process->pid;
	int64_t deadline = again ? sw_clock_monotonic() + AGAIN_NS : 0;

	if (again)
		sw_identity_exec(engine->identity,
				 pid); /* which descriptor is what may have changed: nobody saw the calls */
	else
		sw_identity_inherited(engine->identity, pid);
	sw_proc_each_fd(pid, pid, deadline, one_socket, &look);
	if (again)
		return;
	look.room = sw_alloc(FDINFO_ROOM);
	sw_proc_each_fd(pid, pid, 0, one_epoll, &look);
	free(look.room);
}
