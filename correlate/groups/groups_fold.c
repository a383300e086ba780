/* Groups folded: one cause that shows as several groups is one finding.
 *
 * Enters: groups with their findings. Leaves: fewer of them, or a lower severity. Judges no single symptom. */
#include <string.h>

#include "correlate/groups/groups_internal.h"
#include "src/base/arena.h"

static bool overlaps(const struct sw_finding *a, const struct sw_finding *b)
{
	return a->began_ns <= b->surfaced_ns && b->began_ns <= a->surfaced_ns;
}

static void fold(struct sw_groups *groups, struct sw_finding *service, const struct sw_finding *client)
{
	service->count += client->count;
	service->lost_ns += client->lost_ns;
	if (client->began_ns < service->began_ns)
		service->began_ns = client->began_ns;
	if (client->surfaced_ns > service->surfaced_ns)
		service->surfaced_ns = client->surfaced_ns;
	for (size_t i = 0; i < client->occurrence_count; i++)
		sw_group_occurrence(groups, service, &client->occurrences[i]);
}

/* A program that serves nobody leaves both behind: clients whose request it had read, and clients that it never accepted. That
 * is one cause, and what happened at the listener tells it. */
static bool folded(struct sw_groups *groups, size_t index)
{
	const struct sw_finding *client = &groups->findings.items[index];

	if (client->symptom.outcome != SW_OUTCOME_UNSERVED || groups->listening.items[index])
		return false;
	for (size_t i = 0; i < groups->findings.count; i++) {
		struct sw_finding *service = &groups->findings.items[i];

		if (groups->listening.items[i] && service->symptom.outcome == SW_OUTCOME_UNSERVED &&
		    service->symptom.pid == client->symptom.pid && overlaps(service, client)) {
			fold(groups, service, client);
			return true;
		}
	}
	return false;
}

/* Who came while accept failed for want of a descriptor is what that failure did. */
static bool told_by_accept(const struct sw_groups *groups, size_t index)
{
	const struct sw_finding *behind = &groups->findings.items[index];

	if (behind->symptom.outcome != SW_OUTCOME_UNSERVED || strcmp(behind->verdict, "accept-fd-limit") != 0)
		return false;
	for (size_t i = 0; i < groups->findings.count; i++) {
		const struct sw_finding *accept = &groups->findings.items[i];

		if (accept->symptom.operation == SW_OPERATION_CALL && !strcmp(accept->verdict, behind->verdict) &&
		    accept->symptom.pid == behind->symptom.pid)
			return true;
	}
	return false;
}

static void forget(struct sw_groups *groups, size_t i)
{
	size_t last = --groups->findings.count;

	groups->findings.items[i] = groups->findings.items[last];
	groups->attempts.items[i] = groups->attempts.items[last];
	groups->listening.items[i] = groups->listening.items[last];
}

static void fold_unserved(struct sw_groups *groups)
{
	for (size_t i = groups->findings.count; i-- > 0;) {
		if (told_by_accept(groups, i) || folded(groups, i))
			forget(groups, i);
	}
}

/* The family that this host does not have. */
static bool is_family_missing(const struct sw_finding *finding)
{
	return !strcmp(finding->verdict, "no-route") || !strcmp(finding->verdict, "address-unusable") ||
	       !strcmp(finding->verdict, "family-unsupported");
}

/* A program that tries every address of a name meets the family that its host does not have at all, on every day. What stopped it
 * today is what the other family was told. */
static void excuse_missing_family(struct sw_groups *groups)
{
	struct sw_finding *all = groups->findings.items;

	for (size_t i = 0; i < groups->findings.count; i++) {
		if (!is_family_missing(&all[i]) || !groups->attempts.items[i] || all[i].severity != SW_SEVERITY_FAILURE)
			continue;
		for (size_t j = 0; j < groups->findings.count; j++) {
			if (groups->attempts.items[j] == groups->attempts.items[i] &&
			    all[j].flow.remote.family != all[i].flow.remote.family &&
			    all[j].severity == SW_SEVERITY_FAILURE && !is_family_missing(&all[j]))
				all[i].severity = SW_SEVERITY_NOTE;
		}
	}
}

static bool same_words(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* One name's addresses of both families, tried in one attempt and told the same: one cause, and both ends are named. */
static bool is_other_family(const struct sw_groups *groups, size_t i, size_t j)
{
	const struct sw_finding *a = &groups->findings.items[i], *b = &groups->findings.items[j];

	return groups->attempts.items[i] && groups->attempts.items[i] == groups->attempts.items[j] &&
	       a->symptom.operation == SW_OPERATION_CONNECT && b->symptom.operation == SW_OPERATION_CONNECT &&
	       same_words(a->verdict, b->verdict) && a->severity == b->severity && a->locus == b->locus &&
	       a->symptom.error == b->symptom.error && a->flow.remote.present && b->flow.remote.present &&
	       a->flow.remote.family != b->flow.remote.family;
}

static void name_other_family(struct sw_finding *finding, const struct sw_finding *other, struct sw_arena *arena)
{
	char **texts = sw_arena_alloc(arena, (finding->meanwhile.count + 1) * sizeof *texts);
	char text[SW_ADDR_TEXT];

	for (size_t i = 0; i < finding->meanwhile.count; i++)
		texts[i + 1] = finding->meanwhile.items[i];
	texts[0] = sw_arena_format(arena, "%s ended the same way", sw_addr_text(&other->flow.remote, text));
	finding->meanwhile.items = texts;
	finding->meanwhile.count++;
}

static void fold_families(struct sw_groups *groups)
{
	for (size_t i = 0; i < groups->findings.count; i++) {
		for (size_t j = i + 1; j < groups->findings.count; j++) {
			if (!is_other_family(groups, i, j))
				continue;
			fold(groups, &groups->findings.items[i], &groups->findings.items[j]);
			name_other_family(&groups->findings.items[i], &groups->findings.items[j], groups->arena);
			forget(groups, j--);
		}
	}
}

void sw_groups_fold(struct sw_groups *groups)
{
	fold_unserved(groups);
	excuse_missing_family(groups);
	fold_families(groups);
}
