/* One ELF file as far as frames need it: where its segments lie, its symbol tables, its sections. See stack_elf.h; elf(5). */
#include "tracer/stack/stack_elf.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"

#define SYMBOLS_MAX 400000 /* of one object */
#define NAMES_MAX ((size_t)64 << 20)
#define SECTIONS_MAX 256

struct symbol {
	uint64_t value, size;
	uint32_t name;
};

struct segment {
	uint64_t address, offset, size;
};

struct sw_elf {
	int fd;
	Elf64_Ehdr header;
	SW_ARRAY(struct symbol) symbols; /* by value */
	SW_ARRAY(struct segment) segments;
	char *names;
	bool symbols_read;
};

void sw_elf_free(struct sw_elf *elf)
{
	if (!elf)
		return;
	SW_ARRAY_RELEASE(&elf->symbols);
	SW_ARRAY_RELEASE(&elf->segments);
	free(elf->names);
	free(elf);
}

static bool read_at(int fd, void *buffer, size_t length, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, buffer, length, (off_t)offset) == (ssize_t)length;
}

static void read_segments(int fd, const Elf64_Ehdr *header, struct sw_elf *elf)
{
	for (unsigned i = 0; i < header->e_phnum && i < SECTIONS_MAX; i++) {
		Elf64_Phdr segment;
		if (!read_at(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment))
			return;
		if (segment.p_type == PT_LOAD)
			*SW_ARRAY_ADD(&elf->segments) =
				(struct segment){segment.p_vaddr, segment.p_offset, segment.p_filesz};
	}
}

/* The full table where there is one, else that of the dynamic linker. */
static bool find_table(int fd, const Elf64_Ehdr *header, Elf64_Shdr *table, Elf64_Shdr *names)
{
	bool found = false;
	for (unsigned i = 0; i < header->e_shnum && i < SECTIONS_MAX; i++) {
		Elf64_Shdr section, strings;
		if (!read_at(fd, &section, sizeof section, header->e_shoff + i * sizeof section))
			return found;
		if (section.sh_type != SHT_SYMTAB && (section.sh_type != SHT_DYNSYM || found))
			continue;
		if (section.sh_size / sizeof(Elf64_Sym) > SYMBOLS_MAX || section.sh_link >= header->e_shnum)
			continue;
		if (!read_at(fd, &strings, sizeof strings, header->e_shoff + section.sh_link * sizeof section) ||
		    strings.sh_size > NAMES_MAX)
			continue;
		*table = section;
		*names = strings;
		found = true;
		if (section.sh_type == SHT_SYMTAB)
			return true;
	}
	return found;
}

static int by_value(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;
	return a->value < b->value ? -1 : a->value > b->value;
}

static void read_symbols(int fd, const Elf64_Shdr *table, const Elf64_Shdr *names, struct sw_elf *elf)
{
	size_t count = table->sh_size / sizeof(Elf64_Sym);
	if (count == 0 || names->sh_size == 0)
		return;
	sw_auto_free Elf64_Sym *all = sw_alloc(count * sizeof *all);
	elf->names = sw_alloc(names->sh_size + 1);
	if (!read_at(fd, all, count * sizeof *all, table->sh_offset) ||
	    !read_at(fd, elf->names, names->sh_size, names->sh_offset))
		return;
	for (size_t i = 0; i < count; i++) {
		unsigned type = ELF64_ST_TYPE(all[i].st_info);
		if ((type == STT_FUNC || type == STT_GNU_IFUNC) && all[i].st_shndx != SHN_UNDEF &&
		    all[i].st_name < names->sh_size)
			*SW_ARRAY_ADD(&elf->symbols) = (struct symbol){all[i].st_value, all[i].st_size, all[i].st_name};
	}
	if (elf->symbols.count)
		qsort(elf->symbols.items, elf->symbols.count, sizeof *elf->symbols.items, by_value);
}

struct sw_elf *sw_elf_open(int fd)
{
	struct sw_elf *elf = sw_alloc(sizeof *elf);
	const Elf64_Ehdr *header = &elf->header;
	struct stat status;

	elf->fd = fd;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || !read_at(fd, &elf->header, sizeof elf->header, 0) ||
	    memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_phentsize != sizeof(Elf64_Phdr) ||
	    (header->e_shnum && header->e_shentsize != sizeof(Elf64_Shdr))) {
		sw_elf_free(elf);
		return NULL;
	}
	read_segments(fd, header, elf);
	return elf;
}

bool sw_elf_address(const struct sw_elf *elf, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < elf->segments.count; i++) {
		const struct segment *segment = &elf->segments.items[i];

		if (offset < segment->offset || offset - segment->offset >= segment->size)
			continue;
		*address = offset - segment->offset + segment->address;
		return true;
	}
	return false;
}

static void read_tables(struct sw_elf *elf)
{
	Elf64_Shdr table, names = {0};

	elf->symbols_read = true;
	if (find_table(elf->fd, &elf->header, &table, &names))
		read_symbols(elf->fd, &table, &names, elf);
}

bool sw_elf_function(struct sw_elf *elf, uint64_t address, char *name, size_t size, uint64_t *within)
{
	if (!elf->symbols_read)
		read_tables(elf);
	size_t low = 0, high = elf->symbols.count; /* the last one that does not begin behind the address */

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (elf->symbols.items[middle].value <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	const struct symbol *symbol = &elf->symbols.items[low - 1];

	if (symbol->size != 0 && address - symbol->value >= symbol->size)
		return false;
	snprintf(name, size, "%s", elf->names + symbol->name);
	*within = address - symbol->value;
	return name[0] != '\0';
}

bool sw_elf_section(const struct sw_elf *elf, const char *wanted, struct sw_elf_section *found)
{
	const Elf64_Ehdr *header = &elf->header;
	Elf64_Shdr names, section;
	char name[64];

	if (header->e_shstrndx >= header->e_shnum ||
	    !read_at(elf->fd, &names, sizeof names, header->e_shoff + header->e_shstrndx * sizeof names))
		return false;
	for (unsigned i = 0; i < header->e_shnum && i < SECTIONS_MAX; i++) {
		if (!read_at(elf->fd, &section, sizeof section, header->e_shoff + i * sizeof section))
			return false;
		size_t length = strlen(wanted) + 1;

		if (length > sizeof name || section.sh_type == SHT_NOBITS ||
		    !read_at(elf->fd, name, length, names.sh_offset + section.sh_name) ||
		    memcmp(name, wanted, length) != 0)
			continue;
		*found = (struct sw_elf_section){section.sh_addr, section.sh_offset, section.sh_size};
		return true;
	}
	return false;
}
