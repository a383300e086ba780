/* A flow as the report shows it. Plain data in, plain data out; texts are copied to the arena. */
#ifndef SW_CORRELATE_FLOW_SUMMARY_H
#define SW_CORRELATE_FLOW_SUMMARY_H

#include "correlate/findings/names_learnt.h"
#include "correlate/report.h"
#include "correlate/symptoms/symptoms_sources.h"
#include "src/base/arena.h"

struct sw_addr sw_endpoint_addr(const struct sw_endpoint *end);
void sw_flow_summarize(struct sw_flow_summary *summary, const struct sw_flow *flow, const struct sw_sources *sources,
		       struct sw_arena *arena);

#endif
