/* See ask.h. What ended well asks nothing: the prober sends no packet without a failure. */
#include "src/probe/ask.h"

#include <errno.h>
#include <stdio.h>

#include "src/base/clock.h"

#define SILENT_NS SW_NS_PER_S

static bool went_wrong(const struct sw_ended *ended)
{
	return ended->outcome != SW_OUTCOME_DONE && ended->outcome != SW_OUTCOME_OPEN &&
	       ended->outcome != SW_OUTCOME_SLOW && ended->outcome != SW_OUTCOME_EOF;
}

static bool is_ip(const struct sw_addr *target)
{
	return target->present && (target->family == AF_INET || target->family == AF_INET6);
}

/* An errno that says the host itself was answered for, or that nothing left this host: no path to look for. */
static bool was_refused(const struct sw_ended *ended)
{
	return ended->error == ECONNREFUSED || ended->error == ECONNRESET;
}

static bool may_be_silence(const struct sw_ended *ended)
{
	return ended->error == 0 || ended->error == ETIMEDOUT || ended->error == EHOSTUNREACH ||
	       ended->error == EAGAIN || ended->error == EINTR || ended->error == EINPROGRESS;
}

/* On a connection: what was given up sooner asked for no more than what was there. */
static bool was_silent(const struct sw_ended *ended)
{
	return (ended->operation == SW_OPERATION_ANSWER || ended->operation == SW_OPERATION_DRAIN ||
		ended->operation == SW_OPERATION_HANDSHAKE || ended->operation == SW_OPERATION_GREETING) &&
	       may_be_silence(ended) && ended->ended_ns - ended->began_ns >= SILENT_NS;
}

static void ask(struct sw_prober *prober, struct sw_prober_question *question, enum sw_prober_kind kind)
{
	question->kind = kind;
	sw_prober_ask(prober, question);
}

void sw_prober_ended(void *context, const struct sw_ended *ended)
{
	struct sw_prober *prober = context;
	struct sw_prober_question question = {
		.netns = ended->netns, .pid = ended->pid, .remote = ended->target.endpoint, .source = ended->source};

	if (!went_wrong(ended))
		return;
	snprintf(question.name, sizeof question.name, "%s", ended->name ? ended->name : "");
	if (ended->operation == SW_OPERATION_LOOKUP && *question.name) {
		question.remote = (struct sw_endpoint){0};
		ask(prober, &question, SW_PROBER_RESOLVER);
		return;
	}
	if (!is_ip(&ended->target) || sw_ip_is_loopback(&question.remote.ip) || sw_ip_is_any(&question.remote.ip) ||
	    sw_ip_is_multicast(&question.remote.ip))
		return;
	if (ended->operation == SW_OPERATION_CONNECT) {
		if (may_be_silence(ended))
			ask(prober, &question, SW_PROBER_PATH);
		if (*question.name && (may_be_silence(ended) || was_refused(ended)))
			ask(prober, &question, SW_PROBER_ADDRESSES);
	} else if (was_silent(ended)) {
		ask(prober, &question, SW_PROBER_SIZE);
	}
}
