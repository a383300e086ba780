/* The lists of a finding: facts that were read, what it usually means, what to do, what was ruled out and not seen.
 * Enters: a judgement. Leaves: arrays in the arena. */
#include <string.h>

#include "correlate/findings/finding_internal.h"
#include "correlate/findings/words.h"
#include "src/base/arena.h"
#include "src/base/clock.h"
#include "src/base/mem.h"

#define RULED_OUT_MAX 6

static void add_text(struct sw_texts *texts, char *text, size_t room, struct sw_arena *arena)
{
	if (!text)
		return;
	if (!texts->items)
		texts->items = sw_arena_alloc(arena, room * sizeof *texts->items);
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return;
	if (texts->count < room)
		texts->items[texts->count++] = text;
}

static void tell_facts(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_judgement *judgement = telling->judgement;
	struct sw_reads reads = judgement->winner.reads;
	size_t room = 0;

	for (size_t i = 0; i < judgement->alternative_count; i++)
		for (size_t word = 0; word < SW_COUNT(reads.bits); word++)
			reads.bits[word] |= judgement->alternatives[i].reads.bits[word];
	for (size_t word = 0; word < SW_COUNT(reads.bits); word++)
		room += (size_t)__builtin_popcountll(reads.bits[word]);
	finding->facts = sw_arena_alloc(telling->arena, (room + 1) * sizeof *finding->facts);
	for (enum sw_fact_id id = 0; id < SW_FACT_COUNT; id++)
		if (sw_reads_has(&reads, id) && sw_fact_known(telling->facts, id))
			finding->facts[finding->fact_count++] = sw_fact_as_field(telling->facts, id);
}

static void tell_next(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_judged *winner = &telling->judgement->winner;
	const struct sw_rule_next *rows = winner->match.next ? winner->match.next : winner->rule->next;

	finding->next = sw_arena_alloc(telling->arena, SW_RULE_TEXTS * sizeof *finding->next);
	for (size_t i = 0; i < SW_RULE_TEXTS && rows[i].where; i++) {
		const struct sw_rule_next *row = &rows[i];
		bool peer_is_here = telling->facts->remote_ours && strcmp(row->where, "peer") == 0;
		struct sw_next next = {.where = peer_is_here ? "here" : row->where};

		next.text = sw_words_fill(row->text, telling->facts, telling->arena);
		next.command = sw_words_command(row->command, telling->facts, telling->arena);
		next.expect = sw_words_fill(row->expect, telling->facts, telling->arena);
		if (next.text && (next.command || !row->command))
			finding->next[finding->next_count++] = next;
	}
}

static const char *title_of(const struct sw_rule *rule)
{
	return rule->noun ? rule->noun : rule->title;
}

static void tell_others(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_judgement *judgement = telling->judgement;

	finding->alternatives =
		sw_arena_alloc(telling->arena, (judgement->alternative_count + 1) * sizeof *finding->alternatives);
	for (size_t i = 0; i < judgement->alternative_count; i++) {
		const struct sw_judged *other = &judgement->alternatives[i];

		finding->alternatives[finding->alternative_count++] =
			(struct sw_alternative){.verdict = other->rule->code,
						.title = title_of(other->rule),
						.confidence = other->match.confidence};
	}
	finding->ruled_out = sw_arena_alloc(telling->arena, (judgement->near_count + 1) * sizeof *finding->ruled_out);
	for (size_t i = 0; i < judgement->near_count && finding->ruled_out_count < RULED_OUT_MAX; i++) {
		const struct sw_judged *near_one = &judgement->near[i];
		char *because = sw_words_fill(near_one->match.near, telling->facts, telling->arena);

		if (because)
			finding->ruled_out[finding->ruled_out_count++] = (struct sw_alternative){
				.verdict = near_one->rule->code, .title = title_of(near_one->rule), .because = because};
	}
}

/* "any packet: no right to capture packets: use sudo ...": how to get the right is said once, among the limits. */
static char *without_advice(char *text)
{
	char *first = text ? strstr(text, ": ") : NULL, *second = first ? strstr(first + 2, ": ") : NULL;

	if (second)
		*second = '\0';
	return text;
}

static void tell_unseen(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_judgement *judgement = telling->judgement;
	const struct sw_facts *facts = telling->facts;
	const size_t room = SW_RULE_TEXTS + 6;
	struct sw_texts *unseen = &finding->not_observed;
	const struct sw_symptom_context *context = telling->context;
	bool sure = finding->confidence == SW_CONFIDENCE_CERTAIN;
	char text[64];

	for (uint32_t i = 0; i < judgement->winner.match.unseen_count; i++)
		add_text(unseen, sw_words_fill(judgement->winner.match.unseen[i], facts, telling->arena), room,
			 telling->arena);
	if (sw_telling_order_unsure(telling) && context->exits_unknown)
		add_text(unseen, sw_arena_strdup(telling->arena, "when calls returned (strace -T)"), room,
			 telling->arena);
	else if (sw_telling_order_unsure(telling))
		add_text(unseen,
			 sw_arena_format(telling->arena,
					 "the order of calls and packets within %s: their clocks are not known better",
					 sw_duration_text(context->clock_error_ns + context->stamp_error_ns, text)),
			 room, telling->arena);
	if (sw_telling_joined_late(telling))
		add_text(unseen, sw_arena_strdup(telling->arena, "what passed before the capture's first packet"), room,
			 telling->arena);
	if (sw_telling_unread(telling))
		add_text(unseen,
			 sw_arena_strdup(telling->arena,
					 "what was said: the capture cut it off (tcpdump -s 0 or -s 256)"),
			 room, telling->arena);
	if (context->calls_shown)
		add_text(
			unseen,
			sw_arena_strdup(telling->arena,
					"which call of which process it was, and what it was told: a log would show it "
					"(strace -f -ttt -T -yy -o FILE)"),
			room, telling->arena);
	if (sure || !facts->family_is_ip)
		return;
	if (!facts->packets_available)
		add_text(unseen, without_advice(sw_words_fill("any packet: {absence_why}", facts, telling->arena)),
			 room, telling->arena);
	else if (!facts->absence_counts)
		add_text(unseen,
			 sw_words_fill("whether what is missing was not there: {absence_why}", facts, telling->arena),
			 room, telling->arena);
}

void sw_telling_lists(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_rule *rule = telling->judgement->winner.rule;
	const char *usually = telling->judgement->winner.match.usually;

	if (usually)
		add_text(&finding->usually, sw_words_fill(usually, telling->facts, telling->arena), SW_RULE_TEXTS,
			 telling->arena);
	for (size_t i = 0; !usually && i < SW_RULE_TEXTS && rule->usually[i]; i++)
		add_text(&finding->usually, sw_words_fill(rule->usually[i], telling->facts, telling->arena),
			 SW_RULE_TEXTS, telling->arena);
	tell_next(telling, finding);
	tell_others(telling, finding);
	tell_unseen(telling, finding);
	sw_telling_tried(telling, finding);
	tell_facts(telling, finding);
}
