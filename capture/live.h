/* The live capture of one network namespace: the target's packets, and nobody else's.
 *
 * Enters: frames from libpcap, events of ownership. Leaves: through the sink, in order, the packets that belong to
 * the target, with their bytes cut to what may be kept. A packet is decided `hold_ns` after it came (ownership is
 * told a moment after the call), and once more when ownership is told later than that, as long as the look-back has
 * it: then it is delivered out of order.
 *
 * For one thread's poll loop: open, sw_live_poll() when sw_live_fd() is readable and every 50 ms at least, drain at the end, close. */
#ifndef SW_CAPTURE_LIVE_H
#define SW_CAPTURE_LIVE_H

#include "capture/packet.h"
#include "capture/twins.h"
#include "src/base/err.h"

#define SW_LIVE_HOLD_NS (100 * SW_NS_PER_MS)
#define SW_LIVE_HOLD_PLACE_NS (250 * SW_NS_PER_MS) /* until what was kept at the process is known */
#define SW_LIVE_LOOKBACK_NS (2 * SW_NS_PER_S)
#define SW_LIVE_LOOKBACK_BYTES ((size_t)64 << 20)

struct sw_live_options { /* 0 and NULL: the default */
	const char *interface; /* -i; NULL: all of them */
	const char *name; /* what the status calls it; NULL: as `interface` */
	const char *filter; /* --filter, tcpdump's syntax */
	bool payload; /* --payload */
	bool no_bpf; /* test switch: as if the kernel took no filter program */
	uint32_t snaplen;
	int buffer_bytes; /* the kernel's ring */
	size_t lookback_bytes;
	int64_t lookback_ns, hold_ns;
	uint16_t input;
	/* 0: at the process. Else what is kept is not told by owners but by the twins of what was kept there */
	uint16_t place;
	struct sw_twins *twins; /* shared by all places; NULL: there is one place only */
	uint32_t *last_id; /* packet ids of a session with several captures; NULL: its own */
	struct sw_packet_sink sink;
};

struct sw_live;

/* `netns_fd`: of /proc/PID/ns/net, -1: this thread's namespace; stays the caller's. `netns`: the session's number of
 * it. NULL with err set: -EPERM no right to capture, -ENODEV no such interface, -EINVAL a wrong filter, -EACCES the
 * namespace may not be entered. */
struct sw_live *sw_live_open(const struct sw_live_options *options, int netns_fd, uint32_t netns, struct sw_err *err);
void sw_live_close(struct sw_live *live); /* NULL is allowed; says the status once more */

int sw_live_fd(const struct sw_live *live);
/* Reads what is there and delivers what is due; negative when the capture cannot go on (err says why). */
int sw_live_poll(struct sw_live *live, struct sw_err *err);
/* Reads until nothing more comes for two time-outs, at most about 0.1 s, and delivers all that is owned. */
int sw_live_drain(struct sw_live *live, struct sw_err *err);
/* Delivers what is owned, up to now, without waiting: for a moment at which somebody must decide. */
void sw_live_flush(struct sw_live *live);

/* An event of another namespace is not taken. `since_ns` must be the entry of the call that could first use the
 * port. What had been decided by then is looked at again by the next poll, flush or drain. */
void sw_live_own(struct sw_live *live, const struct sw_owner *owner);
/* ARP and neighbour discovery of this address are the target's; also of the past minute. */
void sw_live_next_hop(struct sw_live *live, const struct sw_ip *ip);

void sw_live_status(const struct sw_live *live, struct sw_capture_status *status);
/* Up to this time all packets that were known to be owned have been delivered. */
int64_t sw_live_delivered_ns(const struct sw_live *live);

#endif
