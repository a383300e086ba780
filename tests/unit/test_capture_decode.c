/* The packet decoder: every link layer and header it knows, cut and damaged frames, checksums. Frames are built
 * here, byte by byte. */
#include <stdio.h>
#include <string.h>

#include "capture/checksum.h"
#include "capture/decode.h"
#include "src/base/mem.h"
#include "tests/unit/test.h"

struct bytes {
	uint8_t at[4096];
	size_t length;
};

static void hex(struct bytes *bytes, const char *text)
{
	unsigned value;

	for (; *text; text += 2) {
		while (*text == ' ')
			text++;
		if (!*text || sscanf(text, "%2x", &value) != 1)
			return;
		bytes->at[bytes->length++] = (uint8_t)value;
	}
}

/* 10.77.1.2:38526 > 10.77.2.2:5433, SYN, seq 1000, MSS 1460, SACK permitted, timestamps 1000, window scale 10;
 * checksums right */
#define IPV4_SYN "4500003c12344000 40061014 0a4d0102 0a4d0202"
#define TCP_SYN "967e1539 000003e8 00000000 a002faf0 00000000 020405b4 0402 080a000003e800000000 0103030a"
#define IPV6_HEAD(next, length)                                                                                        \
	"60000000" length next "3f fd000000000000000000000000000001 fd000000000000000000000000000002"
#define TCP_PLAIN "01bb9c40 00000005 00000006 5014 0100 00000000"
#define UDP_FIVE "00070008 000d0000 68656c6c6f"

static struct sw_packet decode(uint32_t linktype, const struct bytes *frame)
{
	struct sw_packet packet;

	sw_decode(linktype, frame->at, frame->length, frame->length, &packet);
	return packet;
}

static void assert_ip(const struct sw_ip *ip, const char *text)
{
	char buffer[SW_ADDR_TEXT];

	assert_string_equal(sw_ip_text(ip, buffer), text);
}

static void assert_syn(const struct sw_packet *packet)
{
	assert_int_equal(packet->kind, SW_PACKET_TCP);
	assert_ip(&packet->src.ip, "10.77.1.2");
	assert_ip(&packet->dst.ip, "10.77.2.2");
	assert_int_equal(packet->src.port, 38526);
	assert_int_equal(packet->dst.port, 5433);
	assert_int_equal(packet->tcp.flags, SW_TCP_SYN);
	assert_int_equal(packet->tcp.seq, 1000);
	assert_int_equal(packet->tcp.window, 64240);
	assert_int_equal(packet->tcp.mss, 1460);
	assert_int_equal(packet->tcp.window_scale, 10);
	assert_true(packet->tcp.sack_permitted);
	assert_true(packet->tcp.timestamps);
	assert_int_equal(packet->tcp.tsval, 1000);
	assert_int_equal(packet->ttl, 64);
	assert_int_equal(packet->ip_id, 0x1234);
	assert_int_equal(packet->length, 60);
	assert_int_equal(packet->payload_length, 0);
	assert_true(packet->flags & SW_PACKET_DONT_FRAGMENT);
}

static void link_layers(void **state)
{
	static const struct {
		uint32_t linktype;
		const char *header;
	} links[] = {
		{SW_LINK_ETHERNET, "021122334455 02aabbccddee 0800"},
		{SW_LINK_ETHERNET, "021122334455 02aabbccddee 8100 0005 0800"},
		{SW_LINK_ETHERNET, "021122334455 02aabbccddee 88a8 0005 8100 0006 0800"},
		{SW_LINK_ETHERNET, "021122334455 02aabbccddee 8864 1100 0001 003e 0021"},
		{SW_LINK_SLL, "0004 0001 0006 02aabbccddee0000 0800"},
		{SW_LINK_SLL2, "0800 0000 00000002 0001 04 06 02aabbccddee0000"},
		{SW_LINK_NULL, "02000000"},
		{SW_LINK_NULL, "00000002"},
		{SW_LINK_LOOP, "00000002"},
		{SW_LINK_RAW, ""},
		{SW_LINK_DLT_RAW, ""},
		{SW_LINK_IPV4, ""},
	};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(links); i++) {
		struct bytes frame = {0};

		hex(&frame, links[i].header);
		hex(&frame, IPV4_SYN TCP_SYN);
		struct sw_packet packet = decode(links[i].linktype, &frame);

		assert_syn(&packet);
		if (links[i].linktype == SW_LINK_SLL || links[i].linktype == SW_LINK_SLL2)
			assert_int_equal(packet.way, SW_WAY_OUT);
		assert_int_equal(packet.interface, links[i].linktype == SW_LINK_SLL2 ? 2 : 0);
	}
}

static void loopback_is_known(void **state)
{
	struct bytes cooked = {0}, ethernet = {0};

	(void)state;
	hex(&cooked, "0800 0000 00000001 0304 00 06 0000000000000000" IPV4_SYN TCP_SYN);
	hex(&ethernet, "000000000000 000000000000 0800" IPV4_SYN TCP_SYN);
	assert_true(decode(SW_LINK_SLL2, &cooked).flags & SW_PACKET_LOOPBACK);
	assert_true(decode(SW_LINK_ETHERNET, &ethernet).flags & SW_PACKET_LOOPBACK);
}

static void padding_is_no_payload(void **state)
{
	struct bytes frame = {0};

	(void)state;
	hex(&frame, "021122334455 02aabbccddee 86dd" IPV6_HEAD("06", "0014") TCP_PLAIN "000000000000");
	struct sw_packet packet = decode(SW_LINK_ETHERNET, &frame);

	assert_int_equal(packet.kind, SW_PACKET_TCP);
	assert_int_equal(packet.payload_length, 0);
	assert_int_equal(packet.payload_captured, 0);
	assert_int_equal(packet.length, 60);
}

static void offload_leaves_length_zero(void **state)
{
	struct bytes frame = {0};
	struct sw_packet packet;

	(void)state;
	hex(&frame, "4500 0000 0001 4000 4006 0000 0a4d0102 0a4d0202" TCP_PLAIN "7a7a7a7a");
	sw_decode(SW_LINK_RAW, frame.at, frame.length, 70040, &packet);
	assert_int_equal(packet.payload_length, 70000);
	assert_int_equal(packet.payload_captured, 4);
	assert_int_equal(packet.length, 70040);
}

static void extension_headers(void **state)
{
	struct bytes frame = {0}, fragment = {0}, ah = {0};

	(void)state;
	hex(&frame, IPV6_HEAD("00", "0035") "3c00010400000000 2b00010400000000 11020000 00000000 "
					    "fd000000000000000000000000000009" UDP_FIVE);
	struct sw_packet packet = decode(SW_LINK_RAW, &frame);

	assert_int_equal(packet.kind, SW_PACKET_UDP);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.dst.port, 8);
	assert_int_equal(packet.payload_length, 5);
	assert_memory_equal(packet.payload, "hello", 5);

	hex(&fragment, IPV6_HEAD("2c", "0010") "1100 05a9 0000abcd"
					       "7575757575757575");
	packet = decode(SW_LINK_IPV6, &fragment);
	assert_int_equal(packet.kind, SW_PACKET_FRAGMENT);
	assert_int_equal(packet.fragment_id, 0xabcd);
	assert_int_equal(packet.fragment_offset, 1448);
	assert_true(packet.flags & SW_PACKET_MORE_FRAGMENTS);

	hex(&ah, IPV6_HEAD("33", "002c") "06040000 00000007 00000001 696969696969696969696969" TCP_PLAIN);
	packet = decode(SW_LINK_RAW, &ah);
	assert_int_equal(packet.kind, SW_PACKET_TCP);
	assert_int_equal(packet.src.port, 443);
	assert_int_equal(packet.tcp.flags, SW_TCP_RST | SW_TCP_ACK);
}

static void ipv4_fragments(void **state)
{
	struct bytes first = {0}, later = {0};

	(void)state;
	hex(&first, "4500 0024 004d 2000 4011 0000 0a4d0102 0a4d0202 13881389 0bc00000 7575757575757575");
	hex(&later, "4500 001c 004d 0172 4011 0000 0a4d0102 0a4d0202 7575757575757575");
	struct sw_packet packet = decode(SW_LINK_RAW, &first);

	assert_int_equal(packet.kind, SW_PACKET_UDP);
	assert_true(packet.flags & SW_PACKET_MORE_FRAGMENTS);
	assert_int_equal(packet.payload_length, 8);
	assert_int_equal(packet.fragment_id, 77);
	packet = decode(SW_LINK_RAW, &later);
	assert_int_equal(packet.kind, SW_PACKET_FRAGMENT);
	assert_int_equal(packet.fragment_offset, 2960);
	assert_int_equal(packet.src.port, 0);
}

static void sack_blocks(void **state)
{
	struct bytes frame = {0};

	(void)state;
	hex(&frame, "4500 003c 0001 4000 4006 0000 0a4d0102 0a4d0202"
		    "967f0050 00000005 00000006 a0100000 00000000 0101 0512 00000001 00000002 00000003 00000004");
	struct sw_packet packet = decode(SW_LINK_RAW, &frame);

	assert_int_equal(packet.tcp.sack_count, 2);
	assert_int_equal(packet.tcp.sack[1].left, 3);
	assert_int_equal(packet.tcp.sack[1].right, 4);
	assert_int_equal(packet.tcp.window_scale, 255);
}

static void icmp_quotes(void **state)
{
	struct bytes full = {0}, eight = {0}, cut = {0}, v6 = {0};

	(void)state;
	hex(&full, "4500 0058 0001 0000 3f01 0000 0a4d0101 0a4d0102 030a 0000 00000000" IPV4_SYN TCP_SYN);
	struct sw_packet packet = decode(SW_LINK_RAW, &full);

	assert_int_equal(packet.kind, SW_PACKET_ICMP);
	assert_true(packet.icmp.is_error && packet.icmp.quote.present && packet.icmp.quote.has_seq &&
		    packet.icmp.quote.has_flags);
	assert_int_equal(packet.icmp.code, 10);
	assert_int_equal(packet.icmp.quote.src.port, 38526);
	assert_int_equal(packet.icmp.quote.seq, 1000);
	assert_int_equal(packet.icmp.quote.flags, SW_TCP_SYN);
	assert_int_equal(packet.icmp.quote.ip_id, 0x1234);
	assert_ip(&packet.icmp.quote.dst.ip, "10.77.2.2");

	hex(&eight, "4500 0038 0001 0000 3f01 0000 0a4d0101 0a4d0102 0304 0000 00000578" IPV4_SYN "967e1539 000003e8");
	packet = decode(SW_LINK_RAW, &eight);
	assert_int_equal(packet.icmp.mtu, 1400);
	assert_true(packet.icmp.quote.has_seq);
	assert_false(packet.icmp.quote.has_flags);

	hex(&cut, "4500 0032 0001 0000 3f01 0000 0a4d0101 0a4d0102 0301 0000 00000000" IPV4_SYN "967e");
	packet = decode(SW_LINK_RAW, &cut);
	assert_true(packet.icmp.quote.present);
	assert_int_equal(packet.icmp.quote.dst.port, 0);

	hex(&v6, IPV6_HEAD("3a", "004c") "0104 0000 00000000" IPV6_HEAD("00", "001c") "0600010400000000" TCP_PLAIN);
	packet = decode(SW_LINK_RAW, &v6);
	assert_int_equal(packet.kind, SW_PACKET_ICMP);
	assert_true(packet.icmp.v6);
	assert_int_equal(packet.icmp.quote.protocol, 6);
	assert_int_equal(packet.icmp.quote.src.port, 443);
	assert_ip(&packet.icmp.quote.dst.ip, "fd00::2");
}

static void echoes(void **state)
{
	struct bytes request = {0}, reply = {0}, quoted = {0}, cut = {0};

	(void)state;
	hex(&request, "4500 001c 0001 0000 4001 0000 0a4d0102 0a4d0202 0800 0000 1234 0001");
	struct sw_packet packet = decode(SW_LINK_RAW, &request);

	assert_int_equal(packet.kind, SW_PACKET_ICMP);
	assert_true(packet.icmp.is_echo && !packet.icmp.is_reply && !packet.icmp.is_error);
	assert_int_equal(packet.icmp.identifier, 0x1234);
	hex(&reply, IPV6_HEAD("3a", "0008") "8100 0000 4321 0001");
	packet = decode(SW_LINK_RAW, &reply);
	assert_true(packet.icmp.is_echo && packet.icmp.is_reply);
	assert_int_equal(packet.icmp.identifier, 0x4321);

	hex(&quoted, "4500 0038 0001 0000 3f01 0000 0a4d0101 0a4d0102 0301 0000 00000000"
		     "4500 001c 0001 0000 4001 0000 0a4d0102 0a4d0202 0800 0000 1234 0001");
	packet = decode(SW_LINK_RAW, &quoted);
	assert_false(packet.icmp.is_echo);
	assert_int_equal(packet.icmp.quote.src.port, 0x1234);
	assert_int_equal(packet.icmp.quote.dst.port, 0);
	hex(&cut, "4500 0034 0001 0000 3f01 0000 0a4d0101 0a4d0102 0301 0000 00000000"
		  "4500 001c 0001 0000 4001 0000 0a4d0102 0a4d0202 0800 0000");
	packet = decode(SW_LINK_RAW, &cut);
	assert_int_equal(packet.icmp.quote.src.port, 0);
}

static void neighbors(void **state)
{
	struct bytes ask = {0}, answer = {0}, advertisement = {0};

	(void)state;
	hex(&ask, "ffffffffffff 02aabbccddee 0806 0001 0800 0604 0001 02aabbccddee 0a4d0102 000000000000 0a4d01fe");
	struct sw_packet packet = decode(SW_LINK_ETHERNET, &ask);

	assert_int_equal(packet.kind, SW_PACKET_NEIGHBOR);
	assert_int_equal(packet.neighbor.op, SW_NEIGHBOR_ASK);
	assert_ip(&packet.neighbor.target, "10.77.1.254");
	assert_ip(&packet.neighbor.sender, "10.77.1.2");

	hex(&answer, "02aabbccddee 021122334455 0806 0001 0800 0604 0002 021122334455 0a4d01fe 02aabbccddee 0a4d0102");
	packet = decode(SW_LINK_ETHERNET, &answer);
	assert_int_equal(packet.neighbor.op, SW_NEIGHBOR_ANSWER);
	assert_ip(&packet.neighbor.target, "10.77.1.254");
	assert_ip(&packet.neighbor.sender, "10.77.1.2");
	assert_memory_equal(packet.neighbor.mac, "\x02\x11\x22\x33\x44\x55", 6);

	hex(&advertisement,
	    IPV6_HEAD("3a", "0020") "8800 0000 60000000 fd000000000000000000000000000254 0201 02aabbccddee");
	packet = decode(SW_LINK_RAW, &advertisement);
	assert_int_equal(packet.kind, SW_PACKET_NEIGHBOR);
	assert_int_equal(packet.neighbor.op, SW_NEIGHBOR_ANSWER);
	assert_ip(&packet.neighbor.target, "fd00::254");
	assert_memory_equal(packet.neighbor.mac, "\x02\xaa\xbb\xcc\xdd\xee", 6);
}

/* SLL2, received or leaving, with a TCP checksum made right, wrong or partial. */
static uint32_t checksum_flags(const char *pkttype, int damage, bool partial, uint32_t hardware)
{
	struct bytes frame = {0};
	struct sw_packet packet;
	uint16_t sum;

	hex(&frame, "0800 0000 00000002");
	frame.at[frame.length++] = (uint8_t)(hardware >> 8);
	frame.at[frame.length++] = (uint8_t)hardware;
	hex(&frame, pkttype);
	hex(&frame, "06 02aabbccddee0000 4500 002b 0001 4000 4006 0000 0a4d0102 0a4d0202" TCP_PLAIN "7a7a7a");
	uint8_t *ip = frame.at + 20, *tcp = ip + 20;

	sum = (uint16_t)~sw_checksum_fold(sw_checksum_add(0, ip, 20));
	memcpy(ip + 10, &sum, sizeof sum);
	sw_decode(SW_LINK_SLL2, frame.at, frame.length, frame.length, &packet);
	uint64_t pseudo = sw_checksum_pseudo(&packet.src.ip, &packet.dst.ip, 6, 23);

	sum = partial ? sw_checksum_fold(pseudo) : (uint16_t)~sw_checksum_fold(sw_checksum_add(pseudo, tcp, 23));
	memcpy(tcp + 16, &sum, sizeof sum);
	tcp[22] = (uint8_t)(tcp[22] + damage);
	sw_decode(SW_LINK_SLL2, frame.at, frame.length, frame.length, &packet);
	return packet.flags & SW_PACKET_BAD_CHECKSUM;
}

static void checksums(void **state)
{
	(void)state;
	assert_false(checksum_flags("00", 0, false, 1));
	assert_true(checksum_flags("00", 1, false, 1)); /* received and wrong */
	assert_false(checksum_flags("04", 1, false, 1)); /* leaving: may be filled in later */
	assert_false(checksum_flags("00", 0, true, 1)); /* offload: the sum of the pseudo header stands there */
	assert_false(checksum_flags("00", 1, false, 772)); /* loopback never has one */
}

/* Whatever is cut or damaged: no read outside (the sanitizers watch), and never a payload outside the frame. */
static void hostile(void **state)
{
	static const uint32_t links[] = {0, 1, 12, 101, 108, 113, 228, 229, 276, 252, 9999};
	struct bytes frame = {0};

	(void)state;
	hex(&frame, "0800 0000 00000002 0001 04 06 02aabbccddee0000 "
		    "4500 0058 0001 0000 3f01 0000 0a4d0101 0a4d0102 030a 0000 00000000" IPV4_SYN TCP_SYN);
	for (size_t length = 0; length <= frame.length; length++) {
		for (size_t at = 0; at < length; at++) {
			uint8_t *exact = sw_alloc(length), before = frame.at[at];
			struct sw_packet packet;

			frame.at[at] ^= (uint8_t)(0xff >> (length % 8));
			memcpy(exact, frame.at, length);
			sw_decode(links[(at + length) % SW_COUNT(links)], exact, length, length, &packet);
			if (packet.payload)
				assert_true(packet.payload >= exact &&
					    packet.payload + packet.payload_captured <= exact + length);
			assert_true(packet.payload_captured <= packet.payload_length || !packet.payload);
			frame.at[at] = before;
			free(exact);
		}
	}
}

static void texts(void **state)
{
	struct bytes syn = {0}, refusal = {0}, icmp = {0}, arp = {0};
	char text[512];
	struct sw_packet packet;

	(void)state;
	hex(&syn, IPV4_SYN TCP_SYN);
	packet = decode(SW_LINK_RAW, &syn);
	assert_string_equal(sw_packet_text(&packet, SW_WAY_OUT, text, sizeof text),
			    "> SYN                    10.77.1.2:38526 > 10.77.2.2:5433");
	hex(&refusal, "4500 0028 0000 0000 3f06 0000 0a4d0202 0a4d0102" TCP_PLAIN);
	packet = decode(SW_LINK_RAW, &refusal);
	assert_non_null(strstr(sw_packet_text(&packet, SW_WAY_IN, text, sizeof text), "< RST,ACK  ttl 63"));
	hex(&icmp, "4500 0058 0001 0000 3f01 0000 0a4d0101 0a4d0102 030a 0000 00000000" IPV4_SYN TCP_SYN);
	packet = decode(SW_LINK_RAW, &icmp);
	assert_string_equal(sw_packet_text(&packet, SW_WAY_IN, text, sizeof text),
			    "< ICMP host prohibited (3/10) from 10.77.1.1 quoting SYN to 10.77.2.2:5433  ttl 63");
	hex(&arp, "ffffffffffff 02aabbccddee 0806 0001 0800 0604 0001 02aabbccddee 0a4d0102 000000000000 0a4d01fe");
	packet = decode(SW_LINK_ETHERNET, &arp);
	assert_string_equal(sw_packet_text(&packet, SW_WAY_OUT, text, sizeof text), "> ARP who has 10.77.1.254?");
	assert_int_equal(strlen(sw_packet_text(&packet, SW_WAY_OUT, text, 8)), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_layers),
		cmocka_unit_test(loopback_is_known),
		cmocka_unit_test(padding_is_no_payload),
		cmocka_unit_test(offload_leaves_length_zero),
		cmocka_unit_test(extension_headers),
		cmocka_unit_test(ipv4_fragments),
		cmocka_unit_test(sack_blocks),
		cmocka_unit_test(icmp_quotes),
		cmocka_unit_test(echoes),
		cmocka_unit_test(neighbors),
		cmocka_unit_test(checksums),
		cmocka_unit_test(hostile),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
