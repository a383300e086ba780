/* What the process may do: facts "fd-limit", "process" and "sysctl".
 *
 * Enters: a thread. Leaves: its limits, its capabilities, the settings of its network namespace. Sources: proc(5),
 * prlimit(2), capabilities(7), seccomp(2), ip(7), tcp(7). */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_ask.h"
#include "tracer/kernel/proc.h"

/* ---- descriptors ---------------------------------------------------------------------------------------------- */

struct tally {
	int64_t count, sockets, highest;
};

static bool tally_one(void *context, int fd, const char *link)
{
	struct tally *tally = context;
	tally->count++;
	tally->sockets += sw_proc_inode_of_link(link, "socket") != 0;
	tally->highest = fd > tally->highest ? fd : tally->highest;
	return true;
}

static bool limits_of_file(pid_t pid, int64_t *soft, int64_t *hard)
{
	char text[4096], path[SW_PROC_PATH];
	snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
	if (sw_proc_read(path, text, sizeof text) <= 0)
		return false;
	const char *line = strstr(text, "Max open files");
	if (!line)
		return false;
	char *end;
	*soft = strtoll(line + strlen("Max open files"), &end, 10);
	*hard = strtoll(end, NULL, 10);
	return true;
}

static void add_limits(struct sw_fact_draft *draft, pid_t pid)
{
	struct rlimit limit;
	int64_t soft, hard;
	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0) {
		soft = (int64_t)limit.rlim_cur;
		hard = (int64_t)limit.rlim_max;
	} else if (!limits_of_file(pid, &soft, &hard)) {
		return;
	}
	sw_fact_add_number(draft, "limit", soft);
	sw_fact_add_number(draft, "hard", hard);
}

void sw_probe_fd_limit(struct sw_question *question)
{
	struct sw_fact_draft draft;
	struct tally tally = {.highest = -1};
	char text[128];
	long long used, unused, limit;
	if (!sw_probe_fresh(question, "fd-limit", &question->pid, sizeof question->pid))
		return;
	sw_fact_begin(&draft, "fd-limit");
	add_limits(&draft, question->pid);
	if (sw_proc_each_fd(question->pid, question->tid, sw_clock_monotonic() + SW_PROBE_SEARCH_NS, tally_one,
			    &tally) == 0) {
		sw_fact_add_number(&draft, "count", tally.count);
		sw_fact_add_number(&draft, "highest", tally.highest);
		sw_fact_add_number(&draft, "sockets", tally.sockets);
	}
	if (sw_proc_read("/proc/sys/fs/file-nr", text, sizeof text) > 0 &&
	    sscanf(text, "%lld %lld %lld", &used, &unused, &limit) == 3) {
		sw_fact_add_number(&draft, "system_used", used);
		sw_fact_add_number(&draft, "system_limit", limit);
	}
	sw_probe_say(question, &draft);
}

/* ---- privileges ----------------------------------------------------------------------------------------------- */

#define CAP_BIND 10 /* CAP_NET_BIND_SERVICE, of <linux/capability.h> */
#define CAP_ADMIN 12
#define CAP_RAW 13

static void add_capabilities(struct sw_fact_draft *draft, const char *status)
{
	char text[24];
	uint64_t effective;
	if (!sw_proc_field(status, "CapEff", 16, &effective))
		return;
	snprintf(text, sizeof text, "%016llx", (unsigned long long)effective);
	sw_fact_add_text(draft, "cap_effective", text);
	sw_fact_add_number(draft, "cap_net_bind_service", effective >> CAP_BIND & 1);
	sw_fact_add_number(draft, "cap_net_raw", effective >> CAP_RAW & 1);
	sw_fact_add_number(draft, "cap_net_admin", effective >> CAP_ADMIN & 1);
}

/* The unified hierarchy's line is "0::/path". */
static void add_cgroup(struct sw_fact_draft *draft, pid_t pid, pid_t tid)
{
	char text[1024];
	if (sw_proc_read_task(pid, tid, "cgroup", text, sizeof text) <= 0)
		return;
	char *line = !strncmp(text, "0::", 3) ? text : strstr(text, "\n0::");
	if (!line)
		return;
	line += strcspn(line, "0") + 3;
	line[strcspn(line, "\n")] = '\0';
	sw_fact_add_text(draft, "cgroup", line);
}

void sw_probe_process(struct sw_question *question)
{
	static const struct {
		const char *field, *name;
	} numbers[] = {{"seccomp", "Seccomp"}, {"seccomp_filters", "Seccomp_filters"}, {"no_new_privs", "NoNewPrivs"}};
	struct sw_fact_draft draft;
	char status[4096];
	uint64_t value;
	unsigned effective;
	if (!sw_probe_fresh(question, "process", &question->tid, sizeof question->tid) ||
	    sw_proc_read_task(question->pid, question->tid, "status", status, sizeof status) <= 0)
		return;
	sw_fact_begin(&draft, "process");
	const char *uids = strstr(status, "\nUid:");
	if (uids && sscanf(uids, "\nUid: %*u %u", &effective) == 1)
		sw_fact_add_number(&draft, "uid", effective);
	for (size_t i = 0; i < SW_COUNT(numbers); i++)
		if (sw_proc_field(status, numbers[i].name, 10, &value))
			sw_fact_add_number(&draft, numbers[i].field, (int64_t)value);
	add_capabilities(&draft, status);
	add_cgroup(&draft, question->pid, question->tid);
	sw_probe_say(question, &draft);
}

/* ---- settings of the namespace -------------------------------------------------------------------------------- */

#define SETTINGS_MAX 16

struct settings { /* what the errand reads: /proc/sys/net is that of the reader's namespace */
	size_t count;
	char paths[SETTINGS_MAX][96];
	char values[SETTINGS_MAX][40];
};

static int read_settings(void *context)
{
	struct settings *settings = context;
	for (size_t i = 0; i < settings->count; i++)
		if (sw_proc_read(settings->paths[i], settings->values[i], sizeof settings->values[i]) < 0)
			settings->values[i][0] = '\0';
	return 0;
}

static size_t want(struct settings *settings, const char *path, const char *device, const char *name)
{
	snprintf(settings->paths[settings->count], sizeof settings->paths[0], "/proc/sys/net/%s%s%s", path, device,
		 name);
	return settings->count++;
}

static int64_t number(const struct settings *settings, size_t at, int64_t absent)
{
	char *end;
	int64_t value = strtoll(settings->values[at], &end, 10);
	return end == settings->values[at] ? absent : value;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

bool sw_probe_ports(struct sw_question *question, int *low, int *high)
{
	struct settings settings = {0};
	want(&settings, "ipv4/", "", "ip_local_port_range");
	return sw_spaces_run(question->spaces, question->netns, read_settings, &settings) == 0 &&
	       sscanf(settings.values[0], "%d %d", low, high) == 2;
}

void sw_probe_sysctl(struct sw_question *question, const struct sw_device *device)
{
	static const char *const plain[] = {"ip_unprivileged_port_start",
					    "ip_nonlocal_bind",
					    "tcp_syn_retries",
					    "tcp_retries2",
					    "tcp_syn_linear_timeouts",
					    "tcp_keepalive_time",
					    "tcp_keepalive_intvl",
					    "tcp_keepalive_probes",
					    "tcp_syncookies",
					    "tcp_max_syn_backlog"};
	struct settings settings = {0};
	struct sw_fact_draft draft;
	int low, high;
	const char *name = device && device->name[0] && !strchr(device->name, '/') ? device->name : "default";
	if (!sw_probe_fresh(question, "sysctl", name, strlen(name)))
		return;
	for (size_t i = 0; i < SW_COUNT(plain); i++)
		want(&settings, "ipv4/", "", plain[i]);
	size_t all = want(&settings, "ipv6/conf/", "all", "/disable_ipv6"),
	       its = want(&settings, "ipv6/conf/", name, "/disable_ipv6");
	size_t filter_all = want(&settings, "ipv4/conf/", "all", "/rp_filter"),
	       filter = want(&settings, "ipv4/conf/", name, "/rp_filter");
	size_t backlog = want(&settings, "core/", "", "somaxconn"),
	       ports = want(&settings, "ipv4/", "", "ip_local_port_range");
	if (sw_spaces_run(question->spaces, question->netns, read_settings, &settings) != 0)
		return;
	sw_fact_begin(&draft, "sysctl");
	for (size_t i = 0; i < SW_COUNT(plain); i++)
		if (number(&settings, i, -1) >= 0)
			sw_fact_add_number(&draft, plain[i], number(&settings, i, -1));
	/* No such file: the kernel has no IPv6 at all (ipv6.disable=1). */
	sw_fact_add_number(&draft, "ipv6_disabled", larger(number(&settings, all, 1), number(&settings, its, 0)));
	sw_fact_add_number(&draft, "rp_filter", larger(number(&settings, filter_all, 0), number(&settings, filter, 0)));
	if (number(&settings, backlog, -1) >= 0)
		sw_fact_add_number(&draft, "somaxconn", number(&settings, backlog, -1));
	if (sscanf(settings.values[ports], "%d %d", &low, &high) == 2) {
		sw_fact_add_number(&draft, "port_low", low);
		sw_fact_add_number(&draft, "port_high", high);
	}
	sw_probe_say(question, &draft);
}
