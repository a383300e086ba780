/* What the flow files share: a flow with its working state, the table of flows, and the steps one packet goes through.
 *
 * Private to this folder. A packet enters flows.c, which finds or makes its track and its
 * direction; flow_tcp.c and its helpers turn it into facts; flow_kept.c remembers what stands for evidence. */
#ifndef SW_CORRELATE_FLOW_TRACK_H
#define SW_CORRELATE_FLOW_TRACK_H

#include <netinet/in.h>

#include "correlate/flows/flows.h"
#include "src/base/mem.h"

/* ---- segments under way (flow_segments.c) --------------------------------------------------------------------- */

struct sw_flow_segment { /* a range of the sequence space that was sent and is not acknowledged yet */
	int64_t start, end; /* relative */
	int64_t first_ns, last_ns; /* first and last time it was sent */
	uint32_t sends;
	bool sacked;
};

struct sw_flow_segments { /* ordered by start; items[head] is the oldest */
	struct sw_flow_segment *items;
	uint32_t head, count, room;
};

#define SW_FLOW_SEGMENTS_MAX 2048u /* more under way: the newest ones are merged */

struct sw_flow_hole { /* a range below sent_to that was not captured */
	int64_t from, to;
	int64_t made_ns; /* when the packet behind it came */
	uint32_t tsval; /* of that packet */
	uint16_t ip_id;
	bool acked; /* the receiver has it although the capture has not */
};
#define SW_FLOW_HOLES_MAX 16u

struct sw_flow_acked { /* what an acknowledgement took off the list */
	int64_t oldest_ns, newest_ns; /* first sent; SW_TIME_NONE nothing known */
	bool resent, newest_resent;
	int64_t newest_end; /* of the last segment that is covered whole, 0 none */
	uint32_t largest; /* largest segment of them */
};

void sw_flow_segments_add(struct sw_flow_segments *segments, int64_t start, int64_t end, int64_t now);
/* Marks the ranges as sent again; false where none of them is known. */
bool sw_flow_segments_resend(struct sw_flow_segments *segments, int64_t start, int64_t end, int64_t now);
struct sw_flow_acked sw_flow_segments_ack(struct sw_flow_segments *segments, int64_t to);
/* largest newly covered */
uint32_t sw_flow_segments_sack(struct sw_flow_segments *segments, int64_t start, int64_t end);
void sw_flow_segments_release(struct sw_flow_segments *segments);

/* ---- kept packets (flow_kept.c) ------------------------------------------------------------------------------- */

/* why a packet is kept: each reason has a room of its own, so that none crowds out another */
enum sw_flow_keep {
	SW_FLOW_KEEP_NOT, /* only while it is one of the last */
	SW_FLOW_KEEP_STATE,
	SW_FLOW_KEEP_LOSS,
	SW_FLOW_KEEP_WINDOW,
	SW_FLOW_KEEP_PROBE,
	SW_FLOW_KEEP_ICMP,
	SW_FLOW_KEEP_ODD, /* bad checksums, duplicates of the handshake, records of a handshake */
	SW_FLOW_KEEP_COUNT,
};

struct sw_flow_kept;
void sw_flow_kept_add(struct sw_flow_kept **kept, const struct sw_flow *flow, const struct sw_packet *packet,
		      enum sw_flow_keep why);
size_t sw_flow_kept_list(struct sw_flow_kept *kept, const struct sw_flow *flow, const struct sw_packet **packets,
			 size_t room);
void sw_flow_kept_free(struct sw_flow_kept *kept);

/* ---- a flow and its working state ----------------------------------------------------------------------------- */

struct sw_flow_mark { /* what tells one packet from its copies */
	int64_t time_ns;
	uint32_t seq, ack, tsval, length;
	uint32_t interface;
	uint16_t ip_id, window;
	uint8_t flags;
};
#define SW_FLOW_MARKS 4u

struct sw_flow_side_state {
	struct sw_flow_segments segments;
	struct sw_flow_hole *holes; /* SW_FLOW_HOLES_MAX, made when the first is needed */
	uint32_t hole_count;
	bool based; /* `isn` is a base to count from, be it a guess */
	bool scale_known;
	uint32_t duplicate_run; /* duplicate acknowledgements in a row that this side sent */
	int64_t last_duplicate_ns;
	uint32_t resent_tsval; /* of the first retransmission of the oldest segment (Eifel) */
	int64_t resent_at; /* its relative end, 0 none */
	uint32_t spurious_known; /* counted already, a DSACK for them is no news */
	int64_t permanent_missed; /* bytes of holes that were forgotten */
	uint32_t letters[12]; /* how often each event of the history happened */
	struct sw_flow_mark marks[SW_FLOW_MARKS];
	uint32_t mark_next;
};

struct sw_flow_track {
	struct sw_flow flow;
	struct sw_flow_side_state side[2];
	uint32_t previous; /* older flow of the same ends */
	/* older flow in the chain of the local port; of the remote port where both ends are ours */
	uint32_t previous_port[2];
	uint32_t mirror_of; /* this is a view of that flow */
	uint32_t owner; /* a note of link.c's: no fact of the flow */
	uint32_t interface; /* of the first packet, with its input */
	bool many_interfaces, in_two_chains;
	bool needed; /* flow_forget.c: somebody refers to it */
	struct sw_flow_kept *kept;
};

#define SW_FLOW_OTHER(side) ((side) == SW_SIDE_OURS ? SW_SIDE_PEER : SW_SIDE_OURS)

static inline struct sw_seen sw_flow_seen(const struct sw_packet *packet)
{
	return (struct sw_seen){.packet = packet->id, .input = packet->input, .time_ns = packet->time_ns};
}

/* Relative form of a number of this side's sequence space: the one nearest to what it sent last. */
static inline int64_t sw_flow_relative(const struct sw_side *side, uint32_t number)
{
	return side->sent_to + (int32_t)(number - (uint32_t)(side->isn + (uint64_t)side->sent_to));
}

/* ---- steps of a TCP packet ------------------------------------------------------------------------------------ */

void sw_flow_tcp_packet(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
			struct sw_flow_change *change, enum sw_flow_keep *keep);
void sw_flow_base(struct sw_flow_track *track, enum sw_flow_side side, uint32_t isn); /* counts that side from `isn` */
void sw_flow_data(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from, int64_t start,
		  struct sw_flow_change *change);
void sw_flow_ack(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		 struct sw_flow_change *change);
void sw_flow_window(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from,
		    struct sw_flow_change *change);
void sw_flow_rst(struct sw_flow_track *track, const struct sw_packet *packet, enum sw_flow_side from);
void sw_flow_holes_acked(struct sw_flow_track *track, enum sw_flow_side side);
void sw_flow_hole_note(struct sw_flow_track *track, enum sw_flow_side side);
uint32_t sw_flow_segment_size(const struct sw_flow *flow); /* largest payload both ends allow, 0 unknown */

/* A letter of the history: its place in "ShADFRTWCGKI", each the first time and then the 10th, 100th, ... */
enum sw_flow_letter {
	SW_FLOW_LETTER_SYN,
	SW_FLOW_LETTER_SYNACK,
	SW_FLOW_LETTER_ACK,
	SW_FLOW_LETTER_DATA,
	SW_FLOW_LETTER_FIN,
	SW_FLOW_LETTER_RST,
	SW_FLOW_LETTER_RETRANSMISSION,
	SW_FLOW_LETTER_ZERO_WINDOW,
	SW_FLOW_LETTER_CHECKSUM,
	SW_FLOW_LETTER_GAP,
	SW_FLOW_LETTER_KEEPALIVE,
	SW_FLOW_LETTER_ICMP,
};
void sw_flow_history(struct sw_flow_track *track, enum sw_flow_side side, enum sw_flow_letter letter);

/* ---- the table ------------------------------------------------------------------------------------------------ */

struct sw_flow_slot {
	uint32_t hash, flow; /* flow 0: empty */
};

struct sw_flow_index { /* open addressing; the match is the caller's */
	struct sw_flow_slot *slots;
	uint32_t mask, count;
};

struct sw_flow_fragment { /* the first fragment of a datagram, and how much of it has come */
	struct sw_ip src, dst;
	uint32_t id, flow;
	uint32_t have, total; /* bytes above IP; total 0: the last fragment has not come */
};
#define SW_FLOW_FRAGMENTS 64u

struct sw_flow_host {
	struct sw_ip ip;
	uint8_t ttl;
};

struct sw_flow_neighbor {
	struct sw_neighbor_seen seen;
	uint32_t next; /* in its bucket, 0 none; ids are 1-based */
};

#define SW_FLOW_NEIGHBOR_BUCKETS 256u
#define SW_FLOW_PORTS 65536u

#define SW_FLOW_PAGE 1024u

struct sw_flow_page { /* of neighbouring ids; NULL: forgotten, or not given out */
	struct sw_flow_track *tracks[SW_FLOW_PAGE];
};

#define SW_FLOWS_LATELY 64u /* a power of two */

struct sw_flows {
	SW_ARRAY(struct sw_flow_page *) pages; /* by (id - 1) / SW_FLOW_PAGE; NULL: all of it is forgotten */
	uint32_t last_id, living;
	struct sw_flow_index by_ends; /* the latest flow of each pair */
	struct sw_flow_index by_alias; /* translated answers: local end and remote_in */
	uint32_t *by_port[2]; /* TCP, UDP: the latest flow of each local port */
	struct sw_flow_track *lately[SW_FLOWS_LATELY]; /* of the last packets, by their ports; emptied where a look-up
							  may answer otherwise */
	sw_flows_local local;
	void *context;
	struct sw_flow_fragment fragments[SW_FLOW_FRAGMENTS];
	uint32_t fragment_next;
	SW_ARRAY(struct sw_flow_host) hosts;
	struct sw_flow_index by_host;
	SW_ARRAY(struct sw_flow_neighbor) neighbors;
	uint32_t neighbor_buckets[SW_FLOW_NEIGHBOR_BUCKETS];
};

uint32_t sw_flow_hash_ip(const struct sw_ip *ip);
/* either order */
uint32_t sw_flow_hash_ends(uint8_t protocol, const struct sw_endpoint *a, const struct sw_endpoint *b);
bool sw_flow_end_equal(const struct sw_endpoint *a, const struct sw_endpoint *b);
void sw_flow_index_put(struct sw_flow_index *index, uint32_t hash, uint32_t flow);
struct sw_flow_track *sw_flow_track_at(const struct sw_flows *flows, uint32_t id);
/* The flow whose packets these are: for a mirror what it is a view of, with the sides swapped. */
struct sw_flow_track *sw_flow_stored_at(const struct sw_flows *flows, uint32_t id);
/* The latest flow of these ends in that namespace, in either order; aliases included. */
struct sw_flow_track *sw_flow_lookup(const struct sw_flows *flows, uint32_t netns, uint8_t protocol,
				     const struct sw_endpoint *a, const struct sw_endpoint *b);
/* The latest flow of the pair in any namespace, without aliases. */
struct sw_flow_track *sw_flow_latest_of(const struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *a,
					const struct sw_endpoint *b);
uint32_t *sw_flow_port_chain(const struct sw_flows *flows, uint8_t protocol, uint16_t port); /* NULL: none */
uint32_t sw_flow_port_next(const struct sw_flow_track *track, uint16_t port);
void sw_flow_add(struct sw_flows *flows, struct sw_flow_track *track); /* gives it its id */
void sw_flow_enter(struct sw_flows *flows, struct sw_flow_track *track); /* so that it is found by its ends and ports */
void sw_flow_enter_alias(struct sw_flows *flows, struct sw_flow_track *track);
void sw_flow_lately_clear(struct sw_flows *flows);
void sw_flow_free(struct sw_flow_track *track);
struct sw_flow_track *sw_flow_make(struct sw_flows *flows, const struct sw_packet *packet, bool src_is_local);
bool sw_flow_src_is_local(struct sw_flows *flows, const struct sw_packet *packet);
void sw_flow_alias(struct sw_flows *flows, struct sw_flow_track *track, const struct sw_endpoint *remote_in);
struct sw_flow_track *sw_flow_mirror(struct sw_flows *flows, struct sw_flow_track *track);
void sw_flow_mirror_refresh(const struct sw_flows *flows, struct sw_flow_track *mirror);

void sw_flow_icmp(struct sw_flows *flows, const struct sw_packet *packet, struct sw_flow_change *change);
void sw_flow_neighbor_packet(struct sw_flows *flows, const struct sw_packet *packet);
void sw_flow_host_seen(struct sw_flows *flows, const struct sw_ip *ip, uint8_t ttl);

#endif
