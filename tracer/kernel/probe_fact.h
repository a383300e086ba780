/* Facts as they are put together: a kind, named values, room for their texts; and the list of every kind and field.
 *
 * Enters: what a probe learnt. Leaves: struct sw_fact, handed to the sink. Fields that the table does not list are
 * dropped and counted, so that tracer/facts.md, the code and a test agree. Makes no judgement. */
#ifndef SW_TRACER_PROBE_FACT_H
#define SW_TRACER_PROBE_FACT_H

#include "tracer/call.h"

#define SW_FACT_FIELDS_MAX 64
#define SW_FACT_TEXTS_MAX 2048

enum sw_fact_type { SW_FACT_NUMBER, SW_FACT_STRING };

struct sw_fact_row {
	const char *kind, *field;
	enum sw_fact_type type;
	const char *meaning; /* as in facts.md */
};

extern const struct sw_fact_row sw_fact_rows[];
extern const size_t sw_fact_row_count;

struct sw_fact_draft {
	struct sw_fact fact;
	size_t text_length, first_row; /* first_row: of the kind, in sw_fact_rows */
	unsigned refused; /* fields that no row lists, or that found no room */
	struct sw_field fields[SW_FACT_FIELDS_MAX];
	char texts[SW_FACT_TEXTS_MAX];
};

/* Begins a fact of `kind` (a string that lives for ever), at the present time. */
void sw_fact_begin(struct sw_fact_draft *draft, const char *kind);
void sw_fact_add_number(struct sw_fact_draft *draft, const char *name, int64_t number);
/* The text is copied, shortened where there is no room; NULL adds nothing. Names live for ever. */
void sw_fact_add_text(struct sw_fact_draft *draft, const char *name, const char *text);
void sw_fact_add_ip(struct sw_fact_draft *draft, const char *name, const struct sw_ip *ip);
/* What is in it so far, ready for a sink. */
const struct sw_fact *sw_fact_of(struct sw_fact_draft *draft);

#endif
