/* See fail_on.h. Enters: the words of --fail-on and a report. Leaves: yes or no. Prints nothing. */
#include "src/fail_on.h"

#include <errno.h>
#include <string.h>

#include "correlate/rules/rules.h"

static bool is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(word, name, length) == 0;
}

/* The severity of that name; -1: it is none. */
static int severity(const char *word, size_t length)
{
	for (int i = SW_SEVERITY_NOTE; i <= SW_SEVERITY_FAILURE; i++)
		if (is(word, length, sw_severity_name((enum sw_severity)i)))
			return i;
	return -1;
}

static bool verdict(const char *word, size_t length)
{
	const struct sw_rule *rule;
	for (size_t i = 0; (rule = sw_rule_get(i)); i++)
		if (is(word, length, rule->code))
			return true;
	return false;
}

int sw_fail_on_check(const char *option, const char *list, struct sw_err *err)
{
	for (const char *word = list;; word++) {
		size_t length = strcspn(word, ",");
		if (severity(word, length) < 0 && !verdict(word, length))
			return sw_err_set(err, -EINVAL,
					  "%s: '%.*s' is neither note, slow, failure nor a verdict's code", option,
					  (int)length, word);
		word += length;
		if (!*word)
			return 0;
	}
}

static bool word_matches(const char *word, size_t length, const struct sw_finding *finding)
{
	int least = severity(word, length);
	return least >= 0 ? (int)finding->severity >= least : is(word, length, finding->verdict);
}

bool sw_fail_on_finding(const char *list, const struct sw_finding *finding)
{
	for (const char *word = list;; word++) {
		size_t length = strcspn(word, ",");
		if (word_matches(word, length, finding))
			return true;
		word += length;
		if (!*word)
			return false;
	}
}

static bool list_matches(const char *list, const struct sw_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++)
		if (sw_fail_on_finding(list, &report->findings[i]))
			return true;
	return false;
}

bool sw_fail_on_matches(const struct sw_options *options, const struct sw_report *report)
{
	for (size_t i = 0; i < options->fail_on_count; i++)
		if (list_matches(options->fail_on[i], report))
			return true;
	return false;
}
