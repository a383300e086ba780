/* Sentences that the readers' reports share. Enters: the report. Leaves: one phrase each. Knows no format. */
#include "src/report/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/headline.h"
#include "src/report/report.h"

#define PARTS_LEAST_NS (100 * SW_NS_PER_MS)
#define PART_LEAST_SHARE 20 /* a part of the time below one in so many is not worth a word */

char *sw_joined_text(const struct sw_texts *texts, const char *between, const char *after)
{
	char *all = NULL;

	for (size_t i = 0; i < texts->count; i++) {
		char *longer = sw_format("%s%s%s", all ? all : "",
					 i == 0 ? "" :
					 i == 1 ? between :
						  after,
					 texts->items[i]);

		free(all);
		all = longer;
	}
	return all;
}

static void grow(char **text, const char *title, const char *reason)
{
	char *longer = sw_format("%s%s%s%s%s%s", *text ? *text : "", *text ? "; " : "", title, reason ? " (" : "",
				 reason ? reason : "", reason ? ")" : "");

	free(*text);
	*text = longer;
}

char *sw_ruled_out_text(const struct sw_finding *finding)
{
	char *text = NULL;

	for (size_t i = 0; i < finding->ruled_out_count; i++) {
		const struct sw_alternative *other = &finding->ruled_out[i];

		grow(&text, other->title ? other->title : other->verdict, other->because);
	}
	return text;
}

char *sw_alternatives_text(const struct sw_finding *finding)
{
	char *text = NULL;

	for (size_t i = 0; i < finding->alternative_count; i++)
		grow(&text, finding->alternatives[i].verdict, sw_confidence_name(finding->alternatives[i].confidence));
	return text;
}

const char *sw_origin_text(const struct sw_flow_summary *flow)
{
	/* Who typed the address knows where it came from. */
	return flow->name_source == SW_NAME_ARGUMENT ? NULL : flow->origin.text;
}

char *sw_deadline_text(const struct sw_deadline *deadline)
{
	sw_auto_free char *kernel = NULL, *count = NULL;
	char value[32], would[32];

	if (!deadline->present)
		return NULL;
	bool own = deadline->whose && strcmp(deadline->whose, "kernel") == 0;

	if (deadline->kernel_would_ns > 0 && !own)
		kernel = sw_format("; the kernel would have given up after %s",
				   sw_duration_text(deadline->kernel_would_ns, would));
	if (!deadline->what || strcmp(deadline->what, "not-visible") == 0)
		return sw_format("one of the application's that no call shows%s", kernel ? kernel : "");
	if (strcmp(deadline->what, "SIGALRM") == 0)
		return sw_format("the application's alarm (SIGALRM)%s", kernel ? kernel : "");
	if (strncmp(deadline->what, "SIG", 3) == 0)
		return sw_format("none of the program's: %s ended it%s", deadline->what, kernel ? kernel : "");
	if (deadline->count >= 0)
		count = sw_format(" (%lld tries)", (long long)deadline->count);
	return sw_format("%s of the %s%s%s%s%s", deadline->what, deadline->whose ? deadline->whose : "application",
			 count ? count : "", deadline->value_ns > 0 ? ", " : "",
			 deadline->value_ns > 0 ? sw_duration_text(deadline->value_ns, value) : "",
			 kernel ? kernel : "");
}

/* The parts add up to the whole but for what passed before the session came: nobody watched that. */
static char *with_rest(char *text, int64_t rest_ns)
{
	char duration[32];

	if (!text || rest_ns < PARTS_LEAST_NS)
		return text;
	char *longer =
		sw_format("%s; %s before the attach, not known where", text, sw_duration_text(rest_ns, duration));

	free(text);
	return longer;
}

const char *sw_part_text(enum sw_part part)
{
	static const char *const texts[] = {
		[SW_PART_DATA_WAITING] = "unread here",
		[SW_PART_RECEIVER_WINDOW] = "peer's window",
		[SW_PART_NAGLE] = "Nagle",
		[SW_PART_SEND_BUFFER] = "send buffer",
		[SW_PART_LOSS] = "lost packets",
		[SW_PART_ROUND_TRIP] = "round trips",
		[SW_PART_PEER_APPLICATION] = "peer's turn",
		[SW_PART_APPLICATION] = "this program",
	};

	return (size_t)part < SW_COUNT(texts) ? texts[part] : "?";
}

char *sw_parts_text(const struct sw_symptom *symptom)
{
	char *text = NULL;
	bool shown[SW_PART_COUNT] = {0};
	int64_t total = 0;
	char duration[32];

	for (int part = 0; part < SW_PART_COUNT; part++)
		total += symptom->time_ns[part];
	if (total < PARTS_LEAST_NS && symptom->outcome != SW_OUTCOME_SLOW)
		return NULL; /* what failed at once did not take its time anywhere */
	for (;;) {
		int largest = -1;

		for (int part = 0; part < SW_PART_COUNT; part++)
			if (!shown[part] && symptom->time_ns[part] > total / PART_LEAST_SHARE &&
			    (largest < 0 || symptom->time_ns[part] > symptom->time_ns[largest]))
				largest = part;
		if (largest < 0)
			break;
		shown[largest] = true;

		char *longer = sw_format("%s%s%s %s", text ? text : "", text ? ", " : "",
					 sw_duration_text(symptom->time_ns[largest], duration),
					 sw_part_text((enum sw_part)largest));

		free(text);
		text = longer;
	}
	return with_rest(text, symptom->duration_ns - total);
}

char *sw_lost_text(const struct sw_report_context *context, const struct sw_finding *finding)
{
	char when[48];

	if (finding->lost_calls == 0 && finding->lost_bytes == 0)
		return NULL;
	if (finding->lost_calls == 0)
		return sw_format("since %s, %" PRId64 " byte%s that were written never arrived",
				 sw_when_text(context, finding->began_ns, when), finding->lost_bytes,
				 finding->lost_bytes == 1 ? "" : "s");
	return sw_format("since %s, %u call%s said success and %" PRId64 " bytes never arrived",
			 sw_when_text(context, finding->began_ns, when), finding->lost_calls,
			 finding->lost_calls == 1 ? "" : "s", finding->lost_bytes);
}

char *sw_recovered_text(const struct sw_report_context *context, const struct sw_finding *finding)
{
	char when[48];

	if (finding->recovered_ns == SW_TIME_NONE)
		return NULL;
	return sw_format("%s%s%s", sw_when_text(context, finding->recovered_ns, when),
			 finding->recovered_by ? ": " : "", finding->recovered_by ? finding->recovered_by : "");
}

char *sw_said_live_text(const struct sw_report_context *context, const struct sw_finding *finding)
{
	char when[48];

	if (!finding->said_verdict || finding->said_severity == SW_SEVERITY_NOTE)
		return NULL;
	return sw_format("at %s it was said to be %s (%s); what came after that decided otherwise",
			 sw_when_text(context, finding->said_ns, when), finding->said_verdict,
			 sw_severity_name(finding->said_severity));
}

const char *sw_severity_label(enum sw_severity severity)
{
	return severity == SW_SEVERITY_FAILURE ? "FAILED" : severity == SW_SEVERITY_SLOW ? "SLOW" : "note";
}

const char *sw_cause_text(const struct sw_finding *finding)
{
	const char *cause = finding->cause ? finding->cause : finding->title ? finding->title : finding->summary;

	return cause ? cause : "not known";
}

char *sw_record_number_text(enum sw_evidence_kind kind, uint32_t number, uint16_t input)
{
	if (kind != SW_EVIDENCE_PACKET || number == 0)
		return NULL;
	return input ? sw_format("%u#%u", input, number) : sw_format("#%u", number);
}

const char *sw_place_text(const char *where)
{
	if (!where || strcmp(where, "here") == 0)
		return "here";
	if (strcmp(where, "peer") == 0)
		return "on the peer";
	if (strcmp(where, "path") == 0)
		return "on the path";
	return strcmp(where, "resolver") == 0 ? "on the resolver" : where;
}

int64_t sw_evidence_moment(const struct sw_evidence *evidence, int64_t last)
{
	bool behind = evidence->kind == SW_EVIDENCE_CALL && evidence->time_ns != SW_TIME_NONE &&
		      evidence->time_ns < last && evidence->exit_ns > evidence->time_ns;

	return behind ? evidence->exit_ns : evidence->time_ns;
}

const char *sw_relative_text(int64_t ns, int64_t base, char *buffer)
{
	if (ns == SW_TIME_NONE || base == SW_TIME_NONE)
		return strcpy(buffer, "?");
	int64_t us = (ns - base) / SW_NS_PER_US;

	snprintf(buffer, 48, "%s%" PRId64 ".%06" PRId64, us < 0 ? "-" : "", us < 0 ? -us / 1000000 : us / 1000000,
		 us < 0 ? -us % 1000000 : us % 1000000);
	return buffer;
}

bool sw_frame_is_script(const struct sw_frame *frame)
{
	const char *dot = strrchr(frame->object, '.');

	return strncmp(frame->object, "perf-", 5) == 0 && dot && strcmp(dot, ".map") == 0;
}

const char *sw_stack_note(const struct sw_symptom *symptom)
{
	/* To add an interpreter: how its library or program is called, and what makes it write /tmp/perf-PID.map. */
	static const struct {
		const char *object, *note;
	} interpreters[] = {
		{"python3", "Python's own functions show under python3 -X perf, from 3.12 on"},
		{"libpython3", "Python's own functions show under python3 -X perf, from 3.12 on"},
		{"node", "JavaScript's own functions show under node --perf-basic-prof"},
		{"libjvm", "Java's own methods show after jcmd PID Compiler.perfmap, from 17 on"},
	};
	const char *note = NULL;

	for (uint32_t i = 0; i < symptom->stack_count; i++) {
		if (sw_frame_is_script(&symptom->stack[i]))
			return NULL;
		for (size_t j = 0; j < SW_COUNT(interpreters) && !note; j++)
			if (!strncmp(symptom->stack[i].object, interpreters[j].object, strlen(interpreters[j].object)))
				note = interpreters[j].note;
	}
	return note;
}

char *sw_frame_text(const struct sw_frame *frame)
{
	const char *name = frame->function[0] ? frame->function : frame->object;

	if (frame->function[0] && frame->file[0] && frame->line)
		return sw_format("%s (%s:%u)", frame->function, frame->file, frame->line);
	if (frame->function[0] && frame->file[0])
		return sw_format("%s (%s)", frame->function, frame->file);
	if (name[0])
		return sw_format("%s+0x%" PRIx64, name, frame->offset);
	return sw_format("0x%" PRIx64, frame->address);
}

/* "curl exited 7"; NULL where there is no command or its end is not known. */
static char *exit_text(const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	const struct sw_report_target *target = &context->target;
	const char *command = target->command_count > 0 ? target->command[0] : NULL;
	const char *slash = command ? strrchr(command, '/') : NULL;
	const char *name = slash && slash[1] ? slash + 1 : command;

	if (!name || !report->exit_known)
		return NULL;
	if (report->exit_signal)
		return sw_format("%s was killed by %s", name, sw_signal_name(report->exit_signal));
	return sw_format("%s exited %d", name, report->exit_code);
}

/* Why a clean run is clean, in few words. */
static char *why_clean(const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	char slow[32], calls[64], sockets[64];
	bool failed = report->exit_known && (report->exit_code != 0 || report->exit_signal != 0);

	if (report->sockets == 0 && report->packets == 0)
		return sw_strdup("it made no network calls");
	return sw_format("%s on %s; nothing failed, hung or took over %s%s",
			 sw_count_text(report->calls, "call", calls), sw_count_text(report->sockets, "socket", sockets),
			 sw_duration_text(context->slow_ns, slow),
			 failed && report->complete ? ": the reason lies elsewhere" : "");
}

static char *why_blind(const struct sw_report_context *context)
{
	const struct sw_report *report = context->report;
	const char *what = context->target.mode == SW_MODE_EXPLAIN ? "a log" : "the calls";
	char packets[64];

	if (report->calls == 0 && report->packets > 0)
		return sw_format(
			"%s and no calls: none of them shows that anything failed, hung or was slow, and %s may",
			sw_count_text(report->packets, "packet", packets), what);
	return sw_strdup("no failure was seen, but not enough was seen to call it clean");
}

char *sw_clean_text(const struct sw_report_context *context)
{
	bool blind = sw_report_status(context->report) == SW_STATUS_BLIND;
	sw_auto_free char *why = blind ? why_blind(context) : why_clean(context);
	sw_auto_free char *end = exit_text(context);

	return sw_format("%s%s%s", end ? end : "", end ? "; " : "", why);
}

struct captured { /* all captures together */
	bool available, drops_unknown;
	int64_t seen, kept, dropped, overruns;
	const char *interfaces, *why_not;
};

static struct captured sum_up(const struct sw_report *report)
{
	struct captured sum = {0};

	for (size_t i = 0; i < report->status_count; i++) {
		const struct sw_capture_status *status = &report->statuses[i];

		if (status->place)
			continue;
		if (!status->available) {
			sum.why_not = sum.why_not ? sum.why_not : status->why_not;
			continue;
		}
		sum.available = true;
		sum.seen += status->seen;
		sum.kept += status->kept;
		sum.overruns += status->overruns;
		sum.drops_unknown |= status->dropped < 0;
		sum.dropped += status->dropped > 0 ? status->dropped : 0;
		if (sum.interfaces && status->interfaces && strcmp(sum.interfaces, status->interfaces) != 0)
			sum.interfaces = "several interfaces";
		else
			sum.interfaces = status->interfaces;
	}
	return sum;
}

/* The reason without what to do about it, which stands among the limits. */
static int length_of_reason(const char *why_not)
{
	const char *colon = why_not ? strstr(why_not, ": ") : NULL;

	return colon ? (int)(colon - why_not) : why_not ? (int)strlen(why_not) : 0;
}

/* Whether absence counts, and if not, why. */
static char *absence_text(const struct sw_report *report, const struct captured *sum)
{
	if (report->complete)
		return sw_strdup("capture open before the first call: what is missing was not there");
	if (sum->dropped > 0)
		return sw_strdup("packets were dropped: that one is missing proves nothing");
	if (sum->overruns > 0)
		return sw_format("%" PRId64 " were forgotten undecided: that one is missing proves nothing",
				 sum->overruns);
	if (sum->why_not)
		return sw_format("not everywhere (%.*s): that a packet is missing proves nothing",
				 length_of_reason(sum->why_not), sum->why_not);
	return sw_strdup("capture not complete: that a packet is missing proves nothing");
}

/* "; also at eth0: 3 of 20 packets, 0 dropped"; "" without further places. */
static char *also_text(const struct sw_report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < report->status_count; i++) {
		const struct sw_capture_status *status = &report->statuses[i];

		if (!status->place || !status->available)
			continue;
		fprintf(out, "; also at %s: %" PRId64 " of %" PRId64 " packets",
			status->interfaces ? status->interfaces : "a further place", status->kept, status->seen);
		if (status->dropped >= 0)
			fprintf(out, ", %" PRId64 " dropped", status->dropped + status->overruns);
	}
	fclose(out);
	return text;
}

char *sw_watched_text(const struct sw_report *report)
{
	struct captured sum = sum_up(report);
	sw_auto_free char *absence = absence_text(report, &sum), *also = also_text(report);
	char sockets[64], calls[64], drops[64];

	sw_count_text(report->sockets, "socket", sockets);
	sw_count_text(report->calls, "call", calls);
	if (report->calls == 0 && report->sockets == 0 && report->packets > 0)
		strcpy(sockets, "packets alone");
	snprintf(drops, sizeof drops, "%" PRId64 " dropped", sum.dropped);
	if (!sum.available && report->sockets == 0 && report->packets == 0 && !sum.why_not)
		return sw_strdup("no socket was made or used: no capture was opened");
	if (!sum.available && report->status_count == 0 && report->complete)
		return sw_format("watched %s, %s, none of it on a network: no capture was opened", sockets, calls);
	if (!sum.available)
		return sw_format("watched %s, %s; no packets%s%.*s%s: that a packet is missing proves nothing", sockets,
				 calls, sum.why_not ? " (" : "", length_of_reason(sum.why_not),
				 sum.why_not ? sum.why_not : "", sum.why_not ? ")" : "");
	return sw_format("watched %s; %" PRId64 " of %" PRId64 " packets kept, %s%s%s, %s%s", sockets, sum.kept,
			 sum.seen, sum.drops_unknown ? "drops not known" : drops,
			 sum.interfaces && sum.interfaces[0] ? ", " : "",
			 !sum.interfaces                    ? "" :
			 strcmp(sum.interfaces, "any") == 0 ? "all interfaces" :
							      sum.interfaces,
			 absence, also);
}
