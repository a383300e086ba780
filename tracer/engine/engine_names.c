/* The names of the frames that were taken, as facts: after the run, when nobody is stopped for it. */
#include "tracer/engine/engine_state.h"
#include "tracer/kernel/probe_fact.h"

static void say(void *context, const struct sw_frame_name *name)
{
	struct sw_engine_state *engine = context;
	struct sw_fact_draft draft;

	sw_fact_begin(&draft, "frame");
	sw_fact_add_text(&draft, "object", name->object);
	sw_fact_add_number(&draft, "offset", (int64_t)name->offset);
	sw_fact_add_number(&draft, "depth", name->depth);
	sw_fact_add_number(&draft, "within", (int64_t)name->within);
	if (name->function[0])
		sw_fact_add_text(&draft, "function", name->function);
	if (name->file[0])
		sw_fact_add_text(&draft, "file", name->file);
	if (name->file[0] && name->line)
		sw_fact_add_number(&draft, "line", name->line);
	draft.fact.id = sw_identity_fact_id(engine->identity);
	if (engine->sink->fact)
		engine->sink->fact(engine->sink->context, sw_fact_of(&draft));
}

void sw_engine_names(struct sw_engine_state *engine)
{
	if (engine->stacks)
		sw_stacks_name(engine->stacks, say, engine);
}
