/* Flows: what the packets say of one connection (TCP) or one pair of endpoints (UDP), in one pass.
 *
 * Enters: packets in order of time. Leaves: struct sw_flow, facts only; no judgement. Knows nothing of calls, debts or
 * verdicts. Direction is from the local end, never from the link layer. Sequence numbers are kept relative to the
 * initial one (64 bits, so that a wrap is no event). RFC 9293, 2018 (SACK), 7323 (timestamps), 5681, 6675, 8985. */
#ifndef SW_CORRELATE_FLOW_H
#define SW_CORRELATE_FLOW_H

#include "capture/packet.h"
#include "correlate/report.h"

/* VERDICTS.md: who made this RST */
enum sw_rst_class {
	SW_RST_NONE,
	SW_RST_LIVING_SOCKET, /* RST+ACK, timestamps when negotiated, running IP id */
	SW_RST_NO_SOCKET, /* bare RST without timestamps, id 0: host without that socket, or a REJECT */
	SW_RST_TO_SYN, /* RST+ACK of a SYN */
	SW_RST_STRANGER, /* hop count or id unlike the peer's own packets */
};

struct sw_seen { /* a packet that the facts point at */
	uint32_t packet; /* id; 0: none */
	uint16_t input;
	int64_t time_ns;
};

/* Marks of a RST that decide its class; several may hold. */
#define SW_RST_MARK_TTL 0x01u /* hop count unlike that side's other packets */
#define SW_RST_MARK_ID 0x02u /* IPv4 id neither 0 nor near that side's running one */
#define SW_RST_MARK_NO_ACK 0x04u
#define SW_RST_MARK_NO_TIMESTAMPS 0x08u /* although the connection uses them */
#define SW_RST_MARK_ID_ZERO 0x10u /* while that side's data carries running ids */
#define SW_RST_MARK_ODD_SEQUENCE 0x20u /* not exactly where that side's sequence stands */

struct sw_icmp_seen { /* ICMP errors that quote this flow, grouped by type, code, source and whose packet they quote */
	uint8_t type, code;
	bool v6, on_loopback, quotes_unseen; /* the quoted packet stands nowhere in the capture */
	bool quotes_syn;
	bool quotes_peer; /* what is quoted is a packet of the peer's: we, or a host near us, complain */
	bool translated; /* the quote's addresses are not the flow's: tied by local port and sequence number */
	struct sw_ip source;
	uint32_t mtu, count;
	struct sw_seen first, last;
};

#define SW_SAID_ENDLESS INT64_MAX
#define SW_SAID_CHUNKED (-1)

#define SW_FLOW_ICMP_MAX 4
#define SW_SILENCE_NS SW_NS_PER_S /* no packet for so long is a silence */

struct sw_side { /* one direction of a flow: what this end sent and how the other acknowledged it */
	int64_t packets, data_packets, bytes; /* bytes: new payload, without retransmissions */
	int64_t retransmissions, retransmitted_bytes, fast_retransmissions, spurious_retransmissions;
	int64_t duplicate_acks, zero_windows, window_probes, keepalives, out_of_order;
	uint32_t syns, syn_retransmissions, fins, fin_retransmissions, rsts;
	struct sw_seen first, last, syn, last_syn, first_data, last_data, last_new_data, fin, first_fin_again, rst,
		zero_window, first_retransmission, last_retransmission, last_keepalive, last_ack;
	enum sw_rst_class rst_class;
	bool isn_known;
	uint32_t isn;
	int64_t sent_to; /* relative sequence number behind the last byte sent (1: SYN) */
	int64_t acked_to; /* of it, acknowledged by the other side */
	int64_t acked_ns; /* when acked_to last moved */
	int64_t fin_at; /* relative sequence number of the FIN, 0 none */
	uint32_t window; /* last advertised by this side, scaled */
	uint8_t window_scale, ttl, ttl_rst; /* ttl: of its non-RST packets, 0 unknown */
	uint16_t mss, ip_id, ip_id_next;
	int64_t lost_packets; /* that this side sent and that never came here: gaps in its IPv4 ids, which run in one connection (Linux) */
	struct sw_seen lost_last; /* the packet behind the last such gap */
	uint32_t ip_id_steps; /* how often the id was the next one */
	/* lost: a gap that was acknowledged although never captured */
	bool ip_id_zero, timestamps, sack, lost_by_capture;
	/* payload bytes of one segment, capped at the MSS where offload merged them */
	uint32_t largest_segment, largest_acked;
	/* of segments this side sent and did not retransmit (Karn) */
	int64_t rtt_min_ns, rtt_max_ns, rtt_sum_ns, rtt_count;

	/* more about what this side sent again: retransmissions = fast + timeout; a tail is what nothing newer followed */
	int64_t timeout_retransmissions, tail_retransmissions;
	uint32_t retransmissions_unanswered; /* since the other side last acknowledged anything more */
	int64_t duplicates; /* the same packet twice on one interface: duplicated by the network or the capture */
	uint32_t largest_unacked; /* largest segment that was sent again and is not acknowledged, 0 none */
	uint32_t segment_size; /* largest payload that both MSS options allow, 0 unknown */
	int64_t sacked_to; /* relative, behind the highest byte that the other side has acknowledged selectively */
	int64_t missed_bytes; /* acknowledged by the other side, never captured */
	int64_t hole_at, hole_to; /* first range below sent_to that was neither captured nor acknowledged; 0 none */
	uint32_t after_hole_largest; /* largest segment that came behind it */

	/* probes; an answer is any packet of the other side */
	uint32_t probes_unanswered; /* keepalive and window probes in a row */
	struct sw_seen last_probe, last_zero_window;
	int64_t window_fulls; /* segments that filled the other side's window */
	int64_t zero_window_ns; /* time that this side's window stood at zero, as far as it is over */
	int64_t zero_since_ns; /* it stands at zero since; SW_TIME_NONE it does not */

	/* what its FIN and RST had seen of the other side; relative numbers of the other side */
	int64_t fin_ack, fin_other_sent; /* acknowledged by the FIN; sent by the other when the FIN passed */
	int64_t rst_ack; /* -1: the RST carries no ACK */
	uint32_t rst_marks; /* SW_RST_MARK_* of the first RST */
	/* what the first bytes of its segments say (capture/speech.h); said_to: relative number behind the answer whose head it has sent */
	int64_t said_to; /* 0 not known, SW_SAID_ENDLESS; SW_SAID_CHUNKED until the last chunk has come */
	int64_t said_body; /* of it, the body alone; -1 not known */
	/* its last request asks the other side to answer when there is news; for a head alone; for a body, too */
	bool asks_to_wait, asks_head, asks_whole;
	bool asked_all; /* that request was understood, and has no body: the other side owes an answer */
	bool asks_tls; /* its last request is to begin TLS on this connection */
	struct sw_seen refused_tls; /* it said no to such a request */
	int64_t refused_at; /* relative number up to which the other side had sent then */
	bool unread; /* of a segment not even the first bytes were captured: what it says is not known */
	uint8_t tail; /* how much of the empty line that ends an answer in chunks what it has sent ends with (sw_speech_tail) */

	int64_t incomplete; /* datagrams in fragments of which not all have come */
	struct sw_seen last_incomplete; /* the first fragment of the latest of them */
	bool rst_answers_data; /* nothing of this side lay between the other side's last data or FIN and this RST */
};

enum sw_flow_side { SW_SIDE_OURS, SW_SIDE_PEER };

enum sw_flow_state {
	SW_FLOW_NEW,
	SW_FLOW_SYN_SENT,
	SW_FLOW_SYN_RECEIVED,
	SW_FLOW_ESTABLISHED,
	SW_FLOW_OURS_CLOSED, /* our FIN left */
	SW_FLOW_PEER_CLOSED, /* the peer's FIN came */
	SW_FLOW_CLOSED,
	SW_FLOW_RESET,
};

struct sw_flow {
	uint32_t id;
	uint32_t netns;
	uint8_t protocol;
	struct sw_endpoint local, remote; /* as the packets carry them */
	struct sw_endpoint remote_in; /* where answers come from, when translation makes it another; port 0: the same */
	bool initiator; /* our side sent the SYN (UDP: the first datagram) */
	bool loopback; /* both ends are this host */
	bool began_before; /* no SYN was seen */
	bool awaited; /* a thread waited for connections when a SYN of the peer's came: sw_flows_awaited() */
	enum sw_flow_state state;
	int64_t first_ns, last_ns, established_ns; /* SW_TIME_NONE: not */
	struct sw_side side[2]; /* enum sw_flow_side */
	struct sw_seen synack, handshake_ack, challenge_ack, rst_to_syn, last_synack;
	uint32_t synack_count;
	struct sw_icmp_seen icmp[SW_FLOW_ICMP_MAX];
	uint32_t icmp_count;
	uint32_t fragments, bad_checksums;
	struct sw_seen first_bad_checksum;
	bool no_packets; /* known only from an ICMP error that quotes it */
	int64_t synack_rtt_ns; /* from the last SYN to the SYN-ACK, -1 unknown */
	int64_t silence_ns; /* length of the last silence above SW_SILENCE_NS, 0 none */
	struct sw_seen silence_end; /* the packet that ended it */
	int64_t silence_before_ns; /* the longest silence before that one: the connection's own rhythm */
	uint32_t mirror; /* the same packets seen from the other end (flows.h); 0 none was asked for */
	bool mirrored; /* this is such a view */
	bool unserved; /* a debt of serving was opened for it */
	/* zeek's letters: S h A D F R, capitals ours (the initiator's when we are that), ends with '+' when cut */
	char history[64];
};

/* Bytes that the head of this side's answer announced and that it has not sent; 0 where no length is known. */
int64_t sw_side_missing(const struct sw_side *side);
/* The first sign that this side has gone: its FIN or its RST; packet 0: none. */
struct sw_seen sw_side_gone(const struct sw_side *side);
/* It has closed in the middle of an answer in chunks. */
bool sw_side_chunks_cut(const struct sw_side *side);
const char *sw_flow_state_name(enum sw_flow_state state);

#endif
