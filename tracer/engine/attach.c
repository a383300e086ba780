/* See attach.h. Sources: proc(5), ptrace(2), Documentation/admin-guide/LSM/Yama.rst. */
#include "tracer/engine/attach.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/kernel/proc.h"

#define STATUS_ROOM 4096
#define YAMA "/proc/sys/kernel/yama/ptrace_scope"

/* ---- lists ------------------------------------------------------------------------------------------------------ */

bool sw_pids_has(const struct sw_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

bool sw_pids_add(struct sw_pids *pids, pid_t pid)
{
	if (sw_pids_has(pids, pid))
		return false;
	*SW_ARRAY_ADD(pids) = pid;
	return true;
}

void sw_pids_release(struct sw_pids *pids)
{
	SW_ARRAY_RELEASE(pids);
}

static void list_numbers(const char *path, struct sw_pids *numbers)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			*SW_ARRAY_ADD(numbers) = atoi(entry->d_name); /* the kernel lists each once */
	if (folder)
		closedir(folder);
}

void sw_attach_threads(pid_t pid, struct sw_pids *tids)
{
	char path[SW_PROC_PATH];

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	list_numbers(path, tids);
}

/* ---- who ------------------------------------------------------------------------------------------------------- */

static bool status_read(pid_t pid, char text[STATUS_ROOM])
{
	char path[SW_PROC_PATH];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return sw_proc_read(path, text, STATUS_ROOM) > 0;
}

static uint64_t field(const char *status, const char *name)
{
	uint64_t value = 0;

	return sw_proc_field(status, name, 10, &value) ? value : 0;
}

/* Its comm has at most 15 characters, and threads may have changed it: the program's base name counts too. */
static bool is_named(pid_t pid, const char *name)
{
	char comm[16], path[SW_PROC_PATH], program[4096];

	sw_proc_comm(pid, comm);
	if (!strcmp(comm, name))
		return true;
	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	if (sw_proc_link(path, program, sizeof program) <= 0)
		return false;
	const char *base = strrchr(program, '/');
	return base && !strcmp(base + 1, name);
}

void sw_attach_named(const char *name, struct sw_pids *pids)
{
	struct sw_pids all = {0};

	list_numbers("/proc", &all);
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i] != getpid() && is_named(all.items[i], name))
			sw_pids_add(pids, all.items[i]);
	sw_pids_release(&all);
}

void sw_attach_descendants(struct sw_pids *pids, pid_t besides)
{
	struct sw_pids all = {0}, parents = {0};
	char status[STATUS_ROOM];
	bool more = true;

	list_numbers("/proc", &all);
	for (size_t i = 0; i < all.count; i++)
		*SW_ARRAY_ADD(&parents) = status_read(all.items[i], status) ? (pid_t)field(status, "PPid") : 0;
	while (more) {
		more = false;
		for (size_t i = 0; i < all.count; i++)
			if (parents.items[i] && all.items[i] != besides && sw_pids_has(pids, parents.items[i]))
				more |= sw_pids_add(pids, all.items[i]);
	}
	sw_pids_release(&all);
	sw_pids_release(&parents);
}

/* ---- why not --------------------------------------------------------------------------------------------------- */

static int traced(pid_t pid, pid_t tracer, struct sw_err *err)
{
	char name[16], of[16];

	sw_proc_comm(tracer, name);
	sw_proc_comm(pid, of);
	return sw_err_set(
		err, -EBUSY,
		"process %d (%s) is being traced by %s (PID %d) already, and can have one tracer only: end that first, "
		"or use --no-calls",
		(int)pid, of, name[0] ? name : "another process", (int)tracer);
}

static const char *user_name(uint64_t uid, char room[32])
{
	const struct passwd *found = getpwuid((uid_t)uid);

	if (found)
		snprintf(room, 32, "%.31s", found->pw_name);
	else
		snprintf(room, 32, "uid %llu", (unsigned long long)uid);
	return room;
}

int sw_attach_say_refused(const struct sw_attach_refused *it, struct sw_err *err)
{
	char user[32], what[64];

	snprintf(what, sizeof what, "process %d (%s)", (int)it->pid, it->comm);
	if (it->scope == '3')
		return sw_err_set(err, -EACCES,
				  "%s cannot be attached to: " YAMA
				  " is 3, which forbids all tracing until the next boot; use --no-calls",
				  what);
	if (it->own_uid == 0)
		return sw_err_set(
			err, -EACCES,
			"%s cannot be attached to: not permitted, though this is root; CAP_SYS_PTRACE is missing (a "
			"container without --cap-add SYS_PTRACE?) or a security module forbids it; use --no-calls",
			what);
	if (it->uid != it->own_uid)
		return sw_err_set(err, -EACCES, "%s belongs to %s: run this as that user or as root", what,
				  user_name(it->uid, user));
	if (it->scope == '2')
		return sw_err_set(
			err, -EACCES,
			"%s cannot be attached to: " YAMA
			" is 2, which allows tracing to root only; run this as root (sudo), or use --no-calls",
			what);
	if (it->scope == '1')
		return sw_err_set(
			err, -EACCES,
			"%s cannot be attached to: " YAMA
			" is 1, which allows it to root only; run this as root (sudo), start the program under "
			"sockwhy run, or use --no-calls",
			what);
	return sw_err_set(
		err, -EACCES,
		"%s cannot be attached to: it has rights that you have not (set-user-ID, capabilities), or is not dumpable; "
		"run this as root",
		what);
}

static int refused(pid_t pid, const char *status, struct sw_err *err)
{
	char comm[16], scope[16] = "";
	struct sw_attach_refused it = {
		.pid = pid, .comm = comm, .uid = field(status, "Uid"), .own_uid = (uint64_t)geteuid()};

	sw_proc_comm(pid, comm);
	if (sw_proc_read(YAMA, scope, sizeof scope) > 0)
		it.scope = scope[0];
	return sw_attach_say_refused(&it, err);
}

bool sw_attach_may_look(pid_t pid)
{
	char path[SW_PROC_PATH];
	DIR *folder;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	if (folder)
		closedir(folder);
	return folder;
}

/* Whether the kernel would let us: reading this file asks the same (PTRACE_MODE_ATTACH, Yama included) and changes nothing. */
static bool is_permitted(pid_t pid)
{
	char path[SW_PROC_PATH], text[256];

	snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
	ssize_t length = sw_proc_read(path, text, sizeof text);
	return length != -EPERM && length != -EACCES;
}

static int check_state(pid_t pid, const char *status, struct sw_err *err)
{
	char comm[16];
	const char *state = strstr(status, "\nState:\t");
	uint64_t thread = 0;

	sw_proc_comm(pid, comm);
	if (state && (state[8] == 'Z' || state[8] == 'X'))
		return sw_err_set(
			err, -ESRCH,
			"process %d (%s) has ended already (a zombie: its parent, PID %d, has not asked for its status): there "
			"is nothing to attach to",
			(int)pid, comm, (int)field(status, "PPid"));
	if ((sw_proc_field(status, "Kthread", 10, &thread) && thread) || !strstr(status, "\nVmSize:"))
		return sw_err_set(err, -EPERM,
				  "process %d (%s) is a thread of the kernel: only programs can be attached to",
				  (int)pid, comm);
	return 0;
}

int sw_attach_check(pid_t pid, struct sw_err *err)
{
	char status[STATUS_ROOM], comm[16];

	if (pid == getpid())
		return sw_err_set(err, -EINVAL, "process %d is this tool itself", (int)pid);
	if (pid <= 0 || !status_read(pid, status))
		return sw_err_set(
			err, -ESRCH,
			"there is no process %d: it has ended, or its number is that of another PID namespace (see: ps -e)",
			(int)pid);
	sw_proc_comm(pid, comm);
	if (field(status, "Tgid") != (uint64_t)pid)
		return sw_err_set(err, -EINVAL, "%d is a thread (%s) of process %d: attach to that", (int)pid, comm,
				  (int)field(status, "Tgid"));
	int failed = check_state(pid, status, err);
	if (failed)
		return failed;
	if (field(status, "TracerPid"))
		return traced(pid, (pid_t)field(status, "TracerPid"), err);
	return is_permitted(pid) ? 0 : refused(pid, status, err);
}

/* ---- seizing --------------------------------------------------------------------------------------------------- */

static int why(pid_t pid, pid_t tid, int code, struct sw_err *err)
{
	char path[SW_PROC_PATH], status[STATUS_ROOM];

	snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
	if (code == -ESRCH || sw_proc_read(path, status, sizeof status) <= 0)
		return -ESRCH;
	const char *state = strstr(status, "\nState:\t");
	if (state && (state[8] == 'Z' || state[8] == 'X'))
		return -ESRCH; /* a leader that has ended before its threads, or a thread on its way out */
	uint64_t tracer = field(status, "TracerPid");
	if (tracer == (uint64_t)syscall(SYS_gettid))
		return -EALREADY;
	return tracer ? traced(pid, (pid_t)tracer, err) : refused(pid, status, err);
}

int sw_attach_seize(pid_t pid, pid_t tid, unsigned long options, struct sw_err *err)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) == 0)
		return 0;
	return why(pid, tid, -errno, err);
}
