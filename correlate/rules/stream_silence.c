/* Verdicts on an established connection that goes silent: nothing comes, or nothing gets through.
 *
 * Enters: facts. Leaves: a match. Order: VERDICTS.md, "No answer, or an answer that stops". */
#include <errno.h>

#include "correlate/rules/rules.h"
#include "correlate/thresholds.h"

#define ON_STREAM (SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE))
#define ON_WAIT (SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE))

/* Ended by waiting: a timer of ours, of the kernel's, or not at all. Where a wait told of an error that nobody asked for, and no RST or FIN
 * came, it was a timer of the kernel's. */
static bool in_vain(const struct sw_facts *facts)
{
	int64_t error = FACT(error);

	return FACT(gave_up) || FACT(hung) || FACT(lost) ||
	       (FACT(failed) && error <= 0 && FACT(packets_seen) && !FACT(rst).packet && !FACT(peer_fin).packet) ||
	       (FACT(failed) &&
		(error == ETIMEDOUT || error == EAGAIN || error == EHOSTUNREACH || error == ENETUNREACH));
}

static bool was_made(const struct sw_facts *facts)
{
	return FACT(is_tcp) && FACT(packets_seen) && (FACT(established) || FACT(began_before));
}

static bool full_size(const struct sw_facts *facts, int64_t size)
{
	return FACT(segment_size) > 0 && size * 100 >= FACT(segment_size) * SW_FULL_SIZE_PERCENT;
}

static bool segments_not_sent(const struct sw_facts *facts, struct sw_match *match)
{
	if (!in_vain(facts) || !was_made(facts))
		return false;
	if (FACT(bytes_unsent) <= 0)
		return FACT(bytes_written) > 0 && near(match, "all {bytes_written} bytes that calls wrote left");
	if (FACT(window_closed) || FACT(unanswered) > 0)
		return near(match,
			    "they wait for the peer: what left before is unacknowledged, or its window is closed");
	match->cites_surfaced = true;
	cite(match, FACT(own_data));
	return rests_on_absence(facts, match);
}

static bool pmtu_blackhole(const struct sw_facts *facts, struct sw_match *match)
{
	if (!was_made(facts) || !(in_vain(facts) || FACT(slow)))
		return false;
	if (FACT(hole) && full_size(facts, FACT(segment_size)) && FACT(after_hole) > 0 &&
	    FACT(after_hole) < FACT(segment_size) && !full_size(facts, FACT(after_hole))) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cause =
			"bytes of the peer are missing, and only shorter segments (up to {after_hole} bytes) came behind them";
		cite(match, FACT(peer_data));
		return true;
	}
	if (FACT(unanswered) < 2 || !full_size(facts, FACT(largest_unacked)))
		return false;
	if (FACT(largest_acked) >= FACT(largest_unacked))
		return near(match, "segments of {largest_acked} bytes were acknowledged on this connection");
	if (FACT(icmp_too_big))
		return near(match, "an ICMP said the right size");
	if (!(FACT(peer_last).time_ns > FACT(first_again).time_ns))
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(first_again));
	cite(match, FACT(last_again));
	return true;
}

static bool packet_too_big(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(icmp_too_big))
		return false;
	if (FACT(error) != EMSGSIZE && FACT(retransmissions) <= 0)
		return false;
	if (!FACT(slow) && !FACT(failed) && !in_vain(facts))
		return false;
	if (FACT(slow) && FACT(part_most) > 0 && FACT(part_loss) * 100 < FACT(duration) * SW_PART_REASON_PERCENT)
		return near(match, "the kernel adapted at once to the size that the ICMP named");
	cite(match, FACT(icmp_first));
	cite(match, FACT(first_again));
	return true;
}

static bool keepalive_expired(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != ETIMEDOUT || !was_made(facts))
		return false;
	if (FACT(unanswered) > 0 || !FACT(all_acked))
		return near(match, "bytes of ours were unacknowledged");
	if (FACT(window_closed))
		return near(match, "the probes asked for a window, not for a sign of life");
	if (FACT(probes_unanswered) <= 0)
		return false;
	cite(match, FACT(last_keepalive));
	match->cites_surfaced = true;
	return true;
}

static bool peer_not_reading(const struct sw_facts *facts, struct sw_match *match)
{
	if (!was_made(facts))
		return false;
	if (FACT(slow) && FACT(part_window) * 100 >= FACT(duration) * SW_PART_REASON_PERCENT &&
	    2 * FACT(window_zero) >= FACT(part_window)) {
		match->cause =
			"for {part_window} of {duration} the peer's window was closed: its program did not read what we sent";
		cite(match, FACT(zero_window));
		return true;
	}
	if (!in_vain(facts))
		return false;
	if (!FACT(window_closed))
		return FACT(zero_windows) > 0 && near(match, "the peer's window had opened again");
	if (FACT(probes_unanswered) > 1)
		return near(match, "the peer no longer answered our window probes");
	cite(match, FACT(zero_window));
	match->cites_surfaced = true;
	return true;
}

static bool handshake_ack_ignored(const struct sw_facts *facts, struct sw_match *match)
{
	if (!in_vain(facts) || FACT(synacks_again) <= 0)
		return false;
	if (FACT(bytes_in) > 0)
		return near(match, "the peer sent data: it had our ACK");
	if (FACT(request_sent) && FACT(all_acked))
		return near(match, "the peer acknowledged our request: it had our ACK");
	cite(match, FACT(handshake_ack));
	cite(match, FACT(last_synack));
	cite(match, FACT(own_data));
	return true;
}

/* What left is not acknowledged, again and again: data, the FIN, probes. */
static bool unheard(const struct sw_facts *facts)
{
	return FACT(unanswered) > 0 || (FACT(fins_again) > 0 && !FACT(fin_acked)) || FACT(probes_unanswered) > 1;
}

static bool peer_vanished(const struct sw_facts *facts, struct sw_match *match)
{
	if (!in_vain(facts) || !was_made(facts))
		return false;
	if (!unheard(facts))
		return near(match, "nothing of ours was sent again in vain");
	if (FACT(unanswered) == 1 && FACT(peer_quiet) < SW_VANISHED_LEAST_NS && FACT(own_rst).packet)
		return near(match, "the peer was heard a moment before our own side reset the connection");
	if (FACT(fins_again) > 0 && FACT(unanswered) <= 0)
		match->cause =
			"our FIN was sent again {fins_again:time}, and nothing came back; the peer was last heard {peer_quiet} before the end";
	if (FACT(left_all)) {
		match->cause =
			"{left_what} of ours left by {left_by} unacknowledged, and nothing came back there; the peer was last heard {peer_quiet} before the end";
		cite(match, FACT(left_seen));
	}
	if (!FACT(absence_counts))
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(peer_last));
	cite(match, FACT(first_again));
	cite(match, FACT(last_again));
	if (FACT(fins_again) > 0)
		cite(match, FACT(own_fin));
	match->cites_surfaced = FACT(failed);
	return true;
}

/* An end of file before the length that the answer's own head announced, or before its last chunk. */
static bool answer_cut(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(chunks_cut))
		match->cause =
			"{remote} closed after {bytes_in} bytes of its answer in chunks, and the last chunk never came";
	else
		match->cause =
			"{remote} closed after {bytes_in} bytes of its answer, {answer_missing} before the end that its head announces";
	cite(match, FACT(peer_data));
	cite(match, FACT(peer_fin));
	match->cites_surfaced = true;
	return true;
}

static const struct sw_rule_next look_at_local_peer[SW_RULE_TEXTS] = {
	{"here", "ss -xp | grep -F '{host}'", "see who has the other end, and what lies unread there (Recv-Q)", NULL},
};

static bool is_local_stream(const struct sw_facts *facts)
{
	return FACT(is_unix) && FACT(is_stream);
}

static bool answer_stopped(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(ended_by_eof) && FACT(is_tcp) && FACT(answer_read) && (FACT(answer_missing) > 0 || FACT(chunks_cut)))
		return answer_cut(facts, match);
	if (!in_vain(facts) || !(FACT(is_tcp) || is_local_stream(facts)) || !FACT(answer_read))
		return false;
	if (FACT(trickled))
		return near(match, "the answer still moved when the program gave it up");
	if (FACT(packets_seen) && unheard(facts))
		return near(match, "the peer's kernel no longer answered");
	if (!FACT(packets_seen) || !FACT(fin_acked) || FACT(asked_before))
		at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(answer_missing) > 0) {
		match->cause =
			"the answer stopped after {bytes_in} bytes, {answer_missing} before the end that its head announces; nothing more came for {answer_quiet}";
	} else if (FACT(burst) < SW_BURST_BULK && FACT(ended_well)) {
		/* a message came, nobody knows of another, and the program was content */
		match->severity = SW_SEVERITY_NOTE;
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		match->cause =
			"the last of the answer came {answer_quiet} before the end; the program waited for more, and ended well";
	}
	cite(match, FACT(peer_data));
	match->cites_surfaced = true;
	return true;
}

/* Nobody saw what was asked: an answer when there is news looks the same, as long as no timer of the program's runs out. */
static void asked_before(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(asked_before))
		return;
	match->cause =
		"what was asked before the attach had no answer yet: no byte came from {remote} within {duration}";
	if (!FACT(hung))
		return;
	at_most(match, SW_CONFIDENCE_POSSIBLE);
	match->usually =
		"the service hangs or waits for something itself (a database, a lock); it was asked to answer when there is "
		"news (a queue, a long poll), and nothing is wrong";
}

static bool peer_silent(const struct sw_facts *facts, struct sw_match *match)
{
	if (!in_vain(facts) || !(FACT(is_tcp) || is_local_stream(facts)) || FACT(answer_read))
		return false;
	at_most(match, SW_CONFIDENCE_LIKELY);
	match->cites_surfaced = true;
	if (FACT(is_unix)) {
		match->cause =
			"{bytes_written} bytes were handed to {remote}, and no byte of an answer came within {duration}";
		match->next = look_at_local_peer;
		return true;
	}
	if (!FACT(packets_seen)) {
		if (FACT(absence_counts))
			return false;
		unseen(match, "whether the peer's kernel acknowledged our request");
		match->cause = "no byte came from {remote} within {duration}";
		asked_before(facts, match);
		return true;
	}
	if (!FACT(all_acked))
		return near(match, "not every byte of ours was acknowledged");
	if (FACT(answer_begun))
		return near(match, "bytes of an answer came");
	if (FACT(fin_acked) && FACT(absence_counts))
		match->confidence = SW_CONFIDENCE_CERTAIN;
	cite(match, FACT(own_data));
	cite(match, FACT(peer_last));
	if (!FACT(request_sent))
		match->cause = "{remote} had to speak first, and no byte came within {duration}";
	asked_before(facts, match);
	if (FACT(bytes_written) > 0)
		return true;
	if (FACT(ended_well) || FACT(we_speak_first)) { /* nobody had to: a connection made ahead, and not used */
		match->severity = SW_SEVERITY_NOTE;
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		match->cause =
			FACT(ended_well) ?
				"no byte went either way within {duration}, the program closed, and ended well" :
				"no byte went either way within {duration}; on another connection there we spoke first";
	}
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule silence[] = {
	{
		.code = "peer-vanished",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "reply-too-late",
		.locus = SW_LOCUS_UNKNOWN,
		.locus_words = "unknown (path or peer-host)",
		.title = "the peer no longer answers at all",
		.holds = peer_vanished,
		.cause =
			{"data of ours was sent again {unanswered:time}, and nothing came back; the peer was last heard {peer_quiet} before the end",
			 "nothing that we sent was acknowledged any more"},
		.usually = {"the path broke: a link, a route, a firewall that lost its state",
			    "the peer host crashed or lost its address"},
		.next = {{"here", "ping -c 3 {remote_ip}", "see whether the host answers at all", NULL},
			 {"here", "traceroute -n -T -p {port} {remote_ip}", "see how far packets come",
			  "the last hop that answers is next to the fault"}},
		.sees = "`ETIMEDOUT`, a hang, the application gives up",
		.evidence =
			"data, window probes or the FIN retransmitted, no ACK of them, after the connection had worked",
	},
	{
		.code = "segments-not-sent",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS | SW_NEEDS_ABSENCE,
		.beats = "reply-not-delivered pmtu-blackhole",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "what the program wrote never left this host",
		.holds = segments_not_sent,
		.cause = {"calls wrote {bytes_written} bytes, and {bytes_unsent} of them never left this host"},
		.usually = {"an own firewall that drops in its output chain", "a full or broken device queue"},
		.next = {{"here", "nft list ruleset; iptables -S OUTPUT", "look for a drop of packets to {remote}",
			  NULL},
			 {"here", "tc -s qdisc; ip -s link", "look for drops at the interface", NULL}},
		.sees = "success, then `ETIMEDOUT` or a hang",
		.evidence = "calls wrote bytes that the capture, complete, never saw leave",
	},
	{
		.code = "keepalive-expired",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "peer-not-reading",
		.locus = SW_LOCUS_UNKNOWN,
		.locus_words = "unknown (path or peer-host)",
		.title = "the keepalive probes went unanswered",
		.holds = keepalive_expired,
		.cause =
			{"{probes_unanswered:keepalive probe} went unanswered, the connection was idle for {peer_quiet}"},
		.usually = {"the path broke under the idle connection", "the peer host is gone"},
		.next = {{"here", "ping -c 3 {remote_ip}", "see whether the host answers at all", NULL}},
		.sees = "`ETIMEDOUT` on an idle connection",
		.evidence = "keepalive probes unanswered",
	},
	{
		.code = "pmtu-blackhole",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "keepalive-expired slow-by-loss",
		.locus = SW_LOCUS_PATH,
		.title = "full-size packets do not get through",
		.holds = pmtu_blackhole,
		.cause =
			{"segments of {largest_unacked} bytes were sent again {unanswered:time} and never acknowledged, those up to {largest_acked} bytes were"},
		.usually =
			{"a tunnel or link with a smaller MTU, and a firewall that drops the ICMP that would say so"},
		.next = {{"here", "ping -M do -s 1472 -c 3 {remote_ip}", "find the largest size that passes",
			  "1472 passes with an MTU of 1500"},
			 {"path", "iptables -S | grep -i icmp",
			  "let ICMP fragmentation needed (v6: packet too big) pass, or clamp the MSS", NULL}},
		.sees = "a hang, `ETIMEDOUT`",
		.evidence =
			"full-size segments retransmitted, none of that size ever acknowledged on this connection, small ones are, no ICMP; or, receiving, a hole of full size that only shorter segments follow",
	},
	{
		.code = "packet-too-big",
		.symptoms = ON_STREAM | SW_ON(DATAGRAM),
		.needs = SW_NEEDS_PACKETS,
		.beats = "prohibited-by-icmp pmtu-blackhole slow-by-loss",
		.locus = SW_LOCUS_PATH,
		.title = "a router says that our packets are too big",
		.holds = packet_too_big,
		.cause = {"{icmp_source} said by ICMP {icmp} that {icmp_mtu} bytes is the most, {icmps:time}"},
		.usually = {"a tunnel or link with a smaller MTU on the path"},
		.next = {{"here", "ip route get {remote_ip}", "see the path MTU that the kernel has learnt", NULL},
			 {"here", "ip link", "give the interface the MTU that the path has, or clamp the MSS", NULL}},
		.sees = "slow, or `EMSGSIZE`",
		.evidence = "ICMP 3/4 (v6 2/0) quoting our packet",
	},
	{
		.code = "handshake-ack-ignored",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "peer-vanished",
		.locus = SW_LOCUS_PEER_HOST,
		.title = "the peer ignores the end of our handshake",
		.holds = handshake_ack_ignored,
		.cause = {"{remote_ip} sent its SYN-ACK again {synacks_again:time} after our ACK and data had left"},
		.usually = {"the peer's accept queue is full: its program accepts too slowly",
			    "our ACKs are lost on the way"},
		.next = {{"peer", "ss -ltn 'sport = :{peer_port}'", "compare Recv-Q with Send-Q (the backlog)",
			  "Recv-Q far below Send-Q"},
			 {"peer", "nstat -az TcpExtListenOverflows", "see whether its listen queue overflows",
			  "no rise"}},
		.sees = "a connect that succeeds and a first request that hangs",
		.evidence =
			"SYN-ACKs again after our ACK and data left: the peer's accept queue is full, or our ACKs are lost",
	},
	{
		.code = "peer-not-reading",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "handshake-ack-ignored slow-by-window",
		.locus = SW_LOCUS_PEER_APP,
		.title = "the peer's program does not read",
		.holds = peer_not_reading,
		.cause =
			{"the peer's window has been closed ({zero_windows:zero window}): its program does not read what we send"},
		.usually = {"the peer's program hangs or is overloaded",
			    "it waits for us while we wait for it (a deadlock of two writers)"},
		.next = {{"peer", "ss -tn 'sport = :{peer_port}'", "a large Recv-Q is what its program has not read",
			  "Recv-Q 0"}},
		.sees = "a blocked or `EAGAIN` send",
		.evidence = "zero windows advertised",
	},
	{
		.code = "peer-silent",
		.symptoms = ON_WAIT,
		.locus = SW_LOCUS_PEER_APP,
		.title = "the peer took the request and never answered",
		.holds = peer_silent,
		.cause =
			{"the peer's kernel acknowledged all {bytes_out} bytes of our request, and no byte of an answer came within {duration}"},
		.usually = {"the service hangs or waits for something itself (a database, a lock)", "it is overloaded",
			    "another protocol is spoken on this port"},
		.next = {{"peer", "ss -tnp 'sport = :{peer_port}'",
			  "Recv-Q above 0: its program has not even read the request", "Recv-Q 0"},
			 {"peer", "strace -f -p \"$(fuser {peer_port}/tcp 2>/dev/null | xargs)\"",
			  "see what the service waits for", NULL}},
		.sees = "a receive that times out or hangs",
		.evidence =
			"our request acknowledged by the peer's kernel (or the peer had to speak first), no byte of an answer",
	},
	{
		.code = "answer-stopped",
		.symptoms = ON_WAIT,
		.beats = "peer-silent",
		.locus = SW_LOCUS_PEER_APP,
		.title = "the answer began and stopped",
		.holds = answer_stopped,
		.cause = {"the answer stopped after {bytes_in} bytes; nothing more came for {answer_quiet}",
			  "the answer began and stopped"},
		.usually = {"the service hangs in the middle of its answer, or crashed or gave up there",
			    "what it reads from has stopped itself"},
		.next = {{"peer", "ss -tnp 'sport = :{peer_port}'",
			  "Send-Q above 0: it has data that we do not take; 0: its program writes nothing", NULL},
			 {"peer", "strace -f -p \"$(fuser {peer_port}/tcp 2>/dev/null | xargs)\"",
			  "see what the service waits for", NULL}},
		.sees = "a receive that times out or hangs when part of the answer was read; or an end of file in the middle of it",
		.evidence =
			"the answer began and stopped; the peer's kernel is there (it acknowledges our probes, our FIN), or its FIN came before the length that the answer's head announced",
	},
};

SW_RULE_FAMILY(sw_rules_stream_silence, "TCP: an established connection", silence);
