/* proc(5), read in one gulp into the caller's buffer, without allocation.
 *
 * Enters: paths and threads. Leaves: NUL-terminated text and numbers out of it. Text of /proc is the kernel's, but
 * names in it (comm, paths) are the program's: lengths are bounded and nothing is trusted to be UTF-8. Knows nothing
 * of sockets. */
#ifndef SW_TRACER_PROC_H
#define SW_TRACER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SW_PROC_PATH 64 /* room for every path below, without the files of a root */

/* Bytes read (at most size - 1, NUL added), or a negative errno. */
ssize_t sw_proc_read(const char *path, char *buffer, size_t size);
/* As sw_proc_read, of /proc/PID/task/TID/NAME. */
ssize_t sw_proc_read_task(pid_t pid, pid_t tid, const char *name, char *buffer, size_t size);
/* /proc/PID/task/TID/schedstat: time on a processor, time that it waited for one, how often it was given one. False when it cannot be read. */
struct sw_proc_sched {
	uint64_t ran_ns, delayed_ns, slices;
};
bool sw_proc_sched(pid_t pid, pid_t tid, struct sw_proc_sched *sched);
/* Target of a link, NUL-terminated; negative errno. */
ssize_t sw_proc_link(const char *path, char *buffer, size_t size);
/* The value behind "NAME:" at the start of a line, as /proc/PID/status has it; false when absent. */
bool sw_proc_field(const char *text, const char *name, int base, uint64_t *value);
/* comm without its newline; "" when the process is gone. */
void sw_proc_comm(pid_t pid, char comm[16]);
/* Its number in the PID namespace that it lives in; 0: the same as ours, or unknown. */
uint32_t sw_proc_pid_inside(pid_t pid);
/* "socket:[4026]" gives 4026; 0: no such link. */
uint64_t sw_proc_inode_of_link(const char *link, const char *kind);
/* nsfs inode of the thread's network namespace, 0 unknown. */
uint64_t sw_proc_netns(pid_t pid, pid_t tid);
/* Calls `each` for every open descriptor until it returns false or `deadline_ns` (monotonic; 0 none) has passed.
 * Negative errno when the folder cannot be read; 1: stopped early. */
int sw_proc_each_fd(pid_t pid, pid_t tid, int64_t deadline_ns, bool (*each)(void *context, int fd, const char *link),
		    void *context);

#endif
