/* The table of TLS handshakes: what of each was in the clear, and what its order and lengths tell of the rest.
 *
 * Enters: TCP packets with new payload and what was decoded of it. Leaves: struct sw_handshake, one for each flow on which somebody
 * spoke TLS. Facts only. Bounded: the oldest are forgotten. RFC 8446, 5246. */
#ifndef SW_CORRELATE_HANDSHAKES_H
#define SW_CORRELATE_HANDSHAKES_H

#include "capture/tls.h"
#include "correlate/flows/flow.h"

struct sw_handshake_alert {
	struct sw_seen seen; /* packet 0: none */
	uint8_t number; /* 0 where it cannot be read */
	bool hidden; /* encrypted: known by its length and place */
	bool warning;
};

struct sw_handshake_side {
	struct sw_seen plain; /* the first payload that is no TLS */
	struct sw_seen first; /* payload at all */
	struct sw_seen protected; /* the first record of application data (TLS 1.3: or of the encrypted handshake) */
	bool finished; /* its Finished has passed (up to TLS 1.2) */
	struct sw_handshake_alert alert; /* the first */
	struct sw_seen goodbye; /* the last record that is a close_notify, by its kind, or in TLS 1.3 by its length */
	uint32_t goodbye_bytes; /* with its header */
	int64_t last_ns, before_goodbye_ns; /* when payload of it was seen last, and last before the goodbye; 0 never */
	uint32_t data_records; /* behind its Finished, not counting what is as long as a close_notify */
	bool cut; /* records may have passed that the capture does not hold whole */
	struct sw_tls_certificate certificate;
	int64_t certificate_ns;
};

struct sw_handshake {
	uint32_t flow;
	struct sw_handshake_side side[2]; /* enum sw_flow_side */
	struct sw_seen client_hello, server_hello;
	struct sw_tls_hello client, server;
	enum sw_flow_side client_side;
	bool retry; /* the server asked for another ClientHello */
	bool asks_certificate; /* the server asked for one, in the clear */
	bool answered; /* TLS 1.3: the server sent more than an alert behind the client's Finished */
	bool closing; /* TLS 1.3: the client said that it closes */
	bool echoed; /* the answer to the ClientHello was a ClientHello */
	int64_t flight_bytes; /* of the server, from the last ClientHello to the client's next record: tells a full handshake from a resumed one */
	struct sw_seen done; /* the first packet that only a finished handshake lets pass */
};

struct sw_handshakes;

struct sw_handshakes *sw_handshakes_new(void);
void sw_handshakes_free(struct sw_handshakes *handshakes);
void sw_handshakes_packet(struct sw_handshakes *handshakes, const struct sw_packet *packet, uint32_t flow,
			  enum sw_flow_side from);
const struct sw_handshake *sw_handshakes_get(const struct sw_handshakes *handshakes, uint32_t flow); /* NULL: no TLS */

/* Those of flows that are not known any more. */
void sw_handshakes_forget(struct sw_handshakes *handshakes, bool (*is_known)(void *context, uint32_t flow),
			  void *context);

#endif
