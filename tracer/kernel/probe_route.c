/* The kernel's own answer to "which way?": facts "route" and "neighbor".
 *
 * Enters: a destination and the socket that goes there. Leaves: what a look-up with the socket's mark, device, user,
 * source, type of service and ports answers now; policy routing makes any other look-up lie. Sources: rtnetlink(7),
 * netdevice(7), ip-rule(8). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_ask.h"

struct answer {
	struct sw_route route;
	bool came;
	uint32_t table;
	int device;
	uint32_t mtu;
};

static int family_of(const struct sw_ip *ip)
{
	return ip->family == 4 ? AF_INET : AF_INET6;
}

static size_t size_of(const struct sw_ip *ip)
{
	return ip->family == 4 ? 4 : 16;
}

static struct sw_ip ip_of(const struct nlattr *attribute)
{
	struct sw_ip none = {0};
	if (!attribute)
		return none;
	uint32_t word;
	if (sw_netlink_length(attribute) == sizeof word) {
		memcpy(&word, sw_netlink_data(attribute), sizeof word);
		return sw_ip_v4(word);
	}
	return sw_netlink_length(attribute) == 16 ? sw_ip_v6(sw_netlink_data(attribute)) : none;
}

/* RTA_VIA: a gateway of the other family, as an address behind two bytes of family. */
static struct sw_ip via_of(const struct nlattr *attribute)
{
	struct sw_ip none = {0};
	uint32_t word;
	if (!attribute)
		return none;
	const uint8_t *bytes = sw_netlink_data(attribute);
	if (sw_netlink_length(attribute) == 18)
		return sw_ip_v6(bytes + 2);
	if (sw_netlink_length(attribute) != 6)
		return none;
	memcpy(&word, bytes + 2, sizeof word);
	return sw_ip_v4(word);
}

static bool take_route(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct answer *answer = context;
	const struct rtmsg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[RTA_MAX + 1], *metrics[RTAX_MAX + 1];
	if (header->nlmsg_type != RTM_NEWROUTE || payload < sizeof *message)
		return true;
	size_t room = NLMSG_ALIGN(sizeof *message);
	sw_netlink_attributes((const char *)message + room, payload - room, attributes, SW_COUNT(attributes));
	answer->came = true;
	answer->route.type = message->rtm_type;
	answer->table = sw_netlink_u32(attributes[RTA_TABLE], message->rtm_table);
	answer->device = (int)sw_netlink_u32(attributes[RTA_OIF], 0);
	answer->route.gateway = attributes[RTA_GATEWAY] ? ip_of(attributes[RTA_GATEWAY]) : via_of(attributes[RTA_VIA]);
	answer->route.source = ip_of(attributes[RTA_PREFSRC]);
	const struct nlattr *nested = attributes[RTA_METRICS];
	if (!nested)
		return true;
	sw_netlink_attributes(sw_netlink_data(nested), sw_netlink_length(nested), metrics, SW_COUNT(metrics));
	answer->mtu = sw_netlink_u32(metrics[RTAX_MTU], 0);
	return true;
}

static void put_ip(struct sw_netlink_request *request, uint16_t type, const struct sw_ip *ip)
{
	sw_netlink_put(request, type, ip->bytes, size_of(ip));
}

static void put_ports(struct sw_netlink_request *request, const struct sw_socket *socket, const struct sw_endpoint *to)
{
	uint8_t protocol = (uint8_t)socket->protocol;
	uint16_t source = htons(socket->local.endpoint.port), destination = htons(to->port);
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	sw_netlink_put(request, RTA_IP_PROTO, &protocol, sizeof protocol);
	if (source)
		sw_netlink_put(request, RTA_SPORT, &source, sizeof source);
	if (destination)
		sw_netlink_put(request, RTA_DPORT, &destination, sizeof destination);
}

/* The source that the program chose; one that the kernel chose would only follow from the route. */
static const struct sw_ip *chosen_source(const struct sw_question *question)
{
	const struct sw_socket *socket = question->socket;
	if (!socket || !(socket->flags & SW_SOCKET_BOUND) ||
	    socket->local.endpoint.ip.family != question->to.endpoint.ip.family ||
	    sw_ip_is_any(&socket->local.endpoint.ip))
		return NULL;
	return &socket->local.endpoint.ip;
}

/* 0, the look-up's errno, or a negative errno of asking. */
static int look_up(struct sw_question *question, const struct sw_ip *source, struct answer *answer)
{
	const struct sw_endpoint *to = &question->to.endpoint;
	const struct sw_socket *socket = question->socket;
	struct sw_netlink_request request;
	struct rtmsg fixed = {.rtm_family = (uint8_t)family_of(&to->ip),
			      .rtm_dst_len = (uint8_t)(size_of(&to->ip) * 8),
			      .rtm_src_len = source ? (uint8_t)(size_of(source) * 8) : 0,
			      .rtm_tos = question->tos & 0xfc,
			      .rtm_flags = RTM_F_LOOKUP_TABLE};
	memset(answer, 0, sizeof *answer);
	sw_netlink_begin(&request, RTM_GETROUTE, 0, &fixed, sizeof fixed);
	put_ip(&request, RTA_DST, &to->ip);
	if (source)
		put_ip(&request, RTA_SRC, source);
	uint32_t device = socket && socket->device     ? socket->device :
			  sw_ip_is_link_local(&to->ip) ? question->to.scope :
							 0;
	if (device)
		sw_netlink_put_u32(&request, RTA_OIF, device);
	if (socket && socket->mark)
		sw_netlink_put_u32(&request, RTA_MARK, socket->mark);
	if (socket && socket->domain >= 0) {
		sw_netlink_put_u32(&request, RTA_UID, socket->uid);
		put_ports(&request, socket, to);
	}
	int fd = sw_spaces_socket(question->spaces, question->netns, NETLINK_ROUTE);
	if (fd < 0)
		return fd;
	int error = sw_spaces_ask(question->spaces, question->netns, NETLINK_ROUTE, &request, SW_PROBE_PATIENCE_NS,
				  take_route, answer);
	if (error == -ETIMEDOUT || error == -EBADMSG || error == -EAGAIN || error == -ENOBUFS)
		return error;
	answer->route.error = -error;
	answer->device = answer->device ? answer->device : (int)device;
	return -error;
}

bool sw_probe_device(struct sw_question *question, int index, struct sw_device *device)
{
	int fd = sw_spaces_socket(question->spaces, question->netns, NETLINK_ROUTE);
	struct ifreq request = {.ifr_ifindex = index};
	memset(device, 0, sizeof *device);
	if (fd < 0 || index <= 0 || ioctl(fd, SIOCGIFNAME, &request) != 0)
		return false;
	device->index = index;
	memcpy(device->name, request.ifr_name, sizeof device->name - 1);
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		device->flags = (unsigned short)request.ifr_flags;
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		device->mtu = request.ifr_mtu;
	return true;
}

/* IPv4 answers a rejecting route with its errno alone, IPv6 with a route of that type or with the errno. */
static const char *type_name(const struct answer *answer)
{
	static const char *const names[] = {"unspecified", "unicast",   "local",       "broadcast", "anycast",
					    "multicast",   "blackhole", "unreachable", "prohibit",  "throw"};
	if (answer->came && answer->route.type < (int)SW_COUNT(names) &&
	    (answer->route.error == 0 || answer->route.type > RTN_MULTICAST))
		return names[answer->route.type];
	switch (answer->route.error) {
	case ENETUNREACH: return "none";
	case EHOSTUNREACH: return "unreachable";
	case EACCES: return "prohibit";
	case EINVAL: return "blackhole";
	default: return "error";
	}
}

static int rejection(int type)
{
	return type == RTN_UNREACHABLE ? EHOSTUNREACH :
	       type == RTN_PROHIBIT    ? EACCES :
	       type == RTN_BLACKHOLE   ? EINVAL :
					 0;
}

static bool has_neighbors(const struct answer *answer)
{
	return answer->route.error == 0 && answer->route.type == RTN_UNICAST && answer->device &&
	       !(answer->route.device.flags & (IFF_LOOPBACK | IFF_NOARP));
}

static void say_route(struct sw_question *question, const struct answer *answer)
{
	const struct sw_device *device = &answer->route.device;
	struct sw_fact_draft draft;
	sw_fact_begin(&draft, "route");
	sw_fact_add_ip(&draft, "destination", &question->to.endpoint.ip);
	sw_fact_add_text(&draft, "type", type_name(answer));
	sw_fact_add_number(&draft, "error", answer->route.error);
	sw_fact_add_ip(&draft, "gateway", &answer->route.gateway);
	if (has_neighbors(answer))
		sw_fact_add_ip(&draft, "next_hop",
			       answer->route.gateway.family ? &answer->route.gateway : &question->to.endpoint.ip);
	sw_fact_add_ip(&draft, "source", &answer->route.source);
	if (answer->route.error == 0) {
		sw_fact_add_number(&draft, "table", answer->table);
		sw_fact_add_number(&draft, "local", answer->route.type == RTN_LOCAL);
		if (answer->mtu || device->mtu)
			sw_fact_add_number(&draft, "mtu", answer->mtu ? answer->mtu : (uint32_t)device->mtu);
	}
	if (device->index) {
		sw_fact_add_text(&draft, "device", device->name);
		sw_fact_add_number(&draft, "device_index", device->index);
		sw_fact_add_number(&draft, "device_up", (device->flags & IFF_UP) != 0);
		sw_fact_add_number(&draft, "device_running", (device->flags & IFF_RUNNING) != 0);
	}
	sw_probe_say(question, &draft);
}

/* ---- the next hop --------------------------------------------------------------------------------------------- */

struct neighbor {
	uint16_t state; /* NUD_*; 0xffff: no entry */
	uint32_t probes;
	uint8_t address[8];
	size_t address_length;
};

static bool take_neighbor(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct neighbor *neighbor = context;
	const struct ndmsg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[NDA_PROBES + 1];
	if (header->nlmsg_type != RTM_NEWNEIGH || payload < sizeof *message)
		return true;
	size_t room = NLMSG_ALIGN(sizeof *message);
	sw_netlink_attributes((const char *)message + room, payload - room, attributes, SW_COUNT(attributes));
	neighbor->state = message->ndm_state;
	neighbor->probes = sw_netlink_u32(attributes[NDA_PROBES], 0);
	const struct nlattr *address = attributes[NDA_LLADDR];
	if (address && sw_netlink_length(address) <= sizeof neighbor->address) {
		neighbor->address_length = sw_netlink_length(address);
		memcpy(neighbor->address, sw_netlink_data(address), neighbor->address_length);
	}
	return true;
}

static const char *state_name(uint16_t state)
{
	static const struct {
		uint16_t state;
		const char *name;
	} names[] = {{NUD_INCOMPLETE, "incomplete"}, {NUD_REACHABLE, "reachable"}, {NUD_STALE, "stale"},
		     {NUD_DELAY, "delay"},           {NUD_PROBE, "probe"},         {NUD_FAILED, "failed"},
		     {NUD_NOARP, "noarp"},           {NUD_PERMANENT, "permanent"}, {NUD_NONE, "none"},
		     {UINT16_MAX, "absent"}};
	for (size_t i = 0; i < SW_COUNT(names); i++)
		if (names[i].state == state)
			return names[i].name;
	return "none";
}

static void say_neighbor(struct sw_question *question, const struct sw_ip *hop, const struct sw_device *device)
{
	struct sw_netlink_request request;
	struct sw_fact_draft draft;
	struct neighbor neighbor = {.state = UINT16_MAX};
	struct ndmsg fixed = {.ndm_family = (uint8_t)family_of(hop), .ndm_ifindex = device->index};
	sw_netlink_begin(&request, RTM_GETNEIGH, 0, &fixed, sizeof fixed);
	put_ip(&request, NDA_DST, hop);
	int error = sw_spaces_ask(question->spaces, question->netns, NETLINK_ROUTE, &request, SW_PROBE_PATIENCE_NS,
				  take_neighbor, &neighbor);
	if (error && error != -ENOENT)
		return;
	sw_fact_begin(&draft, "neighbor");
	sw_fact_add_ip(&draft, "address", hop);
	sw_fact_add_text(&draft, "device", device->name);
	sw_fact_add_text(&draft, "state", state_name(neighbor.state));
	sw_fact_add_number(&draft, "probes", neighbor.probes);
	if (neighbor.address_length == 6) {
		char text[18];
		const uint8_t *byte = neighbor.address;
		snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2], byte[3],
			 byte[4], byte[5]);
		sw_fact_add_text(&draft, "lladdr", text);
	}
	sw_probe_say(question, &draft);
}

bool sw_probe_route(struct sw_question *question, struct sw_route *route)
{
	struct answer answer;
	const struct sw_endpoint *to = &question->to.endpoint;
	memset(route, 0, sizeof *route);
	if (question->switches & SW_NO_NETLINK || !sw_probe_fresh(question, "route", to, sizeof *to))
		return false;
	const struct sw_ip *source = chosen_source(question);
	int error = look_up(question, source, &answer);
	if (error == EINVAL && source) /* may mean the source, which is no address of ours any more */
		error = look_up(question, NULL, &answer);
	if (error < 0) {
		sw_probe_limit(question, "no right to ask the routing table of a network namespace",
			       "why the kernel refused an address there is told by its errno alone");
		return false;
	}
	if (answer.came && answer.route.error == 0)
		answer.route.error = rejection(answer.route.type);
	sw_probe_device(question, answer.device, &answer.route.device);
	say_route(question, &answer);
	if (has_neighbors(&answer))
		say_neighbor(question, answer.route.gateway.family ? &answer.route.gateway : &to->ip,
			     &answer.route.device);
	*route = answer.route;
	return true;
}

int sw_probe_is_local(struct sw_question *question, const struct sw_ip *ip, struct sw_device *device)
{
	struct answer answer;
	struct sw_question of_address = *question;
	of_address.socket = NULL;
	of_address.tos = 0;
	of_address.to = (struct sw_addr){.present = true, .endpoint.ip = *ip, .scope = question->to.scope};
	memset(device, 0, sizeof *device);
	if (question->switches & SW_NO_NETLINK || look_up(&of_address, NULL, &answer) < 0)
		return -1;
	if (answer.route.error || answer.route.type != RTN_LOCAL)
		return 0;
	sw_probe_device(question, answer.device, device);
	return 1;
}
