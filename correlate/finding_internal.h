/* What the files that tell a finding share. */
#ifndef SW_CORRELATE_FINDING_INTERNAL_H
#define SW_CORRELATE_FINDING_INTERNAL_H

#include "correlate/finding.h"
#include "correlate/judge.h"

#define SW_EVIDENCE_MAX 16

struct sw_telling { /* one symptom on its way into words */
	const struct sw_symptom_context *context;
	const struct sw_facts *facts;
	const struct sw_judgement *judgement;
	struct sw_arena *arena;
};

void sw_telling_evidence(const struct sw_telling *telling, struct sw_finding *finding);
void sw_telling_lists(const struct sw_telling *telling, struct sw_finding *finding); /* usually, next, ruled out, ... */
void sw_telling_symptom(const struct sw_telling *telling, struct sw_finding *finding); /* symptom, flow, occurrence */

#endif
