/* See judge.h. */
#include "correlate/rules/judge.h"

#include <string.h>

#include "src/base/mem.h"

struct matches {
	size_t count;
	struct sw_judged items[SW_JUDGED_MAX * 2];
};

static bool evidence_there(const struct sw_rule *rule, const struct sw_facts *facts)
{
	if (rule->needs & SW_NEEDS_PACKETS && !facts->packets_available)
		return false;
	return !(rule->needs & SW_NEEDS_ABSENCE) || facts->absence_counts || facts->absence_likely;
}

static bool ask(const struct sw_rule *rule, const struct sw_facts *facts, struct sw_judged *judged)
{
	struct sw_facts reading = *facts; /* the predicate's reads are noted for this rule alone */

	memset(judged, 0, sizeof *judged);
	judged->rule = rule;
	judged->match = (struct sw_match){.confidence = SW_CONFIDENCE_CERTAIN, .locus = rule->locus, .severity = -1};
	reading.reads = &judged->reads;
	return rule->holds(&reading, &judged->match);
}

/* A possibility is no rival of a match with proof; among equals, the rows decide. */
static bool outranks(const struct sw_judged *a, const struct sw_judged *b)
{
	bool a_weak = a->match.confidence == SW_CONFIDENCE_POSSIBLE;
	bool b_weak = b->match.confidence == SW_CONFIDENCE_POSSIBLE;

	if (a_weak != b_weak)
		return b_weak;
	if (a->match.behind != b->match.behind)
		return b->match.behind;
	return sw_rule_beats(a->rule, b->rule);
}

static void keep(struct sw_judged *list, size_t *count, const struct sw_judged *judged)
{
	if (*count < SW_JUDGED_MAX)
		list[(*count)++] = *judged;
}

static void choose(struct sw_judgement *judgement, const struct matches *matches)
{
	const struct sw_judged *best = NULL;

	for (size_t i = 0; i < matches->count; i++)
		if (!best || outranks(&matches->items[i], best))
			best = &matches->items[i];
	if (!best)
		return;
	judgement->winner = *best;
	for (size_t i = 0; i < matches->count; i++)
		if (&matches->items[i] != best)
			keep(judgement->alternatives, &judgement->alternative_count, &matches->items[i]);
}

void sw_judge(const struct sw_facts *facts, enum sw_operation operation, struct sw_judgement *judgement)
{
	struct matches matches = {0};
	const struct sw_rule *rule;

	memset(judgement, 0, sizeof *judgement);
	for (size_t i = 0; (rule = sw_rule_get(i)); i++) {
		struct sw_judged judged;

		if (!(rule->symptoms & 1u << operation) || (rule->last_resort && matches.count) ||
		    !evidence_there(rule, facts))
			continue;
		if (ask(rule, facts, &judged)) {
			if (matches.count < SW_COUNT(matches.items))
				matches.items[matches.count++] = judged;
		} else if (judged.match.near) {
			keep(judgement->near, &judgement->near_count, &judged);
		}
	}
	choose(judgement, &matches);
}
