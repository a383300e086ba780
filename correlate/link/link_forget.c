/* What the table of links knows of flows that are forgotten. Enters: the table of flows as it is now. Leaves: no word of others. */
#include "correlate/link/link_state.h"

/* Remote ends that one of our sockets sends to: more are no more than a server's clients. */
#define REMOTES_MAX 8192u

static bool is_known(const struct sw_links *links, uint32_t flow)
{
	return sw_flows_owner(links->flows, flow) != NULL;
}

static void sift_remote(struct sw_links *links, struct remote *remote)
{
	size_t count = 0;

	for (size_t i = 0; i < remote->flows.count; i++) {
		if (is_known(links, remote->flows.items[i]))
			remote->flows.items[count++] = remote->flows.items[i];
	}
	remote->flows.count = count;
	if (count || (remote->ours && HASH_COUNT(links->remotes) <= REMOTES_MAX))
		return;
	HASH_DEL(links->remotes, remote);
	SW_ARRAY_RELEASE(&remote->flows);
	free(remote);
}

void sw_links_forget_flows(struct sw_links *links)
{
	struct remote *remote, *next_remote;
	struct claim *claim, *next_claim;
	size_t count = 0;

	HASH_ITER (hh, links->remotes, remote, next_remote)
		sift_remote(links, remote);
	HASH_ITER (hh, links->claims, claim, next_claim) {
		if (is_known(links, claim->flow))
			continue;
		HASH_DEL(links->claims, claim);
		free(claim);
	}
	for (size_t i = 0; i < links->begun.count; i++) {
		if (is_known(links, links->begun.items[i].flow))
			links->begun.items[count++] = links->begun.items[i];
	}
	links->begun.count = count;
}
