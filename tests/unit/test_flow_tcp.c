/* Facts of one connection: sequence spaces, what was sent again and why, windows, probes, classes of RST. */
#include "tests/unit/flow_segments.h"

static const struct sw_flow *flow(void)
{
	return sw_flows_get(flows, 1);
}
static const struct sw_side *ours(void)
{
	return &flow()->side[SW_SIDE_OURS];
}
static const struct sw_side *peer(void)
{
	return &flow()->side[SW_SIDE_PEER];
}

static void a_whole_connection(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "0.02 > PA 1+100 1", "0.031 < A 1 101", "0.05 < PA 1+1000 101", "0.051 > A 101 1001",
	     "0.06 > FA 101 1001", "0.07 < FA 1001 102", "0.071 > A 102 1002");
	assert_int_equal(flow()->state, SW_FLOW_CLOSED);
	assert_string_equal(flow()->history, "ShADadFf");
	assert_int_equal(flow()->established_ns, at(0.0101));
	assert_int_equal(flow()->synack_rtt_ns, 10 * SW_NS_PER_MS);
	assert_int_equal(ours()->bytes, 100);
	assert_int_equal(peer()->bytes, 1000);
	assert_int_equal(ours()->sent_to, 102);
	assert_int_equal(ours()->acked_to, 102);
	assert_int_equal(ours()->fin_at, 101);
	assert_int_equal(peer()->fin_ack, 102);
	assert_int_equal(ours()->rtt_count, 3);
	assert_int_equal(ours()->rtt_min_ns, 10 * SW_NS_PER_MS);
	assert_int_equal(ours()->rtt_max_ns, 11 * SW_NS_PER_MS);
	assert_int_equal(ours()->segment_size, 1460);
	assert_int_equal(ours()->retransmissions + peer()->retransmissions, 0);
	assert_int_equal(ours()->duplicate_acks + peer()->duplicate_acks, 0);
}

static void timeout_and_tail(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+100 1", "1.2 > PA 1+100 1", "1.6 > PA 1+100 1");
	assert_int_equal(ours()->retransmissions, 2);
	assert_int_equal(ours()->timeout_retransmissions, 2);
	assert_int_equal(ours()->tail_retransmissions, 2);
	assert_int_equal(ours()->fast_retransmissions, 0);
	assert_int_equal(ours()->retransmissions_unanswered, 2);
	assert_int_equal(ours()->largest_unacked, 100);
	assert_int_equal(ours()->bytes, 100);
	assert_int_equal(ours()->retransmitted_bytes, 200);
	struct sw_flow_change change = feed(flows, "1.61 < A 1 101");
	assert_true(change.acked_resent && change.acked_all);
	assert_int_equal(change.acked_sent_ns, at(1));
	assert_int_equal(ours()->retransmissions_unanswered, 0);
	assert_int_equal(ours()->rtt_count, 1); /* Karn: only the SYN */
}

static void fast_by_duplicate_acks(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > A 1+1000 1", "1.0001 > A 1001+1000 1", "1.0002 > A 2001+1000 1",
	     "1.0003 > A 3001+1000 1");
	FEED(flows, "1.01 < A 1 1 sack 1001-2001", "1.0101 < A 1 1 sack 1001-3001", "1.0102 < A 1 1 sack 1001-4001",
	     "1.0103 > A 1+1000 1", "1.0203 < A 1 4001");
	assert_int_equal(peer()->duplicate_acks, 3);
	assert_int_equal(ours()->fast_retransmissions, 1);
	assert_int_equal(ours()->timeout_retransmissions, 0);
	assert_int_equal(ours()->sacked_to, 4001);
	assert_int_equal(ours()->acked_to, 4001);
	assert_int_equal(ours()->spurious_retransmissions, 0);
}

/* Where tshark differs, as seen with captures of 2 and 6 % loss at either end:
 * - it calls what is sent again within 3 ms of a later segment out of order; the IPv4 id and the timestamp tell (retransmissions here =
 *   its retransmissions + out of order, to the packet);
 * - it counts a duplicate acknowledgement only when the window is the same, also with SACK blocks;
 * - it takes a lost segment of one byte, and each window probe, for a keepalive, and analyses what ICMP errors quote. */
static void duplicates_with_another_window(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > A 1+1000 1", "1.0001 > A 1001+1000 1", "1.01 < A 1 1", "1.0105 < A 1 1",
	     "1.011 < A 1 1 win 600", "1.012 < A 1 1 win 700 sack 1001-2001");
	assert_int_equal(peer()->duplicate_acks, 2);
	FEED(flows, "1.02 < A 1 2001", "2 > PA 2001+1 1", "2.3 > PA 2001+1 1"); /* one byte, unacknowledged: again */
	assert_int_equal(ours()->keepalives, 0);
	assert_int_equal(ours()->retransmissions, 1);
}

static void spurious_by_dsack(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+100 1", "1.2 > PA 1+100 1");
	struct sw_flow_change change = feed(flows, "1.21 < A 1 101 sack 1-101");
	assert_true(change.what & SW_FLOW_SPURIOUS);
	assert_int_equal(ours()->spurious_retransmissions, 1);
}

static void spurious_by_timestamp(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+100 1 ts 100/1", "1.2 > PA 1+100 1 ts 300/1", "1.201 < A 1 101 ts 2/100",
	     "1.21 < A 1 101 ts 2/100 sack 1-101");
	assert_int_equal(ours()->spurious_retransmissions, 1); /* said twice, counted once */
}

static void late_is_not_sent_again(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 < A 1+1000 1 id 10", "1.001 < A 2001+1000 1 id 12");
	assert_int_equal(peer()->hole_at, 1001);
	feed(flows, "1.3 < A 1001+1000 1 id 11"); /* long after, but its id says it was sent before */
	assert_int_equal(peer()->out_of_order, 1);
	assert_int_equal(peer()->retransmissions, 0);
	assert_int_equal(peer()->bytes, 3000);
	assert_int_equal(peer()->hole_at, 0);
	FEED(flows, "2 < A 4001+1000 1 id 14", "2.0005 < A 3001+1000 1 id 15"); /* at once, but sent after: again */
	assert_int_equal(peer()->retransmissions, 1);
	assert_int_equal(peer()->bytes, 5000);
}

static void merged_with_new(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+100 1", "1.2 > PA 1+150 1");
	assert_int_equal(ours()->retransmissions, 1);
	assert_int_equal(ours()->retransmitted_bytes, 100);
	assert_int_equal(ours()->bytes, 150);
	assert_int_equal(ours()->sent_to, 151);
}

static void duplicated_by_the_network(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 < PA 1+100 1 id 5", "1.0001 < PA 1+100 1 id 5");
	assert_int_equal(peer()->duplicates, 1);
	assert_int_equal(peer()->retransmissions, 0);
}

static void lost_by_the_capture(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > A 1+1000 1", "1.001 > A 2001+1000 1", "1.01 < A 1 3001");
	assert_true(ours()->lost_by_capture);
	assert_int_equal(ours()->missed_bytes, 1000);
	assert_int_equal(ours()->hole_at, 0);
	feed(flows, "1.02 < A 1 5001"); /* bytes that no packet showed at all */
	assert_int_equal(ours()->missed_bytes, 3000);
	assert_int_equal(ours()->sent_to, 5001);
}

static void shown_in_the_wrong_order(void **state) /* two processors: the acknowledgement stands before the data */
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 < A 1 101", "1.00001 > PA 1+100 1");
	assert_false(ours()->lost_by_capture);
	assert_int_equal(ours()->bytes, 100);
	assert_int_equal(ours()->retransmissions, 0);
}

static void keepalives(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+10 1", "1.01 < A 1 11", "10 > A 10 1", "10.01 < A 1 11", "20 > A 10 1",
	     "25 > A 10 1");
	assert_int_equal(ours()->keepalives, 3);
	assert_int_equal(ours()->window_probes, 0);
	assert_int_equal(ours()->probes_unanswered, 2);
	assert_int_equal(ours()->retransmissions, 0);
	assert_int_equal(peer()->duplicate_acks, 0);
	feed(flows, "30 > A 10+1 1"); /* with a byte of rubbish */
	assert_int_equal(ours()->keepalives, 4);
	assert_int_equal(ours()->bytes, 10);
}

static void zero_window(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > A 1+1000 1", "1.01 < A 1 1001 win 0", "1.3 > A 1000 1", "1.31 < A 1 1001 win 0",
	     "2 > A 1000 1", "2.01 < A 1 1001 win 0");
	assert_int_equal(peer()->zero_windows, 3);
	assert_int_equal(ours()->window_probes, 2);
	assert_int_equal(ours()->keepalives, 0);
	assert_int_equal(ours()->probes_unanswered, 0);
	assert_int_equal(peer()->zero_window_ns, 0);
	FEED(flows, "3.01 < A 1 1001 win 100");
	assert_int_equal(peer()->zero_window_ns, 2 * SW_NS_PER_S);
	assert_int_equal(peer()->window, 12800);
}

static void full_window(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > A 1+100 1", "1.01 < A 1 101 win 10", "1.02 > A 101+1280 1");
	assert_int_equal(ours()->window_fulls, 1);
}

static void merged_by_offload(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+30000 1", "1.01 < A 1 15000", "1.02 < A 1 30001");
	assert_int_equal(ours()->largest_segment, 1460);
	assert_int_equal(ours()->largest_acked, 1460);
	assert_int_equal(ours()->bytes, 30000);
	assert_int_equal(ours()->acked_to, 30001);
}

static void only_small_ones_arrive(void **state) /* a path MTU below what both believe */
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+200 1", "1.01 < A 1 201", "1.02 > A 201+1460 1", "1.021 > PA 1661+100 1",
	     "1.03 < A 1 201 sack 1661-1761", "1.04 > A 201+1460 1", "1.3 > A 201+1460 1");
	assert_int_equal(ours()->largest_acked, 200);
	assert_int_equal(ours()->largest_unacked, 1460);
	assert_int_equal(ours()->retransmissions_unanswered, 2);
}

static void the_number_wraps(void **state)
{
	(void)state;
	our_isn = UINT32_MAX - 50;
	FEED(flows, HANDSHAKE, "1 > PA 1+100 1", "1.01 < A 1 101", "1.02 > PA 101+100 1", "1.03 < A 1 201");
	assert_int_equal(ours()->bytes, 200);
	assert_int_equal(ours()->acked_to, 201);
	assert_int_equal(ours()->retransmissions, 0);
}

static void beyond_four_gigabytes(void **state)
{
	(void)state;
	char line[100];
	FEED(flows, HANDSHAKE);
	for (uint64_t i = 0, at_byte = 1; i < 5; i++, at_byte += 1000000000) {
		snprintf(line, sizeof line, "%d > A %u+1000000000 1", (int)i + 1, (uint32_t)at_byte);
		feed(flows, line);
	}
	assert_int_equal(ours()->bytes, 5000000000);
	assert_int_equal(ours()->sent_to, 5000000001);
}

static void began_before_the_capture(void **state)
{
	(void)state;
	FEED(flows, "0 > PA 7000+100 900", "0.01 < PA 900+50 7100", "0.02 > A 7100 950");
	assert_true(flow()->began_before);
	assert_int_equal(flow()->state, SW_FLOW_ESTABLISHED);
	assert_false(ours()->isn_known);
	assert_int_equal(ours()->bytes, 100);
	assert_int_equal(ours()->acked_to, ours()->sent_to);
	assert_int_equal(peer()->bytes, 50);
	assert_int_equal(ours()->retransmissions, 0);
}

static void silence(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+10 1", "1.01 < PA 1+10 11", "3 > PA 11+10 11", "3.01 < PA 11+10 21",
	     "60 > PA 21+10 21");
	assert_int_equal(flow()->silence_ns, at(60) - at(3.01));
	assert_int_equal(flow()->silence_before_ns, at(3) - at(1.01));
	assert_int_equal(flow()->silence_end.packet, next_packet - 1);
	FEED(flows, "62 > PA 21+10 21"); /* waiting for an acknowledgement is no silence */
	assert_int_equal(flow()->silence_ns, at(60) - at(3.01));
}

static void reset_by_a_living_socket(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0 ts 1/0", "0.01 < SA 0 1 ts 1/1 ttl 63", "0.011 > A 1 1 ts 1/1", "1 > PA 1+10 1 ts 1/1",
	     "1.01 < A 1 11 ts 1/1 id 500 ttl 63", "1.02 < RA 1 11 ts 1/1 id 501 ttl 63");
	assert_int_equal(peer()->rst_class, SW_RST_LIVING_SOCKET);
	assert_int_equal(peer()->rst_marks, 0);
	assert_int_equal(peer()->rst_ack, 11);
	assert_int_equal(flow()->state, SW_FLOW_RESET);
}

static void reset_by_a_host_without_the_socket(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0 ts 1/0", "0.01 < SA 0 1 ts 1/1 ttl 63", "0.011 > A 1 1 ts 1/1", "1 > PA 1+10 1 ts 1/1",
	     "1.01 < A 1 11 ts 1/1 id 500 ttl 63", "9 > PA 11+10 1 ts 1/1", "9.01 < R 1 ttl 63");
	assert_int_equal(peer()->rst_class, SW_RST_NO_SOCKET);
	assert_int_equal(peer()->rst_marks, SW_RST_MARK_NO_ACK | SW_RST_MARK_NO_TIMESTAMPS | SW_RST_MARK_ID_ZERO);
	assert_true(peer()->rst_answers_data);
	assert_int_equal(peer()->rst_ack, -1);
}

static void reset_by_a_stranger(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+10 1", "1.01 < A 1 11 ttl 60", "1.02 < R 1 ttl 63");
	assert_int_equal(peer()->rst_class, SW_RST_STRANGER);
	assert_int_equal(peer()->ttl, 60);
	assert_int_equal(peer()->ttl_rst, 63);
	struct sw_ip host = end_of("10.0.0.2:1").ip;
	assert_int_equal(sw_flows_host_ttl(flows, &host), 60);
}

static void fin_that_saw_nothing(void **state) /* the keep-alive race */
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > PA 1+10 1", "1.01 < PA 1+10 11", "5 > PA 11+10 11", "5.001 < FA 11 11",
	     "5.02 < R 11");
	assert_int_equal(peer()->fin_ack, 11);
	assert_int_equal(peer()->fin_other_sent, 21);
	assert_int_equal(flow()->state, SW_FLOW_RESET);
}

static void stale_connection(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0", "0.01 < A 777 333");
	assert_int_equal(flow()->challenge_ack.packet, 2);
	assert_int_equal(flow()->state, SW_FLOW_SYN_SENT);
	FEED(flows, "0.0101 > R 333", "1 > S 0", "1.01 < SA 0 1", "1.011 > A 1 1");
	assert_int_equal(flow()->synack_count, 1);
	assert_int_equal(sw_flows_count(flows), 1);
	/* the RST was for the old connection: ours was made, and nobody reset it */
	assert_int_equal(flow()->state, SW_FLOW_ESTABLISHED);
	assert_int_equal(flow()->side[SW_SIDE_OURS].rst.packet, 0);
}

static void synack_again(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "0.02 > PA 1+10 1", "1 < SA 0 1", "1.001 > A 11 1");
	assert_int_equal(flow()->synack_count, 2);
	assert_int_equal(flow()->last_synack.packet, 5);
	assert_int_equal(flow()->handshake_ack.packet, 3);
	assert_int_equal(peer()->syn_retransmissions, 1);
	assert_int_equal(flow()->state, SW_FLOW_ESTABLISHED);
}

static void fin_again(void **state)
{
	(void)state;
	FEED(flows, HANDSHAKE, "1 > FA 1 1", "1.2 > FA 1 1", "1.6 > FA 1 1");
	assert_int_equal(ours()->fin_retransmissions, 2);
	assert_int_equal(ours()->first_fin_again.packet, 5);
	assert_int_equal(ours()->acked_to, 1);
	struct sw_flow_unacked unacked;
	assert_true(sw_flows_unacked(flows, 1, SW_SIDE_OURS, &unacked));
	assert_true(unacked.resent);
	assert_int_equal(unacked.oldest_sent_ns, at(1));
}

static void bad_checksum_changes_nothing(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0", "0.01 < SA 0 1 bad");
	assert_int_equal(flow()->bad_checksums, 1);
	assert_int_equal(flow()->synack_count, 0);
	assert_int_equal(flow()->state, SW_FLOW_SYN_SENT);
}

static void fast_open_refused(void **state)
{
	(void)state;
	FEED(flows, "0 > S 0+100", "0.01 < RA 0 101");
	assert_int_equal(flow()->rst_to_syn.packet, 2);
	assert_int_equal(peer()->rst_class, SW_RST_TO_SYN);
}

static void rubbish_does_no_harm(void **state)
{
	(void)state;
	uint32_t seed = 1;
	FEED(flows, HANDSHAKE);
	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		struct sw_packet packet = segment(seed & 1 ? "1 > PA 1 1" : "1 < PA 1 1");
		packet.time_ns += i * 1000;
		packet.tcp.flags = (uint8_t)(seed >> 8);
		if (seed >> 20 & 7) /* mostly near, so that lists fill */
			packet.tcp.flags &= (uint8_t) ~(SW_TCP_SYN | SW_TCP_RST | SW_TCP_FIN);
		packet.tcp.seq += (seed >> 16 & 3) ? seed >> 18 : seed * 77;
		packet.tcp.ack += (seed >> 14 & 3) ? seed >> 19 : seed * 99;
		packet.payload_length = seed >> 12 & 0xfff;
		packet.tcp.sack_count = seed >> 10 & 7;
		for (int j = 0; j < 4; j++) {
			packet.tcp.sack[j].left = packet.tcp.ack + (seed >> j);
			packet.tcp.sack[j].right = packet.tcp.sack[j].left + (seed >> (2 * j));
		}
		struct sw_flow_change change = sw_flows_packet(flows, &packet);
		const struct sw_flow *some = sw_flows_get(flows, change.flow);
		assert_true(some->side[0].acked_to <= some->side[0].sent_to);
		assert_true(some->side[1].acked_to <= some->side[1].sent_to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(a_whole_connection),
		FLOW_TEST(timeout_and_tail),
		FLOW_TEST(fast_by_duplicate_acks),
		FLOW_TEST(duplicates_with_another_window),
		FLOW_TEST(spurious_by_dsack),
		FLOW_TEST(spurious_by_timestamp),
		FLOW_TEST(late_is_not_sent_again),
		FLOW_TEST(merged_with_new),
		FLOW_TEST(duplicated_by_the_network),
		FLOW_TEST(lost_by_the_capture),
		FLOW_TEST(shown_in_the_wrong_order),
		FLOW_TEST(keepalives),
		FLOW_TEST(zero_window),
		FLOW_TEST(full_window),
		FLOW_TEST(merged_by_offload),
		FLOW_TEST(only_small_ones_arrive),
		FLOW_TEST(the_number_wraps),
		FLOW_TEST(beyond_four_gigabytes),
		FLOW_TEST(began_before_the_capture),
		FLOW_TEST(silence),
		FLOW_TEST(reset_by_a_living_socket),
		FLOW_TEST(reset_by_a_host_without_the_socket),
		FLOW_TEST(reset_by_a_stranger),
		FLOW_TEST(fin_that_saw_nothing),
		FLOW_TEST(stale_connection),
		FLOW_TEST(synack_again),
		FLOW_TEST(fin_again),
		FLOW_TEST(bad_checksum_changes_nothing),
		FLOW_TEST(fast_open_refused),
		FLOW_TEST(rubbish_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
