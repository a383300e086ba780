/* Verdicts on a connect that was answered no: by a RST, by ICMP, or by a next hop that is not there.
 *
 * Enters: facts. Leaves: a match. The order among them is VERDICTS.md, "When two fit": each row beats the next. */
#include "correlate/rules/connect.h"
#include "correlate/thresholds.h"

#define ON_ANY_PACKET                                                                                                  \
	(SW_ON(CONNECT) | SW_ON(HANDSHAKE) | SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(DATAGRAM))

/* ---- neighbor-unresolved --------------------------------------------------------------------------------------- */

/* Our own kernel tells the socket by an ICMP error to ourselves, on loopback, as if the network had answered. A reject rule does the
 * same, at once; a failed resolution needs the time of its questions. */
static bool own_unreachable(const struct sw_facts *facts)
{
	return FACT(icmp_from_us) && FACT(icmp_unreaches) &&
	       (FACT(neighbor_unanswered) || FACT(icmp_after_begin) >= SW_NEIGHBOR_FAILS_NS);
}

static bool neighbor_slow(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(slow) || FACT(neighbor_answered) <= 0 || FACT(neighbor_wait) * 2 < FACT(duration))
		return false;
	cite(match, FACT(neighbor_ask));
	cite(match, FACT(neighbor_answer));
	match->cause = "{neighbor_target} answered the question for its link address only after {neighbor_wait}";
	return true;
}

static bool neighbor_unresolved(const struct sw_facts *facts, struct sw_match *match)
{
	if (neighbor_slow(facts, match))
		return true;
	if (!not_made(facts) || FACT(remote_loopback))
		return false;
	if (FACT(syns) > 0 && !own_unreachable(facts))
		return waited_in_vain(facts) && near(match, "{syns:SYN} left, so the next hop was known");
	if (own_unreachable(facts)) {
		cite(match, FACT(icmp_first));
	} else if (FACT(neighbor_unanswered)) {
		if (FACT(error) && !FACT(gave_up) && FACT(error) != EHOSTUNREACH && FACT(error) != ETIMEDOUT)
			return false;
		rests_on_absence(facts, match);
	} else if (FACT(neighbor_bad) && (FACT(error) == EHOSTUNREACH || waited_in_vain(facts))) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cites_fact = "neighbor";
	} else {
		return FACT(neighbor_answered) > 0 && near(match, "the next hop answered for its address");
	}
	cite(match, FACT(neighbor_ask));
	cite(match, FACT(neighbor_last_ask));
	return true;
}

/* ---- ICMP ------------------------------------------------------------------------------------------------------ */

/* An ICMP error that came from the network, about a packet of ours, and that can have ended the operation. */
static bool icmp_explains(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(icmp_from_us))
		return near(match, "the ICMP came from this host itself");
	if (FACT(established) && FACT(opening_connects))
		return near(match, "the handshake was completed");
	if (FACT(failed) && !FACT(icmp_fits_errno) && FACT(error) != ETIMEDOUT && FACT(error) != EALREADY)
		return near(match, "an ICMP came, but the kernel makes another errno of it");
	if (!not_made(facts))
		return false;
	if (!FACT(icmp_fits_errno) && !FACT(is_tcp))
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(syn));
	cite(match, FACT(icmp_first));
	cite(match, FACT(icmp_last));
	match->cites_surfaced = FACT(failed);
	match->locus = end_or_path(facts, FACT(icmp_from_peer));
	return true;
}

/* Without a capture, an errno of the network that took its time came by ICMP, of whatever code. */
static bool icmp_by_errno(const struct sw_facts *facts, struct sw_match *match)
{
	bool network = FACT(error) == EHOSTUNREACH || FACT(error) == ENETUNREACH;

	if (!network || FACT(packets_seen) || FACT(absence_counts) || FACT(at_once) || FACT(remote_loopback))
		return false;
	at_most(match, SW_CONFIDENCE_POSSIBLE);
	unseen(match, "the ICMP error: its code and its sender say which verdict it is and who rejects");
	match->locus = SW_LOCUS_UNKNOWN;
	match->cause = "the kernel reported {errno_name} after {duration}; an ICMP error makes it say so";
	return true;
}

static bool prohibited_by_icmp(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(icmp_prohibits))
		return icmp_explains(facts, match);
	return icmp_by_errno(facts, match);
}

static bool refused_by_icmp(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_tcp))
		return false;
	if (FACT(icmp_refuses))
		return icmp_explains(facts, match);
	if (FACT(error) != ECONNREFUSED)
		return false;
	if (FACT(packets_seen) || FACT(absence_counts))
		return near(match, "none came");
	at_most(match, SW_CONFIDENCE_POSSIBLE);
	match->behind = true; /* a RST says no far more often */
	unseen(match, "whether a RST or an ICMP port unreachable said no");
	match->cause = "the kernel reported {errno_name}";
	return true;
}

static bool unreachable_by_icmp(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(icmp_unreaches))
		return icmp_explains(facts, match);
	return icmp_by_errno(facts, match);
}

/* ---- RST ------------------------------------------------------------------------------------------------------- */

static void rst_locus(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(remote_ours)) {
		match->locus = SW_LOCUS_LOCAL_HOST;
	} else if (FACT(rst_from_stranger)) {
		match->locus = SW_LOCUS_PATH;
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cause =
			FACT(rst_hops_off) > 0 ?
				"a RST with TTL {rst_ttl} answered {the|each} SYN after {rst_after}, while {remote_ip} sends with TTL {peer_ttl}" :
				"a RST with TTL {rst_ttl} answered {the|each} SYN after {rst_after}: it came over no router, the peer is behind {route_gateway}";
	}
}

static bool refused_by_rst(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_tcp) || !not_made(facts))
		return false;
	if (FACT(rst_answers_syn) && !FACT(established)) {
		if (FACT(error) && FACT(error) != ECONNREFUSED)
			return near(match, "a RST answered a SYN, but the kernel reported {errno_name}");
		if (FACT(syns) == 0 && FACT(rst_on_loopback))
			return near(match, "the RST was made on this host: its SYN never left");
		cite(match, FACT(syn));
		cite(match, FACT(rst));
		match->cites_surfaced = true;
		rst_locus(facts, match);
		return true;
	}
	if (FACT(error) != ECONNREFUSED)
		return false;
	if (FACT(icmp_refuses))
		return near(match, "an ICMP error answered, no RST");
	if (FACT(absence_counts))
		return near(match, "none came");
	at_most(match, FACT(absence_likely) ? SW_CONFIDENCE_POSSIBLE : SW_CONFIDENCE_LIKELY);
	unseen(match, "the packet that said no: a RST of the peer's, an ICMP error, or a reject on this host");
	match->cause = "the kernel reported {errno_name}, which a RST in answer to the SYN makes it say";
	match->locus = end_or_path(facts, true);
	match->cites_surfaced = true;
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule connecting[] = {
	{
		.code = "refused-by-rst",
		.symptoms = SW_ON(CONNECT) | SW_ON(ANSWER) | SW_ON(HANDSHAKE) | SW_ON(DRAIN),
		.beats = "stale-connection peer-aborted peer-closed-first",
		.locus = SW_LOCUS_PEER_HOST,
		.locus_words =
			"peer-host; local-host where the peer is this host or a redirect to it; path where the RST's hop count is not the peer's",
		.title = "a RST answered the SYN",
		.noun = "a RST in answer to the SYN",
		.holds = refused_by_rst,
		.cause =
			{"a RST from {rst_source} answered {the|each} SYN after {rst_after}; {remote} is translated to {translated_to} on this host",
			 "a RST from {rst_source} answered {the|each} SYN after {rst_after}",
			 "a RST from {rst_source} answered {the|each} SYN"},
		.usually = {"no process listens on port {peer_port} there", "a firewall that rejects with a RST",
			    "a load balancer or proxy without a backend"},
		.next = {{"peer", "ss -ltnp 'sport = :{peer_port}'", "see whether anything listens",
			  "one line; none: start the service"},
			 {"peer", "nft list ruleset | grep -n reject", "look for a rejecting rule",
			  "nothing for port {peer_port}"}},
		.sees = "`ECONNREFUSED`",
		.evidence = "a RST acknowledging our SYN",
	},
	{
		.code = "refused-by-icmp",
		.symptoms = SW_ON(CONNECT),
		.beats = "unreachable-by-icmp",
		.locus = SW_LOCUS_PEER_HOST,
		.locus_words = "peer-host, or path when the ICMP source is not the peer",
		.title = "an ICMP port unreachable answered the SYN",
		.noun = "an ICMP reject",
		.holds = refused_by_icmp,
		.cause = {"{icmp_source} answered {the|each} SYN with ICMP {icmp} after {icmp_after}",
			  "{icmp_source} answered with ICMP {icmp}"},
		.usually = {"a firewall on {icmp_source} that rejects port {peer_port}",
			    "a container host that has no such published port"},
		.next = {{"peer", "nft list ruleset | grep -n -B3 reject",
			  "find the rule of {icmp_source} that rejects port {peer_port}", NULL},
			 {"peer", "ss -ltnp 'sport = :{peer_port}'", "see whether the service is up at all",
			  "one line"}},
		.sees = "`ECONNREFUSED`",
		.evidence = "ICMP 3/3 (v6 1/4) quoting our SYN",
	},
	{
		.code = "prohibited-by-icmp",
		.symptoms = ON_ANY_PACKET,
		.beats = "refused-by-icmp unreachable-by-icmp udp-refused-by-icmp segments-not-sent",
		.locus = SW_LOCUS_PATH,
		.locus_words = "path, or peer-host when the peer itself says so",
		.title = "a firewall said by ICMP that this is prohibited",
		.noun = "a firewall that says so by ICMP",
		.holds = prohibited_by_icmp,
		.cause = {"{icmp_source} answered with ICMP {icmp} after {icmp_after}, {icmps:time}",
			  "{icmp_source} answered with ICMP {icmp}"},
		.usually = {"a firewall rule on {icmp_source} rejects this connection",
			    "firewalld or an access list of the router, for a port that was never opened"},
		.next = {{"path", "nft list ruleset", "find the rule of {icmp_source} that rejects {remote}", NULL},
			 {"here", "ip route get {remote_ip}", "check that the packets take the way that they should",
			  NULL}},
		.sees = "`EHOSTUNREACH`, `ENETUNREACH`, `EACCES`",
		.evidence = "ICMP 3/9, 3/10, 3/13 (v6 1/1, 1/5, 1/6) quoting our packet",
	},
	{
		.code = "unreachable-by-icmp",
		.symptoms = ON_ANY_PACKET,
		.beats = "refused-by-rst udp-refused-by-icmp segments-not-sent",
		.locus = SW_LOCUS_PATH,
		.locus_words = "path, or peer-host when the peer itself says so",
		.title = "a router said by ICMP that there is no way",
		.noun = "a router that knows no way",
		.holds = unreachable_by_icmp,
		.cause = {"{icmp_source} answered with ICMP {icmp} after {icmp_after}, {icmps:time}",
			  "{icmp_source} answered with ICMP {icmp}"},
		.usually = {"the host is down or gone from its network", "a route is missing or wrong on {icmp_source}",
			    "two routers send the packet to each other (time exceeded)"},
		.next = {{"path", "ip route get {remote_ip}",
			  "see whether {icmp_source} knows the way, and whether its next hop is alive", NULL},
			 {"here", "traceroute -n -T -p {port} {remote_ip}", "see how far packets come",
			  "the last hop that answers is next to the fault"}},
		.sees = "`EHOSTUNREACH`, `ENETUNREACH`, `ENOPROTOOPT`",
		.evidence = "ICMP 3/0, 3/1, 3/2 or time exceeded 11/0 (v6 1/0, 1/3, 3/0) quoting our packet",
	},
	{
		.code = "neighbor-unresolved",
		.symptoms = ON_ANY_PACKET | SW_ON(LOOKUP),
		.beats = "dns-unanswered udp-not-sent packet-too-big prohibited-by-icmp syn-not-sent syn-retransmitted",
		.locus = SW_LOCUS_PATH,
		.title = "the next hop does not answer for its address",
		.noun = "a next hop that does not answer",
		.holds = neighbor_unresolved,
		.cause =
			{"{neighbor_asked:question} for the link address of {neighbor_target} went unanswered, and nothing else was sent",
			 "the kernel gave up {remote_ip}: no next hop could be reached, and it told itself so by ICMP",
			 "the neighbour entry of {next_hop} is {neighbor_state}"},
		.usually = {"the next hop is down, or its cable or switch port",
			    "a wrong address or netmask here: the peer is not on this link",
			    "a VLAN, bridge or cloud network that does not carry ARP between the two"},
		.next = {{"here", "ip neigh show to {next_hop}", "see the state of the next hop",
			  "REACHABLE or STALE; FAILED: it does not answer"},
			 {"here", "ip route get {remote_ip}", "check that this is the next hop that it should be",
			  NULL},
			 {"here", "ip -br link; ip -br addr", "check link, address and netmask",
			  "UP and the right network"}},
		.sees = "`EHOSTUNREACH` after some seconds, a hang, or a slow connect",
		.evidence =
			"ARP or neighbour solicitations unanswered (or answered late) for the next hop, nothing else sent meanwhile",
	},
};

SW_RULE_FAMILY(sw_rules_connect, "TCP: connecting", connecting);
