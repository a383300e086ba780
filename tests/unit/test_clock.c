/* Times exact to the nanosecond, durations as a person reads them. */
#include "tests/unit/test.h"

#include "src/base/clock.h"
#include "src/base/mem.h"

static char buffer[32];

static void duration_options(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"1.5s", 1500000000},
		{"200ms", 200000000},
		{"10us", 10000},
		{"2m", 120000000000},
		{"1h", 3600000000000},
		{"3", 3000000000},
		{"0", 0},
		{"0.25", 250000000},
		{"7ns", 7},
		{"1.000000001", 1000000001},
		{"0.1ms", 100000},
		{"9223372036", 9223372036000000000},
	};
	static const char *const wrong[] = {
		"",         "s",   "-1", "-1s", "+1",  " 1",  "1 s",  "1.",         ".5",
		"1.s",      "1e3", "1d", "1ss", "inf", "nan", "0x10", "9223372037", "99999999999999999999",
		"2562048h",
	};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < SW_COUNT(rows); i++) {
		assert_true(sw_duration_parse(rows[i].text, &ns));
		assert_int_equal(ns, rows[i].ns);
	}
	for (size_t i = 0; i < SW_COUNT(wrong); i++)
		if (sw_duration_parse(wrong[i], &ns))
			fail_msg("accepted: %s", wrong[i]);
}

static void duration_texts(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "0 s"},
		{1, "1 ns"},
		{999, "999 ns"},
		{9400, "9.4 us"},
		{9960, "10 us"},
		{85000, "85 us"},
		{99600, "0.10 ms"},
		{310000, "0.31 ms"},
		{999999, "1.0 ms"},
		{4120000, "4.1 ms"},
		{9960000, "10 ms"},
		{41000000, "41 ms"},
		{999600000, "1.0 s"},
		{3000000000, "3.0 s"},
		{59940000000, "59.9 s"},
		{59960000000, "1 min"},
		{120000000000, "2 min"},
		{125000000000, "2 min 5 s"},
		{3599600000000, "1 h"},
		{4800000000000, "1 h 20 min"},
		{180000000000000, "2 d 2 h"},
		{-41000000, "-41 ms"},
		{INT64_MAX, "106752 d"},
	};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(rows); i++)
		assert_string_equal(sw_duration_text(rows[i].ns, buffer), rows[i].text);
	sw_duration_text(INT64_MIN, buffer);
}

static void times_are_exact(void **state)
{
	static const int64_t times[] = {
		0,
		1,
		999999999,
		SW_NS_PER_S,
		INT64_C(1795381091016801000),
		INT64_C(1795381091016801001),
		-1,
		-500000000,
		-SW_NS_PER_S,
		INT64_MAX,
		INT64_MIN + 1,
	};
	int64_t ns;

	(void)state;
	assert_string_equal(sw_time_text(INT64_C(1795381091016801000), buffer), "1795381091.016801000");
	assert_string_equal(sw_time_text(-1, buffer), "-0.000000001");
	for (size_t i = 0; i < SW_COUNT(times); i++) {
		const char *end = sw_time_parse(sw_time_text(times[i], buffer), &ns);

		assert_non_null(end);
		assert_string_equal(end, "");
		assert_int_equal(ns, times[i]);
	}
}

static void times_within_text(void **state)
{
	int64_t ns;

	(void)state;
	assert_string_equal(sw_time_parse("1795381091.016801 connect(3", &ns), " connect(3");
	assert_int_equal(ns, INT64_C(1795381091016801000));
	assert_string_equal(sw_time_parse("12>", &ns), ">");
	assert_string_equal(sw_time_parse("1.2.3", &ns), ".3");
	assert_null(sw_time_parse("", &ns));
	assert_null(sw_time_parse("-", &ns));
	assert_null(sw_time_parse("x1", &ns));
	assert_null(sw_time_parse("99999999999999999999.0", &ns));
	assert_null(sw_time_parse("9223372037.0", &ns));
}

static void times_of_day(void **state)
{
	(void)state;
	assert_string_equal(sw_time_of_day_text(INT64_C(1795381091017801000), buffer), "20:58:11.017Z");
	assert_string_equal(sw_time_of_day_text(INT64_C(1795381091999999999), buffer), "20:58:11.999Z");
	assert_string_equal(sw_time_of_day_text(-1, buffer), "23:59:59.999Z");
	assert_string_equal(sw_time_of_day_text(0, buffer), "00:00:00.000Z");
}

static void clocks_go_forward(void **state)
{
	int64_t monotonic = sw_clock_monotonic();

	(void)state;
	assert_true(sw_clock_monotonic() >= monotonic);
	assert_true(sw_clock_realtime() > INT64_C(1600000000) * SW_NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_options), cmocka_unit_test(duration_texts),
		cmocka_unit_test(times_are_exact),  cmocka_unit_test(times_within_text),
		cmocka_unit_test(times_of_day),     cmocka_unit_test(clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
