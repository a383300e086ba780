/* How far the log's clock is from the capture's: see the header.
 *
 * Every call and every packet that may be its own give an interval of offsets; the offset that the most calls agree on wins. */
#include "src/clock_align.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/mem.h"

#define CALLS_MAX 512 /* the first ones: what follows says the same */
#define PACKETS_MAX 4096
#define SOCKETS_MAX 4096 /* remembered at once: what a descriptor's object leads to */
#define QUARTER_NS (900 * SW_NS_PER_S) /* time zones differ by whole quarters of an hour */
#define LOOSE_NS (2 * SW_NS_PER_MS) /* stamps of one clock, taken at different places in the kernel */
#define DRIFT_STEP 5000 /* parts per 10^9 */
#define DRIFT_MAX 100000
#define NEAR_NS (5 * SW_NS_PER_S) /* where a drift is looked for */
#define WIDE_NS (60 * SW_NS_PER_S) /* a longer interval says nothing */

struct sent { /* a call that sends a packet */
	uint8_t protocol;
	bool data; /* payload, else a SYN */
	struct sw_endpoint local, remote; /* local port 0: unknown */
	int64_t from_ns, to_ns;
};

struct seen { /* a packet */
	uint8_t protocol;
	bool data;
	struct sw_endpoint src, dst;
	int64_t time_ns;
};

struct interval {
	int64_t from_ns, to_ns; /* offsets */
	uint32_t call;
};

struct sw_align {
	SW_ARRAY(struct sent) sents;
	SW_ARRAY(struct seen) seens;
	SW_ARRAY(struct interval) intervals;
	struct sw_socket *sockets; /* by id modulo SOCKETS_MAX */
	int64_t first_ns; /* the log's */
	int64_t capture_first_ns, capture_last_ns; /* SW_TIME_NONE: no packet */
};

struct sw_align *sw_align_new(void)
{
	struct sw_align *align = sw_alloc(sizeof *align);

	align->sockets = sw_alloc(SOCKETS_MAX * sizeof *align->sockets);
	align->first_ns = align->capture_first_ns = align->capture_last_ns = SW_TIME_NONE;
	return align;
}

void sw_align_free(struct sw_align *align)
{
	if (!align)
		return;
	SW_ARRAY_RELEASE(&align->sents);
	SW_ARRAY_RELEASE(&align->seens);
	SW_ARRAY_RELEASE(&align->intervals);
	free(align->sockets);
	free(align);
}

size_t sw_align_calls(const struct sw_align *align)
{
	return align->sents.count;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static void keep_sent(struct sw_align *align, const struct sent *sent)
{
	if (sent->to_ns - sent->from_ns > WIDE_NS || align->sents.count == CALLS_MAX)
		return;
	*SW_ARRAY_ADD(&align->sents) = *sent;
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct sw_align *align = context;

	align->sockets[socket->id % SOCKETS_MAX] = *socket;
}

static const struct sw_socket *socket_of(const struct sw_align *align, uint32_t id)
{
	const struct sw_socket *socket = &align->sockets[id % SOCKETS_MAX];

	return id && socket->id == id ? socket : NULL;
}

static bool sends(const struct sw_call *call)
{
	return call->sys == SW_SYS_SENDTO || call->sys == SW_SYS_SENDMSG || call->sys == SW_SYS_SENDMMSG || call->sys == SW_SYS_WRITE ||
	       call->sys == SW_SYS_WRITEV;
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct sw_align *align = context;
	const struct sw_socket *socket = socket_of(align, call->socket);
	struct sent sent = { .from_ns = call->enter_ns, .to_ns = call->exit_bound_ns };

	if (align->first_ns == SW_TIME_NONE)
		align->first_ns = call->enter_ns;
	if (!socket || (socket->protocol != IPPROTO_TCP && socket->protocol != IPPROTO_UDP))
		return;
	sent.protocol = (uint8_t)socket->protocol;
	sent.remote = call->addr.present ? call->addr.endpoint : socket->remote.endpoint;
	if (call->sys == SW_SYS_CONNECT && sent.protocol == IPPROTO_TCP) {
		/* Its local port is known only behind it, if at all. */
		if (call->error == EALREADY || call->error == EISCONN || call->flags & SW_CALL_RESTARTED)
			return;
	} else if (sends(call) && call->result > 0) {
		sent.data = true;
		sent.local = socket->local.endpoint;
		/* A stream's bytes may leave later; without its ports nothing is told apart. */
		if (sent.protocol == IPPROTO_TCP && (!sent.local.port || !sent.remote.port))
			return;
	} else {
		return;
	}
	if (sent.remote.ip.family && sent.remote.port)
		keep_sent(align, &sent);
}

struct sw_trace_sink sw_align_sink(struct sw_align *align)
{
	return (struct sw_trace_sink){ .context = align, .socket = on_socket, .leave = on_leave };
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static bool asked_for(const struct sw_align *align, const struct seen *seen)
{
	for (size_t i = 0; i < align->sents.count; i++) {
		const struct sent *sent = &align->sents.items[i];

		if (sent->protocol == seen->protocol && sent->data == seen->data && sw_endpoint_equal(&sent->remote, &seen->dst))
			return true;
	}
	return false;
}

/* A SYN that was sent again tells nothing. (Of the last few: a port comes back.) */
static bool is_again(const struct sw_align *align, const struct seen *seen)
{
	for (size_t i = align->seens.count; i-- > 0 && align->seens.count - i < 256;) {
		const struct seen *other = &align->seens.items[i];

		if (!other->data && sw_endpoint_equal(&other->src, &seen->src) && sw_endpoint_equal(&other->dst, &seen->dst))
			return true;
	}
	return false;
}

void sw_align_packet(struct sw_align *align, const struct sw_packet *packet)
{
	struct seen seen = { .protocol = packet->protocol, .src = packet->src, .dst = packet->dst, .time_ns = packet->time_ns };

	if (align->capture_first_ns == SW_TIME_NONE)
		align->capture_first_ns = packet->time_ns;
	align->capture_last_ns = packet->time_ns;
	if (packet->kind == SW_PACKET_TCP) {
		bool syn = (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;

		seen.data = packet->payload_length > 0 && !syn;
		if (!syn && !seen.data)
			return;
	} else if (packet->kind == SW_PACKET_UDP) {
		seen.data = true;
	} else {
		return;
	}
	if (!asked_for(align, &seen) || (!seen.data && is_again(align, &seen)) || align->seens.count == PACKETS_MAX)
		return;
	*SW_ARRAY_ADD(&align->seens) = seen;
}

/* ---- the offset that most agree on ---------------------------------------------------------------------------- */

static bool belong(const struct sent *sent, const struct seen *seen)
{
	return sent->protocol == seen->protocol && sent->data == seen->data && sw_endpoint_equal(&sent->remote, &seen->dst) &&
	       (!sent->local.port || sent->local.port == seen->src.port);
}

/* Returns how many calls have a packet at all. `near_ns`: only offsets around it, SW_TIME_NONE all. */
static uint32_t make_intervals(struct sw_align *align, int64_t drift, int64_t near_ns)
{
	uint32_t asked = 0;

	align->intervals.count = 0;
	for (uint32_t i = 0; i < align->sents.count; i++) {
		const struct sent *sent = &align->sents.items[i];
		int64_t shift = (sent->from_ns - align->first_ns) / SW_NS_PER_S * drift;
		size_t before = align->intervals.count;

		for (size_t j = 0; j < align->seens.count; j++) {
			int64_t time_ns = align->seens.items[j].time_ns - shift;

			if (belong(sent, &align->seens.items[j]) &&
			    (near_ns == SW_TIME_NONE || llabs(time_ns - sent->from_ns - near_ns) < NEAR_NS))
				*SW_ARRAY_ADD(&align->intervals) =
					(struct interval){ time_ns - sent->to_ns - LOOSE_NS, time_ns - sent->from_ns + LOOSE_NS, i };
		}
		asked += align->intervals.count > before;
	}
	return asked;
}

struct edge {
	int64_t offset_ns;
	uint32_t call;
	int8_t step;
};

static int edge_order(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->offset_ns != y->offset_ns)
		return x->offset_ns < y->offset_ns ? -1 : 1;
	return y->step - x->step; /* closed intervals: begin before end */
}

struct region {
	int64_t from_ns, to_ns;
	uint32_t votes;
	bool round; /* 0 or whole quarters of an hour lie inside */
	int64_t round_ns;
};

/* The multiple of `unit` inside, the one nearest to 0. */
static bool round_inside(int64_t from_ns, int64_t to_ns, int64_t unit_ns, int64_t *round_ns)
{
	int64_t multiple = from_ns <= 0 && to_ns >= 0 ? 0 : from_ns > 0 ? (from_ns + unit_ns - 1) / unit_ns : to_ns / unit_ns;

	*round_ns = multiple * unit_ns;
	return *round_ns >= from_ns && *round_ns <= to_ns;
}

static bool better(const struct region *a, const struct region *b)
{
	/* A few calls may have lost their packets: a round offset that nearly all agree on is more likely than chance. */
	if (a->round != b->round)
		return a->round ? a->votes * 5 >= b->votes * 4 : a->votes * 4 > b->votes * 5;
	return a->votes > b->votes;
}

static void sweep(const struct edge *edges, size_t count, uint32_t *counts, struct region *best)
{
	uint32_t votes = 0;

	*best = (struct region){ 0 };
	for (size_t i = 0; i < count; i++) {
		if (edges[i].step < 0) {
			votes -= --counts[edges[i].call] == 0;
			continue;
		}
		votes += counts[edges[i].call]++ == 0;
		if (i + 1 < count && edges[i + 1].step < 0) {
			struct region region = { edges[i].offset_ns, edges[i + 1].offset_ns, votes, false, 0 };

			region.round = round_inside(region.from_ns, region.to_ns, QUARTER_NS, &region.round_ns);
			if (better(&region, best))
				*best = region;
		}
	}
}

static struct region vote(struct sw_align *align)
{
	size_t count = align->intervals.count * 2;
	struct edge *edges = sw_alloc((count + 1) * sizeof *edges);
	uint32_t *counts = sw_alloc((align->sents.count + 1) * sizeof *counts);
	struct region best;

	for (size_t i = 0; i < align->intervals.count; i++) {
		const struct interval *interval = &align->intervals.items[i];

		edges[2 * i] = (struct edge){ interval->from_ns, interval->call, 1 };
		edges[2 * i + 1] = (struct edge){ interval->to_ns, interval->call, -1 };
	}
	qsort(edges, count, sizeof *edges, edge_order);
	sweep(edges, count, counts, &best);
	free(edges);
	free(counts);
	return best;
}

static struct region vote_with_drift(struct sw_align *align, uint32_t *asked, int64_t *drift)
{
	struct region best;
	int64_t near_ns;

	*drift = 0;
	*asked = make_intervals(align, 0, SW_TIME_NONE);
	best = vote(align);
	if (best.votes >= *asked || *asked < 4)
		return best;
	near_ns = best.from_ns;
	for (int64_t d = -DRIFT_MAX; d <= DRIFT_MAX; d += DRIFT_STEP) {
		struct region region;

		make_intervals(align, d, near_ns);
		region = vote(align);
		/* A drift explains only what is clearly better with it. */
		if (region.votes > best.votes + best.votes / 5) {
			best = region;
			*drift = d;
		}
	}
	return best;
}

#define APART_NS SW_NS_PER_S /* a capture may begin a little behind the log's first line, and end before its last */

/* No pair at all: is there one round offset by which both recordings are of the same time? */
static void by_range(const struct sw_align *align, const struct sw_strace_summary *log, struct sw_alignment *alignment)
{
	int64_t from_ns, to_ns;

	if (log->clock != SW_STRACE_CLOCK_EPOCH && log->clock != SW_STRACE_CLOCK_TIME_OF_DAY)
		return;
	if (align->capture_first_ns == SW_TIME_NONE) {
		/* An empty capture contradicts nothing; seconds since 1970 are taken at their word. */
		alignment->aligned = log->clock == SW_STRACE_CLOCK_EPOCH ? SW_ALIGNED_SAME : SW_ALIGNED_FAILED;
		return;
	}
	from_ns = align->capture_first_ns - log->last_ns - APART_NS;
	to_ns = align->capture_last_ns - log->first_ns + APART_NS;
	if (to_ns - from_ns >= QUARTER_NS && log->clock != SW_STRACE_CLOCK_EPOCH)
		return;
	if (log->clock == SW_STRACE_CLOCK_EPOCH && from_ns <= 0 && to_ns >= 0)
		alignment->aligned = SW_ALIGNED_SAME;
	else if (log->clock == SW_STRACE_CLOCK_TIME_OF_DAY && round_inside(from_ns, to_ns, QUARTER_NS, &alignment->offset_ns))
		alignment->aligned = SW_ALIGNED_ESTIMATED;
}

void sw_align_solve(struct sw_align *align, const struct sw_strace_summary *log, struct sw_alignment *alignment)
{
	bool coarse = log->resolution_ns >= SW_NS_PER_S;
	struct region best;
	uint32_t asked;

	*alignment = (struct sw_alignment){ .aligned = SW_ALIGNED_FAILED };
	best = vote_with_drift(align, &asked, &alignment->drift);
	alignment->pairs = best.votes;
	alignment->asked = asked;
	if (asked == 0) {
		by_range(align, log, alignment);
		return;
	}
	if (best.votes * 2 < asked || log->clock == SW_STRACE_CLOCK_NONE)
		return;
	/* What begins at the log's start is round by chance only. Whole seconds are cut off: the middle is nearer than the round. */
	if (best.round && log->clock != SW_STRACE_CLOCK_RELATIVE && alignment->drift == 0 && !coarse) {
		alignment->offset_ns = best.round_ns;
		alignment->aligned = best.round_ns == 0 ? SW_ALIGNED_SAME : SW_ALIGNED_ESTIMATED;
		return;
	}
	alignment->aligned = SW_ALIGNED_ESTIMATED;
	alignment->offset_ns = best.from_ns + (best.to_ns - best.from_ns) / 2;
	alignment->error_ns = (best.to_ns - best.from_ns) / 2;
	if (coarse && alignment->error_ns < log->resolution_ns / 2)
		alignment->error_ns = log->resolution_ns / 2;
}
