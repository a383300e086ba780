/* The functions of mapped objects, from their own symbol tables: see stack_maps.h. elf(5).
 *
 * A table is read once, sorted, and kept for all processes that map the same file. No debugging information, no
 * libraries of separate symbols: those are for after the run. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "tracer/stack_maps.h"

#define SYMBOLS_MAX 40000 /* of one object: some 10 ms */
#define NAMES_MAX ((size_t)4 << 20)
#define SECTIONS_MAX 256
#define OBJECTS_MAX 128

struct symbol {
	uint64_t value, size;
	uint32_t name;
};

struct segment {
	uint64_t address, offset, size;
};

struct object {
	uint64_t inode; /* key */
	SW_ARRAY(struct symbol) symbols; /* by value */
	SW_ARRAY(struct segment) segments;
	char *names;
	size_t name_room;
	UT_hash_handle hh;
};

struct sw_symbols {
	struct object *objects;
	size_t count;
};

struct sw_symbols *sw_symbols_new(void)
{
	return sw_alloc(sizeof(struct sw_symbols));
}

void sw_symbols_free(struct sw_symbols *symbols)
{
	struct object *object, *next;
	if (!symbols)
		return;
	HASH_ITER (hh, symbols->objects, object, next) {
		HASH_DEL(symbols->objects, object);
		SW_ARRAY_RELEASE(&object->symbols);
		SW_ARRAY_RELEASE(&object->segments);
		free(object->names);
		free(object);
	}
	free(symbols);
}

static bool read_at(int fd, void *buffer, size_t length, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, buffer, length, (off_t)offset) == (ssize_t)length;
}

static void read_segments(int fd, const Elf64_Ehdr *header, struct object *object)
{
	for (unsigned i = 0; i < header->e_phnum && i < SECTIONS_MAX; i++) {
		Elf64_Phdr segment;
		if (!read_at(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment))
			return;
		if (segment.p_type == PT_LOAD)
			*SW_ARRAY_ADD(&object->segments) =
				(struct segment){segment.p_vaddr, segment.p_offset, segment.p_filesz};
	}
}

/* The full table where there is one, else that of the dynamic linker. */
static bool find_table(int fd, const Elf64_Ehdr *header, Elf64_Shdr *table, Elf64_Shdr *names)
{
	bool found = false;
	for (unsigned i = 0; i < header->e_shnum && i < SECTIONS_MAX; i++) {
		Elf64_Shdr section;
		if (!read_at(fd, &section, sizeof section, header->e_shoff + i * sizeof section))
			return found;
		if (section.sh_type != SHT_SYMTAB && (section.sh_type != SHT_DYNSYM || found))
			continue;
		if (section.sh_size / sizeof(Elf64_Sym) > SYMBOLS_MAX || section.sh_link >= header->e_shnum)
			continue;
		if (!read_at(fd, names, sizeof *names, header->e_shoff + section.sh_link * sizeof section) ||
		    names->sh_size > NAMES_MAX)
			continue;
		*table = section;
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

static void read_symbols(int fd, const Elf64_Shdr *table, const Elf64_Shdr *names, struct object *object)
{
	size_t count = table->sh_size / sizeof(Elf64_Sym);
	if (count == 0 || names->sh_size == 0)
		return;
	sw_auto_free Elf64_Sym *all = sw_alloc(count * sizeof *all);
	object->names = sw_alloc(names->sh_size + 1);
	object->name_room = names->sh_size;
	if (!read_at(fd, all, count * sizeof *all, table->sh_offset) ||
	    !read_at(fd, object->names, names->sh_size, names->sh_offset))
		return;
	for (size_t i = 0; i < count; i++) {
		unsigned type = ELF64_ST_TYPE(all[i].st_info);
		if ((type == STT_FUNC || type == STT_GNU_IFUNC) && all[i].st_shndx != SHN_UNDEF &&
		    all[i].st_name < names->sh_size)
			*SW_ARRAY_ADD(&object->symbols) =
				(struct symbol){all[i].st_value, all[i].st_size, all[i].st_name};
	}
	if (object->symbols.count)
		qsort(object->symbols.items, object->symbols.count, sizeof *object->symbols.items, by_value);
}

static void load(int fd, struct object *object)
{
	Elf64_Ehdr header;
	Elf64_Shdr table, names;
	struct stat status;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_ino != object->inode)
		return; /* another file by now has that name */
	if (!read_at(fd, &header, sizeof header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr) ||
	    (header.e_shnum && header.e_shentsize != sizeof(Elf64_Shdr)))
		return;
	read_segments(fd, &header, object);
	if (find_table(fd, &header, &table, &names))
		read_symbols(fd, &table, &names, object);
}

static struct object *get(struct sw_symbols *symbols, pid_t pid, const char *path, uint64_t inode)
{
	struct object *object;
	HASH_FIND(hh, symbols->objects, &inode, sizeof inode, object);
	if (object || symbols->count >= OBJECTS_MAX || path[0] != '/')
		return object;
	object = sw_alloc(sizeof *object);
	object->inode = inode;
	HASH_ADD(hh, symbols->objects, inode, sizeof object->inode, object);
	symbols->count++;
	char full[4200];
	snprintf(full, sizeof full, "/proc/%d/root%s", (int)pid, path);
	/* Not blocking: where the mapped file was replaced by a pipe of that name, opening it would wait. */
	int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		load(fd, object);
		close(fd);
	}
	return object;
}

static bool address_of(const struct object *object, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < object->segments.count; i++) {
		const struct segment *segment = &object->segments.items[i];
		if (offset < segment->offset || offset - segment->offset >= segment->size)
			continue;
		*address = offset - segment->offset + segment->address;
		return true;
	}
	return false;
}

bool sw_symbols_name(struct sw_symbols *symbols, pid_t pid, const char *path, uint64_t inode, uint64_t offset,
		     char *name, size_t size, uint64_t *within)
{
	name[0] = '\0';
	uint64_t address;
	const struct object *object = inode ? get(symbols, pid, path, inode) : NULL;
	if (!object || object->symbols.count == 0 || !address_of(object, offset, &address))
		return false;
	size_t low = 0, high = object->symbols.count; /* the last one that does not begin behind the address */
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (object->symbols.items[middle].value <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	const struct symbol *symbol = &object->symbols.items[low - 1];
	if (symbol->size != 0 && address - symbol->value >= symbol->size)
		return false;
	snprintf(name, size, "%s", object->names + symbol->name);
	*within = address - symbol->value;
	return true;
}
