/* Whether this host has rules that could be the reason, and what it turned the connection into: facts "firewall" and
 * "translation".
 *
 * Enters: a namespace, a connection. Leaves: how many chains stand in the way (never which rule: no interface
 * tells), IPsec policies, and conntrack's two tuples. Asking must not load a kernel module: only what is there
 * already is asked. Needs CAP_NET_ADMIN in the namespace; without it there is no fact. Sources: nft(8),
 * <linux/netfilter/nf_tables.h>, nfnetlink_conntrack.h, xfrm.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_ask.h"
#include "tracer/kernel/proc.h"

/* A kernel with modules lists them; one without has everything built in, and asking loads nothing. */
static bool loaded(const char *module)
{
	static char text[(size_t)64 << 10];
	char name[64] = "\n";
	if (sw_proc_read("/proc/modules", text + 1, sizeof text - 1) < 0)
		return true;
	text[0] = '\n';
	strncat(name, module, sizeof name - 3);
	strcat(name, " ");
	return strstr(text, name) != NULL;
}

static uint32_t network_u32(const struct nlattr *attribute, uint32_t absent)
{
	return attribute ? ntohl(sw_netlink_u32(attribute, htonl(absent))) : absent;
}

/* ---- chains and policies -------------------------------------------------------------------------------------- */

struct chains {
	int64_t input, output, input_drops, output_drops;
};

static bool count_chain(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct chains *chains = context;
	const struct nlattr *attributes[NFTA_CHAIN_USE + 1], *hook[NFTA_HOOK_DEV + 1];
	const size_t room = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	if (header->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN) || payload < room)
		return true;
	uint8_t family = ((const struct nfgenmsg *)NLMSG_DATA(header))->nfgen_family;
	sw_netlink_attributes((const char *)NLMSG_DATA(header) + room, payload - room, attributes,
			      SW_COUNT(attributes));
	if (!attributes[NFTA_CHAIN_HOOK] ||
	    (family != NFPROTO_IPV4 && family != NFPROTO_IPV6 && family != NFPROTO_INET))
		return true;
	sw_netlink_attributes(sw_netlink_data(attributes[NFTA_CHAIN_HOOK]),
			      sw_netlink_length(attributes[NFTA_CHAIN_HOOK]), hook, SW_COUNT(hook));
	uint32_t number = network_u32(hook[NFTA_HOOK_HOOKNUM], UINT32_MAX);
	bool drops = network_u32(attributes[NFTA_CHAIN_POLICY], NF_ACCEPT) == NF_DROP;
	bool counts = drops || network_u32(attributes[NFTA_CHAIN_USE], 0) > 0;
	if (number == NF_INET_LOCAL_IN) {
		chains->input += counts;
		chains->input_drops += drops;
	} else if (number == NF_INET_LOCAL_OUT) {
		chains->output += counts;
		chains->output_drops += drops;
	}
	return true;
}

static bool ask_chains(struct sw_question *question, struct chains *chains)
{
	struct sw_netlink_request request;
	struct nfgenmsg fixed = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	memset(chains, 0, sizeof *chains);
	if (!loaded("nf_tables"))
		return true;
	sw_netlink_begin(&request, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, &fixed, sizeof fixed);
	return sw_spaces_ask(question->spaces, question->netns, NETLINK_NETFILTER, &request, SW_PROBE_PATIENCE_NS,
			     count_chain, chains) == 0;
}

struct policies {
	bool came;
	struct xfrmu_spdinfo counts;
};

static bool take_policies(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct policies *policies = context;
	const struct nlattr *attributes[XFRMA_SPD_INFO + 1];
	if (header->nlmsg_type != XFRM_MSG_NEWSPDINFO || payload < sizeof(uint32_t))
		return true;
	sw_netlink_attributes((const char *)NLMSG_DATA(header) + sizeof(uint32_t), payload - sizeof(uint32_t),
			      attributes, SW_COUNT(attributes));
	const struct nlattr *info = attributes[XFRMA_SPD_INFO];
	if (!info || sw_netlink_length(info) < sizeof policies->counts)
		return true;
	memcpy(&policies->counts, sw_netlink_data(info), sizeof policies->counts);
	policies->came = true;
	return true;
}

static void ask_policies(struct sw_question *question, struct policies *policies)
{
	struct sw_netlink_request request;
	uint32_t flags = UINT32_MAX;
	memset(policies, 0, sizeof *policies);
	if (!loaded("xfrm_user"))
		return;
	sw_netlink_begin(&request, XFRM_MSG_GETSPDINFO, 0, &flags, sizeof flags);
	sw_spaces_ask(question->spaces, question->netns, NETLINK_XFRM, &request, SW_PROBE_PATIENCE_NS, take_policies,
		      policies);
}

void sw_probe_firewall(struct sw_question *question)
{
	struct sw_fact_draft draft;
	struct chains chains;
	struct policies policies;
	char tables[256];
	if (question->switches & SW_NO_NETLINK || !sw_probe_fresh(question, "firewall", "", 0))
		return;
	sw_fact_begin(&draft, "firewall");
	if (ask_chains(question, &chains)) {
		sw_fact_add_number(&draft, "nft_input", chains.input);
		sw_fact_add_number(&draft, "nft_output", chains.output);
		sw_fact_add_number(&draft, "nft_input_drops", chains.input_drops);
		sw_fact_add_number(&draft, "nft_output_drops", chains.output_drops);
	}
	ask_policies(question, &policies);
	if (policies.came) {
		sw_fact_add_number(&draft, "xfrm_in", policies.counts.incnt);
		sw_fact_add_number(&draft, "xfrm_out", policies.counts.outcnt);
	}
	if (sw_proc_read_task(question->pid, question->tid, "net/ip_tables_names", tables, sizeof tables) > 0) {
		for (char *end = strchr(tables, '\n'); end; end = strchr(end, '\n'))
			*end = end[1] ? ' ' : '\0';
		sw_fact_add_text(&draft, "iptables", tables);
	}
	if (draft.fact.field_count)
		sw_probe_say(question, &draft);
}

/* ---- translation ---------------------------------------------------------------------------------------------- */

struct tuple {
	struct sw_endpoint source, destination;
};

struct conversation {
	bool came;
	struct tuple original, reply;
};

static struct sw_ip tuple_ip(const struct nlattr *four, const struct nlattr *six)
{
	struct sw_ip none = {0};
	if (four && sw_netlink_length(four) >= 4)
		return sw_ip_v4(sw_netlink_u32(four, 0));
	return six && sw_netlink_length(six) >= 16 ? sw_ip_v6(sw_netlink_data(six)) : none;
}

static uint16_t tuple_port(const struct nlattr *attribute)
{
	uint16_t port;
	if (!attribute || sw_netlink_length(attribute) < sizeof port)
		return 0;
	memcpy(&port, sw_netlink_data(attribute), sizeof port);
	return ntohs(port);
}

static struct tuple read_tuple(const struct nlattr *nested)
{
	struct tuple tuple = {0};
	const struct nlattr *parts[CTA_TUPLE_PROTO + 1], *ip[CTA_IP_V6_DST + 1], *protocol[CTA_PROTO_DST_PORT + 1];
	if (!nested)
		return tuple;
	sw_netlink_attributes(sw_netlink_data(nested), sw_netlink_length(nested), parts, SW_COUNT(parts));
	if (!parts[CTA_TUPLE_IP] || !parts[CTA_TUPLE_PROTO])
		return tuple;
	sw_netlink_attributes(sw_netlink_data(parts[CTA_TUPLE_IP]), sw_netlink_length(parts[CTA_TUPLE_IP]), ip,
			      SW_COUNT(ip));
	sw_netlink_attributes(sw_netlink_data(parts[CTA_TUPLE_PROTO]), sw_netlink_length(parts[CTA_TUPLE_PROTO]),
			      protocol, SW_COUNT(protocol));
	tuple.source.ip = tuple_ip(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]);
	tuple.destination.ip = tuple_ip(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]);
	tuple.source.port = tuple_port(protocol[CTA_PROTO_SRC_PORT]);
	tuple.destination.port = tuple_port(protocol[CTA_PROTO_DST_PORT]);
	return tuple;
}

static bool take_conversation(void *context, const struct nlmsghdr *header, size_t payload)
{
	struct conversation *conversation = context;
	const struct nlattr *attributes[CTA_TUPLE_REPLY + 1];
	const size_t room = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	if (header->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) || payload < room)
		return true;
	sw_netlink_attributes((const char *)NLMSG_DATA(header) + room, payload - room, attributes,
			      SW_COUNT(attributes));
	conversation->original = read_tuple(attributes[CTA_TUPLE_ORIG]);
	conversation->reply = read_tuple(attributes[CTA_TUPLE_REPLY]);
	conversation->came = conversation->original.source.ip.family && conversation->reply.source.ip.family;
	return true;
}

static void put_tuple(struct sw_netlink_request *request, const struct tuple *tuple, uint8_t protocol)
{
	bool four = tuple->source.ip.family == 4;
	uint16_t source = htons(tuple->source.port), destination = htons(tuple->destination.port);
	size_t outer = sw_netlink_nest(request, CTA_TUPLE_ORIG), inner = sw_netlink_nest(request, CTA_TUPLE_IP);
	sw_netlink_put(request, four ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, tuple->source.ip.bytes, four ? 4 : 16);
	sw_netlink_put(request, four ? CTA_IP_V4_DST : CTA_IP_V6_DST, tuple->destination.ip.bytes, four ? 4 : 16);
	sw_netlink_nest_end(request, inner);
	inner = sw_netlink_nest(request, CTA_TUPLE_PROTO);
	sw_netlink_put(request, CTA_PROTO_NUM, &protocol, sizeof protocol);
	sw_netlink_put(request, CTA_PROTO_SRC_PORT, &source, sizeof source);
	sw_netlink_put(request, CTA_PROTO_DST_PORT, &destination, sizeof destination);
	sw_netlink_nest_end(request, inner);
	sw_netlink_nest_end(request, outer);
}

/* What the socket's packets look like before any translation; false: a part of it is not known. */
static bool tuple_of(const struct sw_question *question, const struct sw_ip *source, struct tuple *tuple)
{
	const struct sw_socket *socket = question->socket;
	if (!socket || (socket->protocol != IPPROTO_TCP && socket->protocol != IPPROTO_UDP))
		return false;
	tuple->source = socket->local.endpoint;
	tuple->destination = question->to.endpoint;
	if (!tuple->source.ip.family || sw_ip_is_any(&tuple->source.ip))
		tuple->source.ip = *source;
	return tuple->source.port && tuple->source.ip.family && tuple->source.ip.family == tuple->destination.ip.family;
}

static void add_endpoint(struct sw_fact_draft *draft, const char *field, const struct sw_endpoint *endpoint)
{
	char text[SW_ADDR_TEXT];
	sw_fact_add_text(draft, field, sw_endpoint_text(endpoint, text));
}

bool sw_probe_translation(struct sw_question *question, const struct sw_ip *source, struct sw_endpoint *to)
{
	struct sw_netlink_request request;
	struct sw_fact_draft draft;
	struct tuple tuple;
	struct conversation conversation = {0};
	if (question->switches & SW_NO_NETLINK || !tuple_of(question, source, &tuple) ||
	    !loaded("nf_conntrack_netlink"))
		return false;
	struct nfgenmsg fixed = {.nfgen_family = tuple.source.ip.family == 4 ? AF_INET : AF_INET6,
				 .version = NFNETLINK_V0};
	sw_netlink_begin(&request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, 0, &fixed, sizeof fixed);
	put_tuple(&request, &tuple, (uint8_t)question->socket->protocol);
	if (sw_spaces_ask(question->spaces, question->netns, NETLINK_NETFILTER, &request, SW_PROBE_PATIENCE_NS,
			  take_conversation, &conversation) ||
	    !conversation.came)
		return false;
	if (sw_endpoint_equal(&conversation.reply.source, &conversation.original.destination) &&
	    sw_endpoint_equal(&conversation.reply.destination, &conversation.original.source))
		return false; /* tracked, not translated */
	sw_fact_begin(&draft, "translation");
	sw_fact_add_text(&draft, "protocol", question->socket->protocol == IPPROTO_UDP ? "udp" : "tcp");
	add_endpoint(&draft, "original_source", &conversation.original.source);
	add_endpoint(&draft, "original_destination", &conversation.original.destination);
	add_endpoint(&draft, "reply_source", &conversation.reply.source);
	add_endpoint(&draft, "reply_destination", &conversation.reply.destination);
	sw_probe_say(question, &draft);
	*to = conversation.reply.source;
	return true;
}
