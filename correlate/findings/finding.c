/* See finding.h. Here: judging, severity, cause and summary. */
#include "correlate/findings/finding.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "correlate/findings/finding_internal.h"
#include "correlate/findings/words.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/mem.h"
#include "src/base/names.h"

/* A look-up that the search list or another server made good. */
static bool name_was_found(const struct sw_symptom_context *context)
{
	return context->debt->operation == SW_OPERATION_LOOKUP && context->debt->outcome != SW_OUTCOME_SLOW &&
	       context->lookup && sw_lookup_found(context->lookup);
}

static enum sw_severity severity_of(const struct sw_symptom_context *context, const struct sw_match *match)
{
	bool late = context->debt->outcome == SW_OUTCOME_SLOW || context->debt->outcome == SW_OUTCOME_DONE;

	if (context->attempt && context->attempt->recovered_in_time)
		return SW_SEVERITY_NOTE;
	if (name_was_found(context))
		return SW_SEVERITY_NOTE;
	if (match->severity >= 0)
		return (enum sw_severity)match->severity;
	return late ? SW_SEVERITY_SLOW : SW_SEVERITY_FAILURE;
}

/* Facts that come of holding times of calls against times of packets. To add one: its name. */
static const enum sw_fact_id order_facts[] = {
	SW_FACT_synack_late,     SW_FACT_synack_after_end, SW_FACT_rst_late,         SW_FACT_icmp_after_begin,
	SW_FACT_request_sent,    SW_FACT_answer_begun,     SW_FACT_answer_after_end, SW_FACT_answer_in_time,
	SW_FACT_answered_before, SW_FACT_peer_quiet,       SW_FACT_waited_meanwhile, SW_FACT_part_data_waiting,
	SW_FACT_part_window,     SW_FACT_part_nagle,       SW_FACT_part_send_buffer, SW_FACT_part_loss,
	SW_FACT_part_round_trip, SW_FACT_part_peer,        SW_FACT_part_application, SW_FACT_part_most,
};

bool sw_telling_order_unsure(const struct sw_telling *telling)
{
	const struct sw_symptom_context *context = telling->context;
	const struct sw_judged *winner = &telling->judgement->winner;
	bool by_time = context->flow && context->link == SW_LINK_TIME;

	if (!winner->match.packet_count ||
	    (context->clock_error_ns + context->stamp_error_ns <= SW_CLOCK_UNSURE_NS && !context->exits_unknown))
		return false;
	for (size_t i = 0; i < SW_COUNT(order_facts) && !by_time; i++)
		by_time = sw_reads_has(&winner->reads, order_facts[i]) && sw_fact_known(telling->facts, order_facts[i]);
	return by_time;
}

bool sw_telling_joined_late(const struct sw_telling *telling)
{
	const struct sw_symptom_context *context = telling->context;

	return context->imported && context->flow && context->flow->began_before &&
	       context->capture_from_ns != SW_TIME_NONE && context->debt->began_ns < context->capture_from_ns;
}

bool sw_telling_unread(const struct sw_telling *telling)
{
	const struct sw_flow *flow = telling->context->flow;

	return telling->context->imported && flow && flow->protocol == IPPROTO_TCP &&
	       telling->context->debt->operation != SW_OPERATION_CONNECT &&
	       (flow->side[SW_SIDE_OURS].unread || flow->side[SW_SIDE_PEER].unread);
}

/* What makes every verdict less sure, whatever the rule: an unsure clock, calls that were not all seen. */
static enum sw_confidence confidence_of(const struct sw_telling *telling)
{
	const struct sw_symptom_context *context = telling->context;
	enum sw_confidence confidence = telling->judgement->winner.match.confidence;
	bool foreign = context->socket && context->socket->foreign;
	bool owed = context->debt->operation == SW_OPERATION_ANSWER ||
		    context->debt->operation == SW_OPERATION_GREETING;
	/* Without the calls that went well it is not known what was asked. */
	enum sw_confidence most = context->successes_lacking && owed ? SW_CONFIDENCE_POSSIBLE : SW_CONFIDENCE_LIKELY;

	if (context->calls_shown || (context->successes_lacking && telling->facts->family_is_ip))
		confidence = confidence < most ? confidence : most;
	if ((foreign || sw_telling_order_unsure(telling) || sw_telling_joined_late(telling) ||
	     sw_telling_unread(telling)) &&
	    confidence > SW_CONFIDENCE_LIKELY)
		confidence = SW_CONFIDENCE_LIKELY;
	return confidence;
}

static char *cause_of(const struct sw_telling *telling)
{
	const struct sw_judged *winner = &telling->judgement->winner;
	char *cause = sw_words_fill(winner->match.cause, telling->facts, telling->arena);

	for (size_t i = 0; !cause && i < SW_RULE_TEXTS && winner->rule->cause[i]; i++)
		cause = sw_words_fill(winner->rule->cause[i], telling->facts, telling->arena);
	return cause ? cause : sw_arena_strdup(telling->arena, winner->rule->title);
}

/* ---- the summary ------------------------------------------------------------------------------------------------- */

static void write_what(FILE *out, const struct sw_finding *finding)
{
	const struct sw_symptom *symptom = &finding->symptom;
	static const char *const phrases[] = {
		[SW_OPERATION_CONNECT] = "connect to",
		[SW_OPERATION_LOOKUP] = "looking up",
		[SW_OPERATION_HANDSHAKE] = "TLS handshake with",
		[SW_OPERATION_DRAIN] = "sending to",
		[SW_OPERATION_ANSWER] = "waiting for the answer of",
		[SW_OPERATION_GREETING] = "waiting for the first word of",
		[SW_OPERATION_DATAGRAM] = "asking",
		[SW_OPERATION_SERVE] = "serving",
	};
	const char *phrase = (size_t)symptom->operation < SW_COUNT(phrases) ? phrases[symptom->operation] : NULL;

	fputs(phrase ? phrase : symptom->call ? symptom->call : "a call", out);
}

static void write_where(FILE *out, const struct sw_finding *finding)
{
	const struct sw_flow_summary *flow = &finding->flow;
	const struct sw_addr *end = finding->symptom.operation == SW_OPERATION_CALL && flow->local.present ?
					    &flow->local :
				    flow->remote.present ? &flow->remote :
							   &flow->local;
	char text[SW_ADDR_TEXT];

	if (finding->symptom.operation == SW_OPERATION_LOOKUP && flow->name) {
		fprintf(out, " %s", flow->name);
		return;
	}
	if (!end->present)
		return;
	sw_addr_text(end, text);
	if (flow->name && end == &flow->remote && strcmp(flow->name, text) != 0)
		fprintf(out, " %s (%s)", flow->name, text);
	else
		fprintf(out, " %s", text);
}

static void write_outcome(FILE *out, const struct sw_finding *finding)
{
	const struct sw_symptom *symptom = &finding->symptom;
	char text[64];

	sw_duration_text(symptom->duration_ns, text);
	switch (symptom->outcome) {
	case SW_OUTCOME_GAVE_UP: fprintf(out, " was given up after %s", text); break;
	case SW_OUTCOME_HUNG:
	case SW_OUTCOME_OPEN: fprintf(out, " was still waiting after %s", text); break;
	case SW_OUTCOME_SLOW:
	case SW_OUTCOME_DONE: fprintf(out, " took %s", text); break;
	case SW_OUTCOME_EOF: fputs(" ended with end of file", out); break;
	case SW_OUTCOME_ANSWERED_NO: fputs(" was answered no", out); break;
	case SW_OUTCOME_LOST: fputs(" said success, and the bytes never arrived", out); break;
	case SW_OUTCOME_UNSERVED: fputs(" left a peer without service", out); break;
	default:
		fprintf(out, " failed%s%s", symptom->error ? " with " : "",
			symptom->error ? sw_errno_name(symptom->error) : "");
	}
}

void sw_finding_summarize(struct sw_finding *finding, struct sw_arena *arena)
{
	sw_auto_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	char duration[64], *cause;

	if (!out)
		abort();
	write_what(out, finding);
	write_where(out, finding);
	write_outcome(out, finding);
	if (finding->count > 1)
		fprintf(out, ", %u times in %s", finding->count,
			sw_duration_text(finding->surfaced_ns - finding->began_ns, duration));
	cause = sw_words_article(finding->cause, finding->count > 1, arena);
	fprintf(out, ": %s", cause);
	fclose(out);
	finding->summary = sw_arena_strdup(arena, text);
}

void sw_finding_counted(struct sw_finding *finding, struct sw_arena *arena)
{
	finding->cause = sw_words_article(finding->cause, finding->count > 1, arena);
	sw_finding_summarize(finding, arena);
}

/* ---- one finding -------------------------------------------------------------------------------------------------- */

static void tell_recovery(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_attempt_seen *attempt = telling->context->attempt;
	char text[SW_ADDR_TEXT];

	finding->recovered_ns = SW_TIME_NONE;
	if (name_was_found(telling->context)) {
		const struct sw_question *found = sw_lookup_found(telling->context->lookup);

		finding->recovered_ns = found->answered.time_ns;
		finding->recovered_by = sw_arena_format(telling->arena, "the answer of %s for %s",
							sw_ip_text(&found->server.ip, text), found->name);
		return;
	}
	if (!attempt || attempt->recovered_ns == SW_TIME_NONE)
		return;
	finding->recovered_ns = attempt->recovered_ns;
	finding->recovered_by = attempt->recovered_to.present ?
					sw_arena_format(telling->arena, "%s to %s",
							telling->context->debt->operation == SW_OPERATION_ANSWER ?
								"the same request on another connection" :
								"connect",
							sw_addr_text(&attempt->recovered_to, text)) :
					sw_arena_strdup(telling->arena, "a later try");
}

static void tell(const struct sw_telling *telling, struct sw_finding *finding)
{
	const struct sw_judged *winner = &telling->judgement->winner;
	const struct sw_debt *debt = telling->context->debt;

	memset(finding, 0, sizeof *finding);
	finding->count = 1;
	finding->verdict = winner->rule->code;
	finding->title = winner->rule->title;
	finding->locus = winner->match.locus;
	finding->confidence = confidence_of(telling);
	finding->severity = severity_of(telling->context, &winner->match);
	finding->began_ns = debt->began_ns;
	finding->ended_ns = debt->ended_ns;
	finding->surfaced_ns = debt->ended_ns == SW_TIME_NONE ? telling->context->end_ns : debt->ended_ns;
	finding->lost_ns = finding->surfaced_ns - finding->began_ns;
	tell_recovery(telling, finding);
	sw_telling_symptom(telling, finding);
	if (telling->context->calls_shown)
		sw_finding_forget_calls(finding);
}

static void tell_in_full(const struct sw_telling *telling, struct sw_finding *finding)
{
	tell(telling, finding);
	finding->cause = cause_of(telling);
	sw_telling_lists(telling, finding);
	sw_telling_evidence(telling, finding);
	sw_finding_summarize(finding, telling->arena);
}

static bool make(struct sw_finding *finding, const struct sw_symptom_context *context, struct sw_arena *arena,
		 void (*say)(const struct sw_telling *telling, struct sw_finding *finding))
{
	struct sw_facts facts;
	sw_auto_free struct sw_judgement *judgement = sw_alloc(sizeof *judgement);
	struct sw_telling telling = {context, &facts, judgement, arena};

	sw_facts_gather(&facts, context, arena);
	sw_judge(&facts, context->debt->operation, judgement);
	if (!judgement->winner.rule)
		return false;
	if (context->calls_shown)
		sw_facts_forget_calls(&facts);
	facts.reads = &judgement->winner.reads; /* what the sentences name is part of what the verdict rests on */
	say(&telling, finding);
	return true;
}

bool sw_finding_make(struct sw_finding *finding, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	return make(finding, context, arena, tell_in_full);
}

bool sw_finding_judge(struct sw_finding *finding, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	return make(finding, context, arena, tell);
}
