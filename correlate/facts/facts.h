/* Facts: everything that a rule may look at, gathered from a symptom into one flat struct.
 *
 * Enters: a symptom context. Leaves: struct sw_facts, plain values that judge nothing. A rule reads a value with
 * FACT(name), which also marks it as read: the report lists exactly what the winning rule and its alternatives read.
 * The list of facts stands in facts_table.h. */
#ifndef SW_CORRELATE_FACTS_H
#define SW_CORRELATE_FACTS_H

#include "correlate/facts/facts_table.h"
#include "correlate/symptoms/symptoms.h"

struct sw_arena;

#define SW_FACT_TYPE_FLAG bool
#define SW_FACT_TYPE_COUNT int64_t
#define SW_FACT_TYPE_BYTES int64_t
#define SW_FACT_TYPE_ERRNO int64_t
#define SW_FACT_TYPE_NS int64_t
#define SW_FACT_TYPE_TEXT const char *
#define SW_FACT_TYPE_SEEN struct sw_seen

enum sw_fact_kind {
	SW_FACT_KIND_FLAG,
	SW_FACT_KIND_COUNT,
	SW_FACT_KIND_BYTES,
	SW_FACT_KIND_ERRNO,
	SW_FACT_KIND_NS,
	SW_FACT_KIND_TEXT,
	SW_FACT_KIND_SEEN,
};

enum sw_fact_id {
#define SW_FACT_ENUM(KIND, name, comment) SW_FACT_##name,
	SW_FACT_TABLE(SW_FACT_ENUM)
#undef SW_FACT_ENUM
		SW_FACT_COUNT,
};

struct sw_reads { /* which facts a predicate looked at */
	uint64_t bits[(SW_FACT_COUNT + 63) / 64];
};

struct sw_facts {
	struct sw_reads *reads; /* where FACT() notes what was read; NULL: nowhere */
#define SW_FACT_FIELD(KIND, name, comment) SW_FACT_TYPE_##KIND name;
	SW_FACT_TABLE(SW_FACT_FIELD)
#undef SW_FACT_FIELD
};

static inline void sw_reads_mark(struct sw_reads *reads, enum sw_fact_id id)
{
	if (reads)
		reads->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

static inline bool sw_reads_has(const struct sw_reads *reads, enum sw_fact_id id)
{
	return reads->bits[id / 64] >> (id % 64) & 1;
}

/* In a predicate, whose facts are called `facts`. */
#define FACT(name) (sw_reads_mark(facts->reads, SW_FACT_##name), facts->name)

/* Fills `facts`; texts live in the arena or in what the context points at. */
void sw_facts_gather(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);

enum sw_fact_kind sw_fact_kind(enum sw_fact_id id);
/* The id of a name of `length` bytes; SW_FACT_COUNT when there is none. */
enum sw_fact_id sw_fact_find(const char *name, size_t length);
/* Whether the value is known: not -1, NULL, or a packet that is not there. A flag is always known. */
bool sw_fact_known(const struct sw_facts *facts, enum sw_fact_id id);
/* As a field of the report; flags are 0 and 1, packets their number. */
struct sw_field sw_fact_as_field(const struct sw_facts *facts, enum sw_fact_id id);
/* As words: "0.31 ms", "3", "ECONNREFUSED". NULL when unknown. */
const char *sw_fact_words(const struct sw_facts *facts, enum sw_fact_id id, struct sw_arena *arena);

/* The sections, each in its own file. */
void sw_facts_of_calls(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_probe(struct sw_facts *facts, const struct sw_symptom_context *context);
void sw_facts_of_kernel(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_packets(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_answer(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_dns(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_tls(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_serve(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_places(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena);
void sw_facts_of_stream(struct sw_facts *facts, const struct sw_symptom_context *context);

#endif
