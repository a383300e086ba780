/* Verdicts on how an established connection ended: a RST, an end of file, EPIPE. What the first event was decides, not what
 * followed from it.
 *
 * Enters: facts. Leaves: a match. Order: VERDICTS.md, "When two fit". */
#include <errno.h>

#include "correlate/rules/rules.h"
#include "correlate/thresholds.h"

#define ON_STREAM (SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE) | SW_ON(SERVE))

/* The connection broke under a call: reset, broken pipe, or an error that only a wait told of. */
static bool broke(const struct sw_facts *facts)
{
	int64_t error = FACT(error);

	return FACT(lost) || (FACT(failed) && (error == ECONNRESET || error == EPIPE || error <= 0));
}

static bool write_after_own_shutdown(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != EPIPE || !FACT(shut_before))
		return false;
	match->cites_surfaced = match->cites_culprit = true;
	return true;
}

/* A client of ours that is owed nothing may go as it likes: haproxy's checks and load generators end by a RST. */
static void asked_nothing(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(accepted) || !FACT(owed_nothing))
		return;
	match->severity = SW_SEVERITY_NOTE;
	match->usually = "a health check, a scan or a load generator that spares itself the orderly end";
}

/* ---- the peer's FIN ------------------------------------------------------------------------------------------------- */

/* unix(7): a write is told EPIPE where the other end is closed, and ECONNRESET where it was closed with bytes of ours unread. */
static bool local_peer_closed(const struct sw_facts *facts, struct sw_match *match, int64_t error, const char *cause)
{
	if (!FACT(is_unix) || !FACT(is_stream) || !FACT(failed) || FACT(error) != error)
		return false;
	match->cause = cause;
	match->usually = "the other process ended, or has a time limit of its own";
	match->cites_surfaced = true;
	return true;
}

static bool peer_closed_first(const struct sw_facts *facts, struct sw_match *match)
{
	bool ended = broke(facts) || FACT(ended_by_eof);

	if (local_peer_closed(facts, match, EPIPE,
			      "the other end of {remote} had been closed before {call} wrote to it"))
		return true;
	if (!ended || !FACT(is_tcp))
		return false;
	if (!FACT(peer_fin).packet)
		return FACT(rst).packet && near(match, "a RST came, no FIN before it");
	if (!FACT(wrote_after_fin) && FACT(error) != EPIPE)
		return near(match, "the peer's FIN acknowledges all that we had sent");
	if (FACT(lost) && !FACT(rst).packet)
		return near(match, "no RST answered what we wrote after the peer's FIN");
	if (FACT(ended_by_eof) && !FACT(rst).packet && FACT(fin_saw_request))
		return near(match, "the peer had our request when it closed");
	cite(match, FACT(peer_fin));
	cite(match, FACT(own_data));
	cite(match, FACT(rst));
	match->cites_surfaced = true;
	if (!FACT(rst).packet) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cause = "the peer's FIN came before our last data reached it";
	}
	if (FACT(failed) && FACT(error) <= 0 && FACT(ended_well)) {
		match->severity =
			SW_SEVERITY_NOTE; /* no call was told, and the program was content: it had said goodbye */
		at_most(match, SW_CONFIDENCE_LIKELY);
	}
	asked_nothing(facts, match);
	return true;
}

static bool eof_by_call(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(packets_seen))
		return false;
	if (!FACT(is_unix)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		unseen(match, "whether the peer's FIN came before or after our request");
	}
	match->cause = "the peer closed: {reported_by} returned an end of file and no byte of an answer";
	match->cites_surfaced = true;
	return true;
}

static bool peer_closed_early(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(ended_by_eof) || FACT(answer_read))
		return false;
	if (!FACT(peer_fin).packet)
		return eof_by_call(facts, match);
	if (FACT(wrote_after_fin) && !FACT(fin_saw_request) && FACT(request_sent))
		return near(match, "the peer's FIN acknowledges nothing of our request");
	cite(match, FACT(own_data));
	cite(match, FACT(peer_fin));
	match->cites_surfaced = true;
	if (!FACT(request_sent))
		match->cause = "{remote} closed the connection without a word";
	return true;
}

/* ---- RST ------------------------------------------------------------------------------------------------------------ */

/* The RST that broke it: of the peer's side, not an answer to a SYN, in time. */
static bool reset_came(const struct sw_facts *facts, struct sw_match *match)
{
	if (!broke(facts) || !FACT(rst).packet || FACT(rst_answers_syn))
		return false;
	if (FACT(peer_fin).packet && FACT(fin_then_rst))
		return near(match, "the peer had said FIN before its RST");
	cite(match, FACT(own_data));
	cite(match, FACT(rst));
	match->cites_surfaced = true;
	return true;
}

static bool reset_after_idle(const struct sw_facts *facts, struct sw_match *match)
{
	if (!reset_came(facts, match))
		return false;
	if (!FACT(rst_after_silence))
		return FACT(silence) > 0 && near(match, "the RST did not answer the first segment after a silence");
	cite(match, FACT(silence_end));
	at_most(match, FACT(rst_from_stranger) || FACT(rst_no_socket) ? SW_CONFIDENCE_CERTAIN : SW_CONFIDENCE_LIKELY);
	if (FACT(rst_from_stranger))
		match->locus = SW_LOCUS_PATH;
	else if (FACT(rst_living))
		return near(match, "the RST bears the marks of a living socket: the peer still knew the connection");
	return true;
}

static bool reset_by_middlebox(const struct sw_facts *facts, struct sw_match *match)
{
	if (!reset_came(facts, match))
		return false;
	if (!FACT(rst_from_stranger))
		return FACT(rst_ttl) > 0 && FACT(peer_ttl) > 0 &&
		       near(match, "the RST has the TTL of the peer's own packets ({rst_ttl})");
	at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(rst_hops_off) >= SW_HOPS_MARK)
		match->cause =
			"a RST with TTL {rst_ttl} ended the connection, while {remote_ip} sends with TTL {peer_ttl}";
	return true;
}

static bool reset_by_errno(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != ECONNRESET || FACT(packets_seen) || FACT(absence_counts))
		return false;
	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match,
	       "the RST: its marks tell the peer's program from a host without that socket or a box on the path");
	match->cause = "the kernel reported {errno_name}: a RST came";
	match->cites_surfaced = true;
	return true;
}

static bool peer_aborted(const struct sw_facts *facts, struct sw_match *match)
{
	if (local_peer_closed(
		    facts, match, ECONNRESET,
		    "the other end of {remote} was closed with bytes of ours unread: {call} says {errno_name}"))
		return true;
	if (!FACT(is_tcp))
		return false;
	if (!reset_came(facts, match))
		return !match->near && reset_by_errno(facts, match);
	if (!FACT(rst_living))
		at_most(match, SW_CONFIDENCE_LIKELY);
	if (FACT(remote_ours))
		match->locus = SW_LOCUS_PEER_APP;
	asked_nothing(facts, match);
	return true;
}

static bool closed_by_own_reset(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(own_rst).packet || FACT(rst).packet || FACT(peer_fin).packet)
		return false;
	if (FACT(error) == ETIMEDOUT || (!FACT(linger_zero) && (FACT(unanswered) > 0 || FACT(probes_unanswered) > 0)))
		return near(match, "our kernel's RST only followed its timers");
	if (!FACT(lost) && !FACT(unserved) && !FACT(gave_up))
		return false;
	if (FACT(gave_up) && !FACT(killed) && FACT(own_fin).packet && FACT(own_fin).time_ns < FACT(own_rst).time_ns)
		return near(match, "it only answered what came after our side had closed");
	if (FACT(gave_up) && !FACT(killed) && FACT(all_acked) && FACT(request_sent) && !FACT(answer_begun))
		return near(match,
			    "it only ended a connection that the program had given up: no byte of an answer had come");
	cite(match, FACT(own_data));
	cite(match, FACT(own_rst));
	match->cites_surfaced = true;
	if (FACT(bytes_unacked) <= 0 && !FACT(unserved) && !FACT(lost) && (!FACT(killed) || FACT(killed_softly)))
		match->severity = SW_SEVERITY_NOTE;
	if (FACT(killed))
		match->cause = "{killed_by} killed the process: our kernel reset the connection";
	else if (FACT(linger_zero) && FACT(bytes_unacked) <= 0)
		match->cause =
			"SO_LINGER with 0 made close send a RST right behind {bytes_written} bytes: the peer meets a reset where it expected an end";
	else if (FACT(linger_zero))
		match->cause =
			"SO_LINGER with 0 made close send a RST; {bytes_unacked} of {bytes_written} bytes were not acknowledged";
	else if (FACT(bytes_unread) > 0)
		match->cause = "closed with {bytes_unread} bytes unread: our kernel sent a RST in place of a FIN";
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule ends[] = {
	{
		.code = "peer-aborted",
		.symptoms = ON_STREAM | SW_ON(CONNECT),
		.locus = SW_LOCUS_PEER_APP,
		.title = "the peer reset the connection",
		.holds = peer_aborted,
		.cause = {"a RST from {rst_source} ended the connection; no FIN came before it",
			  "a RST ended the connection"},
		.usually = {"the peer's program crashed, was killed, or closed with unread data",
			    "it closes this way on purpose (SO_LINGER 0, an overload guard)"},
		.next = {{"peer", "journalctl -e --utc", "look at its log at that time: a crash, a kill, a refusal",
			  NULL},
			 {"peer", "nstat -az TcpExtTCPAbortOnData TcpExtTCPAbortOnClose",
			  "see whether its kernel counts such resets", "no rise"}},
		.sees = "`ECONNRESET`",
		.evidence = "a RST with no FIN of the peer before it, not idle, not a middlebox",
	},
	{
		.code = "peer-closed-first",
		.symptoms = ON_STREAM,
		.beats = "reset-after-idle peer-closed-early",
		.locus = SW_LOCUS_PEER_APP,
		.title = "the peer had closed before our request reached it",
		.holds = peer_closed_first,
		.cause = {"the peer's FIN came before our last data reached it, and a RST answered that data",
			  "the peer's FIN came before our last data reached it"},
		.usually = {"a keep-alive connection whose idle timeout at the server ran out",
			    "the server was restarted or ended the session"},
		.next = {{"here", NULL,
			  "give idle connections a shorter life than the server does, and try a request again that was cut off so",
			  NULL},
			 {"peer", "journalctl -e --utc", "compare its keep-alive timeout with the idle time", NULL}},
		.sees = "`EPIPE`, `ECONNRESET` on a write, or an end of file on the read after it",
		.evidence =
			"the peer's FIN acknowledges nothing of our last request, whichever of the two passed first (the keep-alive race), and a RST answers the request",
	},
	{
		.code = "peer-closed-early",
		.symptoms = ON_STREAM,
		.beats = "reset-after-idle",
		.locus = SW_LOCUS_PEER_APP,
		.title = "the peer closed instead of answering",
		.holds = peer_closed_early,
		.cause =
			{"{remote} took our request ({bytes_out} bytes acknowledged) and closed without a byte of an answer"},
		.usually = {"the service refuses this client or request and says so only in its log",
			    "the service crashed on the request", "another protocol is spoken on this port"},
		.next = {{"peer", "journalctl -e --utc", "look at the service's log at that time", NULL}},
		.sees = "end of file while an answer was due",
		.evidence =
			"the peer's FIN acknowledges our request (or the peer had to speak first), and no byte of an answer came",
	},
	{
		.code = "reset-after-idle",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "reset-by-middlebox",
		.locus = SW_LOCUS_UNKNOWN,
		.locus_words = "path where the RST's hop count is not the peer's, else unknown",
		.title = "the connection had been forgotten while it was idle",
		.holds = reset_after_idle,
		.cause = {"the first segment after {silence} of silence was answered with a RST"},
		.usually = {"a NAT, firewall or balancer on the path forgot the idle connection",
			    "the peer host was restarted or has dropped the connection"},
		.next = {{"here", "sysctl net.ipv4.tcp_keepalive_time",
			  "let keepalives (SO_KEEPALIVE, TCP_KEEPIDLE) come sooner than the box forgets", NULL},
			 {"path", NULL, "ask for the idle timeout of the NAT, firewall or balancer in between",
			  "longer than the idle times here"}},
		.sees = "`ECONNRESET`, `EPIPE`",
		.evidence =
			"the first segment after a long silence (named threshold, far above the connection's own rhythm) answered with RST",
	},
	{
		.code = "reset-by-middlebox",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.beats = "peer-aborted",
		.locus = SW_LOCUS_PATH,
		.title = "somebody on the path reset the connection in the peer's name",
		.holds = reset_by_middlebox,
		.cause = {"a RST whose marks are not the peer's ended the connection"},
		.usually = {"a firewall, proxy or filter that rejects this request", "an intrusion prevention system"},
		.next = {{"path", NULL, "ask for the log of the firewall or filter in between", NULL},
			 {"peer", "tcpdump -ni any tcp port {peer_port}",
			  "see whether a RST from our side comes there too", "then a box between cuts both sides"}},
		.sees = "`ECONNRESET`",
		.evidence = "a RST whose hop count (TTL) or other marks differ from the peer's own packets",
	},
	{
		.code = "closed-by-own-reset",
		.symptoms = ON_STREAM,
		.needs = SW_NEEDS_PACKETS,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "our own side reset the connection",
		.holds = closed_by_own_reset,
		.cause = {"our side sent a RST while {bytes_unacked} bytes of ours were not acknowledged",
			  "our side sent a RST"},
		.usually = {"closed with unread data, or with SO_LINGER 0", "the process was killed"},
		.next = {{"here", NULL,
			  "read to the end, or shutdown(SHUT_WR) and wait for the peer's end, before close", NULL}},
		.sees = "the peer's complaint, or nothing",
		.evidence =
			"our side sent the RST: closed with unread data, linger 0, killed; `failure` where bytes that a call of ours had accepted were not yet acknowledged, where we as the server reset an unread request or right behind our answer, or where a signal killed the process; `note` where a client dropped an answer that it no longer wanted or had read all; a RST of our kernel's after keepalive or retransmission timeout is not this",
	},
	{
		.code = "write-after-own-shutdown",
		.symptoms = ON_STREAM | SW_ON(CALL),
		.beats = "app-slow-to-answer peer-closed-first",
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the program wrote after it had shut down writing",
		.holds = write_after_own_shutdown,
		.cause = {"shutdown for writing came {shut_ago} before {reported_by} failed with {errno_name}"},
		.usually = {"two parts of the program share the connection and one has ended it"},
		.next = {{"here", NULL, "look at the calls before it on this descriptor (-v)", NULL}},
		.sees = "`EPIPE` at once",
		.evidence = "our own shutdown for writing or close",
	},
};

SW_RULE_FAMILY(sw_rules_stream_end, "TCP: an established connection", ends);
