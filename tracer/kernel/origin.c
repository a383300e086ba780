/* See origin.h: what is asked when, and how often. Texts are taken apart in origin_text.c. */
#include "tracer/kernel/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_fact.h"

#define TOLD 512u /* addresses and programs that were told of */
#define AGAIN_NS (2 * SW_NS_PER_S)
#define FILE_READ_MAX ((size_t)1 << 20) /* a longer file is read to here */
#define DNS_PORT 53
#define ENVIRON_MAX ((size_t)1 << 20)
#define ENTRY_MAX 4096u /* of one variable */

struct sw_origins {
	const struct sw_trace_sink *sink;
	struct sw_identity *identity;
	struct told {
		pid_t pid;
		struct sw_ip ip;
		int64_t time_ns;
	} told[TOLD];
	pid_t programs[TOLD]; /* whose environment was looked at */
	struct known_file { /* as it was read last */
		char *text; /* NULL none */
		struct stat status;
	} hosts, resolvers;
	struct sw_fact_draft draft;
};

struct sw_origins *sw_origins_new(const struct sw_trace_sink *sink, struct sw_identity *identity)
{
	struct sw_origins *origins = sw_alloc(sizeof *origins);

	origins->sink = sink;
	origins->identity = identity;
	return origins;
}

void sw_origins_free(struct sw_origins *origins)
{
	if (!origins)
		return;
	free(origins->hosts.text);
	free(origins->resolvers.text);
	free(origins);
}

void sw_origins_forget(struct sw_origins *origins, pid_t pid)
{
	if (origins->programs[(unsigned)pid % TOLD] == pid)
		origins->programs[(unsigned)pid % TOLD] = 0;
}

static void say(struct sw_origins *origins, const struct sw_call *call)
{
	struct sw_fact *fact = &origins->draft.fact;

	fact->id = sw_identity_fact_id(origins->identity);
	fact->pid = call->pid;
	fact->tid = call->tid;
	if (origins->sink->fact)
		origins->sink->fact(origins->sink->context, sw_fact_of(&origins->draft));
}

/* ---- files of /etc ---------------------------------------------------------------------------------------------------- */

/* Links in it mean what they mean to the process; a pipe in its place must not make us wait. */
static int open_in(pid_t pid, const char *name)
{
	const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	sw_auto_close int root = open(path, O_PATH | O_CLOEXEC);
	return root < 0 ? -1 : (int)syscall(SYS_openat2, root, name, &how, sizeof how);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void read_file(struct known_file *file, pid_t pid, const char *name)
{
	sw_auto_close int fd = open_in(pid, name);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && file->text && same_file(&status, &file->status))
		return;
	free(file->text);
	file->text = NULL;
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
		return;
	size_t room = (size_t)status.st_size < FILE_READ_MAX ? (size_t)status.st_size : FILE_READ_MAX;
	file->text = sw_alloc(room + 1);
	ssize_t got = pread(fd, file->text, room, 0);
	file->text[got > 0 ? got : 0] = '\0';
	file->status = status;
}

static void ask_hosts(struct sw_origins *origins, const struct sw_call *call)
{
	const struct sw_ip *ip = &call->addr.endpoint.ip;
	char names[512];

	read_file(&origins->hosts, (pid_t)call->pid, "etc/hosts");
	if (!origins->hosts.text || !sw_hosts_names(origins->hosts.text, ip, names, sizeof names))
		return;
	sw_fact_begin(&origins->draft, "hosts");
	sw_fact_add_ip(&origins->draft, "address", ip);
	sw_fact_add_text(&origins->draft, "names", names);
	say(origins, call);
}

static void ask_resolvers(struct sw_origins *origins, const struct sw_call *call)
{
	const struct sw_ip *ip = &call->addr.endpoint.ip;

	read_file(&origins->resolvers, (pid_t)call->pid, "etc/resolv.conf");
	if (!origins->resolvers.text || !sw_resolv_has(origins->resolvers.text, ip))
		return;
	sw_fact_begin(&origins->draft, "resolv-conf");
	sw_fact_add_ip(&origins->draft, "nameserver", ip);
	say(origins, call);
}

/* ---- the environment ------------------------------------------------------------------------------------------------- */

static void take_variable(struct sw_origins *origins, const struct sw_call *call, const char *entry)
{
	const char *variable = sw_proxy_variable(entry);
	char value[512];

	if (!variable || !entry[strlen(variable) + 1])
		return;
	snprintf(value, sizeof value, "%s", entry + strlen(variable) + 1);
	if (strcasecmp(variable, "no_proxy") != 0)
		sw_proxy_without_secret(value);
	sw_fact_begin(&origins->draft, "proxy");
	sw_fact_add_text(&origins->draft, "variable", variable);
	sw_fact_add_text(&origins->draft, "value", value);
	say(origins, call);
	explicit_bzero(value, sizeof value);
}

/* One variable after the other; of those that are longer than the room only the beginning is looked at. */
static void ask_environment(struct sw_origins *origins, const struct sw_call *call)
{
	char path[64], block[8192], entry[ENTRY_MAX];
	size_t length = 0, all = 0;
	ssize_t got;

	snprintf(path, sizeof path, "/proc/%u/environ", call->pid);
	sw_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (all < ENVIRON_MAX && (got = read(fd, block, sizeof block)) > 0) {
		all += (size_t)got;
		for (ssize_t i = 0; i < got; i++) {
			if (block[i] && length < sizeof entry - 1)
				entry[length++] = block[i];
			if (block[i])
				continue;
			entry[length] = '\0';
			length = 0;
			take_variable(origins, call, entry);
		}
	}
	explicit_bzero(block, sizeof block);
	explicit_bzero(entry, sizeof entry);
}

/* ---- calls ----------------------------------------------------------------------------------------------------------- */

static bool names_address(const struct sw_call *call)
{
	return (call->sys == SW_SYS_CONNECT || call->sys == SW_SYS_SENDTO || call->sys == SW_SYS_SENDMSG) &&
	       (call->addr.family == AF_INET || call->addr.family == AF_INET6);
}

/* Once an address and process in two seconds; a table that forgets. */
static bool was_told(struct sw_origins *origins, const struct sw_call *call)
{
	struct sw_endpoint end = {.ip = call->addr.endpoint.ip};
	struct told *told = &origins->told[(sw_endpoint_hash(&end) ^ call->pid) % TOLD];
	int64_t now = sw_clock_monotonic();

	if (told->pid == (pid_t)call->pid && sw_ip_equal(&told->ip, &end.ip) && now - told->time_ns < AGAIN_NS)
		return true;
	*told = (struct told){(pid_t)call->pid, end.ip, now};
	return false;
}

void sw_origins_call(struct sw_origins *origins, const struct sw_call *call)
{
	if (!names_address(call) || was_told(origins, call))
		return;
	if (origins->programs[call->pid % TOLD] != (pid_t)call->pid) {
		origins->programs[call->pid % TOLD] = (pid_t)call->pid;
		ask_environment(origins, call);
	}
	ask_hosts(origins, call);
	if (call->addr.endpoint.port == DNS_PORT)
		ask_resolvers(origins, call);
}
