/* What lies where in a process: its mapped objects, and the functions in them. For tracer/stack*.c alone.
 *
 * Enters: /proc/PID/maps, ELF files as the process has them mapped. Leaves: object, offset and, where that is cheap,
 * function of an address. The files are the program's own, so hostile: they are read (never mapped: a file that
 * shrinks would kill the tracer) and every offset is checked. Sources: proc(5), elf(5). */
#ifndef SW_TRACER_STACK_MAPS_H
#define SW_TRACER_STACK_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/mem.h"

struct sw_mapping {
	uint64_t begin, end, offset, inode;
	size_t path; /* where it begins in the texts */
};

struct sw_maps {
	SW_ARRAY(struct sw_mapping) mappings; /* executable ones, by address */
	char *texts;
	int64_t read_ns; /* monotonic; 0 never */
};

/* Reads them anew; false when they cannot be read. `changed` says whether they differ from before. */
bool sw_maps_read(struct sw_maps *maps, pid_t pid, pid_t tid, bool *changed);
void sw_maps_release(struct sw_maps *maps);
const struct sw_mapping *sw_maps_find(const struct sw_maps *maps, uint64_t address); /* NULL: in none */
const char *sw_maps_path(const struct sw_maps *maps, const struct sw_mapping *mapping);

struct sw_symbols; /* the functions of the objects met, by inode */

struct sw_symbols *sw_symbols_new(void);
void sw_symbols_free(struct sw_symbols *symbols);
/* The function at a file offset of a mapped object, "" when it has no name there or the object's table is too large
 * to be cheap; false then. `*within`: how far into the function. */
bool sw_symbols_name(struct sw_symbols *symbols, pid_t pid, const char *path, uint64_t inode, uint64_t offset,
		     char *name, size_t size, uint64_t *within);

#endif
