/* Verdicts on what a resolver answered. Enters: facts. Leaves: a match. */
#include "correlate/rules/rules.h"

static const struct sw_rule_next look_at_service[SW_RULE_TEXTS] = {
	{"here", "sockwhy attach $(pidof {dns_service})", "watch whom it asks itself, while the program asks again",
	 NULL},
	{"here", "getent -s dns ahosts {dns_candidate}", "ask past it: the resolvers of /etc/resolv.conf", NULL},
};

/* It asks others itself, which the program's packets do not show. */
static const struct sw_rule_next look_at_stub[SW_RULE_TEXTS] = {
	{"here", "sockwhy attach {dns_stub_pid}", "watch whom it asks itself, while the program asks again", NULL},
	{"here", "dig @{dns_server} {dns_candidate} A {dns_candidate} AAAA", "ask that resolver yourself", NULL},
	{"here", "resolvectl status; cat /etc/resolv.conf", "see which resolvers are configured", NULL},
};

static bool answered(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(dns_rcode) < 0 || FACT(slow))
		return false;
	cite(match, FACT(dns_query));
	cite(match, FACT(dns_response));
	if (FACT(dns_service) && FACT(dns_vague)) {
		match->cause =
			FACT(dns_failed) ?
				"{dns_service} ({dns_service_what} of this host) answered {dns_rcode_name} for {dns_name} after {dns_answer_took}: "
				"so it does when its own resolvers do not answer; whom it asked was not watched" :
				"{dns_service} ({dns_service_what} of this host) answered {dns_rcode_name} for {dns_name}; why, and whom it asked "
				"itself, was not watched";
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->next = look_at_service;
		match->cites_surfaced = true;
	} else if (FACT(dns_service_seen)) {
		match->cause =
			"{dns_service} ({dns_service_what} of this host) did not find {dns_name}, because {dns_said}";
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cites_surfaced = true;
	} else if (FACT(dns_service)) {
		match->cause =
			"{dns_service} ({dns_service_what} of this host) answered {dns_rcode_name} for {dns_name}; whom it asked itself was not "
			"watched";
		match->next = look_at_service;
		match->cites_surfaced = true;
	}
	if (FACT(dns_unused)) {
		match->cause =
			"{dns_server} answered that {dns_candidate} has no record of type {dns_type_wanted}, and the program ended without "
			"going for the address that was found: {dns_said}";
		at_most(match, SW_CONFIDENCE_LIKELY);
	}
	if (FACT(dns_stub) && FACT(dns_stub_pid) > 0)
		match->next = look_at_stub;
	if ((FACT(dns_only_aside) && !FACT(dns_fatal)) || (FACT(dns_passed_on) && !FACT(dns_failed)))
		match->severity = SW_SEVERITY_NOTE; /* the name of an address decorates a log line */
	return true;
}

static bool dns_no_such_name(const struct sw_facts *facts, struct sw_match *match)
{
	return answered(facts, match) && FACT(dns_name_missing);
}

/* Mail, policies and keys are looked for where they may well not be. */
static bool dns_no_address(const struct sw_facts *facts, struct sw_match *match)
{
	if (!answered(facts, match) || FACT(dns_name_missing) || FACT(dns_failed))
		return false;
	if (FACT(dns_no_addresses_asked) && (FACT(ended_well) || FACT(runs_on)))
		match->severity = SW_SEVERITY_NOTE;
	return true;
}

static bool dns_server_failed(const struct sw_facts *facts, struct sw_match *match)
{
	return answered(facts, match) && FACT(dns_failed);
}

#define NEXT_DIG                                                                                                       \
	{"here", "dig @{dns_server} {dns_candidate} A {dns_candidate} AAAA", "ask that resolver yourself", NULL},      \
	{                                                                                                              \
		"here", "resolvectl status; cat /etc/resolv.conf", "see which resolvers are configured", NULL          \
	}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule dns[] = {
	{
		.code = "dns-no-such-name",
		.symptoms = SW_ON(LOOKUP),
		.beats = "dns-unanswered",
		.locus = SW_LOCUS_RESOLVER,
		.title = "the resolver says that there is no such name",
		.holds = dns_no_such_name,
		.cause = {"{dns_server} ({dns_stub}) answered {dns_rcode_name} for {dns_candidate}: {dns_story}",
			  "{dns_server} answered {dns_rcode_name} for {dns_candidate}: {dns_story}",
			  "{dns_server} ({dns_stub}) answered {dns_rcode_name} for {dns_candidate} ({dns_type})",
			  "{dns_server} answered {dns_rcode_name} for {dns_candidate} ({dns_type})"},
		.usually = {"a typing error in the name", "a name that only an internal resolver knows",
			    "a missing search domain"},
		.next = {NEXT_DIG},
		.sees = "the lookup fails",
		.evidence = "NXDOMAIN",
	},
	{
		.code = "dns-no-address",
		.symptoms = SW_ON(LOOKUP),
		.beats = "dns-unanswered",
		.locus = SW_LOCUS_RESOLVER,
		.title = "the name has no address of the asked type",
		.holds = dns_no_address,
		.cause =
			{"{dns_server} ({dns_stub}) answered that {dns_candidate} has no record of type {dns_type}: {dns_story}",
			 "{dns_server} answered that {dns_candidate} has no record of type {dns_type}: {dns_story}",
			 "{dns_server} ({dns_stub}) answered that {dns_candidate} has no record of type {dns_type}",
			 "{dns_server} answered that {dns_candidate} has no record of type {dns_type}"},
		.usually = {"a program that asks for IPv6 only (or IPv4 only)",
			    "a name that carries other records only (MX, TXT)"},
		.next = {NEXT_DIG},
		.sees = "the lookup fails",
		.evidence = "NOERROR without an answer of the asked type",
	},
	{
		.code = "dns-server-failed",
		.symptoms = SW_ON(LOOKUP),
		.beats = "dns-no-such-name dns-unanswered",
		.locus = SW_LOCUS_RESOLVER,
		.title = "the resolver failed or will not answer",
		.holds = dns_server_failed,
		.cause = {"{dns_server} ({dns_stub}) answered {dns_rcode_name} for {dns_candidate}: {dns_story}",
			  "{dns_server} answered {dns_rcode_name} for {dns_candidate}: {dns_story}",
			  "{dns_server} ({dns_stub}) answered {dns_rcode_name} for {dns_candidate} ({dns_type})",
			  "{dns_server} answered {dns_rcode_name} for {dns_candidate} ({dns_type})"},
		.usually =
			{"the resolver cannot reach the servers of that domain, or their signatures are wrong (SERVFAIL)",
			 "the resolver does not serve this client (REFUSED)"},
		.next = {NEXT_DIG},
		.sees = "the lookup fails",
		.evidence = "SERVFAIL, REFUSED, FORMERR, NOTIMP: name it",
	},
};

SW_RULE_FAMILY(sw_rules_dns, "UDP and DNS", dns);
