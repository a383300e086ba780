/* Facts of an established connection: which bytes left, arrived and were acknowledged, how the peer ended it, who was silent, and
 * where the time of the operation went.
 *
 * Enters: the flow's two sides, the socket's counts, the debt's parts. Leaves: the section SW_FACTS_STREAM. Judges nothing. */
#include <signal.h>
#include <string.h>

#include "correlate/facts/facts.h"
#include "correlate/thresholds.h"

/* Who ends within this of what happened may have ended for it; a check that is content ends as soon. */
#define SOON_NS (2 * SW_NS_PER_S)
#include "src/base/names.h"

static int64_t debt_end(const struct sw_symptom_context *context)
{
	return context->debt->ended_ns == SW_TIME_NONE ? context->end_ns : context->debt->ended_ns;
}

static bool after(struct sw_seen one, struct sw_seen other)
{
	return one.packet && other.packet && one.time_ns > other.time_ns;
}

static int64_t known(int64_t number)
{
	return number > 0 ? number : -1;
}

/* ---- bytes --------------------------------------------------------------------------------------------------------- */

/* Relative number behind the last payload byte: the FIN takes one too. */
static int64_t data_end(const struct sw_side *side)
{
	return side->fin_at && side->sent_to > side->fin_at ? side->fin_at : side->sent_to;
}

static int64_t unacked(const struct sw_side *side)
{
	int64_t end = data_end(side), acked = side->acked_to;

	return side->data_packets && end > acked ? end - acked : 0;
}

static void byte_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];
	const struct sw_socket_seen *socket = context->socket;

	facts->bytes_out = ours->bytes;
	facts->bytes_in = peer->bytes;
	facts->bytes_unacked = unacked(ours);
	facts->all_acked = facts->bytes_unacked == 0;
	if (!socket || socket->foreign)
		return;
	facts->bytes_written = socket->bytes_written;
	facts->bytes_read = socket->bytes_read;
	if (flow->began_before || context->attached)
		return;
	facts->bytes_unread = peer->bytes > socket->bytes_read ? peer->bytes - socket->bytes_read : 0;
	facts->bytes_unsent = socket->bytes_written > ours->bytes + ours->missed_bytes ?
				      socket->bytes_written - ours->bytes - ours->missed_bytes :
				      0;
	if (facts->bytes_unsent)
		facts->all_acked = false;
}

/* When the first byte of this operation's request left: by its number, since an answer before it may lie microseconds away. */
static int64_t request_left_ns(const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS];
	int64_t began = context->debt->began_ns, first = SW_TIME_NONE;
	int64_t request = data_end(ours) - context->debt->bytes_accepted;

	for (size_t i = 0; context->debt->bytes_accepted > 0 && ours->isn_known && i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];

		if (!packet->payload_length || !sw_endpoint_equal(&packet->src, &flow->local))
			continue;
		if ((int64_t)(uint32_t)(packet->tcp.seq - ours->isn) + packet->payload_length > request &&
		    first == SW_TIME_NONE)
			first = packet->time_ns;
	}
	return first == SW_TIME_NONE ? began : first;
}

static void answer_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_side *ours = &context->flow->side[SW_SIDE_OURS], *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t began = context->debt->began_ns - SW_STAMP_SLACK_NS, end = debt_end(context);

	facts->request_sent = context->debt->asked_before ||
			      (ours->last_new_data.packet && ours->last_new_data.time_ns >= began);
	facts->answer_begun = peer->last_new_data.packet && peer->last_new_data.time_ns >= request_left_ns(context);
	facts->answer_read = context->debt->bytes_read > 0;
	if (facts->answer_begun && ours->last_new_data.packet && after(peer->last_new_data, ours->last_new_data))
		facts->answer_after = peer->last_new_data.time_ns - ours->last_new_data.time_ns;
	if (peer->last_new_data.packet &&
	    peer->last_new_data.time_ns > end + SW_STAMP_SLACK_NS + context->clock_error_ns)
		facts->answer_after_end = peer->last_new_data.time_ns - end;
}

/* ---- ends ---------------------------------------------------------------------------------------------------------- */

/* What the peer had seen of our last request when it said FIN. A write that failed sent nothing. */
static void fin_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_side *ours = &context->flow->side[SW_SIDE_OURS], *peer = &context->flow->side[SW_SIDE_PEER];
	int64_t end = data_end(ours), request = context->debt->bytes_accepted;

	if (!peer->fin.packet)
		return;
	facts->fin_then_rst = after(peer->rst, peer->fin);
	facts->wrote_after_fin = peer->fin_ack < end;
	facts->fin_saw_request = request > 0 ? peer->fin_ack > end - request : peer->fin_ack >= end;
}

static void rst_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_side *peer = &flow->side[SW_SIDE_PEER];

	/* A socket that has sent a RST is gone. */
	facts->reset_not_ours = flow->side[SW_SIDE_OURS].rst_class == SW_RST_NO_SOCKET &&
				after(flow->side[SW_SIDE_OURS].last_data, flow->side[SW_SIDE_OURS].rst);
	if (!peer->rst.packet)
		return;
	facts->rst_living = peer->rst_class == SW_RST_LIVING_SOCKET;
	facts->rst_no_socket = peer->rst_class == SW_RST_NO_SOCKET;
	facts->rst_late = peer->rst.time_ns > debt_end(context) + SW_STAMP_SLACK_NS + context->clock_error_ns;
	facts->rst_after_silence = flow->silence_end.packet && flow->silence_end.time_ns <= peer->rst.time_ns &&
				   flow->silence_ns >= SW_IDLE_NS &&
				   flow->silence_ns >= SW_IDLE_RHYTHMS * flow->silence_before_ns &&
				   peer->rst.time_ns - flow->silence_end.time_ns < SW_IDLE_ANSWER_NS &&
				   !after(peer->last_new_data, flow->silence_end);
}

static void own_end_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_socket_seen *socket = context->socket;
	const struct sw_call *call = context->surfaced ? context->surfaced : context->opening;
	const struct sw_process_seen *process = context->process;

	facts->ended_well = process && process->exited && !process->signal && process->code == 0;
	facts->runs_on = process && !process->exited;
	facts->comm = process && process->comm[0] ? process->comm : NULL;
	facts->ended_soon = process && process->exited && process->exit_ns - context->debt->ended_ns < SOON_NS;
	facts->same_waits = context->debt->same_waits;
	facts->burst = context->debt->burst_bytes;
	facts->wait_slices = context->debt->wait.slices;
	if (process && process->exited && process->signal &&
	    (!socket || socket->closed_ns == SW_TIME_NONE || socket->closed_ns + SW_NS_PER_MS >= process->exit_ns)) {
		facts->killed = true;
		facts->killed_softly = process->signal == SIGINT || process->signal == SIGTERM ||
				       process->signal == SIGHUP || process->signal == SIGPIPE;
		facts->killed_by = sw_signal_name(process->signal);
	}
	if (!socket)
		return;
	facts->accepted = socket->socket.flags & SW_SOCKET_ACCEPTED;
	facts->closed_unanswered = context->debt->left_in_vain;
	facts->linger_zero = socket->options.linger_s == 0;
	if (call && socket->shut_write_ns != SW_TIME_NONE && socket->shut_write_ns <= call->enter_ns) {
		facts->shut_before = true;
		facts->shut_ago = call->enter_ns - socket->shut_write_ns;
	}
}

/* ---- silence, windows, sizes -------------------------------------------------------------------------------------- */

static void silence_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];

	facts->silence = known(flow->silence_ns);
	facts->silence_before = flow->silence_before_ns;
	facts->silence_end = flow->silence_end;
	facts->unanswered = ours->retransmissions_unanswered;
	facts->first_again = ours->first_retransmission;
	facts->last_again = ours->last_retransmission;
	facts->fins_again = ours->fin_retransmissions;
	facts->fin_acked = ours->fin_at && ours->acked_to > ours->fin_at;
	facts->probes_unanswered = ours->probes_unanswered;
	facts->keepalives = ours->keepalives;
	facts->last_keepalive = ours->last_keepalive.packet ? ours->last_keepalive : ours->last_probe;
	if (peer->last.packet && debt_end(context) > peer->last.time_ns)
		facts->peer_quiet = debt_end(context) - peer->last.time_ns;
	if (peer->last_new_data.packet && debt_end(context) > peer->last_new_data.time_ns)
		facts->answer_quiet = debt_end(context) - peer->last_new_data.time_ns;
	facts->answer_missing = sw_side_missing(peer);
	facts->chunks_cut = sw_side_chunks_cut(peer);
}

static void window_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_flow *flow = context->flow;
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];

	facts->zero_windows = peer->zero_windows;
	facts->zero_window = peer->last_zero_window.packet ? peer->last_zero_window : peer->zero_window;
	facts->window_closed = facts->zero_window.packet && peer->window == 0;
	facts->window_zero = peer->zero_window_ns;
	if (peer->zero_since_ns != SW_TIME_NONE && debt_end(context) > peer->zero_since_ns)
		facts->window_zero += debt_end(context) - peer->zero_since_ns;
	facts->window_fulls = peer->window_fulls;
	facts->segment_size = known(ours->segment_size);
	facts->largest_unacked = known(ours->largest_unacked);
	facts->largest_acked = ours->largest_acked;
	facts->hole = peer->hole_to > peer->hole_at;
	facts->after_hole = peer->after_hole_largest;
	facts->rtt = ours->rtt_count ? ours->rtt_min_ns : known(flow->synack_rtt_ns);
	facts->rtts = ours->rtt_sum_ns;
	facts->retransmissions = ours->retransmissions;
	facts->peer_retransmissions = peer->retransmissions;
	facts->peer_lost = peer->lost_packets;
	facts->peer_lost_packet = peer->lost_last;
}

static void seen_facts(struct sw_facts *facts, const struct sw_flow *flow)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];

	facts->began_before = flow->began_before;
	facts->own_first_data = ours->first_data;
	facts->own_data = ours->last_new_data.packet ? ours->last_new_data : ours->last_data;
	facts->own_fin = ours->fin;
	facts->peer_data = peer->last_new_data;
	facts->peer_last = peer->last;
	facts->peer_fin = peer->fin;
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

static void part_facts(struct sw_facts *facts, const struct sw_debt *debt)
{
	int64_t *const parts[SW_PART_COUNT] = {
		[SW_PART_DATA_WAITING] = &facts->part_data_waiting,
		[SW_PART_RECEIVER_WINDOW] = &facts->part_window,
		[SW_PART_NAGLE] = &facts->part_nagle,
		[SW_PART_SEND_BUFFER] = &facts->part_send_buffer,
		[SW_PART_LOSS] = &facts->part_loss,
		[SW_PART_ROUND_TRIP] = &facts->part_round_trip,
		[SW_PART_PEER_APPLICATION] = &facts->part_peer,
		[SW_PART_APPLICATION] = &facts->part_application,
	};
	int64_t most = 0;

	for (int part = 0; part < SW_PART_COUNT; part++) {
		if (debt->time_ns[part] <= most)
			continue;
		most = debt->time_ns[part];
		facts->part_largest = sw_part_name((enum sw_part)part);
		facts->part_most = most;
	}
	for (int part = 0; most && part < SW_PART_COUNT; part++)
		*parts[part] = debt->time_ns[part];
}

static void pattern_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_account_summary *account = context->account;
	const struct sw_account_pattern *nagle;

	if (!account)
		return;
	nagle = sw_account_nagle(account, context->small_writes_sure);
	facts->nagle_count = nagle->count;
	facts->nagle_time = nagle->total_ns;
	facts->rtt_count = account->round_trips.count;
	facts->rtt_time = account->round_trips.total_ns;
	facts->exchanges = account->exchanges;
}

/* Whether time passed because the program could not run. */
static void lateness_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_debt *debt = context->debt;
	const struct sw_process_seen *process = context->process;

	facts->late_here = debt->late_ns;
	facts->trickled = debt->trickled;
	facts->we_speak_first = context->we_speak_first;
	if (context->account && context->account->late.ns && context->account->late.from_ns >= debt->began_ns &&
	    context->account->late.from_ns <= debt_end(context))
		facts->woken_late = context->account->late.ns;
	if (process && process->stop_signal && process->stopped_ns >= debt->began_ns &&
	    process->stopped_ns <= debt_end(context))
		facts->stopped_by = sw_signal_name(process->stop_signal);
}

void sw_facts_of_stream(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	own_end_facts(facts, context);
	part_facts(facts, context->debt);
	pattern_facts(facts, context);
	lateness_facts(facts, context);
	if (context->socket) {
		facts->bytes_written = context->socket->bytes_written;
		facts->bytes_read = context->socket->bytes_read;
	}
	facts->answer_read = context->debt->bytes_read > 0;
	facts->asked_before = context->debt->asked_before;
	if (!context->flow)
		return;
	seen_facts(facts, context->flow);
	byte_facts(facts, context);
	answer_facts(facts, context);
	fin_facts(facts, context);
	rst_facts(facts, context);
	silence_facts(facts, context);
	window_facts(facts, context);
}
