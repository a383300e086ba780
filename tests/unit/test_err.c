/* The error object: the innermost reason stays, circumstances come before it, nothing overflows. */
#include "tests/unit/test.h"

#include <errno.h>

#include "src/base/err.h"

static void set_and_wrap(void **state)
{
	struct sw_err err = {0};

	(void)state;
	assert_int_equal(sw_err_set(&err, -ENOENT, "%s: no such file", "x.pcap"), -ENOENT);
	assert_int_equal(sw_err_wrap(&err, "cannot read input %d", 2), -ENOENT);
	assert_string_equal(err.text, "cannot read input 2: x.pcap: no such file");
	sw_err_clear(&err);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "");
	sw_err_wrap(&err, "alone");
	assert_string_equal(err.text, "alone");
}

static void without_object(void **state)
{
	(void)state;
	assert_int_equal(sw_err_set(NULL, -EINVAL, "x"), -EINVAL);
	assert_int_equal(sw_err_wrap(NULL, "x"), 0);
	sw_err_clear(NULL);
}

static void long_texts_are_cut(void **state)
{
	char big[2000];
	struct sw_err err = {0};

	(void)state;
	memset(big, 'a', sizeof big);
	big[sizeof big - 1] = '\0';
	sw_err_set(&err, -EIO, "%s", big);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	sw_err_wrap(&err, "%s", big);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_int_equal(err.code, -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_wrap),
		cmocka_unit_test(without_object),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
