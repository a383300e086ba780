/* watch [-d] [-s] [-o FILE] COMMAND [ARG...]: runs a command under the engine, as the program does, and writes its records as text.
 *
 * The engine in the first process, a recorder that prints in the second, the ring and the control channel between them. -d: no
 * filter; -s: no stacks and facts; -q: count only; -n: discard. For the live tests of the tracer and for looking at what it sees. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/engine/control.h"
#include "tracer/engine/engine.h"
#include "tracer/engine/wire.h"

struct recorder {
	FILE *out;
	struct sw_ring *ring;
	int control;
	bool quiet;
	uint64_t calls, facts;
};

static const char *flag_names(uint32_t flags)
{
	static char text[200];
	static const char *const names[] = {"unfinished", "nonblocking", "restarted", "by-tool",  "before",  "peek",
					    "errqueue",   "last",        "shared",    "injected", "fastopen"};
	text[0] = '\0';
	for (size_t i = 0; i < SW_COUNT(names); i++)
		if (flags >> i & 1) {
			strcat(text, text[0] ? "," : " ");
			strcat(text, names[i]);
		}
	return text;
}

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct recorder *recorder = context;
	char local[SW_ADDR_TEXT], remote[SW_ADDR_TEXT];

	if (!recorder->quiet)
		fprintf(recorder->out,
			"socket %" PRIu32 " kind %d domain %d type %d local %s remote %s flags %#" PRIx32 "\n",
			socket->id, (int)socket->kind, socket->domain, socket->type,
			sw_addr_text(&socket->local, local), sw_addr_text(&socket->remote, remote), socket->flags);
}

static void on_enter(void *context, const struct sw_call *call)
{
	struct recorder *recorder = context;

	recorder->calls++;
	if (!recorder->quiet && getenv("WATCH_ENTER"))
		fprintf(recorder->out, "enter %" PRIu32 " %s\n", call->id, sw_sys_name(call->sys));
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct recorder *recorder = context;
	char text[4096];

	if (recorder->quiet)
		return;
	fprintf(recorder->out, "call %" PRIu32 "/%" PRIu32 " #%" PRIu32 " %.3f ms %s%s\n", call->pid, call->tid,
		call->socket, call->exit_ns == SW_TIME_NONE ? -1.0 : (double)(call->exit_ns - call->enter_ns) / 1e6,
		sw_call_text(call, text, sizeof text), flag_names(call->flags));
}

static void on_process(void *context, const struct sw_process *process)
{
	static const char *const names[] = {"begin", "exec", "exit", "signal"};
	struct recorder *recorder = context;

	if (!recorder->quiet)
		fprintf(recorder->out, "process %" PRIu32 "/%" PRIu32 " parent %" PRIu32 " %s code %d signal %d%s %s\n",
			process->pid, process->tid, process->parent, names[process->event], process->code,
			process->signal, process->is_command ? " command" : "",
			process->command_line ? process->command_line : "");
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct recorder *recorder = context;
	char text[4096];

	recorder->facts++;
	if (!recorder->quiet)
		fprintf(recorder->out, "fact %s\n", sw_fact_line(fact, text, sizeof text));
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	struct recorder *recorder = context;

	fprintf(recorder->out, "limit %s; %s\n", limit->what, limit->costs);
}

static void answer(struct recorder *recorder)
{
	struct sw_control message;
	int fd;

	while (recorder->control >= 0 && sw_control_receive(recorder->control, &message, &fd) > 0) {
		if (fd >= 0)
			close(fd);
		fprintf(recorder->out, "capture asked for namespace %" PRIu32 " inode %" PRIu64 "\n", message.netns,
			message.netns_inode);
		message.kind = SW_CONTROL_READY;
		message.value = 1;
		sw_control_send(recorder->control, &message, -1);
	}
}

static int record(struct recorder *recorder)
{
	const struct sw_trace_sink sink = {recorder, on_socket, on_enter, on_leave, on_process, on_fact, on_limit};
	uint64_t damaged = 0;

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool alone = false;
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	for (;;) {
		bool finished = alone || sw_ring_finished(recorder->ring);
		size_t count = sw_wire_read(recorder->ring, &sink, 0, &damaged);
		answer(recorder);
		if (finished && !count)
			break;
		struct pollfd wait[] = {{sw_ring_fd(recorder->ring), POLLIN, 0}, {recorder->control, POLLIN, 0}};
		if (!sw_ring_sleep(recorder->ring, 65536))
			continue;
		poll(wait, 2, 10);
		sw_ring_woken(recorder->ring);
		if (wait[1].revents & POLLHUP)
			alone = true; /* the tracer is dead or done */
	}
	fprintf(recorder->out, "end calls %" PRIu64 " facts %" PRIu64 " lost %" PRIu64 " damaged %" PRIu64 "\n",
		recorder->calls, recorder->facts, sw_ring_lost(recorder->ring), damaged);
	fflush(recorder->out);
	return 0;
}

int main(int argc, char **argv)
{
	struct sw_engine_options options = {0};
	struct recorder recorder = {.out = stderr};
	struct sw_err err = {0};
	const char *file = NULL;
	int option, ends[2], status;

	sw_engine_reserve_stdio();
	while ((option = getopt(argc, argv, "+dsqu:o:")) != -1) {
		options.detachable |= option == 'd';
		options.no_stacks |= option == 's';
		options.no_facts |= option == 's';
		recorder.quiet |= option == 'q';
		if (option == 'u')
			options.user = optarg;
		if (option == 'o')
			file = optarg;
	}
	if (optind >= argc)
		return 2;
	if (file && !(recorder.out = fopen(file, "we")))
		return 125;
	recorder.ring = sw_ring_new(SW_RING_DEFAULT, &err);
	if (!recorder.ring || sw_control_open(ends, &err) < 0)
		return 125;
	pid_t pid = fork();
	if (pid == 0) {
		recorder.control = ends[1];
		close(ends[0]);
		_exit(record(&recorder));
	}
	close(ends[1]);
	options.argv = argv + optind;
	options.control_fd = ends[0];
	struct sw_trace_sink sink = sw_wire_sink(recorder.ring);
	if (sw_engine_run(&options, &sink, &status, &err) < 0)
		fprintf(stderr, "watch: %s\n", err.text);
	sw_ring_finish(recorder.ring);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	sw_engine_end_like(status);
}
