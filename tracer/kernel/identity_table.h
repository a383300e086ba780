/* The inside of the identity: objects, and what each process's descriptors are known to be. For identity*.c
 * alone.
 *
 * Invariants: an id is given once and never again. A table of descriptors may belong to several processes after a
 * fork (copied at the first change). An entry is KNOWN_NOTHING, KNOWN_OTHER or an object's id. */
#ifndef SW_TRACER_IDENTITY_TABLE_H
#define SW_TRACER_IDENTITY_TABLE_H

#include <sys/types.h>
#include <uthash.h>

#include "src/base/mem.h"
#include "tracer/call.h"
#include "tracer/kernel/identity.h"
#include "tracer/kernel/netlink_space.h"

#define KNOWN_NOTHING 0
#define KNOWN_OTHER UINT32_MAX /* neither a socket nor an epoll */
#define DESCRIPTORS_MAX 65536 /* those above are asked for each time */
#define RETIRED_MAX 1024 /* objects known to be closed, kept for records that still name them */
#define PIDFDS_MAX 256 /* pidfds kept open at once */

struct object {
	uint32_t id; /* key of by_id */
	uint64_t inode; /* key of by_inode; 0: epoll, or made up */
	struct sw_socket socket;
	int tos;
	bool said; /* the sink has it */
	bool connecting; /* its last TCP_INFO said SYN_SENT */
	bool handed_on; /* may have descriptors that we never saw */
	struct sw_place place; /* pid 0: nowhere */
	bool held; /* while a sweep lasts: a descriptor leads to it */
	int64_t queue_said_ns; /* monotonic: of a listener, when its queue was told last, and how it stood */
	uint32_t queue, backlog;
	UT_hash_handle by_id, by_inode;
};

struct descriptors {
	unsigned users; /* processes */
	uint32_t room;
	uint32_t *entries;
};

struct epoll_hint { /* all epoll instances share one inode: only their maker's descriptor tells them apart */
	int fd;
	uint32_t object;
};

struct process {
	pid_t pid; /* key */
	struct descriptors *table; /* NULL: nothing known */
	int pidfd; /* -1 not open */
	bool unshared; /* threads do not have the same descriptors: remember nothing */
	bool unlisted; /* may have descriptors that were not looked up (exec, attach) */
	SW_ARRAY(struct epoll_hint) epolls;
	UT_hash_handle hh;
};

struct sw_identity {
	const struct sw_trace_sink *sink;
	unsigned switches;
	uint32_t last_object, fact_ids;
	struct sw_spaces *spaces;
	struct object *by_id, *by_inode;
	struct process *processes;
	unsigned pidfds;
	uint32_t retired[RETIRED_MAX]; /* a ring */
	size_t retired_at;
	bool refusal_said;
	size_t sweep_at; /* so many objects are looked through for those that nobody holds */
};

/* identity_gone.c: what may have lost its last descriptor, in ascending order. */
struct sw_candidates {
	SW_ARRAY(uint32_t);
	uint32_t last;
};
/* Everything that the process's descriptors are known to lead to, as far as its last close would be known. */
struct sw_candidates sw_candidates_of(struct sw_identity *identity, const struct process *process);
/* Those that nobody holds any more are said with SW_SOCKET_GONE, and retired. Takes the list. */
void sw_identity_say_gone(struct sw_identity *identity, struct sw_candidates *candidates);
/* Forgets objects that no descriptor is known to lead to, whatever became of them. */
void sw_identity_sweep(struct sw_identity *identity);

struct object *sw_objects_find(struct sw_identity *identity, uint32_t id);
struct object *sw_objects_by_inode(struct sw_identity *identity, uint64_t inode);
struct object *sw_objects_add(struct sw_identity *identity, enum sw_object_kind kind, uint64_t inode);
/* Known to be closed everywhere: forgotten after RETIRED_MAX others. */
void sw_objects_retire(struct sw_identity *identity, uint32_t id);
void sw_objects_forget(struct sw_identity *identity, struct object *object);
void sw_objects_free(struct sw_identity *identity);
/* Hands the socket to the sink. */
void sw_objects_say(struct sw_identity *identity, struct object *object);

struct process *sw_identity_process_get(struct sw_identity *identity, pid_t pid); /* made when unknown */
struct process *sw_identity_process_find(struct sw_identity *identity, pid_t pid);
void sw_identity_process_remove(struct sw_identity *identity, struct process *process);
void sw_identity_process_copy(struct sw_identity *identity, struct process *parent, struct process *child);
void sw_identity_process_keep_pidfd(struct sw_identity *identity, struct process *process, int pidfd);

uint32_t sw_descriptors_get(const struct process *process, int fd); /* KNOWN_NOTHING: ask */
void sw_descriptors_set(struct process *process, int fd, uint32_t entry);
void sw_descriptors_clear(struct process *process, unsigned first, unsigned last);
void sw_descriptors_drop(struct process *process);
uint32_t sw_epolls_get(const struct process *process, int fd); /* 0 unknown */
void sw_epolls_set(struct process *process, int fd, uint32_t object);
void sw_epolls_clear(struct process *process, unsigned first, unsigned last);

#endif
