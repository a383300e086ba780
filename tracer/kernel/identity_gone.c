/* The last descriptor of an object: by a close, with its process, at an exec; and objects of which nobody knows how they ended.
 *
 * Enters: what the tables know, and /proc where they may not know all. Leaves: what a close may be called; sockets said with
 * SW_SOCKET_GONE; fewer objects, so that memory does not grow with days. */
#include <stdlib.h>
#include <string.h>

#include "tracer/kernel/identity.h"
#include "tracer/kernel/identity_table.h"
#include "tracer/kernel/proc.h"

#define LISTING_PATIENCE_NS (2 * SW_NS_PER_MS)
#define SWEEP_LEAST 4096u /* objects, at some 600 bytes */
#define SWEEP_EVEN_SO 65536u /* where some process cannot be asked what it holds */

struct listing {
	struct sw_identity *identity;
	struct process *process;
};

static bool list_one(void *context, int fd, const char *link)
{
	struct listing *listing = context;
	uint64_t inode = sw_proc_inode_of_link(link, "socket");
	const struct object *object = inode ? sw_objects_by_inode(listing->identity, inode) : NULL;
	if (object)
		sw_descriptors_set(listing->process, fd, object->id);
	return true;
}

/* After an exec the descriptors that stayed open were not looked up: do so before saying that none leads here. */
static bool list(struct sw_identity *identity, struct process *process, pid_t tid)
{
	struct listing listing = {identity, process};
	int64_t deadline = sw_clock_monotonic() + LISTING_PATIENCE_NS;
	if (process->unshared)
		return false;
	if (process->unlisted)
		process->unlisted = sw_proc_each_fd(process->pid, tid, deadline, list_one, &listing) != 0;
	return !process->unlisted;
}

static size_t count(const struct process *process, uint32_t object, int but)
{
	size_t found = 0;
	const struct descriptors *table = process->table;
	for (uint32_t fd = 0; table && fd < table->room; fd++)
		found += table->entries[fd] == object && (int)fd != but;
	return found;
}

uint32_t sw_identity_last(struct sw_identity *identity, pid_t pid, pid_t tid, int fd, uint32_t id)
{
	const struct object *object = sw_objects_find(identity, id);
	if (!object || fd < 0)
		return 0;
	bool sure = !object->handed_on;
	struct process *process, *next;
	HASH_ITER (hh, identity->processes, process, next) {
		if (!list(identity, process, process->pid == pid ? tid : process->pid))
			sure = false;
		if (count(process, id, process->pid == pid ? fd : -1))
			return SW_CALL_SHARED_CLOSE;
	}
	if (!sure)
		return 0;
	sw_objects_retire(identity, id);
	return SW_CALL_LAST_CLOSE;
}

/* ---- without a close ------------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

struct sw_candidates sw_candidates_of(struct sw_identity *identity, const struct process *process)
{
	struct sw_candidates candidates = {0};
	const struct descriptors *table = process->table;
	for (uint32_t fd = 0; table && fd < table->room; fd++) {
		uint32_t entry = table->entries[fd];
		const struct object *object =
			entry == KNOWN_NOTHING || entry == KNOWN_OTHER ? NULL : sw_objects_find(identity, entry);
		if (object && !object->handed_on)
			*SW_ARRAY_ADD(&candidates) = entry;
	}
	if (!candidates.count)
		return candidates;
	qsort(candidates.items, candidates.count, sizeof *candidates.items, by_number);
	candidates.last = candidates.items[candidates.count - 1];
	return candidates;
}

static void say_gone(struct sw_identity *identity, struct object *object)
{
	if (object->socket.kind != SW_OBJECT_SOCKET || !object->said)
		return;
	object->socket.flags |= SW_SOCKET_GONE;
	object->socket.since_ns = sw_clock_realtime();
	sw_objects_say(identity, object);
}

/* 0 in the place of each that the process holds. */
static void cross_out(struct sw_candidates *candidates, const struct process *process)
{
	const struct descriptors *table = process->table;
	for (uint32_t fd = 0; table && fd < table->room; fd++) {
		uint32_t entry = table->entries[fd];
		for (size_t i = 0; entry && entry <= candidates->last && i < candidates->count; i++)
			if (candidates->items[i] == entry)
				candidates->items[i] = 0;
	}
}

void sw_identity_say_gone(struct sw_identity *identity, struct sw_candidates *candidates)
{
	struct process *process, *next;
	bool sure = true;
	HASH_ITER (hh, identity->processes, process, next) {
		if (!candidates->count || !sure)
			break;
		sure = list(identity, process, process->pid);
		cross_out(candidates, process);
	}
	for (size_t i = 0; sure && i < candidates->count; i++) {
		struct object *object = candidates->items[i] ? sw_objects_find(identity, candidates->items[i]) : NULL;
		if (!object || (i && candidates->items[i] == candidates->items[i - 1]))
			continue;
		say_gone(identity, object);
		sw_objects_retire(identity, object->id);
	}
	SW_ARRAY_RELEASE(candidates);
}

/* ---- nobody knows how ----------------------------------------------------------------------------------------- */

static void hold(struct sw_identity *identity, uint32_t id)
{
	struct object *object = id == KNOWN_NOTHING || id == KNOWN_OTHER ? NULL : sw_objects_find(identity, id);
	if (object)
		object->held = true;
}

static bool hold_all(struct sw_identity *identity)
{
	struct process *process, *next;
	bool sure = true;
	HASH_ITER (hh, identity->processes, process, next) {
		sure &= list(identity, process, process->pid);
		for (uint32_t fd = 0; process->table && fd < process->table->room; fd++)
			hold(identity, process->table->entries[fd]);
		for (size_t i = 0; i < process->epolls.count; i++)
			hold(identity, process->epolls.items[i].object);
	}
	for (size_t i = 0; i < RETIRED_MAX; i++)
		hold(identity, identity->retired[i]);
	return sure;
}

void sw_identity_sweep(struct sw_identity *identity)
{
	struct object *object, *next;
	unsigned count = HASH_CNT(by_id, identity->by_id);
	if (count < SWEEP_LEAST || count < identity->sweep_at)
		return;
	HASH_ITER (by_id, identity->by_id, object, next)
		object->held = false;
	bool sure = hold_all(identity);
	HASH_ITER (by_id, identity->by_id, object, next) {
		if (object->held || (!sure && count < SWEEP_EVEN_SO))
			continue;
		say_gone(identity, object);
		sw_objects_forget(identity, object);
	}
	identity->sweep_at = 2 * HASH_CNT(by_id, identity->by_id);
}
