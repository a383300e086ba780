/* The prober: a process that tries on the network what a person would try next, after a failure and only with --probe.
 *
 * Enters: questions of the recorder (who failed to reach whom). Leaves: answers, as facts of the kinds probe-path,
 * probe-size, probe-resolver and probe-address (tracer/facts.md). It works in the network namespace and from the source
 * address of the connection that failed, one question after the other: each takes at most SW_PROBER_PATIENCE_NS, a
 * session has at most SW_PROBER_QUESTIONS_MAX, the same is asked once. It sends SYNs, pings and DNS questions, never
 * data. The recorder, which reads hostile packets, may not open such sockets itself (src/confine.h). */
#ifndef SW_PROBE_PROBER_H
#define SW_PROBE_PROBER_H

#include "src/base/addr.h"
#include "src/base/err.h"
#include "tracer/call.h"

#define SW_PROBER_PATIENCE_NS (INT64_C(3) * 1000000000)
#define SW_PROBER_QUESTIONS_MAX 16

struct sw_prober;

/* Forks it; the caller stays who may be confined. */
struct sw_prober *sw_prober_new(struct sw_err *err);
/* Closes the channel: the process ends with it. NULL does nothing. */
void sw_prober_free(struct sw_prober *prober);

/* `fd` is the network namespace with the session's number `netns`; it stays the caller's. */
void sw_prober_space(struct sw_prober *prober, uint32_t netns, int fd);

enum sw_prober_kind {
	SW_PROBER_SPACE, /* not a question: a namespace, its descriptor comes along */
	SW_PROBER_PATH, /* how far SYNs to `remote` come, and whether the host answers a ping */
	SW_PROBER_SIZE, /* which sizes come back from `remote` with DF set */
	SW_PROBER_RESOLVER, /* what each name server of process `pid` says of `name` now */
	SW_PROBER_ADDRESSES, /* whether the other addresses of `name` answer at the port of `remote` */
};

struct sw_prober_question {
	enum sw_prober_kind kind;
	uint32_t netns, pid;
	struct sw_endpoint remote;
	struct sw_ip source; /* family 0: the kernel chooses */
	char name[256];
};

/* What was asked already, and more than may be asked, is left out in silence. */
void sw_prober_ask(struct sw_prober *prober, const struct sw_prober_question *question);
bool sw_prober_busy(const struct sw_prober *prober); /* an answer is still to come */
int sw_prober_fd(const struct sw_prober *prober); /* readable when an answer is there; -1 the prober is gone */
/* Hands each answer that is there to `sink->fact`. */
void sw_prober_read(struct sw_prober *prober, const struct sw_trace_sink *sink);

#endif
