/* Where addresses come from: lines of a hosts file, proxy variables. */
#include <string.h>

#include "tests/unit/test.h"
#include "tracer/kernel/origin.h"

static const char *hosts(const char *text, const char *address, char names[64])
{
	struct sw_ip ip;

	assert_true(sw_ip_parse(address, &ip));
	return sw_hosts_names(text, &ip, names, 64) ? names : NULL;
}

static void test_hosts(void **state)
{
	static const char text[] = "# 10.0.0.9 commented\n"
				   "127.0.0.1\tlocalhost # 10.0.0.1 not.this\n"
				   "  10.0.0.1   db.lab\tdb\r\n"
				   "10.0.0.10 other\n"
				   "::ffff:10.0.0.7 mapped\n"
				   "fe80::1%eth0 scoped\n"
				   "10.0.0.1 again";
	char names[64];

	(void)state;
	assert_string_equal(hosts(text, "10.0.0.1", names), "db.lab db again");
	assert_string_equal(hosts(text, "10.0.0.10", names), "other");
	assert_string_equal(hosts(text, "127.0.0.1", names), "localhost");
	assert_string_equal(hosts(text, "fe80::1", names), "scoped");
	assert_null(hosts(text, "10.0.0.9", names));
	assert_null(hosts(text, "10.0.0.2", names));
	assert_null(hosts("", "10.0.0.2", names));
	assert_null(hosts("10.0.0.2", "10.0.0.2", names));
	assert_null(hosts("10.0.0.2 #x", "10.0.0.2", names));
	/* No room: the names that fit. */
	assert_string_equal(hosts("10.0.0.2 a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b",
				  "10.0.0.2", names),
			    "a");
}

static bool listed(const char *text, const char *address)
{
	struct sw_ip ip;

	assert_true(sw_ip_parse(address, &ip));
	return sw_resolv_has(text, &ip);
}

static void test_resolv_conf(void **state)
{
	static const char text[] = "search x.lab\n"
				   "# nameserver 10.0.0.9\n"
				   "nameserver 10.0.0.1\r\n"
				   "\tnameserver\tfe80::1%eth0 ; the router\n"
				   "nameservers 10.0.0.8\n"
				   "nameserver\n"
				   "nameserver 10.0.0.2";

	(void)state;
	assert_true(listed(text, "10.0.0.1"));
	assert_true(listed(text, "10.0.0.2"));
	assert_true(listed(text, "fe80::1"));
	assert_false(listed(text, "10.0.0.8"));
	assert_false(listed(text, "10.0.0.9"));
	assert_false(listed("", "10.0.0.1"));
	assert_false(listed("nameserver", "10.0.0.1"));
}

static void without_secret(const char *value, const char *wanted)
{
	char copy[128];

	strcpy(copy, value);
	sw_proxy_without_secret(copy);
	assert_string_equal(copy, wanted);
}

static void test_proxy(void **state)
{
	(void)state;
	assert_string_equal(sw_proxy_variable("https_proxy=x"), "https_proxy");
	assert_string_equal(sw_proxy_variable("NO_PROXY="), "NO_PROXY");
	assert_null(sw_proxy_variable("http_proxy_password=x"));
	assert_null(sw_proxy_variable("http_proxy"));
	assert_null(sw_proxy_variable("PATH=/bin"));
	without_secret("http://u:p@proxy:3128/", "http://proxy:3128");
	without_secret("http://u:p/w@d@proxy:3128/x?y", "http://proxy:3128");
	without_secret("u:p@proxy", "proxy");
	without_secret("http://u:p@", "http://");
	without_secret("socks5h://10.0.0.1:1080", "socks5h://10.0.0.1:1080");
	without_secret("pro\033xy\n", "pro?xy?");
	without_secret("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hosts), cmocka_unit_test(test_resolv_conf),
					   cmocka_unit_test(test_proxy)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
