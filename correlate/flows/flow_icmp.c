/* ICMP errors: found to the flow whose packet they quote.
 *
 * Enters: an ICMP error with its quote. Leaves: a group in sw_flow.icmp. A quote may carry addresses that the flow has not
 * (translation on this host) and may quote a packet that no interface ever showed (an own reject rule in OUTPUT answers before
 * the tap). Then local port and sequence number tie it, or a flow is made for it. RFC 792, 1122 3.2.2, 4443. */
#include "correlate/flows/flow_track.h"

#define TIE_WALK_MAX 256 /* flows of one local port that are looked at */

/* Whether the quoted number lies in what that side has sent. */
static bool sent(const struct sw_flow_track *track, enum sw_flow_side side, uint32_t seq)
{
	const struct sw_side *s = &track->flow.side[side];
	int64_t at = sw_flow_relative(s, seq);

	return track->side[side].based && at >= 0 && at < s->sent_to && at > s->sent_to - INT64_C(0x40000000);
}

/* Which connection of the pair; NULL: one that was never seen, when the newest is over and never sent that number. */
static struct sw_flow_track *choose(const struct sw_flows *flows, struct sw_flow_track *track,
				    const struct sw_quote *quote)
{
	struct sw_flow_track *newest = track;

	if (quote->protocol != IPPROTO_TCP || !quote->has_seq)
		return track;
	for (int i = 0; track && i < TIE_WALK_MAX; track = sw_flow_track_at(flows, track->previous), i++) {
		enum sw_flow_side side = sw_flow_end_equal(&track->flow.local, &quote->src) ? SW_SIDE_OURS :
											      SW_SIDE_PEER;
		if (track->flow.netns == newest->flow.netns && sent(track, side, quote->seq))
			return track;
	}
	return newest->flow.state >= SW_FLOW_CLOSED ? NULL : newest;
}

/* The flow of the same local port that sent this number (TCP) or spoke to the same port or host lately (UDP). */
static struct sw_flow_track *tie(const struct sw_flows *flows, const struct sw_packet *packet)
{
	const struct sw_quote *quote = &packet->icmp.quote;
	uint32_t *head = sw_flow_port_chain(flows, quote->protocol, quote->src.port);
	struct sw_flow_track *track = head ? sw_flow_track_at(flows, *head) : NULL;

	for (int i = 0; track && i < TIE_WALK_MAX;
	     i++, track = sw_flow_track_at(flows, sw_flow_port_next(track, quote->src.port))) {
		const struct sw_flow *flow = &track->flow;
		if (flow->netns != packet->netns || flow->local.port != quote->src.port || track->mirror_of)
			continue;
		if (quote->protocol == IPPROTO_TCP && quote->has_seq && sent(track, SW_SIDE_OURS, quote->seq))
			return track;
		bool related = flow->remote.port == quote->dst.port && sw_ip_equal(&flow->local.ip, &quote->src.ip);
		if (quote->protocol == IPPROTO_UDP && related && sw_ip_equal(&flow->remote.ip, &quote->dst.ip))
			return track;
	}
	return NULL;
}

/* The quoted packet as a packet, so that direction and flow are found as for any other. */
static struct sw_packet quoted_packet(const struct sw_packet *packet)
{
	const struct sw_quote *quote = &packet->icmp.quote;
	struct sw_packet quoted = {
		.input = packet->input,
		.place = packet->place,
		.netns = packet->netns,
		.interface = packet->interface,
		.time_ns = packet->time_ns,
		.src = quote->src,
		.dst = quote->dst,
		.protocol = quote->protocol,
		.ip_id = quote->ip_id,
	};

	quoted.kind = quote->protocol == IPPROTO_TCP ? SW_PACKET_TCP :
		      quote->protocol == IPPROTO_UDP ? SW_PACKET_UDP :
						       SW_PACKET_ICMP;
	quoted.way = packet->way == SW_WAY_IN ? SW_WAY_OUT : packet->way == SW_WAY_OUT ? SW_WAY_IN : SW_WAY_UNKNOWN;
	if (packet->flags & SW_PACKET_LOOPBACK) /* our own kernel tells our own socket: its packet is what is quoted */
		quoted.way = SW_WAY_OUT;
	return quoted;
}

static struct sw_flow_track *make(struct sw_flows *flows, const struct sw_packet *packet)
{
	struct sw_packet quoted = quoted_packet(packet);
	bool src_is_local = sw_flow_src_is_local(flows, &quoted);
	struct sw_flow_track *track = sw_flow_make(flows, &quoted, src_is_local);

	track->flow.no_packets = true;
	track->flow.began_before = false;
	track->flow.initiator = src_is_local;
	return track;
}

static struct sw_icmp_seen *group_of(struct sw_flow *flow, const struct sw_packet *packet, bool quotes_peer)
{
	for (uint32_t i = 0; i < flow->icmp_count; i++) {
		struct sw_icmp_seen *seen = &flow->icmp[i];
		if (seen->type == packet->icmp.type && seen->code == packet->icmp.code && seen->v6 == packet->icmp.v6 &&
		    seen->quotes_peer == quotes_peer && sw_ip_equal(&seen->source, &packet->src.ip))
			return seen;
	}
	if (flow->icmp_count == SW_FLOW_ICMP_MAX)
		return NULL;
	struct sw_icmp_seen *seen = &flow->icmp[flow->icmp_count++];
	*seen = (struct sw_icmp_seen){.type = packet->icmp.type,
				      .code = packet->icmp.code,
				      .v6 = packet->icmp.v6,
				      .quotes_peer = quotes_peer,
				      .source = packet->src.ip,
				      .first = sw_flow_seen(packet)};
	return seen;
}

static bool unseen(const struct sw_flow_track *track, const struct sw_quote *quote, enum sw_flow_side side)
{
	if (quote->protocol == IPPROTO_TCP && quote->has_seq && track->side[side].based)
		return !sent(track, side, quote->seq);
	return track->flow.side[side].packets == 0;
}

static void note(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side side, bool translated)
{
	const struct sw_quote *quote = &packet->icmp.quote;
	struct sw_flow *flow = &track->flow;
	struct sw_icmp_seen *seen = group_of(flow, packet, side == SW_SIDE_PEER);
	const struct sw_side *s = &flow->side[side];

	sw_flow_history(track, SW_FLOW_OTHER(side), SW_FLOW_LETTER_ICMP);
	if (packet->time_ns > flow->last_ns)
		flow->last_ns = packet->time_ns;
	if (!seen)
		return;
	seen->count++;
	seen->last = sw_flow_seen(packet);
	if (packet->icmp.mtu)
		seen->mtu = packet->icmp.mtu;
	seen->on_loopback |= (packet->flags & SW_PACKET_LOOPBACK) || sw_ip_equal(&packet->src.ip, &packet->dst.ip);
	seen->quotes_unseen |= unseen(track, quote, side);
	seen->translated |= translated;
	bool is_syn = quote->has_flags ? (quote->flags & SW_TCP_SYN) :
		      flow->no_packets ? true :
					 quote->has_seq && s->isn_known && quote->seq == s->isn;
	seen->quotes_syn |= quote->protocol == IPPROTO_TCP && is_syn;
}

void sw_flow_icmp(struct sw_flows *flows, const struct sw_packet *packet, struct sw_flow_change *change)
{
	const struct sw_quote *quote = &packet->icmp.quote;
	bool ports = quote->protocol == IPPROTO_TCP || quote->protocol == IPPROTO_UDP ||
		     quote->protocol == IPPROTO_ICMP || quote->protocol == IPPROTO_ICMPV6;

	if (!packet->icmp.is_error || !quote->present || !ports || !quote->src.port)
		return;
	struct sw_flow_track *track = sw_flow_lookup(flows, packet->netns, quote->protocol, &quote->src, &quote->dst);
	bool translated = false;
	enum sw_flow_side side = SW_SIDE_OURS;
	if (track)
		track = choose(flows, track, quote);
	if (track) {
		side = sw_flow_end_equal(&track->flow.local, &quote->src) ? SW_SIDE_OURS : SW_SIDE_PEER;
	} else if ((track = tie(flows, packet))) {
		translated = true;
	} else {
		track = make(flows, packet);
		side = sw_flow_end_equal(&track->flow.local, &quote->src) ? SW_SIDE_OURS : SW_SIDE_PEER;
		change->what |= SW_FLOW_BEGAN;
	}
	note(track, packet, side, translated);
	sw_flow_kept_add(&track->kept, &track->flow, packet, SW_FLOW_KEEP_ICMP);
	change->flow = track->flow.id;
	change->mirror = track->flow.mirror;
	change->way = side == SW_SIDE_OURS ? SW_WAY_IN : SW_WAY_OUT;
	change->what |= SW_FLOW_ICMP;
}
