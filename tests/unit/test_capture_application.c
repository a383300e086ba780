/* DNS messages and TLS records: names and answers, hellos, alerts, records across segments, cut and damaged input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "capture/application.h"
#include "capture/dns.h"
#include "capture/tls.h"
#include "tests/unit/test.h"

/* www.lab A: CNAME web.lab, A 10.77.2.2 */
static const uint8_t answer[] = "\x12\x34\x81\x80\0\1\0\2\0\0\0\0\3www\3lab\0\0\1\0\1\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6"
				"\3web\xc0\x10\xc0\x25\0\1\0\1\0\0\0\x3c\0\4\x0a\x4d\2\2";
#define ANSWER_LENGTH (sizeof answer - 1)
static const uint8_t query[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\3lab\0\0\1\0\1";
#define QUERY_LENGTH (sizeof query - 1)

static void dns_answer(void **state)
{
	struct sw_dns dns;
	char text[SW_ADDR_TEXT];

	(void)state;
	assert_true(sw_dns_decode(&dns, answer, ANSWER_LENGTH, ANSWER_LENGTH));
	assert_int_equal(dns.id, 0x1234);
	assert_true(dns.response && dns.recursion_available && !dns.truncated && !dns.cut);
	assert_string_equal(dns.name, "www.lab");
	assert_int_equal(dns.type, SW_DNS_A);
	assert_int_equal(dns.answer_count, 2);
	assert_string_equal(dns.answers[0].target, "web.lab");
	assert_string_equal(dns.answers[1].name, "web.lab");
	assert_string_equal(sw_ip_text(&dns.answers[1].ip, text), "10.77.2.2");
	assert_int_equal(dns.answers[1].ttl, 60);
}

static void dns_cut(void **state)
{
	struct sw_dns dns;

	(void)state;
	for (size_t length = 0; length < ANSWER_LENGTH; length++) {
		uint8_t *exact = malloc(length + !length);

		memcpy(exact, answer, length);
		bool is = sw_dns_decode(&dns, exact, length, ANSWER_LENGTH);

		assert_int_equal(is, length >= 12);
		if (is)
			assert_true(dns.cut);
		if (length >= 25)
			assert_string_equal(dns.name, "www.lab");
		free(exact);
	}
}

static void dns_hostile_names(void **state)
{
	static const uint8_t loop[] = "\0\1\x81\x80\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1";
	static const uint8_t odd[] = "\0\1\1\0\0\1\0\0\0\0\0\0\5a.\x1b\\b\0\0\1\0\1";
	struct sw_dns dns;

	(void)state;
	assert_false(sw_dns_decode(&dns, loop, sizeof loop - 1, sizeof loop - 1));
	assert_true(sw_dns_decode(&dns, odd, sizeof odd - 1, sizeof odd - 1));
	assert_string_equal(dns.name, "a\\.\\027\\\\b");
}

static struct sw_packet segment(const uint8_t *bytes, size_t length, uint32_t seq, uint16_t src, uint16_t dst)
{
	struct sw_packet packet = {.kind = SW_PACKET_TCP, .protocol = IPPROTO_TCP, .payload = bytes};

	packet.src = (struct sw_endpoint){.ip = sw_ip_v4(htonl(0x0a4d0102)), .port = src};
	packet.dst = (struct sw_endpoint){.ip = sw_ip_v4(htonl(0x0a4d0202)), .port = dst};
	packet.payload_length = packet.payload_captured = (uint32_t)length;
	packet.tcp.seq = seq;
	return packet;
}

static void dns_over_tcp(void **state)
{
	struct sw_application *application = sw_application_new();
	uint8_t two[256];
	size_t length = 0;
	struct sw_packet packet;

	(void)state;
	for (int i = 0; i < 2; i++) { /* A and AAAA in one segment, as the C library sends them */
		two[length] = 0;
		two[length + 1] = QUERY_LENGTH;
		memcpy(two + length + 2, query, QUERY_LENGTH);
		two[length + 2 + QUERY_LENGTH - 3] = i ? SW_DNS_AAAA : SW_DNS_A;
		length += 2 + QUERY_LENGTH;
	}
	packet = segment(two, length, 1, 4001, 53);
	sw_application_packet(application, &packet);
	assert_non_null(packet.dns);
	assert_int_equal(packet.dns->type, SW_DNS_A);
	assert_non_null(packet.dns->next);
	assert_int_equal(packet.dns->next->type, SW_DNS_AAAA);
	assert_null(packet.dns->next->next);
	sw_application_free(application);
}

/* ---- TLS -------------------------------------------------------------------------------------------------------- */

static size_t make_client_hello(uint8_t *bytes, size_t padding)
{
	static const uint8_t extensions[] = "\0\0\0\x0c\0\x0a\0\0\7www.lab" /* SNI */
					    "\0\x10\0\x0e\0\x0c\2h2\x08http/1.1" /* ALPN */
					    "\0\x2b\0\7\6\x8a\x8a\3\4\3\3"; /* versions, with GREASE */
	size_t list = sizeof extensions - 1, all = list + 4 + padding, body = 2 + 32 + 1 + 4 + 2 + 2 + all, n = 0;

	bytes[n++] = 22, bytes[n++] = 3, bytes[n++] = 1;
	bytes[n++] = (uint8_t)((body + 4) >> 8), bytes[n++] = (uint8_t)(body + 4);
	bytes[n++] = 1, bytes[n++] = 0, bytes[n++] = (uint8_t)(body >> 8), bytes[n++] = (uint8_t)body;
	bytes[n++] = 3, bytes[n++] = 3;
	memset(bytes + n, 7, 32), n += 32;
	memcpy(bytes + n, "\0\0\2\x13\1\1\0", 7), n += 7;
	bytes[n++] = (uint8_t)(all >> 8), bytes[n++] = (uint8_t)all;
	memcpy(bytes + n, extensions, list), n += list;
	memcpy(bytes + n, "\0\x15", 2), n += 2;
	bytes[n++] = (uint8_t)(padding >> 8), bytes[n++] = (uint8_t)padding;
	memset(bytes + n, 0, padding);
	return n + padding;
}

static void assert_client(const struct sw_tls *tls)
{
	assert_true(tls->client.present);
	assert_string_equal(tls->client.name, "www.lab");
	assert_string_equal(tls->client.protocols, "h2,http/1.1");
	assert_int_equal(tls->client.version, 0x0304);
}

/* However a hello is cut into segments, sent again and shuffled by a byte of overlap, it is read once. */
static void hello_across_segments(void **state)
{
	uint8_t bytes[2048];
	size_t length = make_client_hello(bytes, 200);
	struct sw_tls_stream stream;
	struct sw_tls tls;

	(void)state;
	for (size_t size = 5; size <= length; size++) {
		int read = 0, ends = 0;
		uint32_t seq = UINT32_MAX - 20; /* across the wrap */

		sw_tls_start(&stream);
		for (size_t at = 0; at < length; at += size) {
			size_t part = length - at < size ? length - at : size, back = at ? 1 : 0;

			(void)sw_tls_feed(&stream, seq + (uint32_t)(at - back), bytes + at - back, part + back,
					  part + back, &tls);
			if (tls.client.present) {
				assert_client(&tls);
				read++;
			}
			for (int i = 0; i < tls.record_count; i++)
				ends += tls.records[i].ends;
			/* again */
			assert_false(sw_tls_feed(&stream, seq + (uint32_t)at, bytes + at, part, part, &tls));
		}
		assert_int_equal(read, 1);
		assert_int_equal(ends, 1);
	}
}

static void hello_cut_by_snap_length(void **state)
{
	uint8_t bytes[2048];
	size_t length = make_client_hello(bytes, 400);
	struct sw_tls_stream stream;
	struct sw_tls tls;

	(void)state;
	sw_tls_start(&stream);
	assert_true(sw_tls_feed(&stream, 1, bytes, 200, length, &tls));
	assert_true(tls.truncated);
	assert_client(&tls);
	/* and the stream goes on where it should */
	assert_true(sw_tls_feed(&stream, 1 + (uint32_t)length, (const uint8_t *)"\x15\3\3\0\2\2\x28", 7, 7, &tls));
	assert_int_equal(tls.record_count, 1);
	assert_int_equal(tls.records[0].alert, 40);
}

/* TLS 1.3 stands in an extension: where that was not captured nothing is known. */
static void version_not_captured(void **state)
{
	uint8_t bytes[2048];
	size_t length = make_client_hello(bytes, 400);
	struct sw_tls_stream stream;
	struct sw_tls tls;

	(void)state;
	sw_tls_start(&stream);
	assert_true(sw_tls_feed(&stream, 1, bytes, 56, length, &tls));
	assert_true(tls.client.present);
	assert_int_equal(tls.client.version, 0);
}

static void server_flight(void **state)
{
	static const uint8_t flight[] =
		"\x16\3\3\0\x2a\2\0\0\x26\3\3"
		"0123456789012345678901234567890\xff\0\xc0\x2c\0" /* ServerHello */
		"\x16\3\3\0\x0e\x0b\0\0\2zz\x0e\0\0\0\x0d\0\0\0" /* three messages in one record */
		"\x14\3\3\0\1\1" /* from here on encrypted */
		"\x16\3\3\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\x15\3\3\0\x1a\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\x17\3\3\1\0";
	struct sw_tls_stream stream;
	struct sw_tls tls;

	(void)state;
	sw_tls_start(&stream);
	assert_true(sw_tls_feed(&stream, 1, flight, sizeof flight - 1, sizeof flight - 1 + 256, &tls));
	assert_int_equal(tls.record_count, 6 + 1);
	assert_true(tls.server.present && !tls.server.retry);
	assert_int_equal(tls.server.cipher, 0xc02c);
	assert_int_equal(tls.server.version, 0x0303);
	assert_int_equal(tls.records[1].message_count, 3);
	assert_int_equal(tls.records[1].messages[1], SW_TLS_SERVER_HELLO_DONE);
	assert_true(tls.records[3].encrypted);
	assert_true(tls.records[4].encrypted);
	assert_int_equal(tls.records[4].alert_level, 0);
	assert_int_equal(tls.records[5].content, SW_TLS_APPLICATION);
	assert_true(tls.records[6].ends && !tls.records[6].begins);
}

/* RFC 8446, appendix D.4: a change of ciphers stands before the second ClientHello, and what follows may be in the clear all the same. */
static void alert_behind_a_change(void **state)
{
	static const uint8_t bytes[] = "\x14\3\3\0\1\1"
				       "\x15\3\3\0\2\2\x30";
	struct sw_tls_stream stream;
	struct sw_tls tls;

	(void)state;
	sw_tls_start(&stream);
	assert_true(sw_tls_feed(&stream, 1, bytes, sizeof bytes - 1, sizeof bytes - 1, &tls));
	assert_int_equal(tls.record_count, 2);
	assert_false(tls.records[1].encrypted);
	assert_int_equal(tls.records[1].alert_level, 2);
	assert_int_equal(tls.records[1].alert, 48);
}

static void plain_text_is_no_tls(void **state)
{
	static const uint8_t http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct sw_application *application = sw_application_new();
	uint8_t hello[1024];
	size_t length = make_client_hello(hello, 0);
	struct sw_packet packet = segment(hello, length, 1, 4001, 443);

	(void)state;
	sw_application_packet(application, &packet);
	assert_non_null(packet.tls);
	assert_client(packet.tls);
	packet = segment(http, sizeof http - 1, 1, 443, 4001);
	sw_application_packet(application, &packet);
	assert_null(packet.tls);
	sw_application_free(application);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dns_answer),
		cmocka_unit_test(dns_cut),
		cmocka_unit_test(dns_hostile_names),
		cmocka_unit_test(dns_over_tcp),
		cmocka_unit_test(hello_across_segments),
		cmocka_unit_test(hello_cut_by_snap_length),
		cmocka_unit_test(version_not_captured),
		cmocka_unit_test(server_flight),
		cmocka_unit_test(alert_behind_a_change),
		cmocka_unit_test(plain_text_is_no_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
