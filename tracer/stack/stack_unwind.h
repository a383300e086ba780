/* Walking the stack of one stopped 64-bit thread: by the unwind tables in its own memory, without them by frame pointers.
 *
 * Enters: a stopped thread and its mappings. Leaves: addresses. libunwind walks; what it needs is given to it from here: registers, memory
 * (read by pages, kept while one stack is walked), and where the tables of each object lie (.eh_frame_hdr, which is mapped with the code:
 * no file is opened, so that deleted ones, other roots and the vdso are no different). All of it is the program's, so hostile: every
 * read may fail, every walk is bounded. Sources: libunwind(3); LSB 5.0 Core, 10.6 (exception frames); elf(5). */
#ifndef SW_TRACER_STACK_UNWIND_H
#define SW_TRACER_STACK_UNWIND_H

#include "tracer/stack/stack.h"
#include "tracer/stack/stack_maps.h"

struct sw_unwinder;
typedef void sw_space; /* a process's address space with its cache of unwind steps */

struct sw_unwinder *sw_unwinder_new(void);
void sw_unwinder_free(struct sw_unwinder *unwinder);
sw_space *sw_space_new(void); /* NULL: no memory for one */
void sw_space_free(sw_space *space);
void sw_space_flush(sw_space *space); /* its mappings have changed */

/* Addresses, innermost first, into `frames` (zeroed before); returns how many. `exact[i]`: frame i is no return address: the innermost, or
 * what a signal interrupted. The kernel's frame between handler and interrupted is named SW_SIGNAL_FRAME. */
uint32_t sw_unwind(struct sw_unwinder *unwinder, sw_space *space, pid_t tid, struct sw_maps *maps,
		   struct sw_frame frames[SW_STACK_DEPTH], bool exact[SW_STACK_DEPTH]);

#endif
