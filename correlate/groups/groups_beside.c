/* A log that lacks calls, and the packets beside it: strace -e trace=network shows no read, write, close or poll; -Z no call that went
 * well.
 *
 * Enters: the log's findings, and those of the packets alone (shown.h). Leaves: one list. What the log says of a connection stays where
 * it is sure; where it lacks the context the packets' verdict is taken and keeps the log's call; and where packets show that things went
 * well afterwards, it is told. What belongs to no connection of the log's may be another program's: a note. */
#include <string.h>

#include "correlate/groups/groups_internal.h"
#include "src/base/arena.h"

#define NEAR_NS (2 * SW_NS_PER_S) /* a group's stretch and the packets' may begin and end at other calls */
#define AT_ONCE_NS (10 * SW_NS_PER_MS)

static bool same_connection(const struct sw_flow_summary *ours, const struct sw_flow_summary *theirs)
{
	const struct sw_addr *remote = ours->translated.present ? &ours->translated : &ours->remote;

	if (!remote->present || !theirs->remote.present ||
	    !sw_endpoint_equal(&remote->endpoint, &theirs->remote.endpoint))
		return false;
	return !ours->local.present || !ours->local.endpoint.port || !theirs->local.present ||
	       ours->local.endpoint.port == theirs->local.endpoint.port;
}

static bool same_end(const struct sw_flow_summary *ours, const struct sw_flow_summary *theirs)
{
	return ours->remote.present && theirs->remote.present &&
	       sw_endpoint_equal(&ours->remote.endpoint, &theirs->remote.endpoint);
}

static bool overlaps(const struct sw_finding *a, const struct sw_finding *b)
{
	return a->began_ns <= b->surfaced_ns + NEAR_NS && b->began_ns <= a->surfaced_ns + NEAR_NS;
}

/* The log does not say which connection failed so: the one that did at that moment. */
static bool at_once(const struct sw_finding *finding, const struct sw_finding *shown)
{
	int64_t apart_ns = finding->surfaced_ns - shown->surfaced_ns;

	return !finding->flow.remote.present && finding->confidence == SW_CONFIDENCE_POSSIBLE &&
	       apart_ns > -AT_ONCE_NS && apart_ns < AT_ONCE_NS;
}

/* One group may stand for many connections to the same end. */
static struct sw_finding *match(struct sw_groups *groups, const struct sw_finding *shown)
{
	struct sw_finding *found = NULL;

	for (size_t i = 0; i < groups->findings.count; i++) {
		struct sw_finding *finding = &groups->findings.items[i];
		bool many = finding->count > 1 || shown->count > 1;

		if (!overlaps(finding, shown) ||
		    !(at_once(finding, shown) ||
		      (many ? same_end(&finding->flow, &shown->flow) : same_connection(&finding->flow, &shown->flow))))
			continue;
		if (!found || finding->severity > found->severity)
			found = finding;
	}
	return found;
}

/* The packets' verdict, and the log's call, errno and process. */
static void replace(struct sw_finding *finding, const struct sw_finding *shown)
{
	struct sw_finding told = *shown;

	told.symptom.call = finding->symptom.call;
	told.symptom.reported_by = finding->symptom.reported_by;
	told.symptom.error = finding->symptom.error;
	told.symptom.pid = finding->symptom.pid;
	told.symptom.tid = finding->symptom.tid;
	told.symptom.pid_inside = finding->symptom.pid_inside;
	told.symptom.comm = finding->symptom.comm;
	told.symptom.fd = finding->symptom.fd;
	told.symptom.stack = finding->symptom.stack;
	told.symptom.stack_count = finding->symptom.stack_count;
	*finding = told;
}

static void excuse(struct sw_finding *finding, const struct sw_finding *shown)
{
	finding->severity = shown->severity;
	finding->recovered_ns = shown->recovered_ns;
	finding->recovered_by = shown->recovered_by;
}

static bool is_unexplained(const struct sw_finding *finding)
{
	return !strcmp(finding->verdict, "unexplained");
}

static void settle(struct sw_finding *finding, const struct sw_finding *shown)
{
	bool unsure = is_unexplained(finding) || finding->confidence <= shown->confidence;

	if (!strcmp(finding->verdict, shown->verdict)) {
		if (shown->severity < finding->severity)
			excuse(finding, shown);
	} else if (unsure && !is_unexplained(shown) && finding->severity != SW_SEVERITY_NOTE) {
		replace(finding, shown);
	}
}

static void adopt(struct sw_groups *groups, const struct sw_finding *shown, bool named)
{
	struct sw_finding *finding = SW_ARRAY_ADD(&groups->findings);

	*finding = *shown;
	*SW_ARRAY_ADD(&groups->attempts) = 0;
	*SW_ARRAY_ADD(&groups->listening) = false;
	if (named)
		return;
	finding->severity = SW_SEVERITY_NOTE;
	finding->confidence = SW_CONFIDENCE_POSSIBLE;
	char **texts = sw_arena_alloc(groups->arena, (finding->not_observed.count + 1) * sizeof *texts);

	memcpy(texts + 1, finding->not_observed.items, finding->not_observed.count * sizeof *texts);
	texts[0] = sw_arena_strdup(groups->arena, "whose connection it was: the log does not name it");
	finding->not_observed = (struct sw_texts){finding->not_observed.count + 1, texts};
}

void sw_groups_beside(struct sw_groups *groups, const struct sw_report *alone,
		      bool (*named)(void *context, const struct sw_finding *finding), void *context)
{
	size_t own = groups->findings.count;

	for (size_t i = 0; i < alone->finding_count && groups->findings.count < SW_GROUPS_MAX; i++) {
		const struct sw_finding *shown = &alone->findings[i];
		size_t all = groups->findings.count;

		groups->findings.count = own; /* what was adopted is no match for the next */
		struct sw_finding *finding = match(groups, shown);

		groups->findings.count = all;
		if (finding)
			settle(finding, shown);
		else
			adopt(groups, shown, named(context, shown));
	}
}
