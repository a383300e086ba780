/* See stack_unwind.h. libunwind's functions for another process; x86-64. */
#include "tracer/stack/stack_unwind.h"

#include <elf.h>
#include <libunwind-x86_64.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "src/base/mem.h"

#define PAGE 4096u
#define PAGES 128u /* kept while one stack is walked */
#define SEGMENTS_MAX 64u
#define USER_CS 0x33 /* __USER_CS: of 64-bit code */

/* Of the library, but in none of its headers: tools that bring their own tables use it (perf). */
int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t address, unw_dyn_info_t *table,
				       unw_proc_info_t *info, int need, void *context);

struct page {
	uint64_t number; /* 0: none */
	unsigned walk; /* of which it is */
	bool there;
	uint8_t bytes[PAGE];
};

struct sw_unwinder {
	pid_t tid;
	struct sw_maps *maps;
	struct user_regs_struct registers;
	unsigned walk;
	struct page pages[PAGES];
};

struct sw_unwinder *sw_unwinder_new(void)
{
	return sw_alloc(sizeof(struct sw_unwinder));
}

void sw_unwinder_free(struct sw_unwinder *unwinder)
{
	free(unwinder);
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static const struct page *page_of(struct sw_unwinder *unwinder, uint64_t address)
{
	uint64_t number = address / PAGE;
	struct page *page = &unwinder->pages[number % PAGES];

	if (page->number == number && page->walk == unwinder->walk)
		return page;
	struct iovec to = {page->bytes, PAGE}, from = {(void *)(uintptr_t)(number * PAGE), PAGE};

	page->number = number;
	page->walk = unwinder->walk;
	page->there = number && process_vm_readv(unwinder->tid, &to, 1, &from, 1, 0) == (ssize_t)PAGE;
	return page;
}

static bool read_memory(struct sw_unwinder *unwinder, uint64_t address, void *to, size_t length)
{
	while (length) {
		const struct page *page = page_of(unwinder, address);
		size_t at = (size_t)(address % PAGE), part = length < PAGE - at ? length : PAGE - at;

		if (!page->there)
			return false;
		memcpy(to, page->bytes + at, part);
		to = (char *)to + part;
		address += part;
		length -= part;
	}
	return true;
}

/* ---- the tables of an object ----------------------------------------------------------------------------------------- */

/* Behind the header's four bytes of encodings: where .eh_frame is, and how many entries follow. Linkers write but this form. */
static void read_header(struct sw_unwinder *unwinder, struct sw_mapping *mapping, uint64_t address)
{
	const uint8_t form[4] = {1, 0x1b, 0x03, 0x3b}; /* version; pcrel sdata4; udata4; datarel sdata4 */
	struct {
		uint8_t form[4];
		int32_t frames;
		uint32_t count;
	} header;

	if (!read_memory(unwinder, address, &header, sizeof header) || memcmp(header.form, form, sizeof form) != 0)
		return;
	mapping->unwind_header = address;
	mapping->unwind_entries = header.count;
}

static void find_tables(struct sw_unwinder *unwinder, struct sw_mapping *mapping)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	uint64_t bias = 0, tables = 0;

	mapping->unwind_asked = true;
	if (!mapping->base || !read_memory(unwinder, mapping->base, &header, sizeof header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof segment)
		return;
	for (unsigned i = 0; i < header.e_phnum && i < SEGMENTS_MAX; i++) {
		if (!read_memory(unwinder, mapping->base + header.e_phoff + i * sizeof segment, &segment,
				 sizeof segment))
			return;
		if (segment.p_type == PT_LOAD && segment.p_offset == 0)
			bias = mapping->base - segment.p_vaddr;
		if (segment.p_type == PT_GNU_EH_FRAME)
			tables = segment.p_vaddr;
	}
	if (tables)
		read_header(unwinder, mapping, tables + bias);
}

/* ---- what libunwind asks --------------------------------------------------------------------------------------------- */

static int find_proc_info(unw_addr_space_t space, unw_word_t address, unw_proc_info_t *info, int need, void *context)
{
	struct sw_unwinder *unwinder = context;
	struct sw_mapping *mapping = sw_maps_find(unwinder->maps, address);
	unw_dyn_info_t table = {.format = UNW_INFO_FORMAT_REMOTE_TABLE};

	if (!mapping)
		return -UNW_ENOINFO;
	if (!mapping->unwind_asked)
		find_tables(unwinder, mapping);
	if (!mapping->unwind_entries)
		return -UNW_ENOINFO;
	table.start_ip = mapping->begin;
	table.end_ip = mapping->end;
	table.u.rti.segbase = mapping->unwind_header;
	table.u.rti.table_data = mapping->unwind_header + 12;
	table.u.rti.table_len = mapping->unwind_entries * (unw_word_t)8 / sizeof(unw_word_t);
	return UNW_OBJ(dwarf_search_unwind_table)(space, address, &table, info, need, context);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *context)
{
	(void)space;
	(void)info;
	(void)context;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *list, void *context)
{
	(void)space;
	(void)list;
	(void)context;
	return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *context)
{
	(void)space;
	return !write && read_memory(context, address, value, sizeof *value) ? 0 : -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *context)
{
	const struct user_regs_struct *at = &((struct sw_unwinder *)context)->registers;
	/* In DWARF's order: System V ABI for x86-64, figure 3.36. */
	const unsigned long long values[] = {at->rax, at->rdx, at->rcx, at->rbx, at->rsi, at->rdi,
					     at->rbp, at->rsp, at->r8,  at->r9,  at->r10, at->r11,
					     at->r12, at->r13, at->r14, at->r15, at->rip};

	(void)space;
	if (write || number < 0 || (size_t)number >= SW_COUNT(values))
		return -UNW_EBADREG;
	*value = values[number];
	return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write, void *context)
{
	(void)space;
	(void)number;
	(void)value;
	(void)write;
	(void)context;
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *context)
{
	(void)space;
	(void)cursor;
	(void)context;
	return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t address, char *name, size_t size, unw_word_t *within,
			 void *context)
{
	(void)space;
	(void)address;
	(void)name;
	(void)size;
	(void)within;
	(void)context;
	return -UNW_EINVAL;
}

sw_space *sw_space_new(void)
{
	static unw_accessors_t accessors = {find_proc_info, put_unwind_info, get_dyn_info_list_addr,
					    access_mem,     access_reg,      access_fpreg,
					    resume,         get_proc_name};
	unw_addr_space_t space = unw_create_addr_space(&accessors, 0);

	if (space)
		unw_set_caching_policy(space, UNW_CACHE_GLOBAL);
	return space;
}

void sw_space_free(sw_space *space)
{
	if (space)
		unw_destroy_addr_space((unw_addr_space_t)space);
}

void sw_space_flush(sw_space *space)
{
	if (space)
		unw_flush_cache((unw_addr_space_t)space, 0, 0);
}

/* ---- walking --------------------------------------------------------------------------------------------------------- */

/* The registers as they are in the cursor's frame, for a walk that begins there. */
static bool take_over(struct sw_unwinder *unwinder, unw_cursor_t *cursor)
{
	struct user_regs_struct *at = &unwinder->registers;
	unsigned long long *const kept[] = {&at->rbx, &at->rbp, &at->r12, &at->r13,
					    &at->r14, &at->r15, &at->rsp, &at->rip};
	const int numbers[] = {UNW_X86_64_RBX, UNW_X86_64_RBP, UNW_X86_64_R12, UNW_X86_64_R13,
			       UNW_X86_64_R14, UNW_X86_64_R15, UNW_X86_64_RSP, UNW_X86_64_RIP};

	for (size_t i = 0; i < SW_COUNT(kept); i++) {
		unw_word_t value;

		if (unw_get_reg(cursor, numbers[i], &value) < 0)
			return false;
		*kept[i] = value;
	}
	return true;
}

/* Code made at run time has no tables. Where what is left of the function is but "add $n,%rsp; ret" or "ret", as in the entries that
 * Python makes for each function under -X perf, that tells where the caller is. */
static bool step_by_code(struct sw_unwinder *unwinder, unw_cursor_t *cursor)
{
	uint64_t back = 0, caller;
	unw_word_t address;
	uint8_t code[5];

	if (unw_get_reg(cursor, UNW_REG_IP, &address) < 0)
		return false;
	const struct sw_mapping *mapping = sw_maps_find(unwinder->maps, address);

	if (!mapping || mapping->inode || !read_memory(unwinder, address, code, sizeof code))
		return false;
	if (!memcmp(code, "\x48\x83\xc4", 3) && code[3] < 0x80 && code[4] == 0xc3)
		back = code[3];
	else if (code[0] != 0xc3)
		return false;
	if (!take_over(unwinder, cursor) ||
	    !read_memory(unwinder, unwinder->registers.rsp + back, &caller, sizeof caller) || !caller)
		return false;
	unwinder->registers.rsp += back + sizeof caller;
	unwinder->registers.rip = caller;
	return true;
}

/* Whether there is a caller, to which the cursor then points. By the code first: where there are no tables libunwind takes %rbp for the
 * frame's, which such code leaves to its callers. */
static bool step(struct sw_unwinder *unwinder, sw_space *space, unw_cursor_t *cursor)
{
	if (step_by_code(unwinder, cursor))
		return unw_init_remote(cursor, (unw_addr_space_t)space, unwinder) == 0;
	return unw_step(cursor) > 0;
}

static uint32_t walk(struct sw_unwinder *unwinder, sw_space *space, struct sw_frame *frames, bool *exact)
{
	unw_cursor_t cursor;
	uint32_t count = 0;
	bool interrupted = true;

	if (unw_init_remote(&cursor, (unw_addr_space_t)space, unwinder) != 0)
		return 0;
	do {
		unw_word_t address;

		if (unw_get_reg(&cursor, UNW_REG_IP, &address) < 0 || address == 0)
			break;
		bool is_signals = unw_is_signal_frame(&cursor) > 0;

		frames[count].address = address;
		exact[count] = interrupted || is_signals;
		if (is_signals)
			strcpy(frames[count].function, SW_SIGNAL_FRAME);
		interrupted = is_signals;
		count++;
	} while (count < SW_STACK_DEPTH && step(unwinder, space, &cursor));
	return count;
}

uint32_t sw_unwind(struct sw_unwinder *unwinder, sw_space *space, pid_t tid, struct sw_maps *maps,
		   struct sw_frame frames[SW_STACK_DEPTH], bool exact[SW_STACK_DEPTH])
{
	unwinder->tid = tid;
	unwinder->maps = maps;
	unwinder->walk++;
	if (!space || ptrace(PTRACE_GETREGS, tid, NULL, &unwinder->registers) != 0 || unwinder->registers.cs != USER_CS)
		return 0; /* libunwind walks the stacks of 64-bit processes only */
	return walk(unwinder, space, frames, exact);
}
