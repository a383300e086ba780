/* DNS and TLS by packet. Enters: decoded packets in order of time. Leaves: the same with what their payload says. */
#include "capture/application.h"

#include <netinet/in.h>

#include "capture/dns.h"
#include "capture/tls.h"
#include "src/base/mem.h"

#define STREAMS 1024u /* direct mapped; one is made only where TLS begins */
#define MESSAGES 4 /* DNS messages of one segment */

struct stream {
	bool used;
	struct sw_endpoint src, dst;
	uint32_t netns;
	struct sw_tls_stream tls;
};

struct sw_application {
	struct sw_dns dns[MESSAGES];
	struct sw_tls tls;
	struct stream *streams; /* made at the first TLS */
};

struct sw_application *sw_application_new(void)
{
	return sw_alloc(sizeof(struct sw_application));
}

void sw_application_free(struct sw_application *application)
{
	if (!application)
		return;
	free(application->streams);
	free(application);
}

static void dns_over_udp(struct sw_application *application, struct sw_packet *packet)
{
	if (sw_dns_decode(&application->dns[0], packet->payload, packet->payload_captured, packet->payload_length))
		packet->dns = &application->dns[0];
}

/* Each message has its length before it (RFC 1035, section 4.2.2); some servers send the length in a segment of its
 * own. */
static void dns_over_tcp(struct sw_application *application, struct sw_packet *packet)
{
	const uint8_t *at = packet->payload;
	uint32_t captured = packet->payload_captured, wire = packet->payload_length;
	struct sw_dns *last = NULL;

	for (int i = 0; i < MESSAGES && captured > 2; i++) {
		uint32_t length = (uint32_t)at[0] << 8 | at[1], have = captured - 2 < length ? captured - 2 : length;

		if (!length || !sw_dns_decode(&application->dns[i], at + 2, have, length))
			break;
		if (last)
			last->next = &application->dns[i];
		else
			packet->dns = &application->dns[i];
		last = &application->dns[i];
		at += 2 + have;
		captured -= 2 + have;
	}
	if (!last && sw_dns_decode(&application->dns[0], packet->payload, packet->payload_captured, wire))
		packet->dns = &application->dns[0];
}

/* Asked for every segment with payload: ports and the last bytes of the addresses tell streams apart well enough. */
static uint32_t slot_of(const struct sw_packet *packet)
{
	uint32_t key = (uint32_t)packet->src.port << 16 | packet->dst.port;

	key = key * 2654435761u + packet->src.ip.bytes[3] * 31u + packet->dst.ip.bytes[3] * 17u +
	      packet->src.ip.bytes[15];
	return (key ^ key >> 15) % STREAMS;
}

static struct stream *stream_of(struct sw_application *application, const struct sw_packet *packet, bool make)
{
	struct stream *stream;

	if (!application->streams) {
		if (!make)
			return NULL;
		application->streams = sw_alloc(STREAMS * sizeof *application->streams);
	}
	stream = &application->streams[slot_of(packet)];
	if (stream->used && stream->netns == packet->netns && sw_endpoint_equal(&stream->src, &packet->src) &&
	    sw_endpoint_equal(&stream->dst, &packet->dst))
		return stream;
	if (!make)
		return NULL;
	stream->used = true;
	stream->src = packet->src;
	stream->dst = packet->dst;
	stream->netns = packet->netns;
	sw_tls_start(&stream->tls);
	return stream;
}

static void tls(struct sw_application *application, struct sw_packet *packet)
{
	bool begins = sw_tls_looks_like(packet->payload, packet->payload_captured);
	struct stream *stream = stream_of(application, packet, begins);

	if (stream &&
	    sw_tls_feed(&stream->tls, packet->tcp.seq, packet->payload, packet->payload_captured,
			packet->payload_length, &application->tls) &&
	    application->tls.record_count)
		packet->tls = &application->tls;
}

static void tcp(struct sw_application *application, struct sw_packet *packet)
{
	if (packet->tcp.flags & SW_TCP_SYN) { /* a new connection */
		struct stream *stream = stream_of(application, packet, false);

		if (stream)
			sw_tls_start(&stream->tls);
	}
	if (!packet->payload_length)
		return;
	if (packet->src.port == SW_DNS_PORT || packet->dst.port == SW_DNS_PORT)
		dns_over_tcp(application, packet);
	else
		tls(application, packet);
}

void sw_application_packet(struct sw_application *application, struct sw_packet *packet)
{
	packet->dns = NULL;
	packet->tls = NULL;
	if (packet->flags & SW_PACKET_DUPLICATE)
		return;
	if (packet->kind == SW_PACKET_TCP)
		tcp(application, packet);
	else if (packet->kind == SW_PACKET_UDP && packet->payload_captured &&
		 (packet->src.port == SW_DNS_PORT || packet->dst.port == SW_DNS_PORT))
		dns_over_udp(application, packet);
}
