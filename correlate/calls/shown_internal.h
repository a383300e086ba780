/* What the parts of shown.h share: one flow, told as one socket's calls. */
#ifndef SW_CORRELATE_SHOWN_INTERNAL_H
#define SW_CORRELATE_SHOWN_INTERNAL_H

#include <uthash.h>

#include "correlate/calls/shown.h"
#include "src/base/mem.h"

#define SW_SHOWN_ASKED 4 /* look-ups under way on one socket */

struct sw_shown_flow {
	struct {
		struct sw_endpoint local, remote;
		uint8_t protocol;
	} key;
	struct sw_socket socket;
	bool others; /* begun by somebody whose side is not asked about */
	uint32_t thread; /* its own while it lasts: one call at a time */
	uint32_t connect, read; /* calls that have not returned; 0 none */
	int64_t connect_ns, read_ns, last_ns; /* last: any packet */

	/* streams */
	bool open, half, one_way, in_known; /* established; the peer is done; nothing is owed for what we send */
	int64_t syn_ns, syn_again_ns, fin_ns, out_ns; /* again: between the last two SYNs; out: new bytes of ours */
	int32_t refused; /* errno that an ICMP error made of the connect, when no SYN follows */
	int64_t refused_ns, bytes_in;
	uint32_t syn, next_out, next_in, acked; /* acked: of ours */
	uint32_t probes; /* keepalives of ours since anything came */

	/* datagrams */
	struct sw_shown_held {
		int64_t time_ns, bytes;
	} held; /* a reply that nobody may have read */
	uint16_t asked[SW_SHOWN_ASKED]; /* DNS ids */
	uint32_t asked_count;
	UT_hash_handle hh;
};

struct sw_shown {
	struct sw_trace_sink sink;
	struct sw_shown_hooks hooks;
	const struct sw_ip *hosts;
	size_t host_count;
	int64_t slow_ns, now_ns, swept_ns;
	struct sw_shown_flow *flows, *held; /* held: the one with a reply that the next packet tells more of */
	uint32_t last_socket, last_call, last_thread;
	SW_ARRAY(uint32_t) threads; /* that are free */
};

/* shown_calls.c: calls of a flow's one thread. */
void sw_shown_socket(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, bool connected);
void sw_shown_connect(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns);
void sw_shown_connected(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, int32_t error);
void sw_shown_sent(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t from_ns, int64_t to_ns, int64_t bytes);
void sw_shown_read_begin(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns);
void sw_shown_read_end(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, int64_t result,
		       int32_t error);
void sw_shown_read_leave(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns); /* for other things */
void sw_shown_close(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns);

/* shown.c: nothing more is told of it. */
void sw_shown_forget(struct sw_shown *shown, struct sw_shown_flow *flow);

/* shown_stream.c, shown_datagram.c. `before` and `after` may forget the flow. */
void sw_shown_stream_before(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			    bool out);
void sw_shown_stream_after(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			   bool out);
void sw_shown_stream_refused(struct sw_shown_flow *flow, int32_t error, int64_t time_ns);
void sw_shown_stream_end(struct sw_shown *shown, struct sw_shown_flow *flow);
void sw_shown_datagram_before(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			      bool out);
void sw_shown_datagram_after(struct sw_shown *shown, struct sw_shown_flow *flow, const struct sw_packet *packet,
			     bool out);
void sw_shown_datagram_refused(struct sw_shown *shown, struct sw_shown_flow *flow, int32_t error, int64_t time_ns);
void sw_shown_datagram_settle(struct sw_shown *shown, struct sw_shown_flow *flow); /* it was read */
void sw_shown_datagram_unread(struct sw_shown *shown, struct sw_shown_flow *flow); /* nobody was there any more */
void sw_shown_datagram_end(struct sw_shown *shown, struct sw_shown_flow *flow);

#endif
