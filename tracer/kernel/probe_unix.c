/* What lies at the path of an AF_UNIX socket: fact "unix-path".
 *
 * Enters: the path as the program gave it. Leaves: what is there in the program's own view of the file system, which
 * part of the path denies, which sockets are bound there and how full their queue is. Paths are the program's:
 * nothing is opened but as O_PATH. Sources: unix(7), path_resolution(7), openat2(2), sock_diag(7). */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_ask.h"
#include "tracer/kernel/proc.h"
#include "tracer/kernel/sockdiag.h"

#define LISTEN_STATE 10
#define GROUPS_MAX 64
#define CAP_OVERRIDE 1 /* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH of <linux/capability.h> */
#define CAP_SEARCH 2

struct rights { /* with which the kernel judged the path: the file system's ids of the thread */
	unsigned uid, gid, group_count, groups[GROUPS_MAX];
	bool override, search, known;
};

static struct rights rights_of(const struct sw_question *question)
{
	struct rights rights = {0};
	char status[4096];
	uint64_t capabilities = 0;
	if (sw_proc_read_task(question->pid, question->tid, "status", status, sizeof status) <= 0)
		return rights;
	const char *uid = strstr(status, "\nUid:"), *gid = strstr(status, "\nGid:"),
		   *groups = strstr(status, "\nGroups:");
	rights.known = uid && gid && sscanf(uid, "\nUid: %*u %*u %*u %u", &rights.uid) == 1 &&
		       sscanf(gid, "\nGid: %*u %*u %*u %u", &rights.gid) == 1;
	int step;
	for (const char *at = groups ? groups + 8 : ""; rights.group_count < GROUPS_MAX && *at != '\n'; at += step)
		if (sscanf(at, "%u%n", &rights.groups[rights.group_count], &step) == 1)
			rights.group_count++;
		else
			break;
	if (sw_proc_field(status, "CapEff", 16, &capabilities)) {
		rights.override = capabilities >> CAP_OVERRIDE & 1;
		rights.search = capabilities >> CAP_SEARCH & 1;
	}
	return rights;
}

static bool in_group(const struct rights *rights, unsigned gid)
{
	for (unsigned i = 0; i < rights->group_count; i++)
		if (rights->groups[i] == gid)
			return true;
	return rights->gid == gid;
}

/* `need`: 2 write, 1 search. Access control lists are not looked at: they can only make it wrong where the mode
 * alone says no. */
static bool denies(const struct rights *rights, const struct stat *status, unsigned need)
{
	if (!rights->known || rights->override || (rights->search && need == 1))
		return false;
	unsigned shift = status->st_uid == rights->uid ? 6 : in_group(rights, status->st_gid) ? 3 : 0;
	return (status->st_mode >> shift & need) != need;
}

/* ---- walking the path ----------------------------------------------------------------------------------------- */

struct place {
	int root; /* O_PATH of the process's root or, for a relative path, of its working directory */
	bool absolute;
};

static int open_place(const struct sw_question *question, const char *path, struct place *place)
{
	char link[SW_PROC_PATH];
	place->absolute = path[0] == '/';
	snprintf(link, sizeof link, "/proc/%d/task/%d/%s", (int)question->pid, (int)question->tid,
		 place->absolute ? "root" : "cwd");
	place->root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place->root < 0 ? -errno : 0;
}

/* Symbolic links resolve inside the process's root, where the kernel can be told to (5.6). */
static int look_at(const struct place *place, const char *path, struct stat *status)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = place->absolute ? RESOLVE_IN_ROOT : 0};
	int fd = (int)syscall(SYS_openat2, place->root, path, &how, sizeof how);
	if (fd < 0 && errno == ENOSYS) {
		path += strspn(path, "/");
		fd = openat(place->root, *path ? path : ".", O_PATH | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	int result = fstat(fd, status) == 0 ? 0 : -errno;
	close(fd);
	return result;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFSOCK: return "socket";
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFIFO: return "fifo";
	case S_IFCHR:
	case S_IFBLK: return "device";
	default: return "unknown";
	}
}

static void add_mode(struct sw_fact_draft *draft, const char *mode_field, const char *owner_field,
		     const struct stat *status)
{
	char text[32];
	snprintf(text, sizeof text, "%04o", (unsigned)status->st_mode & 07777u);
	sw_fact_add_text(draft, mode_field, text);
	snprintf(text, sizeof text, "%u:%u", (unsigned)status->st_uid, (unsigned)status->st_gid);
	sw_fact_add_text(draft, owner_field, text);
}

/* The first part of the way that may not be passed or is not there; false: the walk ended there. */
static bool check_part(struct sw_fact_draft *draft, const struct place *place, const struct rights *rights,
		       const char *part, unsigned need)
{
	struct stat status;
	int error = look_at(place, part, &status);
	if (error == -ENOENT || error == -ENOTDIR) {
		sw_fact_add_text(draft, "missing", part);
		return false;
	}
	if (error)
		return false;
	if (!denies(rights, &status, need))
		return true;
	sw_fact_add_text(draft, "denied", part);
	add_mode(draft, "denied_mode", "denied_owner", &status);
	return false;
}

/* Each directory of the way, then the socket itself (connecting takes the right to write). bind() writes into the
 * last directory. */
static void walk(struct sw_fact_draft *draft, const struct place *place, const struct rights *rights, const char *path,
		 bool binding)
{
	char part[SW_PATH_MAX + 1];
	size_t length = strlen(path);
	if (!check_part(draft, place, rights, place->absolute ? "/" : ".",
			binding && !strchr(path + place->absolute, '/') ? 3 : 1))
		return;
	for (size_t at = 1; at < length; at++) {
		if (path[at] != '/' || path[at - 1] == '/')
			continue;
		memcpy(part, path, at);
		part[at] = '\0';
		bool last = !strchr(path + at + strspn(path + at, "/"), '/');
		if (!check_part(draft, place, rights, part, binding && last ? 3 : 1))
			return;
	}
	if (!binding)
		check_part(draft, place, rights, path, 2);
}

/* ---- the sockets there ---------------------------------------------------------------------------------------- */

struct bound {
	const struct sw_addr *path;
	bool known; /* `status` is filled */
	struct stat status;
	uint64_t own;
	int64_t count, listeners;
	struct sw_diag best;
};

static bool is_there(const struct bound *bound, const struct sw_diag *socket)
{
	const struct sw_addr *name = &socket->local;
	if (bound->path->abstract)
		return name->abstract && name->path_length == bound->path->path_length &&
		       !memcmp(name->path, bound->path->path, name->path_length);
	/* The kernel's device number; on some file systems stat() tells another one, and then the name must do. */
	dev_t device = makedev(socket->vfs_device >> 20, socket->vfs_device & 0xfffff);
	return bound->known && !name->abstract && socket->vfs_inode &&
	       socket->vfs_inode == (uint32_t)bound->status.st_ino &&
	       (device == bound->status.st_dev || !strcmp(name->path, bound->path->path));
}

static bool take_bound(void *context, const struct sw_diag *socket)
{
	struct bound *bound = context;
	if (socket->inode == bound->own || !is_there(bound, socket))
		return true;
	bool listening = socket->state == LISTEN_STATE;
	/* Accepted sockets carry their listener's name too. */
	if (bound->count == 0 || (listening && bound->best.state != LISTEN_STATE))
		bound->best = *socket;
	bound->count++;
	bound->listeners += listening;
	return true;
}

static const char *type_name(int type)
{
	return type == SOCK_STREAM    ? "stream" :
	       type == SOCK_DGRAM     ? "dgram" :
	       type == SOCK_SEQPACKET ? "seqpacket" :
					"unknown";
}

static void add_holder(struct sw_fact_draft *draft, uint64_t inode)
{
	bool complete;
	char comm[16];
	pid_t pid = sw_probe_holder(&inode, 1, &inode, &complete);
	if (!pid)
		return;
	sw_proc_comm(pid, comm);
	sw_fact_add_number(draft, "holder_pid", pid);
	sw_fact_add_text(draft, "holder_comm", comm);
}

/* A path reaches across network namespaces, an abstract name does not: for a path the tool's own is searched too. */
static void add_bound(struct sw_question *question, struct sw_fact_draft *draft, struct bound *bound)
{
	if (question->switches & SW_NO_DIAG || (!bound->known && !bound->path->abstract))
		return;
	int error = sw_diag_unix(question->spaces, question->netns, UINT32_MAX, take_bound, bound);
	if (!error && !bound->count && question->netns && !bound->path->abstract)
		error = sw_diag_unix(question->spaces, 0, UINT32_MAX, take_bound, bound);
	if (error)
		return;
	sw_fact_add_number(draft, "bound", bound->count);
	sw_fact_add_number(draft, "listeners", bound->listeners);
	if (!bound->count)
		return;
	sw_fact_add_text(draft, "type", type_name(bound->best.type));
	sw_fact_add_number(draft, "queue", bound->best.receive_queue);
	if (bound->best.state == LISTEN_STATE)
		sw_fact_add_number(draft, "backlog", bound->best.send_queue);
	add_holder(draft, bound->best.inode);
}

static void add_path(struct sw_question *question, struct sw_fact_draft *draft, struct bound *bound)
{
	const char *path = bound->path->path;
	struct place place;
	int error = open_place(question, path, &place);
	if (error) {
		sw_fact_add_text(draft, "kind", "unknown");
		return;
	}
	error = look_at(&place, path, &bound->status);
	bound->known = error == 0;
	sw_fact_add_text(draft, "kind",
			 error == 0                            ? kind_of(bound->status.st_mode) :
			 error == -ENOENT || error == -ENOTDIR ? "missing" :
								 "unknown");
	sw_fact_add_number(draft, "error", -error);
	if (error == 0 || error == -ENOENT || error == -ENOTDIR)
		sw_fact_add_number(draft, "exists", error == 0);
	if (error == 0) {
		sw_fact_add_number(draft, "is_socket", S_ISSOCK(bound->status.st_mode));
		add_mode(draft, "mode", "owner", &bound->status);
	}
	struct rights rights = rights_of(question);
	walk(draft, &place, &rights, path, question->call->sys == SW_SYS_BIND);
	close(place.root);
}

void sw_probe_unix_path(struct sw_question *question, const struct sw_addr *path)
{
	struct sw_fact_draft draft;
	char text[SW_ADDR_TEXT];
	struct bound bound = {.path = path, .own = question->socket ? question->socket->inode : 0};
	if (path->path_length == 0 || !sw_probe_fresh(question, "unix-path", path->path, path->path_length))
		return;
	sw_fact_begin(&draft, "unix-path");
	const char *name = sw_addr_text(path, text);
	sw_fact_add_text(&draft, "path", !strncmp(name, "unix:", 5) ? name + 5 : name);
	if (path->abstract)
		sw_fact_add_text(&draft, "kind", "abstract");
	else
		add_path(question, &draft, &bound);
	add_bound(question, &draft, &bound);
	sw_probe_say(question, &draft);
}
