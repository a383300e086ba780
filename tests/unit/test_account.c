/* Byte accounting: where the time of debts went. Each test tells calls and packets in order and names every part. */
#include <stdlib.h>

#include "correlate/account/account.h"
#include "tests/unit/flow_segments.h"

static struct sw_account *account;

static int set_up(void **state)
{
	account = sw_account_new();
	return flows_up(state);
}

static int tear_down(void **state)
{
	(void)state;
	sw_flows_free(flows);
	sw_account_free(account);
	return 0;
}

static void tell(const char *line)
{
	struct sw_packet packet = segment(line);
	struct sw_flow_change change = sw_flows_packet(flows, &packet);

	sw_account_change(account, sw_flows_get(flows, change.flow), &change, &packet);
}

static void tell_all(const char *const *lines)
{
	for (; *lines; lines++)
		tell(*lines);
}
#define TELL(...) tell_all((const char *const[]){__VA_ARGS__, NULL})

static void wrote(double enter, double left, int64_t bytes)
{
	sw_account_writing(account, at(enter), bytes);
	sw_account_wrote(account, at(left), bytes);
}

struct part {
	enum sw_part part;
	double ms;
};

/* Ends debt 1 and holds its parts against `expected`; what is not named is 0; the sum is exact. */
static void ends(double end, double whole_ms, const struct part *expected)
{
	int64_t parts[SW_PART_COUNT], sum = 0, want[SW_PART_COUNT] = {0};

	sw_account_debt_end(account, 1, at(end), parts);
	for (; expected->ms > 0; expected++)
		want[expected->part] = (int64_t)(expected->ms * 1e6 + 0.5);
	for (int i = 0; i < SW_PART_COUNT; i++) {
		if (llabs(parts[i] - want[i]) > 1000)
			print_message("part %d: %lld, expected %lld\n", i, (long long)parts[i], (long long)want[i]);
		assert_in_range(parts[i] - want[i] + 1000, 0, 2000);
		sum += parts[i];
	}
	assert_int_equal(sum, (int64_t)(whole_ms * 1e6 + 0.5));
}
#define ENDS(end, whole, ...) ends(end, whole, (const struct part[]){__VA_ARGS__, {0, 0}})

static void begin(enum sw_operation operation, double time)
{
	sw_account_debt_begin(account, 1, operation, at(time));
}

static void connecting(void **state)
{
	(void)state;
	begin(SW_OPERATION_CONNECT, 0);
	TELL("0.005 > S 0", "0.105 < SA 0 1", "0.1051 > A 1 1");
	ENDS(0.1051, 105.1, {SW_PART_ROUND_TRIP, 105}, {SW_PART_APPLICATION, 0.1});
}

static void connecting_with_loss(void **state)
{
	(void)state;
	begin(SW_OPERATION_CONNECT, 0);
	TELL("0 > S 0", "1 > S 0", "2 > S 0", "2.01 < SA 0 1");
	ENDS(2.01, 2010, {SW_PART_ROUND_TRIP, 10}, {SW_PART_LOSS, 2000});
}

static void connecting_in_vain(void **state)
{
	(void)state;
	begin(SW_OPERATION_CONNECT, 0);
	TELL("0 > S 0", "1 > S 0", "3 > S 0");
	ENDS(5, 5000, {SW_PART_LOSS, 5000});
}

static void answer_that_takes_its_time(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	begin(SW_OPERATION_ANSWER, 1);
	TELL("1 > PA 1+100 1", "1.010 < A 1 101", "1.5 < PA 1+10 101");
	sw_account_read(account, at(1.6), 10);
	ENDS(1.6, 600, {SW_PART_ROUND_TRIP, 10}, {SW_PART_PEER_APPLICATION, 490}, {SW_PART_DATA_WAITING, 100});
}

static void answer_that_carries_the_acknowledgement(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	begin(SW_OPERATION_ANSWER, 1);
	wrote(1, 1, 100);
	TELL("1 > PA 1+100 1", "1.035 < PA 1+10 101"); /* 25 ms beyond the round trip, within the delayed ACK */
	sw_account_read(account, at(1.035), 10);
	ENDS(1.035, 35, {SW_PART_ROUND_TRIP, 10}, {SW_PART_PEER_APPLICATION, 25});
}

static void request_lost(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	begin(SW_OPERATION_ANSWER, 1);
	wrote(1, 1, 100);
	TELL("1 > PA 1+100 1", "1.2 > PA 1+100 1", "1.6 > PA 1+100 1", "1.61 < PA 1+10 101");
	sw_account_read(account, at(1.61), 10);
	ENDS(1.61, 610, {SW_PART_ROUND_TRIP, 10}, {SW_PART_LOSS, 600});
}

static void sent_again_for_nothing(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	begin(SW_OPERATION_ANSWER, 1);
	wrote(1, 1, 100);
	TELL("1 > PA 1+100 1", "1.03 > PA 1+100 1", "1.041 < A 1 101 sack 1-101", "1.141 < PA 1+10 101");
	sw_account_read(account, at(1.141), 10);
	/* the bytes were there after one round trip; nobody said so for a while: no loss */
	ENDS(1.141, 141, {SW_PART_ROUND_TRIP, 10}, {SW_PART_PEER_APPLICATION, 131});
}

static void answer_lost_on_the_way(void **state) /* a hole that a later segment shows */
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	begin(SW_OPERATION_ANSWER, 1);
	TELL("1 > PA 1+100 1", "1.01 < A 1 101", "1.02 < A 1001+1000 101 id 6", "1.32 < A 1+1000 101 id 7");
	sw_account_read(account, at(1.32), 2000);
	ENDS(1.32, 320, {SW_PART_ROUND_TRIP, 10}, {SW_PART_PEER_APPLICATION, 10}, {SW_PART_LOSS, 300});
}

static void peer_does_not_read(void **state)
{
	(void)state;
	TELL(HANDSHAKE, "1 > A 1+1000 1", "1.01 < A 1 1001 win 0");
	sw_account_wrote(account, at(0.9), 1000);
	sw_account_writing(account, at(1.01), 5000); /* blocks */
	begin(SW_OPERATION_DRAIN, 1.01);
	TELL("1.3 > A 1000 1", "1.31 < A 1 1001 win 0", "3 < A 1 1001 win 500", "3 > A 1001+5000 1");
	sw_account_wrote(account, at(3), 5000);
	tell("3.01 < A 1 6001");
	ENDS(3.01, 2000, {SW_PART_RECEIVER_WINDOW, 1990}, {SW_PART_ROUND_TRIP, 10});
}

static void write_that_blocked(void **state) /* its debt is opened when it returns, and began when it was entered */
{
	(void)state;
	TELL(HANDSHAKE);
	sw_account_writing(account, at(1), 6000);
	sw_account_wait_begin(account, SW_ACCOUNT_WAIT_OTHER, at(1));
	TELL("1 > A 1+1000 1", "1.01 < A 1 1001 win 0", "3 < A 1 1001 win 500", "3 > A 1001+5000 1");
	sw_account_wait_end(account, SW_ACCOUNT_WAIT_OTHER, at(3.002));
	sw_account_wrote(account, at(3.002), 6000);
	begin(SW_OPERATION_DRAIN, 1);
	tell("3.01 < A 1 6001");
	ENDS(3.01, 2010, {SW_PART_SEND_BUFFER, 10}, {SW_PART_RECEIVER_WINDOW, 1990}, {SW_PART_ROUND_TRIP, 10});
}

static void write_that_blocked_for_loss(void **state) /* what was held back when it began is told later */
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 1000);
	TELL("1 > A 1+1000 1");
	sw_account_writing(account, at(1.1), 3000);
	TELL("1.3 > A 1+1000 1", "1.31 < A 1 1001", "1.31 > A 1001+3000 1");
	sw_account_wrote(account, at(1.311), 3000);
	begin(SW_OPERATION_DRAIN, 1.1);
	tell("1.32 < A 1 4001");
	ENDS(1.32, 220, {SW_PART_LOSS, 210}, {SW_PART_ROUND_TRIP, 10});
}

static void window_full_not_zero(void **state)
{
	(void)state;
	TELL(HANDSHAKE, "0.5 < A 1 1 win 10"); /* 1280 bytes */
	wrote(1, 1, 2560);
	begin(SW_OPERATION_DRAIN, 1);
	TELL("1 > A 1+1280 1", "1.1 < A 1 1281 win 10", "1.1 > A 1281+1280 1", "1.11 < A 1 2561 win 10");
	ENDS(1.11, 110, {SW_PART_RECEIVER_WINDOW, 100}, {SW_PART_ROUND_TRIP, 10});
}

static void nagle(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	for (int i = 0; i < 3; i++) { /* header, then body, which waits for the delayed acknowledgement */
		double t = 1 + i;
		char line[4][100];
		wrote(t, t, 20);
		begin(SW_OPERATION_ANSWER, t);
		snprintf(line[0], 100, "%f > PA %d+20 %d", t, 1 + 50 * i, 1 + 5 * i);
		tell(line[0]);
		wrote(t + 0.001, t + 0.001, 30);
		snprintf(line[1], 100, "%f < A %d %d", t + 0.041, 1 + 5 * i, 21 + 50 * i);
		snprintf(line[2], 100, "%f > PA %d+30 %d", t + 0.041, 21 + 50 * i, 1 + 5 * i);
		snprintf(line[3], 100, "%f < PA %d+5 %d", t + 0.051, 1 + 5 * i, 51 + 50 * i);
		tell(line[1]);
		tell(line[2]);
		tell(line[3]);
		sw_account_read(account, at(t + 0.051), 5);
		ENDS(t + 0.051, 51, {SW_PART_NAGLE, 40}, {SW_PART_ROUND_TRIP, 11});
	}
	struct sw_account_summary summary = sw_account_summary(account);
	assert_int_equal(summary.nagle.count, 3);
	assert_in_range(summary.nagle.total_ns, 119 * SW_NS_PER_MS, 121 * SW_NS_PER_MS);
	assert_int_equal(summary.nagle.first_ns, at(1.041));
	assert_int_equal(summary.nagle.first.packet, 5);
	assert_int_equal(summary.nagle_shown.count, 3); /* and by the packets alone */
	assert_int_equal(summary.nagle_shown.first.packet, 5);
	assert_int_equal(summary.exchanges, 3);
	assert_int_equal(summary.round_trips.count, 0);
}

static void bound_by_round_trips(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	for (int i = 0; i < 5; i++) {
		char line[100];
		wrote(1 + i, 1 + i, 10);
		snprintf(line, sizeof line, "%d > PA %d+10 %d", 1 + i, 1 + 10 * i, 1 + 5 * i);
		tell(line);
		snprintf(line, sizeof line, "%d.0105 < PA %d+5 %d", 1 + i, 1 + 5 * i, 11 + 10 * i);
		tell(line);
		sw_account_read(account, at(1.0105 + i), 5);
	}
	struct sw_account_summary summary = sw_account_summary(account);
	assert_int_equal(summary.round_trips.count, 5);
	assert_int_equal(summary.exchanges, 5);
	assert_in_range(summary.round_trips.total_ns, 52 * SW_NS_PER_MS, 53 * SW_NS_PER_MS);
	assert_int_equal(summary.nagle.count, 0);
}

static void bulk_held_back_by_loss(void **state) /* the send buffer is full because a segment is lost */
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 14600);
	begin(SW_OPERATION_DRAIN, 1);
	TELL("1 > A 1+1460 1", "1 > A 1461+1460 1", "1.3 > A 1+1460 1", "1.31 < A 1 2921", "1.31 > A 2921+11680 1",
	     "1.32 < A 1 14601");
	ENDS(1.32, 320, {SW_PART_SEND_BUFFER, 10}, {SW_PART_LOSS, 300}, {SW_PART_ROUND_TRIP, 10});
}

static void queues_on_the_path_are_round_trips(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 14600);
	begin(SW_OPERATION_DRAIN, 1);
	TELL("1 > A 1+14600 1", "1.2 < A 1 14601"); /* 200 ms where the least is 10: bulk, not a delayed ACK */
	ENDS(1.2, 200, {SW_PART_ROUND_TRIP, 200});
}

static void delayed_acknowledgement(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	begin(SW_OPERATION_DRAIN, 1);
	TELL("1 > PA 1+100 1", "1.052 < A 1 101");
	ENDS(1.052, 52, {SW_PART_ROUND_TRIP, 10}, {SW_PART_PEER_APPLICATION, 42});
}

static void serving(void **state)
{
	(void)state;
	TELL("0 < S 0", "0.0001 > SA 0 1", "0.01 < A 1 1", "1 < PA 1+50 1");
	begin(SW_OPERATION_SERVE, 1);
	sw_account_read(account, at(1.2), 50);
	wrote(3, 3, 100);
	ENDS(3, 2000, {SW_PART_DATA_WAITING, 200}, {SW_PART_APPLICATION, 1800});
}

static void our_turn_in_a_handshake(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	begin(SW_OPERATION_HANDSHAKE, 1);
	wrote(1, 1, 100);
	TELL("1 > PA 1+100 1", "1.01 < PA 1+500 101", "1.01 > A 101 501");
	sw_account_read(account, at(1.01), 500);
	wrote(1.51, 1.51, 50); /* half a second of arithmetic */
	TELL("1.51 > PA 101+50 501", "1.52 < PA 501+50 151");
	sw_account_read(account, at(1.52), 50);
	ENDS(1.52, 520, {SW_PART_ROUND_TRIP, 20}, {SW_PART_APPLICATION, 500});
}

static void never_acknowledged(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	begin(SW_OPERATION_DRAIN, 1);
	TELL("1 > PA 1+100 1", "1.2 > PA 1+100 1", "1.6 > PA 1+100 1");
	ENDS(3, 2000, {SW_PART_ROUND_TRIP, 10}, {SW_PART_LOSS, 1990});
}

static void two_debts_at_once(void **state)
{
	(void)state;
	int64_t parts[SW_PART_COUNT];
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	begin(SW_OPERATION_DRAIN, 1);
	tell("1 > PA 1+100 1");
	sw_account_debt_begin(account, 2, SW_OPERATION_ANSWER, at(1.15)); /* while time is held back */
	TELL("1.2 > PA 1+100 1", "1.3 < A 1 101");
	ENDS(1.3, 300, {SW_PART_ROUND_TRIP, 10}, {SW_PART_LOSS, 290});
	sw_account_debt_end(account, 2, at(1.4), parts);
	assert_int_equal(parts[SW_PART_LOSS], 150 * SW_NS_PER_MS);
	assert_int_equal(parts[SW_PART_PEER_APPLICATION], 100 * SW_NS_PER_MS);
	sw_account_debt_end(account, 2, at(1.5), parts); /* not open any more */
	assert_int_equal(parts[SW_PART_PEER_APPLICATION], 0);
}

static void late_stamps_still_add_up(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	TELL("1 > PA 1+100 1", "1.01 < A 1 101");
	begin(SW_OPERATION_ANSWER, 0.999); /* told late */
	tell("1.1 < PA 1+5 101");
	int64_t parts[SW_PART_COUNT], sum = 0;
	sw_account_debt_end(account, 1, at(1.09), parts); /* a stamp before the packet's */
	for (int i = 0; i < SW_PART_COUNT; i++)
		sum += parts[i];
	assert_int_equal(sum, at(1.09) - at(0.999));
}

static void datagrams(void **state)
{
	(void)state;
	struct sw_packet question = {.id = 1,
				     .kind = SW_PACKET_UDP,
				     .protocol = IPPROTO_UDP,
				     .time_ns = at(0),
				     .src = end_of("10.0.0.1:4001"),
				     .dst = end_of("10.0.0.2:53"),
				     .way = SW_WAY_OUT,
				     .payload_length = 30};
	struct sw_packet answer = question;
	answer.src = question.dst;
	answer.dst = question.src;
	answer.time_ns = at(0.7);
	begin(SW_OPERATION_DATAGRAM, 0);
	wrote(0, 0, 30);
	for (int i = 0; i < 2; i++) {
		struct sw_flow_change change = sw_flows_packet(flows, i ? &answer : &question);
		sw_account_change(account, sw_flows_get(flows, 1), &change, i ? &answer : &question);
	}
	sw_account_read(account, at(1), 30);
	ENDS(1, 1000, {SW_PART_PEER_APPLICATION, 700}, {SW_PART_DATA_WAITING, 300});
}

/* A thread that sits in its wait when bytes come, and comes out of it late. */
static void woken_late(void **state)
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	TELL("1 > A 1+100 1", "1.01 < A 1 101");
	sw_account_wait_begin(account, SW_ACCOUNT_WAIT_BYTES, at(1.02));
	assert_int_equal(sw_account_woken(account, at(1.05), true), 0); /* nothing had come */
	tell("2 < A 1+50 101");
	assert_int_equal(sw_account_woken(account, at(2.7), true), at(2.7) - at(2));
	assert_int_equal(sw_account_woken(account, at(2.8), true), 0);
	sw_account_wait_end(account, SW_ACCOUNT_WAIT_BYTES, at(2.7));
	tell("3 < A 51+50 101"); /* behind bytes that lie here: what a wait would not be woken for */
	assert_int_equal(sw_account_woken(account, at(4), true), 0);
	assert_int_equal(sw_account_summary(account).late.ns, at(2.7) - at(2));
}

static void waits_for_all(void **state) /* MSG_WAITALL: what lies here waits for the rest */
{
	(void)state;
	TELL(HANDSHAKE);
	wrote(1, 1, 100);
	begin(SW_OPERATION_ANSWER, 1);
	sw_account_wait_begin(account, SW_ACCOUNT_WAIT_ALL, at(1));
	TELL("1 > A 1+100 1", "1.01 < A 1 101", "1.5 < A 1+50 101", "3 < A 51+50 101");
	assert_int_equal(sw_account_woken(account, at(3), true), 0);
	sw_account_wait_end(account, SW_ACCOUNT_WAIT_ALL, at(3));
	sw_account_read(account, at(3), 100);
	ENDS(3, 2000, {SW_PART_ROUND_TRIP, 10}, {SW_PART_PEER_APPLICATION, 1990});
}

#define T(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(connecting),
		T(connecting_with_loss),
		T(connecting_in_vain),
		T(answer_that_takes_its_time),
		T(answer_that_carries_the_acknowledgement),
		T(request_lost),
		T(sent_again_for_nothing),
		T(answer_lost_on_the_way),
		T(peer_does_not_read),
		T(write_that_blocked),
		T(write_that_blocked_for_loss),
		T(window_full_not_zero),
		T(nagle),
		T(bound_by_round_trips),
		T(bulk_held_back_by_loss),
		T(queues_on_the_path_are_round_trips),
		T(delayed_acknowledgement),
		T(serving),
		T(our_turn_in_a_handshake),
		T(never_acknowledged),
		T(two_debts_at_once),
		T(late_stamps_still_add_up),
		T(datagrams),
		T(woken_late),
		T(waits_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
