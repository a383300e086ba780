/* Stretches in which this host let somebody wait: the longest of the newest in a span. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#include "correlate/account/lateness.h"

#define MS SW_NS_PER_MS

static void longest_in_the_span(void **state)
{
	struct sw_lateness lateness = {0};

	(void)state;
	assert_int_equal(sw_lateness_most(&lateness, 0, 1000 * MS), 0);
	sw_lateness_add(&lateness, 100 * MS, 60 * MS);
	sw_lateness_add(&lateness, 300 * MS, 200 * MS);
	sw_lateness_add(&lateness, 900 * MS, 300 * MS);
	assert_int_equal(sw_lateness_most(&lateness, 0, 1000 * MS), 300 * MS);
	assert_int_equal(sw_lateness_most(&lateness, 0, 400 * MS), 200 * MS);
	assert_int_equal(sw_lateness_most(&lateness, 0, 299 * MS), 60 * MS);
	assert_int_equal(sw_lateness_most(&lateness, 501 * MS, 899 * MS), 0);
}

static void short_ones_are_none(void **state)
{
	struct sw_lateness lateness = {0};

	(void)state;
	sw_lateness_add(&lateness, 100 * MS, SW_LATENESS_LEAST_NS - 1);
	assert_int_equal(sw_lateness_most(&lateness, 0, 1000 * MS), 0);
}

static void the_oldest_go(void **state)
{
	struct sw_lateness lateness = {0};

	(void)state;
	sw_lateness_add(&lateness, 0, 5000 * MS);
	for (int i = 0; i < SW_LATENESS_MAX; i++)
		sw_lateness_add(&lateness, 10000 * MS, 60 * MS);
	assert_int_equal(sw_lateness_most(&lateness, 0, 20000 * MS), 60 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_in_the_span),
		cmocka_unit_test(short_ones_are_none),
		cmocka_unit_test(the_oldest_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
