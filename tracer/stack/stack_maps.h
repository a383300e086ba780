/* What lies where in a process: its mapped objects. For stack*.c alone.
 *
 * Enters: /proc/PID/maps. Leaves: the mapping of an address. Source: proc(5). */
#ifndef SW_TRACER_STACK_MAPS_H
#define SW_TRACER_STACK_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/mem.h"

struct sw_mapping {
	uint64_t begin, end, offset, inode;
	uint64_t base; /* where the file's beginning is mapped, 0 nowhere */
	size_t path; /* where it begins in the texts */
	bool unwind_asked; /* of stack_unwind.c */
	uint64_t unwind_header, unwind_entries;
};

struct sw_maps {
	SW_ARRAY(struct sw_mapping) mappings; /* executable ones, by address */
	char *texts;
	int64_t read_ns; /* monotonic; 0 never */
};

/* Reads them anew; false when they cannot be read. `changed` says whether they differ from before. */
bool sw_maps_read(struct sw_maps *maps, pid_t pid, pid_t tid, bool *changed);
void sw_maps_release(struct sw_maps *maps);
struct sw_mapping *sw_maps_find(struct sw_maps *maps, uint64_t address); /* NULL: in none */
const char *sw_maps_path(const struct sw_maps *maps, const struct sw_mapping *mapping);

#endif
