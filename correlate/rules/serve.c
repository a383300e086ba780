/* Verdicts on what we owe others: connections to accept, requests to answer. Enters: facts. Leaves: a match. */
#include <errno.h>

#include "correlate/rules/rules.h"
#include "correlate/thresholds.h"

/* The peer had gone when our answer was written, or before: the request had been read, the time was ours. */
static bool app_slow_to_answer(const struct sw_facts *facts, struct sw_match *match)
{
	bool gone = FACT(peer_fin).packet || FACT(rst).packet || !FACT(packets_seen);
	bool too_late = FACT(unserved) || FACT(error) == EPIPE || FACT(error) == ECONNRESET;

	if (!FACT(accepted) || !too_late || !gone || FACT(plain_unanswered))
		return false;
	if (FACT(answer_begun_in_time))
		return near(match, "our answer had begun when the peer left");
	if (FACT(answered_before) && FACT(answer_took) < SW_ANSWER_LATE_NS && !FACT(closed_unanswered))
		return near(match, "our answer had begun when the peer left");
	if (FACT(duration) < SW_ANSWER_LATE_NS && FACT(answer_took) < SW_ANSWER_LATE_NS &&
	    FACT(left_before_read) < SW_ANSWER_LATE_NS &&
	    !(FACT(closed_unanswered) && FACT(request_lay) >= SW_ANSWER_LATE_NS))
		return near(match, "the answer was written {duration} after the request was read");
	if (FACT(closed_unanswered) && FACT(request_lay) >= SW_ANSWER_LATE_NS) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cause =
			"the request lay here for {request_lay} before the program read it, and the client had left";
	} else if (FACT(closed_unanswered)) {
		at_most(match, SW_CONFIDENCE_LIKELY); /* it may have been an answer that waits for news */
		match->cause = "the request was read, and nothing was answered until the client left after {duration}";
	} else if (FACT(left_before_read) >= SW_ANSWER_LATE_NS) {
		match->cause = "the client had gone {left_before_read} before the program read its request";
	} else if (FACT(answer_took) >= SW_ANSWER_LATE_NS)
		match->cause =
			"the request was read, and {answer_took} later, when the answer was written, the client had gone";
	if (!FACT(packets_seen))
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(peer_fin));
	cite(match, FACT(rst));
	match->cites_opening = match->cites_surfaced = true;
	return true;
}

/* SYNs without an answer, or a final ACK and a request that our host never acknowledged. */
static bool came_in_vain(const struct sw_facts *facts)
{
	return FACT(unserved) && FACT(listening) && FACT(peer_syns) > 0 && !FACT(own_refusal).packet &&
	       (FACT(own_synacks) <= 0 || FACT(final_ack));
}

static const struct sw_rule_next half_open[SW_RULE_TEXTS] = {
	{"here", "ss -tn state syn-recv", "see how many connections are half open, and from whom", "few"},
	{"here", "sysctl net.ipv4.tcp_syncookies net.ipv4.tcp_max_syn_backlog",
	 "see whether the kernel may answer by cookies, and how long the queue is", "1"},
	{"here", "nstat -az TcpExtTCPReqQFullDrop TcpExtListenDrops TcpExtSyncookiesSent", "see what the kernel counts",
	 "no rise"},
};

/* Nobody counted, and as many connections were half open as the queue has room for. */
static bool crowded(const struct sw_facts *facts)
{
	return FACT(listen_drops) < 0 && FACT(others_half_open) > 0 && FACT(backlog) > 0 &&
	       4 * FACT(others_half_open) >= 3 * FACT(backlog);
}

/* The queue of half-open connections comes before that of accept, and is as long as the backlog, or tcp_max_syn_backlog: with cookies off
 * the kernel drops what does not fit, and from three quarters on what is not a proven peer (tcp_conn_request). */
static bool syn_queue_full(const struct sw_facts *facts, struct sw_match *match)
{
	bool counted = FACT(syn_queue_drops) > 0, dropped = FACT(listen_drops) > 0;

	if (FACT(listen_overflows) > 0 || FACT(own_synacks) > 0 || (FACT(syn_cookies) > 0 && !counted) ||
	    (!counted && !dropped && !crowded(facts)))
		return false;
	if (!counted)
		at_most(match, SW_CONFIDENCE_LIKELY);
	match->locus = SW_LOCUS_LOCAL_HOST;
	if (counted)
		match->cause =
			"the queue of half-open connections was full and SYN cookies are off (tcp_syncookies 0): the kernel dropped {syn_queue_drops:SYN}, {peer_syns} of {remote} among them";
	else if (dropped)
		match->cause =
			"the kernel dropped {listen_drops:SYN} at listeners, {peer_syns} of {remote} among them, while no accept queue overflowed: so it does when the queue of half-open connections is nearly full and SYN cookies are off";
	else
		match->cause =
			"{others_half_open:connection} stayed half open meanwhile, at a backlog of {backlog}, and {peer_syns:SYN} of {remote} went unanswered: so it is when the queue of half-open connections is full and SYN cookies are off";
	match->usually = "a SYN flood or a scan; clients whose final ACK is lost on the way";
	match->next = half_open;
	cite(match, FACT(peer_syn));
	cite(match, FACT(peer_last_syn));
	if (counted || dropped)
		match->cites_fact = "counters";
	else
		unseen(match, "net.ipv4.tcp_syncookies, and what the kernel counted");
	return true;
}

static bool listen_queue_full(const struct sw_facts *facts, struct sw_match *match)
{
	bool full = FACT(listen_overflows) > 0 ||
		    (FACT(listen_backlog) >= 0 && FACT(listen_queue) > FACT(listen_backlog));

	if (FACT(unserved) && FACT(accepted) && FACT(others_unanswered) > 0) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		cite(match, FACT(peer_fin));
		match->cause =
			"the request was answered too late, after {duration}, and {others_unanswered:other connection} got no answer at all meanwhile";
		return true;
	}
	if (!came_in_vain(facts))
		return false;
	if (!full && syn_queue_full(facts, match))
		return true;
	if (!full && (FACT(listen_queue) == 0 || FACT(waited_meanwhile)))
		return near(match, FACT(waited_meanwhile) ? "a thread waited for connections all the time" :
							    "the accept queue was empty");
	if (!full)
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(peer_syn));
	cite(match, FACT(peer_last_syn));
	if (full)
		match->cites_fact = FACT(listen_overflows) > 0 ? "counters" : "listener";
	else
		unseen(match, "the accept queue at that time");
	return true;
}

static bool datagram_in_vain(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(unserved) || !FACT(is_udp) || FACT(peer_datagrams) <= 0)
		return false;
	if (!FACT(waited_meanwhile))
		return near(match, "nobody waited for datagrams then");
	cite(match, FACT(peer_datagram));
	match->cause =
		"{peer_datagrams:datagram} of {remote} arrived while the program waited for them, and it never got one";
	return true;
}

static bool request_not_delivered(const struct sw_facts *facts, struct sw_match *match)
{
	if (datagram_in_vain(facts, match))
		return true;
	if (!came_in_vain(facts))
		return false;
	if (FACT(listen_drops) > FACT(listen_overflows) && FACT(listen_drops) > 0)
		return near(match, "the kernel itself dropped {listen_drops:SYN} at listeners");
	if (crowded(facts))
		return near(match, "{others_half_open:connection} was half open meanwhile");
	if (FACT(others_half_open) > 0 && FACT(listen_drops) < 0)
		at_most(match, SW_CONFIDENCE_LIKELY); /* or the queue of half-open connections was full */
	if (FACT(listen_overflows) > 0 || FACT(listen_queue) > 0)
		return FACT(listen_queue) > 0 && near(match, "{listen_queue:connection} waited in the accept queue");
	if (FACT(listen_queue) != 0 && !FACT(waited_meanwhile))
		return false;
	if (!FACT(waited_meanwhile)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		match->cause =
			"{peer_syns:SYN} of {remote} arrived and went unanswered while the accept queue was empty";
	}
	cite(match, FACT(peer_syn));
	cite(match, FACT(peer_last_syn));
	match->cites_fact = "listener";
	return true;
}

/* Our own SYN-ACKs went unanswered: they, or the ACKs, are lost, or the SYNs bore a false address. */
static bool synack_unanswered(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(unserved) || !FACT(listening) || FACT(own_synacks) <= 1)
		return false;
	if (FACT(final_ack))
		return near(match, "the final ACK came");
	cite(match, FACT(peer_syn));
	cite(match, FACT(own_synack));
	cite(match, FACT(own_last_synack));
	return true;
}

static bool not_listening_there(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(unserved) || !FACT(listening) || !FACT(own_refusal).packet)
		return false;
	if (FACT(served_after))
		match->severity = SW_SEVERITY_NOTE; /* the client's next address was the right one */
	cite(match, FACT(peer_syn));
	cite(match, FACT(own_refusal));
	return true;
}

static bool accept_fd_limit(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(accept_without_fd) && came_in_vain(facts)) {
		match->cause =
			"accept failed for want of a descriptor, the queue behind it filled, and {peer_syns:SYN} of {remote} went unanswered";
		cite(match, FACT(peer_syn));
		cite(match, FACT(peer_last_syn));
		return true;
	}
	if (!FACT(surfaced_accepts) || (FACT(error) != EMFILE && FACT(error) != ENFILE))
		return false;
	match->cites_surfaced = true;
	if (FACT(fd_limit) > 0)
		match->cites_fact = "fd-limit";
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule serving[] = {
	{
		.code = "app-slow-to-answer",
		.symptoms = SW_ON(SERVE) | SW_ON(DRAIN),
		.beats = "peer-closed-first peer-closed-early peer-aborted",
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the client had gone when our answer was written",
		.holds = app_slow_to_answer,
		.cause =
			{"the request was read, and {duration} later, when the answer was written, the client had gone"},
		.usually = {"the program needed longer than the client waits"},
		.next = {{"here", "perf top -p {its_pid}", "see what the program does between request and answer",
			  NULL},
			 {"peer", NULL, "compare the client's timeout", NULL}},
		.sees = "the client has gone when the answer is written",
		.evidence =
			"the request was read, the peer closed or reset before our answer: how long it waited; comes before every verdict on the peer",
	},
	{
		.code = "listen-queue-full",
		.symptoms = SW_ON(SERVE),
		.needs = SW_NEEDS_PACKETS,
		.beats = "app-slow-to-answer",
		.locus = SW_LOCUS_LOCAL_APP,
		.locus_words = "local-app, or local-host at a full queue of half-open connections",
		.title = "the program accepts too slowly",
		.holds = listen_queue_full,
		.cause =
			{"{listen_queue} connections wait at a backlog of {listen_backlog}, and {peer_syns:SYN} of {remote} went unanswered",
			 "{peer_syns:SYN} of {remote} went unanswered within {peer_syn_span}; listen had asked for a backlog of {backlog}",
			 "{peer_syns:SYN} of {remote} went unanswered within {peer_syn_span}"},
		.usually = {"the program is busy and does not call accept",
			    "a backlog too small for the rush (listen, net.core.somaxconn)"},
		.next = {{"here", "ss -ltn 'sport = :{local_port}'",
			  "compare Recv-Q with Send-Q (the backlog) of the listener", "Recv-Q 0"},
			 {"here", "nstat -az TcpExtListenOverflows TcpExtListenDrops",
			  "see whether the kernel counts overflows", "no rise"}},
		.sees = "its clients time out",
		.evidence =
			"SYNs (or final ACKs) arrived for our listening socket, went unanswered, its queue was full or no thread accepted or waited for it; or the queue of half-open connections was full while SYN cookies are off (then the locus is `local-host`)",
	},
	{
		.code = "request-not-delivered",
		.symptoms = SW_ON(SERVE),
		.needs = SW_NEEDS_PACKETS,
		.beats = "listen-queue-full",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host keeps its clients from the program",
		.holds = request_not_delivered,
		.cause =
			{"{peer_syns:SYN} of {remote} arrived and went unanswered while a thread waited for connections"},
		.usually = {"an own firewall that drops in its input chain", "the reverse path filter",
			    "a bad checksum"},
		.next = {{"here", "nft list ruleset; iptables -S INPUT", "look for a drop of packets to this port",
			  NULL},
			 {"here", "nstat -az TcpExtIPReversePathFilter TcpInCsumErrors",
			  "see whether the kernel counts them as dropped", "0 and 0"}},
		.sees = "its clients time out",
		.evidence =
			"SYNs or datagrams for a socket of ours arrived while a thread waited for them and its queue was not full, and nothing answered: own firewall, rp_filter, checksum",
	},
	{
		.code = "synack-unanswered",
		.symptoms = SW_ON(SERVE),
		.needs = SW_NEEDS_PACKETS,
		.locus = SW_LOCUS_UNKNOWN,
		.title = "nobody answered our SYN-ACK",
		.holds = synack_unanswered,
		.cause = {"{own_synacks:SYN-ACK} to {remote} left and no ACK came back"},
		.usually = {"our answers take another way back, or a firewall drops them or the ACKs",
			    "a SYN flood, or a scan, from addresses that are not the sender's"},
		.next = {{"here", "ss -tn state syn-recv", "see how many connections are half open", "none"},
			 {"here", "ip route get {remote_ip}", "see which way the answers take", NULL},
			 {"peer", "tcpdump -ni any tcp port {local_port}", "see whether the SYN-ACKs arrive", NULL}},
		.sees = "half-open connections",
		.evidence = "our SYN-ACK left again and again, no ACK came",
	},
	{
		.code = "not-listening-there",
		.symptoms = SW_ON(SERVE),
		.needs = SW_NEEDS_PACKETS,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the program does not listen where its clients ask",
		.holds = not_listening_there,
		.cause =
			{"{remote} asked for {came_to} and our kernel refused: the program listens at {listens_at} alone"},
		.usually = {"a listener bound to loopback (127.0.0.1, ::1) while clients come from elsewhere",
			    "a listener on one IP family while clients use the other"},
		.next = {{"here", "ss -ltnp 'sport = :{local_port}'", "see which addresses are listened at", NULL},
			 {"here", NULL, "bind the program to the address that its clients use, or to all (0.0.0.0, ::)",
			  NULL}},
		.sees = "its clients are refused",
		.evidence = "our kernel refused a peer at an address or family that our listener is not bound to",
	},
	{
		.code = "accept-fd-limit",
		.symptoms = SW_ON(CALL) | SW_ON(SERVE),
		.beats = "request-not-delivered",
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "no descriptor is left for a new connection",
		.holds = accept_fd_limit,
		.cause =
			{"{fd_count} descriptors are open and the limit is {fd_limit}: {listen_queue:connection} wait in the queue",
			 "{fd_count} descriptors are open and the limit is {fd_limit}: connections wait in the queue",
			 "the process may open no more descriptors ({errno_name}): connections wait in the queue"},
		.usually = {"connections that are never closed (a leak)", "a limit too low for the load"},
		.next = {{"here", "grep 'open files' /proc/{its_pid}/limits",
			  "see the limit (LimitNOFILE= of the unit, ulimit -n)", NULL},
			 {"here", "ls -l /proc/{its_pid}/fd | sed 's/.*-> //; s/[0-9]//g' | sort | uniq -c",
			  "see what is open", NULL}},
		.sees = "`EMFILE` on accept",
		.evidence = "the limit, and the connections that wait",
	},
};

SW_RULE_FAMILY(sw_rules_serve, "Serving", serving);
