/* What a program and a name service of this host say to each other over AF_UNIX: questions, answers, refusals, and all of them cut. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "correlate/findings/name_services.h"
#include "tests/unit/test.h"

static const char nscd[] = "/var/run/nscd/socket", resolved[] = "/run/systemd/resolve/io.systemd.Resolve",
		  avahi[] = "/run/avahi-daemon/socket";

static struct sw_addr at(const char *path)
{
	struct sw_addr addr = {.family = AF_UNIX, .present = true, .path_length = (uint8_t)strlen(path)};

	strcpy(addr.path, path);
	return addr;
}

/* The bytes in memory of their own, so that a read beyond them is found. */
static const struct sw_service_question *say(struct sw_name_services *services, const char *path, enum sw_sys sys,
					     const char *bytes, size_t length)
{
	struct sw_addr remote = at(path);
	uint8_t *copy = malloc(length ? length : 1);
	struct sw_call call = {.pid = 7,
			       .socket = 1,
			       .sys = sys,
			       .result = (int64_t)length,
			       .enter_ns = 1,
			       .exit_ns = 2,
			       .data = copy,
			       .data_count = (uint32_t)length};
	const struct sw_service_question *answered;

	memcpy(copy, bytes, length);
	answered = sw_name_services_call(services, &call, &remote);
	free(copy);
	return answered;
}

#define ASK(path, text) say(services, path, SW_SYS_SENDTO, text, sizeof(text) - 1)
#define ANSWER(path, text) say(services, path, SW_SYS_READ, text, sizeof(text) - 1)

#define NSCD_ASKS "\2\0\0\0\16\0\0\0\7\0\0\0a.test\0"
#define NSCD_FINDS "\2\0\0\0\1\0\0\0\2\0\0\0\24\0\0\0\0\0\0\0\0\0\0\0"
#define NSCD_ADDRESSES "\12\0\0\7\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7\2\12"
#define RESOLVED_ASKS                                                                                                  \
	"{\"method\":\"io.systemd.Resolve.ResolveHostname\",\"parameters\":{\"name\":\"a.test\",\"family\":2}}\0"
#define RESOLVED_FINDS                                                                                                 \
	"{\"parameters\":{\"addresses\":[{\"ifindex\":2,\"family\":2,\"address\":[10,0,0,7]},"                         \
	"{\"family\":10,\"address\":[253,0,0,0,0,0,0,0,0,0,0,0,0,0,0,7]}],\"name\":\"a.test\",\"flags\":1}}\0"

static void has_both(const struct sw_service_question *question)
{
	struct sw_ip four, six;

	assert_true(sw_ip_parse("10.0.0.7", &four) && sw_ip_parse("fd00::7", &six));
	assert_int_equal(question->answer, SW_SERVICE_FOUND);
	assert_string_equal(question->name, "a.test");
	assert_int_equal(question->address_count, 2);
	assert_true(sw_ip_equal(&question->addresses[0], &four));
	assert_true(sw_ip_equal(&question->addresses[1], &six));
}

static void nscd_answers(void **state)
{
	struct sw_name_services *services = sw_name_services_new();
	struct sw_ip ip;

	(void)state;
	assert_null(ASK(nscd, NSCD_ASKS));
	assert_non_null(ANSWER(nscd, NSCD_FINDS));
	assert_null(ANSWER(nscd, NSCD_ADDRESSES)); /* told once */
	has_both(sw_name_services_of(services, 1));
	assert_true(sw_ip_parse("fd00::7", &ip));
	assert_non_null(sw_name_services_answer(services, &ip, 7, 10));
	assert_null(sw_name_services_answer(services, &ip, 8, 10)); /* another process asks for itself */
	assert_null(sw_name_services_answer(services, &ip, 7, 1)); /* it came later */
	sw_name_services_free(services);
}

static void resolved_answers(void **state)
{
	struct sw_name_services *services = sw_name_services_new();

	(void)state;
	ASK(resolved, RESOLVED_ASKS);
	has_both(ANSWER(resolved, RESOLVED_FINDS));
	ASK(resolved, RESOLVED_ASKS);
	assert_int_equal(ANSWER(resolved, "{\"error\":\"io.systemd.Resolve.NoSuchResourceRecord\"}")->answer,
			 SW_SERVICE_NO_ADDRESS);
	ASK(resolved, RESOLVED_ASKS);
	const struct sw_service_question *no =
		ANSWER(resolved, "{\"error\":\"io.systemd.Resolve.DNSError\",\"parameters\":{\"rcode\":2}}");

	assert_int_equal(no->answer, SW_SERVICE_FAILED);
	assert_string_equal(no->said, "SERVFAIL");
	assert_null(ANSWER(resolved, RESOLVED_FINDS)); /* nobody asked again */
	sw_name_services_free(services);
}

static void avahi_answers(void **state)
{
	struct sw_name_services *services = sw_name_services_new();

	(void)state;
	ASK(avahi, "RESOLVE-HOSTNAME-IPV4 a.local\n");
	assert_int_equal(ANSWER(avahi, "+ 2 0 a.local 10.0.0.7\n")->address_count, 1);
	ASK(avahi, "RESOLVE-HOSTNAME-IPV4 a.local\n");
	assert_string_equal(ANSWER(avahi, "-15 Timeout reached\n")->said, "Timeout reached");
	sw_name_services_free(services);
}

static void cut_everywhere(void **state)
{
	static const struct {
		const char *path, *ask, *answer;
		size_t ask_length, answer_length;
	} talks[] = {
		{nscd, NSCD_ASKS, NSCD_FINDS, sizeof NSCD_ASKS - 1, sizeof NSCD_FINDS - 1},
		{resolved, RESOLVED_ASKS, RESOLVED_FINDS, sizeof RESOLVED_ASKS - 1, sizeof RESOLVED_FINDS - 1},
		{avahi, "RESOLVE-HOSTNAME a.local\n", "+ 2 0 a.local 10.0.0.7\n", 25, 23},
	};

	struct sw_name_services *services = sw_name_services_new();

	(void)state;
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
		for (size_t ask = 1; ask <= talks[i].ask_length; ask++) {
			for (size_t answer = 1; answer <= talks[i].answer_length; answer++) {
				say(services, talks[i].path, SW_SYS_SENDTO, talks[i].ask, ask);
				say(services, talks[i].path, SW_SYS_READ, talks[i].answer, answer);
				say(services, talks[i].path, SW_SYS_READ, NSCD_ADDRESSES, answer % 23);
			}
		}
	}
	sw_name_services_free(services);
}

static void others_are_left_alone(void **state)
{
	struct sw_name_services *services = sw_name_services_new();

	(void)state;
	ASK("/run/other.sock", RESOLVED_ASKS);
	assert_null(sw_name_services_of(services, 1));
	ASK(nscd, "\2\0\0\0\1\0\0\0\2\0\0\0000\0"); /* a user, by number */
	assert_null(sw_name_services_of(services, 1));
	sw_name_services_free(services);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nscd_answers),          cmocka_unit_test(resolved_answers),
		cmocka_unit_test(avahi_answers),         cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(others_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
