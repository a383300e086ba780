/* Where the remote end's name or address came from: a DNS answer, /etc/hosts, a proxy variable, an argument of the command.
 *
 * Enters: facts of the kinds `hosts` and `proxy`, the names learnt from answers, the command lines of processes. Leaves: the source of
 * one remote end at one moment, in data and in words. What was not seen stays unknown: a program may have it from a file of its own. */
#ifndef SW_CORRELATE_ORIGINS_H
#define SW_CORRELATE_ORIGINS_H

#include "correlate/report.h"
#include "correlate/symptoms/symptoms_sources.h"

struct sw_origins_seen;
struct sw_arena;

struct sw_origins_seen *sw_origins_seen_new(void);
void sw_origins_seen_free(struct sw_origins_seen *origins);
/* Whether the fact was one of ours, and is kept here. */
bool sw_origins_seen_fact(struct sw_origins_seen *origins, const struct sw_fact *fact);

/* Fills origin, name_source and, where it has none yet, the name of `flow`, whose remote end that process spoke to at that moment; pid 0:
 * any. */
void sw_origin_tell(struct sw_flow_summary *flow, const struct sw_sources *sources, uint32_t pid, int64_t when_ns,
		    struct sw_arena *arena);

#endif
