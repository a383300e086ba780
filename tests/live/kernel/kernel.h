/* A target of our own in a network namespace of its own, and what the probes said of its failure. For
 * tests/live/kernel. */
#ifndef SW_TESTS_KERNEL_H
#define SW_TESTS_KERNEL_H

#include <sys/types.h>

#include "tracer/kernel/identity.h"
#include "tracer/kernel/probe.h"

struct outcome { /* what the target did, told through a pipe */
	int fd, error;
	struct sw_addr addr;
	enum sw_sys sys;
};

struct target {
	pid_t pid;
	int from, to; /* pipes */
	struct outcome outcome;
};

#define FACTS_MAX 128

struct kernel {
	struct sw_trace_sink sink;
	struct sw_identity *identity;
	struct sw_probe *probe;
	struct sw_fact *facts[FACTS_MAX];
	size_t fact_count;
	uint32_t object;
};

/* Runs `act` in a child with a fresh network namespace (prepared by the shell script `setup`, NULL none), which then
 * waits. */
void target_start(struct target *target, const char *setup, void (*act)(struct outcome *outcome));
void target_end(struct target *target);

void kernel_open(struct kernel *kernel, unsigned switches);
void kernel_close(struct kernel *kernel);
/* Identity and probes, as the engine would ask them for the target's failed (or hanging) call. */
void kernel_ask(struct kernel *kernel, const struct target *target, bool hanging);
/* All of it: a target is started and its call asked about; ends what was begun, be it nothing. */
void kernel_run(struct kernel *kernel, struct target *target, const char *setup, void (*act)(struct outcome *outcome),
		bool hanging);
void kernel_done(struct kernel *kernel, struct target *target);
const struct sw_fact *kernel_fact(const struct kernel *kernel, const char *kind); /* the latest, NULL none */
const char *kernel_text(const struct kernel *kernel, const char *kind, const char *field); /* "" when absent */
int64_t kernel_number(const struct kernel *kernel, const char *kind, const char *field); /* -1 when absent */
void kernel_print(const struct kernel *kernel);

/* For `act`: socket calls that fill the outcome. */
struct sockaddr;
void act_connect(struct outcome *outcome, int type, const char *address, int flags);
void act_bind(struct outcome *outcome, int type, const char *address);
void act_unix(struct outcome *outcome, int type, const char *path);

#endif
