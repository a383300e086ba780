/* See the header. A log says nowhere how strace was called: what every program does and no line shows was left out. */
#include "src/trace_set.h"

#include <stdbool.h>
#include <stddef.h>

#include "src/base/mem.h"
#include "tracer/sys.h"

#define BIT(name) (UINT64_C(1) << SW_SYS_##name)

static const uint64_t makes = BIT(SOCKET) | BIT(SOCKETPAIR) | BIT(ACCEPT) | BIT(ACCEPT4);
static const uint64_t uses = BIT(CONNECT) | BIT(BIND) | BIT(LISTEN) | BIT(SENDTO) | BIT(SENDMSG) | BIT(SENDMMSG) |
			     BIT(RECVFROM) | BIT(RECVMSG) | BIT(RECVMMSG) | BIT(SHUTDOWN) | BIT(GETSOCKOPT) |
			     BIT(SETSOCKOPT) | BIT(GETSOCKNAME) | BIT(GETPEERNAME);
static const uint64_t moves = BIT(READ) | BIT(WRITE) | BIT(READV) | BIT(WRITEV);
static const uint64_t ends = BIT(CLOSE) | BIT(CLOSE_RANGE);
static const uint64_t waits = BIT(POLL) | BIT(PPOLL) | BIT(SELECT) | BIT(PSELECT6) | BIT(EPOLL_WAIT) |
			      BIT(EPOLL_PWAIT) | BIT(EPOLL_PWAIT2);

_Static_assert(SW_SYS_COUNT <= 64, "a bit for each call");

char *sw_trace_set_lacks(uint64_t named)
{
	bool moved = named & moves, ended = named & ends;

	if (!(named & (makes | uses)) || (moved && ended))
		return NULL;
	/* A log that begins in mid-life (strace -p) may well be short of one of them; whoever makes sockets from its first line on has
	 * read and closed files before, by its loader at the least. */
	if (!(named & makes) && (moved || ended))
		return NULL;
	return sw_format("the log has no line of %s%s%s%s%s: strace was told to leave them out (-e trace=...), or "
			 "joined late",
			 named & makes ? "" : "socket or accept, ", moved ? "" : "read or write",
			 moved || ended ? "" : ", ", ended ? "" : "close",
			 named & waits ? "" : ", nor of poll, select or epoll_wait");
}
