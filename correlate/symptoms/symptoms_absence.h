/* What it means, for one symptom, that a packet is not there. Used by symptoms.c alone. */
#ifndef SW_CORRELATE_SYMPTOMS_ABSENCE_H
#define SW_CORRELATE_SYMPTOMS_ABSENCE_H

#include "correlate/symptoms/symptoms_sources.h"

/* Sets absence, absence_why and packets_available. */
void sw_symptom_absence(struct sw_symptom_context *context, const struct sw_sources *sources);

/* The same of a further place, where only that place's capture matters. */
enum sw_absence sw_symptom_absence_at(const struct sw_symptom_context *context, const struct sw_capture_status *status);

#endif
