/* The seccomp filter of a command, and the numbers of the table's calls on each architecture, both from tracer/sys.h. */
#ifndef SW_TRACER_FILTER_H
#define SW_TRACER_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "tracer/engine/tracee.h"

/* Beside the table: calls that the engine must see for its own sake. */
enum sw_engine_call { SW_ENGINE_CALL_NONE, SW_ENGINE_CALL_CLONE, SW_ENGINE_CALL_CLONE3 };

struct sw_number {
	enum sw_sys sys;
	enum sw_engine_call engine_call;
	bool wide_time; /* timespec and timeval in 64 bits */
};

/* What the number means in that architecture (AUDIT_ARCH_*), and the architecture's way to pass arguments. */
struct sw_number sw_number_of(uint32_t audit_arch, uint64_t number, enum sw_abi *abi);

struct sw_filter;
struct sw_filter *sw_filter_new(struct sw_err *err); /* NULL with err set */
/* In the child: loads it, without no_new_privs where this process may. Negative errno. */
int sw_filter_load(struct sw_filter *filter);
void sw_filter_free(struct sw_filter *filter);

#endif
