/* The judge: asks every rule, and lets one win.
 *
 * Enters: facts and the operation. Leaves: the winner, the others that matched, and those that came near with what
 * excludes them. A match that is only `possible` never wins against one that is more; among equals the one that beats the
 * others wins. Knows nothing of single rules, and makes no text. */
#ifndef SW_CORRELATE_JUDGE_H
#define SW_CORRELATE_JUDGE_H

#include "correlate/rules/rules.h"

#define SW_JUDGED_MAX 12

struct sw_judged {
	const struct sw_rule *rule;
	struct sw_match match;
	struct sw_reads reads;
};

struct sw_judgement {
	struct sw_judged winner; /* rule NULL: none, not even the last resort */
	size_t alternative_count, near_count;
	struct sw_judged alternatives[SW_JUDGED_MAX];
	struct sw_judged near[SW_JUDGED_MAX]; /* did not hold, and said why */
};

void sw_judge(const struct sw_facts *facts, enum sw_operation operation, struct sw_judgement *judgement);

#endif
