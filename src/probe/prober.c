/* See prober.h: the process, the channel to it, and which questions it is spared. */
#include "src/probe/prober.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/base/message.h"
#include "src/probe/tries.h"

#define SPACES_MAX 16

struct sw_prober {
	int fd; /* our end; -1 it is gone */
	size_t asked, answered;
	struct sw_prober_question questions[SW_PROBER_QUESTIONS_MAX];
};

/* ---- the process -------------------------------------------------------------------------------------------------- */

struct space {
	uint32_t netns;
	int fd;
};

static bool receive(int channel, struct sw_prober_question *question, int *fd)
{
	if (sw_message_receive(channel, question, sizeof *question, fd, true) != 1)
		return false;
	question->name[sizeof question->name - 1] = '\0';
	return true;
}

/* What it cannot enter it does not ask in: from elsewhere the answer would be another's. An ordinary user's prober may
 * enter none, not even its own (setns(2)), and need not. */
static bool enter(const struct space *spaces, size_t count, uint32_t netns, uint32_t *inside)
{
	if (netns == *inside)
		return true;
	for (size_t i = 0; i < count; i++)
		if (spaces[i].netns == netns && setns(spaces[i].fd, CLONE_NEWNET) == 0) {
			*inside = netns;
			return true;
		}
	return false;
}

static void answer(int channel, const struct sw_prober_question *question, bool entered)
{
	struct sw_prober_answer answer = {.question = *question};

	if (!entered)
		answer.question.kind = SW_PROBER_SPACE; /* nothing was tried */
	else if (question->kind == SW_PROBER_PATH)
		sw_try_path(question, &answer.path);
	else if (question->kind == SW_PROBER_SIZE)
		sw_try_sizes(question, &answer.size);
	else if (question->kind == SW_PROBER_RESOLVER)
		sw_try_resolvers(question, &answer.resolver);
	else
		sw_try_addresses(question, &answer.addresses);
	if (send(channel, &answer, sizeof answer, MSG_NOSIGNAL) < 0)
		_exit(0); /* nobody waits for it any more */
}

static _Noreturn void serve(int channel)
{
	struct space spaces[SPACES_MAX];
	struct sw_prober_question question;
	size_t count = 1;
	uint32_t inside = 0; /* the session numbers the namespace that it began in with 0 */
	int fd;

	spaces[0] = (struct space){0, open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
	while (receive(channel, &question, &fd)) {
		if (question.kind != SW_PROBER_SPACE)
			answer(channel, &question, enter(spaces, count, question.netns, &inside));
		else if (count < SPACES_MAX && fd >= 0)
			spaces[count++] = (struct space){question.netns, fd};
	}
	_exit(0);
}

/* Nothing of the session's stays open in it, what the terminal sends is not for it, and it dies with the recorder. */
static _Noreturn void become(int channel)
{
	if (dup2(channel, 3) < 0)
		_exit(1);
	close_range(4, ~0u, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	/* getaddrinfo(3) shall not outlive the patience of who asked. */
	setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
	serve(3);
}

/* ---- the recorder's side ------------------------------------------------------------------------------------------ */

struct sw_prober *sw_prober_new(struct sw_err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		sw_err_set(err, -errno, "--probe: the prober cannot be started: %s", strerror(errno));
		return NULL;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(ends[1]);
	close(ends[1]);
	if (pid < 0) {
		sw_err_set(err, -errno, "--probe: the prober cannot be started: %s", strerror(errno));
		close(ends[0]);
		return NULL;
	}
	struct sw_prober *prober = sw_alloc(sizeof *prober);
	prober->fd = ends[0];
	return prober;
}

static void gone(struct sw_prober *prober)
{
	if (prober->fd >= 0)
		close(prober->fd);
	prober->fd = -1;
	prober->answered = prober->asked;
}

void sw_prober_free(struct sw_prober *prober)
{
	if (prober)
		gone(prober);
	free(prober);
}

static bool deliver(struct sw_prober *prober, const struct sw_prober_question *question, int fd)
{
	return prober->fd >= 0 && sw_message_send(prober->fd, question, sizeof *question, fd);
}

void sw_prober_space(struct sw_prober *prober, uint32_t netns, int fd)
{
	const struct sw_prober_question space = {.kind = SW_PROBER_SPACE, .netns = netns};

	if (prober && fd >= 0)
		deliver(prober, &space, fd);
}

static bool same(const struct sw_prober_question *a, const struct sw_prober_question *b)
{
	return a->kind == b->kind && a->netns == b->netns && sw_endpoint_equal(&a->remote, &b->remote) &&
	       strcmp(a->name, b->name) == 0;
}

void sw_prober_ask(struct sw_prober *prober, const struct sw_prober_question *question)
{
	for (size_t i = 0; i < prober->asked; i++)
		if (same(&prober->questions[i], question))
			return;
	if (prober->asked == SW_PROBER_QUESTIONS_MAX || !deliver(prober, question, -1))
		return;
	prober->questions[prober->asked++] = *question;
}

bool sw_prober_busy(const struct sw_prober *prober)
{
	return prober && prober->answered < prober->asked;
}

int sw_prober_fd(const struct sw_prober *prober)
{
	return prober ? prober->fd : -1;
}

void sw_prober_read(struct sw_prober *prober, const struct sw_trace_sink *sink)
{
	struct sw_prober_answer answer;

	while (prober && prober->fd >= 0) {
		ssize_t got = recv(prober->fd, &answer, sizeof answer, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got != sizeof answer) {
			gone(prober);
			return;
		}
		prober->answered++;
		sw_tried_facts(&answer, sink);
	}
}
