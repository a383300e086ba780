/* Debts and the byte accounting of their sockets: calls told to the account, and the parts of each debt's time taken from it.
 *
 * Enters: calls at their enter and leave, debts as they open and end. Leaves: struct sw_debt.time_ns. Local sockets and pairs have no
 * packets, so no account. */
#include "correlate/debts/debts_state.h"
#include "correlate/thresholds.h"

#include <poll.h>
#include <string.h>

/* The time since the last read of an answer, measured on its own: a pause that was loss is told, the peer's own rhythm is not. */
#define PAUSE 0x40000000u

/* poll(2) and the like round a time-out up by a thousandth of it, by a two-hundredth for a nice process, so that timers fall together. */
#define TIMER_SLACK 200

/* An answer has two ends: its first byte, and its last. Both are measured; this marks the second in the account. */
#define WHOLE 0x80000000u

static bool has_account(const struct sw_socket_state *socket)
{
	return sw_socket_is_ip(socket) && !(socket->seen.socket.flags & (SW_SOCKET_PAIR | SW_SOCKET_LISTENING));
}

static void wait_began(struct sw_pending *pending, struct sw_socket_state *socket, enum sw_account_wait wait,
		       int64_t time_ns)
{
	sw_debts_serve_waits(socket, time_ns);
	if (!socket->account)
		return;
	sw_account_wait_begin(socket->account, wait, time_ns);
	*SW_ARRAY_ADD(&pending->waiting) = (struct sw_waiting){socket->seen.socket.id, wait};
}

struct begin {
	struct sw_pending *pending;
	int64_t time_ns;
};

static void begin_member(void *context, struct sw_socket_state *socket, uint32_t asked, uint32_t got)
{
	struct begin *begin = context;

	(void)got;
	wait_began(begin->pending, socket, asked & POLLIN ? SW_ACCOUNT_WAIT_BYTES : SW_ACCOUNT_WAIT_OTHER,
		   begin->time_ns);
}

static enum sw_account_wait wait_of(const struct sw_call *call)
{
	if (!sw_call_reads(call))
		return SW_ACCOUNT_WAIT_OTHER;
	return call->flags & SW_CALL_WAITALL ? SW_ACCOUNT_WAIT_ALL : SW_ACCOUNT_WAIT_BYTES;
}

void sw_debts_account_enter(struct sw_debts *debts, struct sw_pending *pending, struct sw_socket_state *socket,
			    const struct sw_call *call)
{
	struct begin begin = {.pending = pending, .time_ns = call->enter_ns};

	pending->waiting.count = 0;
	if (sw_waits_is_wait(call) && call->timeout_ns != 0) {
		sw_waits_each(debts->sockets, call, begin_member, &begin);
		return;
	}
	if (socket && (call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4) && sw_call_blocks(call, socket))
		sw_debts_serve_waits(socket, call->enter_ns);
	if (!socket || !has_account(socket) || (!sw_call_reads(call) && !sw_call_writes(call)))
		return;
	if (!socket->account)
		socket->account = sw_account_new();
	if (sw_call_writes(call))
		sw_account_writing(socket->account, call->enter_ns, call->bytes);
	if (sw_call_blocks(call, socket))
		wait_began(pending, socket, wait_of(call), call->enter_ns);
}

void sw_debts_account_woken(struct sw_debts *debts, const struct sw_pending *pending, const struct sw_call *call)
{
	int64_t end_ns = sw_call_end(call);
	int64_t over_ns = end_ns - call->enter_ns - call->timeout_ns - call->timeout_ns / TIMER_SLACK;

	if (sw_waits_timed_out(call) && over_ns > 0)
		sw_lateness_add(&debts->lateness, end_ns - over_ns, over_ns);
	for (size_t i = 0; pending && i < pending->waiting.count; i++) {
		struct sw_waiting waiting = pending->waiting.items[i];
		struct sw_socket_state *socket =
			waiting.wait == SW_ACCOUNT_WAIT_BYTES ? sw_sockets_get(debts->sockets, waiting.socket) : NULL;
		int64_t lay_ns =
			socket && socket->account ? sw_account_woken(socket->account, end_ns, call->result > 0) : 0;
		sw_lateness_add(&debts->lateness, end_ns - lay_ns, lay_ns);
	}
}

void sw_debts_account_leave(struct sw_debts *debts, struct sw_pending *pending, struct sw_socket_state *socket,
			    const struct sw_call *call)
{
	int64_t end_ns = sw_call_end(call);

	for (size_t i = 0; pending && i < pending->waiting.count; i++) {
		struct sw_waiting waiting = pending->waiting.items[i];
		struct sw_socket_state *waited = sw_sockets_get(debts->sockets, waiting.socket);

		if (waited && waited->account)
			sw_account_wait_end(waited->account, waiting.wait, end_ns);
	}
	if (pending)
		pending->waiting.count = 0;
	if (!socket || !socket->account || (call->flags & SW_CALL_ERRQUEUE))
		return;
	if (sw_call_writes(call))
		sw_account_wrote(socket->account, end_ns, call->result > 0 ? call->result : 0);
	else if (sw_call_reads(call) && call->result >= 0 && !(call->flags & SW_CALL_PEEK) && call->bytes != 0)
		sw_account_read(socket->account, end_ns, call->result);
}

static bool is_measured(const struct sw_debt_state *state)
{
	return state->socket && state->debt.operation != SW_OPERATION_CALL && has_account(state->socket);
}

void sw_debts_account_begin(struct sw_debt_state *state)
{
	if (!is_measured(state) || state->measured)
		return;
	if (!state->socket->account)
		state->socket->account = sw_account_new();
	state->measured = true;
	sw_account_debt_begin(state->socket->account, state->debt.id, state->debt.operation, state->debt.began_ns);
	if (state->debt.operation == SW_OPERATION_ANSWER)
		sw_account_debt_begin(state->socket->account, state->debt.id | WHOLE, state->debt.operation,
				      state->debt.began_ns);
}

void sw_debts_account_restart(struct sw_debt_state *state)
{
	int64_t parts[SW_PART_COUNT];

	if (!state->measured)
		return;
	sw_account_debt_end(state->socket->account, state->debt.id, state->debt.began_ns, parts);
	sw_account_debt_begin(state->socket->account, state->debt.id, state->debt.operation, state->debt.began_ns);
}

void sw_debts_account_first(struct sw_debt_state *state, int64_t time_ns)
{
	if (!state->measured)
		return;
	sw_account_debt_end(state->socket->account, state->debt.id, time_ns, state->debt.time_ns);
	sw_account_debt_begin(state->socket->account, state->debt.id | PAUSE, state->debt.operation, time_ns);
}

/* The parts of the pause that this read ended; the next begins. */
static void pause_ended(struct sw_debt_state *state, int64_t time_ns, int64_t parts[SW_PART_COUNT])
{
	struct sw_account *account = state->socket->account;

	sw_account_debt_end(account, state->debt.id | PAUSE, time_ns, parts);
	sw_account_debt_begin(account, state->debt.id | PAUSE, state->debt.operation, time_ns);
}

void sw_debts_account_more(struct sw_debt_state *state, int64_t from_ns, int64_t time_ns)
{
	int64_t parts[SW_PART_COUNT];

	if (!state->measured)
		return;
	pause_ended(state, time_ns, parts);
	if (parts[SW_PART_LOSS] * 100 < (time_ns - from_ns) * SW_PART_REASON_PERCENT ||
	    time_ns - from_ns <= state->lossy_ns)
		return;
	state->lossy_ns = time_ns - from_ns;
	state->lossy_from_ns = from_ns;
	memcpy(state->lossy_parts, parts, sizeof parts);
}

/* The answer came, and in its middle the path failed for longer than the wait for its first byte: that is what took the time. */
static void take_lossy(struct sw_debt_state *state)
{
	if (state->debt.outcome != SW_OUTCOME_DONE || state->lossy_ns <= state->debt.gap_ns)
		return;
	state->debt.began_ns = state->lossy_from_ns;
	state->debt.gap_ns = state->lossy_ns;
	state->debt.ended_ns = state->lossy_from_ns + state->lossy_ns;
	memcpy(state->debt.time_ns, state->lossy_parts, sizeof state->debt.time_ns);
}

void sw_debts_account_end(struct sw_debt_state *state)
{
	int64_t parts[SW_PART_COUNT];
	bool begun = state->first_read_ns != SW_TIME_NONE;

	if (!state->measured)
		return;
	state->measured = false;
	if (!begun)
		sw_account_debt_end(state->socket->account, state->debt.id, state->debt.ended_ns, state->debt.time_ns);
	/* Before the handshake is done there are no bytes whose way could be told; the SYNs themselves are the evidence. */
	if (state->debt.operation == SW_OPERATION_CONNECT || state->stuck_before)
		memset(state->debt.time_ns, 0, sizeof state->debt.time_ns);
	if (state->debt.operation != SW_OPERATION_ANSWER)
		return;
	sw_account_debt_end(state->socket->account, state->debt.id | PAUSE, state->debt.ended_ns, parts);
	sw_account_debt_end(state->socket->account, state->debt.id | WHOLE, state->debt.ended_ns, parts);
	if (begun &&
	    state->debt.outcome != SW_OUTCOME_DONE) /* it stopped after its first byte: the whole is what counts */
		memcpy(state->debt.time_ns, parts, sizeof parts);
	take_lossy(state);
}

/* ---- patterns ------------------------------------------------------------------------------------------------- */

/* A few are chance; this many are how the program works. */
#define NAGLE_LEAST 3
#define ROUND_TRIPS_LEAST 5
#define LOSSES_LEAST 3
/* Shorter round trips are those of one machine or one room: they bound what a busy client can do, and slow nothing down. */
#define ROUND_TRIP_NOTABLE_NS (2 * SW_NS_PER_MS)
/* Exchanges now and then on a long-lived connection make nobody wait. */
#define ROUND_TRIPS_DENSITY 4

static void tell_pattern(struct sw_debts *debts, struct sw_socket_state *socket,
			 const struct sw_account_summary *summary, const struct sw_account_pattern *pattern,
			 enum sw_part part)
{
	bool server = socket->seen.socket.flags & SW_SOCKET_ACCEPTED;
	struct sw_debt_state *state =
		sw_debt_open(debts, server ? SW_OPERATION_DRAIN : SW_OPERATION_ANSWER, socket, &socket->last);
	int64_t busy_ns = summary->exchanges_ns > pattern->total_ns ? summary->exchanges_ns : pattern->total_ns;

	state->debt.ended_ns = pattern->last_ns;
	sw_debts_account_end(state); /* its time is that of many: told here, not measured */
	state->debt.began_ns = state->progress_ns = pattern->last_ns - busy_ns;
	sw_debt_end(debts, state, SW_OUTCOME_SLOW, 0, &socket->last, pattern->last_ns);
	memset(state->debt.time_ns, 0, sizeof state->debt.time_ns);
	state->debt.time_ns[part] = pattern->total_ns;
	state->debt.time_ns[SW_PART_PEER_APPLICATION] += busy_ns - pattern->total_ns;
}

static bool bound_by_round_trips(const struct sw_account_summary *summary, int64_t slow_ns)
{
	const struct sw_account_pattern *trips = &summary->round_trips;

	return trips->count >= ROUND_TRIPS_LEAST && trips->total_ns >= slow_ns &&
	       trips->total_ns >= summary->exchanges_ns / 2 &&
	       trips->total_ns / trips->count >= ROUND_TRIP_NOTABLE_NS &&
	       trips->total_ns >= (trips->last_ns - trips->first_ns) / ROUND_TRIPS_DENSITY;
}

/* Each of them may be shorter than anybody would call slow: a time-out is 200 ms. */
static bool held_up_by_loss(const struct sw_account_summary *summary, int64_t slow_ns)
{
	const struct sw_account_pattern *losses = &summary->losses;

	return losses->count >= LOSSES_LEAST && losses->total_ns >= slow_ns &&
	       losses->total_ns >= summary->exchanges_ns / 2;
}

/* A pattern that fills half of a connection's busy time is a symptom, whatever each single exchange took. */
void sw_debts_patterns(struct sw_debts *debts, struct sw_socket_state *socket)
{
	struct sw_account_summary summary;
	const struct sw_account_pattern *nagle;

	if (!socket->account || !socket->last.id || !sw_socket_is_stream(socket))
		return;
	summary = sw_account_summary(socket->account);
	nagle = sw_account_nagle(&summary, sw_options_calls_sure(debts->options, SW_NAGLE_NS / 2));
	if (nagle->count >= NAGLE_LEAST && nagle->total_ns >= summary.exchanges_ns / 2)
		tell_pattern(debts, socket, &summary, nagle, SW_PART_NAGLE);
	else if (held_up_by_loss(&summary, debts->options->slow_ns))
		tell_pattern(debts, socket, &summary, &summary.losses, SW_PART_LOSS);
	else if (bound_by_round_trips(&summary, debts->options->slow_ns))
		tell_pattern(debts, socket, &summary, &summary.round_trips, SW_PART_ROUND_TRIP);
}
