/* proc(5), read in one gulp: see proc.h. */
#include "tracer/kernel/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"

ssize_t sw_proc_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	size_t have = 0;
	ssize_t got = 0;
	while (have < size - 1 && (got = read(fd, buffer + have, size - 1 - have)) > 0)
		have += (size_t)got;
	int error = errno;
	close(fd);
	buffer[have] = '\0';
	return got < 0 && have == 0 ? -error : (ssize_t)have;
}

ssize_t sw_proc_read_task(pid_t pid, pid_t tid, const char *name, char *buffer, size_t size)
{
	char path[SW_PROC_PATH];
	snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	return sw_proc_read(path, buffer, size);
}

bool sw_proc_sched(pid_t pid, pid_t tid, struct sw_proc_sched *sched)
{
	char text[128];

	return sw_proc_read_task(pid, tid, "schedstat", text, sizeof text) > 0 &&
	       sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &sched->ran_ns, &sched->delayed_ns, &sched->slices) ==
		       3;
}

ssize_t sw_proc_link(const char *path, char *buffer, size_t size)
{
	ssize_t length = readlink(path, buffer, size - 1);
	if (length < 0)
		return -errno;
	buffer[length] = '\0';
	return length;
}

bool sw_proc_field(const char *text, const char *name, int base, uint64_t *value)
{
	size_t length = strlen(name);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) || line[length] != ':')
			continue;
		char *end;
		errno = 0;
		*value = strtoull(line + length + 1, &end, base);
		return end != line + length + 1 && errno == 0;
	}
	return false;
}

void sw_proc_comm(pid_t pid, char comm[16])
{
	char path[SW_PROC_PATH];
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	if (sw_proc_read(path, comm, 16) < 0)
		comm[0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

/* NSpid lists the numbers from the reader's namespace inwards: proc(5). */
uint32_t sw_proc_pid_inside(pid_t pid)
{
	char path[SW_PROC_PATH], status[4096];
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (sw_proc_read(path, status, sizeof status) < 0)
		return 0;
	const char *line = strstr(status, "\nNSpid:");
	unsigned long number = 0;
	char *at = line ? (char *)line + strlen("\nNSpid:") : NULL;
	for (char *end = at; at && *at && *at != '\n'; at = end) {
		at += strspn(at, " \t");
		unsigned long next = strtoul(at, &end, 10);
		if (end == at)
			break;
		number = next;
	}
	return number == (unsigned long)pid ? 0 : (uint32_t)number;
}

uint64_t sw_proc_inode_of_link(const char *link, const char *kind)
{
	size_t length = strlen(kind);
	if (strncmp(link, kind, length) || link[length] != ':' || link[length + 1] != '[')
		return 0;
	char *end;
	uint64_t inode = strtoull(link + length + 2, &end, 10);
	return *end == ']' ? inode : 0;
}

uint64_t sw_proc_netns(pid_t pid, pid_t tid)
{
	char path[SW_PROC_PATH], link[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/ns/net", (int)pid, (int)tid);
	return sw_proc_link(path, link, sizeof link) < 0 ? 0 : sw_proc_inode_of_link(link, "net");
}

static bool each_entry(DIR *folder, int64_t deadline_ns, bool (*each)(void *context, int fd, const char *link),
		       void *context)
{
	const struct dirent *entry;
	for (unsigned count = 1; (entry = readdir(folder)); count++) {
		char link[64];
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
		if (length < 0)
			continue;
		link[length] = '\0';
		if (!each(context, atoi(entry->d_name), link))
			return false;
		if (deadline_ns && count % 32 == 0 && sw_clock_monotonic() > deadline_ns)
			return false;
	}
	return true;
}

int sw_proc_each_fd(pid_t pid, pid_t tid, int64_t deadline_ns, bool (*each)(void *context, int fd, const char *link),
		    void *context)
{
	char path[SW_PROC_PATH];
	snprintf(path, sizeof path, "/proc/%d/task/%d/fd", (int)pid, (int)tid);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *folder = fdopendir(fd);
	if (!folder) {
		int error = errno;
		close(fd);
		return -error;
	}
	bool all = each_entry(folder, deadline_ns, each, context);
	closedir(folder);
	return all ? 0 : 1;
}
