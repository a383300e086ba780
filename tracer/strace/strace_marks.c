/* Lines of strace's text that are no calls: signals, ends, stacks.
 *
 * Enters: the line, taken apart. Leaves: process events, frames of the call that is held back. */
#include <string.h>

#include "src/base/names.h"
#include "tracer/strace/strace_calls.h"

void strace_mark_signal(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	struct sw_process process = {
		.event = SW_PROCESS_SIGNAL, .pid = thread->pid, .tid = thread->tid, .time_ns = strace_when(log)};
	char name[24];
	size_t length = span_length(line->name);
	int64_t pid;

	if (length >= sizeof name)
		return;
	memcpy(name, line->name.at, length);
	name[length] = '\0';
	for (int number = 1; number < 65 && !process.signal; number++)
		if (strcmp(sw_signal_name(number), name) == 0)
			process.signal = number;
	if (strcmp(name, "SIGCHLD") == 0 && scan_number(span_after(line->arguments, "si_pid="), &pid) && pid > 0 &&
	    pid <= UINT32_MAX)
		strace_process_known(log->strace, (uint32_t)pid, process.time_ns);
	if (log->strace->sink->process)
		log->strace->sink->process(log->strace->sink->context, &process);
}

void strace_mark_end(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	char name[24] = "";
	size_t length = span_length(line->name);
	int signal = 0;

	if (line->kind == LINE_KILLED && length < sizeof name) {
		memcpy(name, line->name.at, length);
		for (int number = 1; number < 65 && !signal; number++)
			if (strcmp(sw_signal_name(number), name) == 0)
				signal = number;
	}
	strace_thread_end(log->strace, thread, (int32_t)line->number, signal, strace_when(log));
}

/* object(function+0x12) [0x345], of -k. */
void strace_mark_stack(struct sw_strace_log *log, struct span text)
{
	const char *open = memchr(text.at, '(', span_length(text)), *slash;
	struct span object = {text.at, open ? open : text.end}, function = {text.end, text.end}, address;
	struct sw_frame *frame;
	int64_t number;

	if (!log->holds || log->frames.count >= 32)
		return;
	frame = SW_ARRAY_ADD(&log->frames);
	if (open)
		function = (struct span){open + 1, scan_until(open + 1, text.end, '+')};
	else if (memmem(text.at, span_length(text), " [", 2))
		object.end = memmem(text.at, span_length(text), " [", 2);
	slash = memrchr(object.at, '/', span_length(object));
	if (slash)
		object.at = slash + 1;
	memcpy(frame->object, object.at,
	       span_length(object) < sizeof frame->object ? span_length(object) : sizeof frame->object - 1);
	memcpy(frame->function, function.at,
	       span_length(function) < sizeof frame->function ? span_length(function) : sizeof frame->function - 1);
	if (!span_empty(function) &&
	    scan_number((struct span){function.end + (function.end < text.end), text.end}, &number))
		frame->offset = (uint64_t)number;
	address = span_after(text, "[");
	if (scan_number(address, &number))
		frame->address = (uint64_t)number;
}
