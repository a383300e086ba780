/* Which socket is it? From descriptors to objects: see identity.h. What a socket is, once found, is asked in
 * identity_ask.c. */
#include "tracer/kernel/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/kernel/identity_ask.h"
#include "tracer/kernel/identity_table.h"
#include "tracer/kernel/proc.h"

#define KCMP_OPEN_FILE 0 /* KCMP_FILE of <linux/kcmp.h> */

struct sw_identity *sw_identity_new(const struct sw_trace_sink *sink, unsigned switches)
{
	struct sw_identity *identity = sw_alloc(sizeof *identity);
	identity->sink = sink;
	identity->switches = switches;
	identity->spaces = sw_spaces_new(sink, &identity->fact_ids);
	return identity;
}

void sw_identity_mute(struct sw_identity *identity)
{
	identity->sink = NULL;
	sw_spaces_mute(identity->spaces);
}

void sw_identity_free(struct sw_identity *identity)
{
	if (!identity)
		return;
	struct process *process, *next;
	HASH_ITER (hh, identity->processes, process, next)
		sw_identity_process_remove(identity, process);
	sw_objects_free(identity);
	sw_spaces_free(identity->spaces);
	free(identity);
}

uint32_t sw_identity_fact_id(struct sw_identity *identity)
{
	return ++identity->fact_ids;
}

struct sw_spaces *sw_identity_spaces(struct sw_identity *identity)
{
	return identity->spaces;
}

uint32_t sw_identity_netns(struct sw_identity *identity, pid_t pid, pid_t tid)
{
	return sw_spaces_of_thread(identity->spaces, pid, tid);
}

/* ---- what a descriptor is ------------------------------------------------------------------------------------- */

static uint32_t socket_object(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint64_t inode)
{
	struct object *object = sw_objects_by_inode(identity, inode);
	if (object)
		return object->id;
	object = sw_objects_add(identity, SW_OBJECT_SOCKET, inode);
	uint32_t id = object->id;
	if (!sw_identity_refresh(identity, pid, tid, fd, id, SW_DETAIL_ADDRESSES))
		sw_objects_say(identity, object);
	return id;
}

/* A descriptor of an epoll instance that another call than epoll_create made: the same open file as one that we
 * know? */
static uint32_t epoll_object(struct sw_identity *identity, struct process *process, int fd)
{
	uint32_t known = sw_epolls_get(process, fd);
	for (size_t i = 0; !known && i < process->epolls.count; i++) {
		const struct epoll_hint *hint = &process->epolls.items[i];
		if (syscall(SYS_kcmp, process->pid, process->pid, KCMP_OPEN_FILE, fd, hint->fd) == 0)
			known = hint->object;
	}
	if (!known) {
		struct object *object = sw_objects_add(identity, SW_OBJECT_EPOLL, 0);
		known = object->id;
		sw_objects_say(identity, object);
	}
	sw_epolls_set(process, fd, known);
	return known;
}

/* What the link says: an object's id, KNOWN_OTHER, or KNOWN_NOTHING with `*error` set. */
static uint32_t look(struct sw_identity *identity, struct process *process, pid_t tid, int fd, int *error)
{
	char path[SW_PROC_PATH], link[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%d", (int)process->pid, (int)tid, fd);
	ssize_t length = sw_proc_link(path, link, sizeof link);
	if (length < 0) {
		*error = (int)-length;
		return KNOWN_NOTHING;
	}
	uint64_t inode = sw_proc_inode_of_link(link, "socket");
	if (inode)
		return socket_object(identity, process->pid, tid, fd, inode);
	if (!strcmp(link, "anon_inode:[eventpoll]"))
		return epoll_object(identity, process, fd);
	return KNOWN_OTHER;
}

static void say_refused(struct sw_identity *identity)
{
	if (identity->refusal_said)
		return;
	identity->refusal_said = true;
	static const struct sw_limit limit = {
		.what = "a process hides its descriptors (it is not dumpable, or belongs to another user)",
		.costs = "its sockets are told apart by its calls alone; those that it inherited are not seen",
	};
	if (identity->sink && identity->sink->limit)
		identity->sink->limit(identity->sink->context, &limit);
}

static uint32_t find(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, bool made)
{
	if (fd < 0)
		return 0;
	struct process *process = sw_identity_process_get(identity, pid);
	if (made) {
		sw_descriptors_clear(process, (unsigned)fd, (unsigned)fd);
		sw_epolls_clear(process, (unsigned)fd, (unsigned)fd);
	}
	uint32_t entry = sw_descriptors_get(process, fd);
	if (entry != KNOWN_NOTHING)
		return entry == KNOWN_OTHER ? 0 : entry;
	int error = 0;
	entry = look(identity, process, tid, fd, &error);
	if (error == EACCES || error == EPERM) {
		say_refused(identity);
		if (made)
			entry = sw_objects_add(identity, SW_OBJECT_SOCKET, 0)->id;
	}
	if (entry != KNOWN_NOTHING)
		sw_descriptors_set(process, fd, entry);
	return entry == KNOWN_OTHER ? 0 : entry;
}

uint32_t sw_identity_object(struct sw_identity *identity, pid_t pid, pid_t tid, int fd)
{
	return find(identity, pid, tid, fd, false);
}

uint32_t sw_identity_made(struct sw_identity *identity, pid_t pid, pid_t tid, int fd)
{
	return find(identity, pid, tid, fd, true);
}

uint32_t sw_identity_verify(struct sw_identity *identity, pid_t pid, pid_t tid, int fd)
{
	if (fd < 0)
		return 0;
	struct process *process = sw_identity_process_get(identity, pid);
	uint32_t before = sw_descriptors_get(process, fd);
	const struct object *object = before == KNOWN_OTHER ? NULL : sw_objects_find(identity, before);
	if (object && !object->inode && object->socket.kind == SW_OBJECT_SOCKET)
		return before; /* made up: there is nobody to ask */
	sw_descriptors_clear(process, (unsigned)fd, (unsigned)fd);
	return find(identity, pid, tid, fd, false);
}

uint32_t sw_identity_duplicated(struct sw_identity *identity, pid_t pid, pid_t tid, int from, int to)
{
	struct process *process = sw_identity_process_get(identity, pid);
	uint32_t entry = from < 0 || to < 0 ? KNOWN_NOTHING : sw_descriptors_get(process, from);
	if (entry == KNOWN_NOTHING)
		return sw_identity_made(identity, pid, tid, to);
	sw_identity_closed(identity, pid, to);
	sw_descriptors_set(process, to, entry);
	const struct object *object = entry == KNOWN_OTHER ? NULL : sw_objects_find(identity, entry);
	if (object && object->socket.kind == SW_OBJECT_EPOLL)
		sw_epolls_set(process, to, entry);
	return entry == KNOWN_OTHER ? 0 : entry;
}

uint32_t sw_identity_epoll_created(struct sw_identity *identity, pid_t pid, int fd)
{
	if (fd < 0)
		return 0;
	struct process *process = sw_identity_process_get(identity, pid);
	struct object *object = sw_objects_add(identity, SW_OBJECT_EPOLL, 0);
	sw_epolls_set(process, fd, object->id);
	sw_descriptors_set(process, fd, object->id);
	sw_objects_say(identity, object);
	return object->id;
}

const struct sw_socket *sw_identity_socket(struct sw_identity *identity, uint32_t id)
{
	const struct object *object = sw_objects_find(identity, id);
	return object ? &object->socket : NULL;
}

/* ---- what changes it ------------------------------------------------------------------------------------------ */

void sw_identity_closed_range(struct sw_identity *identity, pid_t pid, unsigned first, unsigned last)
{
	struct process *process = sw_identity_process_find(identity, pid);
	if (!process || first > last)
		return;
	sw_descriptors_clear(process, first, last);
	sw_epolls_clear(process, first, last);
}

void sw_identity_closed(struct sw_identity *identity, pid_t pid, int fd)
{
	if (fd >= 0)
		sw_identity_closed_range(identity, pid, (unsigned)fd, (unsigned)fd);
}

void sw_identity_forked(struct sw_identity *identity, pid_t parent, pid_t child)
{
	struct process *from = sw_identity_process_get(identity, parent);
	/* Who was met before his birth was told has opened and closed since: what was asked of him is newer. */
	if (!sw_identity_process_find(identity, child))
		sw_identity_process_copy(identity, from, sw_identity_process_get(identity, child));
}

void sw_identity_exec(struct sw_identity *identity, pid_t pid)
{
	struct process *process = sw_identity_process_get(identity, pid);
	struct sw_candidates candidates = sw_candidates_of(identity, process);
	sw_descriptors_drop(process); /* those with close-on-exec are gone, and we do not know which they were */
	process->unlisted = true;
	process->unshared = false;
	sw_identity_say_gone(identity, &candidates);
}

void sw_identity_unshared(struct sw_identity *identity, pid_t pid)
{
	struct process *process = sw_identity_process_get(identity, pid);
	sw_descriptors_drop(process);
	process->unshared = true;
}

void sw_identity_ended(struct sw_identity *identity, pid_t pid)
{
	struct process *process = sw_identity_process_find(identity, pid);
	if (process) {
		struct sw_candidates candidates = sw_candidates_of(identity, process);
		sw_identity_process_remove(identity, process);
		sw_identity_say_gone(identity, &candidates);
	}
	sw_spaces_ended(identity->spaces, pid);
}

void sw_identity_handed_on(struct sw_identity *identity, uint32_t id)
{
	struct object *object = sw_objects_find(identity, id);
	if (object)
		object->handed_on = true;
}

struct inherit {
	struct sw_identity *identity;
	struct process *process;
};

static bool inherit_one(void *context, int fd, const char *link)
{
	struct inherit *inherit = context;
	uint64_t inode = sw_proc_inode_of_link(link, "socket");
	if (!inode && strcmp(link, "anon_inode:[eventpoll]") != 0)
		return true;
	bool known = inode && sw_objects_by_inode(inherit->identity, inode);
	pid_t pid = inherit->process->pid;
	uint32_t id = sw_identity_object(inherit->identity, pid, pid, fd);
	struct object *object = sw_objects_find(inherit->identity, id);
	if (known || !object)
		return true;
	object->handed_on = true; /* whoever gave it may still have it */
	object->socket.flags |= SW_SOCKET_INHERITED;
	sw_objects_say(inherit->identity, object);
	sw_identity_say_timeouts(inherit->identity, object, pid, fd);
	return true;
}

void sw_identity_inherited(struct sw_identity *identity, pid_t pid)
{
	struct inherit inherit = {identity, sw_identity_process_get(identity, pid)};
	int error = sw_proc_each_fd(pid, pid, 0, inherit_one, &inherit);
	if (error == -EACCES || error == -EPERM)
		say_refused(identity);
	inherit.process->unlisted = error != 0;
}
