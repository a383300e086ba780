/* Verdicts on AF_UNIX sockets: the path, its permissions, who listens. Enters: facts. Leaves: a match. */
#include <errno.h>

#include "correlate/rules/rules.h"

#define ON_UNIX (SW_ON(CONNECT) | SW_ON(CALL) | SW_ON(DATAGRAM) | SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING))

static bool unix_no_listener(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_unix) || FACT(error) != ECONNREFUSED)
		return false;
	match->cites_surfaced = true;
	if (FACT(path_known) && FACT(path_exists))
		match->cites_fact = "unix-path";
	if (FACT(path_known) && FACT(path_exists) && !FACT(path_is_socket))
		match->cause = "{remote} is a {path_kind}, not a socket";
	return true;
}

static bool unix_no_socket(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_unix) || (FACT(error) != ENOENT && FACT(error) != ENOTDIR))
		return false;
	match->cites_surfaced = true;
	if (FACT(path_known) && !FACT(path_exists))
		match->cites_fact = "unix-path";
	return true;
}

static bool unix_permission(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_unix) || FACT(error) != EACCES || FACT(opening_makes))
		return false;
	match->cites_surfaced = true;
	if (FACT(path_known))
		match->cites_fact = "unix-path";
	else
		unseen(match, "mode and owner of the path");
	return true;
}

static bool unix_queue_full(const struct sw_facts *facts, struct sw_match *match)
{
	bool waits = FACT(gave_up) || FACT(hung) || FACT(slow);

	if (!FACT(is_unix))
		return false;
	if (FACT(error) == EAGAIN || FACT(error) == ENOBUFS) {
		match->cites_surfaced = true;
		return true;
	}
	if (waits && FACT(opening_sends) && !FACT(is_stream)) {
		match->cites_opening = true;
		match->cause = "{call} to {remote} has waited {duration} for a place in the receiver's queue";
		return true;
	}
	if (!waits || !FACT(opening_connects))
		return false;
	match->cites_opening = true;
	match->cause = "connect to {remote} has waited {duration} for a place in the listener's queue";
	if (FACT(path_listeners) == 0)
		at_most(match, SW_CONFIDENCE_LIKELY);
	return true;
}

static bool unix_wrong_type(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(is_unix) || FACT(error) != EPROTOTYPE)
		return false;
	match->cites_surfaced = true;
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule local_sockets[] = {
	{
		.code = "unix-no-listener",
		.symptoms = ON_UNIX,
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "nobody listens at this socket",
		.holds = unix_no_listener,
		.cause = {"{remote} is there ({path_kind}), and nobody listens at it", "nobody listens at {remote}"},
		.usually = {"the service has died or was killed and left its socket behind",
			    "the service is not started"},
		.next = {{"here", "ss -xlp | grep -F '{host}'", "see who listens",
			  "one line; none: start the service"}},
		.sees = "`ECONNREFUSED`",
		.evidence =
			"AF_UNIX; the path is there (or the name is abstract), nobody listens; say if the path is no socket",
	},
	{
		.code = "unix-no-socket",
		.symptoms = ON_UNIX,
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "there is no such socket",
		.holds = unix_no_socket,
		.cause = {"{remote} does not exist: {path_missing} is not there", "{remote} does not exist"},
		.usually = {"the service is not started",
			    "it puts its socket elsewhere: another path in its configuration",
			    "a container or PrivateTmp= that sees another file system"},
		.next = {{"here", "ss -xlp", "see which sockets are listened at", NULL},
			 {"here", "systemctl --failed", "see whether a service failed to start", NULL}},
		.sees = "`ENOENT`",
		.evidence = "AF_UNIX; no such path",
	},
	{
		.code = "unix-permission",
		.symptoms = ON_UNIX,
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "the socket's permissions deny it",
		.holds = unix_permission,
		.cause =
			{"the process (uid {uid}) may not pass {path_denied} (mode {path_denied_mode}, owner {path_denied_owner})",
			 "{path_denied} does not let the process in (mode {path_denied_mode}, owner {path_denied_owner})",
			 "the process may not write to {remote} (mode {path_mode}, owner {path_owner})",
			 "the process may not write to {remote}"},
		.usually = {"the user is not in the group that may use the socket",
			    "a directory on the way is closed to this user"},
		.next = {{"here", "namei -l '{host}'", "see owner and mode of each part of the path",
			  "x for directories, w for the socket"},
			 {"here", "id {uid}", "see the groups of the program's user", NULL}},
		.sees = "`EACCES`",
		.evidence = "AF_UNIX; the path's mode and owner",
	},
	{
		.code = "unix-queue-full",
		.symptoms = ON_UNIX,
		.locus = SW_LOCUS_PEER_APP,
		.title = "the other process does not take what waits for it",
		.holds = unix_queue_full,
		.cause = {"{path_queue} connections wait at {remote}, as many as its backlog of {path_backlog} allows",
			  "the queue of {remote} is full ({errno_name})", "the queue of {remote} is full"},
		.usually = {"the service hangs or is overloaded and accepts nothing",
			    "its backlog is too small for the rush"},
		.next = {{"here", "ss -xlp | grep -F '{host}'", "compare Recv-Q with Send-Q (the backlog)", "Recv-Q 0"},
			 {"here", "cat /proc/{path_holder_pid}/stack; strace -p {path_holder_pid}",
			  "see what the service waits for", NULL}},
		.sees = "`EAGAIN`, or a blocking call that hangs",
		.evidence = "AF_UNIX; the listener's backlog or the datagram receiver's queue is full",
	},
	{
		.code = "unix-wrong-type",
		.symptoms = ON_UNIX,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the socket there is of another type",
		.holds = unix_wrong_type,
		.cause = {"{remote} is a {path_type} socket, the program's is {socket_type}",
			  "the socket at {remote} is of another type than {socket_type}"},
		.usually = {"the program tries one type and then the other",
			    "stream and datagram confused in the configuration"},
		.next = {{"here", "ss -xl | grep -F '{host}'", "see the type of the socket there", NULL}},
		.sees = "`EPROTOTYPE`",
		.evidence = "AF_UNIX; the socket there is of another type",
	},
};

SW_RULE_FAMILY(sw_rules_unix, "Local sockets", local_sockets);
