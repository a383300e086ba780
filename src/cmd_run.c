/* `sockwhy run`: starts the recorder, runs the command under the tracer, ends as the command ended.
 *
 * This process is the command's parent and tracer (the shell waits for it); the recorder is a child beside the command. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "src/captures.h"
#include "src/session.h"
#include "tracer/engine/wire.h"

/* Mistakes that cost nothing when they are found before the command starts. */
static int check(const struct sw_options *options, struct sw_err *err)
{
	if (options->interface && strcmp(options->interface, "any") != 0 && if_nametoindex(options->interface) == 0)
		return sw_err_set(err, -ENODEV, "-i %s: there is no such interface here (see: ip link)",
				  options->interface);
	return sw_captures_check(options, err);
}

int sw_cmd_run(const struct sw_options *options)
{
	const struct sw_recorder_target target = {.mode = SW_MODE_RUN,
						  .command = (const char *const *)options->argv,
						  .command_count = (size_t)options->argc};
	struct sw_session session;
	struct sw_err err = {0};
	int status = 0;
	sw_engine_reserve_stdio();
	if (check(options, &err) < 0)
		return sw_session_complain(&err, SW_EXIT_USAGE);
	int failed = sw_session_start(&session, options, &target);
	if (failed)
		return failed;
	const struct sw_engine_options engine = sw_session_engine(&session);
	const struct sw_trace_sink sink = sw_wire_sink(session.ring);
	int code = sw_engine_run(&engine, &sink, &status, &err);
	if (code < 0)
		sw_session_complain(&err, 0);
	sw_session_end(&session, code < 0);
	/* A command that failed says so itself; a report that --fail-on asks and that nobody could make is no success. */
	int judged = status == 0 && code == 0 && options->fail_on_count ? sw_session_status(&session) : 0;
	if (judged)
		return judged;
	sw_engine_end_like(status);
}
