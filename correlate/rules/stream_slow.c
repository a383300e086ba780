/* Verdicts on slow operations: the part that took the largest share of the time is the reason.
 *
 * Enters: facts, above all the parts (correlate/account/account.h). Leaves: a match. */
#include "correlate/rules/rules.h"
#include "correlate/thresholds.h"

#define ON_SLOW (SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE))
#define ALTERNATIVE_PERCENT 20 /* a part below this is not worth a word */
#define LATE_PERCENT                                                                                                   \
	10 /* a thread here was woken late by so much of the time: the machine has more to do than it can */

/* It was done late, or given up while it moved. */
static bool took_long(const struct sw_facts *facts)
{
	return FACT(slow) || FACT(trickled);
}

/* Half of the time: certain. The largest, but less: likely. A notable rest: an alternative. */
static bool covers(const struct sw_facts *facts, struct sw_match *match, int64_t part)
{
	if (!took_long(facts) || part <= 0 || FACT(part_most) <= 0)
		return false;
	if (part * 100 >= FACT(duration) * SW_PART_REASON_PERCENT)
		return true;
	if (part >= FACT(part_most)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		return true;
	}
	at_most(match, SW_CONFIDENCE_POSSIBLE);
	return part * 100 >= FACT(duration) * ALTERNATIVE_PERCENT;
}

static bool slow_by_loss(const struct sw_facts *facts, struct sw_match *match)
{
	if (!covers(facts, match, FACT(part_loss)))
		return took_long(facts) && FACT(part_most) > 0 &&
		       near(match, "waiting for lost segments took no notable part of the time");
	if (FACT(retransmissions) <= 0 && FACT(peer_lost) > 0) {
		match->cause =
			"for {part_loss} of {duration} lost segments were waited for: {peer_lost:packet} of the peer's never came, by the gap in its IPv4 ids";
		if (!FACT(absence_counts)) /* or the capture lost them */
			at_most(match, SW_CONFIDENCE_LIKELY);
		cite(match, FACT(peer_lost_packet));
	}
	cite(match, FACT(first_again));
	cite(match, FACT(last_again));
	return true;
}

static bool slow_by_rtt(const struct sw_facts *facts, struct sw_match *match)
{
	/* What the congestion window holds back waits for round trips as well. */
	int64_t part = FACT(part_round_trip) + FACT(part_send_buffer);

	/* Each byte that waits for the one before it waits for a round trip: together they must make up the time. */
	if (FACT(rtts) * 100 < part * SW_PART_REASON_PERCENT)
		return took_long(facts) && part > 0 && near(match, "the round trips, added up, are far shorter");
	cite(match, FACT(own_data));
	cite(match, FACT(peer_data));
	if (FACT(rtt_count) > 1)
		match->cause =
			"{rtt_count:exchange} one after the other took {rtt_time} of round trips; one takes at least {rtt}";
	else if (FACT(part_send_buffer) > FACT(part_round_trip))
		match->cause =
			"for {part_send_buffer} of {duration} bytes waited here until those before them were acknowledged; one round trip takes at least {rtt}";
	return covers(facts, match, part);
}

/* What left was acknowledged at once, the window was open, and still bytes waited here: it was this host that let them wait. */
static bool slow_by_own_queue(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t part = FACT(part_send_buffer);

	if (!FACT(slow) || part <= 0 || FACT(began_before)) /* its window is not known */
		return false;
	if (FACT(rtts) <= 0 || FACT(rtts) * 100 >= (part + FACT(part_round_trip)) * SW_PART_REASON_PERCENT)
		return near(match, "the round trips make up the time that bytes waited here");
	at_most(match, FACT(retransmissions) > 0 ? SW_CONFIDENCE_POSSIBLE : SW_CONFIDENCE_LIKELY);
	cite(match, FACT(own_first_data));
	cite(match, FACT(own_data));
	return covers(facts, match, part);
}

static bool slow_by_window(const struct sw_facts *facts, struct sw_match *match)
{
	cite(match, FACT(zero_window));
	return covers(facts, match, FACT(part_window));
}

static bool nagle_delayed_ack(const struct sw_facts *facts, struct sw_match *match)
{
	cite(match, FACT(own_data));
	if (FACT(nagle_count) <= 0)
		match->cause =
			"for {part_nagle} of {duration} a small write was held back until the peer's delayed ACK came";
	return covers(facts, match, FACT(part_nagle));
}

/* Of a question by datagram there are two parts: until the first reply, and from there until it was read. */
static bool datagram_part(const struct sw_facts *facts, int64_t part)
{
	return FACT(is_udp) && FACT(slow) && part > 0 && part * 100 >= FACT(duration) * SW_PART_REASON_PERCENT;
}

/* A busy machine makes its programs slow, and a peer that shares it; where it lets threads wait for much of the time, it is the reason. */
static void busy_here(const struct sw_facts *facts, struct sw_match *match, int64_t part, const char *what)
{
	if (FACT(late_here) <= 0)
		return;
	at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(late_here) * 100 >= part * LATE_PERCENT && !FACT(trickled) && !FACT(stopped_by))
		match->severity = SW_SEVERITY_NOTE;
	unseen(match, what);
}

/* The program sat in the very call that waits for what lay here: it would have read it, had it been let run. */
static void was_kept(const struct sw_facts *facts, struct sw_match *match)
{
	at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(stopped_by)) {
		match->cause =
			"of {duration} the answer lay here unread for {part_data_waiting}: the program was stopped ({stopped_by}) in its wait for it";
		return;
	}
	match->locus = SW_LOCUS_LOCAL_HOST;
	match->severity = SW_SEVERITY_NOTE;
	match->usually = "the machine has more to do than it can, and let the program wait for a processor";
	match->cause =
		"of {duration} the answer lay here unread for {part_data_waiting}, {woken_late} of it with the program in its wait for it: it was woken late";
}

static bool app_slow_to_read(const struct sw_facts *facts, struct sw_match *match)
{
	if (datagram_part(facts, FACT(reply_unread))) {
		cite(match, FACT(peer_data));
		match->cites_surfaced = true;
		match->cause =
			"the reply had come {reply_after} after the question, and the program read it {reply_unread} later";
		return true;
	}
	cite(match, FACT(peer_data));
	match->cites_surfaced = true;
	if (FACT(exits_unknown)) {
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		unseen(match, "when the call that read it returned (strace -T)");
	}
	busy_here(facts, match, FACT(part_data_waiting),
		  "what the program would have needed alone: this machine was busy, threads were woken late");
	if (2 * FACT(woken_late) >= FACT(part_data_waiting))
		was_kept(facts, match);
	return covers(facts, match, FACT(part_data_waiting));
}

/* Where more than one question left, the first may as well have been lost. */
static bool slow_reply(const struct sw_facts *facts, struct sw_match *match)
{
	cite(match, FACT(own_first_data));
	cite(match, FACT(peer_data));
	match->cause = "the reply came {reply_after} after the question";
	if (FACT(datagrams_out) > FACT(datagrams_in)) {
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		match->locus = SW_LOCUS_UNKNOWN;
		match->cause =
			"the first reply came {reply_after} after the first of {datagrams_out:datagram}: the others, or their replies, were lost or ignored";
	}
	return true;
}

/* A failure, unless the program was content with what it had. */
static void gave_up_trickle(const struct sw_facts *facts, struct sw_match *match)
{
	at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(ended_well))
		match->severity = SW_SEVERITY_NOTE;
	match->cause =
		"the answer came in a trickle, {bytes_in} bytes in {duration}, and the program gave it up {answer_missing} before the end that its head announces";
}

static bool peer_slow(const struct sw_facts *facts, struct sw_match *match)
{
	match->cites_surfaced = true;
	if (datagram_part(facts, FACT(reply_after)))
		return slow_reply(facts, match);
	if (!took_long(facts) || !FACT(is_tcp))
		return false;
	if (FACT(trickled))
		gave_up_trickle(facts, match);
	if (FACT(same_waits) >= SW_LONG_POLLS) {
		match->severity = SW_SEVERITY_NOTE;
		match->cause =
			"{same_waits:wait} of about {duration} each ended with an answer: a timer of the peer's, as in a long poll";
	}
	if (!FACT(packets_seen) && !FACT(absence_counts)) {
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		unseen(match, "where the time went: the packets");
		if (!match->cause)
			match->cause = "the answer came after {duration}";
		return true;
	}
	busy_here(facts, match, FACT(part_peer),
		  "whether the peer runs on this machine too, which was busy: threads here were woken late");
	cite(match, FACT(own_data));
	cite(match, FACT(peer_data));
	return covers(facts, match, FACT(part_peer));
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule slow[] = {
	{
		.code = "peer-slow",
		.symptoms = ON_SLOW | SW_ON(DATAGRAM),
		.locus = SW_LOCUS_PEER_APP,
		.title = "the peer's program took its time",
		.holds = peer_slow,
		.cause =
			{"for {part_peer} of {duration} it was the peer's turn: its kernel had acknowledged our request"},
		.usually = {"the service is slow or overloaded, or waits for something itself"},
		.next = {{"peer", "journalctl -e --utc", "look at its log: how long did it take by its own account?",
			  NULL}},
		.sees = "a slow receive",
		.evidence =
			"as `peer-silent`, and the answer came in the end, at once or in a trickle; a failure where the trickle was given up before its end",
	},
	{
		.code = "slow-by-loss",
		.symptoms = ON_SLOW,
		.needs = SW_NEEDS_PACKETS,
		.beats = "slow-by-rtt",
		.locus = SW_LOCUS_PATH,
		.title = "segments were lost and sent again",
		.holds = slow_by_loss,
		.cause =
			{"for {part_loss} of {duration} lost segments were waited for ({retransmissions:retransmission} of ours)"},
		.usually = {"a bad link or an overloaded queue on the path", "a policer that drops"},
		.next = {{"here", "mtr -n -T -P {port} {remote_ip}", "look for loss on the path",
			  "no loss at the last hop"},
			 {"here", "ip -s link", "look for errors and drops at the interface", "0"}},
		.sees = "slow calls",
		.evidence = "retransmissions cover the time",
	},
	{
		.code = "slow-by-rtt",
		.symptoms = ON_SLOW,
		.needs = SW_NEEDS_PACKETS,
		.beats = "slow-by-own-queue",
		.locus = SW_LOCUS_PATH,
		.title = "the round trips took the time",
		.holds = slow_by_rtt,
		.cause =
			{"for {part_round_trip} of {duration} packets were under way; one round trip takes at least {rtt}"},
		.usually = {"the peer is far away, or the line is narrow and what is under way queues up on it",
			    "many questions one after the other where one would do"},
		.next = {{"here", "ping -c 5 {remote_ip}", "compare the round trip", NULL},
			 {"here", NULL, "ask for more at once (pipelining, batches), or keep what was asked", NULL}},
		.sees = "slow calls",
		.evidence = "round trips cover the time",
	},
	{
		.code = "slow-by-own-queue",
		.symptoms = ON_SLOW,
		.needs = SW_NEEDS_PACKETS,
		.beats = "slow-by-window",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "bytes waited in this host",
		.holds = slow_by_own_queue,
		.cause =
			{"for {part_send_buffer} of {duration} bytes waited in this host, while the peer's window was open and what had left was acknowledged at once; all round trips together took {rtts}"},
		.usually = {"traffic shaping or a slow device here (tc), or a pacing rate that was set",
			    "the machine is too busy to send"},
		.next = {{"here", "tc -s qdisc", "look for a shaper, its rate, and what waits in it (backlog)",
			  "backlog 0b"},
			 {"here", "ss -tnmi dst {remote_ip}", "see pacing_rate, and what waits in the socket (notsent)",
			  NULL}},
		.sees = "slow calls",
		.evidence =
			"bytes wait in the send buffer, and neither round trips, nor loss, nor the peer's window cover the time",
	},
	{
		.code = "slow-by-window",
		.symptoms = ON_SLOW,
		.needs = SW_NEEDS_PACKETS,
		.beats = "nagle-delayed-ack",
		.locus = SW_LOCUS_PEER_APP,
		.locus_words = "peer-app, or local-app when it is ours",
		.title = "the receiver's window was full",
		.holds = slow_by_window,
		.cause = {"for {part_window} of {duration} the peer's window was zero or full"},
		.usually = {"the reader is slower than the sender", "a receive buffer too small for the path"},
		.next = {{"peer", "ss -tnmi 'sport = :{peer_port}'", "see its receive queue and buffer", NULL}},
		.sees = "slow calls",
		.evidence = "a window that is full but not zero covers the time",
	},
	{
		.code = "nagle-delayed-ack",
		.symptoms = ON_SLOW,
		.needs = SW_NEEDS_PACKETS,
		.beats = "peer-slow",
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "small writes wait for the peer's delayed ACK",
		.holds = nagle_delayed_ack,
		.cause =
			{"{nagle_count:small write} waited for the peer's delayed ACK, {nagle_time} in all",
			 "for {part_nagle} of {duration} a small write was held back until the peer's delayed ACK came"},
		.usually = {"a request written in two parts on a socket without TCP_NODELAY"},
		.next = {{"here", NULL, "write a request with one call (writev), or set TCP_NODELAY", NULL}},
		.sees = "40 ms (or 200 ms) per request",
		.evidence = "a small write held back until the peer's delayed ACK",
	},
	{
		.code = "app-slow-to-read",
		.symptoms = ON_SLOW | SW_ON(DATAGRAM),
		.needs = SW_NEEDS_PACKETS,
		.beats = "slow-by-loss pmtu-blackhole",
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the data was there, the program did not read it",
		.holds = app_slow_to_read,
		.cause = {"for {part_data_waiting} of {duration} the answer lay here unread"},
		.usually = {"the program was busy with something else: computing, a lock, another connection"},
		.next = {{"here", "perf top -p {its_pid}", "see what the program does meanwhile", NULL}},
		.sees = "the application complains, the data was there",
		.evidence =
			"data arrived long before the call that read it; a note of local-host where the thread sat in its wait for it all the while: a busy machine",
		.locus_words = "local-app, or local-host",
	},
};

SW_RULE_FAMILY(sw_rules_stream_slow, "TCP: an established connection", slow);
