/* The last resort: no verdict holds. Better than a wrong one. */
#include "correlate/rules/rules.h"

static bool unexplained(const struct sw_facts *facts, struct sw_match *match)
{
	at_most(match, SW_CONFIDENCE_POSSIBLE);
	match->cites_opening = match->cites_surfaced = true;
	cite(match, FACT(syn));
	cite(match, FACT(rst));
	cite(match, FACT(icmp_first));
	return true;
}

static const struct sw_rule last[] = {
	{
		.code = "unexplained",
		.symptoms = ~0u,
		.last_resort = true,
		.locus = SW_LOCUS_UNKNOWN,
		.title = "no verdict holds",
		.holds = unexplained,
		.cause = {"{call} ended with {errno_name} after {duration}; what was seen around it fits no verdict",
			  "{operation} {outcome} after {duration}; what was seen around it fits no verdict",
			  "what was seen fits no verdict"},
		.next = {{"here", NULL, "look at the merged timeline (-v)", NULL}},
		.sees = "anything",
		.evidence = "the symptom, everything that was seen around it, and which verdicts came nearest",
	},
};

SW_RULE_FAMILY(sw_rules_last, "When none holds", last);
