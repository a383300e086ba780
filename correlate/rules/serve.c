/* Verdicts on what we owe others: connections to accept, requests to answer. Enters: facts. Leaves: a match. */
#include <errno.h>

#include "correlate/rules.h"
#include "correlate/thresholds.h"

/* The peer had gone when our answer was written, or before: the request had been read, the time was ours. */
static bool app_slow_to_answer(const struct sw_facts *facts, struct sw_match *match)
{
	bool gone = FACT(peer_fin).packet || FACT(rst).packet || !FACT(packets_seen);
	bool too_late = FACT(unserved) || FACT(error) == EPIPE || FACT(error) == ECONNRESET;

	if (!FACT(accepted) || !too_late || !gone)
		return false;
	if (FACT(answered_before))
		return near(match, "our answer had begun when the peer left");
	if (FACT(duration) < SW_ANSWER_LATE_NS)
		return near(match, "the answer was written {duration} after the request was read");
	if (!FACT(packets_seen))
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(peer_fin));
	cite(match, FACT(rst));
	match->cites_opening = match->cites_surfaced = true;
	return true;
}

static bool came_in_vain(const struct sw_facts *facts)
{
	return FACT(unserved) && FACT(listening) && FACT(peer_syns) > 0 && FACT(own_synacks) <= 0;
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
	if (!full && FACT(listen_queue) == 0)
		return near(match, "the accept queue was empty");
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

static bool request_not_delivered(const struct sw_facts *facts, struct sw_match *match)
{
	if (!came_in_vain(facts))
		return false;
	if (FACT(listen_overflows) > 0 || FACT(listen_queue) != 0)
		return FACT(listen_queue) > 0 && near(match, "{listen_queue:connection} waited in the accept queue");
	if (!FACT(waited_since))
		at_most(match, SW_CONFIDENCE_LIKELY);
	cite(match, FACT(peer_syn));
	cite(match, FACT(peer_last_syn));
	match->cites_fact = "listener";
	return true;
}

static bool accept_fd_limit(const struct sw_facts *facts, struct sw_match *match)
{
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
		.next = {{"here", "perf top -p PID", "see what the program does between request and answer", NULL},
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
		.title = "the program accepts too slowly",
		.holds = listen_queue_full,
		.cause =
			{"{listen_queue} connections wait at a backlog of {listen_backlog}, and {peer_syns:SYN} of {remote} went unanswered",
			 "{peer_syns:SYN} of {remote} went unanswered within {peer_syn_span}; listen had asked for a backlog of {backlog}",
			 "{peer_syns:SYN} of {remote} went unanswered within {peer_syn_span}"},
		.usually = {"the program is busy and does not call accept",
			    "a backlog too small for the rush (listen, net.core.somaxconn)"},
		.next = {{"here", "ss -ltn", "compare Recv-Q with Send-Q (the backlog) of the listener", "Recv-Q 0"},
			 {"here", "nstat -az TcpExtListenOverflows TcpExtListenDrops",
			  "see whether the kernel counts overflows", "no rise"}},
		.sees = "its clients time out",
		.evidence =
			"SYNs (or final ACKs) arrived for our listening socket, went unanswered, its queue was full or no thread accepted or waited for it",
	},
	{
		.code = "request-not-delivered",
		.symptoms = SW_ON(SERVE),
		.needs = SW_NEEDS_PACKETS,
		.beats = "listen-queue-full",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host keeps its clients from the program",
		.holds = request_not_delivered,
		.cause = {"{peer_syns:SYN} of {remote} arrived and went unanswered while the accept queue was empty"},
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
		.next = {{"here", "grep 'open files' /proc/PID/limits",
			  "see the limit (LimitNOFILE= of the unit, ulimit -n)", NULL},
			 {"here", "ls -l /proc/PID/fd | sed 's/.*-> //; s/[0-9]//g' | sort | uniq -c",
			  "see what is open", NULL}},
		.sees = "`EMFILE` on accept",
		.evidence = "the limit, and the connections that wait",
	},
};

SW_RULE_FAMILY(sw_rules_serve, "Serving", serving);
