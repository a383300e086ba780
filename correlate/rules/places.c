/* The verdict on packets that passed one place of capture and never came to the next.
 *
 * Enters: facts. Leaves: a match. It says where, and beats what can only say that nothing came back. */
#include <errno.h>

#include "correlate/rules/rules.h"
#include "correlate/thresholds.h"

#define ON_WAY                                                                                                         \
	(SW_ON(CONNECT) | SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE) | SW_ON(DATAGRAM) |        \
	 SW_ON(LOOKUP) | SW_ON(SERVE))

/* Nobody said no: what was waited for did not come. */
static bool in_vain(const struct sw_facts *facts)
{
	int64_t error = FACT(error);

	return FACT(gave_up) || FACT(hung) || FACT(lost) || FACT(unserved) ||
	       (FACT(failed) && (error == ETIMEDOUT || error == EAGAIN || error == 0));
}

static void how_sure(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(lost_absence_counts) || !FACT(lost_way_sure))
		at_most(match, SW_CONFIDENCE_LIKELY);
	if (!FACT(lost_way_sure))
		unseen(match, "whether translation or another route sends them where {lost_before} does not see them");
	if (!FACT(lost_way_likely))
		at_most(match, SW_CONFIDENCE_POSSIBLE);
	match->locus = FACT(lost_on_host) ? SW_LOCUS_LOCAL_HOST : SW_LOCUS_PATH;
}

static bool lost_between(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(places) <= 0)
		return false;
	if (FACT(slow) ? FACT(lost_share) < SW_PART_REASON_PERCENT : !in_vain(facts))
		return false;
	if ((FACT(opening_connects) && FACT(anything_back) && !FACT(slow)) || FACT(icmps) > 0)
		return false;
	if (!FACT(lost_after))
		return FACT(left_by) && near(match, "{left_what} left by {left_by}");
	if (FACT(slow))
		match->cause =
			"{lost_what} passed {lost_after} and never came to {lost_before}: {lost_share} % of what had to be sent again";
	else if (!FACT(lost_inward) && FACT(forwarding_refused))
		match->cause =
			"{lost_what} passed {lost_after} and never came to {lost_before}: asked where such packets go, this host's kernel answers {forwarding_refused}";
	how_sure(facts, match);
	cite(match, FACT(lost_seen));
	cite(match, FACT(lost_last));
	match->cites_surfaced = FACT(failed);
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule places[] = {
	{
		.code = "lost-between-captures",
		.symptoms = ON_WAY,
		.needs = SW_NEEDS_PACKETS,
		.beats =
			"syn-unanswered syn-retransmitted peer-vanished peer-silent answer-stopped handshake-ack-ignored "
			"keepalive-expired udp-unanswered dns-unanswered reply-too-late slow-by-loss synack-unanswered "
			"peer-slow dns-slow",
		.locus = SW_LOCUS_PATH,
		.locus_words = "local-host where both places are on this host, else path",
		.title = "packets were lost between the two places of capture",
		.noun = "a loss between the places of capture",
		.holds = lost_between,
		.cause = {"{lost_what} passed {lost_after} and never came to {lost_before}"},
		.usually = {"a firewall that drops what is forwarded between the two (nftables, iptables, ebtables)",
			    "routing: no forwarding, the reverse path filter, a rule that sends it elsewhere",
			    "a queue or program at the interface that drops (tc, XDP)"},
		.next = {{"here", "nft list ruleset; iptables-save | grep -E 'FORWARD|raw|mangle'",
			  "look for a drop on the way from {lost_after} to {lost_before}", NULL},
			 {"here",
			  "sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter; ip rule; ip route get {remote_ip}",
			  "see whether this host forwards such packets, and where to", NULL},
			 {"here", "nstat -az IpInDiscards IpOutNoRoutes TcpExtIPReversePathFilter; tc -s qdisc",
			  "see whether a counter rises with each try", "no rise"}},
		.sees = "`ETIMEDOUT`, a hang, a receive that times out, or what was lost in between is made good late",
		.evidence =
			"with `--also-on`: the packets passed one place of capture and not the next on their way, whose capture is complete; matched by sequence numbers, since translation changes the ends",
	},
};

SW_RULE_FAMILY(sw_rules_places, "Between two places of capture", places);
