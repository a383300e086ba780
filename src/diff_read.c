/* See diff.h. Enters: a file. Leaves: steps and a report, made by the reader and the correlator of `explain`. */
#include <errno.h>
#include <string.h>

#include "src/diff.h"
#include "src/import.h"

struct reading {
	struct sw_recording *recording;
	struct sw_correlate *correlate;
	int64_t last_ns;
};

static void seen(struct reading *reading, int64_t time_ns)
{
	if (time_ns != SW_TIME_NONE && time_ns > reading->last_ns)
		reading->last_ns = time_ns;
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct reading *reading = context;
	sw_correlate_socket(reading->correlate, socket);
}

static void on_enter(void *context, const struct sw_call *call)
{
	struct reading *reading = context;
	seen(reading, call->enter_ns);
	sw_correlate_enter(reading->correlate, call);
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct reading *reading = context;
	seen(reading, call->exit_ns);
	sw_correlate_leave(reading->correlate, call);
}

static void on_process(void *context, const struct sw_process *process)
{
	struct reading *reading = context;
	seen(reading, process->time_ns);
	sw_correlate_process(reading->correlate, process);
}

static void keep_route(struct sw_recording *recording, const struct sw_fact *fact)
{
	char line[512];
	if (strcmp(fact->kind, "route") != 0)
		return;
	sw_fact_line(fact, line, sizeof line);
	for (size_t i = 0; i < recording->routes.count; i++)
		if (strcmp(recording->routes.items[i], line) == 0)
			return;
	*SW_ARRAY_ADD(&recording->routes) = sw_strdup(line);
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct reading *reading = context;
	keep_route(reading->recording, fact);
	sw_correlate_fact(reading->correlate, fact);
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	struct reading *reading = context;
	sw_correlate_limit(reading->correlate, limit);
}

static void on_packet(void *context, const struct sw_packet *packet)
{
	struct reading *reading = context;
	seen(reading, packet->time_ns);
	sw_correlate_packet(reading->correlate, packet);
}

static void on_status(void *context, const struct sw_capture_status *status)
{
	struct reading *reading = context;
	sw_correlate_status(reading->correlate, status);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

/* Several debts are one look-up (A and AAAA, one server after the other): one step, which ends as its best ends. */
static struct sw_step *lookup_step(struct sw_recording *recording, uint32_t lookup)
{
	for (size_t i = 0; lookup && i < recording->steps.count; i++)
		if (recording->steps.items[i].lookup == lookup)
			return &recording->steps.items[i];
	return NULL;
}

static void join_step(struct sw_step *step, const struct sw_ended *ended)
{
	int64_t end = step->began_ns + step->duration_ns;
	if (ended->began_ns < step->began_ns)
		step->began_ns = ended->began_ns;
	if (ended->ended_ns != SW_TIME_NONE && ended->ended_ns > end)
		end = ended->ended_ns;
	step->duration_ns = end - step->began_ns;
	if (ended->outcome == SW_OUTCOME_DONE) {
		step->outcome = ended->outcome;
		step->error = 0;
	}
}

static void on_ended(void *context, const struct sw_ended *ended)
{
	struct reading *reading = context;
	struct sw_step *step = lookup_step(reading->recording, ended->lookup);
	if (step) {
		join_step(step, ended);
		return;
	}
	step = SW_ARRAY_ADD(&reading->recording->steps);
	*step = (struct sw_step){.operation = ended->operation,
				 .outcome = ended->outcome,
				 .error = ended->error,
				 .lookup = ended->lookup,
				 .target = ended->target,
				 .name = sw_strdup(ended->name),
				 .began_ns = ended->began_ns};
	step->duration_ns = ended->ended_ns == SW_TIME_NONE ? -1 : ended->ended_ns - ended->began_ns;
}

static int by_begin(const void *left, const void *right)
{
	const struct sw_step *a = left, *b = right;
	return (a->began_ns > b->began_ns) - (a->began_ns < b->began_ns);
}

static bool tells_of(const struct sw_finding *finding, const struct sw_step *step)
{
	if (finding->symptom.operation != step->operation)
		return false;
	for (size_t i = 0; i < finding->occurrence_count; i++) {
		int64_t began = finding->occurrences[i].began_ns;
		if (began >= step->began_ns &&
		    began <= step->began_ns + (step->duration_ns > 0 ? step->duration_ns : 0))
			return true;
	}
	return false;
}

static void find_tellers(struct sw_recording *recording)
{
	const struct sw_report *report = recording->report;
	for (size_t i = 0; i < recording->steps.count; i++) {
		struct sw_step *step = &recording->steps.items[i];
		for (size_t f = 0; f < report->finding_count && !step->finding; f++)
			if (tells_of(&report->findings[f], step))
				step->finding = &report->findings[f];
	}
}

/* A finding without a step: a call that failed on its own, a connection that nobody served. */
static void add_findings(struct sw_recording *recording)
{
	const struct sw_report *report = recording->report;
	size_t count = recording->steps.count;
	for (size_t f = 0; f < report->finding_count; f++) {
		const struct sw_finding *finding = &report->findings[f];
		bool told = false;
		for (size_t i = 0; i < count && !told; i++)
			told = recording->steps.items[i].finding == finding;
		if (told)
			continue;
		*SW_ARRAY_ADD(&recording->steps) = (struct sw_step){.operation = finding->symptom.operation,
								    .outcome = finding->symptom.outcome,
								    .error = finding->symptom.error,
								    .target = finding->flow.remote,
								    .name = sw_strdup(finding->flow.name),
								    .began_ns = finding->began_ns,
								    .duration_ns = finding->symptom.duration_ns,
								    .finding = finding};
	}
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static int read_import(struct reading *reading, struct sw_import *import, const struct sw_options *options,
		       struct sw_err *err)
{
	struct sw_alignment alignment = {0};
	int code = sw_import_align(import, &alignment, err);
	if (code < 0)
		return code;
	bool incident = sw_import_count(import, SW_IMPORT_INCIDENT) > 0;
	const struct sw_correlate_options how = {
		.slow_ns = options->slow_ns,
		.settle_ns = options->settle_ns,
		.imported = !incident,
		.packets_missing = !incident && !sw_import_count(import, SW_IMPORT_CAPTURE),
		.calls_missing = !incident && !sw_import_count(import, SW_IMPORT_STRACE),
		.ended = on_ended,
		.ended_context = reading};
	const struct sw_trace_sink trace = {.context = reading,
					    .socket = on_socket,
					    .enter = on_enter,
					    .leave = on_leave,
					    .process = on_process,
					    .fact = on_fact,
					    .limit = on_limit};
	const struct sw_packet_sink packets = {.context = reading, .packet = on_packet, .status = on_status};
	reading->correlate = sw_correlate_new(&how);
	sw_import_run(import, &trace, &packets, NULL, NULL);
	reading->recording->report = sw_correlate_finish(reading->correlate, reading->last_ns);
	return 0;
}

int sw_recording_read(struct sw_recording *recording, const char *path, const struct sw_options *options,
		      struct sw_err *err)
{
	struct reading reading = {.recording = recording};
	struct sw_import *import = NULL;
	char *paths[] = {(char *)path};
	*recording = (struct sw_recording){.path = path};
	int code = sw_import_open(paths, 1, &import, err);
	if (code == 0)
		code = read_import(&reading, import, options, err);
	sw_import_free(import);
	if (code < 0)
		return code;
	find_tellers(recording);
	add_findings(recording);
	if (recording->steps.count)
		qsort(recording->steps.items, recording->steps.count, sizeof *recording->steps.items, by_begin);
	return 0;
}

void sw_recording_release(struct sw_recording *recording)
{
	for (size_t i = 0; i < recording->steps.count; i++)
		free(recording->steps.items[i].name);
	for (size_t i = 0; i < recording->routes.count; i++)
		free(recording->routes.items[i]);
	SW_ARRAY_RELEASE(&recording->steps);
	SW_ARRAY_RELEASE(&recording->routes);
	sw_report_free(recording->report);
	recording->report = NULL;
}
