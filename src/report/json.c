/* The JSON report. Enters: report and context. Leaves: one object, written member by member, findings and flows one by
 * one, so that memory does not grow with their number. The members are described in report.schema.json. */
#include <errno.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/json_value.h"
#include "src/report/renderers.h"

#define SCHEMA 1 /* changes only when a member changes its meaning */

struct writer {
	FILE *out;
	bool began, failed;
};

static void put_value(struct writer *writer, json_t *value, size_t flags)
{
	/* json_dumpf wants at least one write to succeed; ferror tells the rest at the end. */
	if (json_dumpf(value, writer->out, JSON_ENCODE_ANY | flags))
		writer->failed = true;
	json_decref(value);
}

static void put_key(struct writer *writer, const char *key)
{
	fprintf(writer->out, "%s\n\"%s\": ", writer->began ? "," : "{", key);
	writer->began = true;
}

static void put(struct writer *writer, const char *key, json_t *value)
{
	put_key(writer, key);
	put_value(writer, value, 0);
}

static json_t *tool(const struct sw_report_context *context)
{
	json_t *object = json_object();

	sw_json_set(object, "name", json_string("sockwhy"));
	sw_json_set(object, "version", sw_json_text(context->version ? context->version : "unknown"));
	return object;
}

static json_t *options(const struct sw_report_context *context)
{
	json_t *object = json_object();

	sw_json_set(object, "slow_ns", sw_json_number(context->slow_ns));
	sw_json_set(object, "settle_ns", sw_json_number(context->settle_ns));
	sw_json_set(object, "linger_ns", sw_json_number(context->linger_ns));
	return object;
}

static json_t *host(const struct sw_report_host *host)
{
	json_t *object = json_object();

	sw_json_set(object, "name", sw_json_text(host->name));
	sw_json_set(object, "kernel", sw_json_text(host->kernel));
	sw_json_set(object, "netns", sw_json_text(host->netns));
	sw_json_set(object, "container", sw_json_text(host->container));
	return object;
}

static json_t *exit_object(const struct sw_report *report)
{
	json_t *object;

	if (!report->exit_known)
		return json_null();
	object = json_object();
	if (report->exit_signal)
		sw_json_set(object, "signal", sw_json_text(sw_signal_name(report->exit_signal)));
	else
		sw_json_set(object, "code", json_integer(report->exit_code));
	return object;
}

static json_t *target(const struct sw_report_context *context)
{
	static const char *const modes[] = {
		[SW_MODE_RUN] = "run",
		[SW_MODE_ATTACH] = "attach",
		[SW_MODE_EXPLAIN] = "explain",
	};
	const struct sw_report_target *target = &context->target;
	json_t *object = json_object(), *command = json_array();

	for (size_t i = 0; i < target->command_count; i++)
		json_array_append_new(command, sw_json_text(target->command[i]));
	sw_json_set(object, "command", command);
	sw_json_set(object, "pid", target->pid ? json_integer(target->pid) : json_null());
	sw_json_set(object, "pid_inside",
		    context->report->pid_inside ? json_integer(context->report->pid_inside) : json_null());
	sw_json_set(object, "mode", sw_json_text(modes[target->mode]));
	sw_json_set(object, "exit", exit_object(context->report));
	sw_json_set(object, "said", sw_json_texts(&context->report->said));
	sw_json_set(object, "started", sw_json_time(target->started_ns));
	sw_json_set(object, "ended", sw_json_time(target->ended_ns));
	return object;
}

static json_t *inputs(const struct sw_report_context *context)
{
	json_t *array = json_array();

	for (size_t i = 0; i < context->input_count; i++) {
		const struct sw_report_input *input = &context->inputs[i];
		json_t *object = json_object();

		sw_json_set(object, "file", sw_json_text(input->file));
		sw_json_set(object, "kind", sw_json_text(input->kind));
		sw_json_set(object, "records", sw_json_number(input->records));
		sw_json_set(object, "unread", sw_json_number(input->unread));
		json_array_append_new(array, object);
	}
	return array;
}

static bool listed(const json_t *array, const char *text)
{
	size_t index;
	json_t *item;

	json_array_foreach((json_t *)array, index,
			   item) if (json_is_string(item) && strcmp(json_string_value(item), text) == 0) return true;
	return false;
}

static json_t *places(const struct sw_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->status_count; i++) {
		const struct sw_capture_status *status = &report->statuses[i];
		json_t *object = status->place ? json_object() : NULL;

		if (!object)
			continue;
		sw_json_set(object, "name", sw_json_text(status->interfaces ? status->interfaces : ""));
		sw_json_set(object, "available", sw_json_bool(status->available));
		sw_json_set(object, "seen", sw_json_number(status->seen));
		sw_json_set(object, "kept", sw_json_number(status->kept));
		sw_json_set(object, "dropped", status->available ? sw_json_known(status->dropped) : json_null());
		sw_json_set(object, "why_not", sw_json_text(status->why_not));
		json_array_append_new(array, object);
	}
	return array;
}

/* All captures at the process as one: counters are sums, a drop that is unknown anywhere makes the sum unknown. */
static json_t *capture(const struct sw_report *report)
{
	json_t *object = json_object(), *interfaces = json_array();
	int64_t seen = 0, kept = 0, dropped = 0;
	bool available = false;
	const char *why_not = NULL;

	for (size_t i = 0; i < report->status_count; i++) {
		const struct sw_capture_status *status = &report->statuses[i];

		if (status->place)
			continue;
		available |= status->available;
		why_not = why_not ? why_not : status->why_not;
		if (!status->available)
			continue;
		seen += status->seen;
		kept += status->kept;
		dropped = dropped < 0 || status->dropped < 0 ? -1 : dropped + status->dropped;
		if (status->interfaces && !listed(interfaces, status->interfaces))
			json_array_append_new(interfaces, sw_json_text(status->interfaces));
	}
	sw_json_set(object, "available", sw_json_bool(available));
	sw_json_set(object, "interfaces", interfaces);
	sw_json_set(object, "seen", sw_json_number(seen));
	sw_json_set(object, "kept", sw_json_number(kept));
	sw_json_set(object, "dropped", available ? sw_json_known(dropped) : json_null());
	sw_json_set(object, "complete", sw_json_bool(report->complete));
	sw_json_set(object, "why_not", sw_json_text(why_not));
	sw_json_set(object, "places", places(report));
	return object;
}

static json_t *clock_object(const struct sw_report_clock *clock)
{
	json_t *object = json_object();

	sw_json_set(object, "base", sw_json_text(clock->base ? clock->base : "realtime"));
	sw_json_set(object, "offset_ns", sw_json_number(clock->offset_ns));
	sw_json_set(object, "error_ns", sw_json_number(clock->error_ns));
	sw_json_set(object, "aligned", sw_json_text(clock->aligned ? clock->aligned : "same-clock"));
	sw_json_set(object, "pairs", sw_json_number(clock->pairs));
	return object;
}

static json_t *limits(const struct sw_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->limit_count; i++) {
		json_t *object = json_object();

		sw_json_set(object, "what", sw_json_text(report->limits[i].what ? report->limits[i].what : ""));
		sw_json_set(object, "costs", sw_json_text(report->limits[i].costs ? report->limits[i].costs : ""));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *counts(const struct sw_report *report)
{
	json_t *object = json_object();

	sw_json_set(object, "calls", sw_json_number(report->calls));
	sw_json_set(object, "failed_calls", sw_json_number(report->failed_calls));
	sw_json_set(object, "packets", sw_json_number(report->packets));
	sw_json_set(object, "sockets", sw_json_number(report->sockets));
	sw_json_set(object, "flows", sw_json_number((int64_t)report->flow_count));
	return object;
}

static void put_findings(struct writer *writer, const struct sw_report *report)
{
	put_key(writer, "findings");
	fputc('[', writer->out);
	for (size_t i = 0; i < report->finding_count; i++) {
		fputs(i ? ",\n" : "\n", writer->out);
		put_value(writer, sw_json_finding(&report->findings[i]), JSON_INDENT(2));
	}
	fputs(report->finding_count ? "\n]" : "]", writer->out);
}

static void put_flows(struct writer *writer, const struct sw_report *report)
{
	put_key(writer, "flows");
	fputc('[', writer->out);
	for (size_t i = 0; i < report->flow_count; i++) {
		fputs(i ? ",\n" : "\n", writer->out);
		put_value(writer, sw_json_flow(&report->flows[i], true), 0);
	}
	fputs(report->flow_count ? "\n]" : "]", writer->out);
}

int sw_render_json(const struct sw_report_context *context, FILE *out, struct sw_err *err)
{
	const struct sw_report *report = context->report;
	struct writer writer = {.out = out};

	json_set_alloc_funcs(sw_alloc, free); /* out of memory aborts */
	errno = 0;
	put(&writer, "schema", json_integer(SCHEMA));
	put(&writer, "tool", tool(context));
	put(&writer, "status", sw_json_text(sw_status_name(sw_report_status(report))));
	put(&writer, "options", options(context));
	put(&writer, "host", host(&context->host));
	put(&writer, "target", target(context));
	put(&writer, "inputs", inputs(context));
	put(&writer, "capture", capture(report));
	put(&writer, "clock", clock_object(&context->clock));
	put(&writer, "limits", limits(report));
	put_findings(&writer, report);
	put_flows(&writer, report);
	put(&writer, "counts", counts(report));
	fputs("\n}\n", out);
	if (writer.failed || fflush(out) || ferror(out))
		return sw_err_set(err, errno ? -errno : -EIO, "cannot write the JSON report: %s",
				  strerror(errno ? errno : EIO));
	return 0;
}
