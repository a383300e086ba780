/* `run` when enough was recorded (--until-failure): the command goes on at the least cost, and nothing more is said of it.
 *
 * It cannot be let go: its seccomp filter stays, and a call that the filter hands to a tracer which is not there is answered ENOSYS. So
 * each such call still stops once, at its entry, and goes on at once: nothing is decoded, there is no exit stop. What is born is followed as
 * before. The last word, the names of frames, takes a while: a thread says it, so that nobody stands stopped meanwhile. */
#include <pthread.h>

#include "src/base/mem.h"
#include "tracer/engine/engine_state.h"
#include "tracer/kernel/probe_fact.h"

struct sw_rest {
	pthread_t thread;
	struct sw_engine_state then; /* with the sink, the stacks and the probes: who goes on has none of them */
};

static const struct sw_trace_sink nobody;

void sw_engine_calls_ended(struct sw_engine_state *engine)
{
	struct sw_fact_draft draft;

	if (!engine->sink->fact)
		return;
	sw_fact_begin(&draft, "calls-end");
	sw_fact_add_number(&draft, "budget", engine->calls_gone);
	draft.fact.id = sw_identity_fact_id(engine->identity);
	engine->sink->fact(engine->sink->context, sw_fact_of(&draft));
}

static void *last_word(void *context)
{
	struct sw_engine_state *then = context;

	sw_engine_names(then);
	if (then->options->enough)
		then->options->enough(then->options->child_context);
	return NULL;
}

void sw_engine_rest(struct sw_engine_state *engine)
{
	struct sw_rest *rest = sw_alloc(sizeof *rest);
	struct sw_tracee *tracee, *next;

	HASH_ITER (hh, engine->tracees.threads, tracee, next)
		sw_engine_calls_end(engine, tracee);
	sw_engine_said_flush_all(engine);
	sw_engine_calls_ended(engine);
	rest->then = *engine;
	engine->rest = rest;
	engine->sink = &nobody;
	sw_identity_mute(engine->identity);
	engine->stacks = NULL;
	engine->probe = NULL;
	engine->origins = NULL;
	if (pthread_create(&rest->thread, NULL, last_word, &rest->then) != 0) {
		last_word(&rest->then);
		rest->thread = pthread_self();
	}
}

void sw_engine_rest_end(struct sw_engine_state *engine)
{
	struct sw_rest *rest = engine->rest;

	if (!rest)
		return;
	if (!pthread_equal(rest->thread, pthread_self()))
		pthread_join(rest->thread, NULL);
	sw_stacks_free(rest->then.stacks);
	sw_probe_free(rest->then.probe);
	sw_origins_free(rest->then.origins);
	free(rest);
	engine->rest = NULL;
}
