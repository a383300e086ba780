/* Verdicts on what the program asked for in vain: protocols, descriptors, memory, calls at the wrong time.
 *
 * Enters: facts. Leaves: a match. */
#include "correlate/rules/local.h"

#include <string.h>

#define STANDARD_ERROR 2 /* the last of the three descriptors that a program begins with */

static bool family_unsupported(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (error != EAFNOSUPPORT && error != EPROTONOSUPPORT && error != ESOCKTNOSUPPORT && error != EPFNOSUPPORT &&
	    !(error == EINVAL && FACT(other_family)))
		return false;
	match->cites_surfaced = true;
	if (!FACT(opening_makes)) {
		match->locus = SW_LOCUS_LOCAL_APP;
		match->cause = "{call} was given an address of another family than the socket's ({family})";
	} else if (FACT(seccomp_own)) {
		match->cause =
			"this host makes no {family} socket of that kind ({errno_name}); the process runs under a seccomp filter, which may be why";
	}
	return true;
}

static bool fd_limit(const struct sw_facts *facts, struct sw_match *match)
{
	if ((FACT(error) != EMFILE && FACT(error) != ENFILE) || FACT(surfaced_accepts))
		return false;
	match->cites_surfaced = true;
	if (FACT(fd_limit) > 0)
		match->cites_fact = "fd-limit";
	if (FACT(error) == ENFILE) {
		match->locus = SW_LOCUS_LOCAL_HOST;
		match->cause = "the system as a whole may open no more files (limit {fd_system_limit})";
	}
	return true;
}

static bool local_resources(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != ENOBUFS && FACT(error) != ENOMEM)
		return false;
	if (FACT(is_unix) && FACT(error) == ENOBUFS)
		return false;
	if (FACT(error) == ENOBUFS && FACT(is_udp) && FACT(errors_asked) && FACT(out_discards) < 0)
		at_most(match, SW_CONFIDENCE_POSSIBLE); /* a packet dropped on its way out says the same */
	match->cites_surfaced = true;
	return true;
}

static bool call_misused(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (error != ENOTCONN && error != EISCONN && error != EBADF && error != ENOTSOCK && error != EDESTADDRREQ &&
	    error != EOPNOTSUPP && !(error == EPIPE && strcmp(FACT(operation), "call") == 0) &&
	    !(error == EINVAL && FACT(opening_accepts)))
		return false;
	match->cites_surfaced = true;
	/* Who may be given a socket, a pipe or a file as its standard input tries the socket's call first. */
	if (error == ENOTSOCK && FACT(fd) >= 0 && FACT(fd) <= STANDARD_ERROR)
		match->severity = SW_SEVERITY_NOTE;
	if (error == EINVAL)
		match->cause = "{call} failed with {errno_name}: nobody had called listen on this socket";
	if (FACT(culprit)) {
		match->cites_culprit = true;
		match->cause =
			FACT(culprit_other_thread) ?
				"another thread ({culprit_tid}) had called {culprit} {culprit_before} before {call} failed with {errno_name}" :
				"{culprit}, {culprit_before} before, made {call} fail with {errno_name}";
	}
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule limits[] = {
	{
		.code = "family-unsupported",
		.symptoms = ON_ANY_CALL,
		.beats = "blocked-locally route-rejects address-unusable",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host has no such protocol",
		.noun = "a missing protocol",
		.holds = family_unsupported,
		.cause = {"this host makes no {family} socket of that kind ({errno_name})",
			  "{call} failed with {errno_name}"},
		.usually = {"a sandbox that allows some families only (systemd's RestrictAddressFamilies=)",
			    "IPv6 or a protocol module is not in this kernel"},
		.next = {{"here", "cat /proc/net/protocols", "see which protocols the kernel has", NULL},
			 {"here", "grep -E 'Seccomp' /proc/{its_pid}/status",
			  "see whether a seccomp filter of the process says so", "Seccomp: 0"}},
		.sees = "`EAFNOSUPPORT`, `EPROTONOSUPPORT`",
		.evidence = "the call alone",
	},
	{
		.code = "fd-limit",
		.symptoms = ON_ANY_CALL,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the process may open no more descriptors",
		.noun = "the limit of descriptors",
		.holds = fd_limit,
		.cause = {"{fd_count} descriptors are open, {fd_sockets} of them sockets, and the limit is {fd_limit}",
			  "the process may open no more descriptors ({errno_name})"},
		.usually = {"descriptors that are never closed (a leak)", "a limit too low for the load"},
		.next = {{"here", "ls -l /proc/{its_pid}/fd | sed 's/.*-> //; s/[0-9]//g' | sort | uniq -c",
			  "see what is open", NULL},
			 {"here", "grep 'open files' /proc/{its_pid}/limits",
			  "see the limit (LimitNOFILE= of the unit, ulimit -n)", NULL}},
		.sees = "`EMFILE`, `ENFILE`, but on accept",
		.evidence = "the limit and the count",
	},
	{
		.code = "local-resources",
		.symptoms = ON_ANY_CALL,
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host is short of memory or buffers",
		.noun = "a lack of memory",
		.holds = local_resources,
		.cause = {"{call} failed with {errno_name}: the kernel has no memory or buffer for it"},
		.usually = {"a memory limit of the control group", "net.ipv4.tcp_mem or net.core.*mem_max reached",
			    "a full transmit queue"},
		.next = {{"here", "cat /proc/net/sockstat; sysctl net.ipv4.tcp_mem net.core.wmem_max",
			  "compare use and limits", NULL},
			 {"here", "dmesg | grep -iE 'out of memory|tcp: '", "look for the kernel's own complaint",
			  "nothing"}},
		.sees = "`ENOBUFS`, `ENOMEM`",
		.evidence = "the call, and the limits that can be read",
	},
	{
		.code = "call-misused",
		.symptoms = ON_ANY_CALL,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the program made this call at the wrong time or on the wrong descriptor",
		.noun = "a misused call",
		.holds = call_misused,
		.cause = {"{call} failed with {errno_name}: the descriptor or its state was not right for it"},
		.usually = {"a descriptor that was closed and used again",
			    "a call before connect, or after a failed one"},
		.next = {{"here", NULL, "look at the calls before it on this descriptor (-v)", NULL}},
		.sees = "`ENOTCONN`, `EISCONN`, `EBADF`, `ENOTSOCK`, `EDESTADDRREQ`, `EOPNOTSUPP`; `EPIPE` on a socket that was never connected",
		.evidence =
			"the calls before it: say which one made it wrong (a descriptor closed by another thread, for one)",
	},
};

SW_RULE_FAMILY(sw_rules_limits, "TCP: connecting", limits);
