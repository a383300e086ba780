/* Groups: one cause is one finding. Symptoms are judged, grouped, ranked, and set against what worked meanwhile.
 *
 * Enters: the debts kept as symptoms, and the correlator's tables. Leaves: the findings of the report, in the order of rank. The
 * key of a group is verdict, locus, errno and remote end or name; never thread, local port or time. */
#ifndef SW_CORRELATE_GROUPS_H
#define SW_CORRELATE_GROUPS_H

#include "correlate/report.h"
#include "correlate/symptoms/symptoms_sources.h"

#define SW_OCCURRENCES_MAX 100

#define SW_GROUPS_MAX 4096 /* different causes; what is over it is counted */

struct sw_arena;
struct sw_groups;

struct sw_taken { /* how one symptom was judged */
	const char *verdict;
	enum sw_severity severity;
};

struct sw_groups *sw_groups_new(struct sw_arena *arena); /* what is told lives there; the caller's */
void sw_groups_free(struct sw_groups *groups);
/* Judges a symptom and puts it to its group; false where it is none after all. Afterwards nothing points at the debt. `taken` may
 * be NULL. */
bool sw_groups_take(struct sw_groups *groups, struct sw_debt_state *debt, const struct sw_sources *sources,
		    struct sw_taken *taken);
/* Of a log that lacks calls: what the packets alone show (a report of the same session) fills in. `named` says whether the log names a
 * finding's connection. Lends from `alone`. */
void sw_groups_beside(struct sw_groups *groups, const struct sw_report *alone,
		      bool (*named)(void *context, const struct sw_finding *finding), void *context);
/* Nothing more is taken: folds and ranks. Fills report->findings, finding_count and complete. */
void sw_groups_report(struct sw_groups *groups, struct sw_report *report, const struct sw_sources *sources);

/* The fingerprint of a key: FNV-1a, 64 bits, 16 hexadecimal digits. */
void sw_groups_fingerprint(const char *key, char fingerprint[17]);

/* Puts ranked findings in order and gives them their ids. `command`: the process whose status became the command's, 0 unknown. */
void sw_groups_rank(struct sw_finding *findings, size_t count, const uint32_t *attempts, uint32_t command);

#endif
