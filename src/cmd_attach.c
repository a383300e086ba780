/* `sockwhy attach`: follows processes that run already, says why their calls failed, and leaves them as they were.
 *
 * This process only waits (guard.h): the tracing is done by a child, by a thread whose end lets go of the target, so that killing what
 * the user has started leaves the target unharmed; the recorder is another child. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/captures.h"
#include "src/guard.h"
#include "src/session.h"
#include "tracer/engine/attach.h"
#include "tracer/engine/wire.h"
#include "tracer/kernel/proc.h"

#define COMMAND_LINE_MAX 65536
#define ARGUMENTS_MAX 256

struct command_line { /* of the process that the report names */
	char text[COMMAND_LINE_MAX];
	const char *arguments[ARGUMENTS_MAX];
	size_t count;
};

static int number(const char *text, pid_t *pid)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (end == text || *end || errno || value <= 0 || value > INT32_MAX)
		return -EINVAL;
	*pid = (pid_t)value;
	return 0;
}

/* 0, or the exit status with one line said. */
static int choose(const struct sw_options *options, struct sw_pids *pids)
{
	struct sw_err err = {0};
	for (int i = 0; i < options->argc; i++) {
		pid_t pid;
		if (number(options->argv[i], &pid) < 0) {
			sw_err_set(&err, -EINVAL,
				   "'%s' is no process number; for a name write: sockwhy attach --all %s",
				   options->argv[i], options->argv[i]);
			return sw_session_complain(&err, SW_EXIT_USAGE);
		}
		sw_pids_add(pids, pid);
	}
	if (options->all)
		sw_attach_named(options->all, pids);
	if (pids->count)
		return 0;
	sw_err_set(&err, -ESRCH, "--all %s: no process has that name (see: ps -e)", options->all);
	return sw_session_complain(&err, SW_EXIT_TOOL);
}

static int check(const struct sw_options *options, const struct sw_pids *pids)
{
	struct sw_err err = {0};
	if (sw_captures_check(options, &err) < 0)
		return sw_session_complain(&err, SW_EXIT_USAGE);
	for (size_t i = 0; i < pids->count; i++) {
		int code = sw_attach_check(pids->items[i], &err);
		bool tracing_only = code == -EBUSY || (code == -EACCES && sw_attach_may_look(pids->items[i]));
		if (code < 0 && !(tracing_only && options->no_calls))
			return sw_session_complain(&err, SW_EXIT_TOOL);
	}
	return 0;
}

static void command_line_read(struct command_line *line, pid_t pid)
{
	char path[SW_PROC_PATH];
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	ssize_t length = sw_proc_read(path, line->text, sizeof line->text);
	const char *at = line->text;
	for (; length > 0 && at < line->text + length && line->count < ARGUMENTS_MAX; at += strlen(at) + 1)
		line->arguments[line->count++] = at;
}

struct tracing { /* what the tracing process is handed */
	struct sw_session *session;
	const struct sw_options *options;
	const struct sw_pids *pids;
	pid_t tool;
};

static int trace(void *context)
{
	const struct tracing *tracing = context;
	const struct sw_options *options = tracing->options;
	const struct sw_engine_options engine = sw_session_engine(tracing->session);
	const struct sw_engine_attach attach = {.pids = tracing->pids->items,
						.count = tracing->pids->count,
						.only = options->only,
						.tool = tracing->tool,
						.no_calls = options->no_calls,
						.budget = options->budget,
						.duration_ns = options->duration_ns};
	const struct sw_trace_sink sink = sw_wire_sink(tracing->session->ring);
	struct sw_err err = {0};
	int code = sw_engine_attach(&engine, &attach, &sink, &err);
	return code < 0 ? sw_session_complain(&err, SW_EXIT_TOOL) : 0;
}

/* How the tracing process ended, as from wait(2): what it could not begin it has said itself. */
static int end(struct sw_session *session, int status)
{
	struct sw_err err = {0};
	bool killed = status >= 0 && WIFSIGNALED(status);
	if (status < 0)
		sw_err_set(&err, -errno, "the tracing process cannot be started: %s", strerror(errno));
	if (killed)
		sw_err_set(&err, -EIO, "the tracing process was killed by signal %d: the report ends there",
			   WTERMSIG(status));
	if (err.code)
		sw_session_complain(&err, 0);
	sw_session_end(session, status != 0 && !killed);
	return status ? SW_EXIT_TOOL : sw_session_status(session);
}

static int follow(const struct sw_options *options, const struct sw_pids *pids)
{
	static struct command_line line;
	struct sw_session session;
	command_line_read(&line, pids->items[0]);
	const struct sw_recorder_target target = {.mode = SW_MODE_ATTACH,
						  .pid = (uint32_t)pids->items[0],
						  .command = line.arguments,
						  .command_count = line.count};
	int failed = sw_session_start(&session, options, &target);
	if (failed)
		return failed;
	struct tracing tracing = {.session = &session, .options = options, .pids = pids, .tool = getpid()};
	const struct sw_engine_options engine = sw_session_engine(&session);
	int status = sw_guard(&(struct sw_guarded){.work = trace,
						   .work_context = &tracing,
						   .other_ended = engine.child_ended,
						   .other_context = engine.child_context});
	return end(&session, status);
}

int sw_cmd_attach(const struct sw_options *options)
{
	struct sw_pids pids = {0};
	sw_engine_reserve_stdio();
	int status = choose(options, &pids);
	if (!status)
		status = check(options, &pids);
	if (!status)
		status = follow(options, &pids);
	sw_pids_release(&pids);
	return status;
}
