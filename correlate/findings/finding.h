/* Findings: one judged symptom told in words.
 *
 * Enters: a symptom context, and the winner among the rules (judge.h). Leaves: struct sw_finding whose texts live in the
 * report's arena. Knows nothing of other symptoms: who groups, counts and ranks does it afterwards, and has the summary told
 * again with the count. */
#ifndef SW_CORRELATE_FINDING_H
#define SW_CORRELATE_FINDING_H

#include "correlate/report.h"
#include "correlate/symptoms/symptoms.h"
#include "correlate/symptoms/symptoms_sources.h"

struct sw_arena;

/* Judges the symptom and fills `finding` (all but id, fingerprint, caused_by, meanwhile, program and said; count is 1, with one
 * occurrence). Returns false where the symptom is none after all: nothing deserves to be said. */
bool sw_finding_make(struct sw_finding *finding, const struct sw_symptom_context *context, struct sw_arena *arena);
/* As much of it as counts where another symptom represents its group: no sentences, no evidence. */
bool sw_finding_judge(struct sw_finding *finding, const struct sw_symptom_context *context, struct sw_arena *arena);

/* Writes `summary` anew from the fields, after count, began_ns and surfaced_ns were set for the group. */
/* The sentences once the count is final. */
void sw_finding_counted(struct sw_finding *finding, struct sw_arena *arena);
void sw_finding_summarize(struct sw_finding *finding, struct sw_arena *arena);
/* What the program wrote to standard error about it: finding_said.c. */
void sw_finding_said(struct sw_finding *finding, const struct sw_sources *sources, struct sw_arena *arena);

#endif
