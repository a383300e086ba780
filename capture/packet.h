/* What crossed an interface, as plain data: one decoded packet.
 *
 * Made by the live capture, by the capture file readers and by the case reader; read by the correlator and the
 * reports, which need to know nothing of libpcap. What is pointed to is valid only while the record is delivered. */
#ifndef SW_CAPTURE_PACKET_H
#define SW_CAPTURE_PACKET_H

#include "capture/speech.h"
#include "src/base/addr.h"
#include "src/base/clock.h"

enum sw_packet_kind {
	SW_PACKET_OTHER, /* IP with a protocol that is not decoded, or not IP */
	SW_PACKET_TCP,
	SW_PACKET_UDP,
	SW_PACKET_ICMP, /* ICMP and ICMPv6 but for neighbour discovery */
	SW_PACKET_NEIGHBOR, /* ARP, ICMPv6 neighbour solicitation and advertisement */
	SW_PACKET_FRAGMENT, /* a fragment that has no transport header; `ip_id` says of what */
};

enum sw_packet_way {
	SW_WAY_UNKNOWN,
	SW_WAY_IN,
	SW_WAY_OUT
}; /* from the link layer; on loopback everything is in and out */

#define SW_TCP_FIN 0x01u
#define SW_TCP_SYN 0x02u
#define SW_TCP_RST 0x04u
#define SW_TCP_PSH 0x08u
#define SW_TCP_ACK 0x10u
#define SW_TCP_URG 0x20u
#define SW_TCP_ECE 0x40u
#define SW_TCP_CWR 0x80u

struct sw_tcp {
	uint32_t seq, ack;
	uint16_t window; /* unscaled, as on the wire */
	uint8_t flags; /* SW_TCP_* */
	uint8_t window_scale; /* of a SYN; 255 none */
	uint16_t mss; /* of a SYN; 0 none */
	bool sack_permitted, timestamps;
	uint8_t sack_count; /* blocks, at most 4 */
	uint32_t tsval, tsecr;
	struct {
		uint32_t left, right;
	} sack[4];
};

struct sw_quote { /* the packet that an ICMP error quotes */
	bool present;
	uint8_t protocol;
	struct sw_endpoint src, dst; /* ports 0 when not quoted; of an echo request src's is its identifier */
	uint32_t seq; /* TCP sequence number */
	bool has_seq;
	uint16_t ip_id, length;
	bool has_flags; /* enough of the TCP header is quoted */
	uint8_t flags; /* SW_TCP_* */
};

struct sw_icmp {
	uint8_t type, code;
	bool v6, is_error;
	bool is_echo, is_reply; /* an echo request, or the reply to one */
	uint16_t identifier; /* of those */
	uint32_t mtu; /* of 3/4 and v6 2/0; 0 none */
	struct sw_quote quote;
};

enum sw_neighbor_op { SW_NEIGHBOR_ASK, SW_NEIGHBOR_ANSWER };
struct sw_neighbor {
	enum sw_neighbor_op op;
	struct sw_ip target; /* the address asked for or answered about */
	struct sw_ip sender; /* of the question (ARP sender, ND source) */
	uint8_t mac[6]; /* of an answer */
};

struct sw_dns; /* capture/dns.h; NULL when it is none */
struct sw_tls; /* capture/tls.h: the records that begin or end in this packet */

#define SW_PACKET_BAD_CHECKSUM 0x01u /* IP or transport checksum wrong although received and complete */
#define SW_PACKET_TRUNCATED 0x02u /* headers cut by the snap length */
#define SW_PACKET_MORE_FRAGMENTS 0x04u
#define SW_PACKET_DONT_FRAGMENT 0x08u
#define SW_PACKET_LOOPBACK 0x10u /* on a loopback interface */
#define SW_PACKET_DUPLICATE 0x20u /* the same packet, already seen on another interface */

struct sw_packet {
	uint32_t id; /* 1-based, as in its file (Wireshark's frame number) or of the session */
	uint16_t input; /* which input it is from */
	uint16_t place; /* 0: at the process; else a further point of capture (--also-on) */
	uint32_t netns, interface; /* session's namespace number; index of the interface in `input`'s table */
	int64_t time_ns; /* real-time clock */
	enum sw_packet_kind kind;
	enum sw_packet_way way; /* as the link layer has it */
	uint32_t flags; /* SW_PACKET_* */
	struct sw_endpoint src, dst; /* ports 0 where there are none */
	uint8_t protocol; /* IPPROTO_* of the innermost header reached */
	uint8_t ttl; /* hop limit */
	uint16_t ip_id; /* IPv4 */
	uint32_t fragment_id; /* IPv4 id or IPv6 fragment header's; valid for fragments */
	uint16_t fragment_offset; /* bytes */
	uint32_t length; /* of the IP packet by its header (or of the frame where that is 0: offload) */
	uint32_t payload_length; /* transport payload on the wire */
	uint32_t payload_captured; /* of it, bytes at `payload` */
	const uint8_t *payload;
	struct sw_tcp tcp;
	struct sw_icmp icmp;
	struct sw_neighbor neighbor;
	const struct sw_dns *dns;
	const struct sw_tls *tls;
	struct sw_speech speech; /* TCP that is neither DNS nor TLS */
};

/* What is known of a capture as a whole, and of its gaps. Delivered when it changes and at the end. */
struct sw_capture_status {
	uint16_t input;
	uint16_t place; /* as of packets */
	uint32_t netns;
	bool available; /* false: `why_not` says why there is none */
	bool live; /* false: a file */
	int64_t opened_ns, closed_ns; /* SW_TIME_NONE while open; of a file: first and last packet */
	int64_t seen, kept, dropped; /* dropped -1: not known (a .pcap carries no counter) */
	int64_t overruns; /* packets forgotten before it was decided whose they are */
	int64_t last_drop_ns; /* SW_TIME_NONE: none; no absence before it counts */
	const char *interfaces; /* "any", "eth0" */
	const char *why_not; /* NULL, or one line */
	/* A file of single interfaces: nothing in it passed by the loopback interface, or everything. */
	bool no_loopback, only_loopback;
};

/* The bytes that a packet was decoded from, for who writes or shows them. Valid only while it is delivered. */
struct sw_raw_packet {
	uint32_t linktype; /* LINKTYPE_*, as pcap files number them */
	uint32_t captured, wire; /* bytes at `bytes`; bytes that the frame had */
	uint32_t interface; /* of a pcapng: which interface description, counted over all sections */
	const uint8_t *bytes;
};

struct sw_packet_sink {
	void *context;
	void (*packet)(void *context, const struct sw_packet *packet);
	void (*status)(void *context, const struct sw_capture_status *status);
	/* When not NULL: called in place of `packet`, with the frame. */
	void (*raw)(void *context, const struct sw_packet *packet, const struct sw_raw_packet *raw);
};

/* "> SYN 10.0.0.1:4001 > 10.0.0.2:80 seq 1 win 64240 len 0 ttl 63"; `way` says which arrow. Returns buffer. */
char *sw_packet_text(const struct sw_packet *packet, enum sw_packet_way way, char *buffer, size_t size);

#endif
