/* Addresses: decoded from what the kernel writes, and text that reads back as the same address. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "src/base/addr.h"
#include "src/base/mem.h"

static char text[SW_ADDR_TEXT];

static void assert_same_after_reading(const struct sw_addr *addr, const char *expected)
{
	struct sw_addr again;

	assert_string_equal(sw_addr_text(addr, text), expected);
	assert_true(sw_addr_parse(text, &again));
	assert_memory_equal(addr, &again, sizeof again);
}

static void ipv4(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5433)};
	struct sw_addr addr;

	(void)state;
	inet_pton(AF_INET, "10.77.2.2", &in.sin_addr);
	sw_addr_from_sockaddr(&addr, &in, sizeof in);
	assert_int_equal(addr.family, AF_INET);
	assert_int_equal(addr.endpoint.port, 5433);
	assert_same_after_reading(&addr, "10.77.2.2:5433");
}

static void ipv6_with_scope(void **state)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_scope_id = 7};
	struct sw_addr addr;

	(void)state;
	inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
	sw_addr_from_sockaddr(&addr, &in6, sizeof in6);
	assert_same_after_reading(&addr, "[fe80::1%7]:80");
	/* RFC 2133's shorter form has no scope. */
	sw_addr_from_sockaddr(&addr, &in6, 24);
	assert_same_after_reading(&addr, "[fe80::1]:80");
}

static void mapped_becomes_ipv4(void **state)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct sw_addr addr;
	struct sw_endpoint plain;

	(void)state;
	inet_pton(AF_INET6, "::ffff:10.0.0.2", &in6.sin6_addr);
	sw_addr_from_sockaddr(&addr, &in6, sizeof in6);
	assert_int_equal(addr.family, AF_INET6);
	assert_true(addr.mapped);
	assert_string_equal(sw_addr_text(&addr, text), "10.0.0.2:80");
	assert_true(sw_endpoint_parse("10.0.0.2:80", &plain));
	assert_true(sw_endpoint_equal(&plain, &addr.endpoint));
	assert_int_equal(sw_endpoint_hash(&plain), sw_endpoint_hash(&addr.endpoint));
	assert_true(sw_addr_parse("[::ffff:10.0.0.2]:80", &addr));
	assert_true(addr.mapped);
}

static struct sw_addr unix_addr(const char *path, size_t length)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sw_addr addr;

	memcpy(un.sun_path, path, length);
	sw_addr_from_sockaddr(&addr, &un, offsetof(struct sockaddr_un, sun_path) + length);
	return addr;
}

static void unix_paths(void **state)
{
	struct sw_addr addr = unix_addr("/run/postgresql/.s.PGSQL.5432", 30);

	(void)state;
	assert_int_equal(addr.path_length, 29);
	assert_same_after_reading(&addr, "unix:/run/postgresql/.s.PGSQL.5432");
	addr = unix_addr("", 0);
	assert_same_after_reading(&addr, "unix:");
	addr = unix_addr("\0/tmp/.X11-unix/X0", 18);
	assert_true(addr.abstract);
	assert_same_after_reading(&addr, "unix:@/tmp/.X11-unix/X0");
	/* An abstract name may hold anything, also NUL; a path may begin with "@". */
	addr = unix_addr("\0a\0b", 4);
	assert_int_equal(addr.path_length, 3);
	assert_same_after_reading(&addr, "unix:@a\\x00b");
	addr = unix_addr("@home", 6);
	assert_same_after_reading(&addr, "unix:\\x40home");
	addr = unix_addr("\0@x", 3);
	assert_same_after_reading(&addr, "unix:@@x");
}

static void control_characters_are_escaped(void **state)
{
	struct sw_addr addr = unix_addr("/tmp/\x1b[31m\n\\x\x7f", 15);

	(void)state;
	assert_same_after_reading(&addr, "unix:/tmp/\\x1b[31m\\x0a\\x5cx\\x7f");
}

static void longest_unix_path(void **state)
{
	char path[SW_PATH_MAX];
	struct sw_addr addr;

	(void)state;
	memset(path, 1, sizeof path);
	addr = unix_addr(path, sizeof path);
	assert_int_equal(addr.path_length, SW_PATH_MAX);
	assert_int_equal(strlen(sw_addr_text(&addr, text)), 5 + 4 * SW_PATH_MAX);
	path[0] = '\0';
	addr = unix_addr(path, sizeof path);
	assert_int_equal(addr.path_length, SW_PATH_MAX - 1);
	assert_int_equal(strlen(sw_addr_text(&addr, text)), 6 + 4 * (SW_PATH_MAX - 1));
}

static void other_families(void **state)
{
	struct sockaddr_storage storage = {.ss_family = AF_NETLINK};
	struct sw_addr addr;

	(void)state;
	sw_addr_from_sockaddr(&addr, &storage, 12);
	assert_same_after_reading(&addr, "AF_NETLINK");
	storage.ss_family = AF_UNSPEC;
	sw_addr_from_sockaddr(&addr, &storage, 16);
	assert_true(addr.present);
	assert_same_after_reading(&addr, "AF_UNSPEC");
	sw_addr_from_sockaddr(&addr, NULL, 16);
	assert_same_after_reading(&addr, "NULL");
}

static void short_sockaddrs(void **state)
{
	struct sw_addr addr;

	(void)state;
	/* Each length in a block of just that size, so that the sanitizer sees one byte too many. */
	for (size_t length = 0; length <= 32; length++)
		for (int family = AF_UNSPEC; family <= AF_INET6; family++) {
			sw_auto_free char *block = sw_alloc(length);

			if (length >= 2)
				memcpy(block, &(sa_family_t){(sa_family_t)family}, 2);
			sw_addr_from_sockaddr(&addr, block, length);
			assert_int_equal(addr.present, length >= 2);
			if (family == AF_INET)
				assert_int_equal(addr.endpoint.ip.family, length >= 8 ? 4 : 0);
			if (family == AF_INET6)
				assert_int_equal(addr.endpoint.ip.family, length >= 24 ? 6 : 0);
		}
}

static void refused_texts(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		":80",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:65536",
		"10.0.0.1:8a",
		"10.0.0.1:-1",
		"10.0.0.256:80",
		"[10.0.0.1]:80",
		"fd00::1:80",
		"[fd00::1]",
		"[fd00::1]80",
		"[fd00::1:80",
		"[:80",
		"[]:80",
		"[fe80::1%]:80",
		"[fe80::1%4294967296]:80",
		"AF_NONSENSE",
		"10.0.0.1:80 ",
		"unix:\\",
		"unix:\\x",
		"unix:\\x4",
		"unix:\\n",
		"host:80",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff:1111]:80",
	};
	struct sw_addr addr;

	(void)state;
	for (size_t i = 0; i < SW_COUNT(wrong); i++)
		if (sw_addr_parse(wrong[i], &addr))
			fail_msg("accepted: %s", wrong[i]);
	memset(text, 'x', 200);
	memcpy(text, "unix:", 5);
	text[200] = '\0';
	assert_false(sw_addr_parse(text, &addr));
}

static void kinds_of_addresses(void **state)
{
	static const struct {
		const char *text;
		bool loopback, any, multicast, link_local;
	} rows[] = {
		{"127.0.0.1", .loopback = true},
		{"127.255.1.1", .loopback = true},
		{"::1", .loopback = true},
		{"::ffff:127.0.0.1", .loopback = true},
		{"0.0.0.0", .any = true},
		{"::", .any = true},
		{"224.0.0.251", .multicast = true},
		{"239.1.1.1", .multicast = true},
		{"255.255.255.255", .multicast = true},
		{"ff02::1", .multicast = true},
		{"169.254.169.254", .link_local = true},
		{"fe80::1", .link_local = true},
		{"febf::1", .link_local = true},
		{.text = "fec0::1"},
		{.text = "10.0.0.1"},
		{.text = "128.0.0.1"},
		{.text = "240.0.0.1"},
		{.text = "*"},
	};
	struct sw_ip ip;

	(void)state;
	for (size_t i = 0; i < SW_COUNT(rows); i++) {
		assert_true(sw_ip_parse(rows[i].text, &ip));
		assert_int_equal(sw_ip_is_loopback(&ip), rows[i].loopback);
		assert_int_equal(sw_ip_is_any(&ip), rows[i].any);
		assert_int_equal(sw_ip_is_multicast(&ip), rows[i].multicast);
		assert_int_equal(sw_ip_is_link_local(&ip), rows[i].link_local);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6_with_scope),
		cmocka_unit_test(mapped_becomes_ipv4),
		cmocka_unit_test(unix_paths),
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(longest_unix_path),
		cmocka_unit_test(other_families),
		cmocka_unit_test(short_sockaddrs),
		cmocka_unit_test(refused_texts),
		cmocka_unit_test(kinds_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
