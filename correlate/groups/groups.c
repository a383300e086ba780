/* Groups: symptoms judged one by one, those with one cause made one finding.
 *
 * Enters: kept debts in the order they began. Leaves: findings with counts, occurrences, fingerprints and contrast; their order
 * is made in groups_rank.c. A symptom's own texts are made in an arena of its own, so that ten thousand refusals cost as much
 * memory as one. */
#include "correlate/groups/groups_internal.h"

#include <stdio.h>
#include <string.h>

#include "correlate/findings/finding.h"
#include "correlate/findings/frames.h"
#include "correlate/findings/origins.h"
#include "src/base/arena.h"
#include "src/base/names.h"

void sw_groups_fingerprint(const char *key, char fingerprint[17])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const unsigned char *at = (const unsigned char *)key; *at; at++)
		hash = (hash ^ *at) * UINT64_C(0x100000001b3);
	snprintf(fingerprint, 17, "%016llx", (unsigned long long)hash);
}

static void where_text(const struct sw_symptom_context *context, char *text)
{
	const struct sw_addr *target = context->target;

	const struct sw_socket_seen *socket = context->socket;

	*text = 0;
	if (socket &&
	    (socket->socket.flags &
	     (SW_SOCKET_ACCEPTED | SW_SOCKET_LISTENING))) /* clients come from any port: the service is the end */
		snprintf(text, SW_ADDR_TEXT, "port %u", socket->socket.local.endpoint.port);
	else if (context->name)
		snprintf(text, SW_ADDR_TEXT, "%s", context->name);
	else if (target && target->present)
		sw_addr_text(target, text);
}

static void key_of(char *key, const struct sw_finding *finding, const struct sw_symptom_context *context)
{
	char where[SW_ADDR_TEXT];

	where_text(context, where);
	snprintf(key, SW_GROUP_KEY, "%s|%s|%s|%s", finding->verdict, sw_locus_name(finding->locus),
		 sw_errno_name(finding->symptom.error), where);
}

static uint32_t count_alike(struct sw_groups *groups, const struct sw_symptom_context *context)
{
	char key[SW_GROUP_KEY], where[SW_ADDR_TEXT];
	struct alike *alike;

	where_text(context, where);
	snprintf(key, sizeof key, "%d|%d|%s", context->debt->sys, context->debt->error, where);
	HASH_FIND_STR(groups->alikes, key, alike);
	if (!alike && HASH_COUNT(groups->alikes) >= SW_GROUPS_MAX)
		return 0;
	if (!alike) {
		alike = sw_alloc(sizeof *alike);
		strcpy(alike->key, key);
		HASH_ADD_STR(groups->alikes, key, alike);
	}
	return alike->count++;
}

/* What the grouping knows and a single symptom's judge does not: a missing service that nobody needs is a note whatever came
 * of it; a try that was made good still cost its time. */
static void weigh(struct sw_finding *finding, const struct sw_symptom_context *context,
		  const struct sw_debt_state *debt)
{
	const struct sw_attempt_seen *attempt = context->attempt;

	if (context->debt->outcome == SW_OUTCOME_LOST || context->debt->outcome == SW_OUTCOME_FAILED)
		finding->lost_bytes = sw_symptom_lost_bytes(debt, context->flow);
	if (sw_symptom_is_optional(context)) {
		finding->severity = SW_SEVERITY_NOTE;
		return;
	}
	if (finding->severity == SW_SEVERITY_NOTE && attempt && attempt->recovered_in_time &&
	    context->debt->operation == SW_OPERATION_CONNECT &&
	    context->debt->ended_ns - context->debt->began_ns >= context->slow_ns)
		finding->severity = SW_SEVERITY_SLOW;
}

static bool outranks(const struct sw_finding *a, const struct sw_finding *b)
{
	if (a->severity != b->severity)
		return a->severity > b->severity;
	return a->confidence > b->confidence;
}

/* Room for 1, 4, 16, 64 of them, and for all, as it is needed: most findings have one. */
static bool is_full(size_t count)
{
	return count == 0 || count == 1 || count == 4 || count == 16 || count == 64;
}

void sw_group_occurrence(struct sw_groups *groups, struct sw_finding *finding, const struct sw_occurrence *occurrence)
{
	size_t count = finding->occurrence_count;

	if (count >= SW_OCCURRENCES_MAX)
		return;
	if (is_full(count)) {
		size_t wanted = count ? 4 * count : 1, room = wanted < SW_OCCURRENCES_MAX ? wanted : SW_OCCURRENCES_MAX;
		struct sw_occurrence *more = sw_arena_alloc(groups->arena, room * sizeof *more);

		if (count)
			memcpy(more, finding->occurrences, count * sizeof *more);
		finding->occurrences = more;
	}
	finding->occurrences[finding->occurrence_count++] = *occurrence;
}

/* Makes the finding again in the report's arena, and carries over what the group has gathered. */
static void represent(struct sw_groups *groups, size_t index, const struct sw_symptom_context *context,
		      const struct sw_debt_state *debt, const char *key)
{
	struct sw_arena *arena = groups->arena;
	struct sw_finding *place = &groups->findings.items[index], old = *place;

	if (!sw_finding_make(place, context, arena))
		return;
	for (size_t i = 0; i < place->fact_count;
	     i++) /* they may stand in the kernel's facts, which end with the correlator */
		place->facts[i].text = sw_arena_strdup(arena, place->facts[i].text);
	weigh(place, context, debt);
	sw_groups_fingerprint(key, place->fingerprint);
	sw_peers_words(&context->contrast, context->target, &place->meanwhile, arena);
	groups->attempts.items[index] = context->debt->attempt;
	groups->listening.items[index] = context->socket && (context->socket->socket.flags & SW_SOCKET_LISTENING);
	if (!old.count)
		return;
	place->count = old.count;
	place->began_ns = old.began_ns;
	place->surfaced_ns = old.surfaced_ns;
	place->lost_ns = old.lost_ns;
	place->lost_calls = old.lost_calls;
	place->lost_bytes = old.lost_bytes;
	place->occurrence_count = old.occurrence_count;
	place->occurrences = old.occurrences;
}

static struct group *group_new(struct sw_groups *groups, const char *key, const struct sw_symptom_context *context,
			       const struct sw_debt_state *debt)
{
	struct group *group = sw_alloc(sizeof *group);

	strcpy(group->key, key);
	group->finding = groups->findings.count;
	HASH_ADD_STR(groups->by_key, key, group);
	SW_ARRAY_ADD(&groups->findings);
	SW_ARRAY_ADD(&groups->attempts);
	SW_ARRAY_ADD(&groups->listening);
	represent(groups, group->finding, context, debt, key);
	return group;
}

static void join(struct sw_groups *groups, struct group *group, const struct sw_finding *once,
		 const struct sw_symptom_context *context, const struct sw_debt_state *debt)
{
	struct sw_finding *finding = &groups->findings.items[group->finding];

	finding->count++;
	finding->lost_ns += once->lost_ns;
	finding->lost_calls += once->lost_calls;
	finding->lost_bytes += once->lost_bytes;
	if (once->began_ns < finding->began_ns)
		finding->began_ns = once->began_ns;
	if (once->surfaced_ns > finding->surfaced_ns)
		finding->surfaced_ns = once->surfaced_ns;
	if (once->occurrence_count)
		sw_group_occurrence(groups, finding, &once->occurrences[0]);
	if (outranks(once, finding))
		represent(groups, group->finding, context, debt, group->key);
}

static void note_last(struct sw_groups *groups, struct group *group, const struct sw_finding *once)
{
	struct sw_finding *finding = &groups->findings.items[group->finding];

	if (once->surfaced_ns < group->last_ns)
		return;
	/* The group has recovered when the last of it has; an earlier success that did not hold is none. */
	group->last_ns = once->surfaced_ns;
	finding->recovered_ns = once->recovered_ns;
	free(group->recovered_by); /* not in the arena: of days of flapping only the last is told */
	finding->recovered_by = group->recovered_by = once->recovered_by ? sw_strdup(once->recovered_by) : NULL;
}

/* What was said of it while the session ran, where that is no longer so. */
static void note_said(struct sw_finding *finding, const struct sw_debt_state *debt, const struct sw_finding *once)
{
	if (!debt->said_verdict || finding->said_verdict ||
	    (!strcmp(debt->said_verdict, once->verdict) && debt->said_severity <= once->severity))
		return;
	finding->said_verdict = debt->said_verdict;
	finding->said_severity = debt->said_severity;
	finding->said_ns = debt->said_ns;
}

static void put(struct sw_groups *groups, const struct sw_finding *once, const struct sw_symptom_context *context,
		const struct sw_debt_state *debt)
{
	char key[SW_GROUP_KEY];
	struct group *group;

	key_of(key, once, context);
	HASH_FIND_STR(groups->by_key, key, group);
	if (group)
		join(groups, group, once, context, debt);
	else if (groups->findings.count < SW_GROUPS_MAX)
		group = group_new(groups, key, context, debt);
	if (!group) {
		groups->left_out++;
		return;
	}
	note_last(groups, group, once);
	note_said(&groups->findings.items[group->finding], debt, once);
}

bool sw_groups_take(struct sw_groups *groups, struct sw_debt_state *debt, const struct sw_sources *sources,
		    struct sw_taken *taken)
{
	struct sw_arena *scratch = sw_arena_new();
	struct sw_symptom_context context;
	struct sw_finding once;
	bool made;

	sw_symptom_fill(&context, sources, debt, scratch);
	context.same_before = count_alike(groups, &context);
	memset(&once, 0, sizeof once);
	made = sw_finding_judge(&once, &context, scratch);
	if (made) {
		weigh(&once, &context, debt);
		put(groups, &once, &context, debt);
		if (debt->socket && sw_socket_is_ip(debt->socket) && context.absence != SW_ABSENCE_COUNTS)
			groups->none_counts = true;
		if (taken)
			*taken = (struct sw_taken){once.verdict, once.severity};
	}
	sw_arena_free(scratch);
	return made;
}

/* "exited 1, 16 ms after the last of them" */
static void tell_program(struct sw_finding *finding, const struct sw_sources *sources, struct sw_arena *arena)
{
	const struct sw_process_seen *process = sw_processes_get(sources->processes, finding->symptom.pid);
	char after[32];

	if (!process || !process->exited ||
	    process->exit_ns < finding->surfaced_ns) /* of many processes, the command */
		process = sw_processes_command(sources->processes);
	if (!process || !process->exited || process->exit_ns < finding->surfaced_ns)
		return;
	const char *it = finding->count > 1 ? "the last of them" : "it";
	sw_auto_free char *end = process->signal ? sw_format("killed by %s", sw_signal_name(process->signal)) :
						   sw_format("exited %d", process->code);

	if (process->exit_ns - finding->surfaced_ns < SW_NS_PER_MS) {
		finding->program = sw_arena_format(arena, "%s with %s", end, it);
		return;
	}
	sw_duration_text(process->exit_ns - finding->surfaced_ns, after);
	finding->program = sw_arena_format(arena, "%s, %s after %s", end, after, it);
}

struct sw_groups *sw_groups_new(struct sw_arena *arena)
{
	struct sw_groups *groups = sw_alloc(sizeof *groups);

	groups->arena = arena;
	return groups;
}

void sw_groups_free(struct sw_groups *groups)
{
	struct group *group, *next_group;
	struct alike *alike, *next_alike;

	HASH_ITER (hh, groups->by_key, group, next_group) {
		HASH_DEL(groups->by_key, group);
		free(group->recovered_by);
		free(group);
	}
	HASH_ITER (hh, groups->alikes, alike, next_alike) {
		HASH_DEL(groups->alikes, alike);
		free(alike);
	}
	SW_ARRAY_RELEASE(&groups->findings);
	SW_ARRAY_RELEASE(&groups->attempts);
	SW_ARRAY_RELEASE(&groups->listening);
	free(groups);
}

void sw_groups_report(struct sw_groups *groups, struct sw_report *report, const struct sw_sources *sources)
{
	const struct sw_process_seen *command = sw_processes_command(sources->processes);

	sw_groups_fold(groups);
	for (size_t i = 0; i < groups->findings.count; i++) {
		struct sw_finding *finding = &groups->findings.items[i];

		finding->recovered_by = sw_arena_strdup(groups->arena, finding->recovered_by);
		tell_program(finding, sources, groups->arena);
		/* Where somebody else's address came from: not that of a name server, nor what bind was given. */
		bool binds = finding->symptom.call && strcmp(finding->symptom.call, "bind") == 0;

		if (finding->symptom.operation != SW_OPERATION_LOOKUP && !binds)
			sw_origin_tell(&finding->flow, sources, finding->symptom.pid, finding->began_ns, groups->arena);
		sw_finding_said(finding, sources, groups->arena);
		finding->symptom.stack = sw_frames_name(sources->frames, finding->symptom.stack,
							&finding->symptom.stack_count, groups->arena);
		sw_finding_counted(finding, groups->arena);
	}
	sw_groups_rank(groups->findings.items, groups->findings.count, groups->attempts.items,
		       command ? command->pid : 0);
	report->finding_count = groups->findings.count;
	if (report->finding_count)
		report->findings = sw_arena_copy(groups->arena, groups->findings.items,
						 report->finding_count * sizeof *report->findings);
	report->complete = !groups->none_counts;
}
