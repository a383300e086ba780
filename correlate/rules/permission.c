/* Verdicts on what this host forbids: firewall, sandbox, policy, privilege. Which of them it was is said as far as it is known.
 *
 * Enters: facts. Leaves: a match, with its own advice where the mechanism is known. */
#include "correlate/rules/local.h"
#include "correlate/thresholds.h"

/* What to look at where the mechanism is known. */
static const struct sw_rule_next look_at_ipsec[SW_RULE_TEXTS] = {
	{"here", "ip xfrm policy", "look for a policy with action block, or for a tunnel that is not up", NULL},
};
static const struct sw_rule_next look_at_output[SW_RULE_TEXTS] = {
	{"here", "nft list ruleset; iptables -S OUTPUT", "look for reject or drop rules that match", NULL},
};
static const struct sw_rule_next look_at_egress[SW_RULE_TEXTS] = {
	{"here", "nft list ruleset; tc -s qdisc; tc -s filter show dev {route_device} egress",
	 "look for drops on the way out, and for counts that rise", NULL},
};
static const struct sw_rule_next look_at_seccomp[SW_RULE_TEXTS] = {
	{"here", "grep -E 'Seccomp|NoNewPrivs' /proc/{its_pid}/status", "while it runs: the filters of the process",
	 "Seccomp: 0"},
	{"here", NULL, "look at what starts it: the container's seccomp profile, SystemCallFilter= of the unit", NULL},
};
static const struct sw_rule_next look_at_lsm[SW_RULE_TEXTS] = {
	{"here", "journalctl -k | grep -iE 'denied|audit'", "look for a denial of SELinux or AppArmor", "nothing"},
	{"here", "cat /sys/kernel/security/lsm", "see which security modules are active (Landlock logs nothing)", NULL},
};
static const struct sw_rule_next look_at_cgroup[SW_RULE_TEXTS] = {
	{"here", "bpftool cgroup tree", "look for programs at the control group of the process", "none"},
	{"here", "nft list ruleset; ip xfrm policy", "look for a rule or policy that matches", NULL},
};
static const struct sw_rule_next look_at_low_port[SW_RULE_TEXTS] = {
	{"here", "sysctl net.ipv4.ip_unprivileged_port_start", "see from where on ports are free for all", NULL},
	{"here", NULL,
	 "start it as root, or give it the capability: AmbientCapabilities=CAP_NET_BIND_SERVICE, setcap cap_net_bind_service=ep",
	 NULL},
};
static const struct sw_rule_next look_at_broadcast[SW_RULE_TEXTS] = {
	{"here", NULL, "set SO_BROADCAST before sending; if no broadcast was meant, the address is wrong", NULL},
};

static void known(struct sw_match *match, const char *cause, const char *usually, const struct sw_rule_next *next)
{
	match->cause = cause;
	match->usually = usually;
	match->next = next;
}

/* A reject rule of our own answers in the network's name, on loopback; what it answers was never on the wire. */
static bool rejected_here(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(syns) > 0 && FACT(rst_answers_syn) && !FACT(remote_ours))
		return near(match, "the SYN left this host");
	if (FACT(remote_loopback) || FACT(syns) > 0)
		return false;
	if (FACT(icmp_from_us) && (FACT(icmp_refuses) || FACT(icmp_prohibits) || FACT(icmp_unreaches))) {
		bool resolution = FACT(icmp_unreaches) &&
				  (FACT(neighbor_unanswered) || FACT(icmp_after_begin) >= SW_NEIGHBOR_FAILS_NS);

		if (resolution)
			return near(match, "the ICMP from this host tells of a failed neighbour resolution");
		cite(match, FACT(icmp_first));
		known(match,
		      "this host itself answered with ICMP {icmp} ({icmp_source}, on loopback); the packet that it quotes never left",
		      "an own firewall rule that rejects in its output chain", look_at_output);
		return true;
	}
	if (FACT(rst_on_loopback) && FACT(rst).packet) {
		cite(match, FACT(rst));
		known(match,
		      "a RST in the name of {rst_source} came over loopback; the SYN that it answers never left this host",
		      "an own firewall rule that rejects with a RST in its output chain", look_at_output);
		return true;
	}
	return false;
}

/* An errno of the network, at once, and the capture that sees everything saw nothing: made up on this host. */
static bool made_up_here(const struct sw_facts *facts, struct sw_match *match)
{
	bool network = FACT(error) == ECONNREFUSED || FACT(error) == ECONNRESET || FACT(error) == ETIMEDOUT;

	if (!network || !FACT(at_once) || FACT(packets_seen) || FACT(remote_loopback) || !FACT(family_is_ip) ||
	    FACT(opening_binds))
		return false;
	if (!rests_on_absence(facts, match))
		return false;
	match->cause = "{call} failed at once with {errno_name}, and no packet to or from {remote} was seen";
	return true;
}

/* What is left when the route is fine and no filter answered, by errno: KERNEL.md, "Connecting". */
static void say_what_may_block(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(family_is_ip))
		return;
	if (FACT(error) == EACCES) {
		match->usually =
			"a security module: a Landlock sandbox that the program or its launcher set up, SELinux, AppArmor";
		match->next = look_at_lsm;
	} else if (!FACT(opening_sends)) {
		match->usually =
			"a program at the control group (IPAddressDeny= of the unit, a container's network policy), an IPsec policy, "
			"or a seccomp filter";
		match->next = look_at_cgroup;
	}
}

static void say_what_blocks(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(injected)) {
		known(match,
		      "the program's own seccomp filter answered {call} with {errno_name}: the kernel never ran it",
		      "a sandbox of the program itself, of its container or its unit (SystemCallFilter=)",
		      look_at_seccomp);
	} else if (FACT(ipsec_drops) > 0) {
		known(match, "an IPsec policy of this host blocks it: {ipsec_drops:packet} dropped meanwhile",
		      "a policy with action block, or one whose tunnel is not up", look_at_ipsec);
		match->cites_fact = "firewall";
	} else if (FACT(landlocked) && FACT(error) == EACCES && FACT(is_tcp)) {
		known(match,
		      "{call} was denied with {errno_name}: the process, or what started it, had gone into a Landlock sandbox before",
		      "rules of that sandbox that name the TCP ports which may be used", look_at_lsm);
	} else if (FACT(seccomp_own)) {
		match->cause = "{call} failed at once with {errno_name}; the process runs under a seccomp filter";
		match->cites_fact = "process";
	} else if (FACT(opening_sends) && FACT(error) == EPERM) {
		match->cause =
			"the kernel refused to send to {remote} with {errno_name}: a firewall rule in the output chain does that";
	} else {
		say_what_may_block(facts, match);
	}
}

static bool bind_forbidden(const struct sw_facts *facts, struct sw_match *match)
{
	match->cause = "{call} of {bound} was denied with {errno_name}";
	if (!FACT(port_privileged)) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		say_what_may_block(facts, match);
		return true;
	}
	if (FACT(unprivileged_port_start) >= 0 && FACT(local_port) >= FACT(unprivileged_port_start))
		return true;
	known(match,
	      FACT(may_not_bind_low) ?
		      "port {local_port} is privileged, and the process (uid {uid}) lacks CAP_NET_BIND_SERVICE" :
		      "port {local_port} is privileged: binding it takes root or CAP_NET_BIND_SERVICE",
	      "a service that is started as an ordinary user", look_at_low_port);
	if (FACT(may_not_bind_low))
		match->cites_fact = "process";
	return true;
}

/* A directed broadcast looks like any address; the route tells, or, without one, its last byte. */
static bool broadcast_forbidden(const struct sw_facts *facts, struct sw_match *match)
{
	bool looks_so = !FACT(route_known) && FACT(remote_ends_255);

	if (FACT(error) != EACCES || !FACT(is_udp) || FACT(broadcast_allowed) || (!FACT(remote_multicast) && !looks_so))
		return false;
	known(match, "{remote_ip} is a broadcast address, and SO_BROADCAST is not set",
	      "the option was forgotten, or the address is wrong", look_at_broadcast);
	if (looks_so) {
		at_most(match, SW_CONFIDENCE_LIKELY);
		unseen(match, "whether the routing table has {remote_ip} as a broadcast address");
	}
	return true;
}

static bool permission_denied(const struct sw_facts *facts, struct sw_match *match)
{
	match->cites_surfaced = true;
	if (FACT(opening_binds))
		return bind_forbidden(facts, match);
	if (broadcast_forbidden(facts, match))
		return true;
	if (FACT(route_rejecting))
		return near(match, "the route of this host says it");
	if (FACT(error) == EACCES && !FACT(route_known) && FACT(family_is_ip))
		at_most(match, FACT(injected) || (FACT(landlocked) && FACT(is_tcp)) ? SW_CONFIDENCE_LIKELY :
										      SW_CONFIDENCE_POSSIBLE);
	say_what_blocks(facts, match);
	return true;
}

/* With IP_RECVERR a send is told that the packet was dropped behind the output hook (ip_send_skb, net_xmit_errno). A lack of memory
 * fails before a packet exists, and discards none. */
static bool dropped_on_the_way_out(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(error) != ENOBUFS || !FACT(is_udp))
		return false;
	if (FACT(out_discards) < 0 && FACT(errors_asked)) {
		known(match,
		      "{call} to {remote} failed with {errno_name}: what a packet that is dropped on its way out, behind the firewall's output "
		      "chain, makes a socket with IP_RECVERR say",
		      "traffic control, an egress firewall or an eBPF program that drops; a transmit queue that is full; a lack of memory",
		      look_at_egress);
		unseen(match, "whether this host discarded packets on their way out (the counters)");
		match->cites_surfaced = true;
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		return true;
	}
	if (FACT(out_discards) <= 0)
		return false;
	known(match,
	      "{call} to {remote} failed with {errno_name}, and this host discarded {out_discards:packet} on the way out: behind the "
	      "firewall's output chain, before the wire",
	      "traffic control, an egress firewall or an eBPF program that drops; a transmit queue that is full",
	      look_at_egress);
	match->cites_fact = "counters";
	match->cites_surfaced = true;
	at_most(match, SW_CONFIDENCE_LIKELY);
	return true;
}

static bool blocked_locally(const struct sw_facts *facts, struct sw_match *match)
{
	int64_t error = FACT(error);

	if (FACT(is_unix) && error != EPERM && !FACT(opening_makes))
		return false; /* the path's mode and owner may say no */
	if (rejected_here(facts, match)) {
		match->cites_surfaced = FACT(failed);
		return true;
	}
	if (match->near || !FACT(failed))
		return false; /* what answered is known */
	if (FACT(injected) && error != EAFNOSUPPORT) {
		match->cites_surfaced = true;
		say_what_blocks(facts, match);
		return true;
	}
	if ((error == EPERM || error == EACCES) && said_here(facts))
		return permission_denied(facts, match);
	if (dropped_on_the_way_out(facts, match))
		return true;
	if (made_up_here(facts, match)) {
		match->cites_surfaced = true;
		return true;
	}
	return false;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule permission[] = {
	{
		.code = "blocked-locally",
		.symptoms = ON_ANY_CALL,
		.beats = "neighbor-unresolved unix-permission udp-not-sent dns-unanswered local-resources",
		.locus = SW_LOCUS_LOCAL_HOST,
		.title = "this host forbids it",
		.noun = "a firewall or sandbox of this host",
		.holds = blocked_locally,
		.cause = {"{call} to {remote} was denied with {errno_name}", "{call} was denied with {errno_name}"},
		.usually = {"an own firewall rule that rejects in its output chain",
			    "a seccomp profile, an LSM (SELinux, AppArmor, Landlock) or a cgroup program",
			    "a container or systemd sandbox (RestrictAddressFamilies=, IPAddressDeny=)"},
		.next = {{"here", "nft list ruleset; iptables -S OUTPUT", "look for reject or drop rules that match",
			  NULL},
			 {"here", "grep -E 'Seccomp|NoNewPrivs|Cap' /proc/{its_pid}/status",
			  "see the filters and capabilities of the process, while it runs", NULL},
			 {"here", "journalctl -k | grep -iE 'denied|audit'",
			  "look for a denial of SELinux, AppArmor or seccomp", "nothing"}},
		.sees = "`EPERM`, `EACCES`, or an errno of the network that never came from it",
		.evidence =
			"no packet left; firewall (also one that answers with an ICMP or RST seen only on loopback), cgroup, LSM, seccomp, IPsec policy, privileged port, missing SO_BROADCAST: say which as far as known",
	},
};

SW_RULE_FAMILY(sw_rules_permission, "TCP: connecting", permission);
