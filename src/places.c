/* See places.h. Netlink sockets live for one question: there is one for each container and destination. */
#include "src/places.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/mem.h"
#include "tracer/kernel/netlink.h"

#define PATIENCE_NS (200 * SW_NS_PER_MS)
#define NETNS_FOLDER "/run/netns/" /* ip-netns(8) */

/* ---- names ------------------------------------------------------------------------------------------------------ */

static int open_namespace(const char *name, struct sw_err *err)
{
	bool number = *name && !name[strspn(name, "0123456789")];
	sw_auto_free char *path = strchr(name, '/') ? sw_strdup(name) :
				  number            ? sw_format("/proc/%s/ns/net", name) :
						      sw_format(NETNS_FOLDER "%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return sw_err_set(err, -errno, "--also-on: no network namespace %s: %s", path, strerror(errno));
	return fd;
}

int sw_place_open(const char *text, struct sw_place *place, struct sw_err *err)
{
	const char *colon = strrchr(text, ':'), *interface = colon ? colon + 1 : text;

	*place = (struct sw_place){.netns_fd = -1};
	snprintf(place->name, sizeof place->name, "%s", text);
	if (!*interface || strlen(interface) >= IF_NAMESIZE || strcmp(interface, "any") == 0)
		return sw_err_set(err, -EINVAL, "--also-on %s: this takes the name of one interface (see: ip link)",
				  text);
	snprintf(place->interface, sizeof place->interface, "%s", interface);
	if (colon && colon > text) {
		sw_auto_free char *name = sw_format("%.*s", (int)(colon - text), text);
		place->netns_fd = open_namespace(name, err);
		return place->netns_fd < 0 ? place->netns_fd : 0;
	}
	if (!if_nametoindex(place->interface))
		return sw_err_set(err, -ENODEV, "--also-on %s: no such interface (see: ip link)", text);
	return 0;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static int ask(struct sw_netlink_request *request, sw_netlink_each *each, void *context)
{
	sw_auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	return sw_netlink_ask(fd, request, sw_clock_monotonic() + PATIENCE_NS, each, context);
}

/* ---- veth pairs: IFLA_LINK is the other end's index, IFLA_LINK_NETNSID our number of its namespace ------------------- */

struct links {
	struct sw_veth *items;
	int32_t *spaces; /* of each */
	size_t count, room;
};

#define LINKS_MAX 1024

static bool take_link(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct links *links = context;
	const struct ifinfomsg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[IFLA_LINK_NETNSID + 1];
	size_t fixed = NLMSG_ALIGN(sizeof *message);

	if (header->nlmsg_type != RTM_NEWLINK || payload < fixed || links->count == links->room)
		return true;
	sw_netlink_attributes((const char *)message + fixed, payload - fixed, attributes, SW_COUNT(attributes));
	if (!attributes[IFLA_LINK_NETNSID] || !attributes[IFLA_LINK])
		return true;
	struct sw_veth *veth = &links->items[links->count];
	*veth = (struct sw_veth){.index = message->ifi_index, .inside = (int)sw_netlink_u32(attributes[IFLA_LINK], 0)};
	sw_netlink_string(attributes[IFLA_IFNAME], veth->name, sizeof veth->name);
	links->spaces[links->count++] = (int32_t)sw_netlink_u32(attributes[IFLA_LINK_NETNSID], UINT32_MAX);
	return true;
}

static bool take_space(void *context, const struct nlmsghdr *header, size_t payload)
{
	const struct rtgenmsg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[NETNSA_MAX + 1];
	size_t fixed = NLMSG_ALIGN(sizeof *message);

	if (header->nlmsg_type != RTM_NEWNSID || payload < fixed)
		return true;
	sw_netlink_attributes((const char *)message + fixed, payload - fixed, attributes, SW_COUNT(attributes));
	*(int32_t *)context = (int32_t)sw_netlink_u32(attributes[NETNSA_NSID], UINT32_MAX);
	return true;
}

/* Our namespace's number of another; -1: it has none, so that no device of ours is joined with it. */
static int32_t space_number(int netns_fd)
{
	const struct rtgenmsg fixed = {.rtgen_family = AF_UNSPEC};
	struct sw_netlink_request request;
	int32_t number = -1;

	sw_netlink_begin(&request, RTM_GETNSID, 0, &fixed, sizeof fixed);
	sw_netlink_put_u32(&request, NETNSA_FD, (uint32_t)netns_fd);
	return ask(&request, take_space, &number) < 0 ? -1 : number;
}

static bool is_ours(int netns_fd)
{
	struct stat wanted, own;

	return netns_fd < 0 || (!fstat(netns_fd, &wanted) && !stat("/proc/thread-self/ns/net", &own) &&
				wanted.st_dev == own.st_dev && wanted.st_ino == own.st_ino);
}

size_t sw_place_veths(int netns_fd, struct sw_veth *veths, size_t room)
{
	const struct ifinfomsg fixed = {.ifi_family = AF_UNSPEC};
	struct sw_netlink_request request;
	size_t found = 0;

	if (is_ours(netns_fd))
		return 0;
	sw_auto_free struct sw_veth *items = sw_alloc(LINKS_MAX * sizeof *items);
	sw_auto_free int32_t *spaces = sw_alloc(LINKS_MAX * sizeof *spaces);
	struct links links = {.items = items, .spaces = spaces, .room = LINKS_MAX};
	sw_netlink_begin(&request, RTM_GETLINK, NLM_F_DUMP, &fixed, sizeof fixed);
	(void)ask(&request, take_link, &links);
	/* Only now: listing the devices is what gives namespaces their numbers. */
	int32_t number = links.count ? space_number(netns_fd) : -1;
	for (size_t i = 0; number >= 0 && i < links.count && found < room; i++)
		if (spaces[i] == number)
			veths[found++] = items[i];
	return found;
}

/* ---- routes ------------------------------------------------------------------------------------------------------- */

struct route {
	bool came;
	uint32_t device, priority;
};

static bool read_route(const struct nlmsghdr *header, size_t payload, struct route *route, uint8_t *prefix,
		       uint32_t *table)
{
	const struct rtmsg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[RTA_MAX + 1];
	size_t fixed = NLMSG_ALIGN(sizeof *message);

	if (header->nlmsg_type != RTM_NEWROUTE || payload < fixed)
		return false;
	sw_netlink_attributes((const char *)message + fixed, payload - fixed, attributes, SW_COUNT(attributes));
	route->came = message->rtm_type == RTN_UNICAST;
	route->device = sw_netlink_u32(attributes[RTA_OIF], 0);
	route->priority = sw_netlink_u32(attributes[RTA_PRIORITY], 0);
	*prefix = message->rtm_dst_len;
	*table = sw_netlink_u32(attributes[RTA_TABLE], message->rtm_table);
	return true;
}

static bool take_default(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct route *best = context, route;
	uint8_t prefix;
	uint32_t table;

	if (read_route(header, payload, &route, &prefix, &table) && route.came && route.device && prefix == 0 &&
	    table == RT_TABLE_MAIN && (!best->came || route.priority < best->priority))
		*best = route;
	return true;
}

bool sw_place_uplink(char name[IF_NAMESIZE])
{
	for (size_t i = 0; i < 2; i++) {
		const struct rtmsg fixed = {.rtm_family = i ? AF_INET6 : AF_INET, .rtm_table = RT_TABLE_MAIN};
		struct sw_netlink_request request;
		struct route best = {0};

		sw_netlink_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &fixed, sizeof fixed);
		(void)ask(&request, take_default, &best);
		if (best.came && if_indextoname(best.device, name))
			return true;
	}
	return false;
}

static bool take_route(void *context, const struct nlmsghdr *header, size_t payload)
{
	uint8_t prefix;
	uint32_t table;

	(void)read_route(header, payload, context, &prefix, &table);
	return true;
}

struct sw_forwarding sw_place_forwarding(int from, const struct sw_ip *source, const struct sw_ip *destination)
{
	bool v4 = destination->family == 4;
	uint16_t size = v4 ? 4 : 16;
	const struct rtmsg fixed = {.rtm_family = v4 ? AF_INET : AF_INET6,
				    .rtm_dst_len = (uint8_t)(size * 8),
				    .rtm_src_len = from ? (uint8_t)(size * 8) : 0};
	struct sw_forwarding answer = {0};
	struct sw_netlink_request request;
	struct route route = {0};

	sw_netlink_begin(&request, RTM_GETROUTE, 0, &fixed, sizeof fixed);
	sw_netlink_put(&request, RTA_DST, destination->bytes, size);
	if (from) { /* as if it came in there: with that interface's rules, and the reverse path filter */
		sw_netlink_put(&request, RTA_SRC, source->bytes, size);
		sw_netlink_put_u32(&request, RTA_IIF, (uint32_t)from);
	}
	int code = ask(&request, take_route, &route);
	if (code == -ETIMEDOUT || code == -EBADMSG || code == -EPERM)
		return (struct sw_forwarding){.error = -1};
	answer.error = code < 0 ? -code : 0;
	if (code == 0 && route.came && route.device)
		if_indextoname(route.device, answer.device);
	return answer;
}
