/* The table of flows: packets in, flows found by their endpoints.
 *
 * A port pair can carry several connections: a SYN with a new initial sequence number after the end of the old one, or with no
 * living predecessor, begins a new flow. A packet seen on several interfaces counts once (capture marks it SW_PACKET_DUPLICATE where it knows; the same
 * bytes again within SW_DUPLICATE_NS on another interface are one packet too). */
#ifndef SW_CORRELATE_FLOWS_H
#define SW_CORRELATE_FLOWS_H

#include "correlate/flow.h"

struct sw_flows;

struct sw_flows *sw_flows_new(void);
void sw_flows_free(struct sw_flows *flows);

/* Says which endpoint is ours: asked once for each new pair. Returns SW_WAY_OUT when `src` is the local end, SW_WAY_IN when
 * `dst` is, SW_WAY_UNKNOWN when neither is known (then the link layer's way, then the SYN decides). */
typedef enum sw_packet_way (*sw_flows_local)(void *context, const struct sw_packet *packet);
void sw_flows_set_local(struct sw_flows *flows, sw_flows_local local, void *context);

/* What a packet did to its flow, for who follows flows as they happen (byte accounting, debts). */
#define SW_FLOW_BEGAN 0x001u
#define SW_FLOW_RETRANSMISSION 0x002u
#define SW_FLOW_NEW_DATA 0x004u
#define SW_FLOW_ACKED_MORE 0x008u
#define SW_FLOW_STATE_CHANGED 0x010u
#define SW_FLOW_KEEPALIVE 0x020u
#define SW_FLOW_WINDOW_PROBE 0x040u
#define SW_FLOW_ZERO_WINDOW 0x080u
#define SW_FLOW_ICMP 0x100u
#define SW_FLOW_DUPLICATE 0x200u /* seen already on another interface: nothing changed */
struct sw_flow_change {
	uint32_t flow; /* id; 0: belongs to none (ARP, an ICMP that quotes nothing known) */
	enum sw_packet_way way;
	uint32_t what; /* SW_FLOW_* */
	int64_t new_bytes; /* payload never seen before */
};
struct sw_flow_change sw_flows_packet(struct sw_flows *flows, const struct sw_packet *packet);

struct sw_flow *sw_flows_get(struct sw_flows *flows, uint32_t id); /* NULL when unknown */
size_t sw_flows_count(const struct sw_flows *flows);
/* The latest flow of these ends that lived at `at_ns` (began no later than at_ns + slack_ns); remote port 0: any remote end. */
struct sw_flow *sw_flows_find(struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *local,
			      const struct sw_endpoint *remote, int64_t at_ns, int64_t slack_ns);

/* Packets kept for evidence: those that changed a flow's state and the last few; copies, oldest first. */
size_t sw_flows_kept(const struct sw_flows *flows, uint32_t flow, const struct sw_packet **packets, size_t room);

/* Neighbour resolution (ARP, neighbour discovery) by target address: what was asked and answered. */
struct sw_neighbor_seen {
	struct sw_ip target;
	uint32_t asked, answered;
	struct sw_seen first_ask, last_ask, first_answer;
	int64_t unanswered_since_ns; /* SW_TIME_NONE: answered */
};
const struct sw_neighbor_seen *sw_flows_neighbor(const struct sw_flows *flows, const struct sw_ip *target);
size_t sw_flows_neighbors(const struct sw_flows *flows, const struct sw_neighbor_seen **list, size_t room);

#endif
