/* Flows: what the packets say of one connection (TCP) or one pair of endpoints (UDP), in one pass.
 *
 * Enters: packets in order of time. Leaves: struct sw_flow, facts only; no judgement. Knows nothing of calls, debts or
 * verdicts. Direction is from the local end, never from the link layer. Sequence numbers are kept relative to the
 * initial one (64 bits, so that a wrap is no event). RFC 9293, 2018 (SACK), 7323 (timestamps), 5681, 6675, 8985. */
#ifndef SW_CORRELATE_FLOW_H
#define SW_CORRELATE_FLOW_H

#include "capture/packet.h"
#include "correlate/report.h"

enum sw_rst_class { /* VERDICTS.md: who made this RST */
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

struct sw_icmp_seen { /* ICMP errors that quote this flow, grouped by type and code */
	uint8_t type, code;
	bool v6, on_loopback, quotes_unseen; /* the quoted packet stands nowhere in the capture */
	bool quotes_syn;
	struct sw_ip source;
	uint32_t mtu, count;
	struct sw_seen first, last;
};

#define SW_FLOW_ICMP_MAX 4

struct sw_side { /* one direction of a flow: what this end sent and how the other acknowledged it */
	int64_t packets, data_packets, bytes; /* bytes: new payload, without retransmissions */
	int64_t retransmissions, retransmitted_bytes, fast_retransmissions, spurious_retransmissions;
	int64_t duplicate_acks, zero_windows, window_probes, keepalives, out_of_order;
	uint32_t syns, syn_retransmissions, fins, fin_retransmissions, rsts;
	struct sw_seen first, last, syn, last_syn, first_data, last_data, last_new_data, fin, first_fin_again, rst, zero_window,
		first_retransmission, last_retransmission, last_keepalive, last_ack;
	enum sw_rst_class rst_class;
	bool isn_known;
	uint32_t isn;
	int64_t sent_to; /* relative sequence number behind the last byte sent (1: SYN) */
	int64_t acked_to; /* of it, acknowledged by the other side */
	int64_t acked_ns; /* when acked_to last moved */
	int64_t fin_at; /* relative sequence number of the FIN, 0 none */
	uint32_t window; /* last advertised by this side, scaled */
	uint8_t window_scale, ttl, ttl_rst; /* ttl: of its non-RST packets, 0 unknown */
	uint16_t mss, ip_id;
	bool ip_id_zero, timestamps, sack, lost_by_capture; /* lost: a gap that was acknowledged although never captured */
	uint32_t largest_segment, largest_acked; /* payload bytes of one segment, capped at the MSS where offload merged them */
	int64_t rtt_min_ns, rtt_max_ns, rtt_sum_ns, rtt_count; /* of segments this side sent and did not retransmit (Karn) */
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
	enum sw_flow_state state;
	int64_t first_ns, last_ns, established_ns; /* SW_TIME_NONE: not */
	struct sw_side side[2]; /* enum sw_flow_side */
	struct sw_seen synack, handshake_ack, challenge_ack, rst_to_syn, last_synack;
	uint32_t synack_count;
	struct sw_icmp_seen icmp[SW_FLOW_ICMP_MAX];
	uint32_t icmp_count;
	uint32_t fragments, bad_checksums;
	struct sw_seen first_bad_checksum;
	char history[64]; /* zeek's letters: S h A D F R, capitals ours (the initiator's when we are that), ends with '+' when cut */
};

const char *sw_flow_state_name(enum sw_flow_state state);

#endif
