/* The calls that a UDP flow shows: sends, receives, and for look-ups the wait for an answer. See shown.h. */
#include "capture/dns.h"
#include "correlate/calls/shown_internal.h"

#define PATIENCE_NS (5 * SW_NS_PER_S) /* resolv.conf(5): how long a resolver waits for one try */
#define GONE_NS (10 * SW_NS_PER_MS) /* beyond what stamps are off by */

static void asks(struct sw_shown_flow *flow, const struct sw_dns *dns)
{
	for (uint32_t i = 0; i < flow->asked_count; i++)
		if (flow->asked[i] == dns->id)
			return;
	if (flow->asked_count < SW_SHOWN_ASKED)
		flow->asked[flow->asked_count++] = dns->id;
}

static void answered(struct sw_shown_flow *flow, const struct sw_dns *dns)
{
	for (uint32_t i = 0; i < flow->asked_count; i++)
		if (flow->asked[i] == dns->id)
			flow->asked[i] = flow->asked[--flow->asked_count];
}

void sw_shown_datagram_before(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			      bool out)
{
	if (!out)
		return;
	if (!flow->socket.id)
		sw_shown_socket(shown, flow, packet->time_ns - 1, false);
	sw_shown_read_leave(shown, flow, packet->time_ns - 2);
	sw_shown_sent(shown, flow, packet->time_ns - 1, packet->time_ns - 1, packet->payload_length);
}

void sw_shown_datagram_after(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			     bool out)
{
	if (!flow->socket.id)
		return;
	if (out) {
		flow->out_ns = packet->time_ns;
		if (!packet->dns) /* whether somebody waits for an answer is not known */
			return;
		asks(flow, packet->dns);
		sw_shown_read_begin(shown, flow, packet->time_ns + 1);
		return;
	}
	if (packet->dns)
		answered(flow, packet->dns);
	flow->held = (struct sw_shown_held){packet->time_ns + 1, packet->payload_length};
	shown->held = flow;
}

void sw_shown_datagram_settle(struct sw_shown *shown, struct sw_shown_flow *flow)
{
	sw_shown_read_end(shown, flow, flow->held.time_ns, flow->held.bytes, 0);
	if (flow->asked_count)
		sw_shown_read_begin(shown, flow, flow->held.time_ns + 1);
}

/* Our own kernel answered the reply with "port unreachable": its socket was gone before it came, how long is not known. */
void sw_shown_datagram_unread(struct sw_shown *shown, struct sw_shown_flow *flow)
{
	int64_t gone_ns = flow->held.time_ns - GONE_NS;

	sw_shown_read_begin(shown, flow, flow->out_ns + 1);
	sw_shown_close(shown, flow, gone_ns > flow->out_ns ? gone_ns : flow->out_ns + 2);
	sw_shown_forget(shown, flow);
}

void sw_shown_datagram_refused(struct sw_shown *shown, struct sw_shown_flow *flow, int32_t error, int64_t time_ns)
{
	if (flow->socket.id)
		sw_shown_read_end(shown, flow, time_ns, 0, error);
}

void sw_shown_datagram_end(struct sw_shown *shown, struct sw_shown_flow *flow)
{
	if (flow->socket.id && (!flow->read || shown->now_ns > flow->out_ns + PATIENCE_NS))
		sw_shown_close(shown, flow, flow->out_ns + (flow->read ? PATIENCE_NS : 0));
}
