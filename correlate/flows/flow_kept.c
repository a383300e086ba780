/* Packets kept for evidence: a bounded number for each flow, whatever passes.
 *
 * Enters: packets with a reason to be kept. Leaves: copies without payload. Each reason has room for its first few and its last few;
 * a ring holds the flow's last packets whatever they are. Made at a flow's first packet, freed when the flow is shrunk. */
#include "correlate/flows/flow_track.h"

#include <string.h>

#include "capture/dns.h"
#include "capture/tls.h"

#define RING 16u

static const struct {
	uint8_t first, last;
} rooms[SW_FLOW_KEEP_COUNT] = {
	[SW_FLOW_KEEP_STATE] = {10, 4}, [SW_FLOW_KEEP_LOSS] = {5, 5}, [SW_FLOW_KEEP_WINDOW] = {3, 3},
	[SW_FLOW_KEEP_PROBE] = {3, 3},  [SW_FLOW_KEEP_ICMP] = {3, 3}, [SW_FLOW_KEEP_ODD] = {4, 2},
};

struct brief { /* a plain TCP or UDP segment in the ring: what its text needs */
	int64_t time_ns;
	uint32_t id, interface, flags, length, payload_length, seq, ack, tsval, tsecr;
	uint32_t sack_left, sack_right;
	uint16_t input, place, ip_id, window;
	uint8_t ttl, tcp_flags, way, kind;
	bool from_local, translated, timestamps, sacked;
};

struct sw_flow_kept {
	struct brief ring[RING];
	uint32_t ring_count; /* ever put in */
	uint32_t seen[SW_FLOW_KEEP_COUNT]; /* ever, by reason */
	struct sw_packet *full; /* what has a reason */
	uint8_t *why;
	uint32_t full_count, full_room;
	struct sw_packet *list; /* what sw_flow_kept_list() gave out */
};

/* What was decoded of the payload is copied along; the payload is not. */
static struct sw_packet without_payload(const struct sw_packet *packet)
{
	struct sw_packet copy = *packet;

	copy.payload = NULL;
	copy.payload_captured = 0;
	if (packet->dns) {
		struct sw_dns *dns = sw_alloc(sizeof *dns);
		*dns = *packet->dns;
		dns->next = NULL;
		copy.dns = dns;
	}
	if (packet->tls) {
		struct sw_tls *tls = sw_alloc(sizeof *tls);
		*tls = *packet->tls;
		copy.tls = tls;
	}
	return copy;
}

static void release(struct sw_packet *packet)
{
	free((void *)packet->dns);
	free((void *)packet->tls);
}

static void put_full(struct sw_flow_kept *kept, const struct sw_packet *packet, enum sw_flow_keep why)
{
	uint32_t nth = kept->seen[why]++, first = rooms[why].first, total = first + rooms[why].last;

	if (nth >= total) { /* the oldest of the last ones gives way; they stand in the order they came */
		for (uint32_t i = 0, skip = first; i < kept->full_count; i++) {
			if (kept->why[i] != why || skip--)
				continue;
			release(&kept->full[i]);
			kept->full_count--;
			memmove(&kept->full[i], &kept->full[i + 1], (kept->full_count - i) * sizeof *kept->full);
			memmove(&kept->why[i], &kept->why[i + 1], kept->full_count - i);
			break;
		}
	}
	if (kept->full_count == kept->full_room) {
		kept->full_room = kept->full_room ? kept->full_room * 2 : 4;
		kept->full = sw_realloc(kept->full, kept->full_room * sizeof *kept->full);
		kept->why = sw_realloc(kept->why, kept->full_room);
	}
	kept->why[kept->full_count] = (uint8_t)why;
	kept->full[kept->full_count++] = without_payload(packet);
}

static void put_brief(struct sw_flow_kept *kept, const struct sw_flow *flow, const struct sw_packet *packet)
{
	struct brief *brief = &kept->ring[kept->ring_count++ % RING];
	bool from_local = sw_flow_end_equal(&packet->src, &flow->local);
	const struct sw_endpoint *far = from_local ? &packet->dst : &packet->src;

	*brief = (struct brief){
		.time_ns = packet->time_ns,
		.id = packet->id,
		.interface = packet->interface,
		.flags = packet->flags,
		.length = packet->length,
		.payload_length = packet->payload_length,
		.seq = packet->tcp.seq,
		.ack = packet->tcp.ack,
		.tsval = packet->tcp.tsval,
		.tsecr = packet->tcp.tsecr,
		.input = packet->input,
		.place = packet->place,
		.ip_id = packet->ip_id,
		.window = packet->tcp.window,
		.ttl = packet->ttl,
		.tcp_flags = packet->kind == SW_PACKET_ICMP ? packet->icmp.type : packet->tcp.flags,
		.way = (uint8_t)packet->way,
		.kind = (uint8_t)packet->kind,
		.from_local = from_local,
		.translated = far->port != flow->remote.port || !sw_ip_equal(&far->ip, &flow->remote.ip),
		.timestamps = packet->tcp.timestamps,
		.sacked = packet->tcp.sack_count > 0,
		.sack_left = packet->tcp.sack[0].left,
		.sack_right = packet->tcp.sack[0].right,
	};
}

void sw_flow_kept_add(struct sw_flow_kept **kept, const struct sw_flow *flow, const struct sw_packet *packet,
		      enum sw_flow_keep why)
{
	if (!*kept)
		*kept = sw_alloc(sizeof **kept);
	if (why != SW_FLOW_KEEP_NOT)
		put_full(*kept, packet, why);
	else
		put_brief(*kept, flow, packet);
}

static struct sw_packet unbrief(const struct brief *brief, const struct sw_flow *flow)
{
	const struct sw_endpoint *far = brief->translated ? &flow->remote_in : &flow->remote;
	struct sw_packet packet = {
		.id = brief->id,
		.input = brief->input,
		.place = brief->place,
		.netns = flow->netns,
		.interface = brief->interface,
		.time_ns = brief->time_ns,
		.kind = brief->kind,
		.way = brief->way,
		.flags = brief->flags,
		.src = brief->from_local ? flow->local : *far,
		.dst = brief->from_local ? *far : flow->local,
		.protocol = flow->protocol,
		.ttl = brief->ttl,
		.ip_id = brief->ip_id,
		.length = brief->length,
		.payload_length = brief->payload_length,
	};

	if (packet.kind == SW_PACKET_ICMP) { /* an echo request or its reply */
		packet.icmp =
			(struct sw_icmp){.type = brief->tcp_flags, .v6 = packet.src.ip.family == 6, .is_echo = true};
		return packet;
	}
	packet.tcp = (struct sw_tcp){.seq = brief->seq,
				     .ack = brief->ack,
				     .window = brief->window,
				     .flags = brief->tcp_flags,
				     .window_scale = 255,
				     .timestamps = brief->timestamps,
				     .tsval = brief->tsval,
				     .tsecr = brief->tsecr,
				     .sack_count = brief->sacked};
	packet.tcp.sack[0].left = brief->sack_left;
	packet.tcp.sack[0].right = brief->sack_right;
	return packet;
}

static int by_time(const void *a, const void *b)
{
	const struct sw_packet *one = a, *two = b;

	if (one->time_ns != two->time_ns)
		return one->time_ns < two->time_ns ? -1 : 1;
	return one->id < two->id ? -1 : one->id > two->id;
}

size_t sw_flow_kept_list(struct sw_flow_kept *kept, const struct sw_flow *flow, const struct sw_packet **packets,
			 size_t room)
{
	uint32_t count = 0;

	if (!kept)
		return 0;
	free(kept->list);
	kept->list = sw_alloc((kept->full_count + RING) * sizeof *kept->list);
	for (uint32_t i = 0; i < kept->full_count; i++)
		kept->list[count++] = kept->full[i];
	for (uint32_t i = 0; i < RING && i < kept->ring_count; i++)
		kept->list[count++] = unbrief(&kept->ring[i], flow);
	qsort(kept->list, count, sizeof *kept->list, by_time);
	uint32_t skip = count > room ? count - (uint32_t)room : 0; /* the newest are nearest to the symptom */
	for (uint32_t i = skip; i < count; i++)
		packets[i - skip] = &kept->list[i];
	return count - skip;
}

void sw_flow_kept_free(struct sw_flow_kept *kept)
{
	if (!kept)
		return;
	for (uint32_t i = 0; i < kept->full_count; i++)
		release(&kept->full[i]);
	free(kept->full);
	free(kept->why);
	free(kept->list);
	free(kept);
}
