/* The objects that frames lie in, kept open until their functions are named, and which places in them are asked for.
 *
 * Enters: mappings of stopped processes. Leaves: numbered objects (an open file each: later its process, its mount namespace or the
 * file's name may be gone) and questions, each once. Opening is all that happens while the program is stopped. Bounded; beyond the
 * bounds a frame stays object and offset. */
#ifndef SW_TRACER_STACK_OBJECTS_H
#define SW_TRACER_STACK_OBJECTS_H

#include "src/base/mem.h"
#include "tracer/stack/stack_maps.h"

#define SW_OBJECTS_MAX 96u /* open files */
#define SW_QUESTIONS_MAX 4096u

struct sw_object {
	uint64_t device, inode; /* of the file; 0: the kernel's own ([vdso]), or written_by */
	pid_t written_by; /* the process whose run-time code this file names (frame_jit.c); else 0 */
	int fd; /* -1: cannot be opened */
	bool ambiguous; /* another object has the same base name: its frames cannot be told apart */
	char name[64]; /* base name, as in struct sw_frame */
};

struct sw_frame_question {
	uint32_t object; /* index */
	bool exact; /* the address itself; else a return address, which may lie behind the calling function */
	uint64_t offset; /* in the file */
};

struct sw_objects {
	SW_ARRAY(struct sw_object) objects;
	SW_ARRAY(struct sw_frame_question) questions;
};

/* The object of a mapping, opened when it is new; -1: none, or too many. */
int sw_objects_get(struct sw_objects *objects, pid_t pid, const struct sw_mapping *mapping, const char *path);
/* The file in which the process names the code that it makes at run time; -1: it writes none. Offsets are addresses. */
int sw_objects_jit(struct sw_objects *objects, pid_t pid);
void sw_objects_ask(struct sw_objects *objects, uint32_t object, uint64_t offset, bool exact);
void sw_objects_release(struct sw_objects *objects);

#endif
