/* The text form of records: what is written is read back equal, what is written by hand means what it says. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "src/base/mem.h"
#include "tests/unit/test.h"
#include "tracer/text/text.h"

struct caught { /* the last record of each kind */
	struct sw_socket socket;
	struct sw_call *enter, *leave;
	struct sw_process process;
	char comm[200], line[200], what[200], costs[200];
	struct sw_fact *fact;
	int sockets, enters, leaves;
};

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct caught *caught = context;

	caught->socket = *socket;
	caught->sockets++;
}

static void on_enter(void *context, const struct sw_call *call)
{
	struct caught *caught = context;

	free(caught->enter);
	caught->enter = sw_call_copy(call);
	caught->enters++;
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct caught *caught = context;

	free(caught->leave);
	caught->leave = sw_call_copy(call);
	caught->leaves++;
}

static void on_process(void *context, const struct sw_process *process)
{
	struct caught *caught = context;

	caught->process = *process;
	strcpy(caught->comm, process->comm ? process->comm : "");
	strcpy(caught->line, process->command_line ? process->command_line : "");
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct caught *caught = context;

	free(caught->fact);
	caught->fact = sw_fact_copy(fact);
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	struct caught *caught = context;

	strcpy(caught->what, limit->what);
	strcpy(caught->costs, limit->costs);
}

static struct sw_trace_sink sink_of(struct caught *caught)
{
	return (struct sw_trace_sink){caught, on_socket, on_enter, on_leave, on_process, on_fact, on_limit};
}

static void release(struct caught *caught)
{
	free(caught->enter);
	free(caught->leave);
	free(caught->fact);
}

static void read_line(const char *line, struct sw_text_state *state, struct caught *caught)
{
	struct sw_trace_sink sink = sink_of(caught);
	struct sw_err err = {0};
	int result = sw_text_line(line, state, &sink, &err);

	if (result != 1)
		print_error("%s\n%s\n", line, err.text);
	assert_int_equal(result, 1);
}

/* ---- random records ------------------------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252u;

static uint64_t number(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? seed % below : seed;
}

static int64_t sometimes(int64_t usual)
{
	return number(2) ? usual : (int64_t)number(0);
}

static int32_t sometimes32(int32_t usual)
{
	return number(2) ? usual : (int32_t)number(0);
}

static void random_text(char *text, size_t size)
{
	size_t length = number(size);

	for (size_t i = 0; i < length; i++)
		text[i] = (char)(1 + number(255));
	text[length] = '\0';
}

static struct sw_addr random_addr(void)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = (in_port_t)number(65536), .sin_addr.s_addr = (in_addr_t)number(0)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = (in_port_t)number(65536)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sw_addr addr = {0};
	size_t length;

	switch (number(6)) {
	case 0: break;
	case 1: sw_addr_from_sockaddr(&addr, &in, sizeof in); break;
	case 2:
		for (size_t i = 0; i < 16; i++)
			in6.sin6_addr.s6_addr[i] = (uint8_t)number(256);
		in6.sin6_scope_id = number(2) ? (uint32_t)number(0) : 0;
		sw_addr_from_sockaddr(&addr, &in6, sizeof in6);
		break;
	case 3:
		in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
		in6.sin6_addr.s6_addr[15] = (uint8_t)number(256);
		sw_addr_from_sockaddr(&addr, &in6, sizeof in6);
		break;
	case 4:
		length = number(sizeof un.sun_path + 1);
		for (size_t i = 0; i < length; i++)
			un.sun_path[i] = (char)(i || number(2) ? 1 + number(255) : 0);
		sw_addr_from_sockaddr(&addr, &un, offsetof(struct sockaddr_un, sun_path) + length);
		break;
	default: addr.present = true; addr.family = (uint16_t)(20 + number(20));
	}
	return addr;
}

static void random_parts(struct sw_call *call, struct sw_wait *waits, struct sw_message *messages,
			 struct sw_frame *frames, uint8_t *data)
{
	call->wait_count = (uint32_t)number(4);
	for (uint32_t i = 0; i < call->wait_count; i++)
		waits[i] = (struct sw_wait){(uint32_t)number(0), (int32_t)number(9) - 1, (uint32_t)number(0),
					    (uint32_t)number(0), number(0)};
	call->message_count = (uint32_t)number(4);
	for (uint32_t i = 0; i < call->message_count; i++)
		messages[i] = (struct sw_message){(int64_t)number(0), random_addr()};
	call->stack_count = (uint32_t)number(4);
	for (uint32_t i = 0; i < call->stack_count; i++) {
		memset(&frames[i], 0, sizeof frames[i]);
		frames[i].address = number(0);
		frames[i].offset = number(0);
		frames[i].line = (uint32_t)number(0);
		random_text(frames[i].object, sizeof frames[i].object);
		random_text(frames[i].function, sizeof frames[i].function);
		random_text(frames[i].file, sizeof frames[i].file);
	}
	call->data_count = (uint32_t)number(100);
	for (uint32_t i = 0; i < call->data_count; i++)
		data[i] = (uint8_t)number(256);
	call->waits = waits;
	call->messages = messages;
	call->stack = frames;
	call->data = data;
}

static struct sw_call random_call(void)
{
	struct sw_call call = {0};

	call.id = (uint32_t)number(0);
	call.tid = (uint32_t)number(3);
	call.pid = number(2) ? call.tid : (uint32_t)number(0);
	call.sys = (enum sw_sys)number(SW_SYS_COUNT);
	call.flags = number(2) ? (uint32_t)number(0x1000) : 0;
	call.fd = (int32_t)number(9) - 1;
	call.socket = (uint32_t)number(5);
	call.fd2 = (int32_t)number(5) - 1;
	call.socket2 = (uint32_t)number(5);
	call.enter_ns = (int64_t)number(0) >> number(30);
	call.exit_ns = number(4) ? (int64_t)number(INT64_MAX) : SW_TIME_NONE;
	call.exit_bound_ns = number(2) ? call.exit_ns : (int64_t)number(INT64_MAX);
	call.result = sometimes(0);
	call.error = number(2) ? 0 : (int32_t)number(140);
	call.request = sometimes32((int32_t)number(20));
	call.level = sometimes32((int32_t)number(20));
	call.option = sometimes32((int32_t)number(40));
	call.value = sometimes((int64_t)number(20));
	call.bytes = sometimes(-1);
	call.timeout_ns = sometimes((int64_t)number(4) - 2);
	call.addr = random_addr();
	return call;
}

static void assert_call(const struct sw_call *a, const struct sw_call *b, const char *text)
{
	struct sw_call x = *a, y = *b;

	x.waits = y.waits = NULL;
	x.messages = y.messages = NULL;
	x.stack = y.stack = NULL;
	x.data = y.data = NULL;
	if (memcmp(&x, &y, sizeof x) != 0)
		print_error("%s\n", text);
	assert_memory_equal(&x, &y, sizeof x);
	if (a->wait_count)
		assert_memory_equal(a->waits, b->waits, a->wait_count * sizeof *a->waits);
	for (uint32_t i = 0; i < a->message_count; i++) {
		assert_int_equal(a->messages[i].bytes, b->messages[i].bytes);
		assert_memory_equal(&a->messages[i].addr, &b->messages[i].addr, sizeof a->messages[i].addr);
	}
	for (uint32_t i = 0; i < a->stack_count; i++) {
		assert_int_equal(a->stack[i].address, b->stack[i].address);
		assert_int_equal(a->stack[i].offset, b->stack[i].offset);
		assert_int_equal(a->stack[i].line, b->stack[i].line);
		assert_string_equal(a->stack[i].object, b->stack[i].object);
		assert_string_equal(a->stack[i].function, b->stack[i].function);
		assert_string_equal(a->stack[i].file, b->stack[i].file);
	}
	if (a->data_count)
		assert_memory_equal(a->data, b->data, a->data_count);
}

static void calls_round_trip(void **unused)
{
	struct sw_text_state *state = sw_text_state_new();
	static char text[SW_TEXT_LINE_MAX];
	struct sw_wait waits[4];
	struct sw_message messages[4];
	struct sw_frame frames[4];
	uint8_t data[100];

	(void)unused;
	for (int i = 0; i < 20000; i++) {
		struct caught caught = {0};
		struct sw_call call = random_call();

		random_parts(&call, waits, messages, frames, data);
		if (call.exit_ns == SW_TIME_NONE)
			call.result = call.error = 0;
		assert_int_equal(sw_text_call(&call, text, sizeof text), 0);
		assert_null(strchr(text, '\n'));
		read_line(text, state, &caught);
		assert_int_equal(caught.enters, 1);
		if (call.exit_ns != SW_TIME_NONE)
			assert_call(&call, caught.leave, text);
		else
			assert_int_equal(caught.leaves, 0);
		assert_true(caught.enter->exit_ns == SW_TIME_NONE);
		release(&caught);
	}
	sw_text_state_free(state);
}

static void sockets_round_trip(void **unused)
{
	struct sw_text_state *state = sw_text_state_new();
	static char text[SW_TEXT_LINE_MAX];

	(void)unused;
	for (int i = 0; i < 5000; i++) {
		struct caught caught = {0};
		struct sw_socket socket = {0};

		socket.id = 1 + (uint32_t)number(20);
		socket.kind = (enum sw_object_kind)number(4);
		socket.flags = (uint32_t)number(0x400);
		socket.inode = (uint64_t)sometimes(0);
		socket.cookie = (uint64_t)sometimes(0);
		socket.netns = (uint32_t)sometimes(0);
		socket.uid = (uint32_t)sometimes(0);
		socket.mark = (uint32_t)sometimes(0);
		socket.device = (uint32_t)sometimes(0);
		socket.domain = (int32_t)number(20) - 1;
		socket.type = (int32_t)number(7) - 1;
		socket.protocol = (int32_t)number(20) - 1;
		socket.since_ns = number(2) ? 0 : (int64_t)number(INT64_MAX);
		socket.local = random_addr();
		socket.remote = random_addr();
		assert_int_equal(sw_text_socket(&socket, text, sizeof text), 0);
		read_line(text, state, &caught);
		if (memcmp(&socket, &caught.socket, sizeof socket) != 0)
			print_error("%s\n", text);
		assert_memory_equal(&socket, &caught.socket, sizeof socket);
	}
	sw_text_state_free(state);
}

static void others_round_trip(void **unused)
{
	struct sw_text_state *state = sw_text_state_new();
	static char text[SW_TEXT_LINE_MAX];

	(void)unused;
	for (int i = 0; i < 5000; i++) {
		char comm[16], line[100], value[60];
		struct caught caught = {0};
		struct sw_process process = {.event = (enum sw_process_event)number(4),
					     .pid = (uint32_t)number(0),
					     .comm = comm,
					     .command_line = line};
		struct sw_field fields[] = {
			{"socket", NULL, 7}, {"rtt_us", NULL, (int64_t)number(0)}, {"to", value, 0}};
		struct sw_fact fact = {.id = (uint32_t)number(0),
				       .kind = "route",
				       .pid = (uint32_t)sometimes(0),
				       .tid = (uint32_t)sometimes(0),
				       .socket = (uint32_t)sometimes(0),
				       .call = (uint32_t)sometimes(0),
				       .field_count = 3,
				       .fields = fields};
		struct sw_limit limit = {comm, line};

		process.tid = number(2) ? process.pid : (uint32_t)number(0);
		process.inside = (uint32_t)sometimes(0);
		process.parent = (uint32_t)sometimes(0);
		process.code = sometimes32(0);
		process.signal = sometimes32(9);
		process.is_command = number(2);
		process.time_ns = fact.time_ns = (int64_t)number(INT64_MAX);
		random_text(comm, sizeof comm);
		random_text(line, sizeof line);
		random_text(value, sizeof value);
		assert_int_equal(sw_text_process(&process, text, sizeof text), 0);
		read_line(text, state, &caught);
		assert_string_equal(caught.comm, comm);
		assert_string_equal(caught.line, line);
		caught.process.comm = comm;
		caught.process.command_line = line;
		assert_memory_equal(&caught.process, &process, sizeof process);
		assert_int_equal(sw_text_fact(&fact, text, sizeof text), 0);
		read_line(text, state, &caught);
		assert_int_equal(caught.fact->id, fact.id);
		assert_int_equal(caught.fact->pid, fact.pid);
		assert_int_equal(caught.fact->tid, fact.tid);
		assert_int_equal(caught.fact->socket, fact.socket);
		assert_int_equal(caught.fact->call, fact.call);
		assert_int_equal(sw_fact_number(caught.fact, "rtt_us", 1), fields[1].number);
		assert_int_equal(sw_fact_number(caught.fact, "socket", 1), 7);
		assert_string_equal(sw_fact_text(caught.fact, "to"), value);
		assert_int_equal(sw_text_limit(&limit, text, sizeof text), 0);
		read_line(text, state, &caught);
		assert_string_equal(caught.what, comm);
		assert_string_equal(caught.costs, line);
		release(&caught);
	}
	sw_text_state_free(state);
}

/* ---- by hand -------------------------------------------------------------------------------------------------- */

static void by_hand(void **unused)
{
	struct sw_text_state *state = sw_text_state_new();
	struct caught caught = {0};
	char text[200];

	(void)unused;
	read_line("call 0.000000 0.000412 connect 3 10.0.0.2:80 = -1 ECONNREFUSED\n", state, &caught);
	assert_int_equal(caught.leave->tid, 1);
	assert_int_equal(caught.leave->id, 1);
	assert_int_equal(caught.leave->socket, 1);
	assert_int_equal(caught.leave->error, ECONNREFUSED);
	assert_int_equal(caught.leave->exit_ns, 412000);
	assert_int_equal(caught.socket.remote.endpoint.port, 80);
	assert_string_equal(sw_call_text(caught.leave, text, sizeof text), "connect(3, 10.0.0.2:80) = -1 ECONNREFUSED");
	read_line("call 0.1 0.11 getsockopt 3 SO_ERROR ECONNREFUSED = 0", state, &caught);
	assert_int_equal(caught.leave->socket, 1);
	assert_int_equal(caught.enter->value, 0);
	assert_string_equal(sw_call_text(caught.leave, text, sizeof text), "getsockopt(3, SO_ERROR) = ECONNREFUSED");
	read_line("call 0.2 1.2 poll 3:IN 5:OUT 1000ms = 0", state, &caught);
	assert_int_equal(caught.leave->waits[0].socket, 1);
	assert_int_equal(caught.leave->waits[1].socket, 0);
	assert_string_equal(sw_call_text(caught.leave, text, sizeof text),
			    "poll([3 IN, 5 OUT], 1000 ms) = 0 (timeout)");
	read_line("call 1.2 1.3 poll 3:IN inf = 1 3:IN|HUP", state, &caught);
	assert_int_equal(caught.leave->wait_count, 1);
	assert_int_equal(caught.leave->waits[0].got, 0x11);
	assert_int_equal(caught.enter->waits[0].got, 0);
	assert_string_equal(sw_call_text(caught.leave, text, sizeof text), "poll([3 IN], no timeout) = 1 [3 IN|HUP]");
	read_line("call 1.4 1.41 sendto 3 512 = 512 tid=9 pid=1", state, &caught);
	assert_string_equal(sw_call_text(caught.leave, text, sizeof text), "sendto(3, 512 bytes) = 512");
	assert_int_equal(caught.leave->pid, 1);
	read_line("call 1.5 1.51 close 3 = 0", state, &caught);
	read_line("call 1.6 1.61 socket inet tcp nonblocking = 3", state, &caught);
	assert_int_equal(caught.leave->socket, 2);
	assert_int_equal(caught.socket.flags, SW_SOCKET_NONBLOCKING);
	read_line("call 1.7 1.8 accept 3 10.0.0.9:4000 = 4", state, &caught);
	assert_int_equal(caught.leave->socket2, 3);
	assert_int_equal(caught.enter->addr.present, 0);
	read_line("call 1.9 - recvfrom 4 4096 =", state, &caught);
	assert_int_equal(caught.enter->socket, 3);
	assert_int_equal(caught.enter->bytes, 4096);
	read_line("call 2.0 2.1 epoll_wait 6 1000ms = 1 5:IN", state, &caught);
	assert_string_equal(sw_call_text(caught.leave, text, sizeof text), "epoll_wait(6, 1000 ms) = 1 [5 IN]");
	assert_int_equal(caught.enter->wait_count, 0);
	release(&caught);
	sw_text_state_free(state);
}

static void errors_name_the_line(void **unused)
{
	struct sw_text_state *state = sw_text_state_new();
	struct caught caught = {0};
	struct sw_trace_sink sink = sink_of(&caught);
	struct sw_err err = {0};

	(void)unused;
	assert_int_equal(sw_text_line("# a comment", state, &sink, &err), 0);
	assert_int_equal(sw_text_line("", state, &sink, &err), 0);
	assert_int_equal(sw_text_line("pkt 0.1 out S", state, &sink, &err), 0);
	assert_int_equal(sw_text_line("call 0.1 0.2 conect 3", state, &sink, &err), -EINVAL);
	assert_non_null(strstr(err.text, "line 4"));
	assert_non_null(strstr(err.text, "conect"));
	assert_true(sw_text_line("call 0.1", state, &sink, &err) < 0);
	assert_true(sw_text_line("socket x", state, &sink, &err) < 0);
	assert_true(sw_text_line("call 0.1 0.2 connect 3 10.0.0:80 = 0", state, &sink, &err) < 0);
	sw_text_state_free(state);
}

static void never_longer_than_the_buffer(void **unused)
{
	struct sw_call call = random_call();
	char text[64];

	(void)unused;
	for (size_t size = 1; size < sizeof text; size++) {
		memset(text, 'x', sizeof text);
		sw_call_text(&call, text, size);
		assert_true(strlen(text) < size);
		assert_int_equal(text[size], 'x');
	}
	assert_int_equal(sw_text_call(&call, text, 10), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_round_trip),     cmocka_unit_test(sockets_round_trip),
		cmocka_unit_test(others_round_trip),    cmocka_unit_test(by_hand),
		cmocka_unit_test(errors_name_the_line), cmocka_unit_test(never_longer_than_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
