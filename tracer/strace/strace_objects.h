/* Which object is behind a descriptor of a log: simulated through the calls, corrected by what -y and -yy print.
 *
 * Internal to this folder. Without -y only the calls are known: what was never made in the log is taken as inherited at its
 * first use. Objects without a descriptor are forgotten, so that memory follows open sockets, not the log's length. */
#ifndef SW_TRACER_STRACE_OBJECTS_H
#define SW_TRACER_STRACE_OBJECTS_H

#include "src/base/mem.h"
#include "tracer/strace/strace_scan.h"

#define DESCRIPTORS_MAX 65536 /* higher numbers share the places of lower ones */

struct object {
	struct sw_socket socket; /* as last said */
	uint32_t references; /* descriptors, in all tables */
	uint64_t note; /* hash of the <...> seen last; 0 none */
	uint64_t keys[2]; /* by which it is found: inode, addresses; 0 none */
	struct object *next; /* of the unused ones */
};

struct descriptors { /* of one process, or of processes that share them */
	uint32_t users; /* threads */
	uint32_t room;
	struct object **items; /* by number; NULL unknown, &no_object: known to be no socket */
	bool *cloexec; /* beside each: FD_CLOEXEC */
};

extern struct object no_object;

/* A socket whose last known descriptor was closed. Where the log does not tell of forks, a child that is not known yet may hold it. */
struct gone {
	uint64_t keys[2];
	uint32_t flags;
};
#define GONE_MAX 64

struct objects {
	struct gone gone[GONE_MAX]; /* the newest */
	uint32_t gone_next;
	const struct sw_trace_sink *sink;
	uint32_t last_id;
	struct object *unused;
	struct key_slot { /* open addressing; key 0 free */
		uint64_t key;
		struct object *object;
	} * keys;
	size_t key_room, key_used;
};

#define RIGHTS_MAX 64 /* descriptors in messages on their way (SCM_RIGHTS); the oldest go */
struct rights {
	struct object *items[RIGHTS_MAX];
	uint32_t first, count;
};

void object_drop(struct objects *objects, struct object *object); /* one reference fewer */
void objects_init(struct objects *objects, const struct sw_trace_sink *sink);
void objects_release(struct objects *objects);

struct descriptors *descriptors_new(void);
struct descriptors *descriptors_copy(struct objects *objects, const struct descriptors *parent);
/* one user fewer; the last closes all */
void descriptors_leave(struct objects *objects, struct descriptors *descriptors);
struct object *descriptors_get(const struct descriptors *descriptors, int32_t fd); /* NULL unknown */
void descriptors_set(struct objects *objects, struct descriptors *descriptors, int32_t fd, struct object *object);

/* strace_handed.c: FD_CLOEXEC, and what goes with it at an exec; a socket that goes so without a close is said with SW_SOCKET_GONE. */
void descriptors_set_cloexec(struct descriptors *descriptors, int32_t fd, bool on);
void descriptors_exec(struct objects *objects, struct descriptors *descriptors, bool sure, int64_t now_ns);

struct object *object_new(struct objects *objects, enum sw_object_kind kind, int64_t now_ns);
void object_say(const struct objects *objects, const struct object *object);
/* The object that a descriptor's <...> names: the known one if it fits, another one, or a new one; &no_object for files. `known` may be
 * NULL. Says what it learnt. */
struct object *object_by_note(struct objects *objects, struct object *known, struct span note, int64_t now_ns);

#endif
