/* Memory: regions, growing arrays, cleanup attributes. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

static void texts_live_together(void **state)
{
	struct sw_arena *arena = sw_arena_new();
	char *texts[1000];

	(void)state;
	for (int i = 0; i < 1000; i++)
		texts[i] = sw_arena_format(arena, "text %d of %s", i, "many");
	assert_string_equal(texts[0], "text 0 of many");
	assert_string_equal(texts[999], "text 999 of many");
	assert_string_equal(sw_arena_strndup(arena, "abcdef", 3), "abc");
	assert_string_equal(sw_arena_strndup(arena, "ab", 30), "ab");
	assert_string_equal(sw_arena_strdup(arena, ""), "");
	assert_null(sw_arena_strdup(arena, NULL));
	sw_arena_free(arena);
	sw_arena_free(NULL);
}

static void blocks_are_zeroed_and_aligned(void **state)
{
	struct sw_arena *arena = sw_arena_new();

	(void)state;
	for (size_t size = 1; size < 20000; size = size * 3 + 1) {
		char *block = sw_arena_alloc(arena, size);

		assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(block[i], 0);
		memset(block, 0xff, size);
	}
	assert_memory_equal(sw_arena_copy(arena, "xyz", 4), "xyz", 4);
	assert_non_null(sw_arena_copy(arena, NULL, 0));
	sw_arena_free(arena);
}

static void arrays_grow(void **state)
{
	SW_ARRAY(int) numbers = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int *number = SW_ARRAY_ADD(&numbers);

		assert_int_equal(*number, 0);
		*number = i;
	}
	assert_int_equal(numbers.count, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers.items[i], i);
	SW_ARRAY_RELEASE(&numbers);
	assert_null(numbers.items);
	assert_int_equal(numbers.room, 0);
}

static void cleanup_attributes(void **state)
{
	int was;

	(void)state;
	{
		sw_auto_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		sw_auto_free char *text = sw_format("%d", 5);
		sw_auto_file FILE *none = NULL;
		sw_auto_file FILE *some = fopen("/dev/null", "r");

		assert_non_null(some);
		assert_null(none);
		assert_string_equal(text, "5");
		assert_true(fd >= 0);
		was = fd;
	}
	assert_int_equal(fcntl(was, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_live_together),
		cmocka_unit_test(blocks_are_zeroed_and_aligned),
		cmocka_unit_test(arrays_grow),
		cmocka_unit_test(cleanup_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
