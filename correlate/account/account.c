/* Byte accounting of one socket and its flow: see account.h for what each part means.
 *
 * Enters: calls and changes of the flow, in order of time. Leaves: what each moment was, handed to the clock (account_time.c), and the
 * patterns. Each event first closes the time before it by the state as it was, then changes the state. */
#include "correlate/account/account_state.h"

#include <netinet/in.h>

#define EXCHANGE UINT32_MAX /* the account's own debt: from a write on our turn to the next byte read */
#define LATE_ACK_NS                                                                                                    \
	(30 * SW_NS_PER_MS) /* a bare ACK later than this was delayed; Linux delays 40 ms, others up to 200 */
#define LATE_DATA_NS (2 * SW_NS_PER_MS) /* an answer that carries the ACK: below this, jitter */
#define BEHIND_ACK_NS                                                                                                  \
	SW_NS_PER_MS /* what waited for an acknowledgement leaves within the same interrupt; a busy machine takes longer */
#define TIMEOUT_LEAST_NS (200 * SW_NS_PER_MS) /* TCP_RTO_MIN of Linux */
#define DOUBLINGS_MAX 9u /* tcp_retries2 counts to 15, and no time-out is above 120 s */
#define SEGMENT_DEFAULT 1448 /* where the MSS is not known */

struct sw_account *sw_account_new(void)
{
	struct sw_account *account = sw_alloc(sizeof *account);

	account->clock.now_ns = account->still_since_ns = account->head_sent_ns = account->last_sent_ns = SW_TIME_NONE;
	account->late_since_ns = SW_TIME_NONE;
	account->summary.nagle.first_ns = account->summary.nagle.last_ns = SW_TIME_NONE;
	account->summary.nagle_shown.first_ns = account->summary.nagle_shown.last_ns = SW_TIME_NONE;
	account->summary.losses.first_ns = account->summary.losses.last_ns = SW_TIME_NONE;
	account->summary.round_trips.first_ns = account->summary.round_trips.last_ns = SW_TIME_NONE;
	account->window = account->rtt_ns = account->body = -1;
	account->segment = SEGMENT_DEFAULT;
	account->our_turn = true;
	return account;
}

void sw_account_free(struct sw_account *account)
{
	if (!account)
		return;
	SW_ARRAY_RELEASE(&account->clock.debts);
	free(account);
}

/* ---- what a moment is ----------------------------------------------------------------------------------------- */

static bool window_blocks(const struct sw_account *account, int64_t unsent)
{
	int64_t next = unsent < account->segment ? unsent : account->segment;

	return account->window >= 0 && account->under_way + next > account->window;
}

static uint8_t unsent_bucket(const struct sw_account *account, int64_t unsent, bool *hold)
{
	if (window_blocks(account, unsent))
		return SW_PART_RECEIVER_WINDOW;
	*hold = account->under_way > 0;
	return account->under_way > 0 && unsent < account->segment ? SW_PART_NAGLE : SW_PART_SEND_BUFFER;
}

static bool waits(const struct sw_account *account)
{
	return account->waits[SW_ACCOUNT_WAIT_OTHER] || account->waits[SW_ACCOUNT_WAIT_BYTES] ||
	       account->waits[SW_ACCOUNT_WAIT_ALL];
}

static bool lies_unread(const struct sw_account *account)
{
	if (account->arrived > account->read && !account->waits[SW_ACCOUNT_WAIT_ALL])
		return true;
	return account->fin_arrived && !account->eof_read && !account->our_turn;
}

static uint8_t bucket_of(const struct sw_account *account, bool *hold)
{
	int64_t unsent = account->datagrams ? 0 : account->accepted + account->asked - account->sent;

	*hold = false;
	if (lies_unread(account))
		return SW_PART_DATA_WAITING;
	if (!account->established) {
		*hold = account->under_way > 0;
		return account->under_way > 0 ? SW_PART_ROUND_TRIP : SW_BUCKET_BEFORE;
	}
	if (unsent > 0)
		return unsent_bucket(account, unsent, hold);
	if (account->hole)
		return SW_PART_LOSS;
	if (account->under_way > 0) {
		*hold = true;
		return SW_PART_ROUND_TRIP;
	}
	*hold = !account->datagrams; /* what the peer sent meanwhile may have been lost: its next packet tells */
	if (waits(account))
		return SW_BUCKET_WAITED;
	return account->our_turn ? SW_BUCKET_OUR_TURN : SW_BUCKET_PEERS_TURN;
}

static void note_stall(struct sw_account *account, uint8_t bucket, int64_t time_ns)
{
	if (bucket != SW_PART_RECEIVER_WINDOW || account->clock.now_ns == SW_TIME_NONE) {
		account->still_since_ns = SW_TIME_NONE;
		return;
	}
	if (account->still_since_ns == SW_TIME_NONE)
		account->still_since_ns = account->clock.now_ns;
	if (time_ns - account->still_since_ns > account->stall.ns)
		account->stall = (struct sw_account_stall){account->still_since_ns, time_ns - account->still_since_ns};
}

static void advance(struct sw_account *account, int64_t time_ns)
{
	bool hold;
	uint8_t bucket = bucket_of(account, &hold);

	note_stall(account, bucket, time_ns);
	sw_account_clock_advance(&account->clock, time_ns, bucket, hold);
}

/* What held time is if nothing more is ever heard. */
static struct sw_ruling ruling_so_far(const struct sw_account *account)
{
	struct sw_ruling ruling = {.split_ns = SW_TIME_NONE};

	if (account->under_way > 0 && account->head_resent && account->head_sent_ns != SW_TIME_NONE) {
		ruling.split_ns = account->head_sent_ns + (account->rtt_ns > 0 ? account->rtt_ns : 0);
		ruling.after = SW_PART_LOSS;
	}
	return ruling;
}

/* ---- patterns ------------------------------------------------------------------------------------------------- */

static void count(struct sw_account_pattern *pattern, int64_t ns, int64_t time_ns, struct sw_seen seen)
{
	if (!pattern->count++) {
		pattern->first_ns = time_ns;
		pattern->first = seen;
	}
	pattern->last_ns = time_ns;
	pattern->total_ns += ns;
}

static void exchange_begin(struct sw_account *account, int64_t time_ns)
{
	bool hold;

	if (account->exchanging || !account->our_turn)
		return;
	account->exchanging = true;
	account->wrote_in_exchange = false;
	sw_account_clock_begin(&account->clock, EXCHANGE, SW_OPERATION_ANSWER, time_ns, bucket_of(account, &hold));
}

static void exchange_end(struct sw_account *account, int64_t time_ns)
{
	struct sw_account_summary *summary = &account->summary;
	int64_t parts[SW_PART_COUNT], whole = 0;

	if (!account->exchanging)
		return;
	account->exchanging = false;
	sw_account_clock_end(&account->clock, EXCHANGE, time_ns, ruling_so_far(account), parts);
	if (!account->wrote_in_exchange)
		return;
	for (int i = 0; i < SW_PART_COUNT; i++)
		whole += parts[i];
	summary->exchanges++;
	summary->exchanges_ns += whole;
	if (whole > 0 && parts[SW_PART_ROUND_TRIP] >= whole / 2)
		count(&summary->round_trips, parts[SW_PART_ROUND_TRIP], time_ns, (struct sw_seen){.time_ns = time_ns});
	else if (whole > 0 && parts[SW_PART_LOSS] >= whole / 2)
		count(&summary->losses, parts[SW_PART_LOSS], time_ns, (struct sw_seen){.time_ns = time_ns});
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static void mark(struct sw_account *account, enum sw_mark which, int64_t time_ns)
{
	bool hold;

	sw_account_clock_mark(&account->clock, which, time_ns, bucket_of(account, &hold));
}

void sw_account_writing(struct sw_account *account, int64_t enter_ns, int64_t asked)
{
	advance(account, enter_ns);
	account->asked += asked > 0 ? asked : 0;
	mark(account, SW_MARK_WRITE, enter_ns);
	exchange_begin(account, enter_ns);
}

void sw_account_wrote(struct sw_account *account, int64_t exit_ns, int64_t accepted)
{
	advance(account, exit_ns);
	account->asked = 0;
	if (accepted <= 0)
		return;
	exchange_begin(account, exit_ns);
	account->accepted += accepted;
	account->wrote_in_exchange = true;
	account->our_turn = false;
}

void sw_account_read(struct sw_account *account, int64_t exit_ns, int64_t bytes)
{
	advance(account, exit_ns);
	if (bytes > 0 || account->datagrams)
		exchange_end(account, exit_ns);
	if (bytes > 0 && !account->datagrams)
		account->read += bytes;
	else if (account->datagrams)
		account->read += account->read < account->arrived;
	else
		account->eof_read = true;
	account->summary.read += bytes > 0 ? bytes : 0;
	account->our_turn = true;
}

void sw_account_wait_begin(struct sw_account *account, enum sw_account_wait wait, int64_t time_ns)
{
	advance(account, time_ns);
	if (!waits(account))
		mark(account, SW_MARK_WAIT, time_ns);
	account->waits[wait]++;
}

void sw_account_wait_end(struct sw_account *account, enum sw_account_wait wait, int64_t time_ns)
{
	advance(account, time_ns);
	if (account->waits[wait])
		account->waits[wait]--;
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static int64_t least_round_trip(const struct sw_flow *flow)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS];

	if (ours->rtt_count)
		return ours->rtt_min_ns;
	return flow->initiator ? flow->synack_rtt_ns : -1;
}

/* What the acknowledgement says of the time that was held back for it. */
static struct sw_ruling ruling_by(const struct sw_account *account, const struct sw_flow_change *change,
				  const struct sw_packet *packet)
{
	struct sw_ruling ruling = {.split_ns = SW_TIME_NONE};
	int64_t rtt = account->rtt_ns;

	if (change->acked_resent && (!(change->what & SW_FLOW_SPURIOUS) || change->lost_before) &&
	    change->acked_sent_ns != SW_TIME_NONE) {
		ruling.split_ns = change->acked_sent_ns + (rtt > 0 ? rtt : 0);
		ruling.after = SW_PART_LOSS;
		return ruling;
	}
	if (!change->acked_all || rtt < 0 || account->under_way > 2 * account->segment ||
	    account->last_sent_ns == SW_TIME_NONE)
		return ruling;
	int64_t late = packet->payload_length ? (rtt / 2 > LATE_DATA_NS ? rtt / 2 : LATE_DATA_NS) : LATE_ACK_NS;
	if (packet->time_ns - account->last_sent_ns - rtt >= late) {
		ruling.split_ns = account->last_sent_ns + rtt;
		ruling.after = SW_PART_PEER_APPLICATION;
		ruling.only_round_trip = true;
	}
	return ruling;
}

static void acknowledged(struct sw_account *account, const struct sw_flow_change *change,
			 const struct sw_packet *packet)
{
	struct sw_ruling ruling = ruling_by(account, change, packet);
	int64_t held = sw_account_clock_held(&account->clock, SW_PART_NAGLE);
	struct sw_seen seen = {.packet = packet->id, .input = packet->input, .time_ns = packet->time_ns};

	if (held >= SW_NAGLE_NS && ruling.after != SW_PART_LOSS)
		count(&account->summary.nagle, held, packet->time_ns, seen);
	account->late_ack = (struct sw_seen){0};
	if (change->acked_all && !packet->payload_length && !change->acked_resent && account->rtt_ns >= 0 &&
	    account->last_sent_ns != SW_TIME_NONE) {
		account->late_ns = packet->time_ns - account->last_sent_ns - account->rtt_ns;
		account->late_ack = account->late_ns >= SW_NAGLE_NS ? seen : account->late_ack;
	}
	sw_account_clock_rule(&account->clock, ruling);
	account->still_since_ns = SW_TIME_NONE;
	account->head_sent_ns = change->unacked_sent_ns;
	account->head_resent = change->unacked_resent;
}

/* What lay between the peer's packets, when some of them never came: they were sent again with time-outs that double, so the first of them
 * left at least so long ago; the first again is a probe for the tail (RFC 8985, 7), as late as a time-out where one segment was sent. */
static void lost_meanwhile(struct sw_account *account, const struct sw_flow_change *change,
			   const struct sw_packet *packet)
{
	struct sw_ruling ruling = {.split_ns = SW_TIME_NONE, .only_idle = true};
	uint32_t doublings = change->lost_before < DOUBLINGS_MAX ? change->lost_before - 1 : DOUBLINGS_MAX;

	if (change->lost_before) {
		ruling.split_ns = packet->time_ns - (TIMEOUT_LEAST_NS << doublings);
		ruling.after = SW_PART_LOSS;
	}
	sw_account_clock_rule(&account->clock, ruling);
}

/* Nothing but the acknowledgement itself lets bytes leave so soon behind it, time after time: a bare one wakes no reader. */
static void behind_late_ack(struct sw_account *account, const struct sw_flow_change *change,
			    const struct sw_packet *packet)
{
	if (account->late_ack.packet && (change->what & SW_FLOW_NEW_DATA) && change->new_bytes < account->segment &&
	    packet->time_ns - account->late_ack.time_ns <= BEHIND_ACK_NS)
		count(&account->summary.nagle_shown, account->late_ns, account->late_ack.time_ns, account->late_ack);
	account->late_ack = (struct sw_seen){0};
}

static void departed(struct sw_account *account, const struct sw_flow_change *change, const struct sw_packet *packet,
		     int64_t under_way)
{
	behind_late_ack(account, change, packet);
	if (under_way > 0 && account->under_way <= 0) {
		account->head_sent_ns = packet->time_ns;
		account->head_resent = false;
	} else if ((change->what & SW_FLOW_RETRANSMISSION) || (packet->tcp.flags & SW_TCP_SYN)) {
		account->head_resent = true;
	}
	if (change->what & (SW_FLOW_NEW_DATA | SW_FLOW_FIN) || (packet->tcp.flags & SW_TCP_SYN))
		account->last_sent_ns = packet->time_ns;
}

/* Payload that this side has put into its sequence space up to `position`. */
static int64_t payload_to(const struct sw_side *side, int64_t position)
{
	if (side->fin_at && position > side->fin_at)
		position = side->fin_at;
	return position > 1 ? position - 1 : 0;
}

static enum sw_answer_seen answer_of(const struct sw_side *peer)
{
	if (peer->said_to == 0)
		return SW_ANSWER_UNKNOWN;
	if (peer->said_to == SW_SAID_ENDLESS)
		return SW_ANSWER_ENDLESS;
	return peer->said_to > 0 && !peer->hole_at && !sw_side_missing(peer) ? SW_ANSWER_WHOLE : SW_ANSWER_PARTIAL;
}

static void follow_stream(struct sw_account *account, const struct sw_flow *flow)
{
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];
	bool scaled = ours->syns && peer->syns;

	account->under_way = ours->sent_to - ours->acked_to;
	account->sent = payload_to(ours, ours->sent_to);
	account->acked = payload_to(ours, ours->acked_to);
	account->arrived = payload_to(peer, peer->hole_at ? peer->hole_at : peer->sent_to);
	account->hole = peer->hole_at > 0;
	account->answer = answer_of(peer);
	account->asks_to_wait = ours->asks_to_wait || account->answer == SW_ANSWER_ENDLESS;
	account->body = peer->said_to ? peer->said_body : -1;
	account->fin_arrived = peer->fin_at && !peer->hole_at;
	account->missing = sw_side_missing(peer);
	account->asks_whole = ours->asks_whole;
	account->chunks_cut = sw_side_chunks_cut(peer);
	account->left_unanswered = peer->fin.packet && peer->asked_all && peer->last_new_data.packet &&
				   ours->last_new_data.time_ns <= peer->last_new_data.time_ns;
	account->fin_ns = peer->fin.time_ns;
	account->established = flow->state >= SW_FLOW_ESTABLISHED ||
			       (flow->state == SW_FLOW_SYN_RECEIVED && flow->initiator);
	account->window = scaled || peer->window == 0 ? (int64_t)peer->window : -1;
	if (!peer->last_ack.packet)
		account->window = -1;
	if (ours->segment_size)
		account->segment = ours->segment_size;
	if (!flow->began_before)
		return;
	if (!account->based ||
	    (!account->asked && account->sent > account->accepted)) /* bytes of calls before we came */
		account->accepted = account->sent > account->asked ? account->sent - account->asked : 0;
	account->based = true;
	if (account->read > account->arrived)
		account->read = account->arrived;
}

static void follow_datagrams(struct sw_account *account, const struct sw_flow *flow)
{
	account->datagrams = account->established = true;
	account->under_way = 0;
	account->sent = account->acked = flow->side[SW_SIDE_OURS].bytes;
	account->arrived = flow->side[SW_SIDE_PEER].packets;
}

void sw_account_change(struct sw_account *account, const struct sw_flow *flow, const struct sw_flow_change *change,
		       const struct sw_packet *packet)
{
	bool lay = account->arrived > account->read;

	if (change->what & SW_FLOW_DUPLICATE)
		return;
	advance(account, packet->time_ns);
	if (flow->protocol != IPPROTO_TCP) {
		follow_datagrams(account, flow);
		return;
	}
	account->rtt_ns = least_round_trip(flow);
	if (change->way == SW_WAY_IN && (change->what & SW_FLOW_ACKED_MORE))
		acknowledged(account, change, packet);
	else if (change->way == SW_WAY_IN && account->under_way <= 0)
		lost_meanwhile(account, change, packet);
	else if (change->way == SW_WAY_OUT)
		departed(account, change, packet, flow->side[SW_SIDE_OURS].sent_to - flow->side[SW_SIDE_OURS].acked_to);
	follow_stream(account, flow);
	if (!lay && account->waits[SW_ACCOUNT_WAIT_BYTES] && account->arrived > account->read)
		account->late_since_ns = packet->time_ns;
	if (change->way == SW_WAY_OUT && account->under_way > 0 && account->head_sent_ns == SW_TIME_NONE)
		account->head_sent_ns = packet->time_ns;
}

/* ---- debts ---------------------------------------------------------------------------------------------------- */

void sw_account_debt_begin(struct sw_account *account, uint32_t debt, enum sw_operation operation, int64_t time_ns)
{
	bool hold;

	advance(account, time_ns);
	sw_account_clock_begin(&account->clock, debt, operation, time_ns, bucket_of(account, &hold));
}

void sw_account_debt_end(struct sw_account *account, uint32_t debt, int64_t time_ns, int64_t parts[SW_PART_COUNT])
{
	advance(account, time_ns);
	sw_account_clock_end(&account->clock, debt, time_ns, ruling_so_far(account), parts);
}
