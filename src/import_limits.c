/* What files could not show. See import_limits.h. */
#include "src/import_limits.h"

#include "src/base/mem.h"

struct say {
	const struct sw_limits_of_import *of;
	void (*take)(void *context, const struct sw_limit *limit);
	void *context;
};

static void limit(const struct say *say, const char *what, const char *costs)
{
	say->take(say->context, &(struct sw_limit){what, costs});
}

static void log_limits(const struct say *say, const struct sw_import_input *input)
{
	const struct sw_strace_summary *summary = &input->summary;
	sw_auto_free char *what = NULL;

	if (summary->unread) {
		what = sw_format("%s: %lld line%s could not be read, the first is line %lld: %s", input->path,
				 (long long)summary->unread, summary->unread == 1 ? "" : "s",
				 (long long)summary->unread_lines[0],
				 say->of->anonymous ? "(not shown)" : summary->unread_text);
		limit(say, what, "what stood there is not known");
	}
	if (summary->clock == SW_STRACE_CLOCK_NONE)
		limit(say, "the log has no time stamps (strace -ttt)",
		      "no duration, and calls cannot be held against packets");
	else if (summary->clock == SW_STRACE_CLOCK_TIME_OF_DAY && summary->resolution_ns == SW_NS_PER_S)
		limit(say, "the log's stamps are whole seconds (strace -ttt)",
		      "the order of calls and packets within a second is not known, nor a delay below it that "
		      "repeats (Nagle's algorithm, round trips)");
	if (!summary->durations)
		limit(say, "the log has no durations (strace -T)", "how long a call took is known only from above");
}

static bool trace_set_limit(const struct say *say, const struct sw_trace_set *set)
{
	sw_auto_free char *what = sw_trace_set_lacks(set);

	if (what)
		limit(say, what,
		      "what went through them is not known; strace -f -ttt -T -yy without -e, or with -e "
		      "trace=%network,%desc, has them");
	return what;
}

static void clock_limits(const struct say *say)
{
	const struct sw_alignment *alignment = say->of->alignment;
	sw_auto_free char *what = NULL;

	if (alignment->aligned != SW_ALIGNED_FAILED)
		return;
	what = sw_format(
		"the clocks of log and capture could not be matched: %lld of %lld calls have a packet at one offset (--clock-offset)",
		(long long)alignment->pairs, (long long)alignment->asked);
	limit(say, what, "no verdict rests on calls and packets together");
}

static void capture_limits(const struct say *say, const struct sw_import_input *input)
{
	sw_auto_free char *what = NULL;

	if (input->undecoded) {
		what = sw_format("%s: %u of %lld packets have a link type that is not read", input->path,
				 input->undecoded, (long long)input->records);
		limit(say, what, "they were left out; a capture on the host itself (tcpdump -i any) has one that is");
	} else if (!input->records && !input->text[0]) {
		what = sw_format("%s: holds no packets", input->path);
		limit(say, what, "nothing crossed its interfaces, or nothing that its filter kept");
	}
}

static void input_limits(const struct say *say, struct sw_trace_set *set)
{
	const struct sw_incident_session *session = sw_import_session(say->of->import);
	const struct sw_import_input *inputs;
	size_t count;

	if (session && !session->complete)
		limit(say, "the recording was never finished: its recorder was killed, or is still at work",
		      "what came after its last 100 ms is not known");
	inputs = sw_import_inputs(say->of->import, &count);
	for (size_t i = 0; i < count; i++) {
		sw_auto_free char *what = NULL;

		if (inputs[i].type == SW_IMPORT_STRACE) {
			log_limits(say, &inputs[i]);
			sw_trace_set_add(set, &inputs[i].summary);
		}
		if (inputs[i].type == SW_IMPORT_CAPTURE)
			capture_limits(say, &inputs[i]);
		if (!inputs[i].text[0])
			continue;
		what = sw_format("%s: %s", inputs[i].path, inputs[i].text);
		limit(say, what, "what stands behind that was not read");
	}
}

static void side_limits(const struct say *say)
{
	if (say->of->how->packets_missing)
		limit(say, "no capture was given",
		      "verdicts rest on the calls alone; a capture (tcpdump -i any -w FILE) would show what answered");
	if (say->of->how->calls_missing)
		limit(say, "no log of calls was given",
		      "what is told is what the packets show of whoever asked; which call failed, with which error, of which "
		      "process, and what failed without a packet, a log would tell (strace -f -ttt -T -yy -o FILE)");
	if (say->of->how->calls_missing && !say->of->hosts_given)
		limit(say, "whose side the capture is seen from was not said (--host ADDRESS)",
		      "it is taken from the packets");
}

bool sw_import_limits(const struct sw_limits_of_import *of, struct sw_trace_set *set,
		      void (*take)(void *context, const struct sw_limit *limit), void *context)
{
	const struct say say = {of, take, context};

	side_limits(&say);
	clock_limits(&say);
	input_limits(&say, set);
	return trace_set_limit(&say, set);
}
