/* See flight.h. */
#include "src/flight.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "src/base/arena.h"
#include "src/base/clock.h"
#include "src/fail_on.h"

#define CAUSES_MAX 65536u /* different ones that are remembered; more are written no more */
#define WAITING_MAX 64u

struct cause {
	char *key;
	uint64_t repeats;
	uint64_t in_all; /* by the report at the end */
	UT_hash_handle hh;
};

struct waiting { /* an incident that is written when --linger is over */
	struct sw_arena *arena;
	struct sw_finding finding; /* as much of it as comments say */
	int64_t due_ns;
};

struct sw_flight {
	const struct sw_options *options;
	struct sw_view *view;
	struct cause *causes;
	SW_ARRAY(struct waiting) waiting;
	int64_t over_ns; /* SW_TIME_NONE: nothing came yet */
	int64_t since_ns; /* when what was waited for began */
	uint64_t written, repeats, left_out;
	bool said_full;
};

struct sw_flight *sw_flight_new(const struct sw_options *options, struct sw_view *view)
{
	struct sw_flight *flight = sw_alloc(sizeof *flight);
	flight->options = options;
	flight->view = view;
	flight->over_ns = SW_TIME_NONE;
	return flight;
}

void sw_flight_free(struct sw_flight *flight)
{
	struct cause *cause, *next;
	if (!flight)
		return;
	HASH_ITER (hh, flight->causes, cause, next) {
		HASH_DEL(flight->causes, cause);
		free(cause->key);
		free(cause);
	}
	for (size_t i = 0; i < flight->waiting.count; i++)
		sw_arena_free(flight->waiting.items[i].arena);
	SW_ARRAY_RELEASE(&flight->waiting);
	free(flight);
}

/* ---- findings --------------------------------------------------------------------------------------------------- */

static bool is_waited_for(const struct sw_options *options, const struct sw_finding *finding)
{
	for (size_t i = 0; i < options->on_count; i++)
		if (sw_fail_on_finding(options->on[i], finding))
			return true;
	return options->on_count == 0 && finding->severity == SW_SEVERITY_FAILURE;
}

/* The other end by its name, else by its address; of a service its own port. */
static char *where(const struct sw_finding *finding)
{
	const struct sw_flow_summary *flow = &finding->flow;
	char text[SW_ADDR_TEXT];
	if (finding->symptom.operation == SW_OPERATION_SERVE && flow->local.present)
		return sw_format("port-%u", flow->local.endpoint.port);
	if (flow->name && *flow->name)
		return sw_strdup(flow->name);
	const struct sw_addr *end = flow->remote.present ? &flow->remote : &flow->local;
	return end->present ? sw_strdup(sw_addr_text(end, text)) : sw_strdup("");
}

static char *key_of(const struct sw_finding *finding)
{
	sw_auto_free char *end = where(finding);
	return sw_format("%s|%s|%s", finding->verdict, end, finding->symptom.comm ? finding->symptom.comm : "");
}

/* Whether this cause is new. */
static bool note_cause(struct sw_flight *flight, const struct sw_finding *finding)
{
	sw_auto_free char *key = key_of(finding);
	struct cause *cause;
	HASH_FIND_STR(flight->causes, key, cause);
	if (cause) {
		cause->repeats += finding->count;
		flight->repeats += finding->count;
		return false;
	}
	if (HASH_COUNT(flight->causes) >= CAUSES_MAX)
		return false;
	cause = sw_alloc(sizeof *cause);
	cause->key = key;
	key = NULL;
	cause->repeats = finding->count - 1;
	flight->repeats += cause->repeats;
	HASH_ADD_KEYPTR(hh, flight->causes, cause->key, strlen(cause->key), cause);
	return true;
}

static void await_linger(struct sw_flight *flight, const struct sw_finding *finding, int64_t due_ns)
{
	struct waiting *waiting = SW_ARRAY_ADD(&flight->waiting);
	struct sw_arena *arena = sw_arena_new();
	waiting->arena = arena;
	waiting->due_ns = due_ns;
	waiting->finding = *finding;
	struct sw_finding *copy = &waiting->finding;
	copy->id = 1;
	copy->summary = sw_arena_strdup(arena, finding->summary);
	copy->flow.name = sw_arena_strdup(arena, finding->flow.name);
	copy->symptom.comm = sw_arena_strdup(arena, finding->symptom.comm);
	copy->evidence = sw_arena_copy(arena, finding->evidence, finding->evidence_count * sizeof *copy->evidence);
}

static void begin_incident(struct sw_flight *flight, const struct sw_finding *finding, int64_t due_ns)
{
	if (!note_cause(flight, finding))
		return;
	if (flight->written + flight->waiting.count >= flight->options->max_incidents ||
	    flight->waiting.count >= WAITING_MAX) {
		flight->left_out++;
		if (!flight->said_full)
			sw_view_say(flight->view, "%s has %llu incidents: no more are written (--max-incidents)",
				    flight->options->each_failure,
				    (unsigned long long)flight->written + flight->waiting.count);
		flight->said_full = true;
		return;
	}
	await_linger(flight, finding, due_ns);
}

void sw_flight_found(struct sw_flight *flight, const struct sw_finding *finding, int64_t now_ns)
{
	int64_t until_ns = finding->surfaced_ns + flight->options->linger_ns;
	if (!is_waited_for(flight->options, finding))
		return;
	until_ns = until_ns < now_ns ? now_ns : until_ns;
	if (flight->options->each_failure)
		begin_incident(flight, finding, until_ns);
	if (flight->over_ns != SW_TIME_NONE)
		return;
	flight->over_ns = until_ns;
	flight->since_ns = finding->began_ns;
}

int64_t sw_flight_needs_since(const struct sw_flight *flight)
{
	int64_t since_ns = flight->options->until_failure && flight->over_ns != SW_TIME_NONE ? flight->since_ns :
											       SW_TIME_NONE;
	for (size_t i = 0; i < flight->waiting.count; i++) {
		int64_t began_ns = flight->waiting.items[i].finding.began_ns;
		since_ns = since_ns == SW_TIME_NONE || began_ns < since_ns ? began_ns : since_ns;
	}
	return since_ns;
}

/* What was not final yet when the recording ended is a repeat as well. */
static void count_repeats(struct sw_flight *flight)
{
	struct cause *cause, *next;
	HASH_ITER (hh, flight->causes, cause, next)
		if (cause->in_all > cause->repeats + 1)
			flight->repeats += cause->in_all - 1 - cause->repeats;
}

void sw_flight_end(struct sw_flight *flight, const struct sw_report *report, int64_t now_ns)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];
		sw_auto_free char *key = key_of(finding);
		struct cause *cause;
		HASH_FIND_STR(flight->causes, key, cause);
		if (!cause)
			sw_flight_found(flight, finding, now_ns);
		else
			cause->in_all += finding->count;
	}
	count_repeats(flight);
}

bool sw_flight_is_over(const struct sw_flight *flight, int64_t now_ns)
{
	return flight->options->until_failure && flight->over_ns != SW_TIME_NONE && now_ns >= flight->over_ns;
}

/* ---- incidents -------------------------------------------------------------------------------------------------- */

/* "20261123T030412Z-refused-by-rst-10.77.2.2:5433.pcapng": sorted by time, and safe for a shell. */
static char *path_of(const struct sw_flight *flight, const struct sw_finding *finding)
{
	const char *folder = flight->options->each_failure;
	time_t seconds = (time_t)(finding->surfaced_ns / SW_NS_PER_S);
	sw_auto_free char *end = where(finding);
	char stamp[32];
	struct tm parts;
	gmtime_r(&seconds, &parts);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
	for (char *at = end; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:", *at))
			*at = '_';
	for (unsigned number = 1;; number++) {
		sw_auto_free char *again = number > 1 ? sw_format("-%u", number) : sw_strdup("");
		char *path = sw_format("%s/%s-%s%s%.80s%s.pcapng", folder, stamp, finding->verdict, *end ? "-" : "",
				       end, again);
		if (access(path, F_OK) < 0)
			return path;
		free(path);
	}
}

static int write_one(struct sw_flight *flight, struct waiting *waiting, struct sw_incident *incident,
		     const struct sw_report_context *context)
{
	struct sw_report report = {.finding_count = 1, .findings = &waiting->finding};
	struct sw_report_context own = *context;
	struct sw_err err = {0};
	sw_auto_free char *path = path_of(flight, &waiting->finding);
	own.report = &report;
	int code = sw_incident_export(incident, path, &own, &err);
	if (code < 0) {
		sw_view_say(flight->view, "%s", err.text);
		return code;
	}
	flight->written++;
	sw_view_say(flight->view, "written: %s", path);
	return 0;
}

int sw_flight_write(struct sw_flight *flight, struct sw_incident *incident, const struct sw_report_context *context,
		    int64_t now_ns)
{
	size_t left = 0;
	int first = 0;
	for (size_t i = 0; i < flight->waiting.count; i++) {
		struct waiting waiting = flight->waiting.items[i];
		if (waiting.due_ns > now_ns) {
			flight->waiting.items[left++] = waiting;
			continue;
		}
		int code = incident ? write_one(flight, &waiting, incident, context) : 0;
		first = first ? first : code;
		sw_arena_free(waiting.arena);
	}
	flight->waiting.count = left;
	return first;
}

void sw_flight_say_end(const struct sw_flight *flight)
{
	const struct sw_options *options = flight->options;
	if (!options->each_failure) {
		if (flight->over_ns == SW_TIME_NONE)
			sw_view_say(flight->view, "what was waited for did not come");
		return;
	}
	sw_view_say(flight->view, "%llu incident%s in %s; %llu repeat%s counted%s", (unsigned long long)flight->written,
		    flight->written == 1 ? "" : "s", options->each_failure, (unsigned long long)flight->repeats,
		    flight->repeats == 1 ? "" : "s", flight->left_out ? ", others left out (--max-incidents)" : "");
}
