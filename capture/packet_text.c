/* One packet as one line for a person: arrow, what it is, from where to where.
 *
 * Enters: a decoded packet. Leaves: text of printable ASCII; nothing in it comes from the payload unescaped. */
#include <stdio.h>

#include <netinet/in.h>

#include "capture/dns.h"
#include "capture/packet.h"
#include "capture/tls.h"
#include "src/base/names.h"

#define WHAT_SIZE 512

struct icmp_name {
	bool v6;
	uint8_t type;
	int code; /* -1: any */
	const char *name;
};

/* RFC 792, 1122, 1812, 4443. To add one: a row, the exact code before -1. */
static const struct icmp_name icmp_names[] = {
	{false, 0, -1, "echo reply"},
	{false, 3, 0, "net unreachable"},
	{false, 3, 1, "host unreachable"},
	{false, 3, 2, "protocol unreachable"},
	{false, 3, 3, "port unreachable"},
	{false, 3, 4, "fragmentation needed"},
	{false, 3, 5, "source route failed"},
	{false, 3, 6, "net unknown"},
	{false, 3, 7, "host unknown"},
	{false, 3, 8, "source host isolated"},
	{false, 3, 9, "net prohibited"},
	{false, 3, 10, "host prohibited"},
	{false, 3, 11, "net unreachable for TOS"},
	{false, 3, 12, "host unreachable for TOS"},
	{false, 3, 13, "administratively prohibited"},
	{false, 3, 14, "host precedence violation"},
	{false, 3, 15, "precedence cutoff"},
	{false, 4, -1, "source quench"},
	{false, 5, -1, "redirect"},
	{false, 8, -1, "echo request"},
	{false, 11, 0, "time exceeded in transit"},
	{false, 11, 1, "fragment reassembly time exceeded"},
	{false, 12, -1, "parameter problem"},
	{true, 1, 0, "no route"},
	{true, 1, 1, "administratively prohibited"},
	{true, 1, 2, "beyond scope of source"},
	{true, 1, 3, "address unreachable"},
	{true, 1, 4, "port unreachable"},
	{true, 1, 5, "source address failed policy"},
	{true, 1, 6, "reject route"},
	{true, 2, -1, "packet too big"},
	{true, 3, 0, "hop limit exceeded"},
	{true, 3, 1, "fragment reassembly time exceeded"},
	{true, 4, -1, "parameter problem"},
	{true, 128, -1, "echo request"},
	{true, 129, -1, "echo reply"},
	{true, 133, -1, "router solicitation"},
	{true, 134, -1, "router advertisement"},
	{true, 137, -1, "redirect"},
	{true, 143, -1, "multicast listener report"},
};

static const char *icmp_name(const struct sw_icmp *icmp)
{
	for (size_t i = 0; i < sizeof icmp_names / sizeof *icmp_names; i++) {
		const struct icmp_name *row = &icmp_names[i];

		if (row->v6 == icmp->v6 && row->type == icmp->type && (row->code < 0 || row->code == icmp->code))
			return row->name;
	}
	return "message";
}

static void flags_text(uint8_t flags, char *buffer, size_t size)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {{SW_TCP_SYN, "SYN"}, {SW_TCP_FIN, "FIN"}, {SW_TCP_RST, "RST"},
		     {SW_TCP_PSH, "PSH"}, {SW_TCP_ACK, "ACK"}, {SW_TCP_URG, "URG"}};
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (flags & names[i].bit && used < size)
			used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? "," : "", names[i].name);
	}
	if (!used)
		snprintf(buffer, size, "no flags");
}

/* "DNS A www.example: 10.0.0.1 and 2 more", "DNS AAAA www.example: no answer" */
static void dns_answers_text(const struct sw_dns *dns, char *buffer, size_t size)
{
	const struct sw_dns_answer *shown = NULL;
	char address[SW_ADDR_TEXT], more[32] = "";

	for (uint16_t i = dns->answer_count; i--;)
		if (dns->answers[i].ip.family)
			shown = &dns->answers[i];
	if (shown && dns->answer_total > 1)
		snprintf(more, sizeof more, " and %u more", dns->answer_total - 1u);
	if (shown)
		snprintf(buffer, size, "DNS %s %s: %s%s", sw_dns_type_name(dns->type), dns->name,
			 sw_ip_text(&shown->ip, address), more);
	else if (dns->answer_total)
		snprintf(buffer, size, "DNS %s %s: %u answer%s", sw_dns_type_name(dns->type), dns->name,
			 dns->answer_total, dns->answer_total == 1 ? "" : "s");
	else
		snprintf(buffer, size, "DNS %s %s: no answer", sw_dns_type_name(dns->type), dns->name);
}

static void dns_text(const struct sw_dns *dns, char *buffer, size_t size)
{
	if (!dns->response)
		snprintf(buffer, size, "DNS %s? %s", sw_dns_type_name(dns->type), dns->name);
	else if (dns->rcode || dns->truncated)
		snprintf(buffer, size, "DNS %s %s: %s%s", sw_dns_type_name(dns->type), dns->name,
			 sw_dns_rcode_name(dns->rcode), dns->truncated ? ", truncated" : "");
	else
		dns_answers_text(dns, buffer, size);
}

static void tls_text(const struct sw_tls *tls, char *buffer, size_t size)
{
	const struct sw_tls_record *record = &tls->records[0];

	for (uint8_t i = 0; i < tls->record_count; i++) {
		if (tls->records[i].content == SW_TLS_ALERT)
			record = &tls->records[i]; /* the one that matters */
	}
	if (tls->client.present && record->content != SW_TLS_ALERT)
		snprintf(buffer, size, "TLS ClientHello %s", tls->client.name);
	else if (record->content == SW_TLS_ALERT && record->alert_level)
		snprintf(buffer, size, "TLS alert %s", sw_tls_alert_name(record->alert));
	else if (record->content == SW_TLS_ALERT)
		snprintf(buffer, size, "TLS alert, encrypted");
	else if (record->message_count)
		snprintf(buffer, size, "TLS %s", sw_tls_message_name(record->messages[0]));
	else
		snprintf(buffer, size, "TLS %s", record->content == SW_TLS_APPLICATION ? "data" : "handshake");
}

static void tcp_text(const struct sw_packet *packet, char *buffer, size_t size)
{
	const struct sw_tcp *tcp = &packet->tcp;
	char flags[32];

	flags_text(tcp->flags, flags, sizeof flags);
	if (tcp->flags & SW_TCP_RST)
		snprintf(buffer, size, "%s  ttl %u", flags, packet->ttl);
	else if (packet->dns)
		dns_text(packet->dns, buffer, size);
	else if (packet->tls)
		tls_text(packet->tls, buffer, size);
	else if (packet->payload_length)
		snprintf(buffer, size, "%s  len %u", flags, packet->payload_length);
	else if (tcp->window == 0 && !(tcp->flags & SW_TCP_SYN))
		snprintf(buffer, size, "%s  win 0", flags);
	else if (tcp->sack_count)
		snprintf(buffer, size, "%s  sack", flags);
	else
		snprintf(buffer, size, "%s", flags);
}

static char arrow(enum sw_packet_way way)
{
	return way == SW_WAY_OUT ? '>' : way == SW_WAY_IN ? '<' : '-';
}

static const char *notes(const struct sw_packet *packet)
{
	if (packet->flags & SW_PACKET_BAD_CHECKSUM)
		return "  bad checksum";
	return packet->flags & SW_PACKET_DUPLICATE ? "  seen before" : "";
}

static void ends(const struct sw_packet *packet, enum sw_packet_way way, const char *what, char *buffer, size_t size)
{
	char src[SW_ADDR_TEXT], dst[SW_ADDR_TEXT];

	if (packet->src.port || packet->dst.port) {
		sw_endpoint_text(&packet->src, src);
		sw_endpoint_text(&packet->dst, dst);
	} else {
		sw_ip_text(&packet->src.ip, src);
		sw_ip_text(&packet->dst.ip, dst);
	}
	snprintf(buffer, size, "%c %-22s %s > %s%s", arrow(way), what, src, dst, notes(packet));
}

static void quote_text(const struct sw_quote *quote, char *buffer, size_t size)
{
	char dst[SW_ADDR_TEXT], flags[32];

	buffer[0] = '\0';
	if (!quote->present)
		return;
	if (quote->dst.port)
		sw_endpoint_text(&quote->dst, dst);
	else
		sw_ip_text(&quote->dst.ip, dst);
	if (quote->has_flags)
		flags_text(quote->flags, flags, sizeof flags);
	else
		snprintf(flags, sizeof flags, "%s", sw_protocol_name(quote->protocol));
	snprintf(buffer, size, " quoting %s to %s", flags, dst);
}

static void icmp_text(const struct sw_packet *packet, enum sw_packet_way way, char *buffer, size_t size)
{
	const struct sw_icmp *icmp = &packet->icmp;
	char src[SW_ADDR_TEXT], quoted[SW_ADDR_TEXT + 64], mtu[32] = "";

	quote_text(&icmp->quote, quoted, sizeof quoted);
	if (icmp->mtu)
		snprintf(mtu, sizeof mtu, " mtu %u", icmp->mtu);
	snprintf(buffer, size, "%c ICMP%s %s (%u/%u)%s from %s%s  ttl %u%s", arrow(way), icmp->v6 ? "v6" : "",
		 icmp_name(icmp), icmp->type, icmp->code, mtu, sw_ip_text(&packet->src.ip, src), quoted, packet->ttl,
		 notes(packet));
}

static void neighbor_text(const struct sw_packet *packet, enum sw_packet_way way, char *buffer, size_t size)
{
	const struct sw_neighbor *neighbor = &packet->neighbor;
	const uint8_t *mac = neighbor->mac;
	const char *protocol = neighbor->target.family == 4 ? "ARP" : "ND";
	char target[SW_ADDR_TEXT];

	sw_ip_text(&neighbor->target, target);
	if (neighbor->op == SW_NEIGHBOR_ASK)
		snprintf(buffer, size, "%c %s who has %s?", arrow(way), protocol, target);
	else
		snprintf(buffer, size, "%c %s %s is at %02x:%02x:%02x:%02x:%02x:%02x", arrow(way), protocol, target,
			 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

char *sw_packet_text(const struct sw_packet *packet, enum sw_packet_way way, char *buffer, size_t size)
{
	char what[WHAT_SIZE];

	switch (packet->kind) {
	case SW_PACKET_ICMP: icmp_text(packet, way, buffer, size); return buffer;
	case SW_PACKET_NEIGHBOR: neighbor_text(packet, way, buffer, size); return buffer;
	case SW_PACKET_TCP: tcp_text(packet, what, sizeof what); break;
	case SW_PACKET_UDP:
		if (packet->dns)
			dns_text(packet->dns, what, sizeof what);
		else
			snprintf(what, sizeof what, "UDP  len %u", packet->payload_length);
		break;
	case SW_PACKET_FRAGMENT:
		snprintf(what, sizeof what, "%s fragment at %u", sw_protocol_name(packet->protocol),
			 packet->fragment_offset);
		break;
	default:
		snprintf(what, sizeof what, "%s",
			 packet->src.ip.family ? sw_protocol_name(packet->protocol) : "not IP");
		break;
	}
	ends(packet, way, what, buffer, size);
	return buffer;
}
