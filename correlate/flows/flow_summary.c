/* See flow_summary.h. Enters: a flow, and what was learnt of names. Leaves: what the report says of it. */
#include "correlate/flows/flow_summary.h"

#include <sys/socket.h>

#include "correlate/findings/origins.h"

struct sw_addr sw_endpoint_addr(const struct sw_endpoint *end)
{
	struct sw_addr addr = {.present = end->ip.family != 0, .endpoint = *end};

	addr.family = end->ip.family == 6 ? AF_INET6 : AF_INET;
	return addr;
}

void sw_flow_summarize(struct sw_flow_summary *summary, const struct sw_flow *flow, const struct sw_sources *sources,
		       struct sw_arena *arena)
{
	const char *name = flow->initiator ? sw_names_of(sources->names, &flow->remote.ip) : NULL;
	const struct sw_side *ours = &flow->side[SW_SIDE_OURS], *peer = &flow->side[SW_SIDE_PEER];

	summary->id = flow->id;
	summary->protocol = flow->protocol;
	summary->local = sw_endpoint_addr(&flow->local);
	summary->remote = sw_endpoint_addr(&flow->remote);
	summary->initiator = flow->initiator;
	summary->name = sw_arena_strdup(arena, name);
	summary->name_source = name ? SW_NAME_DNS : SW_NAME_UNKNOWN;
	sw_origin_tell(summary, sources, 0, flow->first_ns, arena);
	summary->packets_out = ours->packets;
	summary->packets_in = peer->packets;
	summary->bytes_out = ours->bytes;
	summary->bytes_in = peer->bytes;
	summary->retransmissions = ours->retransmissions + ours->syn_retransmissions;
	summary->rtt_ns = ours->rtt_count ? ours->rtt_min_ns : -1;
	summary->state = sw_flow_state_name(flow->state);
	summary->history = sw_arena_strdup(arena, flow->history);
}
