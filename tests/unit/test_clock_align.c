/* The alignment of a log with a capture: offsets, drift, whole seconds, and recordings that do not belong together. */
#include "tests/unit/test.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "src/clock_align.h"

#define MS SW_NS_PER_MS
#define S SW_NS_PER_S
#define BEGIN (INT64_C(1795381090) * S + 123456789) /* by the capture's clock */
#define ZONE (7200 * S)

struct world {
	struct sw_align *align;
	struct sw_trace_sink sink;
	struct sw_strace_summary log;
	int64_t offset_ns, drift; /* of the capture's clock from the log's */
	int64_t resolution_ns;
	int64_t last_ns, in_second;
	uint32_t seq;
};

static void begin(struct world *world, int64_t offset_ns, int64_t drift, int64_t resolution_ns)
{
	*world = (struct world){.offset_ns = offset_ns, .drift = drift, .resolution_ns = resolution_ns};
	world->log = (struct sw_strace_summary){
		.clock = SW_STRACE_CLOCK_EPOCH, .resolution_ns = resolution_ns, .durations = true};
	world->log.first_ns = BEGIN - offset_ns;
	world->align = sw_align_new(&world->log);
	world->sink = sw_align_sink(world->align);
}

/* A moment of the capture's clock as the log has it. */
static int64_t stamp(struct world *world, int64_t time_ns)
{
	int64_t now_ns = time_ns - world->offset_ns;

	now_ns -= (now_ns - world->log.first_ns) / 1000000 * world->drift / 1000;
	if (world->resolution_ns >= S) {
		now_ns -= now_ns % S;
		world->in_second = now_ns == world->last_ns ? world->in_second + 1 : 0;
		world->last_ns = now_ns;
		return now_ns + world->in_second;
	}
	return now_ns;
}

static struct sw_endpoint endpoint(uint8_t last, uint16_t port)
{
	return (struct sw_endpoint){.ip = {.family = AF_INET, .bytes = {10, 0, 0, last}}, .port = port};
}

static void one_socket(struct world *world, uint32_t id, uint16_t port)
{
	struct sw_socket socket = {
		.id = id, .kind = SW_OBJECT_SOCKET, .domain = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_TCP};

	socket.remote = (struct sw_addr){.present = true, .family = AF_INET, .endpoint = endpoint(2, 80)};
	if (port)
		socket.local = (struct sw_addr){.present = true, .family = AF_INET, .endpoint = endpoint(1, port)};
	world->sink.socket(world->sink.context, &socket);
}

static void one_call(struct world *world, enum sw_sys sys, uint32_t socket, int64_t time_ns, int64_t took_ns,
		     const char *data)
{
	struct sw_call call = {.sys = sys, .tid = 1, .pid = 1, .socket = socket, .fd = 3, .fd2 = -1};

	call.enter_ns = stamp(world, time_ns);
	call.exit_ns = call.enter_ns + took_ns;
	call.exit_bound_ns = call.exit_ns + world->resolution_ns - 1 + (world->resolution_ns < S ? MS : 0);
	call.result = data ? (int64_t)strlen(data) : 0;
	call.data = (const uint8_t *)data;
	call.data_count = data ? (uint32_t)strlen(data) : 0;
	if (sys == SW_SYS_CONNECT)
		call.addr = (struct sw_addr){.present = true, .family = AF_INET, .endpoint = endpoint(2, 80)};
	world->sink.leave(world->sink.context, &call);
	world->log.last_ns = call.enter_ns;
}

static void one_packet(struct world *world, int64_t time_ns, bool out, uint16_t port, const char *data)
{
	struct sw_packet packet = {.kind = SW_PACKET_TCP, .protocol = IPPROTO_TCP, .time_ns = time_ns};

	packet.src = out ? endpoint(1, port) : endpoint(2, 80);
	packet.dst = out ? endpoint(2, 80) : endpoint(1, port);
	packet.tcp.flags = data ? SW_TCP_ACK : SW_TCP_SYN;
	packet.tcp.seq = world->seq += 100;
	packet.payload = (const uint8_t *)data;
	packet.payload_length = packet.payload_captured = data ? (uint32_t)strlen(data) : 0;
	sw_align_packet(world->align, &packet);
}

static struct sw_alignment solve(struct world *world)
{
	struct sw_alignment alignment;

	sw_align_solve(world->align, &alignment);
	return alignment;
}

/* Ten connections, one every `apart_ns`, each with a request and an answer that is waited for; odd distances, so that only one offset fits. */
static void calls(struct world *world, int64_t apart_ns)
{
	for (uint32_t i = 0; i < 10; i++) {
		int64_t at_ns = BEGIN + i * apart_ns + i * i * 7 * MS;
		char request[32];

		snprintf(request, sizeof request, "GET /page/%u", i);
		one_socket(world, i + 1, 0);
		one_call(world, SW_SYS_CONNECT, i + 1, at_ns, 300000, NULL);
		one_socket(world, i + 1, (uint16_t)(40000 + i));
		one_call(world, SW_SYS_SENDTO, i + 1, at_ns + 10 * MS, 50000, request);
		one_call(world, SW_SYS_RECVFROM, i + 1, at_ns + 11 * MS, 40 * MS, "HTTP/1.1 200 OK");
	}
	sw_align_log(world->align, &world->log);
}

static void packets(struct world *world, int64_t apart_ns)
{
	for (uint32_t i = 0; i < 10; i++) {
		int64_t at_ns = BEGIN + i * apart_ns + i * i * 7 * MS;
		char request[32];

		snprintf(request, sizeof request, "GET /page/%u", i);
		one_packet(world, at_ns + 100000, true, (uint16_t)(40000 + i), NULL);
		one_packet(world, at_ns + 10 * MS + 20000, true, (uint16_t)(40000 + i), request);
		one_packet(world, at_ns + 51 * MS - 60000, false, (uint16_t)(40000 + i), "HTTP/1.1 200 OK");
	}
}

static void one_clock_is_exactly_that(void **state)
{
	struct world world;
	struct sw_alignment alignment;

	(void)state;
	begin(&world, 0, 0, 1000);
	calls(&world, S);
	packets(&world, S);
	alignment = solve(&world);
	assert_int_equal(alignment.aligned, SW_ALIGNED_SAME);
	assert_int_equal(alignment.offset_ns, 0);
	assert_int_equal(alignment.pairs, 30);
	sw_align_free(world.align);
}

static void a_zone_is_exact_an_odd_offset_has_an_error(void **state)
{
	static const int64_t offsets[] = {ZONE, -5400 * S, 5123456789, -37 * S, 100000 * S + 5};

	(void)state;
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		struct world world;
		struct sw_alignment alignment;

		begin(&world, offsets[i], 0, 1000);
		calls(&world, S);
		packets(&world, S);
		alignment = solve(&world);
		assert_int_equal(alignment.aligned, SW_ALIGNED_ESTIMATED);
		assert_true(llabs(alignment.offset_ns - offsets[i]) <= alignment.error_ns);
		assert_true(alignment.error_ns < 5 * MS);
		if (i < 2)
			assert_int_equal(alignment.error_ns, 0);
		assert_int_equal(alignment.drift, 0);
		sw_align_free(world.align);
	}
}

static void drift_is_found(void **state)
{
	static const int64_t drifts[] = {100000, -85000, 40000};

	(void)state;
	for (size_t i = 0; i < sizeof drifts / sizeof *drifts; i++) {
		struct world world;
		struct sw_alignment alignment;

		begin(&world, 5 * S, drifts[i], 1000);
		calls(&world, 360 * S);
		packets(&world, 360 * S);
		alignment = solve(&world);
		assert_int_equal(alignment.aligned, SW_ALIGNED_ESTIMATED);
		assert_true(llabs(alignment.drift - drifts[i]) <= 5000);
		assert_true(alignment.pairs >= 27);
		sw_align_free(world.align);
	}
}

/* Most of the capture is of another time, or of others' connections to the same server. */
static void a_long_capture_of_others_does_not_confuse(void **state)
{
	struct world world;
	struct sw_alignment alignment;

	(void)state;
	begin(&world, 3333 * MS, 0, 1000);
	calls(&world, S);
	for (uint16_t i = 0; i < 3000; i++) {
		one_packet(&world, BEGIN - 3600 * S + i * S, true, (uint16_t)(20000 + i), NULL);
		one_packet(&world, BEGIN - 3600 * S + i * S + MS, true, (uint16_t)(20000 + i), "POST /else");
	}
	packets(&world, S);
	alignment = solve(&world);
	assert_int_equal(alignment.aligned, SW_ALIGNED_ESTIMATED);
	assert_true(llabs(alignment.offset_ns - 3333 * MS) <= alignment.error_ns);
	assert_int_equal(alignment.pairs, 30);
	sw_align_free(world.align);
}

static void what_does_not_agree_is_no_offset(void **state)
{
	struct world world;
	struct sw_alignment alignment;

	(void)state;
	begin(&world, 77 * S, 0, 1000);
	calls(&world, S);
	/* The same messages, but at moments that have nothing to do with the calls. */
	for (uint32_t i = 0; i < 10; i++) {
		char request[32];

		snprintf(request, sizeof request, "GET /page/%u", i);
		one_packet(&world, BEGIN + (i * 7919 % 10) * 31 * S, true, (uint16_t)(40000 + i), request);
	}
	alignment = solve(&world);
	assert_int_equal(alignment.aligned, SW_ALIGNED_FAILED);
	assert_int_equal(alignment.offset_ns, 0);
	sw_align_free(world.align);
}

static void no_pair_leaves_the_range(void **state)
{
	struct world world;
	struct sw_alignment alignment;

	(void)state;
	begin(&world, 0, 0, 1000);
	calls(&world, S);
	one_packet(&world, BEGIN + 2 * S, true, 1, "nobody's");
	alignment = solve(&world);
	assert_int_equal(alignment.aligned, SW_ALIGNED_SAME);
	assert_int_equal(alignment.pairs, 0);
	sw_align_free(world.align);
	begin(&world, 77 * S, 0, 1000);
	calls(&world, S);
	one_packet(&world, BEGIN + 2 * S, true, 1, "nobody's");
	assert_int_equal(solve(&world).aligned, SW_ALIGNED_FAILED);
	sw_align_free(world.align);
}

static void whole_seconds_are_put_right_by_packets(void **state)
{
	struct world world;
	struct sw_alignment alignment;
	struct sw_strace_pin *pins;
	size_t count;

	(void)state;
	begin(&world, ZONE, 0, S);
	calls(&world, S);
	packets(&world, S);
	alignment = solve(&world);
	assert_int_equal(alignment.aligned, SW_ALIGNED_ESTIMATED);
	assert_int_equal(alignment.offset_ns, ZONE);
	pins = sw_align_pins(world.align, &alignment, &count);
	assert_int_equal(count, 30);
	/* The first connect: the log says only its second, its SYN says when. */
	assert_int_equal(pins[0].stamp_ns % S, 0);
	assert_true(llabs(pins[0].least_ns + ZONE - BEGIN) < MS);
	free(pins);
	sw_align_free(world.align);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_clock_is_exactly_that),
		cmocka_unit_test(a_zone_is_exact_an_odd_offset_has_an_error),
		cmocka_unit_test(drift_is_found),
		cmocka_unit_test(a_long_capture_of_others_does_not_confuse),
		cmocka_unit_test(what_does_not_agree_is_no_offset),
		cmocka_unit_test(no_pair_leaves_the_range),
		cmocka_unit_test(whole_seconds_are_put_right_by_packets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
