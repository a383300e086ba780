/* The table of processes: who they are, when they ended and how, and the last signal each thread got.
 *
 * Enters: process events. Leaves: struct sw_process_seen. Knows nothing of sockets. */
#ifndef SW_CORRELATE_PROCESSES_H
#define SW_CORRELATE_PROCESSES_H

#include "correlate/symptoms/symptoms.h"

struct sw_processes;

struct sw_processes *sw_processes_new(void);
void sw_processes_free(struct sw_processes *processes);
void sw_processes_event(struct sw_processes *processes, const struct sw_process *process);

/* Whether it failed right behind what lasted from `began_ns` to `ended_ns`, and went for no other end but name servers meanwhile. */
bool sw_process_failed_of(const struct sw_process_seen *process, int64_t began_ns, int64_t ended_ns);
/* It begins a connection, or sends a datagram, to another end than a name server. */
void sw_processes_reached(struct sw_processes *processes, uint32_t pid, int64_t time_ns);

const struct sw_process_seen *sw_processes_get(const struct sw_processes *processes, uint32_t pid); /* NULL unknown */
/* The process whose status became the command's: the one marked so, else the first that was seen (an imported log). NULL: none. */
const struct sw_process_seen *sw_processes_command(const struct sw_processes *processes);
void sw_processes_each(const struct sw_processes *processes,
		       void (*visit)(void *context, const struct sw_process_seen *process), void *context);
/* The last signal delivered to that thread or process, not before `since_ns`; 0 none. */
int32_t sw_processes_signal(const struct sw_processes *processes, uint32_t pid, uint32_t tid, int64_t since_ns);

/* Forgetting: first those that kept debts name are marked, then the oldest of the ended ones go until `most` are left. */
size_t sw_processes_count(const struct sw_processes *processes);
void sw_processes_need(struct sw_processes *processes, uint32_t pid);
void sw_processes_forget(struct sw_processes *processes, size_t most);

#endif
