/* The calls that packets show, for a capture without a log: that somebody connected, wrote, read, closed.
 *
 * Enters: packets, in order of time, and whose side is asked about. Leaves: sockets and calls as the simplest program would have made
 * them, so that one correlator judges both. What the program really called, and what it was told, is not known: who tells it says so
 * (finding_shown.c). Only who asks is told; how a server fared is known by its calls alone. */
#ifndef SW_CORRELATE_SHOWN_H
#define SW_CORRELATE_SHOWN_H

#include <stddef.h>

#include "capture/packet.h"
#include "tracer/call.h"

struct sw_shown;

struct sw_shown_hooks {
	void *context;
	/* Whether the answer that this socket reads has announced more than has come. */
	bool (*owed)(void *context, uint32_t socket);
};

/* `hosts`: addresses that are ours; none: who sent the first SYN or datagram of a flow. They are borrowed. `slow_ns`: who closes after
 * having waited so long for an answer has given it up. */
struct sw_shown *sw_shown_new(const struct sw_trace_sink *sink, const struct sw_shown_hooks *hooks,
			      const struct sw_ip *hosts, size_t host_count, int64_t slow_ns);
void sw_shown_free(struct sw_shown *shown);

void sw_shown_before(struct sw_shown *shown, const struct sw_packet *packet); /* what the packet left by */
void sw_shown_after(struct sw_shown *shown, const struct sw_packet *packet); /* what the packet ended */
void sw_shown_end(struct sw_shown *shown);

#endif
