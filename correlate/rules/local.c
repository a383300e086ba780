/* Verdicts on what this host answered without asking the network: routes, ports, addresses.
 *
 * Enters: facts. Leaves: a match. What the kernel itself confirmed is certain; an errno alone, with nothing on the wire, is
 * likely. */
#include "correlate/rules/local.h"

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
		if (FACT(route_device_down)) {
			match->cause = "the route to {remote_ip} leads to {route_device}, which is down";
		} else if (FACT(route_missing)) {
			match->cause = "the kernel's routing table has no route to {remote_ip}";
		} else if (FACT(route_usable)) {
			match->cause =
				"{call} failed with {errno_name} and nothing was sent, though the routing table, asked afterwards, has a way to {remote_ip}";
			at_most(match, SW_CONFIDENCE_LIKELY);
		}
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

	if (!is_route_errno(error) || !FACT(family_is_ip) || FACT(opening_binds) || FACT(opening_makes) ||
	    FACT(opening_accepts) || !said_here(facts))
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
	match->cause =
		error == EINVAL ?
			"{call} failed at once with {errno_name} and nothing was sent: what a blackhole route makes it say" :
		error == EACCES ?
			"{call} failed at once with {errno_name} and nothing was sent: what a prohibit route makes it say" :
			"{call} failed at once with {errno_name} and nothing was sent: what an unreachable route makes it say";
	at_most(match, FACT(at_once) && error != EACCES ? SW_CONFIDENCE_LIKELY : SW_CONFIDENCE_POSSIBLE);
	unseen(match, "the routing table at that moment");
	return true;
}

/* ---- ports and addresses ---------------------------------------------------------------------------------------- */

/* bind() to port 0, or a datagram socket's first connect or send: the kernel was to choose, and found none. */
static bool none_to_choose(const struct sw_facts *facts)
{
	if (FACT(opening_binds))
		return FACT(error) == EADDRINUSE && FACT(local) && FACT(local_port) < 0;
	return FACT(error) == EAGAIN && FACT(is_udp) && FACT(opening_connects);
}

static bool ports_exhausted(const struct sw_facts *facts, struct sw_match *match)
{
	bool none = none_to_choose(facts);

	if (!FACT(family_is_ip) || (!none && (FACT(error) != EADDRNOTAVAIL || FACT(opening_binds))))
		return false;
	if (none) {
		match->cites_surfaced = true;
		match->cause =
			"{call} was to be given a free local port and failed with {errno_name}: the kernel says so where all ephemeral ports are in use";
		if (FACT(ports_all) > 0)
			match->cites_fact = "port-range";
		return true;
	}
	if (FACT(bound_explicitly) && FACT(local_port) > 0)
		return near(match, "the local port was chosen with bind");
	match->cites_surfaced = true;
	if (FACT(ports_all) > 0) {
		match->cites_fact = "port-range";
		return FACT(ports_full) ||
		       near(match, "{ports_used} of {ports_all} ephemeral ports are in use toward this peer");
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

static const struct sw_rule_next look_at_bind[SW_RULE_TEXTS] = {
	{"here", NULL, "leave the local address to the kernel, or bind to one of the interface that leads there", NULL},
	{"here", "ip route get {remote_ip}", "see which address the kernel would take (src)", NULL},
};

static const struct sw_rule_next look_at_target[SW_RULE_TEXTS] = {
	{"here", NULL, "look where the program takes the port from: a configuration that lacks it", NULL},
};

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
	if (error == EINVAL && (FACT(opening_connects) || FACT(opening_sends)) && FACT(bound_explicitly) &&
	    FACT(local_loopback) && !FACT(remote_loopback)) {
		match->cause =
			"our end was bound to {local}, a loopback address: nothing but this host can be reached from it, and {remote_ip} is another";
		match->next = look_at_bind;
		return true;
	}
	if (error == EINVAL && FACT(is_udp) && FACT(opening_sends) && FACT(port) == 0) {
		match->cause = "port 0 was asked for, which no service has";
		match->next = look_at_target;
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
	bool pair = FACT(error) == EADDRNOTAVAIL && FACT(opening_connects) && FACT(bound_explicitly) &&
		    FACT(local_port) > 0;

	if ((FACT(error) != EADDRINUSE && !pair) || none_to_choose(facts))
		return false;
	match->cites_surfaced = true;
	if (pair) {
		match->cause =
			"a connection between {local} and {remote} exists already, and the local port was chosen with bind";
		if (!FACT(holder))
			at_most(match, SW_CONFIDENCE_LIKELY);
	}
	if (FACT(holder))
		match->cites_fact = "port-holder";
	else
		unseen(match, "who holds it");
	/* Listens on [::], which serves IPv4 as well, and then asks for 0.0.0.0 on its own: nobody misses that. */
	if (FACT(holder_own) && !pair) {
		match->cause = "the program itself has the port already, with another socket ({holder})";
		match->usually =
			"a listener on [::], which serves IPv4 as well, or the address twice in the configuration";
		if (FACT(ended_well) || FACT(runs_on) || !FACT(ended_soon))
			match->severity = SW_SEVERITY_NOTE;
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
		.noun = "a missing route",
		.holds = no_route,
		.cause =
			{"{call} failed at once with {errno_name} and nothing was sent: the kernel found no way to {remote_ip}"},
		.usually = {"no default route, or none for this address family", "a VPN or interface that is down",
			    "an `ip rule` that says unreachable"},
		.next = {{"here", "ip route get {remote_ip}", "ask the kernel which way it would go",
			  "a line with dev and src"},
			 {"here", "ip rule; ip route; ip -6 route; ip -br link",
			  "look for a default route and for interfaces that are down", NULL}},
		.sees = "`ENETUNREACH`, `ENETDOWN` at once",
		.evidence = "no packet; no route to the destination, or its device is down",
	},
	{
		.code = "route-rejects",
		.symptoms = ON_OPENING,
		.beats = "no-route ports-exhausted blocked-locally",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "a route of this host rejects the destination",
		.noun = "a route that rejects",
		.holds = route_rejects,
		.cause = {"the kernel's route to {remote_ip} is of type {route_type}"},
		.usually =
			{"an unreachable, prohibit or blackhole route set by an administrator, a VPN or a routing daemon"},
		.next = {{"here", "ip route get {remote_ip}", "ask the kernel which route it takes",
			  "no unreachable, prohibit or blackhole"},
			 {"here", "ip rule; ip route show table all | grep -E 'unreachable|prohibit|blackhole'",
			  "find the rule or route", NULL}},
		.sees = "`EHOSTUNREACH`, `EACCES`, `EINVAL` at once",
		.evidence = "no packet; an unreachable, prohibit or blackhole route",
	},
	{
		.code = "ports-exhausted",
		.symptoms = ON_OPENING,
		.beats = "blocked-locally",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "no ephemeral port is left toward that peer",
		.noun = "used up ports",
		.holds = ports_exhausted,
		.cause =
			{"{ports_used} of {ports_all} ephemeral ports ({port_low} to {port_high}) are in use toward {remote}, {ports_waiting} of them in TIME_WAIT",
			 "{call} found no free local port for {remote} ({errno_name}), and nothing was sent"},
		.usually = {"connections that are opened and not closed or not reused",
			    "many short connections: their ports stay in TIME_WAIT for a minute",
			    "a narrow net.ipv4.ip_local_port_range"},
		.next = {{"here", "ss -tanH 'dst {remote_ip} and dport = :{port}' | cut -d' ' -f1 | sort | uniq -c",
			  "count connections by state", NULL},
			 {"here", "sysctl net.ipv4.ip_local_port_range", "see how many ports there are", NULL},
			 {"here", NULL, "keep connections and use them again, or widen the range", NULL}},
		.sees = "`EADDRNOTAVAIL` on connect; `EADDRINUSE` on bind to port 0; `EAGAIN` on a datagram socket's connect",
		.evidence = "no packet; the ephemeral range is used up toward that peer",
	},
	{
		.code = "address-unusable",
		.symptoms = ON_OPENING,
		.beats = "no-route route-rejects ports-exhausted",
		.locus = SW_LOCUS_LOCAL_APP,
		.locus_words = "local-app or local-host",
		.title = "the destination cannot be used as it is",
		.noun = "an unusable address",
		.holds = address_unusable,
		.cause = {"{remote} cannot be reached as it is given ({errno_name})"},
		.usually = {"an address that lacks its %interface, or is of a family that this host does not speak"},
		.next = {{"here", "ip -6 addr; sysctl net.ipv6.conf.all.disable_ipv6",
			  "see which addresses this host has", NULL}},
		.sees = "`EINVAL`, `EADDRNOTAVAIL`, `ENETUNREACH`",
		.evidence =
			"no packet; a destination that cannot be used as it is: link-local without a scope, IPv6 switched off, multicast or broadcast for TCP",
	},
	{
		.code = "address-not-local",
		.symptoms = ON_OPENING,
		.locus = SW_LOCUS_LOCAL_APP,
		.title = "the address to bind to is not this host's",
		.noun = "an address of another host",
		.holds = address_not_local,
		.cause = {"{bound} is on no interface of this host",
			  "the address to bind to is on no interface of this host"},
		.usually = {"a configuration made for another host",
			    "an address that comes up later (DHCP, a failover address, a VPN)"},
		.next = {{"here", "ip -br addr", "see which addresses this host has", "the one in the configuration"},
			 {"here", "sysctl net.ipv4.ip_nonlocal_bind", "1 allows to bind before the address is there",
			  NULL}},
		.sees = "`EADDRNOTAVAIL` on bind",
		.evidence = "the address is on no interface",
	},
	{
		.code = "address-in-use",
		.symptoms = ON_OPENING,
		.beats = "ports-exhausted",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "somebody else has this port",
		.noun = "a port that is taken",
		.holds = address_in_use,
		.cause = {"{bound} is held by {holder}", "{bound} is in use", "the address is in use"},
		.usually = {"another instance of the same service runs already", "another service has this port",
			    "an old connection in TIME_WAIT, without SO_REUSEADDR"},
		.next = {{"here", "ss -tulnap 'sport = :{local_port}'", "see who holds it", "nobody but this program"}},
		.sees = "`EADDRINUSE`; `EADDRNOTAVAIL` on connect after an explicit bind",
		.evidence = "who holds the port or the address pair, where it can be found (TIME_WAIT too)",
	},
};

SW_RULE_FAMILY(sw_rules_local, "TCP: connecting", local);
