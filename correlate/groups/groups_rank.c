/* The order of findings: the first is the answer.
 *
 * Enters: findings. Leaves: them sorted, with ids and causes. Rank: severity; unrecovered and last in the process whose status
 * became the command's; time lost; first in time. What was tried after another failure of the same attempt is caused by it and
 * does not compete. */
#include "correlate/groups/groups.h"

#include <string.h>

struct ranked {
	struct sw_finding finding;
	size_t cause; /* index before sorting; itself: none */
	size_t index;
	bool last; /* unrecovered and the last of the command's process */
};

static bool recovered(const struct sw_finding *finding)
{
	return finding->recovered_ns != SW_TIME_NONE;
}

static int by_rank(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	bool left_caused = left->cause != left->index, right_caused = right->cause != right->index;

	if (left->finding.severity != right->finding.severity)
		return left->finding.severity > right->finding.severity ? -1 : 1;
	if (left_caused != right_caused)
		return left_caused ? 1 : -1;
	if (left->last != right->last)
		return left->last ? -1 : 1;
	if (recovered(&left->finding) != recovered(&right->finding))
		return recovered(&left->finding) ? 1 : -1;
	if (left->finding.lost_ns != right->finding.lost_ns)
		return left->finding.lost_ns > right->finding.lost_ns ? -1 : 1;
	if (left->finding.began_ns != right->finding.began_ns)
		return left->finding.began_ns < right->finding.began_ns ? -1 : 1;
	return left->index < right->index ? -1 : 1;
}

/* Somebody waited for us in vain while we waited in vain for somebody else, for most of that time: a proxy and the service behind it. */
static bool waited_itself(const struct sw_finding *served, const struct sw_finding *asked)
{
	int64_t from_ns = asked->began_ns > served->began_ns ? asked->began_ns : served->began_ns;
	int64_t to_ns = asked->ended_ns < served->ended_ns ? asked->ended_ns : served->ended_ns;

	return served->symptom.operation == SW_OPERATION_SERVE && asked->symptom.operation == SW_OPERATION_ANSWER &&
	       served->symptom.pid == asked->symptom.pid && served->severity == asked->severity &&
	       served->ended_ns != SW_TIME_NONE && asked->ended_ns != SW_TIME_NONE &&
	       asked->began_ns >= served->began_ns && 2 * (to_ns - from_ns) >= served->ended_ns - served->began_ns;
}

static void find_causes(struct ranked *ranked, size_t count, const uint32_t *attempts)
{
	for (size_t i = 0; i < count; i++) {
		ranked[i].cause = i;
		for (size_t j = 0; j < count; j++) {
			const struct sw_finding *late = &ranked[i].finding, *early = &ranked[j].finding;

			if (i != j && attempts[i] && attempts[i] == attempts[j] && early->severity == late->severity &&
			    early->ended_ns != SW_TIME_NONE && late->began_ns >= early->ended_ns &&
			    (ranked[i].cause == i || early->began_ns < ranked[ranked[i].cause].finding.began_ns))
				ranked[i].cause = j;
			if (i != j && ranked[i].cause == i && waited_itself(late, early))
				ranked[i].cause = j;
		}
	}
}

static void find_last(struct ranked *ranked, size_t count, uint32_t command)
{
	struct ranked *last = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct sw_finding *finding = &ranked[i].finding;

		if (finding->severity != SW_SEVERITY_FAILURE || recovered(finding) || finding->symptom.pid != command)
			continue;
		if (!last || finding->surfaced_ns > last->finding.surfaced_ns)
			last = &ranked[i];
	}
	if (last)
		last->last = true;
}

void sw_groups_rank(struct sw_finding *findings, size_t count, const uint32_t *attempts, uint32_t command)
{
	struct ranked *ranked = sw_alloc((count + 1) * sizeof *ranked);

	for (size_t i = 0; i < count; i++) {
		ranked[i].finding = findings[i];
		ranked[i].index = i;
	}
	find_causes(ranked, count, attempts);
	find_last(ranked, count, command);
	qsort(ranked, count, sizeof *ranked, by_rank);
	for (size_t i = 0; i < count; i++) {
		findings[i] = ranked[i].finding;
		findings[i].id = (uint32_t)i + 1;
		findings[i].caused_by = 0;
		for (size_t j = 0; ranked[i].cause != ranked[i].index && j < count; j++) {
			if (ranked[j].index == ranked[i].cause)
				findings[i].caused_by = (uint32_t)j + 1;
		}
	}
	free(ranked);
}
