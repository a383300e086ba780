/* Names of frames: function, file and line of places in objects, found after the run by a process that can do nothing else.
 *
 * Enters: the questions of stack_objects.h. Leaves: struct sw_frame_name. The objects are hostile (a program may bring its own debugging
 * information), and the libraries that read them are large: so they are read by a child that has given up its rights, can open nothing
 * but /usr/lib/debug, is given a few seconds, and may crash. What it does not answer stays object and offset. */
#ifndef SW_TRACER_FRAME_NAMES_H
#define SW_TRACER_FRAME_NAMES_H

#include "src/base/err.h"
#include "tracer/stack/stack.h"
#include "tracer/stack/stack_elf.h"
#include "tracer/stack/stack_objects.h"

void sw_frame_names(const struct sw_objects *objects, void (*say)(void *context, const struct sw_frame_name *name),
		    void *context);

/* ---- between its files ---------------------------------------------------------------------------------------------- */

#define SW_INLINED_MAX 6u /* functions told of one place */

struct sw_frame_answer {
	uint32_t question, depth, line;
	uint64_t within;
	char function[96], file[96];
};

/* frame_confine.c: no rights, no files but those of /usr/lib/debug, no more calls than reading needs. */
void sw_frame_confine(void);

/* frame_dwarf.c: libdw, where it is installed. */
struct sw_dwarf;
struct sw_dwarf *sw_dwarf_new(void); /* NULL: not installed. Before the confinement: it loads a library */
/* What lies at that address of the file: innermost function first; 0: nothing is known. */
uint32_t sw_dwarf_ask(struct sw_dwarf *dwarf, const struct sw_object *object, uint64_t address,
		      struct sw_frame_answer answers[SW_INLINED_MAX]);
void sw_demangle(const char *mangled, char *name, size_t size);

/* frame_go.c: the table that every Go program carries, also when it is stripped. */
bool sw_go_ask(const struct sw_elf *elf, int fd, uint64_t address, struct sw_frame_answer *answer);

/* frame_jit.c: code made at run time, as its maker names it. */
struct sw_jit;
struct sw_jit *sw_jit_open(int fd);
void sw_jit_free(struct sw_jit *jit);
bool sw_jit_ask(const struct sw_jit *jit, uint64_t address, struct sw_frame_answer *answer);

#endif
