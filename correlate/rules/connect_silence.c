/* Verdicts on a connect that nobody answered no: silence, SYN-ACKs that came to nothing, SYNs that had to be sent again.
 *
 * Enters: facts. Leaves: a match. The order among them is VERDICTS.md, "When two fit": each row beats the next. */
#include <string.h>

#include "correlate/rules/connect.h"
#include "correlate/thresholds.h"

static bool stale_connection(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(challenge_ack).packet || (!FACT(established) && FACT(synack).packet))
		return false;
	if (FACT(established)) {
		cite(match, FACT(challenge_ack));
		cite(match, FACT(last_syn));
		match->cause =
			"{remote_ip} answered the first SYN with a bare ACK of another connection between the same ports; the handshake took {duration}";
		if (FACT(duration) < SW_SYN_TIMEOUT_NS) /* our RST ended the old one, and the next SYN made ours */
			match->severity = SW_SEVERITY_NOTE;
		return true;
	}
	cite(match, FACT(syn));
	cite(match, FACT(challenge_ack));
	cite(match, FACT(own_rst));
	if (!FACT(own_rst).packet)
		at_most(match, SW_CONFIDENCE_LIKELY);
	match->severity = FACT(slow) ? (int)SW_SEVERITY_SLOW : -1;
	return true;
}

/* ---- SYN-ACKs -------------------------------------------------------------------------------------------------- */

/* TCP never sees a segment that is damaged: the flow has no SYN-ACK, only packets that came damaged. */
static bool damaged_synack(const struct sw_facts *facts, struct sw_match *match)
{
	cite(match, FACT(syn));
	cite(match, FACT(bad_checksum));
	match->locus = SW_LOCUS_PATH;
	match->cause =
		"{bad_checksums:packet} came from {remote_ip} with a bad checksum, and nothing else: our kernel discarded them";
	return true;
}

static bool synack_ignored(const struct sw_facts *facts, struct sw_match *match)
{
	if (!not_made(facts) || !FACT(opening_connects))
		return false;
	if (!FACT(synack).packet && FACT(bad_checksums) > 0)
		return damaged_synack(facts, match);
	if (!FACT(synack).packet)
		return FACT(syns) > 0 && waited_in_vain(facts) && near(match, "no SYN-ACK came");
	if (FACT(handshake_ack).packet || FACT(established))
		return near(match, "our host acknowledged the SYN-ACK");
	if (FACT(own_rst).packet)
		return near(match, "our kernel answered the SYN-ACK with a RST: it had reached TCP");
	if (FACT(absence_counts) == false)
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(synack));
	cite(match, FACT(last_synack));
	if (FACT(checksum_drops) > 0) {
		match->cause =
			"{synacks:SYN-ACK} came, the first after {synack_after}, and no ACK left: the kernel dropped "
			"{checksum_drops:segment} with a bad checksum meanwhile";
	} else if (FACT(rp_filter_drops) > 0) {
		match->cause =
			"{synacks:SYN-ACK} came, the first after {synack_after}, and no ACK left: the reverse path filter dropped "
			"{rp_filter_drops:packet} meanwhile";
	}
	return true;
}

static bool syn_retransmitted(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(slow) || !FACT(established))
		return false;
	if (FACT(syns) < 2 && FACT(synacks) < 2)
		return near(match, "neither SYN nor SYN-ACK was sent again");
	match->cause = FACT(syns) > 1 ? "{syns:SYN} were needed within {syn_span}; the handshake took {duration}" :
					"{synacks:SYN-ACK} were needed; the handshake took {duration}";
	cite(match, FACT(syn));
	cite(match, FACT(last_syn));
	cite(match, FACT(synack));
	cite(match, FACT(last_synack));
	return true;
}

/* ---- nothing ---------------------------------------------------------------------------------------------------- */

static bool syn_not_sent(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_tcp) || !FACT(opening_connects) || !waited_in_vain(facts) || FACT(fastopen))
		return false;
	if (FACT(packets_seen) && (FACT(syns) > 0 || FACT(anything_back)))
		return near(match, "{syns:SYN} left");
	if (FACT(icmp_from_us))
		return near(match, "our host rejected the SYN by ICMP");
	match->cites_opening = true;
	if (FACT(remote_loopback))
		match->usually =
			"the interface lo is down (a network namespace in which nobody brought it up); an own firewall that drops in its output "
			"chain";
	if (!FACT(route_known) && FACT(neighbor_asked) <= 0) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		unseen(match, "the next hop, and whether its link address was known");
	}
	return rests_on_absence(facts, match);
}

/* The kernel's own word in place of packets: a connect that timed out, a state of SYN_SENT with its retransmissions. */
static bool unanswered_by_kernel(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(absence_counts) || FACT(absence_likely))
		return false;
	if (FACT(error) != ETIMEDOUT && FACT(tcp_retransmits) <= 0)
		at_most(match, SW_CONFIDENCE_POSSIBLE);
	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match, "whether the SYNs left, and whether anything came back");
	match->cause = "no answer to the SYN within {duration}, as far as the kernel's timers tell";
	match->cites_surfaced = true;
	return true;
}

/* --probe: a peer on the link that answers pings, and whose port does not, drops the SYNs itself. SYNs that end two hops or more
 * before a peer that pings reach are dropped on the way. Where they come as far as the last router, it or the peer may drop them:
 * a router answers for an ended TTL before its firewall looks (net/ipv4/ip_forward.c). */
static void locate(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(probe_answer) || strcmp(FACT(probe_answer), "silence") != 0 || !FACT(probe_ping))
		return;
	if (FACT(probe_distance) == 1)
		match->locus = SW_LOCUS_PEER_HOST;
	else if (FACT(probe_hop_ttl) > 0 && FACT(probe_hop_ttl) < FACT(probe_distance) - 1)
		match->locus = SW_LOCUS_PATH;
	else
		return;
	match->cites_fact = "probe-path";
}

static bool syn_unanswered(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_tcp) || !waited_in_vain(facts) || !opens(facts))
		return false;
	if (FACT(anything_back) || FACT(bad_checksums) > 0)
		return near(match, "something came back");
	if (FACT(syns) <= 0)
		return unanswered_by_kernel(facts, match);
	if (!FACT(absence_counts))
		at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(absence_likely) == false && FACT(absence_counts) == false && FACT(error) != ETIMEDOUT)
		at_most(match, SW_CONFIDENCE_POSSIBLE);
	if (FACT(left_all)) {
		match->cause = "{left_what} left by {left_by}, nothing at all came back there";
		cite(match, FACT(left_seen));
	}
	cite(match, FACT(syn));
	cite(match, FACT(last_syn));
	locate(facts, match);
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule waiting[] = {
	{
		.code = "syn-unanswered",
		.symptoms = SW_ON(CONNECT) | SW_ON(DRAIN) | SW_ON(ANSWER),
		.locus = SW_LOCUS_UNKNOWN,
		.locus_words = "unknown (path or peer-host)",
		.title = "nothing came back for the SYN",
		.noun = "silence",
		.holds = syn_unanswered,
		.cause = {"{syns:SYN} left within {syn_span}, nothing at all came back",
			  "{syns:SYN} left, nothing at all came back"},
		.usually = {"a firewall that drops (security group, host firewall)",
			    "the host is down, or the address is wrong",
			    "the way back is broken: routing, or a firewall that sees one direction only"},
		.next = {{"here", "traceroute -n -T -p {port} {remote_ip}", "see how far SYNs come",
			  "the last hop that answers is next to the fault"},
			 {"peer", "tcpdump -ni any tcp port {peer_port}", "see whether the SYNs arrive there",
			  "SYNs arrive: its firewall; none: the path"},
			 {"here", "ping -c 3 {remote_ip}", "see whether the host answers at all", NULL}},
		.sees = "`ETIMEDOUT`, or the application gives up first",
		.evidence = "SYNs left, nothing at all came back",
	},
	{
		.code = "syn-not-sent",
		.symptoms = SW_ON(CONNECT),
		.needs = SW_NEEDS_PACKETS | SW_NEEDS_ABSENCE,
		.beats = "syn-unanswered",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "the SYN never left this host",
		.noun = "a SYN that never left",
		.holds = syn_not_sent,
		.cause =
			{"no SYN to {remote} left this host in {duration}: it was dropped in silence before the interface"},
		.usually = {"an own firewall that drops in its output chain",
			    "a traffic control or XDP program at the interface",
			    "a VPN or policy route into a device that swallows packets"},
		.next = {{"here", "nft list ruleset; iptables -S",
			  "look for a drop in output or postrouting for {remote}", NULL},
			 {"here", "ip route get {remote_ip}", "see which interface it should leave by", NULL},
			 {"here", "tc -s qdisc; tc filter show dev {route_device} egress",
			  "look for drops at the interface", NULL}},
		.sees = "a hang, `ETIMEDOUT`",
		.evidence = "the capture is complete and no SYN left: the host itself dropped it in silence",
	},
	{
		.code = "synack-ignored",
		.symptoms = SW_ON(CONNECT),
		.needs = SW_NEEDS_PACKETS,
		.beats = "reply-too-late",
		.locus = SW_LOCUS_LOCAL_HOST,
		.locus_words = "local-host, or path for a bad checksum",
		.title = "our host ignores the SYN-ACKs",
		.noun = "SYN-ACKs that this host ignores",
		.holds = synack_ignored,
		.cause =
			{"{synacks:SYN-ACK} came from {remote_ip}, the first after {synack_after}, and our host never acknowledged one"},
		.usually = {"an own firewall that drops in its input chain",
			    "the reverse path filter: the answer came in by another interface", "a bad checksum"},
		.next = {{"here", "nft list ruleset; iptables -S",
			  "look for a drop in input or prerouting for packets from {remote_ip}", NULL},
			 {"here", "nstat -az TcpExtIPReversePathFilter TcpInCsumErrors",
			  "see whether the kernel counts them as dropped", "0 and 0"},
			 {"here", "sysctl net.ipv4.conf.all.rp_filter; ip route get {remote_ip}",
			  "does the way out match the way in?", NULL}},
		.sees = "a hang, `ETIMEDOUT`",
		.evidence = "SYN-ACKs arrived, no ACK ever left: own input firewall, rp_filter, bad checksum",
	},
	{
		.code = "syn-retransmitted",
		.symptoms = SW_ON(CONNECT),
		.needs = SW_NEEDS_PACKETS,
		.locus = SW_LOCUS_UNKNOWN,
		.title = "the SYN had to be sent again",
		.noun = "a lost SYN",
		.holds = syn_retransmitted,
		.cause = {"the handshake took {duration}"},
		.usually = {"a SYN or its answer was lost on the way", "the peer's listen queue was full for a moment",
			    "a firewall or balancer that begins to forward late"},
		.next = {{"peer", "nstat -az TcpExtListenOverflows TcpExtListenDrops",
			  "see whether its listen queue overflows", "no rise"},
			 {"here", "mtr -n -T -P {port} {remote_ip}", "look for loss on the path",
			  "no loss at the last hop"}},
		.sees = "a slow connect (about 1, 2, 3 s with today's linear timeouts, 1, 3, 7 s before)",
		.evidence = "it succeeded after SYN or SYN-ACK retransmissions",
	},
	{
		.code = "stale-connection",
		.symptoms = SW_ON(CONNECT),
		.needs = SW_NEEDS_PACKETS,
		.beats = "synack-ignored syn-retransmitted",
		.locus = SW_LOCUS_PEER_HOST,
		.locus_words = "path or peer-host",
		.title = "the peer still has an old connection of these ports",
		.noun = "an old connection of the same ports",
		.holds = stale_connection,
		.cause = {"{remote_ip} answered the SYN with a bare ACK of another connection between the same ports"},
		.usually = {"an old connection of the same ports was never closed there",
			    "a NAT or balancer that gave our address pair to two hosts"},
		.next = {{"peer", "ss -tanp 'sport = :{peer_port}'", "look for an old connection from our address",
			  "none"},
			 {"here", "ss -tan 'dport = :{port}'", "see whether local ports are reused quickly", NULL}},
		.sees = "a connect that hangs or is reset",
		.evidence =
			"our SYN answered by a bare ACK of another connection: someone still holds this address pair",
	},
};

SW_RULE_FAMILY(sw_rules_connect_silence, "TCP: connecting", waiting);
