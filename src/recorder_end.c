/* The end of a recording: the report, the incident, what a flight recorder says. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/fail_on.h"
#include "src/publish.h"
#include "src/recorder_internal.h"

static void say_losses(struct recorder *recorder)
{
	uint64_t lost = sw_ring_lost(recorder->start->ring);
	if (!lost && !recorder->damaged)
		return;
	sw_auto_free char *what = sw_format("%llu records of calls were lost: the recorder could not keep up",
					    (unsigned long long)(lost + recorder->damaged));
	sw_correlate_limit(recorder->correlate, &(struct sw_limit){what, "calls may be missing from the report"});
}

void sw_recorder_context(struct recorder *recorder)
{
	const struct sw_recorder_target *target = &recorder->start->target;
	recorder->context = (struct sw_report_context){
		.target = {.mode = target->mode,
			   .command_count = target->command_count,
			   .command = target->command,
			   .pid = target->pid,
			   .started_ns = SW_TIME_NONE,
			   .ended_ns = SW_TIME_NONE},
		.clock = {.base = "realtime", .aligned = "same-clock"},
	};
	sw_publish_context(&recorder->context, recorder->start->options);
	sw_anonymizer_host(recorder->anonymizer, &recorder->context.host);
	sw_anonymizer_target(recorder->anonymizer, &recorder->context.target);
}

/* What was final only with the end. */
static int end_flight(struct recorder *recorder)
{
	const struct sw_report *report = recorder->context.report;
	sw_flight_end(recorder->flight, report, sw_clock_realtime());
	int code = sw_flight_write(recorder->flight, recorder->incident, &recorder->context, INT64_MAX);
	if (recorder->start->options->output_count)
		sw_view_end(recorder->view, report);
	return recorder->flight_error ? recorder->flight_error : code;
}

/* "x.pcapng: 38 s up to the failure and 1.0 s behind it; sockwhy explain x.pcapng says it in full" */
static void say_flight(struct recorder *recorder, int code)
{
	const struct sw_options *options = recorder->start->options;
	int64_t since_ns = recorder->incident ? sw_incident_since(recorder->incident) : SW_TIME_NONE;
	char span[32];
	sw_flight_say_end(recorder->flight);
	for (size_t i = 0; code == 0 && i < options->output_count; i++) {
		const struct sw_output *output = &options->outputs[i];
		bool incident = strcmp(output->format, "pcapng") == 0;
		if (incident && since_ns != SW_TIME_NONE && strcmp(output->path, "-") != 0)
			sw_view_say(recorder->view, "%s has the last %s; sockwhy explain %s says it in full",
				    output->path, sw_duration_text(sw_clock_realtime() - since_ns, span), output->path);
		else if (strcmp(output->path, "-") != 0)
			sw_view_say(recorder->view, "written: %s", output->path);
	}
}

int sw_recorder_publish(struct recorder *recorder)
{
	say_losses(recorder);
	const struct sw_options *options = recorder->start->options;
	struct sw_report_context *context = &recorder->context;
	context->target.pid = recorder->command_pid ? recorder->command_pid : context->target.pid;
	context->target.started_ns = recorder->started_ns;
	context->target.ended_ns = recorder->ended_ns;
	struct sw_report *report = sw_correlate_finish(recorder->correlate, sw_clock_realtime());
	recorder->correlate = NULL;
	context->report = report;
	if (recorder->timeline)
		sw_timeline_lend(recorder->timeline, context);
	struct sw_err err = {0};
	int flown = recorder->flight ? end_flight(recorder) : 0;
	sw_view_rest(recorder->view);
	int code = sw_publish(options, recorder->start->outputs, context, stderr);
	code = code ? code : flown;
	if (recorder->incident && sw_incident_finish(recorder->incident, recorder->start->outputs, context, &err) < 0) {
		sw_publish_complain(recorder->start->outputs, &err);
		code = err.code;
	}
	if (recorder->flight)
		say_flight(recorder, code);
	if (sw_recorder_is_done(recorder) && recorder->ended_ns == SW_TIME_NONE)
		sw_view_say(recorder->view, "the command goes on; what it does from now on is not recorded");
	bool matched = sw_fail_on_matches(options, report);
	sw_report_free(report);
	return matched ? SW_EXIT_MATCHED : code < 0 ? SW_EXIT_TOOL : 0;
}
