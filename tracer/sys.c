/* Names and classes of the calls in the table of sys.h. */
#include "tracer/sys.h"

#include <stdbool.h>
#include <string.h>

#include "src/base/mem.h"

struct row {
	const char *name;
	enum sw_sys_class class;
};

static const struct row rows[SW_SYS_COUNT] = {[SW_SYS_NONE] = {"?", SW_SYS_CLASS_NONE},
#define SYS_ROW(NAME, text, kind) [SW_SYS_##NAME] = {text, SW_SYS_CLASS_##kind},
					      SW_SYS_TABLE(SYS_ROW)
#undef SYS_ROW
};

/* Other names of the same call: what i386 has beside, and what strace writes for a part of socketcall. */
static const struct {
	const char *name;
	enum sw_sys sys;
} aliases[] = {
	{"send", SW_SYS_SENDTO},
	{"recv", SW_SYS_RECVFROM},
	{"_newselect", SW_SYS_SELECT},
	{"fcntl64", SW_SYS_FCNTL},
	{"sendfile64", SW_SYS_SENDFILE},
	{"ppoll_time64", SW_SYS_PPOLL},
	{"pselect6_time64", SW_SYS_PSELECT6},
	{"recvmmsg_time64", SW_SYS_RECVMMSG},
};

const char *sw_sys_name(enum sw_sys sys)
{
	return (unsigned)sys < SW_SYS_COUNT ? rows[sys].name : rows[SW_SYS_NONE].name;
}

enum sw_sys_class sw_sys_class(enum sw_sys sys)
{
	return (unsigned)sys < SW_SYS_COUNT ? rows[sys].class : SW_SYS_CLASS_NONE;
}

static bool same(const char *row, const char *name, unsigned long length)
{
	return strlen(row) == length && !memcmp(row, name, length);
}

enum sw_sys sw_sys_by_name(const char *name, unsigned long length)
{
	for (enum sw_sys sys = SW_SYS_NONE + 1; sys < SW_SYS_COUNT; sys++)
		if (same(rows[sys].name, name, length))
			return sys;
	for (size_t i = 0; i < SW_COUNT(aliases); i++)
		if (same(aliases[i].name, name, length))
			return aliases[i].sys;
	return SW_SYS_NONE;
}
