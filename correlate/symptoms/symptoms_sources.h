/* Where a symptom's context comes from: the correlator's tables, lent to symptoms.c and groups.c. */
#ifndef SW_CORRELATE_SYMPTOMS_SOURCES_H
#define SW_CORRELATE_SYMPTOMS_SOURCES_H

#include "correlate/debts/debts.h"
#include "correlate/facts/facts_kept.h"
#include "correlate/findings/name_services.h"
#include "correlate/findings/names_learnt.h"
#include "correlate/groups/groups_peers.h"
#include "correlate/link/link.h"

struct sw_arena;
struct sw_said;
struct sw_frames;
struct sw_origins_seen;

struct sw_sources {
	const struct sw_correlate_options *options;
	struct sw_sockets *sockets;
	struct sw_processes *processes;
	struct sw_attempts *attempts;
	struct sw_flows *flows;
	struct sw_links *links;
	struct sw_peers *peers;
	const struct sw_lookups *lookups;
	const struct sw_names *names;
	const struct sw_name_services *services;
	const struct sw_said *said;
	const struct sw_frames *frames;
	const struct sw_origins_seen *origins;
	const struct sw_handshakes *handshakes;
	const struct sw_places *places;
	const struct sw_facts_kept *facts;
	const struct sw_capture_status *statuses;
	size_t status_count;
	int64_t end_ns;
};

/* Whether this ended debt deserves an explanation; one that was only late becomes SW_OUTCOME_SLOW. `flow` may be NULL. */
bool sw_symptom_is(struct sw_debt_state *debt, const struct sw_flow *flow, const struct sw_correlate_options *options);
/* Bytes that calls have accepted and the peer never acknowledged, as far as the flow shows it from its beginning. */
int64_t sw_symptom_lost_bytes(const struct sw_debt_state *debt, const struct sw_flow *flow);
/* Everything that a rule may look at. Lists are in the arena; what they point at belongs to the tables. */
void sw_symptom_fill(struct sw_symptom_context *context, const struct sw_sources *sources, struct sw_debt_state *debt,
		     struct sw_arena *arena);
/* What the further places of capture have of it (symptoms_places.c). */
void sw_symptom_places(struct sw_symptom_context *context, const struct sw_sources *sources, struct sw_arena *arena);
/* A local service that every program must be able to do without: its absence says nothing. */
bool sw_symptom_is_optional(const struct sw_symptom_context *context);

#endif
