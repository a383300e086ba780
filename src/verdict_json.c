/* See verdict_page.h. Enters: rows of rules. Leaves: a JSON array of objects, one a verdict. */
#include <string.h>

#include "src/base/mem.h"
#include "src/report/json_value.h"
#include "src/verdict_page.h"

static json_t *text(const char *template)
{
	sw_auto_free char *plain = sw_verdict_text(template);
	return sw_json_text(plain);
}

static json_t *texts(const char *const templates[SW_RULE_TEXTS])
{
	json_t *array = json_array();
	for (size_t i = 0; i < SW_RULE_TEXTS && templates[i]; i++)
		json_array_append_new(array, text(templates[i]));
	return array;
}

static json_t *next(const struct sw_rule *rule)
{
	json_t *array = json_array();
	for (size_t i = 0; i < SW_RULE_TEXTS && rule->next[i].text; i++) {
		json_t *step = json_object();
		sw_json_set(step, "where", sw_json_text(rule->next[i].where));
		sw_json_set(step, "command", text(rule->next[i].command));
		sw_json_set(step, "text", text(rule->next[i].text));
		sw_json_set(step, "expect", text(rule->next[i].expect));
		json_array_append_new(array, step);
	}
	return array;
}

/* What it beats, or what beats it; over any number of steps. */
static json_t *order(const struct sw_rule *rule, bool beats)
{
	const struct sw_rule *other;
	json_t *array = json_array();
	for (size_t i = 0; (other = sw_rule_get(i)); i++)
		if (beats ? sw_rule_beats(rule, other) : sw_rule_beats(other, rule))
			json_array_append_new(array, sw_json_text(other->code));
	return array;
}

static json_t *verdict(const struct sw_rule *rule)
{
	json_t *object = json_object();
	sw_json_set(object, "code", sw_json_text(rule->code));
	sw_json_set(object, "title", text(rule->title));
	sw_json_set(object, "locus", sw_json_text(sw_locus_name(rule->locus)));
	sw_json_set(object, "locus_depends", text(rule->locus_words));
	sw_json_set(object, "sees", text(rule->sees));
	sw_json_set(object, "evidence", text(rule->evidence));
	sw_json_set(object, "cause", texts(rule->cause));
	sw_json_set(object, "usually", texts(rule->usually));
	sw_json_set(object, "next", next(rule));
	sw_json_set(object, "beats", order(rule, true));
	sw_json_set(object, "beaten_by", order(rule, false));
	return object;
}

void sw_verdict_json(const struct sw_rule *const *rules, size_t count, FILE *out)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, verdict(rules[i]));
	json_dumpf(array, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(array);
}
