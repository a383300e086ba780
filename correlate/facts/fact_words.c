/* See fact_words.h. To add a kind: a function, and its row at the end. */
#include "correlate/facts/fact_words.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/names.h"

static int64_t number(const struct sw_fact *fact, const char *name)
{
	return sw_fact_number(fact, name, 0);
}

static const char *text(const struct sw_fact *fact, const char *name)
{
	return sw_fact_text(fact, name) ?: "?";
}

/* " (EHOSTUNREACH)"; empty without an error. The caller frees. */
static char *error_of(const struct sw_fact *fact)
{
	int32_t error = (int32_t)number(fact, "error");

	return error ? sw_format(" (%s)", sw_errno_name(error)) : sw_strdup("");
}

/* "nginx[42]"; NULL where nobody is named. The caller frees. */
static char *process_of(const struct sw_fact *fact, const char *pid, const char *comm)
{
	return number(fact, pid) ? sw_format("%s[%" PRId64 "]", text(fact, comm), number(fact, pid)) : NULL;
}

static char *route(const struct sw_fact *fact)
{
	const char *to = text(fact, "destination"), *type = text(fact, "type");
	const char *gateway = sw_fact_text(fact, "gateway"), *device = sw_fact_text(fact, "device");
	sw_auto_free char *error = error_of(fact);

	if (!strcmp(type, "none"))
		return sw_format("no route to %s%s", to, error);
	if (strcmp(type, "unicast") != 0 || number(fact, "error"))
		return sw_format("the route to %s is of type %s%s", to, type, error);
	return sw_format("the route to %s: %s%s%s%s", to, gateway ? "via " : "on the link", gateway ? gateway : "",
			 device ? " at " : "", device ? device : "");
}

static char *fd_limit(const struct sw_fact *fact)
{
	return sw_format("%" PRId64 " of %" PRId64 " descriptors open, %" PRId64
			 " of them sockets; hard limit %" PRId64,
			 number(fact, "count"), number(fact, "limit"), number(fact, "sockets"), number(fact, "hard"));
}

static char *port_holder(const struct sw_fact *fact)
{
	sw_auto_free char *process = process_of(fact, "pid", "comm");
	const char *local = sw_fact_text(fact, "local") ?: text(fact, "address");

	return sw_format("%s has %s/%s (%s, uid %" PRId64 ")",
			 process               ? process :
			 number(fact, "inode") ? "a process that was not found" :
						 "a socket that no descriptor leads to",
			 text(fact, "protocol"), local, text(fact, "state"), number(fact, "uid"));
}

static char *port_range(const struct sw_fact *fact)
{
	return sw_format("%" PRId64 " of the %" PRId64 " ports %" PRId64 "-%" PRId64 " in use toward %s, %" PRId64
			 " of them in TIME_WAIT",
			 number(fact, "used"), number(fact, "total"), number(fact, "low"), number(fact, "high"),
			 text(fact, "destination"), number(fact, "time_wait"));
}

static char *address_local(const struct sw_fact *fact)
{
	return sw_format("%s is %s address of this host", text(fact, "address"), number(fact, "local") ? "an" : "no");
}

static char *receive_buffer(const struct sw_fact *fact)
{
	return sw_format("%" PRId64 " bytes unread in a receive buffer of %" PRId64 ", %" PRId64 " datagrams dropped",
			 number(fact, "used"), number(fact, "limit"), number(fact, "drops"));
}

static char *process(const struct sw_fact *fact)
{
	return sw_format("uid %" PRId64 "%s%s%s, capabilities %s, cgroup %s", number(fact, "uid"),
			 number(fact, "seccomp") ? ", under a seccomp filter" : "",
			 number(fact, "no_new_privs") ? ", no_new_privs" : "",
			 number(fact, "cap_net_bind_service") ? "" : ", without CAP_NET_BIND_SERVICE",
			 text(fact, "cap_effective"), text(fact, "cgroup"));
}

static char *unix_socket(const struct sw_fact *fact)
{
	sw_auto_free char *holder = process_of(fact, "holder_pid", "holder_comm");
	const char *path = text(fact, "path"), *denied = sw_fact_text(fact, "denied");

	if (denied)
		return sw_format("%s is mode %s, owner %s", denied, text(fact, "denied_mode"),
				 text(fact, "denied_owner"));
	if (!number(fact, "bound"))
		return sw_format("%s is a socket that nobody is bound to any more", path);
	if (!number(fact, "listeners"))
		return sw_format("%s is a %s socket; nobody listens", path, text(fact, "type"));
	return sw_format("%s: %s listens (%s), %" PRId64 " of at most %" PRId64 " connections wait", path,
			 holder ? holder : "somebody", text(fact, "type"), number(fact, "queue"),
			 number(fact, "backlog"));
}

static char *unix_path(const struct sw_fact *fact)
{
	const char *missing = sw_fact_text(fact, "missing");

	if (missing)
		return sw_format("%s is not there", missing);
	if (sw_fact_number(fact, "bound", -1) < 0 && !sw_fact_text(fact, "denied"))
		return sw_format("%s is a %s", text(fact, "path"), text(fact, "kind"));
	return unix_socket(fact);
}

/* Those that say that something was dropped; since the namespace was made. */
static char *counters(const struct sw_fact *fact)
{
	static const struct {
		const char *field, *words;
	} told[] = {
		{"listen_overflows", "connections dropped at full queues"},
		{"rp_filter", "packets dropped by the reverse path filter"},
		{"udp_rcvbuf_errors", "datagrams dropped at full buffers"},
		{"udp_csum_errors", "datagrams with a bad checksum"},
		{"tcp_csum_errors", "segments with a bad checksum"},
	};
	char *all = sw_strdup("counted");
	bool any = false;

	for (size_t i = 0; i < SW_COUNT(told); i++) {
		if (number(fact, told[i].field) <= 0)
			continue;
		char *more = sw_format("%s%s %" PRId64 " %s", all, any ? "," : "", number(fact, told[i].field),
				       told[i].words);

		free(all);
		all = more;
		any = true;
	}
	if (any)
		return all;
	free(all);
	return sw_strdup("counted nothing that was dropped");
}

/* Not the kernel's word: what --probe tried. */
static char *probe_path(const struct sw_fact *fact)
{
	int64_t hops = sw_fact_number(fact, "hops", -1);
	const char *hop = sw_fact_text(fact, "hop"), *by = sw_fact_text(fact, "answer_by");
	sw_auto_free char *last = hop ? sw_format(", the last of them %s", hop) : sw_strdup("");
	sw_auto_free char *way =
		hops < 0 ? sw_strdup("") :
			   sw_format(", %" PRId64 " router%s on the way answered%s", hops, hops == 1 ? "" : "s", last);

	return sw_format("a SYN to %s got %s%s%s%s%s", text(fact, "destination"), text(fact, "answer"),
			 by ? " from " : "", by ? by : "", way, number(fact, "ping") ? "; a ping came back" : "");
}

static char *neighbor(const struct sw_fact *fact)
{
	return sw_format("neighbour %s at %s is %s", text(fact, "address"), text(fact, "device"),
			 sw_fact_text(fact, "state") ?: "not in the table");
}

static char *listener(const struct sw_fact *fact)
{
	return sw_format("%" PRId64 " connections wait at %s for accept, at most %" PRId64 " may",
			 number(fact, "queue"), text(fact, "address"), number(fact, "backlog"));
}

static const struct {
	const char *kind, *who;
	char *(*words)(const struct sw_fact *fact);
} rows[] = {
	{"route", "kernel", route},
	{"fd-limit", "kernel", fd_limit},
	{"port-holder", "kernel", port_holder},
	{"port-range", "kernel", port_range},
	{"address-local", "kernel", address_local},
	{"receive-buffer", "kernel", receive_buffer},
	{"process", "kernel", process},
	{"unix-path", "kernel", unix_path},
	{"counters", "kernel", counters},
	{"neighbor", "kernel", neighbor},
	{"listener", "kernel", listener},
	{"probe-path", "sockwhy", probe_path},
};

char *sw_fact_told(const struct sw_fact *fact)
{
	char line[1024];

	for (size_t i = 0; i < SW_COUNT(rows); i++) {
		if (strcmp(fact->kind, rows[i].kind) != 0)
			continue;
		sw_auto_free char *words = rows[i].words(fact);

		return sw_format("%s: %s", rows[i].who, words);
	}
	return sw_strdup(sw_fact_line(fact, line, sizeof line));
}
