/* What the tool itself tried after the failure (--probe), as facts of a symptom.
 *
 * Enters: the facts probe-path and probe-size of the context. Leaves: the section SW_FACTS_PROBE. Who wants them in
 * sentences: finding_tried.c. */
#include <string.h>

#include "correlate/facts/facts.h"

static const struct sw_fact *of_target(const struct sw_symptom_context *context, const char *kind)
{
	char target[SW_ADDR_TEXT];

	if (!context->target || !context->target->present)
		return NULL;
	sw_addr_text(context->target, target);
	for (size_t i = context->fact_count; i-- > 0;) {
		const char *destination = sw_fact_text(context->facts[i], "destination");

		if (!strcmp(context->facts[i]->kind, kind) && destination && !strcmp(destination, target))
			return context->facts[i];
	}
	return NULL;
}

void sw_facts_of_probe(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_fact *path = of_target(context, "probe-path"), *size = of_target(context, "probe-size");

	if (path) {
		facts->probe_answer = sw_fact_text(path, "answer");
		facts->probe_hop = sw_fact_text(path, "hop");
		facts->probe_hop_ttl = sw_fact_number(path, "hop_ttl", -1);
		facts->probe_ping = sw_fact_number(path, "ping", 0) == 1;
		facts->probe_distance = sw_fact_number(path, "distance", -1);
	}
	if (size) {
		facts->probe_size_back = sw_fact_number(size, "came_back", -1);
		facts->probe_size_silent = sw_fact_number(size, "silent", -1);
	}
}
