/* The calls that a TCP flow shows: connect, writes and reads of new bytes, the close. See shown.h. */
#include <errno.h>

#include "correlate/calls/shown_internal.h"

#define AGAIN_NS SW_NS_PER_S /* when the first SYN is sent again, RFC 6298 */
#define PAUSE_NS (200 * SW_NS_PER_MS) /* what is sent after a pause is another message */
#define PROBES 2 /* so many keepalives without an answer, and our RST is the kernel's: it gave the connection up */

/* Services whose first word is their own: FTP, SSH, SMTP, POP3, IMAP, submission, MySQL, VNC. */
static const uint16_t greeters[] = {21, 22, 25, 110, 143, 587, 3306, 5900};

static bool greets(uint16_t port)
{
	for (size_t i = 0; i < SW_COUNT(greeters); i++)
		if (greeters[i] == port)
			return true;
	return false;
}

/* Bytes beyond what was seen before. */
static int64_t fresh(uint32_t *next, const struct sw_packet *packet)
{
	uint32_t end = packet->tcp.seq + packet->payload_length;
	int32_t more = (int32_t)(end - *next);

	if (!packet->payload_length || more <= 0)
		return 0;
	*next = end;
	return more < (int64_t)packet->payload_length ? more : (int64_t)packet->payload_length;
}

static bool is_done(const struct sw_shown_flow *flow)
{
	return flow->fin_ns != SW_TIME_NONE;
}

static void close_at(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	sw_shown_close(shown, flow, time_ns);
	sw_shown_forget(shown, flow);
}

/* ---- what leaves ---------------------------------------------------------------------------------------------- */

static void syn(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet)
{
	if (flow->socket.id && flow->connect && flow->syn == packet->tcp.seq) { /* again */
		flow->syn_again_ns = packet->time_ns - flow->syn_ns;
		flow->syn_ns = packet->time_ns;
		flow->refused = 0;
		return;
	}
	if (flow->socket.id) /* the port is used anew */
		sw_shown_stream_end(shown, flow);
	flow->open = flow->half = flow->one_way = flow->in_known = false;
	flow->fin_ns = flow->out_ns = SW_TIME_NONE;
	flow->refused = 0;
	flow->bytes_in = 0;
	flow->probes = 0;
	flow->connect = flow->read = 0;
	flow->syn = packet->tcp.seq;
	flow->next_out = flow->acked = packet->tcp.seq + 1;
	flow->syn_again_ns = AGAIN_NS;
	flow->syn_ns = packet->time_ns;
	sw_shown_socket(shown, flow, packet->time_ns - 1, false);
	sw_shown_connect(shown, flow, packet->time_ns - 1);
}

/* The connection is older than the capture. */
static void joined(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet, bool out)
{
	flow->next_out = flow->acked = out ? packet->tcp.seq : packet->tcp.ack;
	flow->next_in = out ? packet->tcp.ack : packet->tcp.seq;
	flow->in_known = flow->open = true;
	flow->bytes_in = 1; /* nothing is known of it: it may well have answered before */
	sw_shown_socket(shown, flow, packet->time_ns - 2, true);
}

/* Message after message, and never a byte of an answer: nobody waits for one (logs, metrics). */
static void learn_one_way(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	if (flow->bytes_in || flow->out_ns == SW_TIME_NONE || time_ns - flow->out_ns < PAUSE_NS)
		return;
	flow->one_way = true;
	sw_shown_read_leave(shown, flow, time_ns);
}

/* What leaves after a pause, while the bytes before it are not acknowledged, had waited for them: the write stood still. */
static void wrote(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, int64_t bytes, bool unacked)
{
	bool stood = unacked && flow->out_ns != SW_TIME_NONE && time_ns - flow->out_ns >= PAUSE_NS;
	int64_t from_ns = stood ? flow->out_ns + 2 : time_ns;

	if (!stood)
		learn_one_way(shown, flow, time_ns - 1);
	sw_shown_read_leave(shown, flow, stood ? from_ns : time_ns - 1);
	sw_shown_sent(shown, flow, from_ns, time_ns, bytes);
}

void sw_shown_stream_before(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			    bool out)
{
	int64_t bytes;

	if (out && (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN) {
		syn(shown, flow, packet);
		return;
	}
	if (!flow->socket.id)
		joined(shown, flow, packet, out);
	bool unacked = (int32_t)(flow->next_out - flow->acked) > 0;

	bytes = out ? fresh(&flow->next_out, packet) : 0;
	if (!bytes || !flow->open || is_done(flow))
		return;
	wrote(shown, flow, packet->time_ns - 1, bytes, unacked);
	flow->out_ns = packet->time_ns;
}

/* ---- what it ended -------------------------------------------------------------------------------------------- */

/* Who has waited long for an answer, and closes, has given it up. Who closes at once may wait for one all the same, or for none: the
 * packets do not tell. */
static void fin_left(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	bool waited = flow->read && flow->out_ns != SW_TIME_NONE && time_ns - flow->out_ns >= shown->slow_ns;

	if (is_done(flow))
		return;
	flow->fin_ns = time_ns;
	if (waited || flow->half || !flow->read)
		close_at(shown, flow, time_ns);
	else
		sw_shown_read_leave(shown, flow, time_ns);
}

static void after_ours(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet)
{
	int64_t now_ns = packet->time_ns + 1;

	if (packet->tcp.flags & SW_TCP_RST) {
		if (flow->in_known)
			sw_shown_connected(shown, flow, now_ns, 0);
		if (flow->open && flow->probes >= PROBES && !is_done(flow))
			sw_shown_read_end(shown, flow, now_ns, 0, ETIMEDOUT);
		close_at(shown, flow, now_ns);
		return;
	}
	if (flow->connect && flow->in_known && (packet->tcp.flags & SW_TCP_ACK)) {
		flow->open = true;
		sw_shown_connected(shown, flow, now_ns, 0);
		if (greets(flow->key.remote.port))
			sw_shown_read_begin(shown, flow, now_ns + 1);
	}
	if (!flow->open)
		return;
	if (packet->payload_length < 2 && packet->tcp.seq == flow->next_out - 1)
		flow->probes++;
	if (packet->payload_length && !is_done(flow) && !flow->one_way && flow->out_ns == packet->time_ns)
		sw_shown_read_begin(shown, flow, now_ns);
	if (packet->tcp.flags & SW_TCP_FIN)
		fin_left(shown, flow, now_ns);
}

static void reset(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t now_ns)
{
	if (flow->connect)
		sw_shown_connected(shown, flow, now_ns, ECONNREFUSED);
	else if (flow->read && !is_done(flow)) /* who waits for nothing may never learn of it */
		sw_shown_read_end(shown, flow, now_ns, 0, ECONNRESET);
	close_at(shown, flow, is_done(flow) ? flow->fin_ns : now_ns);
}

static void fin_came(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	flow->half = true;
	if (is_done(flow))
		close_at(shown, flow, time_ns);
	else if (flow->read)
		sw_shown_read_end(shown, flow, time_ns, 0, 0);
}

static void after_theirs(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet)
{
	int64_t now_ns = packet->time_ns + 1, bytes;

	if (packet->tcp.flags & SW_TCP_SYN) {
		flow->next_in = packet->tcp.seq + 1;
		flow->in_known = true;
		return;
	}
	if (packet->tcp.flags & SW_TCP_RST) {
		reset(shown, flow, now_ns);
		return;
	}
	flow->probes = 0;
	if ((packet->tcp.flags & SW_TCP_ACK) && (int32_t)(packet->tcp.ack - flow->acked) > 0)
		flow->acked = packet->tcp.ack;
	bytes = flow->in_known ? fresh(&flow->next_in, packet) : 0;
	if (!flow->open)
		return;
	flow->bytes_in += bytes;
	if (bytes)
		sw_shown_read_end(shown, flow, now_ns, bytes, 0);
	if ((packet->tcp.flags & SW_TCP_FIN) && !flow->half)
		fin_came(shown, flow, now_ns);
	else if (bytes && !is_done(flow) && shown->hooks.owed(shown->hooks.context, flow->socket.id))
		sw_shown_read_begin(shown, flow, now_ns + 1);
}

void sw_shown_stream_after(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet, bool out)
{
	if (out)
		after_ours(shown, flow, packet);
	else
		after_theirs(shown, flow, packet);
}

/* The kernel tries on after most of them; the last word is known when no SYN follows. */
void sw_shown_stream_refused(struct sw_shown_flow *flow, int32_t error, int64_t time_ns)
{
	if (!flow->connect)
		return;
	flow->refused = error;
	flow->refused_ns = time_ns + 1;
}

/* Nothing more is heard of it: given up, where the kernel would have sent again meanwhile. */
void sw_shown_stream_end(struct sw_shown *shown, struct sw_shown_flow *flow)
{
	int64_t again_ns = flow->syn_ns + 2 * flow->syn_again_ns + AGAIN_NS;

	if (flow->connect && flow->refused)
		sw_shown_connected(shown, flow, flow->refused_ns, flow->refused);
	else if (flow->connect && shown->now_ns > again_ns)
		sw_shown_close(shown, flow, flow->syn_ns + flow->syn_again_ns);
	else if (flow->open && is_done(flow))
		sw_shown_close(shown, flow, flow->fin_ns);
}
