/* What the program says on standard error, in strace's text: write(2, "...", 5) and writev(2, [...], 2).
 *
 * Enters: such a call that ended well. Leaves: a fact of the kind `said`, as the live tracer makes them; strace shows the beginning of a
 * buffer (-s), so that the end may be missing. */
#include <string.h>
#include <unistd.h>

#include "tracer/kernel/probe_fact.h"
#include "tracer/strace/strace_state.h"

#define SAID_ROOM 1024u

static size_t add(struct span string, char *text, size_t length)
{
	char bytes[SAID_ROOM];
	size_t count = scan_string(string, bytes, sizeof bytes);

	for (size_t i = 0; i < count && length < SAID_ROOM; i++)
		if (bytes[i])
			text[length++] = bytes[i];
	string = span_trim(string);
	for (int dots = 0; dots < 3 && string.end - string.at > 3 && string.end[-1] == '.' && length < SAID_ROOM;
	     dots++)
		text[length++] = '.';
	return length;
}

static size_t add_vectors(struct span vectors, char *text)
{
	struct span list = scan_inside(vectors), element;
	size_t length = 0;

	while (scan_element(&list, &element)) {
		struct span inside = scan_inside(element), base = scan_field(inside, "iov_base");

		if (!span_empty(base) || scan_element(&inside, &base))
			length = add(base, text, length);
	}
	return length;
}

void strace_said(struct decode *decode)
{
	const struct sw_trace_sink *sink = decode->strace->sink;
	const struct sw_call *call = decode->call;
	struct span what = strace_argument(decode, 1);
	char text[SAID_ROOM + 1];
	size_t length;

	if (call->fd != STDERR_FILENO || !strace_ended_well(decode) || call->result <= 0 || !sink->fact ||
	    (call->sys != SW_SYS_WRITE && call->sys != SW_SYS_WRITEV))
		return;
	length = call->sys == SW_SYS_WRITE ? add(what, text, 0) : add_vectors(what, text);
	if (length > 3 && length < SAID_ROOM && memcmp(text + length - 3, "...", 3) == 0)
		text[length++] = '\n'; /* most often it stood in what was left out */
	text_add(&decode->thread->said, (struct span){text, text + length});
	/* Some programs write a line byte by byte: it is told as one, also because a piece shows nobody what it is a piece of. */
	if (length && (text[length - 1] == '\n' || decode->thread->said.length >= SAID_ROOM / 2))
		strace_said_flush(decode->strace, decode->thread, decode->now_ns);
}

void strace_said_flush(struct sw_strace *strace, struct thread *thread, int64_t now_ns)
{
	struct sw_fact_draft draft;
	struct text *said = &thread->said;
	static const char nul[1] = "";

	if (!said->length)
		return;
	text_add(said, (struct span){nul, nul + 1});
	sw_fact_begin(&draft, "said");
	sw_fact_add_text(&draft, "text", said->bytes);
	sw_fact_add_number(&draft, "cut", 0);
	draft.fact.id = ++strace->last_fact;
	draft.fact.pid = thread->pid;
	draft.fact.tid = thread->tid;
	draft.fact.time_ns = now_ns;
	strace->sink->fact(strace->sink->context, sw_fact_of(&draft));
	said->length = 0;
}
