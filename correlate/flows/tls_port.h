/* A port of ours at which one side spoke TLS and the other did not, without a word that says so: what else tells of it.
 *
 * Enters: flows, handshakes, an ended debt of serving. Leaves: facts of a connection, no judgement. */
#ifndef SW_CORRELATE_TLS_PORT_H
#define SW_CORRELATE_TLS_PORT_H

#include "correlate/debts/debts.h"
#include "correlate/flows/flows.h"
#include "correlate/flows/handshakes.h"

/* A record of TLS begins with so many bytes: a library that reads records asks for them first, RFC 8446, 5.1. */
#define SW_TLS_RECORD_HEAD 5

/* Other connections that came to the same port of ours and in which our side answered a ClientHello. */
uint32_t sw_tls_served(struct sw_flows *flows, const struct sw_handshakes *handshakes, const struct sw_flow *flow);
/* A request that is no TLS was read, and our side closed without a byte of an answer, before the client did. */
bool sw_tls_port_mute(const struct sw_flow *flow, const struct sw_debt *debt);
/* The first that the program asked the connection for was the head of a record, though more had come. */
bool sw_tls_port_reads_records(const struct sw_socket_seen *socket, const struct sw_flow *flow);
/* A ClientHello was read whole, nothing was answered, and the client left after a while. */
bool sw_tls_port_starved(const struct sw_handshake *handshake, const struct sw_flow *flow, enum sw_flow_side ours);

#endif
