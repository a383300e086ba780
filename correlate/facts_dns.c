/* Facts of a look-up: what was asked and what the resolver said, from the messages that were decoded.
 *
 * Enters: the kept packets of the flow. Leaves: the section SW_FACTS_DNS. Judges nothing. RFC 1035. */
#include <string.h>

#include "capture/dns.h"
#include "correlate/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

static struct sw_seen seen_of(const struct sw_packet *packet)
{
	return (struct sw_seen){ .packet = packet->id, .input = packet->input, .time_ns = packet->time_ns };
}

/* A server's failure outweighs a name that is not there, which outweighs an empty answer (VERDICTS.md). */
static int weight(uint8_t rcode)
{
	return rcode == SW_DNS_NOERROR ? 0 : rcode == SW_DNS_NXDOMAIN ? 1 : 2;
}

static const char *rcode_name(uint8_t rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

	return rcode < sizeof names / sizeof *names ? names[rcode] : "an unknown code";
}

static const char *type_name(uint16_t type)
{
	switch (type) {
	case SW_DNS_A:
		return "A";
	case SW_DNS_AAAA:
		return "AAAA";
	case SW_DNS_PTR:
		return "PTR";
	case SW_DNS_CNAME:
		return "CNAME";
	default:
		return "other";
	}
}

static int64_t fitting(const struct sw_dns *dns)
{
	int64_t count = 0;

	for (uint16_t i = 0; i < dns->answer_count; i++)
		count += dns->answers[i].type == dns->type;
	return count || dns->answer_total <= dns->answer_count ? count : 1; /* more than are kept: some fits */
}

static void take_query(struct sw_facts *facts, const struct sw_packet *packet, struct sw_arena *arena)
{
	const struct sw_dns *dns = packet->dns;

	facts->dns_queries = (facts->dns_queries < 0 ? 0 : facts->dns_queries) + 1;
	if (!facts->dns_query.packet)
		facts->dns_query = seen_of(packet);
	facts->dns_only_reverse &= dns->type == SW_DNS_PTR;
	if (!facts->dns_name)
		facts->dns_name = sw_arena_strdup(arena, dns->name);
	if (!facts->dns_type || (strcmp(facts->dns_type, "A") == 0 && dns->type == SW_DNS_AAAA))
		facts->dns_type = facts->dns_type ? "A and AAAA" : type_name(dns->type);
}

static void take_response(struct sw_facts *facts, const struct sw_packet *packet, bool *any)
{
	const struct sw_dns *dns = packet->dns;

	facts->dns_responses = (facts->dns_responses < 0 ? 0 : facts->dns_responses) + 1;
	facts->dns_addresses = (facts->dns_addresses < 0 ? 0 : facts->dns_addresses) + fitting(dns) + (dns->truncated ? 1 : 0);
	if (*any && weight(dns->rcode) <= weight((uint8_t)facts->dns_rcode))
		return;
	*any = true;
	facts->dns_rcode = dns->rcode;
	facts->dns_rcode_name = rcode_name(dns->rcode);
	facts->dns_response = seen_of(packet);
}

void sw_facts_of_dns(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	int64_t from = context->debt->began_ns - SW_STAMP_SLACK_NS;
	bool any = false;

	if (context->debt->operation != SW_OPERATION_LOOKUP)
		return;
	facts->dns_only_reverse = true;
	for (size_t i = 0; i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];

		if (!packet->dns || packet->time_ns < from)
			continue;
		if (packet->dns->response)
			take_response(facts, packet, &any);
		else
			take_query(facts, packet, arena);
	}
	facts->dns_only_reverse &= facts->dns_queries > 0;
	facts->dns_name_missing = any && facts->dns_rcode == SW_DNS_NXDOMAIN;
	facts->dns_failed = any && weight((uint8_t)facts->dns_rcode) == 2;
}
