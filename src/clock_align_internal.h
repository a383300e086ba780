/* What the parts of the alignment share: the calls and packets that may belong together. */
#ifndef SW_CLOCK_ALIGN_INTERNAL_H
#define SW_CLOCK_ALIGN_INTERNAL_H

#include "src/base/mem.h"
#include "src/clock_align.h"

#define SW_ALIGN_DATA 16 /* first bytes by which a message is told from others */

enum sw_align_kind { SW_ALIGN_CONNECT, SW_ALIGN_SEND, SW_ALIGN_RECEIVE, SW_ALIGN_ACCEPT };

struct sw_align_move { /* a call that a packet belongs to */
	enum sw_align_kind kind;
	uint8_t protocol, data_length;
	uint8_t data[SW_ALIGN_DATA];
	bool waited; /* receive, accept: it, or the wait before it, lasted until the packet came */
	uint32_t tid, wait_tid;
	struct sw_endpoint local, remote; /* local port 0: unknown */
	int64_t enter_ns, duration_ns; /* duration: -1 unknown */
	int64_t from_ns, to_ns; /* between these the packet crossed */
	int64_t wait_ns, wait_duration_ns; /* enter of the wait that said so; SW_TIME_NONE: there was none */
};

struct sw_align_seen { /* a packet: a SYN, or the first transmission of data */
	uint8_t protocol, data_length;
	bool syn;
	uint8_t data[SW_ALIGN_DATA];
	struct sw_endpoint src, dst;
	int64_t time_ns;
};

struct sw_align_pair {
	uint32_t move, seen;
};

struct sw_align {
	SW_ARRAY(struct sw_align_move) moves;
	SW_ARRAY(struct sw_align_seen) seens;
	SW_ARRAY(struct sw_align_pair) pairs; /* that may be; of a sample of the moves */
	struct sw_strace_summary log;
	struct sw_align_sockets *sockets;
	struct sw_align_streams *streams;
	uint32_t stride, skipped; /* of the moves every so many one is kept */
	bool full; /* not all packets could be kept */
	uint8_t *ports; /* 1 for each that a move names */
	int64_t capture_first_ns, capture_last_ns; /* SW_TIME_NONE: no packet */
};

/* Whether the log's stamps are whole seconds: then every line has a stamp of its own all the same (tracer/strace/strace.h). */
static inline bool sw_align_coarse(const struct sw_align *align)
{
	return align->log.resolution_ns >= SW_NS_PER_S;
}

bool sw_align_belong(const struct sw_align_move *move, const struct sw_align_seen *seen);

/* clock_vote.c */
struct sw_align_region { /* of offsets */
	int64_t from_ns, to_ns, drift;
	uint32_t votes, asked;
	uint32_t second; /* votes of the best region elsewhere */
	bool round; /* 0 or whole quarters of an hour lie inside */
	int64_t round_ns;
};
void sw_align_vote(const struct sw_align *align, struct sw_align_region *best);
/* The multiple of a quarter of an hour between both that is nearest to 0; false: there is none. */
bool sw_align_round(int64_t from_ns, int64_t to_ns, int64_t *round_ns);

#endif
