/* Questions to the table of flows: by id, by ends, by local port; the view from a loopback flow's other end.
 *
 * Enters: ids, ends and times. Leaves: flows, and mirrors of them. Changes no facts. */
#include <string.h>

#include "correlate/flows/flow_track.h"

struct sw_flow *sw_flows_get(struct sw_flows *flows, uint32_t id)
{
	struct sw_flow_track *track = sw_flow_track_at(flows, id);

	if (!track)
		return NULL;
	if (track->mirror_of)
		sw_flow_mirror_refresh(flows, track);
	return &track->flow;
}

size_t sw_flows_count(const struct sw_flows *flows)
{
	return flows->last_id;
}

uint32_t sw_flows_next(const struct sw_flows *flows, uint32_t after)
{
	uint32_t id = after + 1;

	while (id <= flows->last_id) {
		const struct sw_flow_page *page = flows->pages.items[(id - 1) / SW_FLOW_PAGE];

		if (!page)
			id = ((id - 1) / SW_FLOW_PAGE + 1) * SW_FLOW_PAGE + 1;
		else if (page->tracks[(id - 1) % SW_FLOW_PAGE])
			return id;
		else
			id++;
	}
	return 0;
}

static bool local_fits(const struct sw_endpoint *local, const struct sw_endpoint *end)
{
	if (local->port != end->port)
		return false;
	return !local->ip.family || sw_ip_is_any(&local->ip) || sw_ip_equal(&local->ip, &end->ip);
}

static bool remote_fits(const struct sw_endpoint *remote, const struct sw_flow *flow)
{
	if (!remote || !remote->port)
		return true;
	return sw_flow_end_equal(remote, &flow->remote) ||
	       (flow->remote_in.port && sw_flow_end_equal(remote, &flow->remote_in));
}

static bool in_time(const struct sw_flow *flow, int64_t at_ns)
{
	return at_ns == SW_TIME_NONE || flow->first_ns <= at_ns;
}

#define ANY_NETNS UINT32_MAX

static struct sw_flow *find(struct sw_flows *flows, uint32_t netns, uint8_t protocol, const struct sw_endpoint *local,
			    const struct sw_endpoint *remote, int64_t at_ns)
{
	uint32_t *head = sw_flow_port_chain(flows, protocol, local->port);
	struct sw_flow_track *next;

	for (struct sw_flow_track *track = head ? sw_flow_track_at(flows, *head) : NULL; track; track = next) {
		struct sw_flow *flow = &track->flow;
		next = sw_flow_track_at(flows, sw_flow_port_next(track, local->port));
		if ((netns != ANY_NETNS && flow->netns != netns) || !in_time(flow, at_ns))
			continue;
		if (local_fits(local, &flow->local) && remote_fits(remote, flow))
			return flow;
		if (flow->loopback && local_fits(local, &flow->remote) &&
		    (!remote || !remote->port || sw_flow_end_equal(remote, &flow->local)))
			return &sw_flow_mirror(flows, track)->flow;
	}
	return NULL;
}

/* With both ends known the pair's own chain is short where the port's may be long (a busy listener). */
static struct sw_flow *find_pair(struct sw_flows *flows, uint32_t netns, uint8_t protocol,
				 const struct sw_endpoint *local, const struct sw_endpoint *remote, int64_t at_ns)
{
	struct sw_flow_track *track = sw_flow_latest_of(flows, protocol, local, remote);

	for (; track; track = sw_flow_track_at(flows, track->previous)) {
		struct sw_flow *flow = &track->flow;
		if ((netns != ANY_NETNS && flow->netns != netns) || !in_time(flow, at_ns))
			continue;
		if (sw_flow_end_equal(&flow->local, local))
			return flow;
		return flow->loopback ? &sw_flow_mirror(flows, track)->flow : flow;
	}
	return NULL;
}

static struct sw_flow *find_either(struct sw_flows *flows, uint32_t netns, uint8_t protocol,
				   const struct sw_endpoint *local, const struct sw_endpoint *remote, int64_t at_ns)
{
	if (remote && remote->port && local->ip.family && !sw_ip_is_any(&local->ip)) {
		struct sw_flow *flow = find_pair(flows, netns, protocol, local, remote, at_ns);
		if (flow || !flows->by_alias.count)
			return flow;
	}
	return find(flows, netns, protocol, local, remote, at_ns);
}

struct sw_flow *sw_flows_find(struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *local,
			      const struct sw_endpoint *remote, int64_t at_ns)
{
	return find_either(flows, ANY_NETNS, protocol, local, remote, at_ns);
}

struct sw_flow *sw_flows_find_in(struct sw_flows *flows, uint32_t netns, uint8_t protocol,
				 const struct sw_endpoint *local, const struct sw_endpoint *remote, int64_t at_ns)
{
	return find_either(flows, netns, protocol, local, remote, at_ns);
}

size_t sw_flows_of_port(const struct sw_flows *flows, uint8_t protocol, const struct sw_endpoint *local,
			int64_t from_ns, int64_t to_ns, uint32_t *ids, size_t room)
{
	uint32_t *head = sw_flow_port_chain(flows, protocol, local->port);
	size_t count = 0;

	for (uint32_t id = head ? *head : 0; id && count < room;
	     id = sw_flow_port_next(sw_flow_track_at(flows, id), local->port)) {
		const struct sw_flow *flow = &sw_flow_track_at(flows, id)->flow;
		bool near = local_fits(local, &flow->local) || (flow->loopback && local_fits(local, &flow->remote));
		if (near && flow->first_ns <= to_ns && flow->last_ns >= from_ns)
			ids[count++] = id;
	}
	return count;
}

size_t sw_flows_kept(const struct sw_flows *flows, uint32_t flow, const struct sw_packet **packets, size_t room)
{
	const struct sw_flow_track *track = sw_flow_stored_at(flows, flow);

	return track ? sw_flow_kept_list(track->kept, &track->flow, packets, room) : 0;
}

bool sw_flows_unacked(const struct sw_flows *flows, uint32_t flow, enum sw_flow_side side,
		      struct sw_flow_unacked *unacked)
{
	const struct sw_flow_track *track = sw_flow_stored_at(flows, flow);

	if (track && track->flow.id != flow)
		side = SW_FLOW_OTHER(side);
	if (!track || track->flow.side[side].acked_to >= track->flow.side[side].sent_to)
		return false;
	const struct sw_flow_segments *segments = &track->side[side].segments;
	if (!segments->count)
		return false;
	const struct sw_flow_segment *oldest = &segments->items[segments->head];
	*unacked = (struct sw_flow_unacked){
		.oldest_sent_ns = oldest->first_ns,
		.resent = oldest->sends > 1,
		.bytes = track->flow.side[side].sent_to - track->flow.side[side].acked_to,
	};
	return true;
}

const char *sw_flow_state_name(enum sw_flow_state state)
{
	static const char *const names[] = {
		[SW_FLOW_NEW] = "new",
		[SW_FLOW_SYN_SENT] = "syn-sent",
		[SW_FLOW_SYN_RECEIVED] = "syn-received",
		[SW_FLOW_ESTABLISHED] = "established",
		[SW_FLOW_OURS_CLOSED] = "ours-closed",
		[SW_FLOW_PEER_CLOSED] = "peer-closed",
		[SW_FLOW_CLOSED] = "closed",
		[SW_FLOW_RESET] = "reset",
	};

	return (size_t)state < SW_COUNT(names) ? names[state] : "?";
}
