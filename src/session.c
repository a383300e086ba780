/* See session.h. The recorder is forked before anything is traced, so that it inherits nothing of the tracer's. */
#include "src/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/engine/control.h"

int sw_session_complain(const struct sw_err *err, int status)
{
	fprintf(stderr, "sockwhy: %s\n", err->text);
	return status;
}

/* Where --each-failure writes; made where it is missing. */
static int prepare_folder(const char *path, struct sw_err *err)
{
	struct stat there;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return sw_err_set(err, -errno, "--each-failure %s: the folder cannot be made: %s", path,
				  strerror(errno));
	if (stat(path, &there) < 0 || !S_ISDIR(there.st_mode))
		return sw_err_set(err, -ENOTDIR, "--each-failure %s: this is no folder", path);
	if (access(path, W_OK | X_OK) < 0)
		return sw_err_set(err, -errno, "--each-failure %s: cannot be written: %s; choose another folder", path,
				  strerror(errno));
	return 0;
}

static int prepare(struct sw_session *session, struct sw_err *err)
{
	int ends[2];
	session->ring = sw_ring_new(SW_RING_DEFAULT, err);
	if (!session->ring)
		return err->code;
	void *shared =
		mmap(NULL, sizeof *session->abandoned, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return sw_err_set(err, -errno, "no memory for the recorder: %s", strerror(errno));
	session->abandoned = shared;
	int code = sw_control_open(ends, err);
	if (code == 0) {
		session->control = ends[0];
		session->recorder_end = ends[1];
	}
	return code;
}

static int start_recorder(struct sw_session *session, struct sw_err *err)
{
	session->recorder = fork();
	if (session->recorder < 0)
		return sw_err_set(err, -errno, "the recorder cannot be started: %s", strerror(errno));
	if (session->recorder == 0) {
		close(session->control);
		const struct sw_recorder_start start = {session->options, session->target,       &session->outputs,
							session->ring,    session->recorder_end, session->abandoned};
		_exit(sw_recorder_main(&start));
	}
	close(session->recorder_end);
	return 0;
}

int sw_session_start(struct sw_session *session, const struct sw_options *options,
		     const struct sw_recorder_target *target)
{
	struct sw_err err = {0};
	*session = (struct sw_session){.options = options, .target = *target, .control = -1};
	if (options->each_failure && prepare_folder(options->each_failure, &err) < 0)
		return sw_session_complain(&err, SW_EXIT_USAGE);
	if (sw_outputs_open(&session->outputs, options, &err) < 0)
		return sw_session_complain(&err, err.code == -EISDIR ? SW_EXIT_USAGE : SW_EXIT_TOOL);
	if (prepare(session, &err) == 0 && start_recorder(session, &err) == 0)
		return 0;
	sw_outputs_release(&session->outputs);
	return sw_session_complain(&err, SW_EXIT_TOOL);
}

static void child_ended(void *context, pid_t pid, int status)
{
	struct sw_session *session = context;
	if (pid != session->recorder)
		return;
	session->recorder_ended = true;
	session->recorder_status = status;
}

/* The report is written while the command goes on. */
static void enough(void *context)
{
	struct sw_session *session = context;
	sw_ring_finish(session->ring);
}

struct sw_engine_options sw_session_engine(struct sw_session *session)
{
	const struct sw_options *options = session->options;
	return (struct sw_engine_options){
		.argv = options->argv,
		.user = options->user,
		.detachable = options->detachable,
		.no_stacks = options->switches & SW_SWITCH_NO_STACKS,
		.switches = (options->switches & SW_SWITCH_NO_GETFD ? SW_NO_GETFD : 0) |
			    (options->switches & SW_SWITCH_NO_DIAG ? SW_NO_DIAG : 0) |
			    (options->switches & SW_SWITCH_NO_NETLINK ? SW_NO_NETLINK : 0),
		.control_fd = session->control,
		.child_ended = child_ended,
		.child_context = session,
		.enough = enough,
	};
}

/* The report is written while we wait. */
static void await_recorder(struct sw_session *session)
{
	while (!session->recorder_ended) {
		int status;
		pid_t pid = waitpid(session->recorder, &status, 0);
		if (pid == session->recorder)
			child_ended(session, pid, status);
		else if (pid < 0 && errno != EINTR)
			return;
	}
	if (WIFSIGNALED(session->recorder_status))
		fprintf(stderr, "sockwhy: the recorder was killed by signal %d: there is no report\n",
			WTERMSIG(session->recorder_status));
}

void sw_session_end(struct sw_session *session, bool failed)
{
	*session->abandoned = failed;
	sw_ring_finish(session->ring);
	close(session->control);
	await_recorder(session);
	sw_outputs_release(&session->outputs); /* a killed recorder leaves its unfinished files to us */
	sw_ring_free(session->ring);
}

int sw_session_status(const struct sw_session *session)
{
	int status = session->recorder_status;
	if (status == 0)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == SW_EXIT_MATCHED ? SW_EXIT_MATCHED : SW_EXIT_TOOL;
}
