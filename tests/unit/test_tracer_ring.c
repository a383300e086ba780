/* The shared ring and the wire: order, wrapping, loss, and what a dead or hostile other side has written. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/base/ring.h"
#include "tests/unit/test.h"
#include "tracer/engine/wire.h"

static void put(struct sw_ring *ring, uint32_t number, size_t length)
{
	unsigned char *room = sw_ring_reserve(ring, length);

	if (!room)
		return;
	memset(room, (int)number, length);
	memcpy(room, &number, sizeof number);
	sw_ring_publish(ring, length);
}

static void check(struct sw_ring *ring, uint32_t number, size_t length)
{
	size_t got;
	const unsigned char *record = sw_ring_peek(ring, &got);
	uint32_t found;

	assert_non_null(record);
	memcpy(&found, record, sizeof found);
	assert_int_equal(found, number);
	assert_int_equal(got, length);
	for (size_t i = sizeof found; i < got; i++)
		assert_int_equal(record[i], number & 0xff);
	sw_ring_consumed(ring);
}

static void keeps_order_over_the_end(void **state)
{
	struct sw_ring *ring = sw_ring_new(4096, NULL);
	size_t length;

	(void)state;
	for (uint32_t i = 1; i < 5000; i++) {
		size_t a = 4 + i * 7 % 900, b = 4 + i * 13 % 600;
		put(ring, i, a);
		put(ring, i + 1000000, b);
		check(ring, i, a);
		check(ring, i + 1000000, b);
	}
	assert_null(sw_ring_peek(ring, &length));
	assert_int_equal(sw_ring_lost(ring), 0);
	sw_ring_free(ring);
}

static void full_counts_a_loss_and_goes_on(void **state)
{
	struct sw_ring *ring = sw_ring_new(4096, NULL);

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		put(ring, i, 92); /* 104 bytes each: 39 fit */
	assert_int_equal(sw_ring_lost(ring), 100 - 39);
	for (uint32_t i = 0; i < 39; i++)
		check(ring, i, 92);
	put(ring, 7, 92);
	check(ring, 7, 92);
	assert_null(sw_ring_reserve(ring, 2049)); /* more than half of it */
	assert_int_equal(sw_ring_lost(ring), 100 - 39 + 1);
	sw_ring_free(ring);
}

static void refuses_odd_sizes(void **state)
{
	struct sw_err err = {0};

	(void)state;
	assert_null(sw_ring_new(5000, &err));
	assert_int_equal(err.code, -EINVAL);
}

static void wakes_only_a_sleeper(void **state)
{
	struct sw_ring *ring = sw_ring_new(4096, NULL);
	struct pollfd fd = {.fd = sw_ring_fd(ring), .events = POLLIN};

	(void)state;
	put(ring, 1, 8);
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_false(sw_ring_sleep(ring, 1)); /* something is there */
	check(ring, 1, 8);
	assert_true(sw_ring_sleep(ring, 40));
	put(ring, 2, 8);
	assert_int_equal(poll(&fd, 1, 0), 0); /* 16 of 40 bytes */
	put(ring, 3, 24);
	assert_int_equal(poll(&fd, 1, 0), 1);
	sw_ring_woken(ring);
	assert_int_equal(poll(&fd, 1, 0), 0);
	sw_ring_finish(ring);
	assert_false(sw_ring_sleep(ring, 1000));
	assert_true(sw_ring_finished(ring));
	sw_ring_free(ring);
}

static void survives_a_dead_producer(void **state)
{
	struct sw_ring *ring = sw_ring_new(4096, NULL);
	size_t length;

	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		put(ring, 1, 50);
		memset(sw_ring_reserve(ring, 60), 9, 60); /* killed before it is published */
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	check(ring, 1, 50);
	assert_null(sw_ring_peek(ring, &length));
	sw_ring_free(ring);
}

/* ---- the wire ------------------------------------------------------------------------------------------------- */

static struct {
	unsigned sockets, enters, leaves, processes, facts, limits;
	struct sw_call *call;
	struct sw_fact *fact;
	char comm[16], line[64], what[64];
} got;

static void on_socket(void *context, const struct sw_socket *socket)
{
	(void)context;
	got.sockets++;
	assert_int_equal(socket->inode, 4711);
}

static void on_enter(void *context, const struct sw_call *call)
{
	(void)context;
	(void)call;
	got.enters++;
}

static void on_leave(void *context, const struct sw_call *call)
{
	(void)context;
	got.leaves++;
	free(got.call);
	got.call = sw_call_copy(call);
}

static void on_process(void *context, const struct sw_process *process)
{
	(void)context;
	got.processes++;
	strcpy(got.comm, process->comm);
	assert_null(process->command_line);
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	(void)context;
	got.facts++;
	free(got.fact);
	got.fact = sw_fact_copy(fact);
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	(void)context;
	got.limits++;
	strcpy(got.what, limit->what);
}

static const struct sw_trace_sink into = {NULL, on_socket, on_enter, on_leave, on_process, on_fact, on_limit};

static void carries_every_record(void **state)
{
	struct sw_ring *ring = sw_ring_new(1 << 20, NULL);
	struct sw_trace_sink sink = sw_wire_sink(ring);
	struct sw_wait waits[2] = {{.fd = 3, .asked = 1}, {.fd = 4, .got = 5, .data = UINT64_MAX}};
	struct sw_message message = {.bytes = 99};
	struct sw_frame frame = {.address = 0xabc, .function = "main"};
	struct sw_call call = {.id = 7,
			       .sys = SW_SYS_POLL,
			       .waits = waits,
			       .wait_count = 2,
			       .messages = &message,
			       .message_count = 1,
			       .stack = &frame,
			       .stack_count = 1,
			       .data = (const uint8_t *)"abc",
			       .data_count = 3};
	struct sw_field fields[2] = {{.name = "rtt_us", .number = -5}, {.name = "device", .text = "lo"}};
	struct sw_fact fact = {.kind = "route", .field_count = 2, .fields = fields};
	struct sw_process process = {.comm = "curl"};
	struct sw_socket socket = {.inode = 4711};
	struct sw_limit limit = {.what = "no packets", .costs = NULL};
	uint64_t damaged = 0;

	(void)state;
	memset(&got, 0, sizeof got);
	sink.socket(sink.context, &socket);
	sink.enter(sink.context, &call);
	sink.leave(sink.context, &call);
	sink.process(sink.context, &process);
	sink.fact(sink.context, &fact);
	sink.limit(sink.context, &limit);
	assert_int_equal(sw_wire_read(ring, &into, 0, &damaged), 6);
	assert_int_equal(damaged, 0);
	assert_true(got.sockets == 1 && got.enters == 1 && got.leaves == 1 && got.processes == 1 && got.facts == 1);
	assert_int_equal(got.call->wait_count, 2);
	assert_true(got.call->waits[1].data == UINT64_MAX && got.call->waits[0].fd == 3);
	assert_int_equal(got.call->messages[0].bytes, 99);
	assert_string_equal(got.call->stack[0].function, "main");
	assert_memory_equal(got.call->data, "abc", 3);
	assert_int_equal(sw_fact_number(got.fact, "rtt_us", 0), -5);
	assert_string_equal(sw_fact_text(got.fact, "device"), "lo");
	assert_string_equal(got.comm, "curl");
	assert_string_equal(got.what, "no packets");
	free(got.call);
	free(got.fact);
	memset(&got, 0, sizeof got);
	sw_ring_free(ring);
}

/* Whatever stands in a record, it is delivered whole or counted as damaged, and nothing is read outside of it. */
static void survives_damage(void **state)
{
	struct sw_ring *ring = sw_ring_new(1 << 20, NULL), *other = sw_ring_new(1 << 20, NULL);
	struct sw_trace_sink sink = sw_wire_sink(ring), null = {0};
	struct sw_field field = {.name = "device", .text = "lo"};
	struct sw_fact fact = {.kind = "route", .field_count = 1, .fields = &field};
	struct sw_wait wait = {.fd = 3};
	struct sw_call call = {.sys = SW_SYS_POLL, .waits = &wait, .wait_count = 1};
	uint64_t damaged = 0;
	size_t length;
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		if (round & 1)
			sink.fact(sink.context, &fact);
		else
			sink.leave(sink.context, &call);
		const unsigned char *record = sw_ring_peek(ring, &length);
		seed = seed * 1103515245 + 12345;
		size_t cut = seed >> 8 & 3 ? length : (seed >> 10) % length;
		unsigned char *copy = sw_ring_reserve(other, length);
		memcpy(copy, record, length);
		copy[(seed >> 4) % length] = (unsigned char)(seed >> 16);
		copy[(seed >> 6) % 64] ^= 1u << (seed >> 20 & 7);
		sw_ring_publish(other, cut);
		sw_ring_consumed(ring);
		assert_int_equal(sw_wire_read(other, &null, 0, &damaged), 1);
	}
	assert_true(damaged > 0);
	sw_ring_free(ring);
	sw_ring_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_over_the_end), cmocka_unit_test(full_counts_a_loss_and_goes_on),
		cmocka_unit_test(refuses_odd_sizes),        cmocka_unit_test(wakes_only_a_sleeper),
		cmocka_unit_test(survives_a_dead_producer), cmocka_unit_test(carries_every_record),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
