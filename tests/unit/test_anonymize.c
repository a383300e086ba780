/* --anonymize: the map keeps prefixes and is one to one, a name is the same name everywhere, and nothing of the originals is left in a
 * frame, whatever quotes or carries it. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "capture/checksum.h"
#include "capture/decode.h"
#include "capture/dns.h"
#include "capture/tls.h"
#include "src/anonymize/anonymize.h"
#include "src/base/mem.h"

static const uint8_t key[16] = "a key for tests";
static struct sw_anonymizer *anonymizer;

static int start(void **state)
{
	(void)state;
	anonymizer = sw_anonymizer_with_key(key);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sw_anonymizer_free(anonymizer);
	return 0;
}

static struct sw_ip ip_of(const char *text)
{
	struct sw_ip ip;
	assert_true(sw_ip_parse(text, &ip));
	return ip;
}

static struct sw_ip shown(const char *text)
{
	struct sw_ip ip = ip_of(text);
	return sw_anonymizer_ip(anonymizer, &ip);
}

/* ---- addresses ---------------------------------------------------------------------------------------------------------- */

static unsigned common_bits(const struct sw_ip *a, const struct sw_ip *b)
{
	unsigned bits = 0, all = a->family == 4 ? 32 : 128;
	while (bits < all && !((a->bytes[bits / 8] ^ b->bytes[bits / 8]) >> (7 - bits % 8) & 1))
		bits++;
	return bits;
}

static void prefixes_are_kept(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 4000; i++) {
		struct sw_ip a = {.family = i % 2 ? 4 : 6}, b, shown_a, shown_b;
		for (size_t j = 0; j < (i % 2 ? 4 : 16); j++)
			a.bytes[j] = (uint8_t)rand();
		a.bytes[0] = i % 2 ? (uint8_t)(1 + a.bytes[0] % 126) : (uint8_t)(0x20 | (a.bytes[0] & 0x1f));
		b = a;
		unsigned turned = (unsigned)rand() % (i % 2 ? 24 : 120) + 8;
		b.bytes[turned / 8] ^= (uint8_t)(0x80 >> turned % 8);
		shown_a = sw_anonymizer_ip(anonymizer, &a);
		shown_b = sw_anonymizer_ip(anonymizer, &b);
		assert_int_equal(common_bits(&a, &b), common_bits(&shown_a, &shown_b));
	}
}

static void kinds_are_kept(void **state)
{
	static const char *const same[] = {"127.0.0.1", "127.0.0.53", "0.0.0.0", "255.255.255.255", "224.0.0.251",
					   "::1",       "::",         "ff02::1", "ff02::fb"};
	(void)state;
	for (size_t i = 0; i < SW_COUNT(same); i++) {
		struct sw_ip before = ip_of(same[i]), after = shown(same[i]);
		assert_true(sw_ip_equal(&before, &after));
	}
	assert_int_equal(shown("10.1.2.3").bytes[0], 10);
	assert_memory_equal(shown("192.168.1.1").bytes, "\xc0\xa8", 2);
	assert_int_equal(shown("fd12:3456::1").bytes[0], 0xfd);
	struct sw_ip local = shown("fe80::1234:5678:9abc:def0"), local4 = shown("169.254.10.20"),
		     group = shown("239.1.2.3");
	assert_true(sw_ip_is_link_local(&local) && sw_ip_is_link_local(&local4) && sw_ip_is_multicast(&group));
	struct sw_ip out = shown("8.8.8.8");
	assert_false(sw_ip_is_loopback(&out) || sw_ip_is_multicast(&out) || sw_ip_is_link_local(&out));
}

static void another_key_another_map(void **state)
{
	struct sw_anonymizer *other = sw_anonymizer_new();
	struct sw_ip ip = ip_of("10.77.2.2"), a = sw_anonymizer_ip(anonymizer, &ip), b = sw_anonymizer_ip(other, &ip);
	(void)state;
	assert_false(sw_ip_equal(&a, &b) || sw_ip_equal(&a, &ip));
	a = sw_anonymizer_ip(NULL, &ip);
	assert_true(sw_ip_equal(&a, &ip));
	sw_anonymizer_free(other);
}

/* ---- text --------------------------------------------------------------------------------------------------------------- */

static void a_name_is_the_same_name_everywhere(void **state)
{
	sw_auto_free char *name = sw_anonymizer_text(anonymizer, "Db-7.Shop.example"),
			  *url = sw_anonymizer_text(anonymizer, "https://db-7.shop.example:8443/secret?x=1");
	(void)state;
	assert_int_equal(strlen(name), strlen("db-7.shop.example"));
	assert_null(strstr(name, "hop"));
	assert_non_null(strstr(url, name));
	assert_non_null(strstr(url, ":8443/"));
	assert_int_equal(strncmp(url, "https://", 8), 0);
	assert_null(strstr(url, "secret"));
}

static void addresses_in_texts(void **state)
{
	struct sw_ip ip = shown("10.77.2.2"), ip6 = shown("fd77:2::2");
	char four[SW_ADDR_TEXT], six[SW_ADDR_TEXT];
	sw_auto_free char *text =
		sw_anonymizer_text(anonymizer, "10.77.2.2:80 [fd77:2::2]:80 (10.77.2.2). ip-10-77-2-2 127.0.0.1:9");
	sw_auto_free char *wanted =
		sw_format("%s:80 [%s]:80 (%s). ", sw_ip_text(&ip, four), sw_ip_text(&ip6, six), four);
	(void)state;
	assert_int_equal(strncmp(text, wanted, strlen(wanted)), 0);
	assert_null(strstr(text, "10-77"));
	assert_non_null(strstr(text, " 127.0.0.1:9"));
}

static void commands(void **state)
{
	const char *const words[] = {"/opt/acme/bin/curl", "-pSecret",        "--max-time", "5",
				     "--password=hunter",  "bob@shop.example"};
	struct sw_report_target target = {.command = words, .command_count = SW_COUNT(words)};
	(void)state;
	sw_anonymizer_target(anonymizer, &target);
	assert_string_equal(strrchr(target.command[0], '/'), "/curl");
	assert_null(strstr(target.command[0], "acme"));
	assert_null(strstr(target.command[1], "ecret"));
	assert_string_equal(target.command[2], "--max-time");
	assert_string_equal(target.command[3], "5");
	assert_int_equal(strncmp(target.command[4], "--password=", 11), 0);
	assert_null(strstr(target.command[4], "hunter"));
	assert_null(strstr(target.command[5], "bob"));
}

static void records(void **state)
{
	struct sw_addr path;
	assert_true(sw_addr_parse("unix:/run/acme/db.sock", &path));
	const uint8_t data[] = "password";
	const struct sw_call call = {.sys = SW_SYS_SETSOCKOPT,
				     .level = IPPROTO_IP,
				     .option = 35,
				     .value = 0x0a4d0202,
				     .addr = path,
				     .data = data,
				     .data_count = sizeof data};
	const struct sw_call *changed = sw_anonymizer_call(anonymizer, &call);
	(void)state;
	assert_int_equal(changed->data_count, 0);
	assert_int_equal(changed->value, 0);
	assert_null(strstr(changed->addr.path, "acme"));
	assert_int_equal(strncmp(changed->addr.path, "/run/", 5), 0);
	const struct sw_field fields[] = {{"path", "/run/acme/db.sock", 0},
					  {"lladdr", "52:54:00:12:34:56", 0},
					  {"state", "failed", 0},
					  {"never-heard-of", "acme", 0},
					  {"probes", NULL, 3}};
	const struct sw_fact *fact = sw_anonymizer_fact(
		anonymizer, &(struct sw_fact){.kind = "unix-path", .fields = fields, .field_count = 5});
	assert_string_equal(sw_fact_text(fact, "path"), changed->addr.path);
	assert_int_equal(strncmp(sw_fact_text(fact, "lladdr"), "02:", 3), 0);
	assert_string_equal(sw_fact_text(fact, "state"), "failed");
	assert_string_not_equal(sw_fact_text(fact, "never-heard-of"), "acme");
	assert_int_equal(sw_fact_number(fact, "probes", 0), 3);
	const struct sw_limit *limit = sw_anonymizer_limit(
		anonymizer, &(struct sw_limit){"/home/bob/x.log: 3 lines could not be read", "no verdict"});
	assert_null(strstr(limit->what, "bob"));
	assert_non_null(strstr(limit->what, " 3 lines could not be read"));
	assert_string_equal(limit->costs, "no verdict");
}

/* ---- frames ------------------------------------------------------------------------------------------------------------- */

static uint8_t frame[4096];
static size_t frame_length;

static void put(const void *bytes, size_t length)
{
	memcpy(frame + frame_length, bytes, length);
	frame_length += length;
}

static void put16(unsigned value)
{
	put((const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void set_sum(size_t at, uint64_t sum)
{
	uint16_t folded = (uint16_t)~sw_checksum_fold(sum);
	memcpy(frame + at, &folded, sizeof folded);
}

/* A cooked frame that came in, with an IPv4 header; `above` bytes follow. */
static void begin_ipv4(uint8_t protocol, size_t above)
{
	static const uint8_t cooked[20] = {0x08, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 0x52, 0x54, 0, 0x12, 0x34, 0x56};
	frame_length = 0;
	put(cooked, sizeof cooked);
	put((const uint8_t[]){0x45, 0}, 2);
	put16((unsigned)(20 + above));
	put((const uint8_t[]){0, 1, 0, 0, 64, protocol, 0, 0, 10, 77, 2, 2, 10, 77, 1, 2}, 16);
	set_sum(30, sw_checksum_add(0, frame + 20, 20));
}

static void end_transport(uint8_t protocol, size_t field)
{
	struct sw_ip src = ip_of("10.77.2.2"), dst = ip_of("10.77.1.2");
	size_t length = frame_length - 40;
	uint64_t sum = protocol == IPPROTO_ICMP ? 0 : sw_checksum_pseudo(&src, &dst, protocol, (uint32_t)length);
	set_sum(40 + field, sw_checksum_add(sum, frame + 40, length));
}

static bool has(const struct sw_raw_packet *raw, const void *bytes, size_t length)
{
	return memmem(raw->bytes, raw->captured, bytes, length) != NULL;
}

/* Through the anonymizer; nothing of the addresses and of "shop" is left, and the bytes decode to what was handed on. */
static const struct sw_packet *through(struct sw_raw_packet *out)
{
	static struct sw_packet packet;
	struct sw_packet again;
	const struct sw_packet *changed = &packet;
	const struct sw_raw_packet raw = {.linktype = SW_LINK_SLL2,
					  .captured = (uint32_t)frame_length,
					  .wire = (uint32_t)frame_length,
					  .bytes = frame},
				   *to = &raw;
	sw_decode(SW_LINK_SLL2, frame, frame_length, frame_length, &packet);
	assert_false(packet.flags & SW_PACKET_BAD_CHECKSUM);
	assert_true(sw_anonymizer_packet(anonymizer, &changed, &to));
	*out = *to;
	assert_false(has(out, "\x0a\x4d\x02\x02", 4) || has(out, "\x0a\x4d\x01\x02", 4));
	assert_false(has(out, "shop", 4) || has(out, "\x52\x54\x00\x12\x34\x56", 6));
	sw_decode(SW_LINK_SLL2, to->bytes, to->captured, to->wire, &again);
	assert_false(again.flags & SW_PACKET_BAD_CHECKSUM);
	assert_true(sw_endpoint_equal(&again.src, &changed->src) && sw_endpoint_equal(&again.dst, &changed->dst));
	assert_int_equal(again.payload_length, packet.payload_length);
	return changed;
}

static void put_tcp(const void *payload, size_t length, uint32_t seq)
{
	begin_ipv4(IPPROTO_TCP, 20 + length);
	put16(40000);
	put16(443);
	put16(seq >> 16);
	put16(seq & 0xffff);
	put((const uint8_t[]){0, 0, 0, 0, 0x50, 0x10, 1, 0, 0, 0, 0, 0}, 12);
	put(payload, length);
	end_transport(IPPROTO_TCP, 16);
}

static void segments(void **state)
{
	struct sw_raw_packet raw;
	struct sw_ip wanted = shown("10.77.2.2");
	(void)state;
	put_tcp("GET /shop", 9, 1);
	const struct sw_packet *packet = through(&raw);
	assert_true(sw_ip_equal(&packet->src.ip, &wanted));
	assert_int_equal(packet->src.port, 40000);
	assert_int_equal(raw.captured, 60); /* payload goes */
	put_tcp("", 0, 1);
	frame[40 + 16] ^= 1; /* wrong before, wrong afterwards: received with an error */
	struct sw_packet broken;
	const struct sw_packet *changed = &broken;
	const struct sw_raw_packet in = {.linktype = SW_LINK_SLL2,
					 .captured = (uint32_t)frame_length,
					 .wire = (uint32_t)frame_length,
					 .bytes = frame},
				   *to = &in;
	sw_decode(SW_LINK_SLL2, frame, frame_length, frame_length, &broken);
	assert_true(broken.flags & SW_PACKET_BAD_CHECKSUM);
	assert_true(sw_anonymizer_packet(anonymizer, &changed, &to));
	sw_decode(SW_LINK_SLL2, to->bytes, to->captured, to->wire, &broken);
	assert_true(broken.flags & SW_PACKET_BAD_CHECKSUM);
}

static void quoted_packets(void **state)
{
	struct sw_raw_packet raw;
	uint8_t quoted[48];
	(void)state;
	put_tcp("shop", 4, 7); /* what is quoted: from 2.2 to 1.2, with more than the least */
	memcpy(quoted, frame + 20, sizeof quoted - 4);
	memcpy(quoted + 44, (const uint8_t[]){'s', 'h', 'o', 'p'}, 4);
	begin_ipv4(IPPROTO_ICMP, 8 + sizeof quoted);
	put((const uint8_t[]){3, 3, 0, 0, 0, 0, 0, 0}, 8);
	put(quoted, sizeof quoted);
	end_transport(IPPROTO_ICMP, 2);
	const struct sw_packet *packet = through(&raw);
	struct sw_ip from = shown("10.77.2.2"), to = shown("10.77.1.2");
	assert_true(packet->icmp.quote.present && packet->icmp.quote.has_seq);
	assert_true(sw_ip_equal(&packet->icmp.quote.src.ip, &from) && sw_ip_equal(&packet->icmp.quote.dst.ip, &to));
	assert_int_equal(packet->icmp.quote.dst.port, 443);
}

/* www.shop.example A, with a compressed CNAME, an address, and a text that could say anything. */
static const uint8_t answer[] = "\x12\x34\x81\x80\0\1\0\3\0\0\0\0"
				"\3www\4shop\7example\0\0\1\0\1"
				"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\7\4shop\xc0\x15"
				"\xc0\x2e\0\1\0\1\0\0\0\x3c\0\4\x0a\x4d\2\2"
				"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\5\4shop";

static void dns_answers(void **state)
{
	struct sw_raw_packet raw;
	(void)state;
	for (size_t cut = 0; cut < 60; cut++) {
		size_t length = sizeof answer - 1 - cut;
		begin_ipv4(IPPROTO_UDP, 8 + length);
		put16(53);
		put16(5000);
		put16((unsigned)(8 + length));
		put16(0);
		put(answer, length);
		end_transport(IPPROTO_UDP, 6);
		const struct sw_packet *packet = through(&raw);
		if (cut)
			continue;
		sw_auto_free char *name = sw_anonymizer_text(anonymizer, "www.shop.example");
		struct sw_ip ip = shown("10.77.2.2");
		assert_non_null(packet->dns);
		assert_string_equal(packet->dns->name, name);
		assert_int_equal(packet->dns->answer_count, 3);
		assert_string_equal(packet->dns->answers[0].target, name + 4);
		assert_true(sw_ip_equal(&packet->dns->answers[1].ip, &ip));
	}
}

/* A ClientHello for www.shop.example, TLS 1.2 and 1.3, then an alert. */
static const uint8_t hello[] = "\x16\3\1\0\x57\1\0\0\x53\3\3"
			       "shopshopshopshopshopshopshopshop"
			       "\4shop\0\4\x13\1\xc0\x2f\1\0\0\x22"
			       "\0\0\0\x15\0\x13\0\0\x10www.shop.example"
			       "\0\x2b\0\5\4\3\4\3\3"
			       "\x15\3\3\0\2\2\x28";

static void client_hellos(void **state)
{
	struct sw_raw_packet raw;
	(void)state;
	for (size_t cut = 6; cut < sizeof hello - 1; cut++) {
		sw_anonymizer_free(anonymizer);
		anonymizer = sw_anonymizer_with_key(key);
		put_tcp(hello, cut, 1);
		const struct sw_packet *packet = through(&raw);
		struct sw_tls_hello first = packet->tls ? packet->tls->client : (struct sw_tls_hello){0};
		put_tcp(hello + cut, sizeof hello - 1 - cut, 1 + (uint32_t)cut);
		packet = through(&raw);
		if (packet->tls && packet->tls->client.present)
			first = packet->tls->client;
		assert_true(first.present);
		assert_int_equal(first.version, 0x0304);
		assert_int_equal(strlen(first.name), strlen("www.shop.example"));
		assert_null(strstr(first.name, "shop"));
		put_tcp(hello, cut, 1); /* again: nothing of it */
		through(&raw);
	}
}

/* Damaged frames: whatever they are, no reading outside (the sanitizers say so), and no address that stood in the headers. */
static void damaged_frames(void **state)
{
	(void)state;
	srand(2);
	for (int i = 0; i < 60000; i++) {
		if (i % 3 == 0) {
			put_tcp(hello, sizeof hello - 1, (uint32_t)i);
		} else {
			begin_ipv4(i % 3 == 1 ? IPPROTO_UDP : IPPROTO_ICMP, 8 + sizeof answer);
			put(i % 3 == 1 ? (const uint8_t[]){0, 53, 1, 1, 0, 0, 0, 0} :
					 (const uint8_t[]){3, 1, 0, 0, 0, 0, 0, 0},
			    8);
			put(answer, sizeof answer);
		}
		for (int j = rand() % 8; j > 0; j--)
			frame[(size_t)rand() % frame_length] = (uint8_t)rand();
		size_t length = (size_t)rand() % 4 ? frame_length : (size_t)rand() % frame_length;
		uint8_t *exact = malloc(length + 1);
		memcpy(exact, frame, length);
		struct sw_packet packet;
		const struct sw_packet *changed = &packet;
		const struct sw_raw_packet raw = {.linktype = SW_LINK_SLL2,
						  .captured = (uint32_t)length,
						  .wire = (uint32_t)frame_length,
						  .bytes = exact},
					   *to = &raw;
		sw_decode(SW_LINK_SLL2, exact, length, frame_length, &packet);
		if (sw_anonymizer_packet(anonymizer, &changed, &to))
			assert_true(to->captured <= length);
		free(exact);
	}
}

/* The words of error messages stay, what else there is does not; a word that was a name somewhere never stays. */
static void words_said(void **state)
{
	const struct sw_field fields[] = {
		{.name = "text",
		 .text = "\033[31mcurl\033[0m: (7) Failed to connect to acme-db.lab port 5433 after 2 ms: Connection refused\n"
			 "cannot reach /home/jane/error.log of timeout at 192.0.2.7:81"}};

	(void)state;
	sw_anonymizer_process(anonymizer, &(struct sw_process){.comm = "curl", .command_line = "curl timeout"});
	const struct sw_fact *fact =
		sw_anonymizer_fact(anonymizer, &(struct sw_fact){.kind = "said", .fields = fields, .field_count = 1});
	const char *text = sw_fact_text(fact, "text");

	assert_ptr_equal(strstr(text, "\033[31mcurl\033[0m: (7) Failed to connect to "), text);
	assert_non_null(strstr(text, " port 5433 after 2 ms: Connection refused\ncannot "));
	assert_null(strstr(text, "acme"));
	assert_null(strstr(text, "lab"));
	assert_null(strstr(text, "jane"));
	assert_null(strstr(text, "error"));
	assert_null(strstr(text, "timeout"));
	assert_null(strstr(text, "192.0.2.7"));
}

/* Of a piece nobody can tell what it is a piece of: here of 192.0.2.7. */
static void pieces_said(void **state)
{
	static const char *const pieces[] = {"7", "192", " refused by 192", "2.7 refused"};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(pieces); i++) {
		const struct sw_field field = {.name = "text", .text = pieces[i]};
		const struct sw_fact *fact = sw_anonymizer_fact(
			anonymizer, &(struct sw_fact){.kind = "said", .fields = &field, .field_count = 1});
		assert_null(strpbrk(sw_fact_text(fact, "text"), "0123456789"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prefixes_are_kept, start, stop),
		cmocka_unit_test_setup_teardown(kinds_are_kept, start, stop),
		cmocka_unit_test_setup_teardown(another_key_another_map, start, stop),
		cmocka_unit_test_setup_teardown(a_name_is_the_same_name_everywhere, start, stop),
		cmocka_unit_test_setup_teardown(addresses_in_texts, start, stop),
		cmocka_unit_test_setup_teardown(commands, start, stop),
		cmocka_unit_test_setup_teardown(records, start, stop),
		cmocka_unit_test_setup_teardown(segments, start, stop),
		cmocka_unit_test_setup_teardown(quoted_packets, start, stop),
		cmocka_unit_test_setup_teardown(dns_answers, start, stop),
		cmocka_unit_test_setup_teardown(client_hellos, start, stop),
		cmocka_unit_test_setup_teardown(damaged_frames, start, stop),
		cmocka_unit_test_setup_teardown(words_said, start, stop),
		cmocka_unit_test_setup_teardown(pieces_said, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
