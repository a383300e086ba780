/* One ELF file (64 bits) as far as frames need it: segments, symbols, sections.
 *
 * Enters: a descriptor of a file that a process has mapped: the program's own, so hostile. It is read, never mapped (one that shrinks
 * would kill the reader), and every offset is checked. Leaves: addresses, names. Knows nothing of processes. Source: elf(5). */
#ifndef SW_TRACER_STACK_ELF_H
#define SW_TRACER_STACK_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_elf;

struct sw_elf_section {
	uint64_t address, offset, size;
};

struct sw_elf *sw_elf_open(int fd); /* NULL: none that we read. The descriptor stays the caller's and open. */
void sw_elf_free(struct sw_elf *elf);
/* The address, as the file's symbols count, of what lies at this offset of the file. */
bool sw_elf_address(const struct sw_elf *elf, uint64_t offset, uint64_t *address);
/* The function at an address by the file's own symbol tables; `*within`: how far into it. */
bool sw_elf_function(struct sw_elf *elf, uint64_t address, char *name, size_t size, uint64_t *within);
bool sw_elf_section(const struct sw_elf *elf, const char *name, struct sw_elf_section *section);

#endif
