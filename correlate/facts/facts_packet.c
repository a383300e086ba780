/* Facts that the packets tell of a handshake, of ICMP errors and of neighbour resolution, and what their absence is worth.
 *
 * Enters: the flow of the context and its kept packets. Leaves: the sections SW_FACTS_CAPTURE, _HANDSHAKE, _ICMP,
 * _NEIGHBOR. Judges nothing. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

#define ICMP_ADMIN_PROHIBITED 13 /* RFC 1812, 5.2.7.1; absent from the header of old libraries */
#define ICMP6_POLICY_FAILED 5 /* RFC 4443, 3.1: source address failed policy */
#define ICMP6_ROUTE_REJECTED 6

static int64_t between(struct sw_seen from, struct sw_seen to)
{
	return from.packet && to.packet ? to.time_ns - from.time_ns : -1;
}

static const struct sw_packet *kept(const struct sw_symptom_context *context, struct sw_seen seen)
{
	for (size_t i = 0; seen.packet && i < context->packet_count; i++)
		if (context->packets[i]->id == seen.packet && context->packets[i]->input == seen.input)
			return context->packets[i];
	return NULL;
}

static int64_t debt_end(const struct sw_symptom_context *context)
{
	return context->debt->ended_ns == SW_TIME_NONE ? context->end_ns : context->debt->ended_ns;
}

/* ---- what absence is worth ------------------------------------------------------------------------------------- */

static void capture_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	char text[SW_ADDR_TEXT];

	facts->packets_available = context->packets_available;
	facts->absence_counts = context->absence == SW_ABSENCE_COUNTS;
	facts->absence_likely = context->absence == SW_ABSENCE_LIKELY;
	facts->absence_why = context->absence_why;
	facts->linked_by_time = context->link == SW_LINK_TIME;
	if (!context->flow)
		return;
	facts->packets_seen = !context->flow->no_packets;
	facts->on_loopback = context->flow->loopback;
	facts->translated = context->link == SW_LINK_TRANSLATED;
	if (facts->translated) {
		facts->translated_to = sw_arena_strdup(arena, sw_endpoint_text(&context->flow->remote, text));
		facts->peer_port = context->flow->remote.port;
	}
	/* Only a SYN of ours on loopback says that the peer is here: a reject rule's RST comes that way too. */
	if (context->flow->loopback && context->flow->side[SW_SIDE_OURS].packets > 0)
		facts->remote_ours = true;
}

/* ---- the handshake --------------------------------------------------------------------------------------------- */

static void syn_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_side *ours = &context->flow->side[SW_SIDE_OURS];

	facts->syns = ours->syns;
	facts->syn = ours->syn;
	facts->last_syn = ours->last_syn.packet ? ours->last_syn : ours->syn;
	facts->syn_span = between(facts->syn, facts->last_syn);
	facts->own_rst = ours->rst;
	facts->sent_data = ours->data_packets > 0;
	facts->data_retransmissions = ours->retransmissions;
}

static void synack_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;

	facts->synack = flow->synack;
	facts->last_synack = flow->last_synack.packet ? flow->last_synack : flow->synack;
	facts->synacks = flow->synack_count;
	facts->handshake_ack = flow->handshake_ack;
	facts->challenge_ack = flow->challenge_ack;
	facts->synack_after = between(facts->syn, flow->synack);
	facts->established = flow->established_ns != SW_TIME_NONE;
	facts->synacks_again = 0;
	if (flow->handshake_ack.packet && facts->last_synack.time_ns > flow->handshake_ack.time_ns &&
	    flow->synack_count > 1)
		facts->synacks_again = flow->synack_count - 1;
	if (!flow->synack.packet)
		return;
	facts->synack_after_end = flow->synack.time_ns - debt_end(context);
	facts->synack_late = facts->synack_after_end > SW_STAMP_SLACK_NS + context->clock_error_ns;
}

/* The SYN that a RST answers is the last before it. Imported clocks may turn the two round. */
static int64_t answer_time(const struct sw_symptom_context *context, struct sw_seen answer)
{
	struct sw_seen asked = context->flow->side[SW_SIDE_OURS].syn;

	for (size_t i = 0; i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];
		bool syn = packet->kind == SW_PACKET_TCP &&
			   (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;

		if (syn && packet->time_ns <= answer.time_ns && packet->time_ns > asked.time_ns)
			asked = (struct sw_seen){packet->id, packet->input, packet->time_ns};
	}
	return between(asked, answer);
}

/* Systems begin at 64, 128 or 255: a packet that still has that came over no router. */
static bool ttl_is_fresh(int64_t ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

static void rst_hops(struct sw_facts *facts, const struct sw_side *peer)
{
	facts->rst_ttl = peer->ttl_rst ? peer->ttl_rst : -1;
	if (facts->rst_ttl < 0)
		return;
	if (facts->peer_ttl > 0)
		facts->rst_hops_off = llabs(facts->rst_ttl - facts->peer_ttl);
	facts->rst_from_gateway = facts->route_gateway && facts->peer_ttl < 0 && ttl_is_fresh(facts->rst_ttl);
	facts->rst_from_stranger = facts->rst_hops_off >= SW_HOPS_MARK || facts->rst_from_gateway ||
				   (!facts->rst_answers_syn && peer->rst_class == SW_RST_STRANGER);
}

static void rst_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];
	char text[SW_ADDR_TEXT];

	facts->rst_answers_syn = flow->rst_to_syn.packet != 0;
	facts->rst = facts->rst_answers_syn ? flow->rst_to_syn : peer->rst;
	facts->peer_ttl = peer->ttl ? peer->ttl : context->host_ttl ? context->host_ttl : -1;
	if (!facts->rst.packet)
		return;
	facts->rst_after = answer_time(context, facts->rst);
	rst_hops(facts, peer);
	const struct sw_packet *rst = kept(context, facts->rst);

	facts->rst_on_loopback = flow->loopback || (rst && rst->flags & SW_PACKET_LOOPBACK);
	if (rst)
		facts->rst_source = sw_arena_strdup(arena, sw_ip_text(&rst->src.ip, text));
	else
		facts->rst_source = sw_arena_strdup(arena, sw_ip_text(&flow->remote.ip, text));
}

static void handshake_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_flow *flow = context->flow;

	syn_facts(facts, context);
	synack_facts(facts, context);
	rst_facts(facts, context, arena);
	facts->anything_back = flow->side[SW_SIDE_PEER].packets > 0 || flow->icmp_count > 0;
	facts->bad_checksums = flow->bad_checksums;
	facts->bad_checksum = flow->first_bad_checksum;
}

/* ---- ICMP ------------------------------------------------------------------------------------------------------ */

enum icmp_class { ICMP_OTHER, ICMP_REFUSES, ICMP_PROHIBITS, ICMP_UNREACHES, ICMP_TOO_BIG };

static const struct icmp_row {
	bool v6;
	uint8_t type, code;
	enum icmp_class class;
	int error; /* what the kernel makes of it: net/ipv4/icmp.c icmp_err_convert; net/ipv6/icmp.c */
	const char *words;
} icmp_rows[] = {
	{false, ICMP_UNREACH, ICMP_UNREACH_NET, ICMP_UNREACHES, ENETUNREACH, "network unreachable (3/0)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_HOST, ICMP_UNREACHES, EHOSTUNREACH, "host unreachable (3/1)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_PROTOCOL, ICMP_UNREACHES, ENOPROTOOPT, "protocol unreachable (3/2)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_PORT, ICMP_REFUSES, ECONNREFUSED, "port unreachable (3/3)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, ICMP_TOO_BIG, EMSGSIZE, "fragmentation needed (3/4)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_NET_UNKNOWN, ICMP_UNREACHES, ENETUNREACH, "network unknown (3/6)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_HOST_UNKNOWN, ICMP_UNREACHES, EHOSTDOWN, "host unknown (3/7)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_NET_PROHIB, ICMP_PROHIBITS, ENETUNREACH, "network prohibited (3/9)"},
	{false, ICMP_UNREACH, ICMP_UNREACH_HOST_PROHIB, ICMP_PROHIBITS, EHOSTUNREACH, "host prohibited (3/10)"},
	{false, ICMP_UNREACH, ICMP_ADMIN_PROHIBITED, ICMP_PROHIBITS, EHOSTUNREACH,
	 "communication administratively prohibited (3/13)"},
	{false, ICMP_TIMXCEED, ICMP_TIMXCEED_INTRANS, ICMP_UNREACHES, EHOSTUNREACH, "time exceeded in transit (11/0)"},
	{true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, ICMP_UNREACHES, ENETUNREACH,
	 "no route to destination (1/0)"},
	{true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, ICMP_PROHIBITS, EACCES, "administratively prohibited (1/1)"},
	{true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, ICMP_UNREACHES, EHOSTUNREACH, "beyond scope (1/2)"},
	{true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, ICMP_UNREACHES, EHOSTUNREACH, "address unreachable (1/3)"},
	{true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, ICMP_REFUSES, ECONNREFUSED, "port unreachable (1/4)"},
	{true, ICMP6_DST_UNREACH, ICMP6_POLICY_FAILED, ICMP_PROHIBITS, EACCES, "source address failed policy (1/5)"},
	{true, ICMP6_DST_UNREACH, ICMP6_ROUTE_REJECTED, ICMP_PROHIBITS, EACCES, "reject route to destination (1/6)"},
	{true, ICMP6_PACKET_TOO_BIG, 0, ICMP_TOO_BIG, EMSGSIZE, "packet too big (2/0)"},
	{true, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, ICMP_UNREACHES, EHOSTUNREACH,
	 "hop limit exceeded (3/0)"},
};

static const struct icmp_row *icmp_row(const struct sw_icmp_seen *icmp)
{
	for (size_t i = 0; i < sizeof icmp_rows / sizeof *icmp_rows; i++)
		if (icmp_rows[i].v6 == icmp->v6 && icmp_rows[i].type == icmp->type && icmp_rows[i].code == icmp->code)
			return &icmp_rows[i];
	return NULL;
}

/* Of several, the one that the kernel turned into our errno; else the first that is an error at all and not too late. */
static const struct sw_icmp_seen *deciding(const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_icmp_seen *best = NULL;

	for (uint32_t i = 0; i < flow->icmp_count && i < SW_FLOW_ICMP_MAX; i++) {
		const struct sw_icmp_seen *icmp = &flow->icmp[i];
		const struct icmp_row *row = icmp_row(icmp);

		if (!row || icmp->quotes_peer)
			continue;
		if (context->debt->error && row->error == context->debt->error)
			return icmp;
		if (!best)
			best = icmp;
	}
	return best;
}

static bool from_us(const struct sw_symptom_context *context, const struct sw_icmp_seen *icmp)
{
	if (context->flow->loopback)
		return false; /* then the peer is this host too, and speaks for itself */
	return sw_ip_equal(&icmp->source, &context->flow->local.ip) ||
	       (icmp->on_loopback && !sw_ip_equal(&icmp->source, &context->flow->remote.ip));
}

static void icmp_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_icmp_seen *icmp = deciding(context);
	const struct icmp_row *row = icmp ? icmp_row(icmp) : NULL;
	char text[SW_ADDR_TEXT];

	if (!row)
		return;
	facts->icmps = icmp->count;
	facts->icmp = row->words;
	facts->icmp_type = icmp->type;
	facts->icmp_code = icmp->code;
	facts->icmp_refuses = row->class == ICMP_REFUSES;
	facts->icmp_prohibits = row->class == ICMP_PROHIBITS;
	facts->icmp_unreaches = row->class == ICMP_UNREACHES;
	facts->icmp_too_big = row->class == ICMP_TOO_BIG;
	facts->icmp_mtu = icmp->mtu ? (int64_t)icmp->mtu : -1;
	facts->icmp_source = sw_arena_strdup(arena, sw_ip_text(&icmp->source, text));
	facts->icmp_from_peer = sw_ip_equal(&icmp->source, &context->flow->remote.ip) ||
				(context->target && sw_ip_equal(&icmp->source, &context->target->endpoint.ip));
	facts->icmp_from_us = from_us(context, icmp);
	facts->icmp_on_loopback = icmp->on_loopback;
	facts->icmp_quotes_unseen = icmp->quotes_unseen;
	facts->icmp_fits_errno = context->debt->error && row->error == context->debt->error;
	facts->icmp_first = icmp->first;
	facts->icmp_last = icmp->last;
	facts->icmp_after = answer_time(context, icmp->first);
	facts->icmp_after_begin = icmp->first.time_ns - context->debt->began_ns;
}

/* ---- neighbours ------------------------------------------------------------------------------------------------ */

static void neighbor_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_neighbor_seen *neighbor = context->neighbor;
	int64_t began = context->debt->began_ns, end = debt_end(context);
	char text[SW_ADDR_TEXT];

	if (!neighbor || !neighbor->asked)
		return;
	facts->neighbor_asked = neighbor->asked;
	facts->neighbor_answered = neighbor->answered;
	facts->neighbor_target = sw_arena_strdup(arena, sw_ip_text(&neighbor->target, text));
	facts->neighbor_is_peer = context->target && sw_ip_equal(&neighbor->target, &context->target->endpoint.ip);
	facts->neighbor_ask = neighbor->first_ask;
	facts->neighbor_last_ask = neighbor->last_ask;
	facts->neighbor_answer = neighbor->first_answer;
	if (neighbor->unanswered_since_ns != SW_TIME_NONE && neighbor->unanswered_since_ns < end &&
	    neighbor->last_ask.time_ns >= began - SW_STAMP_SLACK_NS) {
		facts->neighbor_unanswered = true;
		facts->neighbor_wait =
			end - (neighbor->unanswered_since_ns > began ? neighbor->unanswered_since_ns : began);
	} else if (neighbor->first_answer.packet && neighbor->first_ask.time_ns >= began - SW_STAMP_SLACK_NS) {
		facts->neighbor_wait = between(neighbor->first_ask, neighbor->first_answer);
	}
}

void sw_facts_of_packets(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	capture_facts(facts, context, arena);
	neighbor_facts(facts, context, arena);
	if (!context->flow)
		return;
	handshake_facts(facts, context, arena);
	icmp_facts(facts, context, arena);
}
