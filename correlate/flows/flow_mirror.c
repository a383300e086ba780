/* A loopback flow seen from its other end: the same packets, with what is "ours" and "the peer's" exchanged.
 *
 * Enters: a flow. Leaves: a second one with an id of its own, brought up to date when it is asked for. */
#include <ctype.h>

#include "correlate/flows/flow_track.h"

static enum sw_flow_state mirrored(enum sw_flow_state state)
{
	if (state == SW_FLOW_OURS_CLOSED)
		return SW_FLOW_PEER_CLOSED;
	return state == SW_FLOW_PEER_CLOSED ? SW_FLOW_OURS_CLOSED : state;
}

void sw_flow_mirror_refresh(const struct sw_flows *flows, struct sw_flow_track *mirror)
{
	const struct sw_flow *flow = &sw_flow_track_at(flows, mirror->mirror_of)->flow;
	struct sw_flow *view = &mirror->flow;
	uint32_t id = view->id;

	*view = *flow;
	view->id = id;
	view->mirror = flow->id;
	view->mirrored = true;
	view->local = flow->remote;
	view->remote = flow->local;
	view->remote_in = (struct sw_endpoint){0};
	view->initiator = !flow->initiator;
	view->state = mirrored(flow->state);
	view->side[SW_SIDE_OURS] = flow->side[SW_SIDE_PEER];
	view->side[SW_SIDE_PEER] = flow->side[SW_SIDE_OURS];
	for (uint32_t i = 0; i < view->icmp_count; i++)
		view->icmp[i].quotes_peer = !flow->icmp[i].quotes_peer;
	for (char *letter = view->history; *letter; letter++)
		*letter = (char)(isupper((unsigned char)*letter) ? tolower((unsigned char)*letter) :
								   toupper((unsigned char)*letter));
}

struct sw_flow_track *sw_flow_mirror(struct sw_flows *flows, struct sw_flow_track *track)
{
	struct sw_flow_track *mirror = sw_flow_track_at(flows, track->flow.mirror);

	if (!mirror) {
		mirror = sw_alloc(sizeof *mirror);
		sw_flow_add(flows, mirror);
		mirror->mirror_of = track->flow.id;
		track->flow.mirror = mirror->flow.id;
	}
	sw_flow_mirror_refresh(flows, mirror);
	return mirror;
}
