/* Which end of a packet is ours: how well each fits a socket of ours.
 *
 * Enters: a packet, the table of links. Leaves: its way. Knows nothing of debts. */
#include "correlate/link/link_state.h"

#include <netinet/in.h>

/* How well a packet's end fits a socket of ours: 3 both ends, 2 the local one, 1 a listener or an any address; 0 not. */
static int fit(const struct sw_links *links, const struct sw_packet *packet, const struct sw_endpoint *end,
	       const struct sw_endpoint *other)
{
	struct local *local = sw_link_local(links, packet->protocol, end->port);
	struct remote *remote = sw_link_remote(links, packet->protocol, other);
	int best = remote && remote->ours ? 2 : 0;

	for (size_t i = 0; local && i < local->objects.count; i++) {
		const struct sw_socket_state *socket = sw_sockets_get(links->sockets, local->objects.items[i]);
		const struct sw_socket *seen = socket ? &socket->seen.socket : NULL;
		int now = 1;

		if (!seen || (seen->netns != packet->netns && !links->options->imported))
			continue;
		if (!sw_ip_is_any(&seen->local.endpoint.ip) && !sw_ip_equal(&seen->local.endpoint.ip, &end->ip))
			continue;
		if (sw_ip_equal(&seen->local.endpoint.ip, &end->ip) && !(seen->flags & SW_SOCKET_LISTENING))
			now = seen->remote.present && sw_endpoint_equal(&seen->remote.endpoint, other) ? 3 : 2;
		if (now > best)
			best = now;
	}
	return best;
}

static bool is_host(const struct sw_links *links, const struct sw_ip *ip)
{
	for (size_t i = 0; i < links->options->host_count; i++) {
		if (sw_ip_equal(&links->options->hosts[i], ip))
			return true;
	}
	return false;
}

enum sw_packet_way sw_links_way(void *context, const struct sw_packet *packet)
{
	const struct sw_links *links = context;
	int out = fit(links, packet, &packet->src, &packet->dst);
	int in = fit(links, packet, &packet->dst, &packet->src);

	if (out == in) {
		out = is_host(links, &packet->src.ip);
		in = is_host(links, &packet->dst.ip);
	}
	return out > in ? SW_WAY_OUT : in > out ? SW_WAY_IN : SW_WAY_UNKNOWN;
}
