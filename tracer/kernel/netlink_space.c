/* The network namespaces of a session: see netlink_space.h. */
#include "tracer/kernel/netlink_space.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_fact.h"
#include "tracer/kernel/proc.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define PROTOCOLS 32 /* MAX_LINKS */
#define ERRAND_STACK ((size_t)64 << 10)

struct space {
	uint64_t inode, cookie; /* 0 unknown */
	pid_t pid, tid; /* who was last seen in it */
	int sockets[PROTOCOLS]; /* -1 none; by netlink protocol */
};

struct sw_spaces {
	const struct sw_trace_sink *sink;
	uint32_t *fact_ids;
	SW_ARRAY(struct space) all;
	uint8_t *stack;
};

static void close_sockets(struct space *space)
{
	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (space->sockets[i] >= 0)
			close(space->sockets[i]);
		space->sockets[i] = -1;
	}
}

static uint32_t add(struct sw_spaces *spaces, uint64_t inode, uint64_t cookie, pid_t pid, pid_t tid)
{
	struct space *space = SW_ARRAY_ADD(&spaces->all);
	*space = (struct space){.inode = inode, .cookie = cookie, .pid = pid, .tid = tid};
	for (size_t i = 0; i < PROTOCOLS; i++)
		space->sockets[i] = -1;
	return (uint32_t)(spaces->all.count - 1);
}

static uint64_t own_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof cookie;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
		cookie = 0;
	close(fd);
	return cookie;
}

struct sw_spaces *sw_spaces_new(const struct sw_trace_sink *sink, uint32_t *fact_ids)
{
	struct sw_spaces *spaces = sw_alloc(sizeof *spaces);
	spaces->sink = sink;
	spaces->fact_ids = fact_ids;
	spaces->stack = sw_alloc(ERRAND_STACK);
	pid_t pid = getpid(), tid = (pid_t)syscall(SYS_gettid);
	add(spaces, sw_proc_netns(pid, tid), own_cookie(), pid, tid);
	return spaces;
}

void sw_spaces_mute(struct sw_spaces *spaces)
{
	spaces->sink = NULL;
}

void sw_spaces_free(struct sw_spaces *spaces)
{
	if (!spaces)
		return;
	for (size_t i = 0; i < spaces->all.count; i++)
		close_sockets(&spaces->all.items[i]);
	SW_ARRAY_RELEASE(&spaces->all);
	free(spaces->stack);
	free(spaces);
}

static void say(struct sw_spaces *spaces, uint32_t number)
{
	const struct space *space = &spaces->all.items[number];
	struct sw_fact_draft draft;
	if (!spaces->sink || !spaces->sink->fact)
		return;
	sw_fact_begin(&draft, "netns");
	draft.fact.id = ++*spaces->fact_ids;
	draft.fact.pid = (uint32_t)space->pid;
	draft.fact.tid = (uint32_t)space->tid;
	sw_fact_add_number(&draft, "number", number);
	sw_fact_add_number(&draft, "inode", (int64_t)space->inode);
	sw_fact_add_number(&draft, "pid", space->pid);
	sw_fact_add_number(&draft, "cookie", (int64_t)space->cookie);
	spaces->sink->fact(spaces->sink->context, sw_fact_of(&draft));
}

uint32_t sw_spaces_by_cookie(const struct sw_spaces *spaces, uint64_t cookie)
{
	for (size_t i = 0; cookie && i < spaces->all.count; i++)
		if (spaces->all.items[i].cookie == cookie)
			return (uint32_t)i;
	return SW_SPACE_UNKNOWN;
}

/* Inodes of nsfs are used again once a namespace has gone, cookies are not: the latest entry of an inode is meant. */
static uint32_t by_inode(const struct sw_spaces *spaces, uint64_t inode, uint64_t cookie)
{
	for (size_t i = spaces->all.count; inode && i > 0; i--) {
		const struct space *space = &spaces->all.items[i - 1];
		if (space->inode == inode && (!cookie || !space->cookie || space->cookie == cookie))
			return (uint32_t)(i - 1);
	}
	return SW_SPACE_UNKNOWN;
}

uint32_t sw_spaces_number(struct sw_spaces *spaces, uint64_t inode, uint64_t cookie, pid_t pid, pid_t tid)
{
	uint32_t number = sw_spaces_by_cookie(spaces, cookie);
	if (number == SW_SPACE_UNKNOWN)
		number = by_inode(spaces, inode, cookie);
	if (number == SW_SPACE_UNKNOWN) {
		number = add(spaces, inode, cookie, pid, tid);
		say(spaces, number);
		return number;
	}
	struct space *space = &spaces->all.items[number];
	space->inode = space->inode ? space->inode : inode;
	space->cookie = space->cookie ? space->cookie : cookie;
	if (number) {
		space->pid = pid;
		space->tid = tid;
	}
	return number;
}

uint32_t sw_spaces_of_thread(struct sw_spaces *spaces, pid_t pid, pid_t tid)
{
	uint64_t inode = sw_proc_netns(pid, tid);
	return inode ? sw_spaces_number(spaces, inode, 0, pid, tid) : 0;
}

void sw_spaces_ended(struct sw_spaces *spaces, pid_t pid)
{
	for (size_t i = 1; i < spaces->all.count; i++)
		if (spaces->all.items[i].pid == pid)
			close_sockets(&spaces->all.items[i]);
}

/* ---- inside a namespace --------------------------------------------------------------------------------------- */

struct journey {
	int namespace;
	int (*errand)(void *context);
	void *context;
	int result;
};

/* Where the namespace belongs to a user namespace of the target's (unshare -rn), that one is joined first. */
static int enter(int namespace)
{
	if (setns(namespace, CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	int owner = ioctl(namespace, NS_GET_USERNS);
	if (owner < 0)
		return -EPERM;
	int result = setns(owner, CLONE_NEWUSER) == 0 && setns(namespace, CLONE_NEWNET) == 0 ? 0 : -EPERM;
	close(owner);
	return result;
}

static int go(void *argument)
{
	struct journey *journey = argument;
	journey->result = enter(journey->namespace);
	if (journey->result == 0)
		journey->result = journey->errand(journey->context);
	return 0;
}

/* A process of its own that shares memory and descriptors: a thread could not join a user namespace, and what
 * setns() leaves behind dies with it. No signal of the tool's reaches it, and none is sent at its end. */
static int travel(struct sw_spaces *spaces, struct journey *journey)
{
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t child = clone(go, spaces->stack + ERRAND_STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES, journey);
	int error = errno;
	if (child > 0)
		while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
			;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return child < 0 ? -error : journey->result;
}

int sw_spaces_run(struct sw_spaces *spaces, uint32_t number, int (*errand)(void *context), void *context)
{
	assert(number < spaces->all.count);
	if (number == 0)
		return errand(context);
	const struct space *space = &spaces->all.items[number];
	char path[SW_PROC_PATH];
	struct stat status;
	snprintf(path, sizeof path, "/proc/%d/task/%d/ns/net", (int)space->pid, (int)space->tid);
	struct journey journey = {.errand = errand, .context = context, .result = -EIO};
	journey.namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (journey.namespace < 0)
		return -errno;
	int result = -ESTALE;
	if (fstat(journey.namespace, &status) == 0 && (!space->inode || status.st_ino == space->inode))
		result = travel(spaces, &journey);
	close(journey.namespace);
	return result;
}

static int open_socket(void *protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, *(const int *)protocol);
	return fd < 0 ? -errno : fd;
}

int sw_spaces_socket(struct sw_spaces *spaces, uint32_t number, int protocol)
{
	assert(number < spaces->all.count && protocol >= 0 && protocol < PROTOCOLS);
	int *cached = &spaces->all.items[number].sockets[protocol];
	if (*cached >= 0)
		return *cached;
	int fd = sw_spaces_run(spaces, number, open_socket, &protocol);
	if (fd >= 0)
		*cached = fd;
	return fd;
}

int sw_spaces_ask(struct sw_spaces *spaces, uint32_t number, int protocol, struct sw_netlink_request *request,
		  int64_t patience_ns, sw_netlink_each *each, void *context)
{
	int fd = sw_spaces_socket(spaces, number, protocol);
	if (fd < 0)
		return fd;
	int result = sw_netlink_ask(fd, request, sw_clock_monotonic() + patience_ns, each, context);
	if (result == -ETIMEDOUT || result == -ECANCELED || result == -EBADMSG || result == -EMSGSIZE ||
	    result == -ENOBUFS) {
		close(fd);
		spaces->all.items[number].sockets[protocol] = -1;
	}
	return result;
}
