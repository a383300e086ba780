/* Names of the constants in socket calls, both ways, as strace writes them: AF_INET, SOCK_STREAM, MSG_PEEK, SO_ERROR, POLLIN ...
 *
 * Read by the strace reader, the text form and sw_call_text(). Tables from the system's headers. */
#ifndef SW_TRACER_CONSTANTS_H
#define SW_TRACER_CONSTANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracer/text/text_out.h"

enum sw_constants {
	SW_CONSTANTS_FAMILY, /* AF_*; PF_* accepted */
	SW_CONSTANTS_TYPE, /* SOCK_*, with its flags */
	SW_CONSTANTS_PROTOCOL, /* IPPROTO_* */
	SW_CONSTANTS_LEVEL, /* SOL_*; IPPROTO_* accepted */
	SW_CONSTANTS_MSG, /* MSG_* */
	SW_CONSTANTS_POLL, /* POLL* */
	SW_CONSTANTS_EPOLL, /* EPOLL*; the bits are poll's */
	SW_CONSTANTS_EPOLL_OP, /* EPOLL_CTL_* */
	SW_CONSTANTS_FCNTL, /* F_* */
	SW_CONSTANTS_OPEN, /* O_* that a descriptor keeps */
	SW_CONSTANTS_SHUTDOWN, /* SHUT_* */
	SW_CONSTANTS_IOCTL, /* FIONREAD, FIONBIO, SIOC* that matter */
	SW_CONSTANTS_CLONE, /* CLONE_* */
	SW_CONSTANTS_PRCTL, /* PR_* and SECCOMP_* that matter */
	SW_CONSTANTS_COUNT,
};

/* false: unknown. `length` bytes at name, need not end with NUL. */
bool sw_constant_number(enum sw_constants set, const char *name, size_t length, int64_t *number);
const char *sw_constant_name(enum sw_constants set, int64_t number); /* NULL unknown */
/* "A|B|0x10", ends before the first byte that cannot belong to it; unknown names add nothing and set *unknown (may be NULL). */
const char *sw_constants_parse(enum sw_constants set, const char *text, const char *end, uint64_t *flags,
			       bool *unknown);
void sw_constants_add(struct sw_out *out, enum sw_constants set, uint64_t flags); /* "A|B|0x10"; "0" for none */

/* Socket options: the name tells the level too. */
const char *sw_sockopt_name(int level, int option); /* "SO_ERROR"; NULL unknown */
bool sw_sockopt_number(const char *name, size_t length, int *level, int *option);

#endif
