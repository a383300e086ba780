/* The table of flows: which connection a packet belongs to, seen from which end. */
#include "capture/dns.h"
#include "tests/unit/flow_segments.h"

static struct sw_packet datagram(double time, const char *src, const char *dst, enum sw_packet_way way)
{
	return (struct sw_packet){.id = next_packet++,
				  .kind = SW_PACKET_UDP,
				  .protocol = IPPROTO_UDP,
				  .time_ns = at(time),
				  .src = end_of(src),
				  .dst = end_of(dst),
				  .way = way,
				  .payload_length = 30,
				  .ttl = 64};
}

static void refused(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0", "0.1 < RA 0 1 ttl 63");
	const struct sw_flow *flow = sw_flows_get(flows, 1);
	assert_int_equal(flow->state, SW_FLOW_RESET);
	assert_true(flow->initiator);
	assert_int_equal(flow->rst_to_syn.packet, 2);
	assert_int_equal(flow->side[SW_SIDE_PEER].rst_class, SW_RST_TO_SYN);
	assert_string_equal(flow->history, "Sr");
}

static void port_reuse(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > FA 1 1", "1.01 < FA 1 2", "1.02 > A 2 2");
	assert_int_equal(sw_flows_get(flows, 1)->state, SW_FLOW_CLOSED);
	our_isn += 100000;
	peer_isn += 300000;
	struct sw_flow_change change = feed(flows, "5 > S 0");
	assert_int_equal(change.flow, 2);
	assert_true(change.what & SW_FLOW_BEGAN);
	assert_int_equal(feed(flows, "6 > S 0").flow, 2); /* sent again */
	FEED(flows, "6.1 < SA 0 1", "6.2 > A 1 1");
	assert_int_equal(sw_flows_count(flows), 2);
	assert_int_equal(sw_flows_get(flows, 2)->side[SW_SIDE_OURS].syn_retransmissions, 1);
	struct sw_endpoint local = end_of("10.0.0.1:4001"), remote = end_of("10.0.0.2:80"), any = {.port = 4001};
	assert_int_equal(sw_flows_find(flows, IPPROTO_TCP, &local, &remote, at(0.5))->id, 1);
	assert_int_equal(sw_flows_find(flows, IPPROTO_TCP, &local, &remote, at(9))->id, 2);
	assert_int_equal(sw_flows_find(flows, IPPROTO_TCP, &any, NULL, at(9))->id, 2);
	assert_null(sw_flows_find(flows, IPPROTO_TCP, &local, &remote, at(-1)));
	uint32_t ids[4];
	assert_int_equal(sw_flows_of_port(flows, IPPROTO_TCP, &local, at(0), at(9), ids, 4), 2);
	assert_int_equal(sw_flows_of_port(flows, IPPROTO_TCP, &local, at(4), at(9), ids, 4), 1);
}

static void new_attempt_from_the_same_port(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0", "1 > S 0");
	our_isn += 77;
	assert_int_equal(feed(flows, "2 > S 0").flow, 2);
}

static void both_sides_open(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0", "0.01 < S 0", "0.02 > SA 0 1", "0.02 < SA 0 1", "0.03 > A 1 1");
	assert_int_equal(sw_flows_count(flows), 1);
	assert_int_equal(sw_flows_get(flows, 1)->state, SW_FLOW_ESTABLISHED);
}

static void a_copy_on_another_interface(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "0.1 > PA 1+100 1 id 7 if 1");
	struct sw_flow_change change = feed(flows, "0.1001 > PA 1+100 1 id 7 if 2");
	assert_int_equal(change.what, SW_FLOW_DUPLICATE);
	change = feed(flows, "0.3 > PA 1+100 1 id 8 if 2");
	assert_true(change.what & SW_FLOW_RETRANSMISSION);
	const struct sw_side *ours = &sw_flows_get(flows, 1)->side[SW_SIDE_OURS];
	assert_int_equal(ours->retransmissions, 1);
	assert_int_equal(ours->bytes, 100);
}

static void redirected(void **state) /* the answer comes from another address than was asked */
{
	(void)state;
	feed(flows, "0 > S 0");
	struct sw_packet answer = segment("0.001 < SA 0 1");
	answer.src = end_of("192.0.2.9:80");
	assert_int_equal(sw_flows_packet(flows, &answer).flow, 1);
	struct sw_packet data = segment("0.002 < PA 1+5 1");
	data.src = answer.src;
	struct sw_flow_change change = sw_flows_packet(flows, &data);
	assert_int_equal(change.flow, 1);
	assert_int_equal(change.way, SW_WAY_IN);
	assert_int_equal(sw_flows_get(flows, 1)->remote_in.port, 80);
	assert_int_equal(sw_flows_get(flows, 1)->side[SW_SIDE_PEER].bytes, 5);
	struct sw_endpoint local = end_of("10.0.0.1:4001"), remote = end_of("192.0.2.9:80");
	assert_int_equal(sw_flows_find(flows, IPPROTO_TCP, &local, &remote, at(1))->id, 1);
}

static void a_stray_reset_is_not_tied(void **state)
{
	(void)state;
	feed(flows, "0 > S 0");
	struct sw_packet answer = segment("0.001 < RA 0 17"); /* acknowledges no SYN of ours */
	answer.src = end_of("192.0.2.9:80");
	assert_int_equal(sw_flows_packet(flows, &answer).flow, 2);
}

static struct sw_packet unreachable(double time, const char *src, const char *dst, uint32_t seq)
{
	struct sw_packet packet = {.id = next_packet++, .kind = SW_PACKET_ICMP, .time_ns = at(time), .way = SW_WAY_IN};

	packet.src = end_of("10.0.0.254:1");
	packet.dst = end_of("10.0.0.1:1");
	packet.src.port = packet.dst.port = 0;
	packet.icmp = (struct sw_icmp){.type = 3, .code = 1, .is_error = true};
	packet.icmp.quote = (struct sw_quote){.present = true,
					      .protocol = IPPROTO_TCP,
					      .src = end_of(src),
					      .dst = end_of(dst),
					      .seq = seq,
					      .has_seq = true};
	return packet;
}

static void icmp_quotes_our_syn(void **state)
{
	(void)state;
	feed(flows, "0 > S 0");
	for (int i = 0; i < 3; i++) {
		struct sw_packet error = unreachable(0.1 + i, "10.0.0.1:4001", "10.0.0.2:80", OUR_ISN);
		struct sw_flow_change change = sw_flows_packet(flows, &error);
		assert_int_equal(change.flow, 1);
		assert_int_equal(change.what, SW_FLOW_ICMP);
		assert_int_equal(change.way, SW_WAY_IN);
	}
	const struct sw_flow *flow = sw_flows_get(flows, 1);
	assert_int_equal(flow->icmp_count, 1);
	assert_int_equal(flow->icmp[0].count, 3);
	assert_true(flow->icmp[0].quotes_syn);
	assert_false(flow->icmp[0].quotes_unseen);
	assert_int_equal(flow->icmp[0].first.packet, 2);
}

static void icmp_quotes_what_was_never_captured(void **state)
{
	(void)state;
	struct sw_packet error = unreachable(0, "10.0.0.1:4001", "10.0.0.2:80", 99);
	error.flags = SW_PACKET_LOOPBACK;
	error.icmp.quote.has_flags = true;
	error.icmp.quote.flags = SW_TCP_SYN;
	struct sw_flow_change change = sw_flows_packet(flows, &error);
	assert_int_equal(change.flow, 1);
	const struct sw_flow *flow = sw_flows_get(flows, 1);
	assert_true(flow->no_packets && flow->icmp[0].quotes_unseen && flow->icmp[0].quotes_syn &&
		    flow->icmp[0].on_loopback);
	assert_int_equal(flow->local.port, 4001);
	assert_int_equal(flow->state, SW_FLOW_NEW);
}

static void icmp_quotes_translated(void **state) /* the quote names the address after translation */
{
	(void)state;
	feed(flows, "0 > S 0");
	struct sw_packet error = unreachable(0.1, "10.0.0.1:4001", "172.16.0.9:8080", OUR_ISN);
	assert_int_equal(sw_flows_packet(flows, &error).flow, 1);
	assert_true(sw_flows_get(flows, 1)->icmp[0].translated);
}

static void icmp_of_our_own_about_the_peer(void **state)
{
	(void)state;
	struct sw_packet question = datagram(0, "10.0.0.1:4001", "10.0.0.2:53", SW_WAY_OUT);
	struct sw_packet answer = datagram(1, "10.0.0.2:53", "10.0.0.1:4001", SW_WAY_IN);
	sw_flows_packet(flows, &question);
	sw_flows_packet(flows, &answer);
	struct sw_packet error = unreachable(1.1, "10.0.0.2:53", "10.0.0.1:4001", 0);
	error.icmp.quote.protocol = IPPROTO_UDP;
	error.icmp.quote.has_seq = false;
	struct sw_flow_change change = sw_flows_packet(flows, &error);
	assert_int_equal(change.flow, 1);
	assert_int_equal(change.way, SW_WAY_OUT);
	assert_true(sw_flows_get(flows, 1)->icmp[0].quotes_peer);
	assert_false(sw_flows_get(flows, 1)->icmp[0].quotes_unseen);
}

static void reply_from_elsewhere(void **state)
{
	(void)state;
	struct sw_packet question = datagram(0, "10.0.0.1:4001", "10.0.0.2:53", SW_WAY_OUT);
	struct sw_packet answer = datagram(1, "10.0.0.9:53", "10.0.0.1:4001", SW_WAY_IN);
	assert_int_equal(sw_flows_packet(flows, &question).flow, 1);
	assert_int_equal(sw_flows_packet(flows, &answer).flow, 2);
	struct sw_endpoint local = {.port = 4001};
	uint32_t ids[4];
	assert_int_equal(sw_flows_of_port(flows, IPPROTO_UDP, &local, at(0), at(2), ids, 4), 2);
	assert_int_equal(ids[0], 2);
	assert_false(sw_flows_get(flows, 2)->initiator);
}

static enum sw_packet_way server_is_ours(void *context, const struct sw_packet *packet)
{
	(void)context;
	return packet->src.port == 80 ? SW_WAY_OUT : packet->dst.port == 80 ? SW_WAY_IN : SW_WAY_UNKNOWN;
}

static void the_callback_decides(void **state)
{
	(void)state;
	sw_flows_set_local(flows, server_is_ours, NULL);
	assert_int_equal(feed(flows, "0 > S 0").way, SW_WAY_IN);
	const struct sw_flow *flow = sw_flows_get(flows, 1);
	assert_false(flow->initiator);
	assert_string_equal(flow->history, "s");
}

static void loopback_has_a_mirror(void **state)
{
	(void)state;
	FEED(flows, "0 < S 0 lo", "0.01 > SA 0 1 lo", "0.02 < A 1 1 lo", "0.03 < PA 1+10 1 lo");
	const struct sw_flow *flow = sw_flows_get(flows, 1); /* seen from the initiator, whatever the link layer says */
	assert_int_equal(flow->local.port, 80);
	assert_true(flow->initiator);
	struct sw_endpoint local = end_of("10.0.0.1:4001"), remote = end_of("10.0.0.2:80");
	const struct sw_flow *mirror = sw_flows_find(flows, IPPROTO_TCP, &local, &remote, at(1));
	assert_int_equal(mirror->id, 2);
	assert_true(mirror->mirrored && !mirror->initiator);
	assert_int_equal(mirror->side[SW_SIDE_PEER].bytes, 10);
	assert_string_equal(mirror->history, "sHad");
	struct sw_flow_change change = feed(flows, "0.04 < PA 11+10 1 lo");
	assert_int_equal(change.flow, 1);
	assert_int_equal(change.mirror, 2);
	assert_int_equal(sw_flow_change_mirrored(change).way, SW_WAY_IN);
	assert_int_equal(sw_flows_get(flows, 2)->side[SW_SIDE_PEER].bytes, 20);
	struct sw_endpoint any = {.port = 4001};
	assert_int_equal(sw_flows_find(flows, IPPROTO_TCP, &any, NULL, at(1))->id, 2);
}

static void neighbors(void **state)
{
	(void)state;
	struct sw_packet ask = {.kind = SW_PACKET_NEIGHBOR, .id = 1, .time_ns = at(0)};
	ask.neighbor.target = end_of("10.0.0.2:1").ip;
	ask.neighbor.sender = end_of("10.0.0.1:1").ip;
	for (int i = 0; i < 3; i++, ask.time_ns += SW_NS_PER_S)
		assert_int_equal(sw_flows_packet(flows, &ask).flow, 0);
	const struct sw_neighbor_seen *seen = sw_flows_neighbor(flows, &ask.neighbor.target);
	assert_int_equal(seen->asked, 3);
	assert_int_equal(seen->unanswered_since_ns, at(0));
	ask.neighbor.op = SW_NEIGHBOR_ANSWER;
	sw_flows_packet(flows, &ask);
	assert_int_equal(seen->answered, 1);
	assert_true(seen->unanswered_since_ns == SW_TIME_NONE);
	assert_null(sw_flows_neighbor(flows, &ask.neighbor.sender));
}

static void fragments(void **state)
{
	(void)state;
	struct sw_packet first = datagram(0, "10.0.0.1:4001", "10.0.0.2:53", SW_WAY_OUT);
	first.flags = SW_PACKET_MORE_FRAGMENTS;
	first.fragment_id = 42;
	sw_flows_packet(flows, &first);
	struct sw_packet rest = {
		.kind = SW_PACKET_FRAGMENT, .src.ip = first.src.ip, .dst.ip = first.dst.ip, .fragment_id = 42};
	struct sw_flow_change change = sw_flows_packet(flows, &rest);
	assert_int_equal(change.flow, 1);
	assert_int_equal(change.way, SW_WAY_OUT);
	assert_int_equal(sw_flows_get(flows, 1)->fragments, 2);
	rest.fragment_id = 43;
	assert_int_equal(sw_flows_packet(flows, &rest).flow, 0);
}

static void kept_is_bounded(void **state)
{
	(void)state;
	const struct sw_packet *kept[SW_FLOW_KEPT_MAX + 1];
	char line[100];
	FEED(flows, HANDSHAKE);
	for (int i = 0; i < 500; i++) {
		/* each one twice */
		snprintf(line, sizeof line, "%d.0 > PA %d+10 1 id %d", i + 1, 1 + 10 * (i / 2), i + 1);
		feed(flows, line);
	}
	feed(flows, "600 < R 1 ttl 63");
	size_t count = sw_flows_kept(flows, 1, kept, SW_FLOW_KEPT_MAX + 1);
	assert_in_range(count, 20, SW_FLOW_KEPT_MAX);
	assert_int_equal(kept[0]->id, 1); /* the SYN stays, the last is there */
	assert_int_equal(kept[count - 1]->id, next_packet - 1);
	assert_true(kept[0]->tcp.flags == SW_TCP_SYN && kept[0]->tcp.mss == 1460);
	for (size_t i = 1; i < count; i++)
		assert_true(kept[i]->id > kept[i - 1]->id);
	assert_int_equal(sw_flows_kept(flows, 1, kept, 3), 3);
	sw_flows_shrink(flows, 1);
	assert_int_equal(sw_flows_kept(flows, 1, kept, SW_FLOW_KEPT_MAX), 0);
	assert_int_equal(sw_flows_get(flows, 1)->side[SW_SIDE_OURS].retransmissions, 250);
}

static void names_are_kept(void **state)
{
	(void)state;
	const struct sw_packet *kept[SW_FLOW_KEPT_MAX];
	struct sw_dns dns = {.id = 7, .name = "db.lab"};
	struct sw_packet question = datagram(0, "10.0.0.1:4001", "10.0.0.2:53", SW_WAY_OUT);
	question.dns = &dns;
	for (int i = 0; i < 30; i++, question.id++, question.time_ns++)
		sw_flows_packet(flows, &question);
	dns.id = 8; /* what was delivered is the deliverer's again */
	assert_int_equal(sw_flows_kept(flows, 1, kept, SW_FLOW_KEPT_MAX), 7);
	for (int i = 0; i < 7; i++)
		assert_int_equal(kept[i]->dns->id, 7);
}

static void many_flows(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		struct sw_packet packet = segment("0 > S 0");
		packet.src.port = (uint16_t)(1000 + i);
		assert_int_equal(sw_flows_packet(flows, &packet).flow, i + 1);
	}
	struct sw_endpoint local = end_of("10.0.0.1:3500"), remote = end_of("10.0.0.2:80");
	assert_int_equal(sw_flows_find(flows, IPPROTO_TCP, &local, &remote, at(1))->id, 2501);
}

static void namespaces_are_apart(void **state)
{
	(void)state;
	struct sw_packet packet = segment("0 > S 0");
	assert_int_equal(sw_flows_packet(flows, &packet).flow, 1);
	packet.netns = 3;
	assert_int_equal(sw_flows_packet(flows, &packet).flow, 2);
	packet.netns = 0;
	assert_int_equal(sw_flows_packet(flows, &packet).flow, 1);
	assert_int_equal(sw_flows_find_in(flows, 0, IPPROTO_TCP, &packet.src, &packet.dst, at(1))->id, 1);
	assert_int_equal(sw_flows_find_in(flows, 3, IPPROTO_TCP, &packet.src, &packet.dst, at(1))->id, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(refused),
		FLOW_TEST(port_reuse),
		FLOW_TEST(new_attempt_from_the_same_port),
		FLOW_TEST(both_sides_open),
		FLOW_TEST(a_copy_on_another_interface),
		FLOW_TEST(redirected),
		FLOW_TEST(a_stray_reset_is_not_tied),
		FLOW_TEST(icmp_quotes_our_syn),
		FLOW_TEST(icmp_quotes_what_was_never_captured),
		FLOW_TEST(icmp_quotes_translated),
		FLOW_TEST(icmp_of_our_own_about_the_peer),
		FLOW_TEST(reply_from_elsewhere),
		FLOW_TEST(the_callback_decides),
		FLOW_TEST(loopback_has_a_mirror),
		FLOW_TEST(neighbors),
		FLOW_TEST(fragments),
		FLOW_TEST(kept_is_bounded),
		FLOW_TEST(names_are_kept),
		FLOW_TEST(many_flows),
		FLOW_TEST(namespaces_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
