/* pkt lines of case files: a packet as tcpdump would tell it.
 *
 *   pkt 0.000051 out S  10.0.0.1:4001 > 10.0.0.2:80 ttl=64
 *   pkt 0.000398 in  RA 10.0.0.2:80 > 10.0.0.1:4001
 *   pkt 0.2 in icmp 3/1 10.0.0.254 > 10.0.0.1 quotes 10.0.0.1:4001 > 10.0.0.2:80
 *   pkt 0.1 out arp ask 10.0.0.254 10.0.0.1
 *   pkt 0.1 out udp 10.0.0.1:5000 > 10.0.0.2:53 len=30
 *
 * Sequence numbers are relative to the connection's first (SYN 0, first byte 1) and follow by themselves where seq= and ack=
 * are not given. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "tests/cases/case_reader.h"

#define WORDS_MAX 40
#define ISN_STEP 1000000u

struct pair { /* both directions of one pair of ends; side 0 is `end` */
	struct sw_endpoint end[2];
	uint32_t isn[2], next[2]; /* next: relative */
	bool syn[2], more; /* more than SYNs was seen */
};

struct sw_case_packets {
	SW_ARRAY(struct pair) pairs;
	uint32_t count;
};

struct words {
	size_t count;
	char *items[WORDS_MAX];
};

struct sw_case_packets *sw_case_packets_new(void)
{
	return sw_alloc(sizeof(struct sw_case_packets));
}

void sw_case_packets_free(struct sw_case_packets *packets)
{
	if (packets)
		SW_ARRAY_RELEASE(&packets->pairs);
	free(packets);
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

static void split(char *line, struct words *words)
{
	for (char *word = strtok(line, " \t\r\n"); word && words->count < WORDS_MAX; word = strtok(NULL, " \t\r\n"))
		words->items[words->count++] = word;
}

static const char *key(const struct words *words, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < words->count; i++)
		if (strncmp(words->items[i], name, length) == 0 && words->items[i][length] == '=')
			return words->items[i] + length + 1;
	return NULL;
}

static uint32_t number(const struct words *words, const char *name, uint32_t absent)
{
	const char *text = key(words, name);

	return text ? (uint32_t)strtoul(text, NULL, 0) : absent;
}

static bool has(const struct words *words, const char *name)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->items[i], name) == 0)
			return true;
	return false;
}

static size_t arrow(const struct words *words, size_t from)
{
	for (size_t i = from; i < words->count; i++)
		if (strcmp(words->items[i], ">") == 0)
			return i;
	return 0;
}

static bool end_parse(const char *text, struct sw_endpoint *end)
{
	memset(end, 0, sizeof *end);
	return sw_endpoint_parse(text, end) || sw_ip_parse(text, &end->ip);
}

static bool ends_parse(const struct words *words, size_t at, struct sw_endpoint *src, struct sw_endpoint *dst)
{
	return at > 0 && at + 1 < words->count && end_parse(words->items[at - 1], src) &&
	       end_parse(words->items[at + 1], dst);
}

/* ---- TCP ------------------------------------------------------------------------------------------------------- */

static bool flags_parse(const char *text, uint8_t *flags)
{
	static const struct {
		char letter;
		uint8_t flag;
	} letters[] = {{'S', SW_TCP_SYN}, {'A', SW_TCP_ACK}, {'.', SW_TCP_ACK}, {'F', SW_TCP_FIN},
		       {'R', SW_TCP_RST}, {'P', SW_TCP_PSH}, {'U', SW_TCP_URG}};

	*flags = 0;
	for (; *text; text++) {
		size_t i = 0;

		while (i < SW_COUNT(letters) && letters[i].letter != *text)
			i++;
		if (i == SW_COUNT(letters))
			return false;
		*flags |= letters[i].flag;
	}
	return true;
}

static struct pair *pair_of(struct sw_case_packets *packets, const struct sw_packet *packet, unsigned *side)
{
	for (size_t i = 0; i < packets->pairs.count; i++) {
		struct pair *pair = &packets->pairs.items[i];

		for (*side = 0; *side < 2; ++*side)
			if (sw_endpoint_equal(&pair->end[*side], &packet->src) &&
			    sw_endpoint_equal(&pair->end[!*side], &packet->dst))
				return pair;
	}
	struct pair *pair = SW_ARRAY_ADD(&packets->pairs);

	pair->end[0] = packet->src;
	pair->end[1] = packet->dst;
	for (unsigned i = 0; i < 2; i++) {
		pair->isn[i] = (uint32_t)(packets->pairs.count * 2 + i) * ISN_STEP;
		pair->next[i] = 1;
	}
	*side = 0;
	return pair;
}

/* A SYN after more than SYNs begins a new connection of the same ports; where it says seq=0, with the same numbers again. */
static void begin_anew(struct pair *pair, unsigned side, bool same_numbers)
{
	if (pair->more) {
		pair->isn[0] += same_numbers ? 0 : ISN_STEP / 2;
		pair->isn[1] += same_numbers ? 0 : ISN_STEP / 2;
		pair->next[0] = pair->next[1] = 1;
		pair->syn[!side] = false;
		pair->more = false;
	}
	pair->syn[side] = true;
}

static void tcp_numbers(struct sw_case_packets *packets, struct sw_packet *packet, const struct words *words)
{
	unsigned side;
	struct pair *pair = pair_of(packets, packet, &side);
	uint8_t flags = packet->tcp.flags;

	if ((flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN)
		begin_anew(pair, side, key(words, "seq"));
	else if (!(flags & SW_TCP_SYN))
		pair->more = true;
	uint32_t seq = number(words, "seq", flags & SW_TCP_SYN ? 0 : pair->next[side]);

	packet->tcp.seq = pair->isn[side] + seq;
	if (flags & SW_TCP_RST && !pair->syn[side] && !key(words, "seq"))
		packet->tcp.seq = 0; /* what has no connection there begins at 0 */
	if (flags & SW_TCP_ACK)
		packet->tcp.ack = pair->isn[!side] + number(words, "ack", pair->next[!side]);
	uint32_t end = seq + packet->payload_length + (flags & (SW_TCP_SYN | SW_TCP_FIN) ? 1 : 0);

	if (end > pair->next[side] && !(flags & SW_TCP_RST))
		pair->next[side] = end;
}

static int tcp_parse(struct sw_case_packets *packets, struct sw_packet *packet, const struct words *words,
		     struct sw_err *err)
{
	struct sw_tcp *tcp = &packet->tcp;

	if (!flags_parse(words->items[2], &tcp->flags) || !ends_parse(words, 4, &packet->src, &packet->dst))
		return sw_err_set(err, -EINVAL, "pkt: expected TIME in|out FLAGS SRC > DST");
	packet->kind = SW_PACKET_TCP;
	packet->protocol = IPPROTO_TCP;
	tcp->window = (uint16_t)number(words, "win", 64240);
	tcp->window_scale = 255;
	tcp->timestamps = has(words, "ts");
	if (tcp->flags & SW_TCP_SYN) {
		tcp->mss = (uint16_t)number(words, "mss", 1460);
		tcp->window_scale = (uint8_t)number(words, "wscale", 7);
		tcp->sack_permitted = true;
	}
	tcp_numbers(packets, packet, words);
	return 0;
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

static int icmp_parse(struct sw_packet *packet, const struct words *words, struct sw_err *err)
{
	struct sw_icmp *icmp = &packet->icmp;
	size_t second = arrow(words, 6);
	unsigned type, code;

	if (words->count < 7 || sscanf(words->items[3], "%u/%u", &type, &code) != 2 ||
	    !ends_parse(words, 5, &packet->src, &packet->dst))
		return sw_err_set(err, -EINVAL, "pkt: expected icmp TYPE/CODE SRC > DST quotes SRC > DST");
	packet->kind = SW_PACKET_ICMP;
	icmp->v6 = packet->src.ip.family == 6;
	packet->protocol = icmp->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	icmp->type = (uint8_t)type;
	icmp->code = (uint8_t)code;
	icmp->mtu = number(words, "mtu", 0);
	icmp->is_reply = type == (icmp->v6 ? 129 : 0);
	icmp->is_echo = icmp->is_reply || type == (icmp->v6 ? 128 : 8);
	icmp->identifier = (uint16_t)number(words, "echo", 0);
	if (!second)
		return 0;
	if (!ends_parse(words, second, &icmp->quote.src, &icmp->quote.dst))
		return sw_err_set(err, -EINVAL, "pkt: expected quotes SRC > DST");
	icmp->is_error = icmp->quote.present = true;
	icmp->quote.protocol = has(words, "udp") ? IPPROTO_UDP : key(words, "echo") ? packet->protocol : IPPROTO_TCP;
	return 0;
}

static int arp_parse(struct sw_packet *packet, const struct words *words, struct sw_err *err)
{
	bool ask = words->count > 4 && strcmp(words->items[3], "ask") == 0;

	if (words->count < 5 || (!ask && strcmp(words->items[3], "answer") != 0) ||
	    !sw_ip_parse(words->items[4], &packet->neighbor.target) ||
	    (words->count > 5 && !sw_ip_parse(words->items[5], &packet->neighbor.sender)))
		return sw_err_set(err, -EINVAL, "pkt: expected arp ask|answer TARGET [SENDER]");
	packet->kind = SW_PACKET_NEIGHBOR;
	packet->neighbor.op = ask ? SW_NEIGHBOR_ASK : SW_NEIGHBOR_ANSWER;
	packet->src.ip = packet->neighbor.sender;
	packet->dst.ip = packet->neighbor.target;
	return 0;
}

static int udp_parse(struct sw_packet *packet, const struct words *words, struct sw_err *err)
{
	if (!ends_parse(words, 4, &packet->src, &packet->dst))
		return sw_err_set(err, -EINVAL, "pkt: expected udp SRC > DST");
	packet->kind = SW_PACKET_UDP;
	packet->protocol = IPPROTO_UDP;
	packet->length = packet->payload_length + 28;
	packet->fragment_id = packet->ip_id;
	return 0;
}

/* A later fragment: without ports. */
static int fragment_parse(struct sw_packet *packet, const struct words *words, struct sw_err *err)
{
	if (words->count < 6 || !sw_ip_parse(words->items[3], &packet->src.ip) ||
	    !sw_ip_parse(words->items[5], &packet->dst.ip))
		return sw_err_set(err, -EINVAL, "pkt: expected fragment SRC > DST");
	packet->kind = SW_PACKET_FRAGMENT;
	packet->protocol = IPPROTO_UDP;
	packet->length = packet->payload_length + 20;
	packet->fragment_id = packet->ip_id;
	packet->fragment_offset = (uint16_t)number(words, "at", 0);
	return 0;
}

/* A quote carries the sequence number of what it quotes: the SYN, or the newest segment, of that pair. */
static void quote_numbers(struct sw_case_packets *packets, struct sw_packet *packet, const struct words *words)
{
	struct sw_packet quoted = {.src = packet->icmp.quote.src, .dst = packet->icmp.quote.dst};
	size_t before = packets->pairs.count;
	unsigned side;
	struct pair *pair;

	if (!packet->icmp.quote.present || packet->icmp.quote.protocol != IPPROTO_TCP)
		return;
	pair = pair_of(packets, &quoted, &side);
	packet->icmp.quote.has_seq = true;
	packet->icmp.quote.seq = pair->isn[side] + number(words, "qseq", pair->more ? pair->next[side] : 0);
	if (packets->pairs.count != before)
		packets->pairs.count = before; /* never seen: no connection is begun by being quoted */
}

static void common(struct sw_packet *packet, const struct words *words)
{
	packet->payload_length = number(words, "len", 0);
	packet->ttl = (uint8_t)number(words, "ttl", 64);
	packet->ip_id = (uint16_t)number(words, "id", 0);
	packet->input = (uint16_t)number(words, "input", 0);
	packet->place = (uint16_t)number(words, "place", 0);
	packet->length = packet->payload_length + 40;
	if (has(words, "lo"))
		packet->flags |= SW_PACKET_LOOPBACK;
	if (has(words, "more"))
		packet->flags |= SW_PACKET_MORE_FRAGMENTS;
	if (has(words, "badsum"))
		packet->flags |= SW_PACKET_BAD_CHECKSUM;
}

/* nat=: our end as translation made it; the numbers are those of the untranslated pair. */
static int translate(struct sw_packet *packet, const struct words *words, struct sw_err *err)
{
	const char *text = key(words, "nat");
	struct sw_addr addr;

	if (!text)
		return 0;
	if (!sw_addr_parse(text, &addr))
		return sw_err_set(err, -EINVAL, "pkt: nat=ADDRESS:PORT");
	*(packet->way == SW_WAY_OUT ? &packet->src : &packet->dst) = addr.endpoint;
	return 0;
}

int sw_case_packet(struct sw_case_packets *packets, const char *line, const struct sw_packet_sink *sink,
		   struct sw_err *err)
{
	sw_auto_free char *copy = sw_strdup(line);
	struct words words = {0};
	struct sw_packet packet = {.id = ++packets->count};
	int result;

	split(copy, &words);
	if (words.count < 5 || !sw_time_parse(words.items[0], &packet.time_ns))
		return sw_err_set(err, -EINVAL, "pkt: expected TIME in|out FLAGS SRC > DST");
	packet.way = strcmp(words.items[1], "out") == 0 ? SW_WAY_OUT : SW_WAY_IN;
	common(&packet, &words);
	if (strcmp(words.items[2], "icmp") == 0)
		result = icmp_parse(&packet, &words, err);
	else if (strcmp(words.items[2], "arp") == 0)
		result = arp_parse(&packet, &words, err);
	else if (strcmp(words.items[2], "udp") == 0)
		result = udp_parse(&packet, &words, err);
	else if (strcmp(words.items[2], "fragment") == 0)
		result = fragment_parse(&packet, &words, err);
	else
		result = tcp_parse(packets, &packet, &words, err);
	if (result < 0)
		return result;
	if (sw_case_application(&packet, words.items, words.count, err) < 0)
		return -EINVAL;
	quote_numbers(packets, &packet, &words);
	if (translate(&packet, &words, err) < 0)
		return -EINVAL;
	sink->packet(sink->context, &packet);
	return 0;
}
