/* How far the log's clock is from the capture's: see the header. Here: which calls and packets may belong together, and what the vote
 * of clock_vote.c means. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <uthash.h>

#include "src/base/search.h"
#include "src/clock_align_internal.h"

#define MOVES_MAX 1024 /* a sample of the whole log */
#define COARSE_MOVES_MAX 65536 /* of whole seconds all are wanted */
#define SEENS_MAX 16384
#define COARSE_SEENS_MAX 131072
#define SOCKETS_MAX 4096 /* remembered at once: what a descriptor's object leads to */
#define STREAMS_MAX 65536
#define PAIRS_MAX ((size_t)1 << 17)
#define WIDE_NS (60 * SW_NS_PER_S) /* a longer interval says nothing */
#define WAITED_NS (3 * SW_NS_PER_MS) /* a shorter one need not have waited */
#define LOOSE_NS (2 * SW_NS_PER_MS) /* stamps of one clock, taken at different places in the kernel */

struct known { /* a socket, and the last wait that said it can be read */
	struct sw_socket socket;
	uint32_t wait_tid;
	int64_t wait_ns, wait_exit_ns, wait_to_ns; /* SW_TIME_NONE: none since its last read */
	size_t connect; /* its connect among the moves, 1-based: the local port is known later */
};

struct sw_align_sockets {
	struct known all[SOCKETS_MAX]; /* by id modulo SOCKETS_MAX */
};

struct stream { /* one direction of a connection: to tell what was sent again */
	struct {
		struct sw_endpoint src, dst;
	} key;
	uint32_t next; /* sequence number behind what was seen */
	UT_hash_handle hh;
};

struct sw_align_streams {
	struct stream *all;
};

struct sw_align *sw_align_new(const struct sw_strace_summary *log)
{
	struct sw_align *align = sw_alloc(sizeof *align);

	align->sockets = sw_alloc(sizeof *align->sockets);
	align->streams = sw_alloc(sizeof *align->streams);
	align->ports = sw_alloc(UINT16_MAX + 1);
	align->stride = 1;
	align->log = *log;
	align->capture_first_ns = align->capture_last_ns = SW_TIME_NONE;
	return align;
}

void sw_align_free(struct sw_align *align)
{
	struct stream *stream, *next;

	if (!align)
		return;
	HASH_ITER (hh, align->streams->all, stream, next) {
		HASH_DEL(align->streams->all, stream);
		free(stream);
	}
	SW_ARRAY_RELEASE(&align->moves);
	SW_ARRAY_RELEASE(&align->seens);
	SW_ARRAY_RELEASE(&align->pairs);
	free(align->sockets);
	free(align->streams);
	free(align->ports);
	free(align);
}

size_t sw_align_calls(const struct sw_align *align)
{
	return align->moves.count;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* Every second one goes, so that what is left is spread over the whole log. */
static void thin_moves(struct sw_align *align)
{
	size_t left = 0;

	for (size_t i = 0; i < align->moves.count; i += 2)
		align->moves.items[left++] = align->moves.items[i];
	align->moves.count = left;
	align->stride *= 2;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		align->sockets->all[i].connect = 0;
}

static struct sw_align_move *keep_move(struct sw_align *align, const struct sw_align_move *move)
{
	struct sw_align_move *kept;

	if (move->to_ns - move->from_ns > WIDE_NS || ++align->skipped < align->stride)
		return NULL;
	align->skipped = 0;
	if (align->moves.count == (sw_align_coarse(align) ? COARSE_MOVES_MAX : MOVES_MAX))
		thin_moves(align);
	kept = SW_ARRAY_ADD(&align->moves);
	*kept = *move;
	return kept;
}

static struct known *known_of(const struct sw_align *align, uint32_t id)
{
	struct known *known = &align->sockets->all[id % SOCKETS_MAX];

	return id && known->socket.id == id ? known : NULL;
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct sw_align *align = context;
	struct known *known = &align->sockets->all[socket->id % SOCKETS_MAX];

	if (known->socket.id != socket->id)
		*known = (struct known){.wait_ns = SW_TIME_NONE};
	known->socket = *socket;
	if (known->connect && socket->local.endpoint.port)
		align->moves.items[known->connect - 1].local = socket->local.endpoint;
}

static int64_t duration_of(const struct sw_align *align, const struct sw_call *call)
{
	return align->log.durations && call->exit_ns != SW_TIME_NONE ? call->exit_ns - call->enter_ns : -1;
}

static void on_wait(struct sw_align *align, const struct sw_call *call)
{
	for (uint32_t i = 0; i < call->wait_count; i++) {
		struct known *known = known_of(align, call->waits[i].socket);

		if (!known || !(call->waits[i].got & EPOLLIN))
			continue;
		known->wait_ns = call->enter_ns;
		known->wait_exit_ns = call->exit_ns;
		known->wait_to_ns = call->exit_bound_ns;
		known->wait_tid = call->tid;
	}
}

static void take_data(struct sw_align_move *move, const struct sw_call *call)
{
	move->data_length = (uint8_t)(call->data_count < SW_ALIGN_DATA ? call->data_count : SW_ALIGN_DATA);
	if (move->data_length)
		memcpy(move->data, call->data, move->data_length);
}

/* The packet came while it, or the wait before it, was waiting: else it may have come long before. */
static void take_wait(const struct sw_align *align, struct sw_align_move *move, struct known *known,
		      const struct sw_call *call)
{
	move->wait_ns = known->wait_ns;
	if (known->wait_ns == SW_TIME_NONE) {
		move->waited = call->exit_ns - call->enter_ns > WAITED_NS;
		return;
	}
	move->wait_tid = known->wait_tid;
	move->wait_duration_ns = align->log.durations ? known->wait_exit_ns - known->wait_ns : -1;
	move->waited = known->wait_exit_ns - known->wait_ns > WAITED_NS;
	move->from_ns = known->wait_ns;
	move->to_ns = known->wait_to_ns;
	known->wait_ns = SW_TIME_NONE;
}

static bool is_receive(enum sw_sys sys)
{
	return sys == SW_SYS_RECVFROM || sys == SW_SYS_RECVMSG || sys == SW_SYS_READ || sys == SW_SYS_READV;
}

static bool is_send(enum sw_sys sys)
{
	return sys == SW_SYS_SENDTO || sys == SW_SYS_SENDMSG || sys == SW_SYS_SENDMMSG || sys == SW_SYS_WRITE ||
	       sys == SW_SYS_WRITEV;
}

static bool describe(const struct sw_align *align, struct sw_align_move *move, struct known *known,
		     const struct sw_call *call)
{
	if (call->sys == SW_SYS_CONNECT) {
		move->kind = SW_ALIGN_CONNECT;
		return move->protocol == IPPROTO_TCP && call->error != EALREADY && call->error != EISCONN &&
		       !(call->flags & SW_CALL_RESTARTED);
	}
	take_data(move, call);
	move->local = known->socket.local.endpoint;
	if (is_send(call->sys) && call->result > 0) {
		move->kind = SW_ALIGN_SEND;
		/* Without ports and data a stream's segments are not told apart. */
		return move->protocol == IPPROTO_UDP || move->local.port || move->data_length >= 4;
	}
	if (call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4)
		move->kind = SW_ALIGN_ACCEPT;
	else if (is_receive(call->sys) && call->result > 0 && move->data_length)
		move->kind = SW_ALIGN_RECEIVE;
	else
		return false;
	take_wait(align, move, known, call);
	return (move->waited || sw_align_coarse(align)) && (call->result > 0 || move->kind == SW_ALIGN_ACCEPT) &&
	       !call->error;
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct sw_align *align = context;
	struct sw_align_move move = {
		.tid = call->tid, .enter_ns = call->enter_ns, .from_ns = call->enter_ns, .to_ns = call->exit_bound_ns};
	struct known *known = known_of(align, call->socket);

	if (sw_sys_class(call->sys) == SW_SYS_CLASS_WAIT) {
		on_wait(align, call);
		return;
	}
	if (!known || (known->socket.protocol != IPPROTO_TCP && known->socket.protocol != IPPROTO_UDP))
		return;
	move.protocol = (uint8_t)known->socket.protocol;
	move.remote = call->addr.present ? call->addr.endpoint : known->socket.remote.endpoint;
	move.duration_ns = duration_of(align, call);
	move.wait_ns = SW_TIME_NONE;
	if (describe(align, &move, known, call) && move.remote.ip.family && move.remote.port &&
	    keep_move(align, &move) && move.kind == SW_ALIGN_CONNECT)
		known->connect = align->moves.count;
}

struct sw_trace_sink sw_align_sink(struct sw_align *align)
{
	return (struct sw_trace_sink){.context = align, .socket = on_socket, .leave = on_leave};
}

void sw_align_log(struct sw_align *align, const struct sw_strace_summary *log)
{
	align->log = *log;
	for (size_t i = 0; i < align->moves.count; i++) {
		align->ports[align->moves.items[i].remote.port] = 1;
		align->ports[align->moves.items[i].local.port] = 1;
	}
	align->ports[0] = 0;
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static bool same_data(const struct sw_align_move *move, const struct sw_align_seen *seen)
{
	size_t length = move->data_length < seen->data_length ? move->data_length : seen->data_length;

	return length ? memcmp(move->data, seen->data, length) == 0 : move->kind == SW_ALIGN_SEND;
}

bool sw_align_belong(const struct sw_align_move *move, const struct sw_align_seen *seen)
{
	bool out = move->kind == SW_ALIGN_CONNECT || move->kind == SW_ALIGN_SEND;
	bool syn = move->kind == SW_ALIGN_CONNECT || move->kind == SW_ALIGN_ACCEPT;
	const struct sw_endpoint *local = out ? &seen->src : &seen->dst, *remote = out ? &seen->dst : &seen->src;

	if (seen->protocol != move->protocol || seen->syn != syn)
		return false;
	if (move->local.port && move->local.port != local->port)
		return false;
	/* With the local port the remote end may be another: translated on this host. */
	if (!sw_endpoint_equal(&move->remote, remote) && !(out && move->local.port && move->protocol == IPPROTO_TCP))
		return false;
	return syn || same_data(move, seen);
}

/* What was sent again tells nothing. */
static bool is_again(struct sw_align *align, const struct sw_packet *packet)
{
	struct stream *stream, key;
	uint32_t next = packet->tcp.seq + packet->payload_length + ((packet->tcp.flags & SW_TCP_SYN) != 0);

	memset(&key.key, 0, sizeof key.key);
	key.key.src.ip = packet->src.ip;
	key.key.src.port = packet->src.port;
	key.key.dst.ip = packet->dst.ip;
	key.key.dst.port = packet->dst.port;
	HASH_FIND(hh, align->streams->all, &key.key, sizeof key.key, stream);
	if (!stream) {
		if (HASH_COUNT(align->streams->all) >= STREAMS_MAX)
			return false;
		stream = sw_alloc(sizeof *stream);
		stream->key = key.key;
		HASH_ADD(hh, align->streams->all, key, sizeof stream->key, stream);
	} else if (packet->tcp.flags & SW_TCP_SYN ? stream->next == next : (int32_t)(next - stream->next) <= 0) {
		return true;
	}
	stream->next = next;
	return false;
}

static bool describe_packet(struct sw_align *align, const struct sw_packet *packet, struct sw_align_seen *seen)
{
	if (!align->ports[packet->src.port] && !align->ports[packet->dst.port])
		return false;
	if (packet->kind == SW_PACKET_TCP) {
		seen->syn = (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;
		if ((!seen->syn && !packet->payload_length) || is_again(align, packet))
			return false;
	} else if (packet->kind != SW_PACKET_UDP) {
		return false;
	}
	seen->data_length =
		(uint8_t)(packet->payload_captured < SW_ALIGN_DATA ? packet->payload_captured : SW_ALIGN_DATA);
	if (seen->data_length)
		memcpy(seen->data, packet->payload, seen->data_length);
	return true;
}

/* Which of the moves it may belong to. Of all of them only a sample votes. */
static bool pair_up(struct sw_align *align, const struct sw_align_seen *seen)
{
	size_t step = align->moves.count / MOVES_MAX + 1;
	bool any = false;

	for (size_t i = 0; i < align->moves.count; i += step) {
		if (!sw_align_belong(&align->moves.items[i], seen))
			continue;
		any = true;
		if (align->pairs.count < PAIRS_MAX)
			*SW_ARRAY_ADD(&align->pairs) =
				(struct sw_align_pair){(uint32_t)i, (uint32_t)align->seens.count};
	}
	return any || step > 1;
}

void sw_align_packet(struct sw_align *align, const struct sw_packet *packet)
{
	struct sw_align_seen seen = {
		.protocol = packet->protocol, .src = packet->src, .dst = packet->dst, .time_ns = packet->time_ns};

	if (align->capture_first_ns == SW_TIME_NONE)
		align->capture_first_ns = packet->time_ns;
	align->capture_last_ns = packet->time_ns;
	if (align->full || !align->moves.count || !describe_packet(align, packet, &seen) || !pair_up(align, &seen))
		return;
	*SW_ARRAY_ADD(&align->seens) = seen;
	align->full = align->seens.count == (sw_align_coarse(align) ? COARSE_SEENS_MAX : SEENS_MAX);
}

/* ---- the answer ----------------------------------------------------------------------------------------------- */

#define APART_NS SW_NS_PER_S /* a capture may begin a little behind the log's first line, and end before its last */

/* No pair at all: is there one round offset by which both recordings are of the same time? */
static void by_range(const struct sw_align *align, struct sw_alignment *alignment)
{
	const struct sw_strace_summary *log = &align->log;
	int64_t from_ns, to_ns, round_ns;

	if (log->clock != SW_STRACE_CLOCK_EPOCH && log->clock != SW_STRACE_CLOCK_TIME_OF_DAY)
		return;
	if (align->capture_first_ns == SW_TIME_NONE) {
		/* An empty capture contradicts nothing; seconds since 1970 are taken at their word. */
		alignment->aligned = log->clock == SW_STRACE_CLOCK_EPOCH ? SW_ALIGNED_SAME : SW_ALIGNED_FAILED;
		return;
	}
	from_ns = align->capture_first_ns - log->last_ns - APART_NS;
	to_ns = align->capture_last_ns - log->first_ns + APART_NS;
	if (log->clock == SW_STRACE_CLOCK_EPOCH && from_ns <= 0 && to_ns >= 0) {
		alignment->aligned = SW_ALIGNED_SAME;
	} else if (to_ns - from_ns < 900 * SW_NS_PER_S && sw_align_round(from_ns, to_ns, &round_ns)) {
		alignment->aligned = SW_ALIGNED_ESTIMATED;
		alignment->offset_ns = round_ns;
	}
}

/* Half of the calls agree, or nowhere else nearly as many; where the clocks are one but for the time zone, nowhere else more. */
static bool agreed(const struct sw_align *align, const struct sw_align_region *best)
{
	bool at_word = best->round && best->round_ns == 0 && align->log.clock == SW_STRACE_CLOCK_EPOCH;
	bool zone = best->round && align->log.clock == SW_STRACE_CLOCK_TIME_OF_DAY;

	return best->votes * 2 >= best->asked || (best->votes >= 4 && best->votes >= best->second * 2) ||
	       (at_word && best->votes >= 2) || (zone && best->votes >= 4);
}

void sw_align_solve(struct sw_align *align, struct sw_alignment *alignment)
{
	enum sw_strace_clock clock = align->log.clock;
	struct sw_align_region best;

	*alignment = (struct sw_alignment){.aligned = SW_ALIGNED_FAILED};
	sw_align_vote(align, &best);
	alignment->pairs = best.votes;
	alignment->asked = best.asked;
	if (best.asked == 0) {
		by_range(align, alignment);
		return;
	}
	if (!agreed(align, &best) || clock == SW_STRACE_CLOCK_NONE)
		return;
	alignment->drift = best.drift;
	/* What begins at the log's start is round by chance only. */
	if (best.round && clock != SW_STRACE_CLOCK_RELATIVE && best.drift == 0) {
		alignment->offset_ns = best.round_ns;
		alignment->aligned = best.round_ns == 0 ? SW_ALIGNED_SAME : SW_ALIGNED_ESTIMATED;
		return;
	}
	alignment->aligned = SW_ALIGNED_ESTIMATED;
	alignment->offset_ns = best.from_ns + (best.to_ns - best.from_ns) / 2;
	alignment->error_ns = (best.to_ns - best.from_ns) / 2;
}

/* ---- whole seconds -------------------------------------------------------------------------------------------- */

#define SEND_NS (100 * SW_NS_PER_US) /* from a call's stamp to its packet, at the most where nothing holds it back */

static void pin(struct sw_strace_pin *pins, size_t *count, uint32_t tid, int64_t stamp_ns, int64_t least_ns)
{
	pins[(*count)++] = (struct sw_strace_pin){tid, stamp_ns, least_ns};
}

static int by_seen_time(const void *a, const void *b)
{
	const struct sw_align_seen *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

static int by_thread(const void *a, const void *b)
{
	const struct sw_strace_pin *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->stamp_ns < y->stamp_ns ? -1 : x->stamp_ns > y->stamp_ns;
}

/* What a packet at this time, on the log's clock, says of its call: it is not earlier than ... */
static void pin_move(const struct sw_align_move *move, int64_t time_ns, struct sw_strace_pin *pins, size_t *count)
{
	bool out = move->kind == SW_ALIGN_CONNECT || move->kind == SW_ALIGN_SEND;

	if (out)
		pin(pins, count, move->tid, move->enter_ns, time_ns - SEND_NS);
	else if (move->duration_ns >= 0)
		pin(pins, count, move->tid, move->enter_ns, time_ns - move->duration_ns);
	if (!out && move->wait_ns != SW_TIME_NONE && move->wait_duration_ns >= 0)
		pin(pins, count, move->wait_tid, move->wait_ns, time_ns - move->wait_duration_ns);
}

struct sw_strace_pin *sw_align_pins(struct sw_align *align, const struct sw_alignment *alignment, size_t *count)
{
	struct sw_strace_pin *pins;
	bool *used;

	*count = 0;
	if (!sw_align_coarse(align) || alignment->aligned == SW_ALIGNED_FAILED || align->stride > 1 || align->full ||
	    !align->seens.count)
		return NULL;
	/* Several captures were read one after the other. */
	qsort(align->seens.items, align->seens.count, sizeof *align->seens.items, by_seen_time);
	pins = sw_alloc((align->moves.count * 2 + 1) * sizeof *pins);
	used = sw_alloc(align->seens.count * sizeof *used);
	for (size_t i = 0; i < align->moves.count; i++) {
		const struct sw_align_move *move = &align->moves.items[i];
		int64_t slack_ns = alignment->error_ns + LOOSE_NS, offset_ns = alignment->offset_ns;

		for (size_t j = SW_ARRAY_FIRST(&align->seens, time_ns, move->from_ns + offset_ns - slack_ns);
		     j < align->seens.count && align->seens.items[j].time_ns <= move->to_ns + offset_ns + slack_ns;
		     j++) {
			if (used[j] || !sw_align_belong(move, &align->seens.items[j]))
				continue;
			used[j] = true;
			pin_move(move, align->seens.items[j].time_ns - offset_ns, pins, count);
			break;
		}
	}
	free(used);
	qsort(pins, *count, sizeof *pins, by_thread);
	return pins;
}
