/* sock_diag(7): see sockdiag.h. Sources: <linux/inet_diag.h>, <linux/unix_diag.h>. */
#include "tracer/kernel/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "src/base/mem.h"

#define DUMP_PATIENCE_NS (20 * SW_NS_PER_MS)
#define ALL_STATES UINT32_MAX

struct walk {
	sw_diag_each *each;
	void *context;
	int domain, protocol;
	uint32_t states;
	uint16_t port; /* 0 any */
	const struct sw_endpoint *remote; /* NULL any */
	uint64_t inode; /* 0 any */
};

const char *sw_diag_state_name(unsigned state)
{
	static const char *const names[] = {
		"unknown", "established", "syn-sent", "syn-received", "fin-wait-1", "fin-wait-2",       "time-wait",
		"close",   "close-wait",  "last-ack", "listen",       "closing",    "new-syn-received", "bound"};
	return names[state < SW_COUNT(names) ? state : 0];
}

/* ---- AF_INET, AF_INET6 ---------------------------------------------------------------------------------------- */

static struct sw_addr address(int family, const uint32_t *words, uint16_t port)
{
	struct sw_addr addr = {.family = (uint16_t)family, .present = true};
	if (family == AF_INET6) {
		addr.endpoint.ip = sw_ip_v6(words);
		addr.mapped = addr.endpoint.ip.family == 4;
	} else {
		addr.endpoint.ip = sw_ip_v4(words[0]);
	}
	addr.endpoint.port = ntohs(port);
	return addr;
}

static void inet_record(const struct inet_diag_msg *message, const struct nlattr *const *attributes, int protocol,
			struct sw_diag *out)
{
	memset(out, 0, sizeof *out);
	out->inode = message->idiag_inode;
	out->cookie = message->id.idiag_cookie[0] | (uint64_t)message->id.idiag_cookie[1] << 32;
	out->domain = message->idiag_family;
	out->protocol = protocol;
	out->type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	out->state = message->idiag_state;
	out->uid = message->idiag_uid;
	out->device = message->id.idiag_if;
	out->receive_queue = message->idiag_rqueue;
	out->send_queue = message->idiag_wqueue;
	out->local = address(message->idiag_family, message->id.idiag_src, message->id.idiag_sport);
	if (message->id.idiag_dport)
		out->remote = address(message->idiag_family, message->id.idiag_dst, message->id.idiag_dport);
	out->has_mark = attributes[INET_DIAG_MARK] != NULL;
	out->mark = sw_netlink_u32(attributes[INET_DIAG_MARK], 0);
	const struct nlattr *info = attributes[INET_DIAG_INFO];
	if (info && protocol == IPPROTO_TCP) {
		size_t length = sw_netlink_length(info);
		out->tcp_info_length = (uint32_t)(length < sizeof out->tcp_info ? length : sizeof out->tcp_info);
		memcpy(out->tcp_info, sw_netlink_data(info), out->tcp_info_length);
	}
}

static bool inet_each(void *context, const struct nlmsghdr *header, size_t payload)
{
	const struct walk *walk = context;
	const struct inet_diag_msg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[INET_DIAG_MARK + 1];
	struct sw_diag found;
	if (payload < sizeof *message || header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    (walk->inode && message->idiag_inode != walk->inode) ||
	    (walk->port && ntohs(message->id.idiag_sport) != walk->port))
		return true;
	sw_netlink_attributes(message + 1, payload - sizeof *message, attributes, SW_COUNT(attributes));
	inet_record(message, attributes, walk->protocol, &found);
	if (walk->remote && !sw_endpoint_equal(&found.remote.endpoint, walk->remote))
		return true;
	return walk->each(walk->context, &found);
}

/* The kernel's own filter: two comparisons of a port, so that a host with many sockets answers fast. */
static void filter_port(struct sw_netlink_request *request, bool local, uint16_t port)
{
	struct inet_diag_bc_op code[] = {
		{.code = local ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE, .yes = 8, .no = 20},
		{.no = port},
		{.code = local ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE, .yes = 8, .no = 12},
		{.no = port},
	};
	sw_netlink_put(request, INET_DIAG_REQ_BYTECODE, code, sizeof code);
}

static int inet_dump(struct sw_spaces *spaces, uint32_t netns, struct walk *walk)
{
	struct sw_netlink_request request;
	struct inet_diag_req_v2 fixed = {
		.sdiag_family = (uint8_t)walk->domain,
		.sdiag_protocol = (uint8_t)walk->protocol,
		.idiag_states = walk->states,
		.idiag_ext = walk->inode ? 1u << (INET_DIAG_INFO - 1) : 0,
	};
	sw_netlink_begin(&request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &fixed, sizeof fixed);
	if (walk->port)
		filter_port(&request, true, walk->port);
	else if (walk->remote)
		filter_port(&request, false, walk->remote->port);
	return sw_spaces_ask(spaces, netns, NETLINK_SOCK_DIAG, &request, DUMP_PATIENCE_NS, inet_each, walk);
}

int sw_diag_inet(struct sw_spaces *spaces, uint32_t netns, const struct sw_diag_wanted *wanted, sw_diag_each *each,
		 void *context)
{
	struct walk walk = {.each = each,
			    .context = context,
			    .domain = wanted->domain,
			    .protocol = wanted->protocol,
			    .states = wanted->states,
			    .port = wanted->local_port,
			    .remote = wanted->remote};
	return inet_dump(spaces, netns, &walk);
}

/* ---- AF_UNIX -------------------------------------------------------------------------------------------------- */

static void unix_name(const struct nlattr *attribute, struct sw_addr *addr)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t length = sw_netlink_length(attribute);
	if (length > sizeof name.sun_path)
		length = sizeof name.sun_path;
	memcpy(name.sun_path, sw_netlink_data(attribute), length);
	sw_addr_from_sockaddr(addr, &name, offsetof(struct sockaddr_un, sun_path) + length);
}

static void unix_record(const struct unix_diag_msg *message, const struct nlattr *const *attributes,
			struct sw_diag *out)
{
	memset(out, 0, sizeof *out);
	out->inode = message->udiag_ino;
	out->cookie = message->udiag_cookie[0] | (uint64_t)message->udiag_cookie[1] << 32;
	out->domain = AF_UNIX;
	out->type = message->udiag_type;
	out->state = message->udiag_state;
	out->uid = sw_netlink_u32(attributes[UNIX_DIAG_UID], 0);
	out->local = (struct sw_addr){.family = AF_UNIX, .present = true};
	if (attributes[UNIX_DIAG_NAME])
		unix_name(attributes[UNIX_DIAG_NAME], &out->local);
	const struct nlattr *queue = attributes[UNIX_DIAG_RQLEN], *vfs = attributes[UNIX_DIAG_VFS];
	struct unix_diag_rqlen lengths;
	struct unix_diag_vfs place;
	if (queue && sw_netlink_length(queue) >= sizeof lengths) {
		memcpy(&lengths, sw_netlink_data(queue), sizeof lengths);
		out->receive_queue = lengths.udiag_rqueue;
		out->send_queue = lengths.udiag_wqueue;
	}
	if (vfs && sw_netlink_length(vfs) >= sizeof place) {
		memcpy(&place, sw_netlink_data(vfs), sizeof place);
		out->vfs_inode = place.udiag_vfs_ino;
		out->vfs_device = place.udiag_vfs_dev;
	}
}

static bool unix_each(void *context, const struct nlmsghdr *header, size_t payload)
{
	const struct walk *walk = context;
	const struct unix_diag_msg *message = NLMSG_DATA(header);
	const struct nlattr *attributes[UNIX_DIAG_UID + 1];
	struct sw_diag found;
	if (payload < sizeof *message || header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return true;
	sw_netlink_attributes(message + 1, payload - sizeof *message, attributes, SW_COUNT(attributes));
	unix_record(message, attributes, &found);
	return walk->each(walk->context, &found);
}

static int unix_ask(struct sw_spaces *spaces, uint32_t netns, struct walk *walk)
{
	struct sw_netlink_request request;
	struct unix_diag_req fixed = {
		.sdiag_family = AF_UNIX,
		.udiag_states = walk->states,
		.udiag_ino = (uint32_t)walk->inode,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID,
		.udiag_cookie = {UINT32_MAX, UINT32_MAX}, /* whatever it is */
	};
	sw_netlink_begin(&request, SOCK_DIAG_BY_FAMILY, walk->inode ? 0 : NLM_F_DUMP, &fixed, sizeof fixed);
	return sw_spaces_ask(spaces, netns, NETLINK_SOCK_DIAG, &request,
			     walk->inode ? SW_DIAG_PATIENCE_NS : DUMP_PATIENCE_NS, unix_each, walk);
}

int sw_diag_unix(struct sw_spaces *spaces, uint32_t netns, uint32_t states, sw_diag_each *each, void *context)
{
	struct walk walk = {.each = each, .context = context, .states = states};
	return unix_ask(spaces, netns, &walk);
}

/* ---- by inode ------------------------------------------------------------------------------------------------- */

struct one {
	bool found;
	struct sw_diag *socket;
};

static bool take_one(void *context, const struct sw_diag *socket)
{
	struct one *one = context;
	*one->socket = *socket;
	one->found = true;
	return false;
}

int sw_diag_by_inode(struct sw_spaces *spaces, uint32_t netns, uint64_t inode, int domain, int protocol,
		     struct sw_diag *found)
{
	static const struct {
		int domain, protocol;
	} kinds[] = {{AF_INET, IPPROTO_TCP}, {AF_INET6, IPPROTO_TCP}, {AF_INET, IPPROTO_UDP}, {AF_INET6, IPPROTO_UDP}};
	struct one one = {.socket = found};
	if (inode == 0 || inode > UINT32_MAX)
		return -ENOENT;
	struct walk walk = {.each = take_one, .context = &one, .states = ALL_STATES, .inode = inode};
	if (domain < 0 || domain == AF_UNIX)
		unix_ask(spaces, netns, &walk);
	for (size_t i = 0; i < SW_COUNT(kinds) && !one.found; i++) {
		walk.domain = kinds[i].domain;
		walk.protocol = kinds[i].protocol;
		if ((domain < 0 || domain == walk.domain) && (protocol < 0 || protocol == walk.protocol))
			inet_dump(spaces, netns, &walk);
	}
	return one.found ? 0 : -ENOENT;
}
