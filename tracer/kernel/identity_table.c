/* Objects, processes and what their descriptors are known to be: see identity_table.h. Asks the kernel nothing. */
#include "tracer/kernel/identity_table.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

/* ---- objects -------------------------------------------------------------------------------------------------- */

struct object *sw_objects_find(struct sw_identity *identity, uint32_t id)
{
	struct object *object;
	HASH_FIND(by_id, identity->by_id, &id, sizeof id, object);
	return object;
}

struct object *sw_objects_by_inode(struct sw_identity *identity, uint64_t inode)
{
	struct object *object;
	HASH_FIND(by_inode, identity->by_inode, &inode, sizeof inode, object);
	return object;
}

struct object *sw_objects_add(struct sw_identity *identity, enum sw_object_kind kind, uint64_t inode)
{
	sw_identity_sweep(identity);
	struct object *object = sw_alloc(sizeof *object);
	object->id = ++identity->last_object;
	object->inode = inode;
	object->socket = (struct sw_socket){.id = object->id,
					    .kind = kind,
					    .inode = inode,
					    .domain = -1,
					    .type = -1,
					    .protocol = -1,
					    .since_ns = sw_clock_realtime()};
	HASH_ADD(by_id, identity->by_id, id, sizeof object->id, object);
	if (inode)
		HASH_ADD(by_inode, identity->by_inode, inode, sizeof object->inode, object);
	return object;
}

void sw_objects_forget(struct sw_identity *identity, struct object *object)
{
	HASH_DELETE(by_id, identity->by_id, object);
	if (object->inode)
		HASH_DELETE(by_inode, identity->by_inode, object);
	free(object);
}

void sw_objects_retire(struct sw_identity *identity, uint32_t id)
{
	struct object *object = sw_objects_find(identity, id);
	if (object && object->inode) { /* the inode's number may come again, for another socket */
		HASH_DELETE(by_inode, identity->by_inode, object);
		object->inode = 0;
	}
	uint32_t *slot = &identity->retired[identity->retired_at++ % RETIRED_MAX];
	struct object *oldest = *slot ? sw_objects_find(identity, *slot) : NULL;
	if (oldest)
		sw_objects_forget(identity, oldest);
	*slot = id;
}

void sw_objects_free(struct sw_identity *identity)
{
	struct object *object, *next;
	HASH_ITER (by_id, identity->by_id, object, next)
		sw_objects_forget(identity, object);
}

void sw_identity_place(struct sw_identity *identity, uint32_t id, const struct sw_place *place)
{
	struct object *object = place->fd < 0 ? NULL : sw_objects_find(identity, id);
	if (object)
		object->place = *place;
}

const struct sw_place *sw_identity_placed(struct sw_identity *identity, uint32_t id)
{
	const struct object *object = sw_objects_find(identity, id);
	return object && object->place.pid ? &object->place : NULL;
}

void sw_objects_say(struct sw_identity *identity, struct object *object)
{
	object->said = true;
	if (identity->sink && identity->sink->socket)
		identity->sink->socket(identity->sink->context, &object->socket);
}

/* ---- processes ------------------------------------------------------------------------------------------------ */

struct process *sw_identity_process_find(struct sw_identity *identity, pid_t pid)
{
	struct process *process;
	HASH_FIND(hh, identity->processes, &pid, sizeof pid, process);
	return process;
}

struct process *sw_identity_process_get(struct sw_identity *identity, pid_t pid)
{
	struct process *process = sw_identity_process_find(identity, pid);
	if (process)
		return process;
	process = sw_alloc(sizeof *process);
	process->pid = pid;
	process->pidfd = -1;
	process->unlisted = true;
	HASH_ADD(hh, identity->processes, pid, sizeof process->pid, process);
	return process;
}

void sw_identity_process_remove(struct sw_identity *identity, struct process *process)
{
	if (process->pidfd >= 0) {
		close(process->pidfd);
		identity->pidfds--;
	}
	sw_descriptors_drop(process);
	SW_ARRAY_RELEASE(&process->epolls);
	HASH_DELETE(hh, identity->processes, process);
	free(process);
}

void sw_identity_process_copy(struct sw_identity *identity, struct process *parent, struct process *child)
{
	(void)identity;
	sw_descriptors_drop(child);
	child->unlisted = parent->unlisted;
	if (!parent->unshared && parent->table) {
		child->table = parent->table;
		child->table->users++;
	}
	child->epolls.count = 0;
	for (size_t i = 0; i < parent->epolls.count; i++)
		*SW_ARRAY_ADD(&child->epolls) = parent->epolls.items[i];
}

/* A bounded number stays open: the tool has a descriptor limit too, and a command may have thousands of processes. */
void sw_identity_process_keep_pidfd(struct sw_identity *identity, struct process *process, int pidfd)
{
	if (process->pidfd == pidfd || pidfd < 0)
		return;
	if (identity->pidfds >= PIDFDS_MAX) {
		close(pidfd);
		return;
	}
	process->pidfd = pidfd;
	identity->pidfds++;
}

/* ---- descriptors ---------------------------------------------------------------------------------------------- */

uint32_t sw_descriptors_get(const struct process *process, int fd)
{
	const struct descriptors *table = process->table;
	return table && (uint32_t)fd < table->room ? table->entries[fd] : KNOWN_NOTHING;
}

static struct descriptors *own_table(struct process *process, uint32_t room)
{
	struct descriptors *old = process->table;
	if (old && old->users == 1 && old->room >= room)
		return old;
	uint32_t size = old && old->room > 64 ? old->room : 64;
	while (size < room)
		size *= 2;
	struct descriptors *table = old && old->users == 1 ? old : sw_alloc(sizeof *table);
	uint32_t *entries = sw_alloc(size * sizeof *entries);
	if (old)
		memcpy(entries, old->entries, old->room * sizeof *entries);
	if (table == old)
		free(old->entries);
	else if (old)
		old->users--;
	*table = (struct descriptors){.users = 1, .room = size, .entries = entries};
	return process->table = table;
}

void sw_descriptors_set(struct process *process, int fd, uint32_t entry)
{
	if (process->unshared || fd < 0 || fd >= DESCRIPTORS_MAX || sw_descriptors_get(process, fd) == entry)
		return;
	own_table(process, (uint32_t)fd + 1)->entries[fd] = entry;
}

void sw_descriptors_clear(struct process *process, unsigned first, unsigned last)
{
	if (!process->table || first >= process->table->room)
		return;
	if (last >= process->table->room)
		last = process->table->room - 1;
	for (unsigned fd = first; fd <= last; fd++)
		if (process->table->entries[fd] != KNOWN_NOTHING)
			own_table(process, fd + 1)->entries[fd] = KNOWN_NOTHING;
}

void sw_descriptors_drop(struct process *process)
{
	struct descriptors *table = process->table;
	process->table = NULL;
	if (!table || --table->users > 0)
		return;
	free(table->entries);
	free(table);
}

uint32_t sw_epolls_get(const struct process *process, int fd)
{
	for (size_t i = 0; i < process->epolls.count; i++)
		if (process->epolls.items[i].fd == fd)
			return process->epolls.items[i].object;
	return 0;
}

void sw_epolls_set(struct process *process, int fd, uint32_t object)
{
	sw_epolls_clear(process, (unsigned)fd, (unsigned)fd);
	*SW_ARRAY_ADD(&process->epolls) = (struct epoll_hint){.fd = fd, .object = object};
}

void sw_epolls_clear(struct process *process, unsigned first, unsigned last)
{
	size_t kept = 0;
	for (size_t i = 0; i < process->epolls.count; i++) {
		unsigned fd = (unsigned)process->epolls.items[i].fd;
		if (fd < first || fd > last)
			process->epolls.items[kept++] = process->epolls.items[i];
	}
	process->epolls.count = kept;
}
