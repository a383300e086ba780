/* Which facts a failure or a hang calls for: see probe.h. What is asked, and how, stands in the other probe_*.c. */
#include "tracer/kernel/probe.h"

#include <errno.h>
#include <string.h>

#include "src/base/mem.h"
#include "tracer/kernel/identity_ask.h"
#include "tracer/kernel/probe_ask.h"

#define RECENT 256
#define AGAIN_NS (250 * SW_NS_PER_MS)
#define LIMITS 8

#define RESOLVER_PORT 53
#define RESOLVER_EVERY_NS (10 * SW_NS_PER_S)
#define RESOLVERS 4

struct resolver { /* whose holder was asked for */
	struct sw_ip ip;
	uint32_t netns;
	int64_t at; /* monotonic; 0 never */
};

struct sw_probe {
	const struct sw_trace_sink *sink;
	struct sw_identity *identity;
	unsigned switches;
	struct {
		uint64_t hash;
		int64_t time_ns;
	} recent[RECENT];
	const char *limits[LIMITS];
	struct resolver resolvers[RESOLVERS];
};

struct sw_probe *sw_probe_new(const struct sw_trace_sink *sink, struct sw_identity *identity, unsigned switches)
{
	struct sw_probe *probe = sw_alloc(sizeof *probe);
	probe->sink = sink;
	probe->identity = identity;
	probe->switches = switches;
	return probe;
}

void sw_probe_free(struct sw_probe *probe)
{
	free(probe);
}

static uint64_t hash(uint64_t from, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	for (size_t i = 0; i < length; i++)
		from = (from ^ at[i]) * UINT64_C(1099511628211); /* FNV-1a */
	return from;
}

bool sw_probe_fresh(struct sw_question *question, const char *kind, const void *key, size_t length)
{
	struct sw_probe *probe = question->probe;
	int32_t where[3] = {(int32_t)question->netns, question->call->sys, question->call->error};
	uint64_t value = hash(UINT64_C(14695981039346656037), kind, strlen(kind));
	value = hash(hash(value, where, sizeof where), key, length);
	int64_t now = sw_clock_monotonic();
	size_t slot = value % RECENT;
	if (probe->recent[slot].hash == value && now - probe->recent[slot].time_ns < AGAIN_NS)
		return false;
	probe->recent[slot].hash = value;
	probe->recent[slot].time_ns = now;
	return true;
}

void sw_probe_say(struct sw_question *question, struct sw_fact_draft *draft)
{
	const struct sw_trace_sink *sink = question->probe->sink;
	draft->fact.id = sw_identity_fact_id(question->probe->identity);
	draft->fact.pid = (uint32_t)question->pid;
	draft->fact.tid = (uint32_t)question->tid;
	draft->fact.call = question->call->id;
	draft->fact.socket = question->socket ? question->socket->id : question->call->socket;
	if (sink && sink->fact)
		sink->fact(sink->context, sw_fact_of(draft));
}

void sw_probe_limit(struct sw_question *question, const char *what, const char *costs)
{
	struct sw_probe *probe = question->probe;
	size_t i = 0;
	while (i < LIMITS && probe->limits[i] && probe->limits[i] != what)
		i++;
	if (i == LIMITS || probe->limits[i])
		return;
	probe->limits[i] = what;
	struct sw_limit limit = {.what = what, .costs = costs};
	if (probe->sink && probe->sink->limit)
		probe->sink->limit(probe->sink->context, &limit);
}

/* ---- what is asked for which failure -------------------------------------------------------------------------- */

#define ASK_ROUTE 0x1u
#define ASK_PORTS 0x2u
#define ASK_SYSCTL 0x4u
#define ASK_PROCESS 0x8u
#define ASK_FIREWALL 0x10u
#define ASK_TRANSLATION 0x20u
#define ASK_FDS 0x40u
#define ASK_HOLDER 0x80u
#define ASK_ADDRESS 0x100u
#define ASK_UNIX 0x200u

enum phase { CONNECTING, NAMING, MAKING, MOVING };

static enum phase phase_of(enum sw_sys sys)
{
	switch (sys) {
	case SW_SYS_CONNECT: return CONNECTING;
	case SW_SYS_BIND:
	case SW_SYS_LISTEN: return NAMING;
	case SW_SYS_SOCKET:
	case SW_SYS_SOCKETPAIR:
	case SW_SYS_ACCEPT:
	case SW_SYS_ACCEPT4: return MAKING;
	default: return MOVING;
	}
}

static unsigned for_connecting(int error)
{
	switch (error) {
	case EINPROGRESS: /* non-blocking: nothing failed yet */
	case EALREADY:
	case EISCONN:
	case EBADF:
	case ENOTSOCK:
	case EFAULT:
	case EINTR: return 0;
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case EAGAIN: /* IPv4's word for "no port left" */ return ASK_ROUTE | ASK_PORTS | ASK_SYSCTL;
	case EPERM:
	case EACCES: return ASK_ROUTE | ASK_PROCESS | ASK_FIREWALL;
	case ECONNREFUSED:
	case ECONNRESET: return ASK_ROUTE | ASK_TRANSLATION | ASK_FIREWALL;
	default: return ASK_ROUTE | ASK_SYSCTL | ASK_TRANSLATION | ASK_FIREWALL;
	}
}

static unsigned for_naming(int error)
{
	switch (error) {
	case EADDRINUSE: return ASK_HOLDER | ASK_SYSCTL;
	case EADDRNOTAVAIL:
	case ENODEV:
	case EINVAL: return ASK_ADDRESS | ASK_SYSCTL;
	case EACCES:
	case EPERM: return ASK_PROCESS | ASK_SYSCTL;
	default: return 0;
	}
}

static unsigned for_making(int error)
{
	switch (error) {
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EPERM:
	case EACCES: return ASK_PROCESS | ASK_SYSCTL;
	default: return 0;
	}
}

static unsigned for_moving(int error)
{
	switch (error) {
	case EPERM:
	case EACCES: return ASK_ROUTE | ASK_PROCESS | ASK_FIREWALL;
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case EINVAL:
	case EADDRNOTAVAIL: return ASK_ROUTE | ASK_SYSCTL;
	case EMSGSIZE:
	case ENOBUFS: return ASK_ROUTE;
	case ETIMEDOUT: return ASK_ROUTE | ASK_SYSCTL | ASK_FIREWALL;
	case ECONNREFUSED: return ASK_ROUTE | ASK_TRANSLATION;
	default: return 0;
	}
}

static unsigned for_unix(const struct sw_question *question, int error)
{
	bool named = question->to.present && question->to.family == AF_UNIX;
	bool plain = error == EINPROGRESS || error == EINTR || error == EBADF || error == EISCONN || error == EFAULT;
	enum phase phase = phase_of(question->call->sys);
	if (!named || plain || phase == MAKING)
		return 0;
	return phase == MOVING && error == EPIPE ? 0 : ASK_UNIX | (error == EPERM ? ASK_PROCESS : 0);
}

/* A translated connection leaves by the route of the end that its packets carry, and waits for that neighbour. */
static void ask_translation(struct sw_question *question, const struct sw_route *route)
{
	struct sw_question translated = *question;
	struct sw_route way;
	if (sw_probe_translation(question, &route->source, &translated.to.endpoint))
		sw_probe_route(&translated, &way);
}

static void ask(struct sw_question *question, unsigned what)
{
	struct sw_route route = {0};
	bool ip = question->to.endpoint.ip.family != 0;
	const struct sw_addr *named =
		question->call->sys == SW_SYS_LISTEN && question->socket ? &question->socket->local : &question->to;
	if (what & ASK_ROUTE && ip)
		sw_probe_route(question, &route);
	if (what & ASK_PORTS && ip)
		sw_probe_port_range(question);
	if (what & ASK_FDS)
		sw_probe_fd_limit(question);
	if (what & ASK_HOLDER && named->endpoint.ip.family)
		sw_probe_port_holder(question, named);
	if (what & ASK_ADDRESS && ip)
		sw_probe_address(question, &question->to);
	if (what & ASK_UNIX)
		sw_probe_unix_path(question, &question->to);
	if (what & ASK_PROCESS)
		sw_probe_process(question);
	if (what & ASK_SYSCTL)
		sw_probe_sysctl(question, &route.device);
	if (what & ASK_FIREWALL)
		sw_probe_firewall(question);
	if (what & ASK_TRANSLATION && ip)
		ask_translation(question, &route);
}

static struct sw_question question_of(struct sw_probe *probe, const struct sw_call *call,
				      const struct sw_socket *socket)
{
	struct sw_question question = {.probe = probe,
				       .spaces = sw_identity_spaces(probe->identity),
				       .call = call,
				       .socket = socket,
				       .switches = probe->switches,
				       .pid = (pid_t)call->pid,
				       .tid = (pid_t)call->tid};
	/* Also tells who is in the namespace, which is the way into it. */
	uint32_t of_thread = sw_identity_netns(probe->identity, question.pid, question.tid);
	question.netns = socket && (socket->cookie || socket->netns) ? socket->netns : of_thread;
	question.tos = socket ? sw_identity_tos(probe->identity, socket->id) : 0;
	if (call->addr.present && call->sys != SW_SYS_ACCEPT && call->sys != SW_SYS_ACCEPT4)
		question.to = call->addr;
	else if (socket && socket->remote.present)
		question.to = socket->remote;
	return question;
}

void sw_probe_failure(struct sw_probe *probe, const struct sw_call *call, const struct sw_socket *socket)
{
	struct sw_question question = question_of(probe, call, socket);
	unsigned what;
	if (call->error == EMFILE || call->error == ENFILE)
		what = ASK_FDS;
	else if (question.to.family == AF_UNIX)
		what = for_unix(&question, call->error);
	else if (phase_of(call->sys) == CONNECTING)
		what = for_connecting(call->error);
	else if (phase_of(call->sys) == NAMING)
		what = for_naming(call->error);
	else if (phase_of(call->sys) == MAKING)
		what = for_making(call->error);
	else
		what = for_moving(call->error);
	if (what)
		ask(&question, what);
}

void sw_probe_hanging(struct sw_probe *probe, const struct sw_call *call, const struct sw_socket *socket)
{
	struct sw_question question = question_of(probe, call, socket);
	if (question.to.family == AF_UNIX)
		ask(&question, ASK_UNIX);
	else
		ask(&question, ASK_ROUTE | ASK_SYSCTL | ASK_FIREWALL | ASK_TRANSLATION);
}

void sw_probe_resolver(struct sw_probe *probe, const struct sw_call *call, const struct sw_socket *socket)
{
	struct sw_question question = question_of(probe, call, socket);
	struct resolver *oldest = &probe->resolvers[0];
	int64_t now = sw_clock_monotonic();

	if (question.to.endpoint.port != RESOLVER_PORT || !sw_ip_is_loopback(&question.to.endpoint.ip))
		return;
	for (size_t i = 0; i < SW_COUNT(probe->resolvers); i++) {
		struct resolver *asked = &probe->resolvers[i];

		if (asked->netns == question.netns && sw_ip_equal(&asked->ip, &question.to.endpoint.ip) && asked->at &&
		    now - asked->at < RESOLVER_EVERY_NS)
			return;
		if (asked->at < oldest->at)
			oldest = asked;
	}
	*oldest = (struct resolver){question.to.endpoint.ip, question.netns, now};
	sw_probe_port_holder(&question, &question.to);
}

void sw_probe_counters(struct sw_probe *probe, pid_t pid, const char *when)
{
	static const struct sw_call none = {.fd = -1, .fd2 = -1};
	struct sw_question question = {
		.probe = probe, .spaces = sw_identity_spaces(probe->identity), .call = &none, .pid = pid, .tid = pid};
	question.netns = sw_identity_netns(probe->identity, pid, pid);
	sw_probe_counters_of(&question, when);
}
