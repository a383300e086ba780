/* Facts that the calls tell: what was asked for, where to, how it ended and by whose timer.
 *
 * Enters: the debt, its socket and its calls. Leaves: the section SW_FACTS_CALL. Must not look at packets. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"
#include "src/base/names.h"

#define PORTS_PRIVILEGED 1024 /* ip(7), ip_unprivileged_port_start's default */

static const char *type_name(int32_t type)
{
	switch (type) {
	case SOCK_STREAM: return "SOCK_STREAM";
	case SOCK_DGRAM: return "SOCK_DGRAM";
	case SOCK_SEQPACKET: return "SOCK_SEQPACKET";
	case SOCK_RAW: return "SOCK_RAW";
	default: return NULL;
	}
}

static void outcome_facts(struct sw_facts *facts, const struct sw_debt *debt)
{
	facts->operation = sw_operation_name(debt->operation);
	facts->outcome = sw_outcome_name(debt->outcome);
	facts->call = debt->sys ? sw_sys_name(debt->sys) : NULL;
	facts->reported_by = debt->surfaced_sys ? sw_sys_name(debt->surfaced_sys) : NULL;
	facts->failed = debt->outcome == SW_OUTCOME_FAILED;
	facts->gave_up = debt->outcome == SW_OUTCOME_GAVE_UP;
	facts->hung = debt->outcome == SW_OUTCOME_HUNG || debt->outcome == SW_OUTCOME_OPEN;
	facts->slow = debt->outcome == SW_OUTCOME_SLOW || debt->outcome == SW_OUTCOME_DONE;
	facts->answered_no = debt->outcome == SW_OUTCOME_ANSWERED_NO;
	facts->ended_by_eof = debt->outcome == SW_OUTCOME_EOF;
	facts->lost = debt->outcome == SW_OUTCOME_LOST;
	facts->unserved = debt->outcome == SW_OUTCOME_UNSERVED;
	facts->error = debt->error;
	facts->errno_name = debt->error ? sw_errno_name(debt->error) : NULL;
	facts->nonblocking = debt->nonblocking;
	facts->fd = debt->fd;
	facts->pid = debt->pid;
}

static void time_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_debt *debt = context->debt;
	int64_t end = debt->ended_ns == SW_TIME_NONE ? context->end_ns : debt->ended_ns;

	if (debt->began_ns == SW_TIME_NONE)
		return;
	facts->duration = end > debt->began_ns ? end - debt->began_ns : 0;
	if (debt->opened_until_ns != SW_TIME_NONE)
		facts->call_duration = debt->opened_until_ns - debt->began_ns;
	facts->by_opening_call = debt->error &&
				 (debt->surfaced_call == debt->opened_call || debt->call_error == debt->error);
	facts->at_once = facts->by_opening_call && facts->call_duration < SW_AT_ONCE_NS;
}

static void socket_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_call *opening = context->opening;
	int32_t domain = -1, type = -1, protocol = -1;

	if (context->socket) {
		domain = context->socket->socket.domain;
		type = context->socket->socket.type;
		protocol = context->socket->socket.protocol;
		facts->bound_explicitly = context->socket->socket.flags & SW_SOCKET_BOUND || context->socket->bind_call;
		facts->broadcast_allowed = context->socket->options.broadcast;
		facts->fastopen = context->socket->options.fastopen || (opening && opening->flags & SW_CALL_FASTOPEN);
	} else if (opening && (opening->sys == SW_SYS_SOCKET || opening->sys == SW_SYS_SOCKETPAIR)) {
		domain = opening->request;
		type = opening->level & 0xff; /* without SOCK_CLOEXEC, SOCK_NONBLOCK */
		protocol = opening->option;
	}
	if (domain <= 0 && context->target && context->target->present)
		domain = context->target->family;
	facts->family = domain > 0 ? sw_family_name(domain) : NULL;
	facts->family_is_ip = domain == AF_INET || domain == AF_INET6;
	facts->socket_type = type_name(type);
	facts->is_unix = domain == AF_UNIX;
	facts->is_stream = type == SOCK_STREAM || type == SOCK_SEQPACKET;
	facts->is_udp = facts->family_is_ip && type == SOCK_DGRAM && (protocol <= 0 || protocol == IPPROTO_UDP);
	facts->is_ping = facts->family_is_ip && type != SOCK_STREAM &&
			 (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
	facts->is_tcp = facts->family_is_ip && !facts->is_ping &&
			(type == SOCK_STREAM || (type == -1 && facts->call && !facts->is_udp));
	facts->protocol = facts->is_tcp  ? "tcp" :
			  facts->is_udp  ? "udp" :
			  facts->is_ping ? "icmp" :
			  facts->is_unix ? "unix" :
					   NULL;
}

static bool sends(enum sw_sys sys)
{
	return sys == SW_SYS_SENDTO || sys == SW_SYS_SENDMSG || sys == SW_SYS_SENDMMSG || sys == SW_SYS_WRITE ||
	       sys == SW_SYS_WRITEV;
}

static void opening_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	enum sw_sys sys = context->opening ? context->opening->sys : context->debt->sys;
	enum sw_sys end = context->surfaced ? context->surfaced->sys : context->debt->surfaced_sys;

	facts->opening_connects = sys == SW_SYS_CONNECT || context->debt->sys == SW_SYS_CONNECT;
	facts->opening_binds = sys == SW_SYS_BIND || sys == SW_SYS_LISTEN;
	facts->opening_makes = sys == SW_SYS_SOCKET || sys == SW_SYS_SOCKETPAIR;
	facts->opening_accepts = sys == SW_SYS_ACCEPT || sys == SW_SYS_ACCEPT4;
	facts->surfaced_accepts = end == SW_SYS_ACCEPT || end == SW_SYS_ACCEPT4;
	facts->opening_sends = sends(sys);
	facts->opening_receives = sys == SW_SYS_RECVFROM || sys == SW_SYS_RECVMSG || sys == SW_SYS_RECVMMSG ||
				  sys == SW_SYS_READ || sys == SW_SYS_READV;
	facts->surfaced_sends = sends(end) || end == SW_SYS_SENDFILE || end == SW_SYS_SPLICE;
	facts->injected = (context->opening && context->opening->flags & SW_CALL_INJECTED) ||
			  (context->surfaced && context->surfaced->flags & SW_CALL_INJECTED);
}

static bool is_broadcast(const struct sw_ip *ip)
{
	return ip->family == 4 && ip->bytes[0] == 255 && ip->bytes[1] == 255 && ip->bytes[2] == 255 &&
	       ip->bytes[3] == 255;
}

static void address_kinds(struct sw_facts *facts, const struct sw_symptom_context *context,
			  const struct sw_addr *target)
{
	const struct sw_ip *ip = &target->endpoint.ip;
	const struct sw_addr *local = context->socket ? &context->socket->socket.local : NULL;

	facts->v6 = ip->family == 6;
	facts->remote_loopback = sw_ip_is_loopback(ip);
	facts->remote_any = sw_ip_is_any(ip);
	facts->remote_link_local = sw_ip_is_link_local(ip);
	facts->remote_scoped = target->scope != 0;
	facts->remote_multicast = sw_ip_is_multicast(ip) || is_broadcast(ip);
	facts->remote_ends_255 = ip->family == 4 && ip->bytes[3] == 255;
	facts->remote_mapped = target->mapped;
	facts->remote_ours = facts->remote_loopback || facts->remote_any ||
			     (local && local->present && sw_ip_equal(&local->endpoint.ip, ip) && !facts->opening_binds);
}

/* inet_stream_connect() and its like look at the length first: EINVAL, where they would say EAFNOSUPPORT. */
static void family_fact(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_addr *given = context->opening ? &context->opening->addr : NULL;
	int32_t domain = context->socket ? context->socket->socket.domain : -1;

	facts->other_family = given && given->present && domain > 0 && given->family > 0 &&
			      given->family != AF_UNSPEC && given->family != domain;
}

static void target_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_addr *target = context->target;
	char text[SW_ADDR_TEXT];

	facts->host = context->name;
	if (!target || !target->present)
		return;
	facts->remote = sw_arena_strdup(arena, sw_addr_text(target, text));
	if (target->family == AF_UNIX && !facts->host) /* as ss and namei want it, without "unix:" */
		facts->host = sw_arena_format(arena, "%s%s", target->abstract ? "@" : "", target->path);
	if (target->family != AF_INET && target->family != AF_INET6)
		return;
	facts->remote_ip = sw_arena_strdup(arena, sw_ip_text(&target->endpoint.ip, text));
	if (facts->is_ping)
		facts->remote = facts->remote_ip; /* there are no ports */
	facts->port = facts->peer_port = target->endpoint.port;
	if (!facts->host)
		facts->host = facts->remote_ip;
	address_kinds(facts, context, target);
}

static void local_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_call *opening = context->opening;
	const struct sw_addr *local = context->socket ? &context->socket->socket.local : NULL;
	char text[SW_ADDR_TEXT];

	if (opening && opening->sys == SW_SYS_BIND)
		local = &opening->addr;
	if (!local || !local->present)
		return;
	facts->local = sw_arena_strdup(arena, sw_addr_text(local, text));
	facts->local_loopback = sw_ip_is_loopback(&local->endpoint.ip);
	facts->local_port = local->endpoint.port ? local->endpoint.port : -1;
	if (facts->opening_binds || facts->bound_explicitly)
		facts->bound = facts->local;
	facts->port_privileged = facts->opening_binds && local->endpoint.port &&
				 local->endpoint.port < PORTS_PRIVILEGED;
}

static void culprit_facts(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_call *culprit = context->culprit;
	const struct sw_call *surfaced = context->surfaced ? context->surfaced : context->opening;
	char text[512];

	if (!culprit)
		return;
	facts->culprit = sw_arena_strdup(arena, sw_call_text(culprit, text, sizeof text));
	facts->culprit_tid = culprit->tid;
	if (!surfaced)
		return;
	facts->culprit_before = surfaced->enter_ns - culprit->enter_ns;
	facts->culprit_other_thread = surfaced->tid != culprit->tid;
}

static void deadline_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_deadline *deadline = &context->deadline;

	if (!deadline->present)
		return;
	facts->deadline = deadline->what;
	facts->deadline_whose = deadline->whose;
	facts->deadline_value = deadline->value_ns;
	facts->deadline_after = deadline->after_ns;
	facts->kernel_would = deadline->kernel_would_ns;
}

static void surroundings(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_contrast *contrast = &context->contrast;

	facts->imported = context->imported;
	facts->exits_unknown = context->exits_unknown;
	facts->attached = context->attached;
	facts->same_before = context->same_before;
	facts->same_end_ok = contrast->same_end_ok;
	facts->same_host_ok = contrast->same_host_ok;
	facts->same_host_heard = contrast->same_host_heard;
	facts->other_hosts_ok = contrast->other_hosts_ok;
	facts->other_family_ok = contrast->other_family_ok;
}

void sw_facts_of_calls(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	outcome_facts(facts, context->debt);
	time_facts(facts, context);
	opening_facts(facts, context);
	socket_facts(facts, context);
	family_fact(facts, context);
	target_facts(facts, context, arena);
	local_facts(facts, context, arena);
	culprit_facts(facts, context, arena);
	deadline_facts(facts, context);
	surroundings(facts, context);
}
