/* `sockwhy explain`: files in, the same report out as a live session's.
 *
 * Enters: incidents, strace logs, captures, by their paths. Leaves: the report; exit status 0 where nothing failed (or not enough was seen
 * to say so), 1 where something did; with --fail-on SW_EXIT_MATCHED where what it names was found, else 0. Reading is src/import.c's, judging the correlator's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "correlate/correlate.h"
#include "src/anonymize/anonymize.h"
#include "src/base/mem.h"
#include "src/fail_on.h"
#include "src/import.h"
#include "src/import_limits.h"
#include "src/import_ports.h"
#include "src/options.h"
#include "src/outputs.h"
#include "src/publish.h"
#include "src/report/report.h"
#include "src/stray.h"
#include "src/timeline.h"
#include "src/trace_set.h"

struct explain {
	const struct sw_options *options;
	struct sw_outputs outputs;
	struct sw_import *import;
	struct sw_alignment alignment;
	struct sw_correlate *correlate;
	struct sw_timeline *timeline; /* NULL without -v */
	struct sw_ports *ports; /* of logs and captures; NULL: an incident knows its ports */
	struct sw_incident *incident; /* NULL without -o FILE.pcapng or FILE.pcap */
	struct sw_anonymizer *anonymizer; /* NULL without --anonymize */
	int64_t first_ns, last_ns;
	uint32_t command_pid;
	char *command; /* NULL unknown */
};

/* ---- records on their way to everybody who wants them --------------------------------------------------------- */

static void seen(struct explain *explain, int64_t time_ns)
{
	if (time_ns == SW_TIME_NONE)
		return;
	if (explain->first_ns == SW_TIME_NONE || time_ns < explain->first_ns)
		explain->first_ns = time_ns;
	if (explain->last_ns == SW_TIME_NONE || time_ns > explain->last_ns)
		explain->last_ns = time_ns;
}

static void say_socket(void *context, const struct sw_socket *socket)
{
	struct explain *explain = context;

	sw_correlate_socket(explain->correlate, socket);
	if (explain->incident)
		sw_incident_socket(explain->incident, socket);
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct explain *explain = context;

	socket = sw_anonymizer_socket(explain->anonymizer, socket);
	if (explain->ports)
		sw_ports_socket(explain->ports, socket);
	else
		say_socket(explain, socket);
}

static void on_enter(void *context, const struct sw_call *call)
{
	struct explain *explain = context;

	seen(explain, call->enter_ns);
	call = sw_anonymizer_call(explain->anonymizer, call);
	sw_correlate_enter(explain->correlate, call);
	if (explain->ports)
		sw_ports_enter(explain->ports, call);
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct explain *explain = context;

	seen(explain, call->exit_ns);
	call = sw_anonymizer_call(explain->anonymizer, call);
	sw_correlate_leave(explain->correlate, call);
	if (explain->ports)
		sw_ports_leave(explain->ports, call);
	if (explain->timeline)
		sw_timeline_call(explain->timeline, call);
	if (explain->incident)
		sw_incident_call(explain->incident, call);
}

static void on_process(void *context, const struct sw_process *process)
{
	struct explain *explain = context;

	seen(explain, process->time_ns);
	process = sw_anonymizer_process(explain->anonymizer, process);
	sw_correlate_process(explain->correlate, process);
	if (process->is_command) {
		explain->command_pid = process->pid;
		if (process->command_line && !explain->command)
			explain->command = sw_strdup(process->command_line);
	}
	if (explain->timeline)
		sw_timeline_process(explain->timeline, process);
	if (explain->incident)
		sw_incident_process(explain->incident, process);
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct explain *explain = context;

	fact = sw_anonymizer_fact(explain->anonymizer, fact);
	sw_correlate_fact(explain->correlate, fact);
	if (explain->timeline)
		sw_timeline_fact(explain->timeline, fact);
	if (explain->incident)
		sw_incident_fact(explain->incident, fact);
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	struct explain *explain = context;

	limit = sw_anonymizer_limit(explain->anonymizer, limit);
	sw_correlate_limit(explain->correlate, limit);
	if (explain->incident)
		sw_incident_limit(explain->incident, limit);
}

static void on_packet(void *context, const struct sw_packet *packet)
{
	struct explain *explain = context;

	/* On a clock that is not the calls' a packet would be held against the wrong ones. */
	if (explain->alignment.aligned == SW_ALIGNED_FAILED)
		return;
	seen(explain, packet->time_ns);
	if (explain->ports)
		sw_ports_packet(explain->ports, packet);
	sw_correlate_packet(explain->correlate, packet);
	if (explain->timeline)
		sw_timeline_packet(explain->timeline, packet);
}

static void on_raw(void *context, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	struct explain *explain = context;

	if (!sw_anonymizer_packet(explain->anonymizer, &packet, &raw))
		return;
	on_packet(context, packet);
	if (explain->incident)
		sw_incident_packet(explain->incident, packet, raw);
}

static void on_status(void *context, const struct sw_capture_status *status)
{
	struct explain *explain = context;

	status = sw_anonymizer_status(explain->anonymizer, status);
	sw_correlate_status(explain->correlate, status);
	if (explain->timeline)
		sw_timeline_status(explain->timeline, status);
	if (explain->incident)
		sw_incident_status(explain->incident, status);
}

/* ---- progress ------------------------------------------------------------------------------------------------- */

static void show_progress(void *context, double done)
{
	static int shown = -1;
	int percent = (int)(done * 100);

	(void)context;
	if (percent == shown)
		return;
	shown = percent;
	fprintf(stderr, "\rreading ... %3d %%", percent);
	fflush(stderr);
}

static void clear_progress(void)
{
	fputs("\r                  \r", stderr);
}

/* ---- what could not be seen ----------------------------------------------------------------------------------- */

static void say_limits(struct explain *explain, const struct sw_correlate_options *how)
{
	const struct sw_limits_of_import of = {explain->import, &explain->alignment, how,
					       explain->options->host_count > 0, explain->anonymizer != NULL};
	struct sw_trace_set set = {0};

	if (how->packets_missing)
		on_status(explain, &(struct sw_capture_status){.available = false,
							       .opened_ns = SW_TIME_NONE,
							       .closed_ns = SW_TIME_NONE,
							       .dropped = -1,
							       .last_drop_ns = SW_TIME_NONE,
							       .why_not = "no capture was given"});
	if (sw_import_limits(&of, &set, on_limit, explain))
		sw_correlate_lacking(explain->correlate, sw_trace_set_only_failures(&set));
}

/* ---- the run -------------------------------------------------------------------------------------------------- */

static struct sw_correlate_options correlate_options(const struct explain *explain)
{
	const struct sw_options *options = explain->options;
	struct sw_correlate_options how = {
		.slow_ns = options->slow_ns, .settle_ns = options->settle_ns, .imported = true};
	size_t incidents = sw_import_count(explain->import, SW_IMPORT_INCIDENT);
	size_t logs = sw_import_count(explain->import, SW_IMPORT_STRACE);

	how.calls_missing = logs + incidents == 0;
	how.calls_may_lack = sw_trace_set_may_lack(sw_import_trace_set(explain->import));
	how.packets_missing = incidents == 0 && (sw_import_count(explain->import, SW_IMPORT_CAPTURE) == 0 ||
						 explain->alignment.aligned == SW_ALIGNED_FAILED);
	how.imported = incidents == 0;
	how.attached = sw_import_attached(explain->import);
	how.clock_error_ns = explain->alignment.error_ns;
	how.stamp_error_ns = sw_import_resolution(explain->import);
	how.exits_unknown = how.imported && logs && !sw_import_durations(explain->import);
	how.host_count = options->host_count;
	for (size_t i = 0; i < options->host_count; i++)
		how.hosts[i] = sw_anonymizer_ip(explain->anonymizer, &options->hosts[i]);
	return how;
}

static int align(struct explain *explain, struct sw_err *err)
{
	int code = sw_import_align(explain->import, &explain->alignment, err);

	if (code < 0 || !explain->options->clock_offset_given)
		return code;
	sw_import_set_offset(explain->import, explain->options->clock_offset_ns);
	explain->alignment =
		(struct sw_alignment){.aligned = SW_ALIGNED_ESTIMATED, .offset_ns = explain->options->clock_offset_ns};
	return 0;
}

static void read_all(struct explain *explain)
{
	const struct sw_trace_sink trace = {.context = explain,
					    .socket = on_socket,
					    .enter = on_enter,
					    .leave = on_leave,
					    .process = on_process,
					    .fact = on_fact,
					    .limit = on_limit};
	const struct sw_packet_sink packets = {
		.context = explain, .packet = on_packet, .status = on_status, .raw = on_raw};
	bool show = isatty(STDERR_FILENO) && !explain->options->quiet;

	sw_import_run(explain->import, &trace, &packets, show ? show_progress : NULL, NULL);
	if (show)
		clear_progress();
}

static const char *clock_base(const struct explain *explain)
{
	switch (sw_import_clock(explain->import)) {
	case SW_STRACE_CLOCK_TIME_OF_DAY: return "time-of-day";
	case SW_STRACE_CLOCK_RELATIVE:
	case SW_STRACE_CLOCK_NONE: return sw_import_count(explain->import, SW_IMPORT_STRACE) ? "relative" : "realtime";
	default: return "realtime";
	}
}

static void fill_context(struct explain *explain, struct sw_report_context *context, struct sw_report_input *shown)
{
	static const char *const aligned[] = {"same-clock", "estimated", "failed"};
	const struct sw_import_input *inputs;
	size_t count;

	inputs = sw_import_inputs(explain->import, &count);
	for (size_t i = 0; i < count; i++)
		shown[i] =
			(struct sw_report_input){inputs[i].path, inputs[i].kind, inputs[i].records, inputs[i].unread};
	context->inputs = shown;
	context->input_count = count;
	context->clock = (struct sw_report_clock){clock_base(explain), explain->alignment.offset_ns,
						  explain->alignment.error_ns, aligned[explain->alignment.aligned],
						  explain->alignment.pairs};
	/* The host that explains is not the one that was recorded. */
	context->host = (struct sw_report_host){0};
	context->target = (struct sw_report_target){.mode = SW_MODE_EXPLAIN,
						    .command_count = explain->command ? 1 : 0,
						    .command = (const char *const *)&explain->command,
						    .pid = explain->command_pid,
						    .started_ns = explain->first_ns,
						    .ended_ns = explain->last_ns};
}

static void fill_session(struct explain *explain, struct sw_report_context *context)
{
	const struct sw_incident_session *session = sw_import_session(explain->import);

	if (!session)
		return;
	context->host = session->host;
	context->target = session->target;
	sw_anonymizer_target(explain->anonymizer, &context->target);
	context->target.mode = session->mode;
}

static int publish(struct explain *explain)
{
	struct sw_report_input shown[SW_IMPORT_INPUTS_MAX];
	struct sw_report_context context = {0};
	struct sw_err err = {0};
	struct sw_report *report;
	int code, failed;

	sw_publish_context(&context, explain->options);
	fill_context(explain, &context, shown);
	fill_session(explain, &context);
	sw_anonymizer_host(explain->anonymizer, &context.host);
	sw_anonymizer_inputs(explain->anonymizer, shown, context.input_count);
	const struct sw_incident_session *session = sw_import_session(explain->import);
	if (session && session->joined)
		sw_correlate_attached(explain->correlate);
	report = sw_correlate_finish(explain->correlate, explain->last_ns == SW_TIME_NONE ? 0 : explain->last_ns);
	explain->correlate = NULL;
	context.report = report;
	if (explain->timeline)
		sw_timeline_lend(explain->timeline, &context);
	code = sw_publish(explain->options, &explain->outputs, &context, stdout);
	if (explain->incident && sw_incident_finish(explain->incident, &explain->outputs, &context, &err) < 0) {
		fprintf(stderr, "sockwhy: %s\n", err.text);
		code = err.code;
	}
	failed = sw_report_status(report) == SW_STATUS_FAILED;
	if (explain->options->fail_on_count)
		failed = sw_fail_on_matches(explain->options, report) ? SW_EXIT_MATCHED : 0;
	sw_report_free(report);
	return failed == SW_EXIT_MATCHED ? failed : code < 0 ? SW_EXIT_TOOL : failed;
}

static int run(struct explain *explain, struct sw_err *err)
{
	struct sw_correlate_options how;
	int status;

	if (align(explain, err) < 0)
		return SW_EXIT_USAGE;
	if (sw_incident_new(&explain->outputs, NULL, &explain->incident, err) < 0)
		return SW_EXIT_TOOL;
	explain->anonymizer = explain->options->anonymize ? sw_anonymizer_new() : NULL;
	how = correlate_options(explain);
	explain->correlate = sw_correlate_new(&how);
	if (sw_import_count(explain->import, SW_IMPORT_STRACE))
		explain->ports = sw_ports_new(say_socket, explain, explain->alignment.error_ns);
	explain->timeline = sw_timeline_wanted(explain->options) ? sw_timeline_new() : NULL;
	read_all(explain);
	say_limits(explain, &how);
	status = publish(explain);
	sw_timeline_free(explain->timeline);
	sw_incident_free(explain->incident);
	sw_ports_free(explain->ports);
	sw_anonymizer_free(explain->anonymizer);
	return status;
}

static int open_places(struct explain *explain, struct sw_err *err)
{
	const struct sw_options *options = explain->options;

	for (size_t i = 0; i < options->also_on_count; i++) {
		int code = sw_import_place(explain->import, options->also_on[i], err);
		if (code < 0)
			return code;
	}
	return 0;
}

int sw_cmd_explain(const struct sw_options *options)
{
	struct explain explain = {.options = options, .first_ns = SW_TIME_NONE, .last_ns = SW_TIME_NONE};
	struct sw_err err = {0};
	int status = SW_EXIT_USAGE;

	sw_stray_watch();
	if (options->argc > SW_IMPORT_INPUTS_MAX)
		sw_err_set(&err, -E2BIG, "at most %d files can be read at once", SW_IMPORT_INPUTS_MAX);
	else if (sw_outputs_open(&explain.outputs, options, &err) < 0)
		status = SW_EXIT_TOOL;
	else if (sw_import_open(options->argv, (size_t)options->argc, &explain.import, &err) == 0 &&
		 open_places(&explain, &err) == 0)
		status = run(&explain, &err);
	if (err.code)
		fprintf(stderr, "sockwhy: %s\n", err.text);
	sw_import_free(explain.import);
	sw_outputs_release(&explain.outputs);
	free(explain.command);
	return status;
}
