/* Groups: symptoms judged one by one, those with one cause made one finding.
 *
 * Enters: kept debts in the order they began. Leaves: findings with counts, occurrences, fingerprints and contrast; their order
 * is made in groups_rank.c. A symptom's own texts are made in an arena of its own, so that ten thousand refusals cost as much
 * memory as one. */
#include "correlate/groups.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "correlate/finding.h"
#include "src/base/arena.h"
#include "src/base/names.h"

#define KEY_MAX (SW_ADDR_TEXT + 128)

struct group {
	char key[KEY_MAX];
	size_t finding; /* index */
	bool recovered; /* the last of its symptoms was made good */
	int64_t last_ns;
	UT_hash_handle hh;
};

struct alike { /* how many symptoms like this one came before */
	char key[KEY_MAX];
	uint32_t count;
	UT_hash_handle hh;
};

struct grouping {
	struct sw_report *report;
	const struct sw_sources *sources;
	struct group *groups;
	struct alike *alikes;
	SW_ARRAY(struct sw_finding) findings;
	SW_ARRAY(uint32_t) attempts; /* of each finding's representative */
	SW_ARRAY(bool) listening; /* it is about a listener */
	bool all_count; /* absence counts in every finding over IP */
};

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
	snprintf(key, KEY_MAX, "%s|%s|%s|%s", finding->verdict, sw_locus_name(finding->locus),
		 sw_errno_name(finding->symptom.error), where);
}

static uint32_t count_alike(struct grouping *grouping, const struct sw_symptom_context *context)
{
	char key[KEY_MAX], where[SW_ADDR_TEXT];
	struct alike *alike;

	where_text(context, where);
	snprintf(key, sizeof key, "%d|%d|%s", context->debt->sys, context->debt->error, where);
	HASH_FIND_STR(grouping->alikes, key, alike);
	if (!alike) {
		alike = sw_alloc(sizeof *alike);
		strcpy(alike->key, key);
		HASH_ADD_STR(grouping->alikes, key, alike);
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

static void add_occurrence(struct sw_finding *finding, const struct sw_occurrence *occurrence)
{
	if (finding->occurrence_count < SW_OCCURRENCES_MAX)
		finding->occurrences[finding->occurrence_count++] = *occurrence;
}

/* Makes the finding again in the report's arena, and carries over what the group has gathered. */
static void represent(struct grouping *grouping, size_t index, const struct sw_symptom_context *context,
		      const struct sw_debt_state *debt, const char *key)
{
	struct sw_arena *arena = grouping->report->arena;
	struct sw_finding *place = &grouping->findings.items[index], old = *place;
	struct sw_occurrence *room = old.occurrences;

	if (!sw_finding_make(place, context, arena))
		return;
	for (size_t i = 0; i < place->fact_count;
	     i++) /* they may stand in the kernel's facts, which end with the correlator */
		place->facts[i].text = sw_arena_strdup(arena, place->facts[i].text);
	weigh(place, context, debt);
	sw_groups_fingerprint(key, place->fingerprint);
	sw_peers_words(&context->contrast, context->target, &place->meanwhile, arena);
	grouping->attempts.items[index] = context->debt->attempt;
	grouping->listening.items[index] = context->socket && (context->socket->socket.flags & SW_SOCKET_LISTENING);
	if (old.count) {
		place->count = old.count;
		place->began_ns = old.began_ns;
		place->surfaced_ns = old.surfaced_ns;
		place->lost_ns = old.lost_ns;
		place->lost_calls = old.lost_calls;
		place->lost_bytes = old.lost_bytes;
		place->occurrence_count = old.occurrence_count;
		place->occurrences = room;
		return;
	}
	room = sw_arena_alloc(arena, SW_OCCURRENCES_MAX * sizeof *room);
	if (place->occurrence_count)
		room[0] = place->occurrences[0];
	place->occurrences = room;
}

static struct group *group_new(struct grouping *grouping, const char *key, const struct sw_symptom_context *context,
			       const struct sw_debt_state *debt)
{
	struct group *group = sw_alloc(sizeof *group);

	strcpy(group->key, key);
	group->finding = grouping->findings.count;
	HASH_ADD_STR(grouping->groups, key, group);
	SW_ARRAY_ADD(&grouping->findings);
	SW_ARRAY_ADD(&grouping->attempts);
	SW_ARRAY_ADD(&grouping->listening);
	represent(grouping, group->finding, context, debt, key);
	return group;
}

static void join(struct grouping *grouping, struct group *group, const struct sw_finding *once,
		 const struct sw_symptom_context *context, const struct sw_debt_state *debt)
{
	struct sw_finding *finding = &grouping->findings.items[group->finding];

	finding->count++;
	finding->lost_ns += once->lost_ns;
	finding->lost_calls += once->lost_calls;
	finding->lost_bytes += once->lost_bytes;
	if (once->began_ns < finding->began_ns)
		finding->began_ns = once->began_ns;
	if (once->surfaced_ns > finding->surfaced_ns)
		finding->surfaced_ns = once->surfaced_ns;
	if (once->occurrence_count)
		add_occurrence(finding, &once->occurrences[0]);
	if (outranks(once, finding))
		represent(grouping, group->finding, context, debt, group->key);
}

static void note_last(struct grouping *grouping, struct group *group, const struct sw_finding *once)
{
	struct sw_finding *finding = &grouping->findings.items[group->finding];

	if (once->surfaced_ns < group->last_ns)
		return;
	/* The group has recovered when the last of it has; an earlier success that did not hold is none. */
	group->last_ns = once->surfaced_ns;
	finding->recovered_ns = once->recovered_ns;
	finding->recovered_by = sw_arena_strdup(grouping->report->arena, once->recovered_by);
}

static void take(struct grouping *grouping, struct sw_debt_state *debt)
{
	struct sw_arena *scratch = sw_arena_new();
	struct sw_symptom_context context;
	struct sw_finding once;
	char key[KEY_MAX];
	struct group *group;

	sw_symptom_fill(&context, grouping->sources, debt, scratch);
	context.same_before = count_alike(grouping, &context);
	memset(&once, 0, sizeof once);
	if (sw_finding_make(&once, &context, scratch)) {
		weigh(&once, &context, debt);
		key_of(key, &once, &context);
		HASH_FIND_STR(grouping->groups, key, group);
		if (group)
			join(grouping, group, &once, &context, debt);
		else
			group = group_new(grouping, key, &context, debt);
		note_last(grouping, group, &once);
		if (debt->socket && sw_socket_is_ip(debt->socket) && context.absence != SW_ABSENCE_COUNTS)
			grouping->all_count = false;
	}
	sw_arena_free(scratch);
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

static bool overlaps(const struct sw_finding *a, const struct sw_finding *b)
{
	return a->began_ns <= b->surfaced_ns && b->began_ns <= a->surfaced_ns;
}

static void fold(struct sw_finding *service, const struct sw_finding *client)
{
	service->count += client->count;
	service->lost_ns += client->lost_ns;
	if (client->began_ns < service->began_ns)
		service->began_ns = client->began_ns;
	if (client->surfaced_ns > service->surfaced_ns)
		service->surfaced_ns = client->surfaced_ns;
	for (size_t i = 0; i < client->occurrence_count; i++)
		add_occurrence(service, &client->occurrences[i]);
}

/* A program that serves nobody leaves both behind: clients whose request it had read, and clients that it never accepted. That
 * is one cause, and what happened at the listener tells it. */
static bool folded(struct grouping *grouping, size_t index)
{
	const struct sw_finding *client = &grouping->findings.items[index];

	if (client->symptom.outcome != SW_OUTCOME_UNSERVED || grouping->listening.items[index])
		return false;
	for (size_t i = 0; i < grouping->findings.count; i++) {
		struct sw_finding *service = &grouping->findings.items[i];

		if (grouping->listening.items[i] && service->symptom.outcome == SW_OUTCOME_UNSERVED &&
		    service->symptom.pid == client->symptom.pid && overlaps(service, client)) {
			fold(service, client);
			return true;
		}
	}
	return false;
}

static void forget(struct grouping *grouping, size_t i)
{
	size_t last = --grouping->findings.count;

	grouping->findings.items[i] = grouping->findings.items[last];
	grouping->attempts.items[i] = grouping->attempts.items[last];
	grouping->listening.items[i] = grouping->listening.items[last];
}

static void fold_unserved(struct grouping *grouping)
{
	for (size_t i = grouping->findings.count; i-- > 0;) {
		if (folded(grouping, i))
			forget(grouping, i);
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
static void excuse_missing_family(struct grouping *grouping)
{
	struct sw_finding *all = grouping->findings.items;

	for (size_t i = 0; i < grouping->findings.count; i++) {
		if (!is_family_missing(&all[i]) || !grouping->attempts.items[i] ||
		    all[i].severity != SW_SEVERITY_FAILURE)
			continue;
		for (size_t j = 0; j < grouping->findings.count; j++) {
			if (grouping->attempts.items[j] == grouping->attempts.items[i] &&
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
static bool is_other_family(const struct grouping *grouping, size_t i, size_t j)
{
	const struct sw_finding *a = &grouping->findings.items[i], *b = &grouping->findings.items[j];

	return grouping->attempts.items[i] && grouping->attempts.items[i] == grouping->attempts.items[j] &&
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

static void fold_families(struct grouping *grouping)
{
	for (size_t i = 0; i < grouping->findings.count; i++) {
		for (size_t j = i + 1; j < grouping->findings.count; j++) {
			if (!is_other_family(grouping, i, j))
				continue;
			fold(&grouping->findings.items[i], &grouping->findings.items[j]);
			name_other_family(&grouping->findings.items[i], &grouping->findings.items[j],
					  grouping->report->arena);
			forget(grouping, j--);
		}
	}
}

static void grouping_release(struct grouping *grouping)
{
	struct group *group, *next_group;
	struct alike *alike, *next_alike;

	HASH_ITER (hh, grouping->groups, group, next_group) {
		HASH_DEL(grouping->groups, group);
		free(group);
	}
	HASH_ITER (hh, grouping->alikes, alike, next_alike) {
		HASH_DEL(grouping->alikes, alike);
		free(alike);
	}
	SW_ARRAY_RELEASE(&grouping->findings);
	SW_ARRAY_RELEASE(&grouping->attempts);
	SW_ARRAY_RELEASE(&grouping->listening);
}

void sw_groups_make(struct sw_report *report, struct sw_debts *debts, const struct sw_sources *sources)
{
	struct grouping grouping = {.report = report, .sources = sources, .all_count = true};
	const struct sw_process_seen *command = sw_processes_command(sources->processes);

	for (size_t i = 0; i < sw_debts_kept(debts); i++)
		take(&grouping, sw_debts_at(debts, i));
	fold_unserved(&grouping);
	excuse_missing_family(&grouping);
	fold_families(&grouping);
	for (size_t i = 0; i < grouping.findings.count; i++) {
		struct sw_finding *finding = &grouping.findings.items[i];

		tell_program(finding, sources, report->arena);
		sw_finding_counted(finding, report->arena);
	}
	sw_groups_rank(grouping.findings.items, grouping.findings.count, grouping.attempts.items,
		       command ? command->pid : 0);
	report->finding_count = grouping.findings.count;
	if (report->finding_count)
		report->findings = sw_arena_copy(report->arena, grouping.findings.items,
						 report->finding_count * sizeof *report->findings);
	report->complete = grouping.all_count;
	grouping_release(&grouping);
}
