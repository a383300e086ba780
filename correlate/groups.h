/* Groups: one cause is one finding. Symptoms are judged, grouped, ranked, and set against what worked meanwhile.
 *
 * Enters: the debts kept as symptoms, and the correlator's tables. Leaves: the findings of the report, in the order of rank. The
 * key of a group is verdict, locus, errno and remote end or name; never thread, local port or time. */
#ifndef SW_CORRELATE_GROUPS_H
#define SW_CORRELATE_GROUPS_H

#include "correlate/report.h"
#include "correlate/symptoms_sources.h"

#define SW_OCCURRENCES_MAX 100

/* Fills report->findings, finding_count and complete. Everything lives in report->arena. */
void sw_groups_make(struct sw_report *report, struct sw_debts *debts, const struct sw_sources *sources);

/* The fingerprint of a key: FNV-1a, 64 bits, 16 hexadecimal digits. */
void sw_groups_fingerprint(const char *key, char fingerprint[17]);

/* Puts ranked findings in order and gives them their ids. `command`: the process whose status became the command's, 0 unknown. */
void sw_groups_rank(struct sw_finding *findings, size_t count, const uint32_t *attempts, uint32_t command);

#endif
