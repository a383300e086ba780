/* What strace's text says of a Landlock sandbox: the call that puts it in force, or, in a log of network calls and close alone, the end
 * of the descriptor that its rules were made with.
 *
 * Enters: a whole line. Leaves: a fact of the kind `sandbox`, one a thread. landlock(7): what it made is in force for this process and
 * all that it starts, and denies TCP since Linux 6.7. */
#include "tracer/kernel/probe_fact.h"
#include "tracer/strace/strace_calls.h"

static bool names_ruleset(struct span span)
{
	struct span note;
	int32_t fd;

	return scan_fd(span, &fd, &note) && SPAN_STARTS(note, "anon_inode:[landlock-ruleset]");
}

void strace_sandbox(struct sw_strace_log *log, struct thread *thread, enum sw_sys sys, const struct line *line)
{
	const struct sw_trace_sink *sink = log->strace->sink;
	bool in_force = sys == SW_SYS_NONE && SPAN_STARTS(line->name, "landlock_restrict_self");
	struct sw_fact_draft draft;

	if (thread->sandboxed || !sink->fact || !SPAN_STARTS(line->result, "0") ||
	    !(in_force || (sys == SW_SYS_CLOSE && names_ruleset(line->arguments))))
		return;
	thread->sandboxed = true;
	sw_fact_begin(&draft, "sandbox");
	sw_fact_add_text(&draft, "by", "landlock");
	draft.fact.id = ++log->strace->last_fact;
	draft.fact.pid = thread->pid;
	draft.fact.tid = thread->tid;
	draft.fact.time_ns = strace_when(log);
	sink->fact(sink->context, sw_fact_of(&draft));
}
