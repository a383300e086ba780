/* Frames: link addresses, ARP, IPv4 and IPv6 with what stands above them, in place.
 *
 * Enters: a LINUX_SLL2 frame. Leaves: the same with other addresses and right checksums (a wrong one stays wrong), cut behind what is
 * understood: payload that is neither DNS nor TLS goes, whatever it is. Every length is checked; RFC 791, 8200, 9293, 826. */
#include <netinet/in.h>
#include <string.h>

#include "capture/checksum.h"
#include "capture/decode.h"
#include "src/anonymize/internal.h"

#define SLL2_HEADER 20u
#define HEADERS_MAX 16

static uint16_t u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* ---- checksums ---------------------------------------------------------------------------------------------------------- */

/* RFC 1624: the new sum from the old one and what changed below it. All in memory order, as capture/checksum.h. */
static void mend(uint8_t *field, uint16_t before, uint16_t after)
{
	uint16_t sum;
	memcpy(&sum, field, sizeof sum);
	sum = (uint16_t)~sw_checksum_fold((uint64_t)(uint16_t)~sum + (uint16_t)~before + after);
	memcpy(field, &sum, sizeof sum);
}

struct sums { /* of a transport: what its checksum covers but its own field */
	uint64_t pseudo, all;
};

static struct sums sums_of(const uint8_t *addresses, size_t address_bytes, const uint8_t *segment, size_t length,
			   size_t wire, uint8_t protocol)
{
	const uint8_t tail[8] = {
		(uint8_t)(wire >> 24), (uint8_t)(wire >> 16), (uint8_t)(wire >> 8), (uint8_t)wire, 0, 0, 0, protocol};
	struct sums sums = {.pseudo = sw_checksum_add(sw_checksum_add(0, addresses, address_bytes), tail, sizeof tail)};
	bool covered = address_bytes == 32 || protocol != IPPROTO_ICMP; /* ICMP has no pseudo header, ICMPv6 has */
	sums.all = sw_checksum_add(covered ? sums.pseudo : 0, segment, length);
	return sums;
}

static void mend_transport(uint8_t *field, const struct sums *before, const struct sums *after, bool may_be_none)
{
	uint16_t sum;
	memcpy(&sum, field, sizeof sum);
	if (may_be_none && sum == 0)
		return;
	if (sum == sw_checksum_fold(before->pseudo)) { /* offload: the device would have completed it */
		sum = sw_checksum_fold(after->pseudo);
		memcpy(field, &sum, sizeof sum);
		return;
	}
	mend(field, sw_checksum_fold(before->all), sw_checksum_fold(after->all));
}

/* ---- transports: each gives how many bytes may be kept -------------------------------------------------------------------- */

struct above { /* what stands above IP */
	const struct sw_packet *packet; /* NULL: quoted, no payload is kept */
	uint8_t *at;
	size_t captured;
	uint8_t protocol;
};

/* What is no known option (MPTCP's carry addresses) becomes no operation. */
static void tcp_options(uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint8_t kind = at[i];
		if (kind <= 1) {
			i++;
			continue;
		}
		size_t size = i + 1 < length ? at[i + 1] : 0;
		bool damaged = size < 2 || size > length - i;
		if (damaged || !(kind <= 5 || kind == 8)) {
			memset(at + i, 1, damaged ? length - i : size);
			size = damaged ? length - i : size;
		}
		i += size;
	}
}

/* Each message has its length before it; some servers send the length in a segment of its own (RFC 1035, section 4.2.2). */
static size_t dns_stream(struct sw_anonymizer *anonymizer, uint8_t *at, size_t length)
{
	size_t kept = 0;
	while (length - kept > 2) {
		size_t message = u16(at + kept), have = length - kept - 2 < message ? length - kept - 2 : message;
		size_t used = sw_anonymizer_dns(anonymizer, at + kept + 2, have);
		if (!used)
			break;
		kept += 2 + used;
		if (used < message)
			break;
	}
	return kept ? kept : sw_anonymizer_dns(anonymizer, at, length);
}

static size_t tcp(struct sw_anonymizer *anonymizer, const struct above *above)
{
	if (above->captured < 20)
		return above->captured;
	size_t header = (above->at[12] >> 4) * 4u;
	if (header < 20 || header > above->captured)
		return 20;
	if (!above->packet)
		return 20;
	tcp_options(above->at + 20, header - 20);
	const struct sw_packet *packet = above->packet;
	size_t payload = packet->payload_captured, kept;
	if (packet->kind != SW_PACKET_TCP || payload > above->captured - header)
		return header;
	if (packet->src.port == 53 || packet->dst.port == 53)
		kept = dns_stream(anonymizer, above->at + header, payload);
	else
		kept = sw_anonymizer_tls(anonymizer, packet, above->at + header, payload);
	return header + kept;
}

static size_t udp(struct sw_anonymizer *anonymizer, const struct above *above)
{
	const struct sw_packet *packet = above->packet;
	if (above->captured < 8)
		return above->captured;
	if (!packet || packet->kind != SW_PACKET_UDP || (packet->src.port != 53 && packet->dst.port != 53))
		return 8;
	size_t payload = packet->payload_captured < above->captured - 8 ? packet->payload_captured :
									  above->captured - 8;
	return 8 + sw_anonymizer_dns(anonymizer, above->at + 8, payload);
}

static size_t transport(struct sw_anonymizer *anonymizer, const struct above *above)
{
	switch (above->protocol) {
	case IPPROTO_TCP: return tcp(anonymizer, above);
	case IPPROTO_UDP: return udp(anonymizer, above);
	case IPPROTO_ICMP: return sw_anonymizer_icmp(anonymizer, above->at, above->captured, false, !above->packet);
	case IPPROTO_ICMPV6: return sw_anonymizer_icmp(anonymizer, above->at, above->captured, true, !above->packet);
	default: return 0;
	}
}

static size_t checksum_at(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2;
}

/* ---- IP ----------------------------------------------------------------------------------------------------------------- */

struct ip {
	uint8_t *addresses; /* source and destination */
	size_t address_bytes; /* of both */
	uint8_t *above;
	size_t captured, wire; /* of what stands there */
	uint8_t protocol;
	bool later; /* a fragment without a transport header */
};

static void change_addresses(struct sw_anonymizer *anonymizer, const struct ip *ip)
{
	if (ip->address_bytes == 8) {
		sw_anonymizer_bytes4(anonymizer, ip->addresses);
		sw_anonymizer_bytes4(anonymizer, ip->addresses + 4);
	} else {
		sw_anonymizer_bytes16(anonymizer, ip->addresses);
		sw_anonymizer_bytes16(anonymizer, ip->addresses + 16);
	}
}

/* Addresses, transport, checksum; how many bytes above IP may be kept. */
static size_t change(struct sw_anonymizer *anonymizer, const struct ip *ip, const struct sw_packet *packet)
{
	const struct above above = {packet, ip->above, ip->captured, ip->protocol};
	struct sums before = sums_of(ip->addresses, ip->address_bytes, ip->above, ip->captured, ip->wire, ip->protocol);
	change_addresses(anonymizer, ip);
	size_t kept = ip->later ? 0 : transport(anonymizer, &above), field = checksum_at(ip->protocol);
	struct sums after = sums_of(ip->addresses, ip->address_bytes, ip->above, ip->captured, ip->wire, ip->protocol);
	if (kept >= field + 2)
		mend_transport(ip->above + field, &before, &after, ip->protocol == IPPROTO_UDP);
	return kept;
}

static size_t ipv4(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *header, size_t captured,
		   size_t wire)
{
	if (captured < 20)
		return 0;
	size_t length = (header[0] & 0xfu) * 4u, total = u16(header + 2);
	if (length < 20 || length > captured)
		return 0;
	total = total ? total : wire;
	size_t inside = total > length ? total - length : 0,
	       have = captured - length < inside ? captured - length : inside;
	uint16_t before = sw_checksum_fold(sw_checksum_add(0, header, length));
	const struct ip ip = {
		header + 12, 8, header + length, have, inside, header[9], (u16(header + 6) & 0x1fff) != 0};
	size_t kept = change(anonymizer, &ip, packet);
	memset(header + 20, 1, length - 20); /* options: routes and stamps name hosts; RFC 791's no operation */
	mend(header + 10, before, sw_checksum_fold(sw_checksum_add(0, header, length)));
	return length + kept;
}

/* One extension header, emptied but for what says how it goes on: options become Pad1, a route's addresses zeros. */
static size_t extension(uint8_t *at, size_t captured, uint8_t protocol)
{
	if (captured < 8)
		return 0;
	size_t length = protocol == IPPROTO_FRAGMENT ? 8 :
			protocol == IPPROTO_AH       ? (at[1] + 2u) * 4u :
						       (at[1] + 1u) * 8u;
	if (length > captured)
		return 0;
	if (protocol == IPPROTO_ROUTING)
		memset(at + 4, 0, length - 4);
	else if (protocol != IPPROTO_FRAGMENT && protocol != IPPROTO_AH)
		memset(at + 2, 0, length - 2);
	return length;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH || protocol == IPPROTO_MH;
}

static size_t ipv6(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *header, size_t captured,
		   size_t wire)
{
	if (captured < 40)
		return 0;
	size_t total = u16(header + 4) ? u16(header + 4) + 40u : wire, at = 40;
	struct ip ip = {.addresses = header + 8, .address_bytes = 32, .protocol = header[6]};
	captured = captured < total ? captured : total;
	for (int i = 0; i < HEADERS_MAX && is_extension(ip.protocol) && !ip.later; i++) {
		size_t length = extension(header + at, captured - at, ip.protocol);
		if (!length) {
			change_addresses(anonymizer, &ip);
			return at;
		}
		ip.later = ip.protocol == IPPROTO_FRAGMENT && u16(header + at + 2) & 0xfff8;
		ip.protocol = header[at];
		at += length;
	}
	ip.above = header + at;
	ip.captured = captured - at;
	ip.wire = total > at ? total - at : 0;
	return at + change(anonymizer, &ip, packet);
}

static size_t ip_packet(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *header,
			size_t captured, size_t wire)
{
	if (captured && header[0] >> 4 == 4)
		return ipv4(anonymizer, packet, header, captured, wire);
	return captured && header[0] >> 4 == 6 ? ipv6(anonymizer, packet, header, captured, wire) : 0;
}

size_t sw_anonymizer_inner(struct sw_anonymizer *anonymizer, uint8_t *header, size_t captured)
{
	return ip_packet(anonymizer, NULL, header, captured, captured);
}

/* ---- the link ----------------------------------------------------------------------------------------------------------- */

static size_t arp(struct sw_anonymizer *anonymizer, uint8_t *at, size_t captured)
{
	if (captured < 8)
		return 0;
	size_t hardware = at[4], length = 8 + 2 * (hardware + 4);
	if (at[5] != 4 || length > captured)
		return 0;
	for (int i = 0; i < 2; i++) {
		uint8_t *link = at + 8 + (size_t)i * (hardware + 4);
		if (hardware == 6)
			sw_anonymizer_mac(anonymizer, link);
		else
			memset(link, 0, hardware);
		sw_anonymizer_bytes4(anonymizer, link + hardware);
	}
	return length;
}

static void link_address(struct sw_anonymizer *anonymizer, uint8_t *frame)
{
	uint8_t length = frame[11], *address = frame + 12;
	if (length == 6) {
		sw_anonymizer_mac(anonymizer, address);
		memset(address + 6, 0, 2);
	} else if (length == 4) { /* a tunnel's: an IPv4 address */
		sw_anonymizer_bytes4(anonymizer, address);
		memset(address + 4, 0, 4);
	} else {
		memset(address, 0, 8);
	}
}

size_t sw_anonymizer_frame(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *frame,
			   size_t captured, size_t wire)
{
	size_t at = SLL2_HEADER, kept = 0;
	if (captured < SLL2_HEADER)
		return 0;
	uint16_t type = u16(frame);
	link_address(anonymizer, frame);
	for (int depth = 0; depth < 4 && (type == 0x8100 || type == 0x88a8 || type == 0x9100) && captured - at >= 4;
	     depth++) {
		type = u16(frame + at + 2);
		at += 4;
	}
	if (type == 0x8864 && captured - at >= 8) { /* PPPoE, RFC 2516 */
		type = u16(frame + at + 6) == 0x0021 ? 0x0800 : u16(frame + at + 6) == 0x0057 ? 0x86dd : 0;
		at += 8;
	}
	if (type == 0x0800 || type == 0x86dd)
		kept = ip_packet(anonymizer, packet, frame + at, captured - at, wire > at ? wire - at : 0);
	else if (type == 0x0806)
		kept = arp(anonymizer, frame + at, captured - at);
	return kept ? at + kept : 0;
}
