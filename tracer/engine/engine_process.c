/* Threads and processes: their births, execs and ends, whatever the order in which the kernel tells of them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"
#include "tracer/kernel/proc.h"

#define COMMAND_LINE_ROOM 4096
#define LAST_WORDS_NS (50 * SW_NS_PER_MS) /* for the sockets that a process leaves behind */

/* ---- saying it -------------------------------------------------------------------------------------------------- */

static const char *command_line(pid_t pid, char room[COMMAND_LINE_ROOM])
{
	char path[SW_PROC_PATH];

	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	ssize_t length = sw_proc_read(path, room, COMMAND_LINE_ROOM);
	if (length <= 0)
		return NULL;
	while (length > 0 && room[length - 1] == '\0')
		length--;
	for (ssize_t i = 0; i < length; i++)
		if (room[i] == '\0')
			room[i] = ' ';
	room[length] = '\0';
	return room;
}

void sw_engine_said_process(struct sw_engine_state *engine, enum sw_process_event what, const struct sw_tracee *tracee,
			    int64_t time_ns, int code, int signal)
{
	char comm[16] = "", line[COMMAND_LINE_ROOM];
	const struct sw_tracee_process *process = tracee->process;
	struct sw_process record = {.event = what,
				    .pid = (uint32_t)process->pid,
				    .tid = (uint32_t)tracee->tid,
				    .parent = (uint32_t)process->parent,
				    .time_ns = time_ns,
				    .code = code,
				    .signal = signal,
				    .is_command = process->is_command};

	if (process->unborn || !engine->sink->process)
		return;
	if (what == SW_PROCESS_BEGIN || what == SW_PROCESS_EXEC) {
		sw_proc_comm(process->pid, comm);
		record.comm = comm;
		record.inside = sw_proc_pid_inside(process->pid);
	}
	if (what == SW_PROCESS_EXEC || (what == SW_PROCESS_BEGIN && engine->attach))
		record.command_line = command_line(process->pid, line);
	engine->sink->process(engine->sink->context, &record);
}

static void begin(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t time_ns)
{
	if (tracee->process->begun || tracee->process->unborn)
		return;
	tracee->process->begun = true;
	sw_engine_said_process(engine, SW_PROCESS_BEGIN, tracee, time_ns, -1, 0);
}

/* ---- births ----------------------------------------------------------------------------------------------------- */

/* A thread may be gone already: what clone(2) was asked for says it, and /proc where that cannot be read. */
static bool is_thread_of(pid_t pid, pid_t tid, uint64_t clone_flags)
{
	char path[SW_PROC_PATH];

	if (clone_flags)
		return clone_flags & CLONE_THREAD;
	snprintf(path, sizeof path, "/proc/%d/task/%d", pid, tid);
	return access(path, F_OK) == 0;
}

/* What came before its parent's event was perhaps gone before it, too. Few are: a parent's event follows at once. */
static void early_add(struct sw_engine_state *engine, pid_t tid)
{
	engine->early[engine->early_at++ % SW_COUNT(engine->early)] = tid;
}

static bool early_take(struct sw_engine_state *engine, pid_t tid)
{
	for (size_t i = 0; i < SW_COUNT(engine->early); i++)
		if (engine->early[i] == tid) {
			engine->early[i] = 0;
			return true;
		}
	return false;
}

/* A child's first stop may come before its parent's event, and its parent may be killed before it tells of it. */
struct sw_tracee *sw_engine_adopt(struct sw_engine_state *engine, pid_t tid)
{
	char status[4096], path[SW_PROC_PATH];
	uint64_t group = (uint64_t)tid, parent = 0;

	snprintf(path, sizeof path, "/proc/%d/status", tid);
	if (sw_proc_read(path, status, sizeof status) > 0) {
		sw_proc_field(status, "Tgid", 10, &group);
		sw_proc_field(status, "PPid", 10, &parent);
	}
	early_add(engine, tid);
	struct sw_tracee *tracee = sw_tracee_add(&engine->tracees, tid, (pid_t)group);
	struct sw_tracee *sibling =
		sw_tracee_find(&engine->tracees, group == (uint64_t)tid ? (pid_t)parent : (pid_t)group);
	if (!tracee->process->parent)
		tracee->process->parent = (pid_t)parent;
	tracee->every_stop = engine->unfiltered || (sibling && sibling->every_stop);
	begin(engine, tracee, sw_clock_realtime());
	return tracee;
}

static struct sw_tracee *child_of(struct sw_engine_state *engine, struct sw_tracee *parent, pid_t tid, bool process)
{
	struct sw_tracee *child = sw_tracee_find(&engine->tracees, tid);

	if (!child)
		child = sw_tracee_add(&engine->tracees, tid, process ? tid : parent->process->pid);
	child->every_stop |= parent->every_stop;
	if (process)
		child->process->parent = parent->process->pid;
	else
		child->netns_asked = parent->netns_asked;
	return child;
}

static void born(struct sw_engine_state *engine, struct sw_tracee *parent, pid_t tid, const struct sw_event *event)
{
	bool cloned = event->status >> 16 == PTRACE_EVENT_CLONE, early = early_take(engine, tid);
	uint64_t flags = cloned ? sw_engine_clone_flags(parent) : 0;
	pid_t pid = parent->process->pid;
	bool process = !cloned || !is_thread_of(pid, tid, flags);

	if (process && (flags & CLONE_FILES))
		sw_identity_unshared(engine->identity, pid);
	if (early && !sw_tracee_find(&engine->tracees, tid))
		return;
	struct sw_tracee *child = child_of(engine, parent, tid, process);
	if (process && (flags & CLONE_FILES))
		sw_identity_unshared(engine->identity, tid);
	else if (process)
		sw_identity_forked(engine->identity, pid, tid);
	begin(engine, child, event->time_ns);
}

void sw_engine_forked(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	unsigned long message = 0;

	if (ptrace(PTRACE_GETEVENTMSG, tracee->tid, NULL, &message) == 0 && message)
		born(engine, tracee, (pid_t)message, event);
	sw_engine_release(engine, tracee, 0);
}

/* ---- exec ------------------------------------------------------------------------------------------------------- */

static void forget(struct sw_engine_state *engine, struct sw_tracee *tracee)
{
	sw_engine_calls_end(engine, tracee);
	if (engine->waiter.released == tracee->tid)
		engine->waiter.released = 0;
	sw_tracee_remove(&engine->tracees, tracee);
}

/* Whichever thread called exec goes on with the leader's number; the others are gone, mostly without a word. */
static struct sw_tracee *survivor(struct sw_engine_state *engine, pid_t pid, pid_t former)
{
	struct sw_tracee *caller = sw_tracee_find(&engine->tracees, former), *other, *next;

	if (!caller)
		caller = sw_tracee_find(&engine->tracees, pid);
	if (!caller)
		caller = sw_engine_adopt(engine, pid);
	HASH_ITER (hh, engine->tracees.threads, other, next)
		if (other != caller && other->process == caller->process)
			forget(engine, other);
	if (caller->tid != pid) {
		sw_engine_calls_end(engine, caller);
		sw_tracee_rename(&engine->tracees, caller, pid);
	}
	caller->process->alive = 1;
	return caller;
}

static void command_begins(struct sw_engine_state *engine, struct sw_tracee *tracee, int64_t time_ns)
{
	tracee->process->unborn = false;
	tracee->every_stop = engine->unfiltered;
	engine->command_started = true;
	begin(engine, tracee, time_ns);
	sw_identity_inherited(engine->identity, tracee->process->pid);
}

struct sw_tracee *sw_engine_exec(struct sw_engine_state *engine, const struct sw_event *event)
{
	unsigned long former = 0;

	ptrace(PTRACE_GETEVENTMSG, event->tid, NULL, &former);
	struct sw_tracee *tracee = survivor(engine, event->tid, (pid_t)former);
	sw_identity_exec(engine->identity, event->tid);
	if (engine->stacks)
		sw_stacks_forget(engine->stacks, event->tid);
	if (engine->origins)
		sw_origins_forget(engine->origins, event->tid);
	if (tracee->process->unborn)
		command_begins(engine, tracee, event->time_ns);
	sw_engine_said_process(engine, SW_PROCESS_EXEC, tracee, event->time_ns, -1, 0);
	sw_engine_release(engine, tracee, 0);
	return tracee;
}

/* ---- ends ------------------------------------------------------------------------------------------------------- */

struct last_words {
	struct sw_engine_state *engine;
	pid_t pid, tid;
};

static bool last_word(void *context, int fd, const char *link)
{
	struct last_words *words = context;

	if (strncmp(link, "socket:", 7) != 0)
		return true;
	uint32_t id = sw_identity_object(words->engine->identity, words->pid, words->tid, fd);
	const struct sw_socket *socket = id ? sw_identity_socket(words->engine->identity, id) : NULL;
	if (socket && (socket->type == SOCK_STREAM || socket->type == SOCK_DGRAM) &&
	    (socket->domain == AF_INET || socket->domain == AF_INET6) && !(socket->flags & SW_SOCKET_LISTENING))
		sw_engine_last_words(words->engine,
				     &(struct sw_call){.pid = (uint32_t)words->pid,
						       .tid = (uint32_t)words->tid,
						       .fd = fd,
						       .fd2 = -1,
						       .socket = id,
						       .sys = SW_SYS_CLOSE},
				     id, fd);
	return true;
}

/* The descriptors are still open at this stop, and what TCP owes on them cannot be asked later. */
void sw_engine_exiting(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	struct sw_tracee_process *process = tracee->process;
	struct last_words words = {.engine = engine, .pid = process->pid, .tid = tracee->tid};

	(void)event;
	sw_engine_calls_end(engine, tracee);
	if (process->alive && --process->alive == 0 && process->sockets && engine->probe) {
		sw_proc_each_fd(process->pid, tracee->tid, sw_clock_monotonic() + LAST_WORDS_NS, last_word, &words);
		sw_engine_counters(engine, process->pid, "end");
	}
	sw_engine_release(engine, tracee, 0);
}

static void command_ends(struct sw_engine_state *engine, int status)
{
	engine->command_ended = true;
	engine->command_status = status;
}

void sw_engine_ended(struct sw_engine_state *engine, struct sw_tracee *tracee, const struct sw_event *event)
{
	int status = event->status;
	pid_t pid = tracee->process->pid;
	bool leader = tracee->tid == pid;

	sw_engine_calls_end(engine, tracee);
	if (leader) {
		/* A leader's end is told last of its threads'. */
		sw_engine_said_flush(engine, tracee->process);
		sw_engine_said_process(engine, SW_PROCESS_EXIT, tracee, event->time_ns,
				       WIFEXITED(status) ? WEXITSTATUS(status) : -1,
				       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		if (tracee->process->is_command)
			command_ends(engine, status);
	}
	forget(engine, tracee);
	if (!leader || sw_tracee_process_find(&engine->tracees, pid))
		return;
	sw_identity_ended(engine->identity, pid);
	if (engine->stacks)
		sw_stacks_forget(engine->stacks, pid);
}
