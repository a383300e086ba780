/* The strace reader: lines in, records out. See the header; the forms of a line are in strace_line.c, the arguments in strace_args.c. */
#include "tracer/strace/strace.h"

#include <ctype.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/strace/strace_calls.h"

/* Stamps of one log are in order, but an exit computed from -T may lie a little before the line that said it. */
#define LOOSENESS_NS (5 * SW_NS_PER_MS)

struct sw_strace *sw_strace_new(const struct sw_trace_sink *sink)
{
	struct sw_strace *strace = sw_alloc(sizeof *strace);

	strace->own_sink = *sink;
	strace->sink = &strace->own_sink;
	objects_init(&strace->objects, strace->sink);
	return strace;
}

void sw_strace_free(struct sw_strace *strace)
{
	if (!strace)
		return;
	strace_threads_release(strace);
	while (strace->logs) {
		struct sw_strace_log *log = strace->logs;

		strace->logs = log->next;
		free(log->partial.bytes);
		SW_ARRAY_RELEASE(&log->waits);
		SW_ARRAY_RELEASE(&log->messages);
		SW_ARRAY_RELEASE(&log->frames);
		SW_ARRAY_RELEASE(&log->entry_waits);
		free(log);
	}
	strace_rights_release(strace);
	objects_release(&strace->objects);
	free(strace->epoll_entries);
	free(strace);
}

void sw_strace_set_pins(struct sw_strace *strace, const struct sw_strace_pin *pins, size_t count)
{
	strace->pins = pins;
	strace->pin_count = count;
}

void sw_strace_set_raw(struct sw_strace *strace)
{
	strace->raw = true;
}

void sw_strace_set_offset(struct sw_strace *strace, int64_t offset_ns, int64_t drift, int64_t since_ns)
{
	strace->offset_ns = offset_ns;
	strace->drift = drift;
	strace->since_ns = since_ns;
}

struct sw_strace_log *sw_strace_open(struct sw_strace *strace, uint32_t pid)
{
	struct sw_strace_log *log = sw_alloc(sizeof *log);

	log->strace = strace;
	log->pid = pid;
	log->summary.first_ns = log->summary.last_ns = SW_TIME_NONE;
	log->next = strace->logs;
	strace->logs = log;
	return log;
}

void text_set(struct text *text, struct span span)
{
	text->length = 0;
	text_add(text, span);
}

void text_add(struct text *text, struct span span)
{
	size_t length = span_length(span);

	if (length > TEXT_MAX - text->length)
		length = TEXT_MAX - text->length;
	if (text->length + length > text->room) {
		text->room = (text->length + length) * 2;
		text->bytes = sw_realloc(text->bytes, text->room);
	}
	if (length)
		memmove(text->bytes + text->length, span.at, length); /* it may be a part of the same text */
	text->length += length;
}

struct span text_span(const struct text *text)
{
	return text->length ? (struct span){text->bytes, text->bytes + text->length} : (struct span){"", ""};
}

/* ---- calls by name -------------------------------------------------------------------------------------------- */

static struct known_name {
	char name[24];
	uint8_t length;
	uint8_t sys;
} known_names[256];

static unsigned name_place(const char *name, size_t length)
{
	return ((unsigned char)name[0] * 31u + (unsigned char)name[length - 1] * 7u +
		(unsigned char)name[length / 2] * 3u + (unsigned)length) &
	       255u;
}

/* A cache in front of the table: the names of a log are few. */
static enum sw_sys sys_of(struct span name)
{
	size_t length = span_length(name);
	struct known_name *known;

	if (length == 0 || length >= sizeof known->name)
		return SW_SYS_NONE;
	known = &known_names[name_place(name.at, length)];
	if (known->length != length || memcmp(known->name, name.at, length) != 0) {
		memcpy(known->name, name.at, length);
		known->length = (uint8_t)length;
		known->sys = (uint8_t)sw_sys_by_name(name.at, length);
	}
	return (enum sw_sys)known->sys;
}

static bool name_is(struct span name, const char *word)
{
	return span_length(name) == strlen(word) && memcmp(name.at, word, span_length(name)) == 0;
}

static bool makes_process(struct span name)
{
	return name_is(name, "clone") || name_is(name, "clone3") || name_is(name, "fork") || name_is(name, "vfork");
}

/* Calls outside the table that make a descriptor which is no socket: what it was before is closed. */
static bool makes_file(struct span name)
{
	static const char *const names[] = {
		"openat",         "open",         "creat",         "eventfd2",      "eventfd",
		"timerfd_create", "memfd_create", "inotify_init1", "openat2",       "signalfd4",
		"pidfd_open",     "inotify_init", "userfaultfd",   "fanotify_init", "open_by_handle_at"};

	for (size_t i = 0; i < SW_COUNT(names); i++)
		if (name_is(name, names[i]))
			return true;
	return false;
}

static uint64_t clone_flags(struct span name, struct span arguments)
{
	if (name_is(name, "fork"))
		return 0;
	if (name_is(name, "vfork"))
		return 0;
	return scan_flags(SW_CONSTANTS_CLONE, span_after(arguments, "flags="));
}

static void other_call(struct sw_strace_log *log, struct thread *thread, struct span name, struct span arguments,
		       struct span result)
{
	struct sw_strace *strace = log->strace;
	int64_t number;

	if (span_empty(result) || !scan_number(result, &number) || number < 0)
		return;
	if (makes_process(name)) {
		if (number > 0 && number <= UINT32_MAX)
			strace_thread_made(strace, thread, (uint32_t)number, clone_flags(name, arguments),
					   strace_when(log));
	} else if (name_is(name, "execve") || name_is(name, "execveat")) {
		strace_thread_exec(strace, thread, arguments, strace_when(log));
	} else if (makes_file(name) && number <= INT32_MAX) {
		descriptors_set(&strace->objects, thread->descriptors, (int32_t)number, &no_object);
	}
}

/* ---- kinds of lines ------------------------------------------------------------------------------------------- */

static void unread(struct sw_strace_log *log, struct span bytes, int64_t number)
{
	struct sw_strace_summary *summary = &log->summary;
	size_t length = span_length(bytes) < sizeof summary->unread_text ? span_length(bytes) :
									   sizeof summary->unread_text - 1;

	if (summary->unread == 0) {
		memcpy(summary->unread_text, bytes.at, length);
		for (size_t i = 0; i < length; i++)
			if (!isprint((unsigned char)summary->unread_text[i]))
				summary->unread_text[i] = '?';
	}
	if (summary->unread < SW_STRACE_UNREAD_SHOWN)
		summary->unread_lines[summary->unread] = number;
	summary->unread++;
}

static void note_outcome(struct sw_strace_summary *summary, const struct line *line)
{
	bool failed;

	if (line->kind != LINE_CALL || span_empty(line->result))
		return;
	failed = *line->result.at == '-' || *line->result.at == '?';
	summary->failed += failed;
	summary->succeeded += !failed;
	if (failed && !summary->in_progress)
		summary->in_progress = memmem(line->result.at, span_length(line->result), "EINPROGRESS", 11);
	summary->executed |= !failed && name_is(line->name, "execve");
}

static void call_line(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	enum sw_sys sys = sys_of(line->name);

	log->summary.named |= UINT64_C(1) << sys;
	if (sys == SW_SYS_POLL || sys == SW_SYS_PPOLL)
		log->summary.waits_cut |= SPAN_STARTS(line->arguments, "[...]");
	note_outcome(&log->summary, line);
	if (sys == SW_SYS_READ && !log->summary.loaded && line->part_count > 1)
		log->summary.loaded = SPAN_STARTS(line->parts[1], "\"\\177ELF") ||
				      SPAN_STARTS(line->parts[1], "\"\\x7f\\x45\\x4c\\x46");
	if (thread->pending == PENDING_RESTART && sys != SW_SYS_NONE) {
		if (strace_call_restarts(log, thread, sys, line))
			return;
		strace_call_interrupted(log, thread);
	}
	if (line->kind == LINE_UNFINISHED)
		strace_call_begin(log, thread, sys, line);
	else if (sys == SW_SYS_NONE)
		other_call(log, thread, line->name, line->arguments, line->result);
	else
		strace_call_complete(log, thread, sys, line);
	strace_sandbox(log, thread, sys, line);
}

static void resumed_line(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	/* What began before the log did cannot be told. */
	if (thread->pending != PENDING_UNFINISHED)
		return;
	strace_call_resume(log, thread, line);
	if (thread->sys == SW_SYS_NONE)
		other_call(log, thread, text_span(&thread->name), text_span(&thread->arguments), line->result);
}

/* ---- one line after the other --------------------------------------------------------------------------------- */

static void joined_line(struct sw_strace_log *log, struct span bytes)
{
	struct thread *thread = log->open;
	struct line line = {.duration_ns = -1};

	log->open = NULL;
	thread->pending = PENDING_NONE;
	text_add(&thread->arguments, bytes);
	line_parse_body(text_span(&thread->arguments), &line);
	if (line.kind == LINE_CALL)
		call_line(log, thread, &line);
	else
		unread(log, text_span(&thread->arguments), log->summary.lines);
}

/* Its rest will not come. */
static void abandon_open(struct sw_strace_log *log)
{
	if (!log->open)
		return;
	unread(log, text_span(&log->open->arguments), log->open_line);
	log->open->pending = PENDING_NONE;
	log->open = NULL;
}

/* A line that has no end: the program's own output broke it, or the log ends here. Its rest may come. */
static void open_line(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	abandon_open(log);
	log->open = thread;
	log->open_line = log->summary.lines;
	thread->pending = PENDING_OPEN;
	/* "name(arguments" as it stands, to be joined with its rest. */
	text_set(&thread->arguments, (struct span){line->name.at, line->arguments.end});
}

static void act(struct sw_strace_log *log, struct thread *thread, const struct line *line)
{
	switch (line->kind) {
	case LINE_CALL:
	case LINE_UNFINISHED: call_line(log, thread, line); break;
	case LINE_RESUMED: resumed_line(log, thread, line); break;
	case LINE_SIGNAL: strace_mark_signal(log, thread, line); break;
	case LINE_EXITED:
	case LINE_KILLED: strace_mark_end(log, thread, line); break;
	case LINE_SUPERSEDED: strace_thread_superseded(log->strace, (uint32_t)line->number); break;
	default: break;
	}
}

static void note_features(struct sw_strace_log *log, const struct line *line)
{
	log->summary.durations |= line->duration_ns >= 0;
	/* Looking for them costs; they show early or never. */
	if (!log->summary.addresses && line->kind == LINE_CALL && log->summary.calls < 1000)
		log->summary.addresses = memmem(line->arguments.at, span_length(line->arguments), "<socket:[", 9) ||
					 memmem(line->arguments.at, span_length(line->arguments), "<TCP", 4) ||
					 memmem(line->arguments.at, span_length(line->arguments), "<UDP", 4);
}

static bool recover(struct span bytes, struct line *line)
{
	/* A program's output without a newline stands before the line. */
	const char *found = memmem(bytes.at, span_length(bytes), "[pid ", 5);

	if (!found || found == bytes.at)
		return false;
	line_parse((struct span){found, bytes.end}, line);
	return line->kind != LINE_UNREAD && line->kind != LINE_EMPTY;
}

static void read_line(struct sw_strace_log *log, struct span bytes)
{
	struct line line;
	struct thread *thread;

	log->summary.lines++;
	line_parse(bytes, &line);
	if (line.kind == LINE_UNREAD && !recover(bytes, &line)) {
		unread(log, bytes, log->summary.lines);
		return;
	}
	if (line.kind == LINE_STACK) {
		strace_mark_stack(log, line.arguments);
		return;
	}
	if (line.kind == LINE_REST && !log->open) {
		unread(log, bytes, log->summary.lines);
		return;
	}
	strace_stamp(log, &line);
	if (line.kind == LINE_EMPTY || line.kind == LINE_ATTACHED)
		return;
	if (log->holds)
		strace_flush_held(log, strace_when(log));
	if (line.kind == LINE_REST) {
		joined_line(log, bytes);
		return;
	}
	thread = strace_thread(log->strace, strace_who(log, &line), strace_when(log));
	if (line.kind == LINE_OPEN) {
		open_line(log, thread, &line);
		return;
	}
	if (log->open == thread)
		abandon_open(log);
	note_features(log, &line);
	act(log, thread, &line);
	strace_stamp_spend(log, &line);
}

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

static void end_of_line(struct sw_strace_log *log, struct span span)
{
	if (log->overlong) {
		log->overlong = false;
		return;
	}
	if (log->partial.length) {
		text_add(&log->partial, span);
		span = text_span(&log->partial);
	}
	read_line(log, span);
	log->partial.length = 0;
}

void sw_strace_feed(struct sw_strace_log *log, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

		if (!newline)
			break;
		end_of_line(log, (struct span){bytes, newline});
		bytes = newline + 1;
	}
	if (bytes == end || log->overlong)
		return;
	text_add(&log->partial, (struct span){bytes, end});
	if (log->partial.length >= TEXT_MAX) {
		log->summary.lines++;
		unread(log, text_span(&log->partial), log->summary.lines);
		log->partial.length = 0;
		log->overlong = true;
	}
}

static void enter_open(struct sw_strace_log *log)
{
	struct thread *thread = log->open;
	struct line line = {.duration_ns = -1};
	struct span body = text_span(&thread->arguments), name;
	const char *bracket = memchr(body.at, '(', span_length(body));

	unread(log, body, log->open_line);
	log->open = NULL;
	if (!bracket)
		return;
	name = (struct span){body.at, bracket};
	line.name = name;
	line.arguments = (struct span){bracket + 1, body.end};
	line.kind = LINE_UNFINISHED;
	if (sys_of(name) != SW_SYS_NONE)
		strace_call_begin(log, thread, sys_of(name), &line);
}

void sw_strace_end(struct sw_strace_log *log)
{
	if (log->ended)
		return;
	if (log->partial.length)
		end_of_line(log, (struct span){"", ""});
	strace_flush_held(log, strace_when(log));
	if (log->open && log->open->descriptors)
		enter_open(log);
	abandon_open(log);
	strace_threads_said(log->strace, strace_when(log));
	log->ended = true;
}

int64_t sw_strace_complete_until(const struct sw_strace_log *log)
{
	if (log->ended)
		return INT64_MAX;
	if (log->holds && log->held.enter_ns < strace_when(log))
		return log->held.enter_ns - LOOSENESS_NS;
	return log->stamped || log->summary.lines ? strace_when(log) - LOOSENESS_NS : INT64_MIN;
}

void sw_strace_summary(const struct sw_strace_log *log, struct sw_strace_summary *summary)
{
	*summary = log->summary;
}

/* ---- what it is ----------------------------------------------------------------------------------------------- */

bool sw_strace_recognise(const char *bytes, size_t length)
{
	const char *end = bytes + length;
	int good = 0, bad = 0;

	for (int i = 0; i < 64 && bytes < end; i++) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		struct line line;

		line_parse((struct span){bytes, newline ? newline : end}, &line);
		good += line.kind != LINE_UNREAD && line.kind != LINE_EMPTY && line.kind != LINE_STACK &&
			line.kind != LINE_OPEN;
		bad += line.kind == LINE_UNREAD || line.kind == LINE_OPEN;
		if (!newline)
			break;
		bytes = newline + 1;
	}
	return good > 0 && good * 4 >= bad;
}
