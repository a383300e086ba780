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

/* A dynamic loader fails to find /etc/ld.so.preload, and most programs some file besides, before they have done so much. */
#define SUCCESSES_ENOUGH 50

void sw_trace_set_add(struct sw_trace_set *set, const struct sw_strace_summary *summary)
{
	set->named |= summary->named;
	set->succeeded += summary->succeeded;
	set->failed += summary->failed;
	set->executed |= summary->executed;
	set->loaded |= summary->loaded;
	set->waits_cut |= summary->waits_cut;
	set->in_progress |= summary->in_progress;
}

bool sw_trace_set_only_failures(const struct sw_trace_set *set)
{
	return set->failed > 0 && set->succeeded == 0;
}

static bool only_successes(const struct sw_trace_set *set)
{
	return set->executed && set->failed == 0 && set->succeeded >= SUCCESSES_ENOUGH && (set->named & BIT(NONE));
}

char *sw_trace_set_lacks(const struct sw_trace_set *set)
{
	uint64_t named = set->named;
	bool moved = named & moves, ended = named & ends;

	if ((named & (makes | uses | moves)) && sw_trace_set_only_failures(set))
		return sw_strdup(
			"the log has no line of a call that succeeded: strace was told to leave them out (-Z)");
	if ((named & (makes | uses)) && only_successes(set))
		return sw_strdup("the log has no line of a call that failed: strace was told to leave them out (-z)");

	if ((named & (makes | uses)) && set->waits_cut)
		return sw_strdup(
			"the log does not say for what poll waited: strace was told to cut everything off (-s 0)");
	if (set->in_progress && moved && ended && !(named & waits)) /* somebody waits for it */
		return sw_strdup("the log has no line of poll, select or epoll_wait: strace was told to leave them out "
				 "(-e trace=...)");
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

bool sw_trace_set_may_lack(const struct sw_trace_set *set)
{
	struct sw_trace_set closed = *set;
	sw_auto_free char *lacks = NULL;

	closed.in_progress = false; /* a beginning without waits is too common to pay for it */
	if ((set->named & moves) && !set->loaded && !sw_trace_set_only_failures(set))
		closed.named |= BIT(CLOSE);
	lacks = sw_trace_set_lacks(&closed);
	return lacks != NULL;
}
