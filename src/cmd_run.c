/* `sockwhy run`: starts the recorder, runs the command under the tracer, ends as the command ended.
 *
 * This process is the command's parent and tracer (the shell waits for it); the recorder is a child beside the command. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/captures.h"
#include "src/recorder.h"
#include "tracer/control.h"
#include "tracer/engine.h"
#include "tracer/wire.h"

struct run {
	const struct sw_options *options;
	struct sw_outputs outputs;
	struct sw_ring *ring;
	int control[2];
	volatile int *abandoned; /* shared with the recorder */
	pid_t recorder;
	bool recorder_ended;
	int recorder_status;
};

static int complain(const struct sw_err *err, int status)
{
	fprintf(stderr, "sockwhy: %s\n", err->text);
	return status;
}

/* Mistakes that cost nothing when they are found before the command starts. */
static int check(const struct sw_options *options, struct sw_err *err)
{
	if (options->interface && strcmp(options->interface, "any") != 0 && if_nametoindex(options->interface) == 0)
		return sw_err_set(err, -ENODEV, "-i %s: there is no such interface here (see: ip link)", options->interface);
	return sw_captures_check(options, err);
}

static int prepare(struct run *run, struct sw_err *err)
{
	run->ring = sw_ring_new(SW_RING_DEFAULT, err);
	if (!run->ring)
		return err->code;
	run->abandoned = mmap(NULL, sizeof *run->abandoned, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run->abandoned == MAP_FAILED)
		return sw_err_set(err, -errno, "no memory for the recorder: %s", strerror(errno));
	return sw_control_open(run->control, err);
}

static int start_recorder(struct run *run, struct sw_err *err)
{
	run->recorder = fork();
	if (run->recorder < 0)
		return sw_err_set(err, -errno, "the recorder cannot be started: %s", strerror(errno));
	if (run->recorder == 0) {
		close(run->control[0]);
		const struct sw_recorder_start start = {run->options, &run->outputs, run->ring, run->control[1], run->abandoned};
		_exit(sw_recorder_main(&start));
	}
	close(run->control[1]);
	return 0;
}

static void child_ended(void *context, pid_t pid, int status)
{
	struct run *run = context;
	if (pid != run->recorder)
		return;
	run->recorder_ended = true;
	run->recorder_status = status;
}

/* The report is written while we wait; the command is gone by then. */
static void await_recorder(struct run *run)
{
	while (!run->recorder_ended) {
		int status;
		pid_t pid = waitpid(run->recorder, &status, 0);
		if (pid == run->recorder)
			child_ended(run, pid, status);
		else if (pid < 0 && errno != EINTR)
			return;
	}
	if (WIFSIGNALED(run->recorder_status))
		fprintf(stderr, "sockwhy: the recorder was killed by signal %d: there is no report\n",
			WTERMSIG(run->recorder_status));
}

static int run_command(struct run *run, int *status, struct sw_err *err)
{
	const struct sw_options *options = run->options;
	const struct sw_engine_options engine = {
		.argv = options->argv,
		.detachable = options->detachable,
		.no_stacks = options->switches & SW_SWITCH_NO_STACKS,
		.switches = (options->switches & SW_SWITCH_NO_GETFD ? SW_NO_GETFD : 0) |
			    (options->switches & SW_SWITCH_NO_DIAG ? SW_NO_DIAG : 0) |
			    (options->switches & SW_SWITCH_NO_NETLINK ? SW_NO_NETLINK : 0),
		.control_fd = run->control[0],
		.child_ended = child_ended,
		.child_context = run,
	};
	const struct sw_trace_sink sink = sw_wire_sink(run->ring);
	int code = sw_engine_run(&engine, &sink, status, err);
	*run->abandoned = code < 0;
	sw_ring_finish(run->ring);
	close(run->control[0]);
	return code;
}

int sw_cmd_run(const struct sw_options *options)
{
	struct run run = {.options = options};
	struct sw_err err = {0};
	int status = 0;
	sw_engine_reserve_stdio();
	if (check(options, &err) < 0)
		return complain(&err, SW_EXIT_USAGE);
	if (sw_outputs_open(&run.outputs, options, &err) < 0)
		return complain(&err, err.code == -EISDIR ? SW_EXIT_USAGE : SW_EXIT_TOOL);
	if (prepare(&run, &err) < 0 || start_recorder(&run, &err) < 0) {
		sw_outputs_release(&run.outputs);
		return complain(&err, SW_EXIT_TOOL);
	}
	int code = run_command(&run, &status, &err);
	if (code < 0)
		complain(&err, 0);
	await_recorder(&run);
	sw_engine_end_like(status);
}
