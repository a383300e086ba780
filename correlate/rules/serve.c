/* Verdicts on what we owe others: connections to accept, requests to answer. Enters: facts. Leaves: a match. */
#include <errno.h>

#include "correlate/rules.h"
#include "correlate/thresholds.h"

/* The peer had gone when our answer was written, or before: the request had been read, the time was ours. */
static bool app_slow_to_answer(const struct sw_facts *facts, struct sw_match *match)
{
	bool gone = FACT(peer_fin).packet || FACT(rst).packet || !FACT(packets_seen);

	if (!FACT(accepted) || (FACT(error) != EPIPE && FACT(error) != ECONNRESET) || !gone)
		return false;
	if (FACT(own_data).packet && FACT(bytes_out) > 0 && FACT(request_sent))
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
		.beats = "peer-closed-first peer-aborted",
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the client had gone when our answer was written",
		.holds = app_slow_to_answer,
		.cause = { "the request was read, and {duration} later, when the answer was written, the client had gone" },
		.usually = { "the program needed longer than the client waits" },
		.next = { { "here", "perf top -p PID", "see what the program does between request and answer", NULL },
			  { "peer", NULL, "compare the client's timeout", NULL } },
		.sees = "the client has gone when the answer is written",
		.evidence = "the request was read, the peer closed or reset before our answer: how long it waited; comes before every verdict on the peer",
	},
	{
		.code = "accept-fd-limit",
		.symptoms = SW_ON(CALL) | SW_ON(SERVE),
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "no descriptor is left for a new connection",
		.holds = accept_fd_limit,
		.cause = { "{fd_count} descriptors are open and the limit is {fd_limit}: {listen_queue:connection} wait in the queue",
			   "{fd_count} descriptors are open and the limit is {fd_limit}: connections wait in the queue",
			   "the process may open no more descriptors ({errno_name}): connections wait in the queue" },
		.usually = { "connections that are never closed (a leak)", "a limit too low for the load" },
		.next = { { "here", "grep 'open files' /proc/PID/limits", "see the limit (LimitNOFILE= of the unit, ulimit -n)", NULL },
			  { "here", "ls -l /proc/PID/fd | sed 's/.*-> //; s/[0-9]//g' | sort | uniq -c", "see what is open", NULL } },
		.sees = "`EMFILE` on accept",
		.evidence = "the limit, and the connections that wait",
	},
};

SW_RULE_FAMILY(sw_rules_serve, "Serving", serving);
