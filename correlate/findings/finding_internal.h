/* What the files that tell a finding share. */
#ifndef SW_CORRELATE_FINDING_INTERNAL_H
#define SW_CORRELATE_FINDING_INTERNAL_H

#include "correlate/findings/finding.h"
#include "correlate/rules/judge.h"

#define SW_EVIDENCE_MAX 16

struct sw_telling { /* one symptom on its way into words */
	const struct sw_symptom_context *context;
	const struct sw_facts *facts;
	const struct sw_judgement *judgement;
	struct sw_arena *arena;
};

void sw_telling_evidence(const struct sw_telling *telling, struct sw_finding *finding);
/* finding_fate.c: what became of a packet of the context's, and whether the same bytes passed before. */
enum sw_fate sw_telling_fate(const struct sw_symptom_context *context, const struct sw_packet *packet,
			     enum sw_packet_way way);
bool sw_telling_again(const struct sw_symptom_context *context, const struct sw_packet *packet);
void sw_telling_lists(const struct sw_telling *telling, struct sw_finding *finding); /* usually, next, ruled out, ... */
void sw_telling_tried(const struct sw_telling *telling, struct sw_finding *finding); /* finding_tried.c: --probe */
void sw_telling_symptom(const struct sw_telling *telling, struct sw_finding *finding); /* symptom, flow, occurrence */

/* finding_shown.c: where the calls were read from packets. */
void sw_facts_forget_calls(struct sw_facts *facts); /* before the facts are put into words */
void sw_finding_forget_calls(struct sw_finding *finding);

/* Whether the verdict rests on an order of calls and packets that is finer than their clocks are known. */
bool sw_telling_order_unsure(const struct sw_telling *telling);
/* An imported capture begins in the middle of it: what passed before is not known. */
bool sw_telling_joined_late(const struct sw_telling *telling);
/* What was said on an imported connection was cut off by the snap length: another protocol's verdict might fit better. */
bool sw_telling_unread(const struct sw_telling *telling);

#endif
