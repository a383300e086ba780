/* The calls that packets show: see the header. Here: whose side a packet is on, and the table of flows. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "correlate/calls/shown_internal.h"

#define FLOWS_MAX 65536 /* told at once; further ones are not told */
#define REST_NS (120 * SW_NS_PER_S) /* a flow without packets for so long, and without anything owed, is over */
#define EPHEMERAL 32768 /* ip(7), ip_local_port_range: who asks has such a port, who serves rarely */
#define PRIVILEGED 1024

struct sw_shown *sw_shown_new(const struct sw_trace_sink *sink, const struct sw_shown_hooks *hooks,
			      const struct sw_ip *hosts, size_t host_count, int64_t slow_ns)
{
	struct sw_shown *shown = sw_alloc(sizeof *shown);

	shown->sink = *sink;
	shown->hooks = *hooks;
	shown->hosts = hosts;
	shown->host_count = host_count;
	shown->slow_ns = slow_ns;
	shown->swept_ns = SW_TIME_NONE;
	return shown;
}

void sw_shown_forget(struct sw_shown *shown, struct sw_shown_flow *flow)
{
	HASH_DEL(shown->flows, flow);
	*SW_ARRAY_ADD(&shown->threads) = flow->thread;
	free(flow);
}

void sw_shown_free(struct sw_shown *shown)
{
	struct sw_shown_flow *flow, *next;

	if (!shown)
		return;
	HASH_ITER (hh, shown->flows, flow, next)
		sw_shown_forget(shown, flow);
	SW_ARRAY_RELEASE(&shown->threads);
	free(shown);
}

/* What the kernel makes of an ICMP error: icmp(7), and icmp_err_convert of net/ipv4/icmp.c. 0: nothing. */
static int32_t error_of(const struct sw_icmp *icmp)
{
	static const int32_t v4[] = {ENETUNREACH,  EHOSTUNREACH, ENOPROTOOPT,  ECONNREFUSED, 0,
				     EOPNOTSUPP,   ENETUNREACH,  EHOSTDOWN,    ENONET,       ENETUNREACH,
				     EHOSTUNREACH, ENETUNREACH,  EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH,
				     EHOSTUNREACH};
	static const int32_t v6[] = {ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, EACCES};

	if (!icmp->is_error)
		return 0;
	if (icmp->v6 && icmp->type == ICMP6_DST_UNREACH)
		return icmp->code < SW_COUNT(v6) ? v6[icmp->code] : 0;
	if (!icmp->v6 && icmp->type == ICMP_DEST_UNREACH)
		return icmp->code < SW_COUNT(v4) ? v4[icmp->code] : 0;
	return icmp->type == (icmp->v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED) ? EHOSTUNREACH : 0;
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

static struct sw_shown_flow *find(const struct sw_shown *shown, uint8_t protocol, const struct sw_endpoint *local,
				  const struct sw_endpoint *remote)
{
	struct sw_shown_flow key, *flow;

	memset(&key.key, 0, sizeof key.key);
	key.key.protocol = protocol;
	key.key.local.ip = local->ip;
	key.key.local.port = local->port;
	key.key.remote.ip = remote->ip;
	key.key.remote.port = remote->port;
	HASH_FIND(hh, shown->flows, &key.key, sizeof key.key, flow);
	return flow;
}

static void end(struct sw_shown *shown, struct sw_shown_flow *flow)
{
	if (flow->others)
		return;
	if (flow->key.protocol == IPPROTO_TCP)
		sw_shown_stream_end(shown, flow);
	else
		sw_shown_datagram_end(shown, flow);
}

static void sweep(struct sw_shown *shown)
{
	struct sw_shown_flow *flow, *next;

	if (shown->swept_ns != SW_TIME_NONE && shown->now_ns - shown->swept_ns < REST_NS)
		return;
	shown->swept_ns = shown->now_ns;
	HASH_ITER (hh, shown->flows, flow, next) {
		bool asks = flow->key.protocol == IPPROTO_TCP && (flow->connect || flow->read);

		if (asks || shown->now_ns - flow->last_ns < REST_NS)
			continue;
		end(shown, flow);
		sw_shown_forget(shown, flow);
	}
}

static struct sw_shown_flow *add(struct sw_shown *shown, const struct sw_packet *packet, bool out)
{
	const struct sw_endpoint *local = out ? &packet->src : &packet->dst;
	const struct sw_endpoint *remote = out ? &packet->dst : &packet->src;
	struct sw_shown_flow *flow;

	sweep(shown);
	if (HASH_COUNT(shown->flows) >= FLOWS_MAX)
		return NULL;
	flow = sw_alloc(sizeof *flow);
	flow->key.protocol = packet->protocol;
	flow->key.local.ip = local->ip;
	flow->key.local.port = local->port;
	flow->key.remote.ip = remote->ip;
	flow->key.remote.port = remote->port;
	flow->fin_ns = flow->out_ns = SW_TIME_NONE;
	flow->thread = shown->threads.count ? shown->threads.items[--shown->threads.count] : ++shown->last_thread;
	HASH_ADD(hh, shown->flows, key, sizeof flow->key, flow);
	return flow;
}

/* ---- whose side ----------------------------------------------------------------------------------------------- */

static bool is_host(const struct sw_shown *shown, const struct sw_ip *ip)
{
	for (size_t i = 0; i < shown->host_count; i++)
		if (sw_ip_equal(&shown->hosts[i], ip))
			return true;
	return false;
}

static bool asks_to(const struct sw_endpoint *from, const struct sw_endpoint *to)
{
	return to->port && ((to->port < PRIVILEGED && from->port >= PRIVILEGED) ||
			    (to->port < EPHEMERAL && from->port >= EPHEMERAL));
}

static bool is_syn(const struct sw_packet *packet)
{
	return packet->kind == SW_PACKET_TCP && (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;
}

/* Only who asks is told: by its SYN; where that was not seen by its ports. */
static bool begins(const struct sw_shown *shown, const struct sw_packet *packet, bool *out)
{
	bool syn = is_syn(packet);

	*out = syn || asks_to(&packet->src, &packet->dst);
	if (packet->kind == SW_PACKET_TCP && !syn && (packet->tcp.flags & SW_TCP_SYN))
		return false;
	if (!*out && !asks_to(&packet->dst, &packet->src))
		return false;
	const struct sw_ip *local = *out ? &packet->src.ip : &packet->dst.ip;

	if (shown->host_count && !is_host(shown, local) && !sw_ip_is_loopback(local))
		return false;
	/* On loopback every packet comes in. */
	if (packet->way == (*out ? SW_WAY_IN : SW_WAY_OUT) && !shown->host_count && !sw_ip_is_loopback(&packet->dst.ip))
		return false;
	if (packet->kind == SW_PACKET_UDP)
		return *out && !sw_ip_is_multicast(&packet->dst.ip);
	return syn || packet->payload_length;
}

/* What comes behind a SYN that is not ours must not look like a connection that is older than the capture. */
static struct sw_shown_flow *begin(struct sw_shown *shown, const struct sw_packet *packet, bool *out)
{
	bool ours = begins(shown, packet, out);
	struct sw_shown_flow *flow = ours || is_syn(packet) ? add(shown, packet, *out) : NULL;

	if (flow)
		flow->others = !ours;
	return flow;
}

static struct sw_shown_flow *flow_of(struct sw_shown *shown, const struct sw_packet *packet, bool *out)
{
	struct sw_shown_flow *flow = find(shown, packet->protocol, &packet->src, &packet->dst);

	*out = true;
	if (flow)
		return flow;
	flow = find(shown, packet->protocol, &packet->dst, &packet->src);
	*out = !flow;
	return flow;
}

static void quoted(struct sw_shown *shown, const struct sw_packet *packet)
{
	const struct sw_quote *quote = &packet->icmp.quote;
	int32_t error = error_of(&packet->icmp);
	struct sw_shown_flow *flow = error && quote->present ? find(shown, quote->protocol, &quote->src, &quote->dst) :
							       NULL;

	if (!flow || flow->others)
		return;
	if (quote->protocol == IPPROTO_TCP)
		sw_shown_stream_refused(flow, error, packet->time_ns);
	else
		sw_shown_datagram_refused(shown, flow, error, packet->time_ns + 1);
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static bool told(const struct sw_packet *packet)
{
	return (packet->kind == SW_PACKET_TCP || packet->kind == SW_PACKET_UDP) &&
	       !(packet->flags & SW_PACKET_DUPLICATE) && !packet->fragment_offset;
}

/* What the packet behind a reply says of it. */
static void settle(struct sw_shown *shown, const struct sw_packet *packet)
{
	struct sw_shown_flow *flow = shown->held;
	const struct sw_quote *quote = packet ? &packet->icmp.quote : NULL;
	bool unread = packet && packet->kind == SW_PACKET_ICMP && packet->icmp.is_error && quote->present &&
		      quote->protocol == IPPROTO_UDP && sw_endpoint_equal(&quote->dst, &flow->key.local) &&
		      sw_endpoint_equal(&quote->src, &flow->key.remote);

	shown->held = NULL;
	if (unread)
		sw_shown_datagram_unread(shown, flow);
	else
		sw_shown_datagram_settle(shown, flow);
}

void sw_shown_before(struct sw_shown *shown, const struct sw_packet *packet)
{
	struct sw_shown_flow *flow;
	bool out;

	shown->now_ns = packet->time_ns;
	if (shown->held)
		settle(shown, packet);
	if (!told(packet))
		return;
	flow = flow_of(shown, packet, &out);
	if (!flow)
		flow = begin(shown, packet, &out);
	if (!flow)
		return;
	flow->last_ns = packet->time_ns;
	if (flow->others)
		return;
	if (packet->kind == SW_PACKET_TCP)
		sw_shown_stream_before(shown, flow, packet, out);
	else
		sw_shown_datagram_before(shown, flow, packet, out);
}

void sw_shown_after(struct sw_shown *shown, const struct sw_packet *packet)
{
	struct sw_shown_flow *flow;
	bool out;

	if (packet->kind == SW_PACKET_ICMP && packet->icmp.is_error) {
		quoted(shown, packet);
		return;
	}
	flow = told(packet) ? flow_of(shown, packet, &out) : NULL;
	if (!flow || flow->others)
		return;
	if (packet->kind == SW_PACKET_TCP)
		sw_shown_stream_after(shown, flow, packet, out);
	else
		sw_shown_datagram_after(shown, flow, packet, out);
}

void sw_shown_end(struct sw_shown *shown)
{
	struct sw_shown_flow *flow, *next;

	if (shown->held)
		settle(shown, NULL);
	HASH_ITER (hh, shown->flows, flow, next) {
		end(shown, flow);
		sw_shown_forget(shown, flow);
	}
}
