/* Whose timer ended it. Used by symptoms.c alone. */
#ifndef SW_CORRELATE_SYMPTOMS_DEADLINE_H
#define SW_CORRELATE_SYMPTOMS_DEADLINE_H

#include "correlate/symptoms/symptoms_sources.h"

/* Sets context->deadline; socket, flow and facts are there already. */
void sw_symptom_deadline(struct sw_symptom_context *context, const struct sw_debt_state *state);

#endif
