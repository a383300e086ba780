/* The merge: everything comes out once, in the order of time, as deep copies. */
#include <string.h>

#include "src/base/mem.h"
#include "src/merge.h"
#include "tests/unit/test.h"

struct seen {
	int64_t last_ns;
	int records, leaves, facts, packets;
	bool broken;
};

static void see(struct seen *seen, int64_t time_ns)
{
	seen->broken |= time_ns < seen->last_ns;
	seen->last_ns = time_ns;
	seen->records++;
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	see(context, socket->since_ns);
}

static void on_enter(void *context, const struct sw_call *call)
{
	see(context, call->enter_ns);
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct seen *seen = context;

	see(seen, call->exit_ns);
	seen->leaves++;
	/* What is pointed to was overwritten after the push. */
	seen->broken |= call->wait_count != 1 || call->waits[0].fd != (int32_t)call->id ||
			call->data[0] != (uint8_t)call->id;
}

static void on_process(void *context, const struct sw_process *process)
{
	struct seen *seen = context;

	see(seen, process->time_ns);
	seen->broken |= strcmp(process->comm, "name") != 0 || process->command_line;
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct seen *seen = context;

	see(seen, fact->time_ns);
	seen->facts++;
	seen->broken |= strcmp(sw_fact_text(fact, "to"), "there") != 0;
}

static void on_packet(void *context, const struct sw_packet *packet)
{
	struct seen *seen = context;

	see(seen, packet->time_ns);
	seen->packets++;
	seen->broken |= packet->payload_captured != 3000 || packet->payload[2999] != (uint8_t)packet->id;
}

static struct sw_merge *make(struct seen *seen)
{
	struct sw_trace_sink trace = {seen, on_socket, on_enter, on_leave, on_process, on_fact, NULL};
	struct sw_packet_sink packets = {.context = seen, .packet = on_packet};

	seen->last_ns = INT64_MIN;
	return sw_merge_new(&trace, &packets);
}

static void push_all(struct sw_merge *merge, uint32_t id, int64_t time_ns)
{
	struct sw_trace_sink trace = sw_merge_trace_sink(merge);
	struct sw_packet_sink packets = sw_merge_packet_sink(merge);
	static uint8_t payload[3000];
	struct sw_wait wait = {.fd = (int32_t)id};
	uint8_t data = (uint8_t)id;
	struct sw_call call = {.id = id, .enter_ns = time_ns, .exit_ns = SW_TIME_NONE};
	struct sw_field field = {"to", "there", 0};
	struct sw_fact fact = {.kind = "route", .time_ns = time_ns + 3, .field_count = 1, .fields = &field};
	struct sw_process process = {.time_ns = time_ns + 1, .comm = "name"};
	struct sw_socket socket = {.since_ns = time_ns};
	struct sw_packet packet = {
		.id = id, .time_ns = time_ns + 2, .payload = payload, .payload_captured = sizeof payload};

	trace.socket(trace.context, &socket);
	trace.enter(trace.context, &call);
	call.exit_ns = time_ns + 1000;
	call.wait_count = call.data_count = 1;
	call.waits = &wait;
	call.data = &data;
	trace.leave(trace.context, &call);
	wait.fd = -1;
	data = (uint8_t)~data;
	trace.fact(trace.context, &fact);
	trace.process(trace.context, &process);
	payload[2999] = (uint8_t)id;
	packets.packet(packets.context, &packet);
	payload[2999] = (uint8_t)~id;
}

static void in_order(void **unused)
{
	struct seen seen = {0};
	struct sw_merge *merge = make(&seen);
	uint32_t state = 1;

	(void)unused;
	for (uint32_t i = 1; i <= 500; i++) {
		state = state * 1103515245u + 12345u;
		push_all(merge, i, (int64_t)i * 100 + state % 5000);
		sw_merge_release(merge, (int64_t)i * 100);
	}
	assert_true(sw_merge_waiting(merge) > 0);
	sw_merge_release(merge, INT64_MAX);
	assert_int_equal(sw_merge_waiting(merge), 0);
	assert_int_equal(seen.records, 500 * 6);
	assert_int_equal(seen.leaves, 500);
	assert_int_equal(seen.facts, 500);
	assert_int_equal(seen.packets, 500);
	assert_false(seen.broken);
	sw_merge_free(merge);
}

static void dropped_when_freed(void **unused)
{
	struct seen seen = {0};
	struct sw_merge *merge = make(&seen);

	(void)unused;
	push_all(merge, 1, 5);
	assert_true(sw_merge_waiting(merge) > 0);
	sw_merge_release(merge, 5);
	assert_int_equal(seen.records, 0);
	sw_merge_free(merge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(dropped_when_freed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
