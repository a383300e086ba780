/* Rules: what a verdict is, as one row and one pure predicate.
 *
 * A rule is handed const facts and answers: this explains the symptom, or it does not. It knows of no other rule (the
 * codes that it beats are names), prints nothing and keeps nothing.
 *
 * To add one: in correlate/rules/<family>.c write the predicate and, below it, the row in that file's list; cases in
 * tests/cases/<code>/; then make the golden matrix and the document anew (CONTRIBUTING.md). */
#ifndef SW_CORRELATE_RULES_H
#define SW_CORRELATE_RULES_H

#include "correlate/facts/facts.h"

#define SW_ON(operation) (1u << SW_OPERATION_##operation) /* for the mask of symptoms */

/* Kinds of evidence that a row needs; without them it says so and is not asked. */
#define SW_NEEDS_PACKETS 0x1u /* packets of the flow, or a capture that would have seen them */
#define SW_NEEDS_ABSENCE 0x2u /* a capture in which a missing packet was not there (at least likely) */

#define SW_CITES_MAX 8
#define SW_RULE_TEXTS 4

struct sw_rule_next;

struct sw_match { /* what a predicate answers with */
	enum sw_confidence confidence; /* CERTAIN unless it says otherwise */
	enum sw_locus locus; /* the row's unless it says otherwise */
	int severity; /* enum sw_severity, or -1: by the outcome */
	bool behind; /* a guess behind every other row that holds, whatever the rows beat */
	const char *cause; /* template; NULL: the first of the row's that can be filled */
	const char *usually; /* template, in place of the row's where the mechanism is known exactly; NULL: the row's */
	const struct sw_rule_next *next; /* likewise, SW_RULE_TEXTS of them */
	const char *near; /* not holding: the fact that excludes it, as a template; NULL: far off, not worth a word */
	const char *unseen[SW_RULE_TEXTS]; /* what would have decided it and was not visible */
	uint32_t unseen_count;
	struct sw_seen packets[SW_CITES_MAX]; /* the proof */
	uint32_t packet_count;
	bool cites_opening, cites_surfaced, cites_culprit; /* calls of the context that are proof */
	const char *cites_fact; /* kind of a kernel fact that is proof, NULL none */
};

struct sw_rule_next {
	const char *where; /* here | peer | path | resolver */
	const char *command, *text, *expect; /* templates; NULL none */
};

struct sw_rule {
	const char *code;
	uint32_t symptoms; /* SW_ON(CONNECT) | ... */
	uint32_t needs; /* SW_NEEDS_* */
	const char *beats; /* codes separated by blanks; what they beat is beaten too */
	bool last_resort; /* asked only when no other row holds */
	enum sw_locus locus;
	const char *locus_words; /* for the document, where the locus depends; NULL: its name */
	const char *title; /* headline in a few words */
	const char *noun; /* the same as a thing, for "not ..."; NULL: the title */
	bool (*holds)(const struct sw_facts *facts, struct sw_match *match);
	/* Templates: {name} is a fact in words, {name:noun} a number with its noun. One that names an unknown fact is
	 * skipped: of `cause` the first that can be filled is taken, of the others all that can. */
	const char *cause[SW_RULE_TEXTS];
	const char *usually[SW_RULE_TEXTS]; /* most frequent first */
	struct sw_rule_next next[SW_RULE_TEXTS];
	const char *sees, *evidence; /* for the document: what the application sees, what gives the verdict */
};

struct sw_rule_family {
	const char *heading; /* in the document */
	const struct sw_rule *rules;
	size_t count;
};

#define SW_RULE_FAMILY(name, title, list)                                                                              \
	const struct sw_rule_family name = {title, list, sizeof(list) / sizeof *(list)}

extern const struct sw_rule_family *const sw_rule_families[]; /* ended by NULL; correlate/rules/families.c */

/* Rules are numbered over all families, in order of the document. */
size_t sw_rule_count(void);
const struct sw_rule *sw_rule_get(size_t index);
const struct sw_rule *sw_rule_find(const char *code); /* NULL when there is none */
bool sw_rule_beats(const struct sw_rule *winner, const struct sw_rule *loser); /* over any number of steps */

/* ---- for predicates -------------------------------------------------------------------------------------------- */

/* "No, and here is what excludes it": `return near(match, "a SYN-ACK came");` */
static inline bool near(struct sw_match *match, const char *because)
{
	match->near = because;
	return false;
}

static inline void at_most(struct sw_match *match, enum sw_confidence confidence)
{
	if (match->confidence > confidence)
		match->confidence = confidence;
}

static inline void unseen(struct sw_match *match, const char *what)
{
	if (match->unseen_count < SW_RULE_TEXTS)
		match->unseen[match->unseen_count++] = what;
}

static inline void cite(struct sw_match *match, struct sw_seen seen)
{
	for (uint32_t i = 0; i < match->packet_count; i++)
		if (match->packets[i].packet == seen.packet && match->packets[i].input == seen.input)
			return;
	if (seen.packet && match->packet_count < SW_CITES_MAX)
		match->packets[match->packet_count++] = seen;
}

/* The verdict rests on packets that are not in the capture: as far as their absence counts. */
static inline bool rests_on_absence(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(absence_counts))
		return true;
	at_most(match, FACT(absence_likely) ? SW_CONFIDENCE_LIKELY : SW_CONFIDENCE_POSSIBLE);
	return facts->absence_likely;
}

#endif
