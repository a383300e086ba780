/* What libdw says of an address: functions, inlined ones too, files and lines, from the object or its separate debugging information.
 *
 * Loaded when there is something to name, and never into the process that traces: it is large, and loads others. Without it names come
 * from the object's symbol tables. Sources: elfutils/libdw.h, libdwfl.h; DWARF 5, 3.3.8 (inlined calls). */
#include "tracer/stack/frame_names.h"

#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

#ifdef SOCKWHY_HAVE_DEMANGLE
#include <demangle.h>

void sw_demangle(const char *mangled, char *name, size_t size)
{
	/* C++ (Itanium), Rust (both of its ways), D; without parameters: a stack is read at a glance. */
	sw_auto_free char *plain = mangled[0] == '_' ? cplus_demangle(mangled, DMGL_AUTO) : NULL;

	snprintf(name, size, "%s", plain ? plain : mangled);
}
#else
void sw_demangle(const char *mangled, char *name, size_t size)
{
	snprintf(name, size, "%s", mangled);
}
#endif

#ifdef SOCKWHY_HAVE_DW
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

/* To add one: a word here; lib.NAME is it. */
#define FUNCTIONS(X)                                                                                                   \
	X(dwfl_begin)                                                                                                  \
	X(dwfl_end)                                                                                                    \
	X(dwfl_report_begin)                                                                                           \
	X(dwfl_report_elf)                                                                                             \
	X(dwfl_report_end)                                                                                             \
	X(dwfl_module_getelf)                                                                                          \
	X(dwfl_module_addrinfo)                                                                                        \
	X(dwfl_module_nextcu)                                                                                          \
	X(dwarf_getsrc_die)                                                                                            \
	X(dwarf_lineno)                                                                                                \
	X(dwarf_linesrc)                                                                                               \
	X(dwarf_haspc)                                                                                                 \
	X(dwfl_module_addrdie)                                                                                         \
	X(dwarf_getscopes)                                                                                             \
	X(dwarf_getscopes_die)                                                                                         \
	X(dwarf_offdie)                                                                                                \
	X(dwarf_cu_getdwarf)                                                                                           \
	X(dwarf_dieoffset)                                                                                             \
	X(dwarf_diecu)                                                                                                 \
	X(dwarf_diename)                                                                                               \
	X(dwarf_tag)                                                                                                   \
	X(dwarf_attr)                                                                                                  \
	X(dwarf_attr_integrate)                                                                                        \
	X(dwarf_formstring)                                                                                            \
	X(dwarf_formudata)                                                                                             \
	X(dwarf_getsrcfiles)                                                                                           \
	X(dwarf_filesrc)                                                                                               \
	X(dwfl_build_id_find_elf)                                                                                      \
	X(dwfl_standard_find_debuginfo)                                                                                \
	X(dwfl_offline_section_address)

static struct {
#define MEMBER(name) __typeof__(name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
} lib;

struct sw_dwarf {
	Dwfl_Callbacks callbacks;
	char *folders;
	Dwfl *dwfl; /* of one object at a time */
	Dwfl_Module *module;
	const struct sw_object *object;
};

static bool load(void)
{
	void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return false;
#define FIND(name)                                                                                                     \
	if (!(*(void **)&lib.name = dlsym(library, #name)))                                                            \
		return false;
	FUNCTIONS(FIND)
#undef FIND
	return true;
}

struct sw_dwarf *sw_dwarf_new(void)
{
	struct sw_dwarf *dwarf;

	if (!load())
		return NULL;
	dwarf = sw_alloc(sizeof *dwarf);
	dwarf->folders = sw_strdup("/usr/lib/debug");
	dwarf->callbacks = (Dwfl_Callbacks){.find_elf = lib.dwfl_build_id_find_elf,
					    .find_debuginfo = lib.dwfl_standard_find_debuginfo,
					    .section_address = lib.dwfl_offline_section_address,
					    .debuginfo_path = &dwarf->folders};
	return dwarf;
}

static void change_to(struct sw_dwarf *dwarf, const struct sw_object *object)
{
	int fd = dup(object->fd);

	if (dwarf->dwfl)
		lib.dwfl_end(dwarf->dwfl);
	dwarf->object = object;
	dwarf->module = NULL;
	dwarf->dwfl = lib.dwfl_begin(&dwarf->callbacks);
	if (!dwarf->dwfl || fd < 0)
		return;
	lib.dwfl_report_begin(dwarf->dwfl);
	dwarf->module = lib.dwfl_report_elf(dwarf->dwfl, object->name, object->name, fd, 0, true);
	lib.dwfl_report_end(dwarf->dwfl, NULL, NULL);
	if (!dwarf->module)
		close(fd);
}

/* ---- one address ------------------------------------------------------------------------------------------------------ */

static void set_file(struct sw_frame_answer *answer, const char *path, uint32_t line)
{
	const char *base = path ? strrchr(path, '/') : NULL;

	snprintf(answer->file, sizeof answer->file, "%s", base ? base + 1 : path ? path : "");
	answer->line = path ? line : 0;
}

static void set_function(struct sw_frame_answer *answer, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *linkage = lib.dwarf_formstring(lib.dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));

	if (!linkage)
		linkage = lib.dwarf_formstring(lib.dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute));
	if (!linkage)
		linkage = lib.dwarf_diename(die);
	if (linkage)
		sw_demangle(linkage, answer->function, sizeof answer->function);
}

static void set_call_site(struct sw_frame_answer *answer, Dwarf_Die *inlined)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;
	Dwarf_Die unit;

	if (lib.dwarf_formudata(lib.dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) != 0 ||
	    lib.dwarf_formudata(lib.dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) != 0 ||
	    !lib.dwarf_diecu(inlined, &unit, NULL, NULL) || lib.dwarf_getsrcfiles(&unit, &files, NULL) != 0)
		return;
	set_file(answer, lib.dwarf_filesrc(files, file, NULL, NULL), (uint32_t)line);
}

/* The innermost scope as one of the calls' own tree: dwarf_getscopes() goes on with where inlined functions were defined. */
static int scopes_at(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes)
{
	Dwarf_Die innermost;
	int count = lib.dwarf_getscopes(unit, address, scopes);

	if (count <= 0)
		return 0;
	bool found = lib.dwarf_offdie(lib.dwarf_cu_getdwarf((*scopes)[0].cu), lib.dwarf_dieoffset(&(*scopes)[0]),
				      &innermost) != NULL;

	free(*scopes);
	*scopes = NULL;
	return found ? lib.dwarf_getscopes_die(&innermost, scopes) : 0;
}

/* By the table of ranges; clang and Go write none, then unit by unit. */
static Dwarf_Die *unit_at(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
	Dwarf_Die *unit = lib.dwfl_module_addrdie(module, address, bias);

	if (unit)
		return unit;
	do
		unit = lib.dwfl_module_nextcu(module, unit, bias); /* the first behind none */
	while (unit && lib.dwarf_haspc(unit, address - *bias) <= 0);
	return unit;
}

static uint32_t ask_scopes(Dwarf_Die *unit, Dwarf_Addr address, struct sw_frame_answer *answers)
{
	sw_auto_free Dwarf_Die *scopes = NULL;
	int count = scopes_at(unit, address, &scopes), line = 0;
	Dwarf_Line *source = lib.dwarf_getsrc_die(unit, address);
	uint32_t told = 0;

	if (source && lib.dwarf_lineno(source, &line) == 0)
		set_file(&answers[0], lib.dwarf_linesrc(source, NULL, NULL), (uint32_t)line);
	for (int i = 0; i < count && told < SW_INLINED_MAX; i++) {
		int tag = lib.dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		set_function(&answers[told++], &scopes[i]);
		if (tag == DW_TAG_subprogram)
			break;
		if (told < SW_INLINED_MAX)
			set_call_site(&answers[told], &scopes[i]);
	}
	if (!told && lib.dwarf_haspc(unit, address) <= 0) /* a line of what lies before it */
		set_file(&answers[0], NULL, 0);
	return told;
}

uint32_t sw_dwarf_ask(struct sw_dwarf *dwarf, const struct sw_object *object, uint64_t address,
		      struct sw_frame_answer answers[SW_INLINED_MAX])
{
	GElf_Addr bias = 0;
	Dwarf_Addr unit_bias = 0;
	GElf_Off within = 0;
	GElf_Sym symbol;

	if (dwarf->object != object)
		change_to(dwarf, object);
	if (!dwarf->module || !lib.dwfl_module_getelf(dwarf->module, &bias))
		return 0;
	address += bias;
	const char *name = lib.dwfl_module_addrinfo(dwarf->module, address, &within, &symbol, NULL, NULL, NULL);
	Dwarf_Die *unit = unit_at(dwarf->module, address, &unit_bias);
	uint32_t count = unit ? ask_scopes(unit, address - unit_bias, answers) : 0;

	if (name && (!count || !answers[count - 1].function[0])) {
		count = count ? count : 1;
		sw_demangle(name, answers[count - 1].function, sizeof answers[0].function);
	}
	for (uint32_t i = 0; i < count; i++)
		answers[i].within = name ? within : address - bias;
	return count;
}
#else
struct sw_dwarf *sw_dwarf_new(void)
{
	return NULL;
}

uint32_t sw_dwarf_ask(struct sw_dwarf *dwarf, const struct sw_object *object, uint64_t address,
		      struct sw_frame_answer answers[SW_INLINED_MAX])
{
	(void)dwarf;
	(void)object;
	(void)address;
	(void)answers;
	return 0;
}
#endif
