/* What the prober tries, and what it learnt, as plain data: for src/probe/ alone. */
#ifndef SW_PROBE_TRIES_H
#define SW_PROBE_TRIES_H

#include "src/probe/dial.h"
#include "src/probe/prober.h"

#define SW_TRIES_SERVERS_MAX 3 /* MAXNS of resolv.conf(5) */
#define SW_TRIES_ADDRESSES_MAX 8

struct sw_path_tried {
	struct sw_reach now; /* a SYN with the usual TTL */
	unsigned hops; /* routers that said that a TTL had ended */
	unsigned hop_ttl; /* of the farthest, 0 none */
	struct sw_ip hop;
	struct sw_reach ping;
};

struct sw_size_tried { /* bytes of the IP packet, 0 none */
	uint32_t came_back, silent;
	struct sw_ip too_big_by; /* who said so; family 0 nobody */
	uint32_t too_big_mtu;
};

struct sw_resolver_tried {
	unsigned count;
	struct {
		struct sw_ip server;
		int code; /* RCODE, -1 silence */
		unsigned addresses;
	} items[SW_TRIES_SERVERS_MAX];
};

struct sw_addresses_tried {
	unsigned count;
	struct {
		struct sw_ip ip;
		struct sw_reach reach;
	} items[SW_TRIES_ADDRESSES_MAX];
};

struct sw_prober_answer {
	struct sw_prober_question question;
	union {
		struct sw_path_tried path;
		struct sw_size_tried size;
		struct sw_resolver_tried resolver;
		struct sw_addresses_tried addresses;
	};
};

void sw_try_path(const struct sw_prober_question *question, struct sw_path_tried *tried);
void sw_try_sizes(const struct sw_prober_question *question, struct sw_size_tried *tried);
void sw_try_resolvers(const struct sw_prober_question *question, struct sw_resolver_tried *tried);
void sw_try_addresses(const struct sw_prober_question *question, struct sw_addresses_tried *tried);

/* The answer as facts (tracer/facts.md, probe-*). */
void sw_tried_facts(const struct sw_prober_answer *answer, const struct sw_trace_sink *sink);

#endif
