/* See case_reader.h. Lines of records go to tracer/text/text.h, pkt lines to case_packet.c; both through the merge, in the order of
 * time, into the correlator. */
#include "tests/cases/case_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlate/rules/rules.h"
#include "src/base/mem.h"
#include "src/merge.h"
#include "tracer/text/text.h"

#define SEEN_BY_DEFAULT 1000 /* other traffic: a capture in which nothing at all was seen proves nothing */

#define CASE_PLACES 4

struct reading {
	struct sw_case *one;
	struct sw_text_state *state;
	struct sw_case_packets *packets;
	struct sw_merge *merge;
	struct sw_trace_sink trace;
	struct sw_packet_sink wire;
	struct sw_correlate *correlate;
	struct sw_correlate_options options;
	struct sw_capture_status status;
	struct sw_capture_status places[CASE_PLACES]; /* further ones, by number - 1 */
	char place_names[CASE_PLACES][16];
	size_t place_count;
	int64_t end_ns;
	bool judging; /* at each record, as a session does */
};

/* ---- from the merge into the correlator ------------------------------------------------------------------------- */

static void late(struct reading *reading, int64_t time_ns)
{
	if (time_ns != SW_TIME_NONE && time_ns > reading->end_ns)
		reading->end_ns = time_ns;
	if (reading->judging && time_ns != SW_TIME_NONE)
		sw_correlate_judge(reading->correlate, time_ns);
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	sw_correlate_socket(((struct reading *)context)->correlate, socket);
}

static void on_enter(void *context, const struct sw_call *call)
{
	sw_correlate_enter(((struct reading *)context)->correlate, call);
	late(context, call->enter_ns);
}

static void on_leave(void *context, const struct sw_call *call)
{
	sw_correlate_leave(((struct reading *)context)->correlate, call);
	late(context, call->exit_ns);
}

static void on_process(void *context, const struct sw_process *process)
{
	sw_correlate_process(((struct reading *)context)->correlate, process);
	late(context, process->time_ns);
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	sw_correlate_fact(((struct reading *)context)->correlate, fact);
	late(context, fact->time_ns);
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	sw_correlate_limit(((struct reading *)context)->correlate, limit);
}

static void on_packet(void *context, const struct sw_packet *packet)
{
	sw_correlate_packet(((struct reading *)context)->correlate, packet);
	late(context, packet->time_ns);
}

/* ---- lines of our own --------------------------------------------------------------------------------------------- */

static const char *behind(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == '\n' || !line[length]) ?
		       line + length :
		       NULL;
}

static void take_word(char *target, const char *text)
{
	snprintf(target, SW_CASE_WORD, "%s", text);
}

static void take_cites(struct sw_want *want, char *list)
{
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word && want->cite_count < SW_CASE_CITES_MAX;
	     word = strtok_r(NULL, ",", &rest))
		snprintf(want->cites[want->cite_count++], sizeof *want->cites, "%s", word);
}

static int want_word(struct sw_want *want, char *word, char **rest, struct sw_err *err)
{
	if (strncmp(word, "locus=", 6) == 0)
		take_word(want->locus, word + 6);
	else if (strncmp(word, "severity=", 9) == 0)
		take_word(want->severity, word + 9);
	else if (strncmp(word, "outcome=", 8) == 0)
		take_word(want->outcome, word + 8);
	else if (strncmp(word, "count=", 6) == 0)
		want->count = (uint32_t)strtoul(word + 6, NULL, 10);
	else if (strcmp(word, "cites") == 0 && (word = strtok_r(NULL, " \t\n", rest)))
		take_cites(want, word);
	else if (word && !*want->confidence)
		take_word(want->confidence, word);
	else
		return sw_err_set(err, -EINVAL, "want: unknown word '%s'", word ? word : "cites");
	return 0;
}

static int read_want(struct reading *reading, const char *text, bool negative, struct sw_err *err)
{
	sw_auto_free char *copy = sw_strdup(text);
	char *rest = NULL, *word = strtok_r(copy, " \t\n", &rest);
	struct sw_want *want = &reading->one->wants[reading->one->want_count];

	if (!word || reading->one->want_count == SW_CASE_WANTS_MAX)
		return sw_err_set(err, -EINVAL,
				  "want: expected CODE [CONFIDENCE] [locus= severity= count=] [cites N,N]");
	if (strcmp(word, "none") != 0 && !sw_rule_find(word))
		return sw_err_set(err, -EINVAL, "want: no verdict '%s'", word);
	reading->one->want_count++;
	want->negative = negative;
	take_word(want->verdict, word);
	while ((word = strtok_r(NULL, " \t\n", &rest)))
		if (want_word(want, word, &rest, err) < 0)
			return err->code;
	return 0;
}

/* status place NAME [dropped N | file]: the next further place of capture. */
static int read_place(struct reading *reading, const char *text, struct sw_err *err)
{
	size_t number = reading->place_count;
	char how[16] = "";
	int dropped = 0;

	if (number == CASE_PLACES ||
	    sscanf(text, " place %15s %15s %d", reading->place_names[number], how, &dropped) < 1)
		return sw_err_set(err, -EINVAL, "status: expected place NAME [dropped N | file]");
	struct sw_capture_status *status = &reading->places[number];
	*status = reading->status;
	status->place = (uint16_t)(number + 1);
	status->interfaces = reading->place_names[number];
	status->live = strcmp(how, "file") != 0;
	status->dropped = status->live ? dropped : -1;
	if (dropped)
		status->last_drop_ns = INT64_MAX;
	reading->place_count++;
	return 0;
}

/* status complete | status file | status none WHY | status dropped N */
static int read_status(struct reading *reading, const char *text, struct sw_err *err)
{
	struct sw_capture_status *status = &reading->status;

	text += strspn(text, " ");
	if (strncmp(text, "place ", 6) == 0)
		return read_place(reading, text, err);
	if (strncmp(text, "none", 4) == 0) {
		status->available = false;
		status->why_not = "no right to capture";
		reading->options.packets_missing = true;
	} else if (strncmp(text, "file", 4) == 0) {
		status->live = false;
		status->dropped = -1;
	} else if (strncmp(text, "dropped ", 8) == 0) {
		status->dropped = strtoll(text + 8, NULL, 10);
		status->last_drop_ns = INT64_MAX;
	} else if (strncmp(text, "complete", 8) != 0) {
		return sw_err_set(err, -EINVAL, "status: expected complete, file, none or dropped N");
	}
	return 0;
}

static int read_option(struct reading *reading, const char *text, struct sw_err *err)
{
	struct sw_correlate_options *options = &reading->options;
	char name[SW_CASE_WORD], value[SW_CASE_WORD];

	if (sscanf(text, " %47[^=]=%47s", name, value) != 2)
		return sw_err_set(err, -EINVAL, "option: expected NAME=VALUE");
	if (strcmp(name, "slow") == 0 && sw_duration_parse(value, &options->slow_ns))
		return 0;
	if (strcmp(name, "settle") == 0 && sw_duration_parse(value, &options->settle_ns))
		return 0;
	if (strcmp(name, "clock-error") == 0 && sw_duration_parse(value, &options->clock_error_ns))
		return 0;
	if (strcmp(name, "imported") == 0)
		options->imported = value[0] == '1';
	else if (strcmp(name, "attached") == 0)
		options->attached = value[0] == '1';
	else if (strcmp(name, "calls") == 0 && strcmp(value, "none") == 0)
		options->calls_missing = options->imported = true;
	else if (strcmp(name, "calls") == 0 && strcmp(value, "some") == 0)
		options->calls_lacking = options->calls_may_lack = options->imported = true;
	else if (strcmp(name, "calls") == 0 && strcmp(value, "failed") == 0)
		options->calls_lacking = options->calls_may_lack = options->successes_lacking = options->imported =
			true;
	else
		return sw_err_set(err, -EINVAL,
				  "option: slow, settle, clock-error, imported, attached or calls, not '%s=%s'", name,
				  value);
	return 0;
}

static int read_own(struct reading *reading, const char *line, struct sw_err *err)
{
	const char *text;

	if ((text = behind(line, "pkt")))
		return sw_case_packet(reading->packets, text, &reading->wire, err);
	if ((text = behind(line, "want")))
		return read_want(reading, text, false, err);
	if ((text = behind(line, "want-not")))
		return read_want(reading, text, true, err);
	if ((text = behind(line, "status")))
		return read_status(reading, text, err);
	if ((text = behind(line, "option")))
		return read_option(reading, text, err);
	if ((text = behind(line, "end"))) {
		if (!sw_time_parse(text + strspn(text, " "), &reading->end_ns))
			return sw_err_set(err, -EINVAL, "end: expected a time");
		return 0;
	}
	return line[strspn(line, " \t\r\n")] && *line != '#' ? sw_err_set(err, -EINVAL, "unknown line") : 0;
}

static int read_lines(struct reading *reading, FILE *file, struct sw_err *err)
{
	sw_auto_free char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, file) > 0) {
		int result = sw_text_line(line, reading->state, &reading->trace, err);

		if (result == 0 && read_own(reading, line, err) < 0)
			return sw_err_wrap(err, "line %u", sw_text_state_line(reading->state));
		if (result < 0)
			return result;
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static void begin(struct reading *reading)
{
	static const struct sw_trace_sink trace = {.socket = on_socket,
						   .enter = on_enter,
						   .leave = on_leave,
						   .process = on_process,
						   .fact = on_fact,
						   .limit = on_limit};
	struct sw_trace_sink into_trace = trace;
	struct sw_packet_sink into_packets = {.context = reading, .packet = on_packet};

	into_trace.context = reading;
	reading->state = sw_text_state_new();
	reading->packets = sw_case_packets_new();
	reading->merge = sw_merge_new(&into_trace, &into_packets);
	reading->trace = sw_merge_trace_sink(reading->merge);
	reading->wire = sw_merge_packet_sink(reading->merge);
	reading->options = (struct sw_correlate_options){.slow_ns = SW_NS_PER_S, .settle_ns = 5 * SW_NS_PER_S};
	reading->status = (struct sw_capture_status){.available = true,
						     .live = true,
						     .opened_ns = -SW_NS_PER_S,
						     .closed_ns = SW_TIME_NONE,
						     .seen = SEEN_BY_DEFAULT,
						     .last_drop_ns = SW_TIME_NONE,
						     .interfaces = "any"};
}

/* What is over is final by then. */
#define LATER_NS (300 * SW_NS_PER_S)

static void on_found(void *context, const struct sw_finding *finding)
{
	struct reading *reading = context;
	struct sw_case *one = reading->one;

	if (one->said_count < SW_COUNT(one->said))
		one->said[one->said_count] = (struct sw_case_said){finding->verdict, finding->severity};
	one->said_count++;
}

static void run(struct reading *reading)
{
	if (reading->judging) {
		reading->options.found = on_found;
		reading->options.found_context = reading;
	}
	reading->correlate = sw_correlate_new(&reading->options);
	sw_correlate_status(reading->correlate, &reading->status);
	for (size_t i = 0; i < reading->place_count; i++)
		sw_correlate_status(reading->correlate, &reading->places[i]);
	sw_merge_release(reading->merge, INT64_MAX);
	if (!reading->status.live)
		reading->status.closed_ns = reading->end_ns + SW_NS_PER_S;
	for (size_t i = 0; i < reading->place_count; i++) {
		if (!reading->places[i].live)
			reading->places[i].closed_ns = reading->end_ns + SW_NS_PER_S;
		sw_correlate_status(reading->correlate, &reading->places[i]);
	}
	reading->status.kept = reading->status.seen;
	sw_correlate_status(reading->correlate, &reading->status);
	if (reading->judging)
		sw_correlate_judge(reading->correlate, reading->end_ns + LATER_NS);
	reading->one->report = sw_correlate_finish(reading->correlate, reading->end_ns);
}

static int read_case(const char *path, struct sw_case *one, bool judging, struct sw_err *err)
{
	sw_auto_file FILE *file = fopen(path, "r");
	struct reading reading = {.one = one, .judging = judging};
	int result;

	memset(one, 0, sizeof *one);
	if (!file)
		return sw_err_set(err, -errno, "%s: %s", path, strerror(errno));
	begin(&reading);
	result = read_lines(&reading, file, err);
	if (result < 0)
		sw_err_wrap(err, "%s", path);
	else
		run(&reading);
	sw_merge_free(reading.merge);
	sw_case_packets_free(reading.packets);
	sw_text_state_free(reading.state);
	return result < 0 ? result : 0;
}

int sw_case_read(const char *path, struct sw_case *one, struct sw_err *err)
{
	return read_case(path, one, false, err);
}

int sw_case_judge(const char *path, struct sw_case *one, struct sw_err *err)
{
	return read_case(path, one, true, err);
}

void sw_case_release(struct sw_case *one)
{
	if (one->report)
		sw_report_free(one->report);
	one->report = NULL;
}
