/* Verdicts on what this host answered without asking the network: routes, ports, addresses, limits, permission.
 *
 * Enters: facts. Leaves: a match. What the kernel itself confirmed is certain; an errno alone, with nothing on the wire, is
 * likely. */
#include <errno.h>

#include "correlate/rules.h"
#include "correlate/thresholds.h"

#define ON_ANY_CALL                                                                                                    \
	(SW_ON(CONNECT) | SW_ON(CALL) | SW_ON(DATAGRAM) | SW_ON(DRAIN) | SW_ON(ANSWER) | SW_ON(GREETING) | SW_ON(HANDSHAKE) |  \
	 SW_ON(SERVE) | SW_ON(LOOKUP))
#define ON_OPENING (SW_ON(CONNECT) | SW_ON(CALL) | SW_ON(DATAGRAM))

/* The call itself failed and nothing of it was on the wire: this host said no. */
static bool said_here(const struct sw_facts *facts)
{
	return FACT(failed) && FACT(by_opening_call) && FACT(syns) <= 0 && !FACT(anything_back);
}

/* ---- routes ----------------------------------------------------------------------------------------------------- */

static bool no_route(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != ENETUNREACH && FACT(error) != ENETDOWN && FACT(error) != ENODEV)
		return false;
	if (!said_here(facts))
		return near(match, "packets were exchanged, so there was a route");
	match->cites_surfaced = true;
	if (FACT(route_known)) {
		match->cites_fact = "route";
		if (FACT(route_device_down))
			match->cause = "the route to {remote_ip} leads to {route_device}, which is down";
		else if (FACT(route_usable))
			at_most(match, SW_CONFIDENCE_LIKELY);
		return true;
	}
	at_most(match, FACT(at_once) ? SW_CONFIDENCE_LIKELY : SW_CONFIDENCE_POSSIBLE);
	unseen(match, "the routing table at that moment");
	return true;
}

/* What the kernel makes of such a route: fib_props in net/ipv4/fib_semantics.c; IPv6 has the same. */
static bool is_route_errno(int64_t error)
{
	return error == EHOSTUNREACH || error == EACCES || error == EINVAL || error == ENETUNREACH;
}

static bool route_rejects(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (!is_route_errno(error) || !FACT(family_is_ip) || FACT(opening_binds) || FACT(opening_makes) || !said_here(facts))
		return false;
	match->cites_surfaced = true;
	if (FACT(route_known)) {
		match->cites_fact = "route";
		return FACT(route_rejecting) || near(match, "the kernel's route to {remote_ip} rejects nothing");
	}
	if (error == ENETUNREACH || FACT(remote_loopback))
		return false;
	if (error == EINVAL && FACT(remote_link_local))
		return false;
	match->cause = error == EINVAL ? "{call} failed at once with {errno_name} and nothing was sent: what a blackhole route makes it say" :
		       error == EACCES ? "{call} failed at once with {errno_name} and nothing was sent: what a prohibit route makes it say" :
					 "{call} failed at once with {errno_name} and nothing was sent: what an unreachable route makes it say";
	at_most(match, FACT(at_once) && error != EACCES ? SW_CONFIDENCE_LIKELY : SW_CONFIDENCE_POSSIBLE);
	unseen(match, "the routing table at that moment");
	return true;
}

/* ---- ports and addresses ---------------------------------------------------------------------------------------- */

static bool ports_exhausted(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != EADDRNOTAVAIL || FACT(opening_binds) || !FACT(family_is_ip))
		return false;
	if (FACT(bound_explicitly) && FACT(local_port) > 0)
		return near(match, "the local port was chosen with bind");
	match->cites_surfaced = true;
	if (FACT(ports_all) > 0) {
		match->cites_fact = "port-range";
		return FACT(ports_full) || near(match, "{ports_used} of {ports_all} ephemeral ports are in use toward this peer");
	}
	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match, "the ephemeral port range and its use");
	if (FACT(v6) && FACT(same_end_ok) <= 0)
		at_most(match, SW_CONFIDENCE_POSSIBLE);
	return true;
}

static bool scope_missing(const struct sw_facts *facts)
{
	return FACT(v6) && FACT(remote_link_local) && !FACT(remote_scoped);
}

static bool no_source_address(const struct sw_facts *facts, struct sw_match *match)
{
	match->locus = SW_LOCUS_LOCAL_HOST;
	if (FACT(ipv6_disabled) == 1) {
		match->cites_fact = "sysctl";
		match->cause = "IPv6 is switched off on this host, and {remote_ip} is an IPv6 address";
		return true;
	}
	if (FACT(error) != EADDRNOTAVAIL || FACT(bound_explicitly))
		return false;
	if (FACT(ports_all) > 0 && FACT(ports_full))
		return false;
	match->cause = "the kernel found no local IPv6 address to reach {remote_ip} from";
	at_most(match, FACT(same_end_ok) > 0 ? SW_CONFIDENCE_POSSIBLE : SW_CONFIDENCE_LIKELY);
	return true;
}

static bool address_unusable(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (FACT(opening_binds) || !said_here(facts))
		return false;
	match->cites_surfaced = true;
	if (error == EINVAL && scope_missing(facts)) {
		match->cause = "{remote_ip} is link-local: without a scope (%interface) it names no host";
		return true;
	}
	if (FACT(is_tcp) && FACT(remote_multicast) && (error == ENETUNREACH || error == EINVAL || error == EACCES)) {
		match->cause = "{remote_ip} is a multicast or broadcast address: TCP connects to one host only";
		return true;
	}
	if (FACT(v6) && (error == EADDRNOTAVAIL || error == ENETUNREACH))
		return no_source_address(facts, match);
	return false;
}

static bool address_not_local(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != EADDRNOTAVAIL || !FACT(opening_binds))
		return false;
	match->cites_surfaced = true;
	if (FACT(address_known)) {
		match->cites_fact = "address-local";
		if (FACT(address_local))
			return near(match, "{bound} is an address of this host");
	}
	return true;
}

static bool address_in_use(const struct sw_facts *facts, struct sw_match *match)
{
	bool pair = FACT(error) == EADDRNOTAVAIL && FACT(opening_connects) && FACT(bound_explicitly) && FACT(local_port) > 0;

	if (FACT(error) != EADDRINUSE && !pair)
		return false;
	match->cites_surfaced = true;
	if (pair) {
		match->cause = "a connection between {local} and {remote} exists already, and the local port was chosen with bind";
		if (!FACT(holder))
			at_most(match, SW_CONFIDENCE_LIKELY);
	}
	if (FACT(holder))
		match->cites_fact = "port-holder";
	else
		unseen(match, "who holds it");
	return true;
}

/* ---- permission -------------------------------------------------------------------------------------------------- */

/* A reject rule of our own answers in the network's name, on loopback; what it answers was never on the wire. */
static bool rejected_here(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(remote_loopback) || FACT(syns) > 0)
		return false;
	if (FACT(icmp_from_us) && (FACT(icmp_refuses) || FACT(icmp_prohibits) || FACT(icmp_unreaches))) {
		bool resolution = FACT(icmp_unreaches) &&
				  (FACT(neighbor_unanswered) || FACT(icmp_after_begin) >= SW_NEIGHBOR_FAILS_NS);

		if (resolution)
			return near(match, "the ICMP from this host tells of a failed neighbour resolution");
		cite(match, FACT(icmp_first));
		match->cause = "this host itself answered with ICMP {icmp} ({icmp_source}, on loopback); the packet that it quotes never left";
		return true;
	}
	if (FACT(rst_on_loopback) && FACT(rst).packet) {
		cite(match, FACT(rst));
		match->cause = "a RST in the name of {rst_source} came over loopback; the SYN that it answers never left this host";
		return true;
	}
	return false;
}

/* An errno of the network, at once, and the capture that sees everything saw nothing: made up on this host. */
static bool made_up_here(const struct sw_facts *facts, struct sw_match *match)
{
	bool network = FACT(error) == ECONNREFUSED || FACT(error) == ECONNRESET || FACT(error) == ETIMEDOUT;

	if (!network || !FACT(at_once) || FACT(packets_seen) || FACT(remote_loopback) || !FACT(family_is_ip) || FACT(opening_binds))
		return false;
	if (!rests_on_absence(facts, match))
		return false;
	match->cause = "{call} failed at once with {errno_name}, and no packet to or from {remote} was seen";
	return true;
}

static void say_what_blocks(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(injected)) {
		match->cause = "the program's own seccomp filter answered {call} with {errno_name}: the kernel never ran it";
	} else if (FACT(ipsec_drops) > 0) {
		match->cause = "an IPsec policy of this host blocks it: {ipsec_drops:packet} dropped meanwhile";
		match->cites_fact = "firewall";
	} else if (FACT(seccomp_own)) {
		match->cause = "{call} failed at once with {errno_name}; the process runs under a seccomp filter";
		match->cites_fact = "process";
	} else if (FACT(opening_sends) && FACT(error) == EPERM) {
		match->cause = "the kernel refused to send to {remote} with {errno_name}: a firewall rule in the output chain does that";
	}
}

static bool bind_forbidden(const struct sw_facts *facts, struct sw_match *match)
{
	match->cause = "{call} of {bound} was denied with {errno_name}";
	if (!FACT(port_privileged)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		return true;
	}
	if (FACT(unprivileged_port_start) >= 0 && FACT(local_port) >= FACT(unprivileged_port_start))
		return true;
	match->cause = FACT(may_not_bind_low) ?
		"port {local_port} is privileged, and the process (uid {uid}) lacks CAP_NET_BIND_SERVICE" :
		"port {local_port} is privileged: binding it takes root or CAP_NET_BIND_SERVICE";
	if (FACT(may_not_bind_low))
		match->cites_fact = "process";
	return true;
}

static bool permission_denied(const struct sw_facts *facts, struct sw_match *match)
{
	match->cites_surfaced = true;
	if (FACT(opening_binds))
		return bind_forbidden(facts, match);
	if (FACT(error) == EACCES && FACT(is_udp) && !FACT(broadcast_allowed) && FACT(remote_multicast)) {
		match->cause = "{remote_ip} is a broadcast address, and SO_BROADCAST is not set";
		match->locus = SW_LOCUS_LOCAL_APP;
		return true;
	}
	if (FACT(route_rejecting))
		return near(match, "the route of this host says it");
	if (FACT(error) == EACCES && !FACT(route_known) && FACT(family_is_ip))
		at_most(match, SW_CONFIDENCE_LIKELY);
	say_what_blocks(facts, match);
	return true;
}

static bool blocked_locally(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (FACT(is_unix) && error != EPERM)
		return false;
	if (rejected_here(facts, match)) {
		match->cites_surfaced = FACT(failed);
		return true;
	}
	if (match->near || !FACT(failed))
		return false;
	if (FACT(injected) && error != EAFNOSUPPORT) {
		match->cites_surfaced = true;
		say_what_blocks(facts, match);
		return true;
	}
	if ((error == EPERM || error == EACCES) && said_here(facts))
		return permission_denied(facts, match);
	if (made_up_here(facts, match)) {
		match->cites_surfaced = true;
		return true;
	}
	return false;
}

/* ---- limits and misuse ------------------------------------------------------------------------------------------- */

static bool family_unsupported(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (error != EAFNOSUPPORT && error != EPROTONOSUPPORT && error != ESOCKTNOSUPPORT && error != EPFNOSUPPORT)
		return false;
	match->cites_surfaced = true;
	if (!FACT(opening_makes)) {
		match->locus = SW_LOCUS_LOCAL_APP;
		match->cause = "{call} was given an address of another family than the socket's ({family})";
	} else if (FACT(seccomp_own)) {
		match->cause = "this host makes no {family} socket of that kind ({errno_name}); the process runs under a seccomp filter, which may be why";
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
	match->cites_surfaced = true;
	return true;
}

static bool call_misused(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (error != ENOTCONN && error != EISCONN && error != EBADF && error != ENOTSOCK && error != EDESTADDRREQ && error != EOPNOTSUPP)
		return false;
	match->cites_surfaced = true;
	if (FACT(culprit)) {
		match->cites_culprit = true;
		match->cause = FACT(culprit_other_thread) ?
			"another thread ({culprit_tid}) had called {culprit} {culprit_before} before {call} failed with {errno_name}" :
			"{culprit}, {culprit_before} before, made {call} fail with {errno_name}";
	}
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule local[] = {
	{
		.code = "no-route",
		.symptoms = ON_OPENING,
		.beats = "blocked-locally",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host has no route there",
		.holds = no_route,
		.cause = { "the kernel's routing table has no route to {remote_ip} ({route_type})",
			   "{call} failed at once with {errno_name} and nothing was sent: the kernel found no way to {remote_ip}" },
		.usually = { "no default route, or none for this address family", "a VPN or interface that is down" },
		.next = { { "here", "ip route get {remote_ip}", "ask the kernel which way it would go", "a line with dev and src" },
			  { "here", "ip route; ip -6 route; ip -br link", "look for a default route and for interfaces that are down", NULL } },
		.sees = "`ENETUNREACH`, `ENETDOWN` at once",
		.evidence = "no packet; no route to the destination, or its device is down",
	},
	{
		.code = "route-rejects",
		.symptoms = ON_OPENING,
		.beats = "no-route ports-exhausted",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "a route of this host rejects the destination",
		.holds = route_rejects,
		.cause = { "the kernel's route to {remote_ip} is of type {route_type}" },
		.usually = { "an unreachable, prohibit or blackhole route set by an administrator, a VPN or a routing daemon" },
		.next = { { "here", "ip route get {remote_ip}", "ask the kernel which route it takes", "no unreachable, prohibit or blackhole" },
			  { "here", "ip rule; ip route show table all | grep -E 'unreachable|prohibit|blackhole'", "find the rule or route", NULL } },
		.sees = "`EHOSTUNREACH`, `EACCES`, `EINVAL` at once",
		.evidence = "no packet; an unreachable, prohibit or blackhole route",
	},
	{
		.code = "ports-exhausted",
		.symptoms = ON_OPENING,
		.beats = "blocked-locally",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "no ephemeral port is left toward that peer",
		.holds = ports_exhausted,
		.cause = { "{ports_used} of {ports_all} ephemeral ports ({port_low} to {port_high}) are in use toward {remote}, {ports_waiting} of them in TIME_WAIT",
			   "{call} found no free local port for {remote} ({errno_name}), and nothing was sent" },
		.usually = { "connections that are opened and not closed or not reused", "many short connections: their ports stay in TIME_WAIT for a minute",
			     "a narrow net.ipv4.ip_local_port_range" },
		.next = { { "here", "ss -tanH 'dst {remote_ip} and dport = :{port}' | cut -d' ' -f1 | sort | uniq -c", "count connections by state", NULL },
			  { "here", "sysctl net.ipv4.ip_local_port_range", "see how many ports there are", NULL },
			  { "here", NULL, "keep connections and use them again, or widen the range", NULL } },
		.sees = "`EADDRNOTAVAIL` on connect",
		.evidence = "no packet; the ephemeral range is used up toward that peer",
	},
	{
		.code = "address-unusable",
		.symptoms = ON_OPENING,
		.beats = "no-route route-rejects ports-exhausted",
		.locus = SW_LOCUS_LOCAL_APP,
		.locus_words = "local-app or local-host",
		.title = "the destination cannot be used as it is",
		.holds = address_unusable,
		.cause = { "{remote} cannot be reached as it is given ({errno_name})" },
		.usually = { "an address that lacks its %interface, or is of a family that this host does not speak" },
		.next = { { "here", "ip -6 addr; sysctl net.ipv6.conf.all.disable_ipv6", "see which addresses this host has", NULL } },
		.sees = "`EINVAL`, `EADDRNOTAVAIL`, `ENETUNREACH`",
		.evidence = "no packet; a destination that cannot be used as it is: link-local without a scope, IPv6 switched off, multicast or broadcast for TCP",
	},
	{
		.code = "address-not-local",
		.symptoms = ON_OPENING,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the address to bind to is not this host's",
		.holds = address_not_local,
		.cause = { "{bound} is on no interface of this host", "the address to bind to is on no interface of this host" },
		.usually = { "a configuration made for another host", "an address that comes up later (DHCP, a failover address, a VPN)" },
		.next = { { "here", "ip -br addr", "see which addresses this host has", "the one in the configuration" },
			  { "here", "sysctl net.ipv4.ip_nonlocal_bind", "1 allows to bind before the address is there", NULL } },
		.sees = "`EADDRNOTAVAIL` on bind",
		.evidence = "the address is on no interface",
	},
	{
		.code = "address-in-use",
		.symptoms = ON_OPENING,
		.beats = "ports-exhausted",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "somebody else has this port",
		.holds = address_in_use,
		.cause = { "{bound} is held by {holder}", "{bound} is in use", "the address is in use" },
		.usually = { "another instance of the same service runs already", "another service has this port",
			     "an old connection in TIME_WAIT, without SO_REUSEADDR" },
		.next = { { "here", "ss -tulnap 'sport = :{local_port}'", "see who holds it", "nobody but this program" } },
		.sees = "`EADDRINUSE`; `EADDRNOTAVAIL` on connect after an explicit bind",
		.evidence = "who holds the port or the address pair, where it can be found (TIME_WAIT too)",
	},
	{
		.code = "blocked-locally",
		.symptoms = ON_ANY_CALL,
		.beats = "neighbor-unresolved unix-permission udp-not-sent dns-unanswered",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host forbids it",
		.holds = blocked_locally,
		.cause = { "{call} to {remote} was denied with {errno_name}", "{call} was denied with {errno_name}" },
		.usually = { "an own firewall rule that rejects in its output chain", "a seccomp profile, an LSM (SELinux, AppArmor, Landlock) or a cgroup program",
			     "a container or systemd sandbox (RestrictAddressFamilies=, IPAddressDeny=)" },
		.next = { { "here", "nft list ruleset; iptables -S OUTPUT", "look for reject or drop rules that match", NULL },
			  { "here", "grep -E 'Seccomp|NoNewPrivs|Cap' /proc/PID/status", "of the process: filters and capabilities", NULL },
			  { "here", "journalctl -k | grep -iE 'denied|audit'", "look for a denial of SELinux, AppArmor or seccomp", "nothing" } },
		.sees = "`EPERM`, `EACCES`, or an errno of the network that never came from it",
		.evidence = "no packet left; firewall (also one that answers with an ICMP or RST seen only on loopback), cgroup, LSM, seccomp, IPsec policy, privileged port, missing SO_BROADCAST: say which as far as known",
	},
	{
		.code = "family-unsupported",
		.symptoms = ON_ANY_CALL,
		.beats = "blocked-locally",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host has no such protocol",
		.holds = family_unsupported,
		.cause = { "this host makes no {family} socket of that kind ({errno_name})", "{call} failed with {errno_name}" },
		.usually = { "a sandbox that allows some families only (systemd's RestrictAddressFamilies=)", "IPv6 or a protocol module is not in this kernel" },
		.next = { { "here", "cat /proc/net/protocols", "see which protocols the kernel has", NULL },
			  { "here", "grep -E 'Seccomp' /proc/PID/status", "of the process: does a filter say it?", "Seccomp: 0" } },
		.sees = "`EAFNOSUPPORT`, `EPROTONOSUPPORT`",
		.evidence = "the call alone",
	},
	{
		.code = "fd-limit",
		.symptoms = ON_ANY_CALL,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the process may open no more descriptors",
		.holds = fd_limit,
		.cause = { "{fd_count} descriptors are open, {fd_sockets} of them sockets, and the limit is {fd_limit}", "the process may open no more descriptors ({errno_name})" },
		.usually = { "descriptors that are never closed (a leak)", "a limit too low for the load" },
		.next = { { "here", "ls -l /proc/PID/fd | sed 's/.*-> //; s/[0-9]//g' | sort | uniq -c", "see what is open", NULL },
			  { "here", "grep 'open files' /proc/PID/limits", "see the limit (LimitNOFILE= of the unit, ulimit -n)", NULL } },
		.sees = "`EMFILE`, `ENFILE`, but on accept",
		.evidence = "the limit and the count",
	},
	{
		.code = "local-resources",
		.symptoms = ON_ANY_CALL,
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host is short of memory or buffers",
		.holds = local_resources,
		.cause = { "{call} failed with {errno_name}: the kernel has no memory or buffer for it" },
		.usually = { "a memory limit of the control group", "net.ipv4.tcp_mem or net.core.*mem_max reached", "a full transmit queue" },
		.next = { { "here", "cat /proc/net/sockstat; sysctl net.ipv4.tcp_mem net.core.wmem_max", "compare use and limits", NULL },
			  { "here", "dmesg | grep -iE 'out of memory|tcp: '", "look for the kernel's own complaint", "nothing" } },
		.sees = "`ENOBUFS`, `ENOMEM`",
		.evidence = "the call, and the limits that can be read",
	},
	{
		.code = "call-misused",
		.symptoms = ON_ANY_CALL,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the program made this call at the wrong time or on the wrong descriptor",
		.holds = call_misused,
		.cause = { "{call} failed with {errno_name}: the descriptor or its state was not right for it" },
		.usually = { "a descriptor that was closed and used again", "a call before connect, or after a failed one" },
		.next = { { "here", NULL, "look at the calls before it on this descriptor (-v)", NULL } },
		.sees = "`ENOTCONN`, `EISCONN`, `EBADF`, `ENOTSOCK`, `EDESTADDRREQ`, `EOPNOTSUPP`",
		.evidence = "the calls before it: say which one made it wrong (a descriptor closed by another thread, for one)",
	},
};

SW_RULE_FAMILY(sw_rules_local, "TCP: connecting", local);
