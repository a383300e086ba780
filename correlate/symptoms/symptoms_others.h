/* What other flows tell of a symptom: symptoms_others.c. */
#ifndef SW_CORRELATE_SYMPTOMS_OTHERS_H
#define SW_CORRELATE_SYMPTOMS_OTHERS_H

#include "correlate/symptoms/symptoms_sources.h"

void sw_symptom_others(struct sw_symptom_context *context, const struct sw_sources *sources,
		       const struct sw_debt_state *state);

#endif
