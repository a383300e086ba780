/* Verdicts on questions and answers: replies that came late, from elsewhere, or not to the program. Enters: facts. Leaves: a
 * match. */
#include <errno.h>
#include <string.h>

#include "correlate/rules/rules.h"
#include "correlate/thresholds.h"

/* The SYN-ACK came, reached our TCP, and nobody waited for it any more. One that drew neither ACK nor RST did not reach it. */
static bool late_synack(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(gave_up) || !FACT(synack).packet)
		return false;
	if (!FACT(synack_late))
		return near(match, "the SYN-ACK came before the application gave up");
	if (!FACT(own_rst).packet && !FACT(handshake_ack).packet)
		return false;
	cite(match, FACT(syn));
	cite(match, FACT(synack));
	cite(match, FACT(own_rst));
	match->locus = SW_LOCUS_UNKNOWN;
	match->cause =
		"the SYN-ACK came {synack_after} after the first SYN, {synack_after_end} after the application had given up";
	return true;
}

/* ---- UDP: what became of the question ----------------------------------------------------------------------------- */

#define ON_QUESTION (SW_ON(DATAGRAM) | SW_ON(LOOKUP))

static bool in_vain(const struct sw_facts *facts)
{
	return FACT(gave_up) || FACT(hung) || (FACT(failed) && FACT(error) == EAGAIN);
}

/* Nothing shows that an answer was wanted: an event loop watches every socket it has, and the program went on or ended well. Nor does
 * who asks many and is answered by none fail. */
static bool done_without(const struct sw_facts *facts)
{
	bool one_way = !FACT(waited_alone) && !FACT(read_before);
	bool to_many = FACT(remote_multicast) || (FACT(broadcast_allowed) && FACT(remote_ends_255));

	return (FACT(ended_well) || FACT(runs_on)) && (one_way || to_many);
}

static bool asks(const struct sw_facts *facts)
{
	return FACT(is_udp) || FACT(is_ping);
}

static bool late_datagram(const struct sw_facts *facts, struct sw_match *match)
{
	if (!asks(facts) || !FACT(gave_up))
		return false;
	if (FACT(ended_sooner) && !FACT(answer_begun) && FACT(answers_after) > FACT(duration)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		unseen(match, "the reply to this question: the recording ended before it was due");
		cite(match, FACT(own_data));
		match->cause =
			"{remote} answered another question after {answers_after}, and the application gave up after {duration}";
		return true;
	}
	if (FACT(answer_after_end) <= 0)
		return false;
	if (FACT(answer_begun) && FACT(answer_in_time))
		return near(match, "the reply came before the application gave up");
	cite(match, FACT(own_data));
	cite(match, FACT(peer_data));
	match->cause =
		"the reply came {answer_after} after the question, {answer_after_end} after the application had given up";
	return true;
}

/* The first byte owed on a connection, after the application had stopped waiting for it. */
static bool late_answer(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_tcp) || FACT(opening_connects) || !FACT(gave_up) || FACT(answer_after_end) <= 0 ||
	    FACT(answer_read))
		return false;
	if (FACT(answer_in_time))
		return near(match, "bytes of an answer came in time");
	cite(match, FACT(own_data));
	cite(match, FACT(peer_data));
	match->cause =
		"the answer came {answer_after} after the request, {answer_after_end} after the application had given up";
	return true;
}

static bool reply_too_late(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(opening_connects) && FACT(is_tcp))
		return late_synack(facts, match);
	return late_datagram(facts, match) || (!match->near && late_answer(facts, match));
}

static bool udp_refused_by_icmp(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_udp))
		return false;
	if (!FACT(icmp_refuses)) {
		if (FACT(error) != ECONNREFUSED || FACT(packets_seen) || FACT(absence_counts))
			return FACT(packets_seen) && near(match, "no ICMP port unreachable came");
		at_most(match, SW_CONFIDENCE_LIKELY);
		unseen(match, "the ICMP error and its sender");
		match->cause =
			"the kernel reported {errno_name}, which only an ICMP port unreachable makes it say for a datagram";
		match->cites_surfaced = true;
		return true;
	}
	if (FACT(icmp_from_us) && !FACT(remote_ours))
		return near(match, "the ICMP came from this host itself");
	if (FACT(slow) || FACT(answer_begun))
		return false;
	cite(match, FACT(own_data));
	cite(match, FACT(icmp_first));
	match->cites_surfaced = FACT(failed);
	if (!FACT(failed) && done_without(facts))
		match->severity = SW_SEVERITY_NOTE;
	match->locus = FACT(remote_ours)    ? SW_LOCUS_LOCAL_HOST :
		       FACT(icmp_from_peer) ? SW_LOCUS_PEER_HOST :
					      SW_LOCUS_PATH;
	return true;
}

/* The kernel, or the resolver library, drops what comes from who was not asked. */
static bool drops_strangers(const struct sw_facts *facts)
{
	return FACT(connected) || FACT(read_before) || FACT(elsewhere_late) || strcmp(FACT(operation), "look-up") == 0;
}

static bool reply_from_elsewhere(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_udp) || !in_vain(facts) || !FACT(elsewhere_packet).packet)
		return false;
	if (FACT(answer_begun))
		return near(match, "a reply came from the right end too");
	if (!drops_strangers(facts))
		return near(match, "the socket is not connected: it takes datagrams of anybody");
	cite(match, FACT(own_data));
	cite(match, FACT(elsewhere_packet));
	return true;
}

static bool reply_not_delivered(const struct sw_facts *facts, struct sw_match *match)
{
	if (!in_vain(facts) || FACT(opening_connects) || FACT(dns_unused) || !(asks(facts) || FACT(is_tcp)))
		return false;
	if (FACT(is_tcp) && FACT(reset_not_ours)) {
		match->cause =
			"a RST left in the name of our socket, which lived on: a firewall of this host rejects what comes from {remote}";
		match->usually = "a rule of the own input firewall (nft reject with tcp reset)";
		cite(match, FACT(peer_data));
		cite(match, FACT(own_rst));
		cite(match, FACT(last_again));
		return true;
	}
	if (FACT(is_tcp)) {
		if (FACT(answer_repeats) <= 0)
			return false;
		match->cause =
			"{answer_repeats:segment} of the answer came again and again, and our host never acknowledged them";
		cite(match, FACT(peer_data));
		if (!FACT(absence_counts))
			at_most(match, SW_CONFIDENCE_LIKELY);
		return true;
	}
	if (FACT(elsewhere_packet).packet && !FACT(answer_begun) && !drops_strangers(facts)) {
		match->cause =
			"we asked {remote}, and a reply came from {elsewhere}; the socket takes datagrams of anybody, and no call ever got it";
		match->usually =
			"a firewall of this host that lets in answers of who was asked alone (connection tracking)";
		cite(match, FACT(own_data));
		cite(match, FACT(elsewhere_packet));
		return true;
	}
	bool partly = FACT(dns_queries) >= 0 &&
		      !FACT(dns_undelivered); /* what came was about another type, and was read */

	if (!FACT(answer_begun) || FACT(answer_read) || partly) {
		if (FACT(bad_checksums) <= 0)
			return false;
		match->locus = SW_LOCUS_UNKNOWN;
		match->cause = "the reply came with a bad checksum: our kernel discarded it";
		cite(match, FACT(bad_checksum));
		return true;
	}
	if (!FACT(answer_in_time))
		return near(match, "the reply came after the application had given up");
	if (FACT(answer_incomplete) > 0) {
		match->locus = SW_LOCUS_PATH;
		match->cause =
			"the reply came in fragments, and not all of them arrived: the kernel discards what it cannot put together";
		if (!FACT(absence_counts))
			at_most(match, SW_CONFIDENCE_LIKELY);
		cite(match, FACT(own_data));
		cite(match, FACT(answer_fragment));
		return true;
	}
	if (FACT(socket_drops) > 0) {
		match->cause =
			"the reply came, and the socket's receive buffer of {socket_buffer} bytes was full: it dropped {socket_drops:datagram}";
		match->cites_fact = "receive-buffer";
	} else if (FACT(receive_buffer_drops) > 0) {
		match->cause =
			"the reply came {answer_after} after the question, and a receive buffer was full ({receive_buffer_drops:drop})";
		match->cites_fact = "counters";
	}
	cite(match, FACT(own_data));
	cite(match, FACT(peer_data));
	return true;
}

static bool udp_not_sent(const struct sw_facts *facts, struct sw_match *match)
{
	if (!asks(facts) || !in_vain(facts))
		return false;
	if (FACT(packets_seen) && FACT(datagrams_out) > 0)
		return near(match, "{datagrams_out:datagram} left");
	match->cites_opening = true;
	return rests_on_absence(facts, match);
}

static const struct sw_rule_next look_at_pings[SW_RULE_TEXTS] = {
	{"peer", "tcpdump -ni any icmp or icmp6", "see whether the requests arrive and replies leave", NULL},
	{"here", "traceroute -n {remote_ip}", "see how far packets come",
	 "the last hop that answers is next to the fault"},
};

static bool udp_unanswered(const struct sw_facts *facts, struct sw_match *match)
{
	if (!asks(facts) || !in_vain(facts))
		return false;
	if (FACT(answer_begun) || FACT(icmps) > 0 || FACT(bad_checksums) > 0)
		return near(match, "something came back");
	if (FACT(datagrams_out) <= 0 && FACT(packets_available))
		at_most(match, SW_CONFIDENCE_POSSIBLE);
	if (!FACT(absence_counts))
		at_most(match, FACT(absence_likely) ? SW_CONFIDENCE_LIKELY : SW_CONFIDENCE_POSSIBLE);
	if (FACT(left_all)) {
		match->cause = "{left_what} to {remote} left by {left_by}, nothing came back there within {duration}";
		cite(match, FACT(left_seen));
	}
	if (FACT(is_ping)) {
		match->cause = "{datagrams_out:echo request} to {remote_ip} left, nothing came back within {duration}";
		match->next = look_at_pings;
	}
	if (done_without(facts) || (FACT(is_ping) && FACT(ended_well)))
		match->severity = SW_SEVERITY_NOTE;
	match->cites_opening = true;
	cite(match, FACT(own_data));
	return true;
}

static bool datagram_too_big(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != EMSGSIZE || FACT(is_stream) || FACT(icmp_too_big))
		return false;
	match->cites_surfaced = true;
	return true;
}

/* ---- look-ups ------------------------------------------------------------------------------------------------------ */

static const struct sw_rule_next look_at_service[SW_RULE_TEXTS] = {
	{"here", "sockwhy attach $(pidof {dns_service})",
	 "watch what it waits for itself, while the program asks again", NULL},
	{"here", "getent -s dns ahosts {dns_candidate}", "ask past it: the resolvers of /etc/resolv.conf", NULL},
};

/* Nobody answered, or what was answered over UDP needed TCP and nothing came there. */
static bool dns_unanswered(const struct sw_facts *facts, struct sw_match *match)
{
	bool told = FACT(failed) && (FACT(error) == ECONNREFUSED || FACT(error) == 0 || FACT(error) == ECONNRESET);

	if (!in_vain(facts) && !told && !FACT(ended_by_eof))
		return false;
	if (FACT(dns_rcode) >= 0 || (FACT(dns_queries) < 0 && FACT(answer_begun)))
		return near(match, "the resolver answered");
	if (FACT(dns_service)) {
		match->cause =
			"{dns_service} ({dns_service_what} of this host) did not answer for {dns_name} within {duration}; libraries then ask "
			"otherwise";
		if (FACT(ended_well) || FACT(runs_on))
			match->severity = SW_SEVERITY_SLOW;
		match->locus = SW_LOCUS_LOCAL_HOST;
		match->next = look_at_service;
	} else if (FACT(dns_unused)) {
		match->cause =
			"no answer came for {dns_type_wanted} of {dns_name} within {duration}, and the program ended without going for the "
			"address that was found: {dns_said}";
		match->usually =
			"a resolver or a firewall that drops queries for one type; libraries (musl) that then say that the name cannot be looked up";
		at_most(match, SW_CONFIDENCE_LIKELY);
	} else if (FACT(icmp_refuses) || FACT(icmp_prohibits) || FACT(icmp_unreaches)) {
		match->cause = FACT(icmp_refuses) ?
				       "{remote} refused the query: {icmp_source} answered with ICMP {icmp}" :
				       "the query did not reach {remote}: {icmp_source} answered with ICMP {icmp}";
		cite(match, FACT(icmp_first));
	} else if (FACT(ended_by_eof) || FACT(error) == ECONNRESET) {
		match->cause = "{remote} closed the connection without an answer";
		cite(match, FACT(peer_fin));
		cite(match, FACT(rst));
	} else if (FACT(dns_strays) > 0) {
		match->cause =
			"{dns_strays:datagram} came from {remote}, and none answers what was asked for {dns_name}: it had {dns_stray_why}";
		match->usually =
			"a resolver or a middlebox on the way that is broken; an answer of somebody who does not know the query";
		cite(match, FACT(dns_stray));
	} else if (!FACT(absence_counts)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
	}
	match->cites_opening = true;
	cite(match, FACT(dns_silent_query));
	cite(match, FACT(own_data));
	return true;
}

static bool dns_slow(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(slow))
		return false;
	if (!FACT(packets_seen))
		at_most(match, SW_CONFIDENCE_LIKELY);
	match->cites_surfaced = true;
	if (FACT(dns_service))
		match->cause =
			"{dns_service} ({dns_service_what} of this host) answered for {dns_name} after {duration}; whom it asked itself was not "
			"watched";
	else if (FACT(dns_silent))
		match->cause =
			"{dns_silent} did not answer; {dns_answer_server} did, {dns_answer_after} after the first query";
	else if (FACT(dns_missing))
		match->cause =
			"nobody answered for type {dns_missing}, which cost {duration}; {dns_answer_server} answered the rest after {dns_answer_took}";
	cite(match, FACT(dns_first_query));
	cite(match, FACT(dns_silent_query));
	cite(match, FACT(dns_answer));
	if (!FACT(dns_answer).packet) {
		cite(match, FACT(own_first_data));
		cite(match, FACT(peer_data));
	}
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule datagram[] = {
	{
		.code = "udp-refused-by-icmp",
		.symptoms = SW_ON(DATAGRAM) | SW_ON(CALL),
		.beats = "udp-not-sent reply-not-delivered",
		.locus = SW_LOCUS_PEER_HOST,
		.title = "the peer has no such UDP port",
		.holds = udp_refused_by_icmp,
		.cause = {"{icmp_source} answered our datagram with ICMP {icmp}"},
		.usually = {"no process has bound port {peer_port} there",
			    "a firewall that rejects with port unreachable"},
		.next = {{"peer", "ss -lunp 'sport = :{peer_port}'", "see whether anything has bound the port",
			  "one line; none: start the service"}},
		.sees = "`ECONNREFUSED` on a later send or receive, POLLERR, or just a receive that times out (an unconnected socket is never told)",
		.evidence = "ICMP port unreachable quoting our datagram",
	},
	{
		.code = "udp-unanswered",
		.symptoms = SW_ON(DATAGRAM),
		.locus = SW_LOCUS_UNKNOWN,
		.title = "nothing came back for the datagram",
		.holds = udp_unanswered,
		.cause = {"{datagrams_out:datagram} to {remote} left, nothing came back within {duration}",
			  "nothing came back from {remote} within {duration}"},
		.usually = {"a firewall that drops", "a service that does not answer this question",
			    "the host is down, or the address is wrong"},
		.next = {{"peer", "tcpdump -ni any udp port {peer_port}",
			  "see whether the datagrams arrive and an answer leaves", NULL},
			 {"here", "ping -c 3 {remote_ip}", "see whether the host answers at all", NULL}},
		.sees = "a receive that times out",
		.evidence = "our datagram left, nothing came back",
	},
	{
		.code = "udp-not-sent",
		.symptoms = ON_QUESTION,
		.needs = SW_NEEDS_PACKETS | SW_NEEDS_ABSENCE,
		.beats = "reply-not-delivered dns-unanswered udp-unanswered",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "the datagram never left this host",
		.holds = udp_not_sent,
		.cause = {"{call} to {remote} said success, and no datagram left this host"},
		.usually = {"a traffic control or XDP program, or an egress firewall, that drops",
			    "a device that swallows packets"},
		.next = {{"here", "nft list ruleset; tc -s qdisc", "look for drops on the way out", NULL},
			 {"here", "ip route get {remote_ip}", "see which interface it should leave by", NULL}},
		.sees = "success, then silence",
		.evidence = "no datagram left (with an errno it is `blocked-locally`)",
	},
	{
		.code = "reply-not-delivered",
		.symptoms = ON_QUESTION | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE),
		.needs = SW_NEEDS_PACKETS,
		.beats = "reply-from-elsewhere app-slow-to-read dns-unanswered",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "the reply arrived and did not reach the program",
		.holds = reply_not_delivered,
		.cause = {"the reply came {answer_after} after the question, and no call ever got it"},
		.usually = {"an own firewall that drops in its input chain", "a full receive buffer (SO_RCVBUF)",
			    "a bad checksum", "a firewall on the path that drops fragments"},
		.next = {{"here", "nft list ruleset; iptables -S INPUT", "look for a drop of packets from {remote_ip}",
			  NULL},
			 {"here", "nstat -az UdpRcvbufErrors UdpInCsumErrors",
			  "see whether the kernel counts them as dropped", "0 and 0"}},
		.sees = "a receive that times out",
		.evidence =
			"the reply arrived, before the deadline, and the call never got it: own firewall, full receive buffer, bad checksum (then the locus is `unknown`), fragments of it that did not come (then it is `path`)",
	},
	{
		.code = "reply-from-elsewhere",
		.symptoms = ON_QUESTION,
		.needs = SW_NEEDS_PACKETS,
		.beats = "reply-too-late dns-unanswered",
		.locus = SW_LOCUS_PEER_APP,
		.title = "the reply came from another end than was asked",
		.holds = reply_from_elsewhere,
		.cause = {"we asked {remote}, and the reply came from {elsewhere}: a connected socket never gets it"},
		.usually = {"a server with several addresses that answers from another one",
			    "address translation in one direction only"},
		.next = {{"peer", "ss -lunp 'sport = :{peer_port}'",
			  "see whether it is bound to all addresses: then it must answer from the one that was asked",
			  NULL}},
		.sees = "a receive that times out",
		.evidence = "the reply came from another address or port than was asked",
	},
	{
		.code = "reply-too-late",
		.symptoms = SW_ON(CONNECT) | ON_QUESTION | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE),
		.needs = SW_NEEDS_PACKETS,
		.beats = "syn-not-sent answer-stopped dns-unanswered udp-unanswered",
		.locus = SW_LOCUS_PEER_APP,
		.locus_words = "peer-app, or path where the round trip is the reason",
		.title = "the reply came after the application had given up",
		.holds = reply_too_late,
		.cause = {"the reply came after the application had given up"},
		.usually = {"an overloaded service or path",
			    "a timer that is too short ({deadline} of {deadline_value})"},
		.next = {{"here", NULL, "give the application a longer timeout to see what comes", NULL},
			 {"here", "ping -c 5 {remote_ip}", "compare the round trip with the timer", NULL}},
		.sees = "a receive or a connect that was given up",
		.evidence =
			"the reply (for TCP: the SYN-ACK, the first byte owed) arrived after the application had given up",
	},
	{
		.code = "datagram-too-big",
		.symptoms = SW_ON(DATAGRAM) | SW_ON(CALL),
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the datagram is larger than may be sent",
		.holds = datagram_too_big,
		.cause =
			{"{call} asked to send {asked} bytes in one datagram ({errno_name}); IPv4 carries 65507 at most",
			 "{call} failed with {errno_name}"},
		.usually = {"a message that needs TCP or its own fragments",
			    "DF set (IP_MTU_DISCOVER) and more than the path MTU"},
		.next = {{"here", "ip route get {remote_ip}", "see the MTU toward the peer", NULL}},
		.sees = "`EMSGSIZE`",
		.evidence = "the size and the limit",
	},
	{
		.code = "dns-unanswered",
		.symptoms = SW_ON(LOOKUP),
		.locus = SW_LOCUS_RESOLVER,
		.title = "the resolver did not answer",
		.holds = dns_unanswered,
		.cause =
			{"no answer came within {duration} although {dns_queries} queries for {dns_name} left: {dns_said}",
			 "no answer came from {remote} within {duration}"},
		.usually = {"the resolver is down or overloaded, or a firewall drops the queries",
			    "a wrong address in resolv.conf"},
		.next = {{"here", "dig @{remote_ip} +tries=1 +time=2 .", "ask that resolver yourself", "an answer"},
			 {"here", "resolvectl status; cat /etc/resolv.conf", "see which resolvers are configured",
			  NULL}},
		.sees = "the lookup times out",
		.evidence =
			"queries without a reply (`udp-unanswered`, `udp-refused-by-icmp` toward a resolver are this; say how). Where the reason for the silence is known more exactly (`udp-not-sent`, `blocked-locally`, `reply-not-delivered`, `reply-from-elsewhere`, `reply-too-late`), that is the verdict",
	},
	{
		.code = "dns-slow",
		.symptoms = SW_ON(LOOKUP),
		.locus = SW_LOCUS_RESOLVER,
		.title = "the look-up was slow",
		.holds = dns_slow,
		.cause = {"the answer of {dns_answer_server} came {dns_answer_after} after the first query",
			  "the answer of {remote} came {duration} after the first query"},
		.usually = {"the resolver asks a slow or dead server itself", "the first resolver of the list is dead",
			    "one of A and AAAA stays without an answer"},
		.next = {{"here", "dig @{remote_ip} +tries=1 .", "see how long a query takes", "some ms"},
			 {"here", "resolvectl status; cat /etc/resolv.conf",
			  "see which resolvers are configured, and in which order", NULL}},
		.sees = "a slow lookup",
		.evidence = "the answer came late, or only from the second server or try",
	},
};

SW_RULE_FAMILY(sw_rules_datagram, "UDP and DNS", datagram);
