/* The inside of the correlator, shared by correlate.c (records), correlate_judge.c (as it goes) and correlate_end.c alone. */
#ifndef SW_CORRELATE_CORRELATE_STATE_H
#define SW_CORRELATE_CORRELATE_STATE_H

#include "correlate/calls/shown.h"
#include "correlate/correlate.h"
#include "correlate/groups/groups.h"
#include "src/base/arena.h"

/* A record may be late by this much (two time-outs of the capture, a strace stamp); then what ended is reviewed. */
#define SW_SETTLED_NS (2 * SW_NS_PER_S)

struct sw_correlate {
	struct sw_correlate_options options;
	struct sw_processes *processes;
	struct sw_sockets *sockets;
	struct sw_attempts *attempts;
	struct sw_debts *debts;
	struct sw_flows *flows;
	struct sw_links *links;
	struct sw_peers *peers;
	struct sw_lookups *lookups;
	struct sw_names *names;
	struct sw_name_services *services;
	struct sw_said *said;
	struct sw_frames *frames;
	struct sw_origins_seen *origins;
	struct sw_handshakes *handshakes;
	struct sw_places *places;
	struct sw_correlate *beside; /* the same packets alone, where the log may lack calls; NULL: it does not */
	struct sw_shown *shown; /* of a capture without a log; NULL: the calls are recorded */
	struct sw_facts_kept facts;
	SW_ARRAY(struct sw_capture_status) statuses;
	SW_ARRAY(struct sw_limit) limits;
	struct sw_arena *arena; /* becomes the report's */
	struct sw_groups *groups; /* of the symptoms that were judged for good */
	int64_t began_ns, now_ns, settled_ns, served_ns, judged_ns;
	int64_t calls, failed_calls, packets;
	bool ip_sockets;
};

/* Recorded time goes on: what ended long enough ago is reviewed, what nobody needs is forgotten. */
void sw_correlate_advance(struct sw_correlate *correlate, int64_t time_ns);
/* correlate_services.c: what a name service of this host was asked; whether the debt was such a question. */
void sw_correlate_service_call(struct sw_correlate *correlate, const struct sw_call *call);
void sw_correlate_service_asked(struct sw_correlate *correlate, struct sw_debt_state *debt);
bool sw_correlate_service_takes(struct sw_correlate *correlate, struct sw_debt_state *debt, bool *keep);
void sw_correlate_forget(struct sw_correlate *correlate); /* what nothing refers to, beyond a bound */
struct sw_sources sw_correlate_sources(const struct sw_correlate *correlate, int64_t end_ns);
/* Debts and their flows are put together: what several kept debts say only together, and which of them tells it. */
void sw_correlate_join(struct sw_correlate *correlate);
struct sw_correlate *sw_correlate_beside(const struct sw_correlate_options *options); /* NULL: nothing lacks */
void sw_correlate_join_beside(struct sw_correlate *correlate, int64_t end_ns); /* before the groups are reported */
struct sw_shown *sw_correlate_shown(struct sw_correlate *correlate); /* which tells this correlator */
/* All of the report but its findings. */
void sw_correlate_describe(struct sw_correlate *correlate, struct sw_report *report, int64_t end_ns);
void sw_correlate_release(struct sw_correlate *correlate);

#endif
