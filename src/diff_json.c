/* See diff_print.h: the comparison as one JSON object. */
#include "src/base/names.h"
#include "src/diff_print.h"
#include "src/report/json_value.h"

static json_t *step_json(const struct sw_step *step)
{
	if (!step)
		return json_null();
	json_t *object = json_object();
	sw_json_set(object, "operation", sw_json_text(sw_operation_name(step->operation)));
	sw_json_set(object, "target", sw_json_addr(&step->target));
	sw_json_set(object, "name", sw_json_text(step->name));
	sw_json_set(object, "began", sw_json_time(step->began_ns));
	sw_json_set(object, "duration_ns", sw_json_known(step->duration_ns));
	sw_json_set(object, "outcome", sw_json_text(sw_outcome_name(step->outcome)));
	sw_json_set(object, "errno", step->error ? sw_json_text(sw_errno_name(step->error)) : json_null());
	sw_json_set(object, "verdict", sw_json_text(step->finding ? step->finding->verdict : NULL));
	sw_json_set(object, "finding", step->finding ? sw_json_finding(step->finding) : json_null());
	return object;
}

static json_t *divergences(const struct sw_diff *diff)
{
	json_t *array = json_array();
	for (size_t i = 0; i < diff->divergences.count; i++) {
		const struct sw_divergence *divergence = &diff->divergences.items[i];
		json_t *object = json_object();
		sw_json_set(object, "kind", sw_json_text(sw_difference_name(divergence->kind)));
		sw_json_set(object, "good", step_json(divergence->good));
		sw_json_set(object, "bad", step_json(divergence->bad));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *routes(const struct sw_recording *recording, const struct sw_recording *other)
{
	json_t *array = json_array();
	for (size_t i = 0; i < recording->routes.count; i++)
		if (!sw_routes_have(other, recording->routes.items[i]))
			json_array_append_new(array, sw_json_text(recording->routes.items[i]));
	return array;
}

static json_t *side(const struct sw_recording *recording, const struct sw_recording *other)
{
	json_t *object = json_object();
	sw_auto_free char *ended = sw_exit_text(recording->report);
	sw_json_set(object, "file", sw_json_text(recording->path));
	sw_json_set(object, "program", sw_json_text(ended));
	sw_json_set(object, "steps", sw_json_number((int64_t)recording->steps.count));
	sw_json_set(object, "only_routes", routes(recording, other));
	return object;
}

void sw_diff_json(const struct sw_diff_view *view, FILE *out)
{
	json_t *object = json_object();
	sw_json_set(object, "schema", sw_json_number(1));
	sw_json_set(object, "good", side(view->good, view->bad));
	sw_json_set(object, "bad", side(view->bad, view->good));
	sw_json_set(object, "same_before", sw_json_number((int64_t)view->diff->same));
	sw_json_set(object, "divergences", divergences(view->diff));
	json_dumpf(object, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(object);
}
