/* How much of a frame is kept. A handshake is recognised by a ClientHello at the begin of a segment (RFC 8446
 * section 5.1, also after STARTTLS); from then on a bounded number of the connection's bytes is kept whole, since
 * records cross segments. */
#include "capture/keep.h"

#include <netinet/in.h>

#include "src/base/mem.h"

#define DNS_PORT 53u
#define HANDSHAKE_BYTES 32768 /* of both directions together: a long chain of certificates is some 10 kB */
#define SLOTS 4096u /* a collision keeps more of another handshake, never less of this one's begin */
#define OTHER_BYTES 128u
#define QUOTE_TCP 20u
#define QUOTE_OTHER 8u

enum { TLS_CHANGE_CIPHER = 20, TLS_APPLICATION = 23, TLS_RECORD = 5 };

struct sw_keep {
	bool payload;
	int32_t left[SLOTS]; /* bytes that a connection's handshake may still take */
};

struct sw_keep *sw_keep_new(bool payload)
{
	struct sw_keep *keep = sw_alloc(sizeof *keep);

	keep->payload = payload;
	return keep;
}

void sw_keep_free(struct sw_keep *keep)
{
	free(keep);
}

static uint32_t slot_of(const struct sw_packet *packet)
{
	/* the same for both directions */
	return (sw_endpoint_hash(&packet->src) + sw_endpoint_hash(&packet->dst)) % SLOTS;
}

static bool is_tls_record(const uint8_t *payload, uint32_t length)
{
	return length >= TLS_RECORD && payload[0] >= TLS_CHANGE_CIPHER && payload[0] <= TLS_APPLICATION &&
	       payload[1] == 3 && payload[2] <= 4;
}

static uint32_t tcp_payload(struct sw_keep *keep, const struct sw_packet *packet)
{
	const uint8_t *payload = packet->payload;
	uint32_t length = packet->payload_captured;
	int32_t *left = &keep->left[slot_of(packet)];

	if (packet->src.port == DNS_PORT || packet->dst.port == DNS_PORT)
		return length;
	if (packet->tcp.flags & SW_TCP_SYN)
		*left = 0;
	if (!length)
		return 0;
	if (length > TLS_RECORD && payload[0] == 22 && payload[1] == 3 && payload[TLS_RECORD] == 1)
		*left = HANDSHAKE_BYTES;
	if (*left > 0) {
		*left -= (int32_t)(packet->payload_length < HANDSHAKE_BYTES ? packet->payload_length : HANDSHAKE_BYTES);
		return length;
	}
	/* an alert or a record where none was expected is evidence; what it protects is not */
	if (!is_tls_record(payload, length))
		return 0;
	return payload[0] == TLS_APPLICATION ? TLS_RECORD : length < 64 ? length : 64;
}

static uint32_t icmp_payload(const struct sw_packet *packet)
{
	const struct sw_quote *quote = &packet->icmp.quote;
	uint32_t length = packet->payload_captured, header;

	if (!quote->present)
		return packet->icmp.v6 && packet->icmp.type >= 133 ? length : 0;
	if (packet->payload[0] >> 4 == 4)
		header = (packet->payload[0] & 0xfu) * 4u;
	else /* with some room for extension headers where there are any */
		header = length > 6 && packet->payload[6] == quote->protocol ? 40 : 64;
	header += quote->protocol == IPPROTO_TCP ? QUOTE_TCP : QUOTE_OTHER;
	return length < header ? length : header;
}

uint32_t sw_keep_length(struct sw_keep *keep, const struct sw_packet *packet, const uint8_t *frame, uint32_t captured)
{
	uint32_t headers, payload = 0;

	if (keep->payload)
		return captured;
	if (!packet->payload || packet->kind == SW_PACKET_NEIGHBOR)
		return captured < OTHER_BYTES ? captured : OTHER_BYTES;
	headers = (uint32_t)(packet->payload - frame);
	if (packet->kind == SW_PACKET_TCP)
		payload = tcp_payload(keep, packet);
	else if (packet->kind == SW_PACKET_UDP && (packet->src.port == DNS_PORT || packet->dst.port == DNS_PORT))
		payload = packet->payload_captured;
	else if (packet->kind == SW_PACKET_ICMP)
		payload = icmp_payload(packet);
	return headers + payload;
}
