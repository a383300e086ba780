/* Verdicts on questions and answers: replies that came late, from elsewhere, or not to the program. Enters: facts. Leaves: a
 * match. */
#include <errno.h>

#include "correlate/rules.h"
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
	match->cause = "the SYN-ACK came {synack_after} after the first SYN, {synack_after_end} after the application had given up";
	return true;
}

static bool reply_too_late(const struct sw_facts *facts, struct sw_match *match)
{
	return FACT(opening_connects) && FACT(is_tcp) && late_synack(facts, match);
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule datagram[] = {
	{
		.code = "reply-too-late",
		.symptoms = SW_ON(CONNECT),
		.needs = SW_NEEDS_PACKETS,
		.beats = "syn-not-sent",
		.locus = SW_LOCUS_PEER_APP,
		.locus_words = "peer-app, or path where the round trip is the reason",
		.title = "the reply came after the application had given up",
		.holds = reply_too_late,
		.cause = { "the reply came after the application had given up" },
		.usually = { "an overloaded service or path", "a timer that is too short ({deadline} of {deadline_value})" },
		.next = { { "here", NULL, "give the application a longer timeout to see what comes", NULL },
			  { "here", "ping -c 5 {remote_ip}", "compare the round trip with the timer", NULL } },
		.sees = "a receive or a connect that was given up",
		.evidence = "the reply (for TCP: the SYN-ACK, the first byte owed) arrived after the application had given up",
	},
};

SW_RULE_FAMILY(sw_rules_datagram, "UDP and DNS", datagram);
