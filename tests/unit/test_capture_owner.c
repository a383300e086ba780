/* Whose packet is it: intervals of ownership, quotes, fragments, next hops; the look-back ring; copies on several
 * interfaces; what is kept. */
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "capture/duplicate.h"
#include "capture/keep.h"
#include "capture/lookback.h"
#include "tests/unit/test.h"

#define T0 (1795381041 * SW_NS_PER_S)
#define SECOND SW_NS_PER_S

static struct sw_endpoint end(const char *text)
{
	struct sw_endpoint endpoint = {0};

	assert_true(sw_endpoint_parse(text, &endpoint));
	return endpoint;
}

static struct sw_packet packet_of(enum sw_packet_kind kind, const char *src, const char *dst, enum sw_packet_way way)
{
	return (struct sw_packet){.kind = kind,
				  .src = end(src),
				  .dst = end(dst),
				  .way = way,
				  .protocol = kind == SW_PACKET_UDP ? IPPROTO_UDP : IPPROTO_TCP,
				  .time_ns = T0};
}

static void own(struct sw_owners *owners, const char *local, int64_t since_ns, int64_t until_ns, bool mine)
{
	struct sw_owner owner = {
		.protocol = IPPROTO_TCP, .mine = mine, .local = end(local), .since_ns = since_ns, .until_ns = until_ns};

	sw_owners_event(owners, &owner);
}

static bool matches(const struct sw_owners *owners, const struct sw_packet *packet, int64_t time_ns)
{
	struct sw_fragments *fragments = sw_fragments_new();
	struct sw_subject subject;
	bool is = sw_subject_of(&subject, packet, fragments) && sw_owners_match(owners, &subject, time_ns);

	sw_fragments_free(fragments);
	return is;
}

static void intervals(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet out = packet_of(SW_PACKET_TCP, "10.0.0.1:4001", "10.0.0.2:80", SW_WAY_OUT);
	struct sw_packet in = packet_of(SW_PACKET_TCP, "192.168.7.7:81", "10.0.0.1:4001", SW_WAY_IN);
	struct sw_packet udp = packet_of(SW_PACKET_UDP, "10.0.0.1:4001", "10.0.0.2:80", SW_WAY_OUT);
	struct sw_packet other = packet_of(SW_PACKET_TCP, "10.0.0.9:4001", "10.0.0.2:80", SW_WAY_OUT);

	(void)state;
	assert_false(matches(owners, &out, T0));
	own(owners, "10.0.0.1:4001", T0, INT64_MAX, true);
	assert_true(matches(owners, &out, T0));
	assert_true(matches(owners, &in, T0 + SECOND)); /* from elsewhere */
	assert_false(matches(owners, &out, T0 - SECOND)); /* before it was ours */
	assert_false(matches(owners, &udp, T0));
	assert_false(matches(owners, &other, T0)); /* another local address */
	own(owners, "10.0.0.1:4001", T0, T0 + SECOND, true); /* closed */
	assert_true(matches(owners, &in, T0 + 60 * SECOND));
	assert_false(matches(owners, &in, T0 + 62 * SECOND));
	own(owners, "10.0.0.1:4001", T0 + 30 * SECOND, INT64_MAX, false); /* another's before the grace was over */
	assert_true(matches(owners, &in, T0 + 29 * SECOND));
	assert_false(matches(owners, &in, T0 + 31 * SECOND));
	own(owners, "10.0.0.1:4001", T0 + 40 * SECOND, INT64_MAX, true); /* and ours again */
	assert_true(matches(owners, &in, T0 + 41 * SECOND));
	assert_false(matches(owners, &in, T0 + 35 * SECOND));
	sw_owners_free(owners);
}

/* The event of a close tells again what is owned already: nothing that was forgotten meanwhile could have been its own. */
static void known_already(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_owner owner = {.protocol = IPPROTO_TCP,
				 .mine = true,
				 .local = end("10.0.0.1:4001"),
				 .since_ns = T0,
				 .until_ns = INT64_MAX};

	(void)state;
	assert_false(sw_owners_known(owners, &owner));
	sw_owners_event(owners, &owner);
	owner.until_ns = T0 + 10 * SECOND;
	assert_true(sw_owners_known(owners, &owner));
	owner.since_ns = T0 - SECOND;
	assert_false(sw_owners_known(owners, &owner));
	owner.since_ns = T0;
	sw_owners_event(owners, &owner); /* closed: what comes now is another socket's */
	owner.since_ns = T0 + 20 * SECOND;
	assert_false(sw_owners_known(owners, &owner));
	owner.local = end("10.0.0.1:4002");
	assert_false(sw_owners_known(owners, &owner));
	sw_owners_free(owners);
}

static void listener_survives_its_connections(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet in = packet_of(SW_PACKET_TCP, "10.0.0.2:999", "10.0.0.1:80", SW_WAY_IN);

	(void)state;
	own(owners, "0.0.0.0:80", T0, INT64_MAX, true);
	own(owners, "10.0.0.1:80", T0 + SECOND, INT64_MAX, true);
	own(owners, "10.0.0.1:80", T0 + SECOND, T0 + 2 * SECOND, true);
	assert_true(matches(owners, &in, T0 + 1000 * SECOND));
	sw_owners_free(owners);
}

static void way_says_which_end_is_local(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet out = packet_of(SW_PACKET_TCP, "10.0.0.1:5000", "10.0.0.2:4001", SW_WAY_OUT);
	struct sw_owner any = {
		.protocol = IPPROTO_TCP, .mine = true, .local.port = 4001, .since_ns = T0, .until_ns = INT64_MAX};

	(void)state;
	sw_owners_event(owners, &any);
	assert_false(matches(owners, &out, T0)); /* the other end's port is the same number by chance */
	out.flags |= SW_PACKET_LOOPBACK;
	assert_true(matches(owners, &out, T0));
	sw_owners_free(owners);
}

static void quotes(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet icmp = packet_of(SW_PACKET_ICMP, "10.0.0.254:0", "10.0.0.1:0", SW_WAY_IN);

	(void)state;
	icmp.icmp.is_error = true;
	icmp.icmp.quote = (struct sw_quote){
		.present = true, .protocol = IPPROTO_TCP, .src = end("10.0.0.1:4001"), .dst = end("10.0.0.2:80")};
	own(owners, "10.0.0.1:80", T0, INT64_MAX, true);
	assert_false(matches(owners, &icmp, T0));
	own(owners, "10.0.0.1:4001", T0, INT64_MAX, true);
	assert_true(matches(owners, &icmp, T0));
	sw_owners_free(owners);
}

/* A raw socket's own port is its protocol, and it sends what identifier it likes; a ping socket's port is the identifier. */
static void pings(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet reply = packet_of(SW_PACKET_ICMP, "10.0.0.2:0", "10.0.0.1:0", SW_WAY_IN);
	struct sw_owner socket = {.protocol = IPPROTO_ICMP,
				  .mine = true,
				  .local = end("10.0.0.1:77"),
				  .since_ns = T0,
				  .until_ns = INT64_MAX};

	(void)state;
	reply.protocol = IPPROTO_ICMP;
	reply.icmp.is_echo = reply.icmp.is_reply = true;
	reply.icmp.identifier = 78;
	sw_owners_event(owners, &socket);
	assert_false(matches(owners, &reply, T0));
	reply.icmp.identifier = 77;
	assert_true(matches(owners, &reply, T0));
	reply.icmp.identifier = 78;
	socket.local.port = IPPROTO_ICMP;
	sw_owners_event(owners, &socket);
	assert_true(matches(owners, &reply, T0));
	sw_owners_free(owners);
}

static void fragments_by_identification(void **state)
{
	struct sw_fragments *fragments = sw_fragments_new();
	struct sw_owners *owners = sw_owners_new();
	struct sw_owner owner = {.protocol = IPPROTO_UDP,
				 .mine = true,
				 .local = end("10.0.0.1:4001"),
				 .since_ns = T0,
				 .until_ns = INT64_MAX};
	struct sw_packet first = packet_of(SW_PACKET_UDP, "10.0.0.1:4001", "10.0.0.2:53", SW_WAY_OUT);
	struct sw_packet later = packet_of(SW_PACKET_FRAGMENT, "10.0.0.1:0", "10.0.0.2:0", SW_WAY_OUT);
	struct sw_subject subject;

	(void)state;
	sw_owners_event(owners, &owner);
	first.flags = SW_PACKET_MORE_FRAGMENTS;
	first.fragment_id = later.fragment_id = 77;
	later.protocol = IPPROTO_UDP;
	later.fragment_offset = 1480;
	assert_true(sw_subject_of(&subject, &later, fragments)); /* comes first */
	assert_false(sw_owners_match(owners, &subject, T0));
	struct sw_subject of_first;

	assert_true(sw_subject_of(&of_first, &first, fragments));
	assert_true(sw_subject_resolve(&subject, &later, fragments));
	assert_true(sw_owners_match(owners, &subject, T0));
	later.fragment_id = 78;
	assert_false(sw_subject_resolve(&subject, &later, fragments));
	sw_fragments_free(fragments);
	sw_owners_free(owners);
}

static void next_hops(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet ask = packet_of(SW_PACKET_NEIGHBOR, "10.0.0.1:0", "10.0.0.254:0", SW_WAY_OUT);

	(void)state;
	ask.neighbor.target = end("10.0.0.254:0").ip;
	assert_false(matches(owners, &ask, T0));
	sw_owners_next_hop(owners, &ask.neighbor.target);
	assert_true(matches(owners, &ask, T0));
	sw_owners_free(owners);
}

static void next_hops_of_the_whole_world(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_subject ask = {.neighbor = true, .dst.ip = {.family = 4, .bytes = {10, 0, 0, 1}}};

	(void)state;
	sw_owners_next_hop(owners, &ask.dst.ip); /* the gateway */
	for (uint32_t i = 0; i < 100000; i++)
		sw_owners_next_hop(
			owners,
			&(struct sw_ip){.family = 4, .bytes = {11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}});
	assert_true(sw_owners_match(owners, &ask, 0));
	ask.dst.ip = (struct sw_ip){.family = 4, .bytes = {11, 1, 0x86, 0x9f}}; /* the last */
	assert_true(sw_owners_match(owners, &ask, 0));
	ask.dst.ip = (struct sw_ip){.family = 4, .bytes = {11, 0, 0x40, 0}};
	assert_false(sw_owners_match(owners, &ask, 0));
	sw_owners_free(owners);
}

static void many_ports(void **state)
{
	struct sw_owners *owners = sw_owners_new();
	struct sw_packet out = packet_of(SW_PACKET_TCP, "10.0.0.1:1", "10.0.0.2:80", SW_WAY_OUT);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (uint32_t port = 1; port < 65536; port++) {
			struct sw_owner owner = {.protocol = IPPROTO_TCP,
						 .mine = true,
						 .local = end("10.0.0.1:1"),
						 .since_ns = T0 + round * 100 * SECOND};

			owner.local.port = (uint16_t)port;
			owner.until_ns = owner.since_ns + SECOND;
			sw_owners_event(owners, &owner);
		}
	}
	out.src.port = 65535;
	assert_true(matches(owners, &out, T0 + 200 * SECOND));
	assert_false(matches(owners, &out, T0 + 199 * SECOND));
	sw_owners_free(owners);
}

/* ---- the look-back ---------------------------------------------------------------------------------------------- */

static void ring_keeps_order_and_counts_loss(void **state)
{
	struct sw_lookback *ring = sw_lookback_new(8192);
	struct sw_lookback_frame *frame;
	uint64_t position = 0;
	int64_t expected;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint32_t captured = 10 + (uint32_t)(i * 37 % 300);

		frame = sw_lookback_put(ring, captured);
		frame->time_ns = i;
		memset(frame->bytes, i & 0xff, captured);
	}
	frame = sw_lookback_next(ring, &position);
	expected = frame->time_ns;
	assert_true(expected > 900);
	assert_int_equal(sw_lookback_overruns(ring), expected); /* none of them was decided */
	assert_int_equal(sw_lookback_forgotten(ring), expected - 1);
	for (; frame; frame = sw_lookback_next(ring, &position), expected++) {
		assert_int_equal(frame->time_ns, expected);
		for (uint32_t i = 0; i < frame->captured; i++)
			assert_int_equal(frame->bytes[i], expected & 0xff);
	}
	assert_int_equal(expected, 1000);
	sw_lookback_decided(ring, position);
	sw_lookback_forget(ring, 990);
	position = 0;
	assert_int_equal(sw_lookback_next(ring, &position)->time_ns, 990);
	sw_lookback_forget(ring, 2000);
	position = 0;
	assert_null(sw_lookback_next(ring, &position));
	sw_lookback_free(ring);
}

/* ---- copies ----------------------------------------------------------------------------------------------------- */

static bool seen(struct sw_duplicates *duplicates, struct sw_packet *packet, uint32_t interface, int64_t time_ns,
		 uint8_t ttl)
{
	packet->interface = interface;
	packet->time_ns = time_ns;
	packet->ttl = ttl;
	return sw_duplicates_seen(duplicates, packet, true);
}

static void copies(void **state)
{
	struct sw_duplicates *duplicates = sw_duplicates_new();
	struct sw_packet packet = packet_of(SW_PACKET_TCP, "10.0.0.1:4001", "10.0.0.2:80", SW_WAY_OUT);

	(void)state;
	packet.tcp.seq = 5;
	assert_false(seen(duplicates, &packet, 1, T0, 64));
	assert_true(seen(duplicates, &packet, 2, T0 + 1000, 64)); /* the bridge */
	assert_true(seen(duplicates, &packet, 3, T0 + 2000, 63)); /* forwarded */
	assert_false(seen(duplicates, &packet, 1, T0 + 200000, 64)); /* sent again: the same interface */
	assert_true(seen(duplicates, &packet, 2, T0 + 201000, 64));
	assert_false(seen(duplicates, &packet, 2, T0 + 20 * SW_NS_PER_MS, 64)); /* too late for a copy */
	packet.tcp.seq = 6;
	assert_false(seen(duplicates, &packet, 1, T0 + 20 * SW_NS_PER_MS, 64));
	sw_duplicates_free(duplicates);
}

/* ---- what is kept ----------------------------------------------------------------------------------------------- */

static uint32_t kept(struct sw_keep *keep, struct sw_packet *packet, const uint8_t *frame, uint32_t headers,
		     uint32_t payload)
{
	packet->payload = frame + headers;
	packet->payload_length = packet->payload_captured = payload;
	return sw_keep_length(keep, packet, frame, headers + payload);
}

static void payload_is_not_kept(void **state)
{
	static const uint8_t hello[60] = {[40] = 22, 3, 1, 0, 100, 1}, data[60] = {[40] = 'G', 'E', 'T'},
			     record[60] = {[40] = 23, 3, 3};
	struct sw_keep *keep = sw_keep_new(false), *all = sw_keep_new(true);
	struct sw_packet packet = packet_of(SW_PACKET_TCP, "10.0.0.1:4001", "10.0.0.2:443", SW_WAY_OUT);
	struct sw_packet back = packet_of(SW_PACKET_TCP, "10.0.0.2:443", "10.0.0.1:4001", SW_WAY_IN);
	struct sw_packet dns = packet_of(SW_PACKET_UDP, "10.0.0.1:4001", "10.0.0.2:53", SW_WAY_OUT);
	struct sw_packet udp = packet_of(SW_PACKET_UDP, "10.0.0.1:4001", "10.0.0.2:54", SW_WAY_OUT);

	(void)state;
	assert_int_equal(kept(keep, &packet, data, 40, 20), 40);
	assert_int_equal(kept(all, &packet, data, 40, 20), 60);
	assert_int_equal(kept(keep, &packet, record, 40, 20), 45);
	assert_int_equal(kept(keep, &dns, data, 40, 20), 60);
	assert_int_equal(kept(keep, &udp, data, 40, 20), 40);
	assert_int_equal(kept(keep, &packet, hello, 40, 20), 60);
	assert_int_equal(kept(keep, &back, data, 40, 20), 60); /* within the handshake: records cross segments */
	packet.tcp.flags = SW_TCP_SYN; /* a new connection */
	(void)kept(keep, &packet, data, 40, 0);
	assert_int_equal(kept(keep, &back, data, 40, 20), 40);
	sw_keep_free(keep);
	sw_keep_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals),
		cmocka_unit_test(known_already),
		cmocka_unit_test(listener_survives_its_connections),
		cmocka_unit_test(way_says_which_end_is_local),
		cmocka_unit_test(quotes),
		cmocka_unit_test(pings),
		cmocka_unit_test(fragments_by_identification),
		cmocka_unit_test(next_hops),
		cmocka_unit_test(next_hops_of_the_whole_world),
		cmocka_unit_test(many_ports),
		cmocka_unit_test(ring_keeps_order_and_counts_loss),
		cmocka_unit_test(copies),
		cmocka_unit_test(payload_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
