/* The rules as one list, and which beats which. Knows nothing of what they look at. */
#include "correlate/rules/rules.h"

#include <string.h>

#define STEPS_MAX 64 /* more than there are verdicts in a chain */

size_t sw_rule_count(void)
{
	size_t count = 0;

	for (const struct sw_rule_family *const *family = sw_rule_families; *family; family++)
		count += (*family)->count;
	return count;
}

const struct sw_rule *sw_rule_get(size_t index)
{
	for (const struct sw_rule_family *const *family = sw_rule_families; *family; family++) {
		if (index < (*family)->count)
			return &(*family)->rules[index];
		index -= (*family)->count;
	}
	return NULL;
}

static const struct sw_rule *find(const char *code, size_t length)
{
	const struct sw_rule *rule;

	for (size_t i = 0; (rule = sw_rule_get(i)); i++)
		if (strlen(rule->code) == length && memcmp(rule->code, code, length) == 0)
			return rule;
	return NULL;
}

const struct sw_rule *sw_rule_find(const char *code)
{
	return find(code, strlen(code));
}

static bool beats_within(const struct sw_rule *winner, const struct sw_rule *loser, unsigned steps)
{
	const char *code = winner->beats ? winner->beats : "";

	if (steps == 0)
		return false;
	while (*code) {
		size_t length = strcspn(code, " ");
		const struct sw_rule *next = find(code, length);

		if (next == loser || (next && beats_within(next, loser, steps - 1)))
			return true;
		code += length + strspn(code + length, " ");
	}
	return false;
}

bool sw_rule_beats(const struct sw_rule *winner, const struct sw_rule *loser)
{
	return beats_within(winner, loser, STEPS_MAX);
}
