/* Flows that a long recording no longer needs.
 *
 * Enters: marks of what is referred to, the time. Leaves: fewer flows, the others as they were. So memory follows what is open and what is
 * said, not how long the recording is. */
#include <string.h>

#include "correlate/flows/flow_track.h"

/* After its end packets may still come: a late acknowledgement, the peer's answer to a reset. */
#define ENDED_KEPT_NS (10 * SW_NS_PER_S)
/* Without an end: longer than any kernel waits before it sends again (TCP_RTO_MAX), and than translators remember datagrams. */
#define IDLE_KEPT_NS (300 * SW_NS_PER_S)

uint32_t sw_flows_living(const struct sw_flows *flows)
{
	return flows->living;
}

uint32_t *sw_flows_owner(const struct sw_flows *flows, uint32_t id)
{
	struct sw_flow_track *track = sw_flow_track_at(flows, id);

	return track ? &track->owner : NULL;
}

void sw_flows_need(struct sw_flows *flows, uint32_t id)
{
	struct sw_flow_track *track = sw_flow_stored_at(flows, id);

	if (track)
		track->needed = true;
}

void sw_flows_awaited(struct sw_flows *flows, uint32_t id)
{
	struct sw_flow_track *track = sw_flow_stored_at(flows, id);

	if (track)
		track->flow.awaited = true;
}

static bool is_over(const struct sw_flow *flow, int64_t now_ns)
{
	if (flow->protocol == IPPROTO_TCP && flow->state >= SW_FLOW_CLOSED)
		return flow->last_ns < now_ns - ENDED_KEPT_NS;
	return flow->last_ns < now_ns - IDLE_KEPT_NS;
}

static void drop(struct sw_flows *flows, uint32_t id)
{
	struct sw_flow_track **place = &flows->pages.items[(id - 1) / SW_FLOW_PAGE]->tracks[(id - 1) % SW_FLOW_PAGE];

	sw_flow_free(*place);
	*place = NULL;
	flows->living--;
}

static void drop_oldest(struct sw_flows *flows, int64_t now_ns, uint32_t most)
{
	for (uint32_t id = sw_flows_next(flows, 0); id; id = sw_flows_next(flows, id)) {
		struct sw_flow_track *track = sw_flow_track_at(flows, id);
		uint32_t mirror = track->flow.mirror;

		if (track->mirror_of)
			continue;
		if (flows->living > most && !track->needed && is_over(&track->flow, now_ns)) {
			drop(flows, id);
			if (mirror)
				drop(flows, mirror);
		} else {
			track->needed = false;
		}
	}
}

static bool is_empty(const struct sw_flow_page *page)
{
	for (uint32_t i = 0; i < SW_FLOW_PAGE; i++) {
		if (page->tracks[i])
			return false;
	}
	return true;
}

static void drop_pages(struct sw_flows *flows)
{
	/* The last one is still being filled. */
	for (size_t i = 0; i + 1 < flows->pages.count; i++) {
		struct sw_flow_page **page = &flows->pages.items[i];

		if (*page && is_empty(*page)) {
			free(*page);
			*page = NULL;
		}
	}
}

static void clear(struct sw_flow_index *index)
{
	free(index->slots);
	*index = (struct sw_flow_index){0};
}

static void index_anew(struct sw_flows *flows)
{
	clear(&flows->by_ends);
	clear(&flows->by_alias);
	for (int i = 0; i < 2; i++) {
		if (flows->by_port[i])
			memset(flows->by_port[i], 0, SW_FLOW_PORTS * sizeof *flows->by_port[i]);
	}
	for (uint32_t id = sw_flows_next(flows, 0); id; id = sw_flows_next(flows, id)) {
		struct sw_flow_track *track = sw_flow_track_at(flows, id);

		if (track->mirror_of)
			continue;
		sw_flow_enter(flows, track);
		if (track->flow.remote_in.port)
			sw_flow_enter_alias(flows, track);
	}
	sw_flow_lately_clear(flows);
}

void sw_flows_forget(struct sw_flows *flows, int64_t now_ns, uint32_t most)
{
	uint32_t before = flows->living;

	drop_oldest(flows, now_ns, most);
	if (flows->living == before)
		return;
	drop_pages(flows);
	index_anew(flows);
}
