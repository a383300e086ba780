/* The table of flows: packets in, flows found by their endpoints.
 *
 * A port pair can carry several connections: a SYN with a new initial sequence number after the end of the old one, or with no
 * living predecessor, begins a new flow. A packet seen on several interfaces counts once (capture marks it SW_PACKET_DUPLICATE where it knows; the same
 * bytes again within SW_DUPLICATE_NS on another interface are one packet too). */
#ifndef SW_CORRELATE_FLOWS_H
#define SW_CORRELATE_FLOWS_H

#include "correlate/flows/flow.h"

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
#define SW_FLOW_FIN 0x400u /* the first FIN of that side */
#define SW_FLOW_RST 0x800u
#define SW_FLOW_SPURIOUS 0x2000u /* the packet says that something was sent again for nothing: it had arrived */
#define SW_FLOW_WINDOW 0x1000u /* the sender's window changed */
struct sw_flow_change {
	uint32_t flow; /* id; 0: belongs to none (ARP, an ICMP that quotes nothing known) */
	enum sw_packet_way way;
	uint32_t what; /* SW_FLOW_* */
	int64_t new_bytes; /* payload never seen before */
	uint32_t mirror; /* the flow's view from its other end, 0 none; `way` is then the opposite */
	int64_t acked_sent_ns; /* when the oldest byte of them was first sent; SW_TIME_NONE not known */
	bool acked_resent; /* any of them was sent more than once */
	int64_t unacked_sent_ns; /* when the oldest byte was first sent that is still unacknowledged; SW_TIME_NONE none or not known */
	bool unacked_resent; /* it was sent again */
	/* packets of its sender that never came between the one before and this one, by their IPv4 ids */
	uint32_t lost_before;
	bool acked_all; /* nothing of the other side is unacknowledged any more */
};
#define SW_DUPLICATE_NS (2 * SW_NS_PER_MS)
/* The change as the flow's mirror sees it. */
static inline struct sw_flow_change sw_flow_change_mirrored(struct sw_flow_change change)
{
	uint32_t flow = change.flow;

	change.flow = change.mirror;
	change.mirror = flow;
	change.way = change.way == SW_WAY_OUT ? SW_WAY_IN : SW_WAY_OUT;
	return change;
}
struct sw_flow_change sw_flows_packet(struct sw_flows *flows, const struct sw_packet *packet);

struct sw_flow *sw_flows_get(struct sw_flows *flows, uint32_t id); /* NULL when unknown */
size_t sw_flows_count(const struct sw_flows *flows); /* ever seen: the highest id */
uint32_t sw_flows_next(const struct sw_flows *flows, uint32_t after); /* the next id that is known, 0 none */
/* Whose it is, for who ties flows to sockets: a number that is kept with it, 0 at first. NULL: unknown flow. */
uint32_t *sw_flows_owner(const struct sw_flows *flows, uint32_t id);

/* Forgetting: first all that somebody still refers to are marked, then the oldest of the others go, those that ended well before others,
 * until `most` are left. A flow in which a packet passed lately stays. */
uint32_t sw_flows_living(const struct sw_flows *flows);
void sw_flows_need(struct sw_flows *flows, uint32_t id);
void sw_flows_awaited(struct sw_flows *flows, uint32_t id);
void sw_flows_forget(struct sw_flows *flows, int64_t now_ns, uint32_t most); /* and takes the marks away */
/* The latest flow of these ends that had begun at `at_ns`; remote port 0: any remote end. */
struct sw_flow *sw_flows_find(struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *local,
			      const struct sw_endpoint *remote, int64_t at_ns);

struct sw_flow *sw_flows_find_in(struct sw_flows *flows, uint32_t netns, uint8_t protocol,
				 const struct sw_endpoint *local, const struct sw_endpoint *remote, int64_t at_ns);
/* All flows of a local port, newest first, that lived at any time of [from_ns, to_ns]; local ip.family 0 or the any address: any.
 * Returns how many, at most `room`. */
size_t sw_flows_of_port(const struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *local,
			int64_t from_ns, int64_t to_ns, uint32_t *ids, size_t room);

/* Where both ends are this host's, one packet belongs to two sockets. A flow is stored once, seen from one end (the initiator,
 * unless the callback says the other). sw_flows_find() for the other end gives its mirror: a flow with an id of its own, sides and
 * ends swapped, brought up to date whenever it is got or found. A mirror's pointer is const in spirit: changes to it are lost. */

/* Packets kept for evidence: those that changed a flow's state and the last few; copies, oldest first, without payload. They live
 * until the flow's next packet, the next call of this for the flow, or its shrinking. */
size_t sw_flows_kept(const struct sw_flows *flows, uint32_t flow, const struct sw_packet **packets, size_t room);
#define SW_FLOW_KEPT_MAX 64

/* Frees what only an open or ailing flow needs (kept packets, segments under way); its facts stay. */
void sw_flows_shrink(struct sw_flows *flows, uint32_t flow);

/* When the oldest unacknowledged byte of that side was first sent, and whether it was sent again.
 * false: nothing is under way. */
struct sw_flow_unacked {
	int64_t oldest_sent_ns;
	bool resent; /* the oldest was */
	int64_t bytes;
};
bool sw_flows_unacked(const struct sw_flows *flows, uint32_t flow, enum sw_flow_side side,
		      struct sw_flow_unacked *unacked);

/* The hop count (TTL as received) of that host's packets that are neither RST nor ICMP errors, over all flows; 0 unknown. */
uint8_t sw_flows_host_ttl(const struct sw_flows *flows, const struct sw_ip *host);

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
