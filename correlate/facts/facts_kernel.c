/* Facts that the kernel was asked for at the failure (tracer/facts.md lists kinds and fields).
 *
 * Enters: the facts of the context. Leaves: the section SW_FACTS_KERNEL; what was not asked stays unknown. Must not look at
 * packets or calls. */
#include <string.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/names.h"

#define QUEUE_AGE_NS (100 * SW_NS_PER_MS)

#define FILTERS_OF_OURS 1 /* a command run under this tool has its filter too */

static int64_t number(const struct sw_fact *fact, const char *name)
{
	return fact ? sw_fact_number(fact, name, -1) : -1;
}

static const char *text(const struct sw_fact *fact, const char *name)
{
	return fact ? sw_fact_text(fact, name) : NULL;
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static void route_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_fact *route = sw_symptom_fact(context, "route");

	if (!route)
		return;
	facts->route_known = true;
	facts->route_type = text(route, "type");
	facts->route_error = number(route, "error");
	facts->route_errno_name = facts->route_error > 0 ? sw_errno_name((int)facts->route_error) : NULL;
	facts->route_rejecting = is(facts->route_type, "unreachable") || is(facts->route_type, "prohibit") ||
				 is(facts->route_type, "blackhole");
	facts->route_missing = is(facts->route_type, "none") || is(facts->route_type, "throw");
	facts->route_usable = facts->route_error <= 0 && !facts->route_rejecting && !facts->route_missing;
	facts->route_gateway = text(route, "gateway");
	facts->route_device = text(route, "device");
	facts->route_source = text(route, "source");
	facts->next_hop = text(route, "next_hop");
	facts->route_device_down = number(route, "device_up") == 0 || number(route, "device_running") == 0;
	if (number(route, "local") == 1 || is(facts->route_type, "local"))
		facts->remote_ours = true;
	if (is(facts->route_type, "broadcast") || is(facts->route_type, "multicast"))
		facts->remote_multicast = true;
}

static void neighbor_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	facts->neighbor_state = text(sw_symptom_fact(context, "neighbor"), "state");
	facts->neighbor_bad = is(facts->neighbor_state, "incomplete") || is(facts->neighbor_state, "failed");
}

static void port_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_fact *range = sw_symptom_fact(context, "port-range");
	const struct sw_fact *holder = sw_symptom_fact(context, "port-holder");
	const struct sw_fact *local = sw_symptom_fact(context, "address-local");
	char end[SW_ADDR_TEXT];

	facts->port_low = number(range, "low");
	facts->port_high = number(range, "high");
	facts->ports_all = number(range, "total");
	facts->ports_used = number(range, "used");
	facts->ports_waiting = number(range, "time_wait");
	facts->ports_full = facts->ports_all > 0 && facts->ports_used * 100 >= facts->ports_all * SW_PORTS_USED_PERCENT;
	facts->address_known = number(local, "local") >= 0;
	facts->address_local = number(local, "local") == 1;
	facts->holder_state = text(holder, "state");
	facts->holder_own = holder && context->debt->pid && number(holder, "pid") == (int64_t)context->debt->pid;
	if (!holder && context->own_listener) {
		facts->holder_own = true;
		facts->holder = sw_arena_format(arena, "its own at %s", sw_addr_text(context->own_listener, end));
	}
	if (text(holder, "comm"))
		facts->holder =
			sw_arena_format(arena, "%s[%lld]", text(holder, "comm"), (long long)number(holder, "pid"));
	else if (is(facts->holder_state, "time-wait"))
		facts->holder = "a connection in TIME_WAIT, which no process owns";
	else if (text(holder, "local"))
		facts->holder = sw_arena_format(arena, "a socket at %s in state %s", text(holder, "local"),
						facts->holder_state ? facts->holder_state : "unknown");
}

/* Of the process itself, or of the one that started it: what it is under, its children are under. */
static bool is_landlocked(const struct sw_symptom_context *context)
{
	uint32_t parent = context->process ? context->process->parent : 0;

	for (size_t i = 0; i < context->fact_count; i++) {
		const struct sw_fact *fact = context->facts[i];

		if (!strcmp(fact->kind, "sandbox") && is(text(fact, "by"), "landlock") &&
		    fact->time_ns <= context->debt->began_ns &&
		    (fact->pid == context->debt->pid || (parent && fact->pid == parent)))
			return true;
	}
	return false;
}

static void process_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_fact *process = sw_symptom_fact(context, "process");
	const struct sw_fact *limit = sw_symptom_fact(context, "fd-limit");

	facts->uid = number(process, "uid");
	facts->seccomp_mode = number(process, "seccomp");
	facts->seccomp_filters = number(process, "seccomp_filters");
	facts->seccomp_own = facts->seccomp_filters > FILTERS_OF_OURS;
	facts->landlocked = is_landlocked(context);
	facts->may_not_bind_low = number(process, "cap_net_bind_service") == 0;
	facts->cgroup = text(process, "cgroup");
	facts->fd_limit = number(limit, "limit");
	facts->fd_count = number(limit, "count");
	facts->fd_sockets = number(limit, "sockets");
	facts->fd_system_limit = number(limit, "system_limit");
}

/* How many wait says nothing of a time after it was asked: a program that does not accept is asked by nobody. */
static bool is_stale(const struct sw_symptom_context *context, const struct sw_fact *listener)
{
	return listener && context->flow && context->debt->operation == SW_OPERATION_SERVE &&
	       listener->time_ns < context->debt->began_ns - QUEUE_AGE_NS;
}

static void system_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_fact *sysctl = sw_symptom_fact(context, "sysctl");
	const struct sw_fact *firewall = sw_symptom_fact(context, "firewall");
	const struct sw_fact *listener = sw_symptom_fact(context, "listener");

	facts->unprivileged_port_start = number(sysctl, "ip_unprivileged_port_start");
	facts->ipv6_disabled = number(sysctl, "ipv6_disabled");
	facts->syn_retries = number(sysctl, "tcp_syn_retries");
	facts->rp_filter = number(sysctl, "rp_filter");
	facts->syn_cookies = number(sysctl, "tcp_syncookies");
	facts->firewall_output = number(firewall, "nft_output");
	facts->firewall_input = number(firewall, "nft_input");
	facts->ipsec_out = number(firewall, "xfrm_out");
	facts->listen_queue = is_stale(context, listener) ? -1 : number(listener, "queue");
	facts->listen_backlog = number(listener, "backlog");
	facts->translated_by_kernel = text(sw_symptom_fact(context, "translation"), "reply_source");
}

static void path_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_fact *path = sw_symptom_fact(context, "unix-path");

	if (!path)
		return;
	facts->path_kind = text(path, "kind");
	facts->path_known = facts->path_kind && !is(facts->path_kind, "unknown");
	facts->path_exists = number(path, "exists") == 1;
	facts->path_is_socket = number(path, "is_socket") == 1;
	facts->path_mode = text(path, "mode");
	facts->path_owner = text(path, "owner");
	facts->path_denied = text(path, "denied");
	facts->path_denied_mode = text(path, "denied_mode");
	facts->path_denied_owner = text(path, "denied_owner");
	facts->path_missing = text(path, "missing");
	facts->path_type = text(path, "type");
	facts->path_listeners = number(path, "listeners");
	facts->path_queue = number(path, "queue");
	facts->path_backlog = number(path, "backlog");
	facts->path_holder_pid = number(path, "holder_pid");
	if (text(path, "holder_comm"))
		facts->path_holder = sw_arena_format(arena, "%s[%lld]", text(path, "holder_comm"),
						     (long long)number(path, "holder_pid"));
}

static void tcp_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_fact *info = sw_symptom_fact(context, "tcp-info");

	facts->tcp_state = text(info, "state");
	facts->tcp_unacked = number(info, "unacked");
	facts->tcp_retransmits = number(info, "retransmits");
	facts->tcp_total_retrans = number(info, "total_retrans");
}

/* Counters stand since the namespace began: what came to them since the session's first look. */
static int64_t risen(const struct sw_symptom_context *context, const char *name)
{
	const struct sw_fact *first = NULL, *last = NULL;

	for (size_t i = 0; i < context->fact_count; i++) {
		const struct sw_fact *fact = context->facts[i];

		if (strcmp(fact->kind, "counters") != 0 || number(fact, name) < 0)
			continue;
		if (!first || fact->time_ns < first->time_ns)
			first = fact;
		if (!last || fact->time_ns > last->time_ns)
			last = fact;
	}
	return first && first != last ? number(last, name) - number(first, name) : -1;
}

static int64_t sum(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 ? a : a + b;
}

static void counter_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	facts->rp_filter_drops = risen(context, "rp_filter");
	facts->checksum_drops = sum(risen(context, "tcp_csum_errors"), risen(context, "udp_csum_errors"));
	facts->listen_overflows = risen(context, "listen_overflows");
	facts->listen_drops = risen(context, "listen_drops");
	facts->syn_queue_drops = risen(context, "tcp_req_queue_full_drop");
	facts->socket_drops = number(sw_symptom_fact(context, "receive-buffer"), "drops");
	facts->socket_buffer = number(sw_symptom_fact(context, "receive-buffer"), "limit");
	facts->receive_buffer_drops = risen(context, "udp_rcvbuf_errors");
	facts->out_discards = risen(context, "out_discards");
	facts->ipsec_drops = risen(context, "xfrm_out_pol_block");
}

void sw_facts_of_kernel(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	route_facts(facts, context);
	neighbor_facts(facts, context);
	port_facts(facts, context, arena);
	process_facts(facts, context);
	system_facts(facts, context);
	path_facts(facts, context, arena);
	tcp_facts(facts, context);
	counter_facts(facts, context);
}
