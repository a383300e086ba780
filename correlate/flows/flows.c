/* The table of flows: finds or makes the flow of each packet and hands the packet on.
 *
 * Enters: packets in order of time. Leaves: what each did to its flow. Decides direction (the callback, the link layer, the SYN, in
 * this order), when a port pair begins a new connection, which answers come from a translated address, and which packets
 * are copies. Knows nothing of sequence numbers beyond that. */
#include "correlate/flows/flows.h"

#include <string.h>

#include "correlate/flows/flow_track.h"

#define TIE_WALK_MAX 256 /* flows of one local port that are looked at for a translated answer */
#define UNRELATED INT64_C(0x1000000) /* 16 MiB: so far off, a segment after the end is of another connection */
#define ANEW_NS SW_NS_PER_S

struct sw_flows *sw_flows_new(void)
{
	return sw_alloc(sizeof(struct sw_flows));
}

static void shrink(struct sw_flow_track *track)
{
	sw_flow_kept_free(track->kept);
	track->kept = NULL;
	for (int i = 0; i < 2; i++) {
		sw_flow_segments_release(&track->side[i].segments);
		free(track->side[i].holes);
		track->side[i].holes = NULL;
		track->side[i].hole_count = 0;
	}
}

void sw_flows_shrink(struct sw_flows *flows, uint32_t flow)
{
	struct sw_flow_track *track = sw_flow_track_at(flows, flow);

	if (track)
		shrink(track);
}

void sw_flow_free(struct sw_flow_track *track)
{
	shrink(track);
	free(track);
}

void sw_flows_free(struct sw_flows *flows)
{
	if (!flows)
		return;
	for (uint32_t id = sw_flows_next(flows, 0); id; id = sw_flows_next(flows, id))
		sw_flow_free(sw_flow_track_at(flows, id));
	for (size_t i = 0; i < flows->pages.count; i++)
		free(flows->pages.items[i]);
	SW_ARRAY_RELEASE(&flows->pages);
	SW_ARRAY_RELEASE(&flows->hosts);
	SW_ARRAY_RELEASE(&flows->neighbors);
	free(flows->by_ends.slots);
	free(flows->by_alias.slots);
	free(flows->by_host.slots);
	free(flows->by_port[0]);
	free(flows->by_port[1]);
	free(flows);
}

void sw_flows_set_local(struct sw_flows *flows, sw_flows_local local, void *context)
{
	flows->local = local;
	flows->context = context;
}

/* ---- direction ------------------------------------------------------------------------------------------------ */

bool sw_flow_src_is_local(struct sw_flows *flows, const struct sw_packet *packet)
{
	enum sw_packet_way way = flows->local ? flows->local(flows->context, packet) : SW_WAY_UNKNOWN;
	bool loopback = packet->flags & SW_PACKET_LOOPBACK;
	bool quoted = packet->kind == SW_PACKET_TCP && !packet->length; /* made from a quote: it has no flags */

	if (way == SW_WAY_UNKNOWN && (!loopback || quoted))
		way = packet->way;
	if (way != SW_WAY_UNKNOWN)
		return way == SW_WAY_OUT;
	if (packet->kind != SW_PACKET_TCP)
		return true; /* the first datagram asks */
	uint8_t flags = packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK | SW_TCP_RST);
	if (flags == SW_TCP_SYN)
		return true;
	if (flags == (SW_TCP_SYN | SW_TCP_ACK) || flags == (SW_TCP_RST | SW_TCP_ACK))
		return false;
	return packet->src.port >= packet->dst.port; /* the higher port is the ephemeral one */
}

/* ---- which connection of the pair ----------------------------------------------------------------------------- */

static enum sw_flow_side side_of(const struct sw_flow *flow, const struct sw_packet *packet)
{
	if (packet->src.port != flow->local.port)
		return SW_SIDE_PEER;
	if (packet->dst.port != flow->local.port)
		return SW_SIDE_OURS;
	if (sw_ip_equal(&packet->src.ip, &flow->local.ip))
		return SW_SIDE_OURS;
	return sw_ip_equal(&packet->dst.ip, &flow->local.ip) ? SW_SIDE_PEER : SW_SIDE_OURS;
}

static bool begins_anew(const struct sw_flow_track *track, const struct sw_packet *packet)
{
	const struct sw_flow *flow = &track->flow;
	enum sw_flow_side from = side_of(flow, packet);
	const struct sw_side *s = &flow->side[from], *other = &flow->side[SW_FLOW_OTHER(from)];
	bool over = flow->state >= SW_FLOW_CLOSED, made = over || flow->established_ns != SW_TIME_NONE;

	if (flow->protocol != IPPROTO_TCP || flow->no_packets)
		return false;
	if ((packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN) {
		if (track->side[from]
			    .based) /* no SYN is sent again that had its answer: the same recording stands twice in a file */
			return s->isn != packet->tcp.seq || (made && packet->time_ns - flow->last_ns > ANEW_NS);
		return over || !(other->syns && flow->state == SW_FLOW_SYN_SENT); /* else both sides open at once */
	}
	if (!over || (packet->tcp.flags & SW_TCP_RST) || !packet->payload_length || !track->side[from].based)
		return false;
	int64_t off = sw_flow_relative(s, packet->tcp.seq) - s->sent_to;
	return off > UNRELATED || off < -UNRELATED;
}

/* An answer from an address that was not asked: a SYN-ACK or RST that acknowledges the SYN of one of our flows with this local
 * port. Translation in OUTPUT makes such pairs (with a REDIRECT the SYN goes to 127.0.0.1, and the RST carries the original
 * address); that both sequence number and port agree is no coincidence. */
static struct sw_flow_track *tie_answer(struct sw_flows *flows, const struct sw_packet *packet)
{
	uint32_t *head = sw_flow_port_chain(flows, packet->protocol, packet->dst.port);
	struct sw_flow_track *track = head ? sw_flow_track_at(flows, *head) : NULL;

	if (packet->kind != SW_PACKET_TCP || !(packet->tcp.flags & SW_TCP_ACK) ||
	    !(packet->tcp.flags & (SW_TCP_SYN | SW_TCP_RST)))
		return NULL;
	for (int i = 0; track && i < TIE_WALK_MAX;
	     i++, track = sw_flow_track_at(flows, sw_flow_port_next(track, packet->dst.port))) {
		const struct sw_flow *flow = &track->flow;
		const struct sw_side *ours = &flow->side[SW_SIDE_OURS];
		if (track->mirror_of || flow->netns != packet->netns || flow->local.port != packet->dst.port)
			continue;
		if (!ours->isn_known || flow->side[SW_SIDE_PEER].packets)
			continue;
		int64_t acked = sw_flow_relative(ours, packet->tcp.ack);
		if (acked >= 1 && acked <= ours->sent_to) {
			sw_flow_alias(flows, track, &packet->src);
			return track;
		}
	}
	return NULL;
}

static bool is_of(const struct sw_flow *flow, const struct sw_packet *packet)
{
	if (flow->protocol != packet->protocol || flow->netns != packet->netns)
		return false;
	return sw_flow_end_equal(&flow->local, &packet->src) ?
		       sw_flow_end_equal(&flow->remote, &packet->dst) :
		       sw_flow_end_equal(&flow->local, &packet->dst) && sw_flow_end_equal(&flow->remote, &packet->src);
}

static struct sw_flow_track *track_for(struct sw_flows *flows, const struct sw_packet *packet,
				       struct sw_flow_change *change)
{
	struct sw_flow_track **lately = &flows->lately[(packet->src.port ^ packet->dst.port) / 2 % SW_FLOWS_LATELY];
	struct sw_flow_track *track = *lately;

	if (!track || !is_of(&track->flow, packet))
		track = sw_flow_lookup(flows, packet->netns, packet->protocol, &packet->src, &packet->dst);
	*lately = track;
	if (!track)
		track = tie_answer(flows, packet);
	if (track && !begins_anew(track, packet))
		return track;
	change->what |= SW_FLOW_BEGAN;
	bool src_is_local = sw_flow_src_is_local(flows, packet);
	track = sw_flow_make(flows, packet, src_is_local);
	if (packet->kind == SW_PACKET_TCP)
		track->flow.initiator = track->flow.local.port > track->flow.remote.port; /* until a SYN says */
	else
		track->flow.initiator = src_is_local;
	return track;
}

/* ---- copies --------------------------------------------------------------------------------------------------- */

static bool is_copy(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow_side_state *state = &track->side[from];
	uint32_t interface = packet->interface ^ ((uint32_t)packet->input << 20);

	track->many_interfaces |= interface != track->interface;
	if (packet->flags & SW_PACKET_DUPLICATE)
		return true;
	for (uint32_t i = 0; track->many_interfaces && i < SW_FLOW_MARKS; i++) {
		const struct sw_flow_mark *mark = &state->marks[i];
		int64_t apart = packet->time_ns - mark->time_ns;
		if (mark->time_ns && mark->interface != interface && apart <= SW_DUPLICATE_NS &&
		    apart >= -SW_DUPLICATE_NS && mark->seq == packet->tcp.seq && mark->ack == packet->tcp.ack &&
		    mark->length == packet->length && mark->flags == packet->tcp.flags &&
		    mark->ip_id == packet->ip_id && mark->window == packet->tcp.window &&
		    mark->tsval == packet->tcp.tsval)
			return true;
	}
	return false;
}

static void mark(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from)
{
	struct sw_flow_side_state *state = &track->side[from];

	state->marks[state->mark_next] = (struct sw_flow_mark){
		.time_ns = packet->time_ns,
		.seq = packet->tcp.seq,
		.ack = packet->tcp.ack,
		.tsval = packet->tcp.tsval,
		.length = packet->length,
		.interface = packet->interface ^ ((uint32_t)packet->input << 20),
		.ip_id = packet->ip_id,
		.window = packet->tcp.window,
		.flags = packet->tcp.flags,
	};
	state->mark_next = (state->mark_next + 1) % SW_FLOW_MARKS;
}

/* ---- other kinds of packets ----------------------------------------------------------------------------------- */

static void datagram(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		     struct sw_flow_change *change, enum sw_flow_keep *keep)
{
	struct sw_side *s = &track->flow.side[from], *other = &track->flow.side[SW_FLOW_OTHER(from)];

	s->last = s->last_data = s->last_new_data = sw_flow_seen(packet);
	if (!s->packets++) {
		s->first = s->first_data = sw_flow_seen(packet);
		*keep = SW_FLOW_KEEP_STATE;
	}
	if (packet->dns && *keep == SW_FLOW_KEEP_NOT)
		*keep = SW_FLOW_KEEP_ODD;
	s->data_packets++;
	s->bytes += packet->payload_length;
	s->ttl = packet->ttl;
	s->ip_id = packet->ip_id;
	if (packet->payload_length > s->largest_segment)
		s->largest_segment = packet->payload_length;
	sw_flow_history(track, from, SW_FLOW_LETTER_DATA);
	change->what |= SW_FLOW_NEW_DATA;
	change->new_bytes = packet->payload_length;
	if (other->packets && other->last.time_ns > other->acked_ns && packet->time_ns >= other->last.time_ns) {
		int64_t ns = packet->time_ns - other->last.time_ns; /* the first answer after a question */
		other->rtt_min_ns = !other->rtt_count || ns < other->rtt_min_ns ? ns : other->rtt_min_ns;
		other->rtt_max_ns = ns > other->rtt_max_ns ? ns : other->rtt_max_ns;
		other->rtt_sum_ns += ns;
		other->rtt_count++;
		other->acked_ns = packet->time_ns;
	}
}

/* Without options, which nobody puts into what is fragmented. */
static uint32_t above_ip(const struct sw_packet *packet)
{
	uint32_t headers = packet->src.ip.family == 6 ? 48 : 20;

	return packet->length > headers ? packet->length - headers : 0;
}

static void remember_fragment(struct sw_flows *flows, const struct sw_packet *packet, struct sw_flow *flow,
			      enum sw_flow_side from)
{
	flow->fragments++;
	flow->side[from].incomplete++;
	flow->side[from].last_incomplete = sw_flow_seen(packet);
	flows->fragments[flows->fragment_next] = (struct sw_flow_fragment){
		.src = packet->src.ip,
		.dst = packet->dst.ip,
		.id = packet->fragment_id,
		.flow = flow->id,
		.have = above_ip(packet),
	};
	flows->fragment_next = (flows->fragment_next + 1) % SW_FLOW_FRAGMENTS;
}

static void fragment(struct sw_flows *flows, const struct sw_packet *packet, struct sw_flow_change *change)
{
	for (uint32_t i = 0; i < SW_FLOW_FRAGMENTS; i++) {
		struct sw_flow_fragment *known = &flows->fragments[i];
		struct sw_flow_track *track = sw_flow_track_at(flows, known->flow);
		if (!track || known->id != packet->fragment_id || !sw_ip_equal(&known->src, &packet->src.ip) ||
		    !sw_ip_equal(&known->dst, &packet->dst.ip) || track->flow.netns != packet->netns)
			continue;
		track->flow.fragments++;
		track->flow.last_ns = packet->time_ns;
		change->flow = track->flow.id;
		change->mirror = track->flow.mirror;
		change->way = sw_ip_equal(&packet->src.ip, &track->flow.local.ip) ? SW_WAY_OUT : SW_WAY_IN;
		known->have += packet->payload_length;
		if (!(packet->flags & SW_PACKET_MORE_FRAGMENTS))
			known->total = packet->fragment_offset + packet->payload_length;
		if (known->total && known->have >= known->total) {
			track->flow.side[change->way == SW_WAY_OUT ? SW_SIDE_OURS : SW_SIDE_PEER].incomplete--;
			known->flow = 0;
		}
		return;
	}
}

/* ---- a packet ------------------------------------------------------------------------------------------------- */

static void learn_host(struct sw_flows *flows, const struct sw_flow_track *track, const struct sw_packet *packet,
		       enum sw_flow_side from, uint8_t ttl_before)
{
	bool rst = packet->kind == SW_PACKET_TCP && (packet->tcp.flags & SW_TCP_RST);

	if (!rst && packet->ttl && (track->flow.side[from].packets == 1 || packet->ttl != ttl_before))
		sw_flow_host_seen(flows, &packet->src.ip, packet->ttl);
}

static void segment(struct sw_flows *flows, const struct sw_packet *packet, struct sw_flow_change *change)
{
	struct sw_flow_track *track = track_for(flows, packet, change);
	struct sw_flow *flow = &track->flow;
	enum sw_flow_side from = side_of(flow, packet);
	enum sw_flow_keep keep = SW_FLOW_KEEP_NOT;
	uint8_t ttl_before = flow->side[from].ttl;

	change->flow = flow->id;
	change->mirror = flow->mirror;
	change->way = from == SW_SIDE_OURS ? SW_WAY_OUT : SW_WAY_IN;
	if (is_copy(track, packet, from)) {
		change->what = SW_FLOW_DUPLICATE | (change->what & SW_FLOW_BEGAN);
		return;
	}
	if (packet->flags & SW_PACKET_MORE_FRAGMENTS)
		remember_fragment(flows, packet, flow, from);
	flow->no_packets = false;
	if (packet->flags & SW_PACKET_BAD_CHECKSUM) {
		if (!flow->bad_checksums++)
			flow->first_bad_checksum = sw_flow_seen(packet);
		sw_flow_history(track, from, SW_FLOW_LETTER_CHECKSUM);
		keep = SW_FLOW_KEEP_ODD; /* its receiver drops it: no fact of the connection */
		flow->side[from].packets++;
	} else if (packet->kind == SW_PACKET_TCP) {
		sw_flow_tcp_packet(track, packet, from, change, &keep);
	} else {
		datagram(track, packet, from, change, &keep);
	}
	mark(track, packet, from);
	if (packet->time_ns > flow->last_ns)
		flow->last_ns = packet->time_ns;
	learn_host(flows, track, packet, from, ttl_before);
	sw_flow_kept_add(&track->kept, flow, packet, keep);
}

/* An echo request and its reply are a question and an answer by datagram; the identifier stands where the asker's port would. */
static void echo(struct sw_flows *flows, const struct sw_packet *packet, struct sw_flow_change *change)
{
	struct sw_packet datagram = *packet;

	if (packet->icmp.is_reply)
		datagram.dst.port = packet->icmp.identifier;
	else
		datagram.src.port = packet->icmp.identifier;
	segment(flows, &datagram, change);
}

struct sw_flow_change sw_flows_packet(struct sw_flows *flows, const struct sw_packet *packet)
{
	struct sw_flow_change change = {.acked_sent_ns = SW_TIME_NONE};

	switch (packet->kind) {
	case SW_PACKET_TCP:
	case SW_PACKET_UDP: segment(flows, packet, &change); break;
	case SW_PACKET_ICMP:
		if (packet->icmp.is_echo)
			echo(flows, packet, &change);
		else
			sw_flow_icmp(flows, packet, &change);
		break;
	case SW_PACKET_NEIGHBOR: sw_flow_neighbor_packet(flows, packet); break;
	case SW_PACKET_FRAGMENT: fragment(flows, packet, &change); break;
	case SW_PACKET_OTHER: break;
	}
	return change;
}
