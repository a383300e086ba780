/* The threads and processes of a log: who made whom, who shares descriptors with whom.
 *
 * Enters: thread numbers, clone, exec and exit lines. Leaves: process events. Where the log does not say how a thread came to be, it is
 * taken as one that shares its maker's descriptors, until something it does says otherwise. */
#include <sched.h>
#include <stdlib.h>

#include "tracer/strace/strace_state.h"

static struct thread *thread_add(struct sw_strace *strace, uint32_t tid)
{
	struct thread *thread = sw_alloc(sizeof *thread);

	thread->tid = tid;
	HASH_ADD_INT(strace->threads, tid, thread);
	return thread;
}

static void say_process(struct sw_strace *strace, const struct sw_process *process)
{
	if (strace->sink->process)
		strace->sink->process(strace->sink->context, process);
}

static void say_begin(struct sw_strace *strace, const struct thread *thread, int64_t now_ns)
{
	struct sw_process process = {
		.event = SW_PROCESS_BEGIN, .pid = thread->pid, .tid = thread->tid, .parent = thread->parent};

	process.time_ns = now_ns;
	process.is_command = thread == strace->first_thread;
	say_process(strace, &process);
}

static void share(struct thread *thread, const struct thread *maker)
{
	thread->descriptors = maker->descriptors;
	thread->descriptors->users++;
}

/* A clone that has not returned to its maker yet, or else who was active last. */
static struct thread *guess_maker(struct sw_strace *strace, const struct thread *thread)
{
	struct thread *other, *next;

	HASH_ITER (hh, strace->threads, other, next)
		if (other != thread && other->descriptors && other->pending == PENDING_UNFINISHED &&
		    other->sys == SW_SYS_NONE && other->name.length >= 4 &&
		    (memcmp(other->name.bytes, "clon", 4) == 0 ||
		     memmem(other->name.bytes, other->name.length, "fork", 4)))
			return other;
	return strace->last_thread && strace->last_thread->descriptors && !strace->last_thread->ended ?
		       strace->last_thread :
		       strace->first_thread;
}

static void thread_begin(struct sw_strace *strace, struct thread *thread, int64_t now_ns)
{
	struct thread *maker = strace->first_thread ? guess_maker(strace, thread) : NULL;

	if (!strace->first_thread) {
		strace->first_thread = thread;
		thread->known = thread->process = true;
	}
	if (maker && maker->descriptors && maker != thread) {
		struct span flags = text_span(&maker->arguments);

		if (maker->pending == PENDING_UNFINISHED && maker->sys == SW_SYS_NONE) {
			strace_thread_made(strace, maker, thread->tid,
					   scan_flags(SW_CONSTANTS_CLONE, span_after(flags, "flags=")), now_ns);
			return;
		}
		thread->pid = maker->pid;
		share(thread, maker);
		strace->unknown_makers = true;
	} else {
		thread->pid = thread->tid;
		thread->descriptors = descriptors_new();
	}
	say_begin(strace, thread, now_ns);
}

struct thread *strace_thread(struct sw_strace *strace, uint32_t tid, int64_t now_ns)
{
	struct thread *thread = strace->last_thread;

	if (thread && thread->tid == tid && !thread->ended)
		return thread;
	HASH_FIND_INT(strace->threads, &tid, thread);
	if (!thread)
		thread = thread_add(strace, tid);
	if (thread->ended || !thread->descriptors) {
		/* The number is used again. */
		thread->ended = thread->known = thread->process = thread->exec_seen = false;
		thread->parent = 0;
		thread->pending = PENDING_NONE;
		thread_begin(strace, thread, now_ns);
	}
	strace->last_thread = thread;
	return thread;
}

void strace_thread_made(struct sw_strace *strace, struct thread *maker, uint32_t tid, uint64_t clone_flags,
			int64_t now_ns)
{
	struct thread *thread;

	HASH_FIND_INT(strace->threads, &tid, thread);
	if (!thread)
		thread = thread_add(strace, tid);
	/* What it did before its maker's line was a guess; where it was right there is nothing to do. */
	if (thread->descriptors && !thread->ended) {
		thread->known = true;
		thread->process = !(clone_flags & CLONE_THREAD);
		if (thread->process && !(clone_flags & CLONE_FILES))
			strace_thread_alone(strace, thread);
		thread->pid = thread->process ? tid : maker->pid;
		thread->parent = thread->process ? maker->pid : 0;
		return;
	}
	thread->ended = thread->exec_seen = false;
	thread->pending = PENDING_NONE;
	thread->known = true;
	thread->process = !(clone_flags & CLONE_THREAD);
	thread->pid = thread->process ? tid : maker->pid;
	thread->parent = thread->process ? maker->pid : 0;
	if (clone_flags & CLONE_FILES)
		share(thread, maker);
	else
		thread->descriptors = descriptors_copy(&strace->objects, maker->descriptors);
	say_begin(strace, thread, now_ns);
}

void strace_thread_alone(struct sw_strace *strace, struct thread *thread)
{
	struct descriptors *shared = thread->descriptors;

	if (shared->users < 2)
		return;
	thread->descriptors = descriptors_copy(&strace->objects, shared);
	descriptors_leave(&strace->objects, shared);
}

/* ["curl", "-s", "http://..."] as a command line. */
static size_t command_line(struct span list, char *text, size_t room)
{
	struct span inside = scan_inside(list), element;
	size_t length = 0;

	while (length + 2 < room && scan_element(&inside, &element)) {
		size_t word;

		if (length)
			text[length++] = ' ';
		word = scan_string(element, text + length, room - length - 1);
		length += word;
	}
	text[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = ' ';
	return length;
}

void strace_thread_exec(struct sw_strace *strace, struct thread *thread, struct span arguments, int64_t now_ns)
{
	struct sw_process process = {.event = SW_PROCESS_EXEC, .time_ns = now_ns};
	char path[512], line[1024], comm[16];
	const char *base;
	struct span element;
	size_t length;

	strace_thread_alone(strace, thread);
	if (thread->descriptors)
		descriptors_exec(&strace->objects, thread->descriptors, !strace->unknown_makers, now_ns);
	thread->exec_seen = thread->process = true;
	thread->pid = thread->tid;
	process.pid = process.tid = thread->tid;
	process.parent = thread->parent;
	process.is_command = thread == strace->first_thread;
	if (scan_element(&arguments, &element)) {
		length = scan_string(element, path, sizeof path - 1);
		path[length] = '\0';
		base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		length = strnlen(base, sizeof comm - 1);
		memcpy(comm, base, length);
		comm[length] = '\0';
		process.comm = comm;
	}
	if (scan_element(&arguments, &element) && command_line(element, line, sizeof line))
		process.command_line = line;
	say_process(strace, &process);
}

static void say_exit(struct sw_strace *strace, const struct thread *thread, uint32_t pid, int32_t code, int32_t signal,
		     int64_t now_ns)
{
	struct sw_process process = {.event = SW_PROCESS_EXIT, .time_ns = now_ns, .pid = pid, .tid = thread->tid};

	process.parent = thread->parent;
	process.code = signal ? -1 : code;
	process.signal = signal;
	process.is_command = thread == strace->first_thread;
	say_process(strace, &process);
}

void strace_thread_end(struct sw_strace *strace, struct thread *thread, int32_t code, int32_t signal, int64_t now_ns)
{
	if (thread->ended)
		return;
	thread->ended = true;
	thread->pending = PENDING_NONE;
	strace_said_flush(strace, thread, now_ns);
	descriptors_leave(&strace->objects, thread->descriptors);
	thread->descriptors = NULL;
	/* The end of a thread is not its process's; the first thread's line is strace's last of a process. */
	if (thread->process || thread->exec_seen || thread->tid == thread->pid)
		say_exit(strace, thread, thread->tid, code, signal, now_ns);
}

void strace_thread_superseded(struct sw_strace *strace, uint32_t tid)
{
	struct thread *thread;

	HASH_FIND_INT(strace->threads, &tid, thread);
	if (!thread || thread->ended || thread == strace->first_thread)
		return;
	thread->ended = true;
	thread->pending = PENDING_NONE;
	descriptors_leave(&strace->objects, thread->descriptors);
	thread->descriptors = NULL;
}

void strace_process_known(struct sw_strace *strace, uint32_t pid, int64_t now_ns)
{
	struct thread *thread;

	HASH_FIND_INT(strace->threads, &pid, thread);
	if (!thread || thread->process || thread->known)
		return;
	thread->process = true;
	if (thread->ended)
		say_exit(strace, thread, pid, 0, 0, now_ns);
}

void strace_threads_said(struct sw_strace *strace, int64_t now_ns)
{
	struct thread *thread, *next;

	HASH_ITER (hh, strace->threads, thread, next)
		strace_said_flush(strace, thread, now_ns);
}

void strace_threads_release(struct sw_strace *strace)
{
	struct thread *thread, *next;

	HASH_ITER (hh, strace->threads, thread, next) {
		HASH_DEL(strace->threads, thread);
		if (thread->descriptors)
			descriptors_leave(&strace->objects, thread->descriptors);
		free(thread->name.bytes);
		free(thread->arguments.bytes);
		free(thread->said.bytes);
		free(thread);
	}
}
