/* See origins.h. An answer outweighs /etc/hosts (who asked did not find it there), and both an argument: a name has to be resolved. */
#include "correlate/findings/origins.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

#define KEPT_MAX 4096 /* entries of each kind */
#define ANCESTORS 8
#define DNS_PORT 53
#define PROXY_PORT 1080 /* what libcurl takes where none is given */

struct named { /* an address and its names in /etc/hosts */
	struct sw_ip ip;
	char *names;
};

struct proxy {
	uint32_t pid;
	char *variable, *value;
};

struct sw_origins_seen {
	SW_ARRAY(struct named) hosts;
	SW_ARRAY(struct sw_ip) resolvers; /* name servers in /etc/resolv.conf */
	SW_ARRAY(struct proxy) proxies;
};

struct sw_origins_seen *sw_origins_seen_new(void)
{
	return sw_alloc(sizeof(struct sw_origins_seen));
}

void sw_origins_seen_free(struct sw_origins_seen *origins)
{
	for (size_t i = 0; i < origins->hosts.count; i++)
		free(origins->hosts.items[i].names);
	for (size_t i = 0; i < origins->proxies.count; i++) {
		free(origins->proxies.items[i].variable);
		free(origins->proxies.items[i].value);
	}
	SW_ARRAY_RELEASE(&origins->hosts);
	SW_ARRAY_RELEASE(&origins->resolvers);
	SW_ARRAY_RELEASE(&origins->proxies);
	free(origins);
}

static struct named *hosts_find(const struct sw_origins_seen *origins, const struct sw_ip *ip)
{
	for (size_t i = 0; i < origins->hosts.count; i++)
		if (sw_ip_equal(&origins->hosts.items[i].ip, ip))
			return &origins->hosts.items[i];
	return NULL;
}

static bool is_resolver(const struct sw_origins_seen *origins, const struct sw_ip *ip)
{
	for (size_t i = 0; i < origins->resolvers.count; i++)
		if (sw_ip_equal(&origins->resolvers.items[i], ip))
			return true;
	return false;
}

static void take_resolver(struct sw_origins_seen *origins, const struct sw_fact *fact)
{
	const char *address = sw_fact_text(fact, "nameserver");
	struct sw_ip ip;

	if (address && sw_ip_parse(address, &ip) && !is_resolver(origins, &ip) && origins->resolvers.count < KEPT_MAX)
		*SW_ARRAY_ADD(&origins->resolvers) = ip;
}

static void take_hosts(struct sw_origins_seen *origins, const struct sw_fact *fact)
{
	const char *address = sw_fact_text(fact, "address"), *names = sw_fact_text(fact, "names");
	struct sw_ip ip;

	if (!address || !names || !sw_ip_parse(address, &ip))
		return;
	struct named *named = hosts_find(origins, &ip);

	if (!named && origins->hosts.count >= KEPT_MAX)
		return;
	if (!named) {
		named = SW_ARRAY_ADD(&origins->hosts);
		named->ip = ip;
	}
	free(named->names);
	named->names = sw_strdup(names);
}

static void take_proxy(struct sw_origins_seen *origins, const struct sw_fact *fact)
{
	const char *variable = sw_fact_text(fact, "variable"), *value = sw_fact_text(fact, "value");

	if (!variable || !value || origins->proxies.count >= KEPT_MAX)
		return;
	*SW_ARRAY_ADD(&origins->proxies) = (struct proxy){fact->pid, sw_strdup(variable), sw_strdup(value)};
}

bool sw_origins_seen_fact(struct sw_origins_seen *origins, const struct sw_fact *fact)
{
	if (strcmp(fact->kind, "hosts") == 0)
		take_hosts(origins, fact);
	else if (strcmp(fact->kind, "resolv-conf") == 0)
		take_resolver(origins, fact);
	else if (strcmp(fact->kind, "proxy") == 0)
		take_proxy(origins, fact);
	else
		return false;
	return true;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------- */

static bool goes_on(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* The name or address as a word of its own, in an URL too: not a part of a longer one. */
static bool has_host(const char *line, const char *host)
{
	size_t length = strlen(host);

	for (const char *at = line; length && at && (at = strcasestr(at, host)); at++) {
		bool before = at > line && (goes_on(at[-1]) || at[-1] == '.');
		bool after = goes_on(at[length]) || (at[length] == '.' && isalnum((unsigned char)at[length + 1]));

		if (!before && !after)
			return true;
	}
	return false;
}

/* In the arguments of the process, or of who started it. */
static bool is_argument(const struct sw_sources *sources, uint32_t pid, const char *host)
{
	const struct sw_process_seen *process = pid ? sw_processes_get(sources->processes, pid) :
						      sw_processes_command(sources->processes);

	for (int i = 0; host && process && i < ANCESTORS; i++) {
		if (process->command_line && has_host(process->command_line, host))
			return true;
		process = process->parent ? sw_processes_get(sources->processes, process->parent) : NULL;
	}
	return false;
}

/* ---- one source after the other -------------------------------------------------------------------------------------- */

struct telling {
	struct sw_flow_summary *flow;
	const struct sw_sources *sources;
	uint32_t pid;
	int64_t when_ns;
	struct sw_arena *arena;
};

static const struct sw_ip *remote_ip(const struct telling *telling)
{
	return &telling->flow->remote.endpoint.ip;
}

static void name_it(struct telling *telling, const char *name, enum sw_name_source source)
{
	if (!telling->flow->name && name)
		telling->flow->name = sw_arena_strdup(telling->arena, name);
	telling->flow->name_source = source;
}

static bool from_answer(struct telling *telling)
{
	struct sw_name_origin *origin = &telling->flow->origin;
	const struct sw_name_answer *answer =
		sw_names_answer(telling->sources->names, remote_ip(telling), telling->when_ns);
	char server[SW_ADDR_TEXT], age[32], ttl[32];

	if (!answer)
		return false;
	name_it(telling, answer->name, SW_NAME_DNS);
	origin->server = answer->server;
	origin->ttl_s = answer->ttl_s;
	origin->age_ns = telling->when_ns - answer->time_ns;
	sw_duration_text(origin->age_ns, age);
	sw_duration_text(origin->ttl_s * SW_NS_PER_S, ttl);
	origin->text = sw_arena_format(
		telling->arena, "from the answer of %s %s before, %s %s", sw_endpoint_text(&answer->server, server),
		age, origin->age_ns > origin->ttl_s * SW_NS_PER_S ? "older than its TTL of" : "TTL", ttl);
	return true;
}

/* An answer over AF_UNIX shows whom the program asked, and not whom that one asked. */
static bool from_service(struct telling *telling)
{
	const struct sw_service_question *answer =
		sw_name_services_answer(telling->sources->services, remote_ip(telling), telling->pid, telling->when_ns);
	char age[32];

	if (!answer)
		return false;
	name_it(telling, answer->name[0] ? answer->name : NULL, SW_NAME_SERVICE);
	telling->flow->origin.age_ns = telling->when_ns - answer->answered_ns;
	telling->flow->origin.text =
		sw_arena_format(telling->arena, "from %s (%s of this host) %s before; whom it asked was not watched",
				answer->service, answer->what, sw_duration_text(telling->flow->origin.age_ns, age));
	return true;
}

static bool has_address(const struct telling *telling)
{
	char address[SW_ADDR_TEXT];

	return is_argument(telling->sources, telling->pid, sw_ip_text(remote_ip(telling), address));
}

/* Of several names in a line the one that the command was given. */
static const char *choose(struct telling *telling, const char *names, char *room, size_t size, bool *argument)
{
	const char *first = names + strspn(names, " ");

	*argument = false;
	for (const char *at = first; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		snprintf(room, size, "%.*s", (int)length, at);
		if (is_argument(telling->sources, telling->pid, room)) {
			*argument = true;
			return room;
		}
		at += length;
	}
	snprintf(room, size, "%.*s", (int)strcspn(first, " "), first);
	return room;
}

static bool from_hosts(struct telling *telling)
{
	const struct named *named = hosts_find(telling->sources->origins, remote_ip(telling));
	char room[256];
	bool argument;

	if (!named)
		return false;
	const char *name = choose(telling, named->names, room, sizeof room, &argument);
	/* Every host has localhost in it: that says nothing where nobody asked for it. Nor does it where the address itself was given. */
	if (!argument && (sw_ip_is_loopback(remote_ip(telling)) || has_address(telling)))
		return false;
	name_it(telling, name, SW_NAME_HOSTS);
	telling->flow->origin.text = sw_arena_format(telling->arena, "%s in /etc/hosts", name);
	return true;
}

static bool from_argument(struct telling *telling)
{
	if (!has_address(telling))
		return false;
	if (!telling->flow->name)
		telling->flow->name_source = SW_NAME_ARGUMENT;
	telling->flow->origin.text = sw_arena_strdup(telling->arena, "an argument of the command");
	return true;
}

static bool from_resolv_conf(struct telling *telling)
{
	if (telling->flow->remote.endpoint.port != DNS_PORT ||
	    !is_resolver(telling->sources->origins, remote_ip(telling)))
		return false;
	telling->flow->origin.text = sw_arena_strdup(telling->arena, "a nameserver line of /etc/resolv.conf");
	return true;
}

/* Said only where all of it would have been seen. */
static void from_nowhere(struct telling *telling)
{
	const struct sw_sources *sources = telling->sources;

	if (sources->options->imported || sources->options->attached || telling->flow->name || !sources->status_count ||
	    !sources->statuses[0].available || !sources->statuses[0].live || sw_ip_is_loopback(remote_ip(telling)))
		return;
	const struct sw_service_question *mapped = sw_name_services_mapped(sources->services, telling->pid);

	telling->flow->origin.text =
		mapped ?
			sw_arena_format(telling->arena,
					"from the cache of %s, it seems: the process has it in its memory",
					mapped->service) :
			sw_arena_strdup(
				telling->arena,
				"its source was not seen: no DNS answer, /etc/hosts, argument or proxy variable has it");
}

/* "http://proxy.lab:3128", "10.0.0.9:3128", "[fd00::9]:3128", "proxy": host and port. */
static bool parse_proxy(const char *value, char *host, size_t size, uint16_t *port)
{
	const char *scheme = strstr(value, "://"), *at = scheme ? scheme + 3 : value;
	bool bracket = *at == '[';
	size_t length = bracket ? strcspn(at + 1, "]") : strcspn(at, ":/");
	const char *rest = at + length + (bracket ? 2 : 0);

	if (!length || length >= size || (bracket && at[length + 1] != ']'))
		return false;
	memcpy(host, at + bracket, length);
	host[length] = '\0';
	*port = *rest == ':' ? (uint16_t)strtoul(rest + 1, NULL, 10) : 0;
	return true;
}

static bool is_port(const struct telling *telling, uint16_t port, const char *value)
{
	uint16_t remote = telling->flow->remote.endpoint.port;

	if (port)
		return port == remote;
	return remote == PROXY_PORT || remote == (strncmp(value, "https:", 6) == 0 ? 443 : 80);
}

static bool is_proxy(struct telling *telling, const struct proxy *proxy)
{
	char host[256];
	uint16_t port;
	struct sw_ip ip;

	if (strcasecmp(proxy->variable, "no_proxy") == 0 || !parse_proxy(proxy->value, host, sizeof host, &port) ||
	    !is_port(telling, port, proxy->value))
		return false;
	if (sw_ip_parse(host, &ip))
		return sw_ip_equal(&ip, remote_ip(telling));
	if (telling->flow->name && strcasecmp(telling->flow->name, host) == 0)
		return true;
	const struct named *named = hosts_find(telling->sources->origins, remote_ip(telling));

	if (!named || !has_host(named->names, host))
		return sw_ip_is_loopback(remote_ip(telling)) && strcasecmp(host, "localhost") == 0;
	telling->flow->name = sw_arena_strdup(telling->arena, host); /* of its names the one that was looked up */
	telling->flow->origin.text = sw_arena_format(telling->arena, "%s in /etc/hosts", host);
	return true;
}

/* How the proxy's name was resolved stays told. */
static void from_proxy(struct telling *telling)
{
	struct sw_name_origin *origin = &telling->flow->origin;

	for (size_t i = 0; i < telling->sources->origins->proxies.count; i++) {
		const struct proxy *proxy = &telling->sources->origins->proxies.items[i];

		if ((telling->pid && proxy->pid != telling->pid) || !is_proxy(telling, proxy))
			continue;
		bool resolved = telling->flow->name_source == SW_NAME_DNS ||
				telling->flow->name_source == SW_NAME_HOSTS;

		origin->variable = sw_arena_strdup(telling->arena, proxy->variable);
		origin->text = sw_arena_format(telling->arena, "%s=%s in the environment%s%s", proxy->variable,
					       proxy->value, resolved ? "; " : "", resolved ? origin->text : "");
		telling->flow->name_source = SW_NAME_PROXY;
		return;
	}
}

void sw_origin_tell(struct sw_flow_summary *flow, const struct sw_sources *sources, uint32_t pid, int64_t when_ns,
		    struct sw_arena *arena)
{
	struct telling telling = {flow, sources, pid, when_ns, arena};
	flow->origin = (struct sw_name_origin){.ttl_s = -1, .age_ns = -1};
	if (!flow->initiator || !flow->remote.present || !flow->remote.endpoint.ip.family || !sources->origins)
		return;
	if (!from_answer(&telling) && !from_service(&telling) && !from_hosts(&telling) && !from_argument(&telling) &&
	    !from_resolv_conf(&telling))
		from_nowhere(&telling);
	from_proxy(&telling);
	flow->origin.argument = (flow->name && is_argument(sources, pid, flow->name)) || has_address(&telling);
}
