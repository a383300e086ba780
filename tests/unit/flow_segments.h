/* Packets from terse lines, for the tests of flows and accounts.
 *
 *   TIME >|< FLAGS SEQ[+LEN] [ACK] [win N] [mss N] [ws N] [ts VAL/ECR] [sack A-B,C-D] [id N] [ttl N] [if N] [bad] [lo]
 *
 * `>` goes from us (10.0.0.1:4001) to the peer (10.0.0.2:80). Numbers are relative to 1000000 (ours) and 5000000 (the peer's), so that
 * the SYN is 0. TIME is seconds. Packets are numbered from 1. */
#ifndef SW_TEST_FLOW_SEGMENTS_H
#define SW_TEST_FLOW_SEGMENTS_H

#include <netinet/in.h>
#include <stdlib.h>

#include "correlate/flows/flows.h"
#include "tests/unit/test.h"

#define OUR_ISN 1000000u
#define PEER_ISN 5000000u

static uint32_t next_packet = 1;
static uint32_t our_isn = OUR_ISN, peer_isn = PEER_ISN;
static struct sw_flows *flows;

/* Set up: an empty table, everything counted from the beginning. */
static inline int flows_up(void **state)
{
	(void)state;
	next_packet = 1;
	our_isn = OUR_ISN;
	peer_isn = PEER_ISN;
	flows = sw_flows_new();
	return 0;
}

static inline int flows_down(void **state)
{
	(void)state;
	sw_flows_free(flows);
	return 0;
}

/* A test with a table of its own. */
#define FLOW_TEST(function) cmocka_unit_test_setup_teardown(function, flows_up, flows_down)

static inline struct sw_endpoint end_of(const char *text)
{
	struct sw_endpoint end = {0};

	if (!sw_endpoint_parse(text, &end))
		abort();
	return end;
}

static inline uint8_t flags_of(const char *text)
{
	static const char letters[] = "FSRPAUEC";
	uint8_t flags = 0;

	for (; *text; text++)
		flags |= (uint8_t)(1u << (strchr(letters, *text) - letters));
	return flags;
}

static inline void option_of(struct sw_packet *packet, const char *name, const char *value)
{
	struct sw_tcp *tcp = &packet->tcp;
	bool out = packet->way == SW_WAY_OUT;
	unsigned a[4] = {0};

	if (!strcmp(name, "win"))
		tcp->window = (uint16_t)atoi(value);
	else if (!strcmp(name, "mss"))
		tcp->mss = (uint16_t)atoi(value);
	else if (!strcmp(name, "ws"))
		tcp->window_scale = (uint8_t)atoi(value);
	else if (!strcmp(name, "id"))
		packet->ip_id = (uint16_t)atoi(value);
	else if (!strcmp(name, "ttl"))
		packet->ttl = (uint8_t)atoi(value);
	else if (!strcmp(name, "if"))
		packet->interface = (uint32_t)atoi(value);
	else if (!strcmp(name, "ts"))
		tcp->timestamps = sscanf(value, "%u/%u", &tcp->tsval, &tcp->tsecr) == 2;
	else if (!strcmp(name, "sack")) {
		int count = sscanf(value, "%u-%u,%u-%u", a, a + 1, a + 2, a + 3);
		tcp->sack_count = (uint8_t)(count / 2);
		for (int i = 0; i < tcp->sack_count; i++) {
			tcp->sack[i].left = (out ? peer_isn : our_isn) + a[2 * i];
			tcp->sack[i].right = (out ? peer_isn : our_isn) + a[2 * i + 1];
		}
	} else {
		abort();
	}
}

static inline struct sw_packet segment(const char *line)
{
	struct sw_packet packet = {.kind = SW_PACKET_TCP, .protocol = IPPROTO_TCP, .ttl = 64, .id = next_packet++};
	char copy[256], *save = NULL;

	snprintf(copy, sizeof copy, "%s", line);
	sw_time_parse(strtok_r(copy, " ", &save), &packet.time_ns);
	packet.time_ns += 1000 * SW_NS_PER_S;
	packet.way = *strtok_r(NULL, " ", &save) == '>' ? SW_WAY_OUT : SW_WAY_IN;
	bool out = packet.way == SW_WAY_OUT;
	packet.src = end_of(out ? "10.0.0.1:4001" : "10.0.0.2:80");
	packet.dst = end_of(out ? "10.0.0.2:80" : "10.0.0.1:4001");
	packet.tcp.flags = flags_of(strtok_r(NULL, " ", &save));
	packet.tcp.window = 500;
	packet.tcp.window_scale = 255;
	if (packet.tcp.flags & SW_TCP_SYN) {
		packet.tcp.window = 64240;
		packet.tcp.mss = 1460;
		packet.tcp.window_scale = 7;
		packet.tcp.sack_permitted = true;
	}
	unsigned seq = 0, length = 0;
	sscanf(strtok_r(NULL, " ", &save), "%u+%u", &seq, &length);
	packet.tcp.seq = (out ? our_isn : peer_isn) + seq;
	packet.payload_length = length;
	packet.length = 40 + length;
	if (packet.tcp.flags & SW_TCP_ACK)
		packet.tcp.ack = (out ? peer_isn : our_isn) + (uint32_t)atoi(strtok_r(NULL, " ", &save));
	for (char *name = strtok_r(NULL, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		if (!strcmp(name, "bad"))
			packet.flags |= SW_PACKET_BAD_CHECKSUM;
		else if (!strcmp(name, "lo"))
			packet.flags |= SW_PACKET_LOOPBACK;
		else
			option_of(&packet, name, strtok_r(NULL, " ", &save));
	}
	return packet;
}

static inline struct sw_flow_change feed(struct sw_flows *table, const char *line)
{
	struct sw_packet packet = segment(line);

	return sw_flows_packet(table, &packet);
}

/* Several lines; the last one's change. */
static inline struct sw_flow_change feed_all(struct sw_flows *table, const char *const *lines)
{
	struct sw_flow_change change = {0};

	for (; *lines; lines++)
		change = feed(table, *lines);
	return change;
}
#define FEED(table, ...) feed_all(table, (const char *const[]){__VA_ARGS__, NULL})
#define HANDSHAKE "0.000 > S 0", "0.010 < SA 0 1", "0.0101 > A 1 1"

static inline int64_t at(double seconds)
{
	return 1000 * SW_NS_PER_S + (int64_t)(seconds * 1e9 + 0.5);
}

#endif
