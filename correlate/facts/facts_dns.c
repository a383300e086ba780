/* Facts of a look-up: what was asked of whom, and what each server said, over all tries, candidates and transports.
 *
 * Enters: the look-up of the context. Leaves: the section SW_FACTS_DNS. Judges nothing. RFC 1035. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "correlate/calls/processes.h"
#include "correlate/facts/facts.h"
#include "correlate/findings/name_services.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/mem.h"

#define TRY_AT_LEAST_NS (900 * SW_NS_PER_MS) /* resolv.conf(5): a try takes a second or more */
#define SAID_MAX 8 /* servers and names that are told one by one */

/* Who holds the port, where that was asked; else what usually listens on a loopback address: systemd-resolved(8) on .53 and .54, Docker's embedded server on .11. */
static const char *stub_name(const struct sw_ip *ip)
{
	if (!sw_ip_is_loopback(ip))
		return NULL;
	if (ip->family == 4 && !ip->bytes[1] && !ip->bytes[2] && (ip->bytes[3] == 53 || ip->bytes[3] == 54))
		return "systemd-resolved's stub";
	if (ip->family == 4 && !ip->bytes[1] && !ip->bytes[2] && ip->bytes[3] == 11)
		return "Docker's resolver";
	return "a resolver on this host (dnsmasq, unbound, ...)";
}

static void stub_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_fact *holder = sw_symptom_fact(context, "port-holder");
	const char *comm = holder ? sw_fact_text(holder, "comm") : NULL;
	const char *name = stub_name(&context->target->endpoint.ip);

	facts->dns_stub = name;
	if (!name || !comm)
		return;
	facts->dns_stub_pid = sw_fact_number(holder, "pid", -1);
	if (strncmp(comm, "systemd-resolve", strlen("systemd-resolve")) != 0) /* 15 characters of it */
		facts->dns_stub = sw_arena_format(arena, "%s[%lld] on this host", comm, (long long)facts->dns_stub_pid);
}

static bool is_silent(const struct sw_question *question)
{
	return !question->answered.packet || question->undelivered;
}

/* "NXDOMAIN", "no record", "3 records", "nothing" */
static void say(FILE *out, const struct sw_question *question)
{
	if (is_silent(question))
		fputs("nothing", out);
	else if (question->truncated)
		fputs("that the answer needs TCP", out);
	else if (question->rcode)
		fputs(sw_dns_rcode_name(question->rcode), out);
	else if (!question->fitting)
		fputs("no such record", out);
	else
		fprintf(out, "%u record%s", question->fitting, question->fitting == 1 ? "" : "s");
}

static bool same_word(const struct sw_question *a, const struct sw_question *b)
{
	return !strcasecmp(a->name, b->name) && sw_ip_equal(&a->server.ip, &b->server.ip) &&
	       is_silent(a) == is_silent(b) && a->rcode == b->rcode && !a->fitting == !b->fitting &&
	       a->truncated == b->truncated;
}

static bool said_before(const struct sw_lookup *lookup, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (same_word(&lookup->questions.items[i], &lookup->questions.items[index]))
			return true;
	}
	return false;
}

/* Whether one of those from `first` on that say the same has asked for that type before. */
static bool type_told(const struct sw_lookup *lookup, size_t first, size_t index)
{
	const struct sw_question *question = &lookup->questions.items[index];

	for (size_t i = first; i < index; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (same_word(other, question) && other->type == question->type)
			return true;
	}
	return false;
}

/* "10.0.0.53 said NXDOMAIN for www.a.example (A, AAAA); 10.0.0.54 said nothing for ..." */
static void said_fact(struct sw_facts *facts, const struct sw_lookup *lookup, struct sw_arena *arena)
{
	sw_auto_free char *text = NULL;
	size_t size = 0, told = 0;
	FILE *out = open_memstream(&text, &size);
	char ip[SW_ADDR_TEXT];

	if (!out)
		abort();
	for (size_t i = 0; i < lookup->questions.count && told < SAID_MAX; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (said_before(lookup, i))
			continue;
		fprintf(out, "%s%s said ", told++ ? "; " : "", sw_ip_text(&question->server.ip, ip));
		say(out, question);
		fprintf(out, " for %s (%s", question->name, sw_dns_type_name(question->type));
		for (size_t j = i + 1; j < lookup->questions.count; j++)
			if (same_word(question, &lookup->questions.items[j]) && !type_told(lookup, i, j))
				fprintf(out, ", %s", sw_dns_type_name(lookup->questions.items[j].type));
		fputs(")", out);
	}
	fclose(out);
	facts->dns_said = sw_arena_strdup(arena, text);
	facts->dns_story = told > 1 ? facts->dns_said : NULL;
}

/* "A", "A and AAAA" */
static void type_fact(struct sw_facts *facts, const struct sw_lookup *lookup)
{
	const char *first = NULL, *second = NULL;

	for (size_t i = 0; i < lookup->questions.count; i++) {
		const char *name = sw_dns_type_name(lookup->questions.items[i].type);

		if (!first)
			first = name;
		else if (!second && strcmp(first, name))
			second = name;
	}
	facts->dns_type = !second ? first : !strcmp(second, "AAAA") || !strcmp(first, "AAAA") ? "A and AAAA" : first;
}

static void count_facts(struct sw_facts *facts, const struct sw_lookup *lookup)
{
	facts->dns_no_addresses_asked = true;
	facts->dns_queries = facts->dns_responses = facts->dns_addresses = 0;
	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		facts->dns_queries += question->tries;
		if (question->type == SW_DNS_A || question->type == SW_DNS_AAAA)
			facts->dns_no_addresses_asked = false;
		facts->dns_undelivered |= question->undelivered;
		if (is_silent(question))
			continue;
		facts->dns_responses++;
		facts->dns_addresses += question->fitting;
		facts->dns_cut |= question->truncated;
	}
}

static bool answered_elsewhere(const struct sw_lookup *lookup, const struct sw_question *question, bool other_server)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (!is_silent(other) && (other_server ? sw_ip_equal(&other->server.ip, &question->server.ip) :
							 other->type == question->type))
			return true;
	}
	return false;
}

/* Who was silent, and for which type. */
static void silence_facts(struct sw_facts *facts, const struct sw_lookup *lookup, struct sw_arena *arena)
{
	char ip[SW_ADDR_TEXT];

	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (!is_silent(question))
			continue;
		if (!facts->dns_silent && !answered_elsewhere(lookup, question, true)) {
			facts->dns_silent = sw_arena_strdup(arena, sw_ip_text(&question->server.ip, ip));
			facts->dns_silent_query = question->asked;
		}
		if (!facts->dns_missing && !answered_elsewhere(lookup, question, false) && facts->dns_responses > 0) {
			facts->dns_missing = sw_dns_type_name(question->type);
			facts->dns_silent_query = question->asked;
		}
	}
}

static const char *stray_word(enum sw_stray why)
{
	return why == SW_STRAY_NO_DNS ? "no DNS message" :
	       why == SW_STRAY_ID     ? "the id of another query" :
					"the answer to another question";
}

static void stray_facts(struct sw_facts *facts, const struct sw_lookup *lookup)
{
	if (!sw_lookup_strayed(lookup))
		return;
	facts->dns_strays = lookup->strays;
	facts->dns_stray = lookup->stray;
	facts->dns_stray_why = stray_word(lookup->stray_why);
}

static void deciding_facts(struct sw_facts *facts, const struct sw_lookup *lookup, struct sw_arena *arena)
{
	const struct sw_question *deciding = sw_lookup_deciding(lookup), *found = sw_lookup_found(lookup);
	char ip[SW_ADDR_TEXT];

	facts->dns_unused = lookup->in_vain != 0;
	if (lookup->in_vain)
		facts->dns_type_wanted = sw_dns_type_name(lookup->questions.items[lookup->in_vain - 1].type);
	facts->dns_found = found != NULL;
	if (found) {
		facts->dns_answer = found->answered;
		facts->dns_answer_after = found->answered.time_ns - lookup->began_ns;
		facts->dns_answer_server = sw_arena_strdup(arena, sw_ip_text(&found->server.ip, ip));
		facts->dns_answer_took = found->answered.time_ns - found->asked.time_ns;
	}
	if (!deciding)
		return;
	facts->dns_rcode = deciding->rcode;
	facts->dns_rcode_name = sw_dns_rcode_name(deciding->rcode);
	facts->dns_name_missing = deciding->rcode == SW_DNS_NXDOMAIN;
	facts->dns_failed = deciding->rcode != SW_DNS_NOERROR && deciding->rcode != SW_DNS_NXDOMAIN;
	facts->dns_query = deciding->asked;
	facts->dns_response = deciding->answered;
	facts->dns_candidate = sw_arena_strdup(arena, deciding->name);
	facts->dns_server = sw_arena_strdup(arena, sw_ip_text(&deciding->server.ip, ip));
}

/* What a name service of this host said; where that one asked was not watched. */
static void service_facts(struct sw_facts *facts, const struct sw_service_question *service, struct sw_arena *arena)
{
	const char *name = service->name[0] ? service->name : NULL;

	facts->dns_service = service->service;
	facts->dns_service_what = service->what;
	facts->dns_name = facts->dns_candidate = name ? sw_arena_strdup(arena, name) : "an address";
	facts->dns_server = service->service;
	facts->dns_only_aside = service->aside;
	if (service->answer == SW_SERVICE_NOTHING || service->answer == SW_SERVICE_MAPPED)
		return;
	facts->dns_vague = !service->said[0];
	facts->dns_answer_took = service->answered_ns - service->asked_ns;
	facts->dns_failed = service->answer == SW_SERVICE_FAILED ||
			    (facts->dns_vague && facts->dns_answer_took >= TRY_AT_LEAST_NS);
	facts->dns_name_missing = service->answer == SW_SERVICE_NO_NAME && !facts->dns_failed;
	facts->dns_rcode = facts->dns_failed ? SW_DNS_SERVFAIL : facts->dns_name_missing ? SW_DNS_NXDOMAIN : 0;
	facts->dns_rcode_name = service->said[0] ? sw_arena_strdup(arena, service->said) : "not found";
}

void sw_facts_of_dns(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_lookup *lookup = context->lookup;

	if (context->debt->operation != SW_OPERATION_LOOKUP)
		return;
	if (context->target && context->target->present)
		stub_facts(facts, context, arena);
	if (context->service)
		service_facts(facts, context->service, arena);
	if (!lookup || !lookup->questions.count)
		return;
	facts->dns_service_seen = context->service != NULL;
	facts->dns_vague = facts->dns_vague && !facts->dns_service_seen;
	facts->dns_name = sw_arena_strdup(arena, sw_lookup_name(lookup));
	facts->dns_only_aside = sw_lookup_only_aside(lookup);
	facts->dns_fatal = sw_process_failed_of(context->process, context->debt->began_ns, context->debt->ended_ns);
	facts->dns_passed_on = lookup->passed_on;
	facts->dns_first_query = lookup->questions.items[0].asked;
	count_facts(facts, lookup);
	type_fact(facts, lookup);
	said_fact(facts, lookup, arena);
	silence_facts(facts, lookup, arena);
	stray_facts(facts, lookup);
	deciding_facts(facts, lookup, arena);
}
