/* One finding as a JSON object; the members are described in report.schema.json. */
#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/json_value.h"

static json_t *ref(uint16_t input, uint32_t number)
{
	json_t *object = json_object();

	sw_json_set(object, "input", json_integer(input));
	sw_json_set(object, "number", json_integer(number));
	return object;
}

/* Parts that took no time are left out. */
static json_t *parts(const int64_t time_ns[SW_PART_COUNT])
{
	json_t *array = json_array();

	for (int part = 0; part < SW_PART_COUNT; part++) {
		if (time_ns[part] == 0)
			continue;

		json_t *object = json_object();

		sw_json_set(object, "part", sw_json_text(sw_part_name((enum sw_part)part)));
		sw_json_set(object, "ns", sw_json_number(time_ns[part]));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *deadline(const struct sw_deadline *deadline)
{
	json_t *object;

	if (!deadline->present)
		return json_null();
	object = json_object();
	sw_json_set(object, "whose", sw_json_text(deadline->whose));
	sw_json_set(object, "what", sw_json_text(deadline->what ? deadline->what : "not-visible"));
	sw_json_set(object, "value_ns", sw_json_known(deadline->value_ns));
	sw_json_set(object, "count", sw_json_known(deadline->count));
	sw_json_set(object, "after_ns", sw_json_known(deadline->after_ns));
	sw_json_set(object, "kernel_would_ns", sw_json_known(deadline->kernel_would_ns));
	return object;
}

static json_t *bytes(const struct sw_symptom *symptom)
{
	json_t *object = json_object();

	sw_json_set(object, "accepted", sw_json_number(symptom->bytes_accepted));
	sw_json_set(object, "sent", sw_json_number(symptom->bytes_sent));
	sw_json_set(object, "acknowledged", sw_json_number(symptom->bytes_acknowledged));
	sw_json_set(object, "read", sw_json_number(symptom->bytes_read));
	return object;
}

static json_t *text_or_null(const char *text)
{
	return sw_json_text(text[0] ? text : NULL);
}

static json_t *stack(const struct sw_symptom *symptom)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < symptom->stack_count; i++) {
		const struct sw_frame *frame = &symptom->stack[i];
		json_t *object = json_object();

		sw_json_set(object, "function", text_or_null(frame->function));
		sw_json_set(object, "file", text_or_null(frame->file));
		sw_json_set(object, "line", frame->line ? json_integer(frame->line) : json_null());
		sw_json_set(object, "object", text_or_null(frame->object));
		sw_json_set(object, "offset", sw_json_number((int64_t)frame->offset));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *symptom_object(const struct sw_symptom *symptom)
{
	json_t *object = json_object();

	sw_json_set(object, "operation", sw_json_text(sw_operation_name(symptom->operation)));
	sw_json_set(object, "call", sw_json_text(symptom->call));
	sw_json_set(object, "reported_by", sw_json_text(symptom->reported_by));
	sw_json_set(object, "errno", sw_json_text(symptom->error ? sw_errno_name(symptom->error) : NULL));
	sw_json_set(object, "outcome", sw_json_text(sw_outcome_name(symptom->outcome)));
	sw_json_set(object, "deadline", deadline(&symptom->deadline));
	sw_json_set(object, "pid", json_integer(symptom->pid));
	sw_json_set(object, "pid_inside", symptom->pid_inside ? json_integer(symptom->pid_inside) : json_null());
	sw_json_set(object, "tid", json_integer(symptom->tid));
	sw_json_set(object, "comm", sw_json_text(symptom->comm));
	sw_json_set(object, "fd", sw_json_known(symptom->fd));
	sw_json_set(object, "enter", sw_json_time(symptom->enter_ns));
	sw_json_set(object, "exit", sw_json_time(symptom->exit_ns));
	sw_json_set(object, "duration_ns", sw_json_number(symptom->duration_ns));
	sw_json_set(object, "time", parts(symptom->time_ns));
	sw_json_set(object, "bytes", bytes(symptom));
	sw_json_set(object, "stack", stack(symptom));
	return object;
}

static json_t *occurrences(const struct sw_finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->occurrence_count; i++) {
		const struct sw_occurrence *occurrence = &finding->occurrences[i];
		json_t *object = json_object();

		sw_json_set(object, "began", sw_json_time(occurrence->began_ns));
		sw_json_set(object, "duration_ns", sw_json_number(occurrence->duration_ns));
		sw_json_set(object, "outcome", sw_json_text(sw_outcome_name(occurrence->outcome)));
		sw_json_set(object, "flow", json_integer(occurrence->flow));
		sw_json_set(object, "ref", ref(occurrence->input, occurrence->call));
		sw_json_set(object, "time", parts(occurrence->time_ns));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *facts(const struct sw_finding *finding)
{
	json_t *object = json_object();

	for (size_t i = 0; i < finding->fact_count; i++) {
		const struct sw_field *field = &finding->facts[i];

		sw_json_set(object, field->name,
			    field->text ? sw_json_text(field->text) : sw_json_number(field->number));
	}
	return object;
}

static json_t *evidence(const struct sw_finding *finding)
{
	static const char *const kinds[] = {
		[SW_EVIDENCE_CALL] = "call",
		[SW_EVIDENCE_PACKET] = "packet",
		[SW_EVIDENCE_FACT] = "fact",
	};
	json_t *array = json_array();

	for (size_t i = 0; i < finding->evidence_count; i++) {
		const struct sw_evidence *item = &finding->evidence[i];
		json_t *object = json_object();

		sw_json_set(object, "kind", sw_json_text(kinds[item->kind]));
		sw_json_set(object, "ref", ref(item->input, item->number));
		sw_json_set(object, "time", sw_json_time(item->time_ns));
		sw_json_set(object, "text", sw_json_text(item->text ? item->text : ""));
		sw_json_set(object, "place", sw_json_text(item->place));
		sw_json_set(object, "proof", sw_json_bool(item->proof));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *ruled_out(const struct sw_finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->ruled_out_count; i++) {
		json_t *object = json_object();

		sw_json_set(object, "verdict", sw_json_text(finding->ruled_out[i].verdict));
		sw_json_set(object, "because", sw_json_text(finding->ruled_out[i].because));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *alternatives(const struct sw_finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->alternative_count; i++) {
		json_t *object = json_object();

		sw_json_set(object, "verdict", sw_json_text(finding->alternatives[i].verdict));
		sw_json_set(object, "confidence",
			    sw_json_text(sw_confidence_name(finding->alternatives[i].confidence)));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *next(const struct sw_finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->next_count; i++) {
		const struct sw_next *step = &finding->next[i];
		json_t *object = json_object();

		sw_json_set(object, "where", sw_json_text(step->where ? step->where : "here"));
		sw_json_set(object, "command", sw_json_text(step->command));
		sw_json_set(object, "text", sw_json_text(step->text ? step->text : ""));
		sw_json_set(object, "expect", sw_json_text(step->expect));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *recovered(const struct sw_finding *finding)
{
	json_t *object;

	if (finding->recovered_ns == SW_TIME_NONE)
		return json_null();
	object = json_object();
	sw_json_set(object, "time", sw_json_time(finding->recovered_ns));
	sw_json_set(object, "by", sw_json_text(finding->recovered_by));
	return object;
}

static json_t *said_live(const struct sw_finding *finding)
{
	json_t *object;

	if (!finding->said_verdict)
		return json_null();
	object = json_object();
	sw_json_set(object, "verdict", sw_json_text(finding->said_verdict));
	sw_json_set(object, "severity", sw_json_text(sw_severity_name(finding->said_severity)));
	sw_json_set(object, "time", sw_json_time(finding->said_ns));
	return object;
}

/* What it is, before what proves it. */
static void put_judgement(json_t *object, const struct sw_finding *finding)
{
	sw_json_set(object, "id", json_integer(finding->id));
	sw_json_set(object, "fingerprint", sw_json_text(finding->fingerprint));
	sw_json_set(object, "verdict", sw_json_text(finding->verdict));
	sw_json_set(object, "title", sw_json_text(finding->title));
	sw_json_set(object, "severity", sw_json_text(sw_severity_name(finding->severity)));
	sw_json_set(object, "confidence", sw_json_text(sw_confidence_name(finding->confidence)));
	sw_json_set(object, "locus", sw_json_text(sw_locus_name(finding->locus)));
	sw_json_set(object, "count", json_integer(finding->count));
	sw_json_set(object, "summary", sw_json_text(finding->summary ? finding->summary : ""));
	sw_json_set(object, "cause", sw_json_text(finding->cause));
	sw_json_set(object, "usually", sw_json_texts(&finding->usually));
	sw_json_set(object, "program", sw_json_text(finding->program));
	sw_json_set(object, "said", sw_json_texts(&finding->said));
	sw_json_set(object, "said_live", said_live(finding));
}

static void put_times(json_t *object, const struct sw_finding *finding)
{
	sw_json_set(object, "began", sw_json_time(finding->began_ns));
	sw_json_set(object, "surfaced", sw_json_time(finding->surfaced_ns));
	sw_json_set(object, "ended", sw_json_time(finding->ended_ns));
	sw_json_set(object, "recovered", recovered(finding));
	sw_json_set(object, "caused_by", finding->caused_by ? json_integer(finding->caused_by) : json_null());
	sw_json_set(object, "lost_ns", sw_json_number(finding->lost_ns));
	sw_json_set(object, "lost_calls", json_integer(finding->lost_calls));
	sw_json_set(object, "lost_bytes", sw_json_number(finding->lost_bytes));
	sw_json_set(object, "occurrences", occurrences(finding));
}

json_t *sw_json_finding(const struct sw_finding *finding)
{
	json_t *object = json_object();

	put_judgement(object, finding);
	put_times(object, finding);
	sw_json_set(object, "symptom", symptom_object(&finding->symptom));
	sw_json_set(object, "flow", sw_json_flow(&finding->flow, false));
	sw_json_set(object, "facts", facts(finding));
	sw_json_set(object, "evidence", evidence(finding));
	sw_json_set(object, "meanwhile", sw_json_texts(&finding->meanwhile));
	sw_json_set(object, "ruled_out", ruled_out(finding));
	sw_json_set(object, "alternatives", alternatives(finding));
	sw_json_set(object, "not_observed", sw_json_texts(&finding->not_observed));
	sw_json_set(object, "tried", sw_json_texts(&finding->tried));
	sw_json_set(object, "next", next(finding));
	return object;
}
