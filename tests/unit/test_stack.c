/* Stacks of a stopped child of ours, and its mapped objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "tracer/stack.h"
#include "tracer/stack_maps.h"

/* Global, so that even a stripped test has their names; not inlined, and not the last thing done. */
int sw_test_inner(int depth);
int sw_test_outer(int depth);

__attribute__((noinline)) int sw_test_inner(int depth)
{
	raise(SIGSTOP);
	return depth + 1;
}

__attribute__((noinline)) int sw_test_outer(int depth)
{
	int below = depth > 0 ? sw_test_outer(depth - 1) : sw_test_inner(depth);
	__asm__ volatile("" ::: "memory"); /* or the compiler makes it a loop */
	return below + 1;
}

static pid_t start(int depth)
{
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		for (;;)
			sw_test_outer(depth);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static const struct sw_frame *named(const struct sw_frame *frames, uint32_t count, const char *function)
{
	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(frames[i].function, function))
			return &frames[i];
	return NULL;
}

static void test_names_and_objects(void **state)
{
	(void)state;
	struct sw_frame frames[SW_STACK_DEPTH];
	struct sw_stacks *stacks = sw_stacks_new();
	pid_t child = start(2);
	uint32_t count = sw_stacks_take(stacks, child, child, 1, ECONNREFUSED, frames);
	assert_true(count >= 5);
	const struct sw_frame *inner = named(frames, count, "sw_test_inner"),
			      *outer = named(frames, count, "sw_test_outer");
	assert_non_null(inner);
	assert_non_null(outer);
	assert_true(outer > inner);
	assert_true(inner && strstr(inner->object, "stack"));
	assert_string_equal(frames[0].object, "libc.so.6");
	assert_true(inner && inner->offset > 0 && inner->offset < inner->address);
	assert_non_null(named(frames, count, "main"));
	end(child);
	sw_stacks_free(stacks);
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	struct sw_frame frames[SW_STACK_DEPTH];
	struct sw_stacks *stacks = sw_stacks_new();
	pid_t child = start(100);
	assert_int_equal(sw_stacks_take(stacks, child, child, 1, ECONNREFUSED, frames), SW_STACK_DEPTH);
	end(child);
	sw_stacks_free(stacks);
}

static void test_limits(void **state)
{
	(void)state;
	struct sw_frame frames[SW_STACK_DEPTH];
	struct sw_stacks *stacks = sw_stacks_new();
	pid_t child = start(1);
	unsigned same = 0, all = 0;
	for (int i = 0; i < 30; i++)
		same += sw_stacks_take(stacks, child, child, 1, ECONNREFUSED, frames) > 0;
	assert_true(same >= 1 && same <= 8);
	for (int i = 0; i < 200; i++)
		all += sw_stacks_take(stacks, child, child, 2 + (uint64_t)i, ETIMEDOUT, frames) > 0;
	assert_true(all < 100); /* two seconds' worth, should a second pass meanwhile */
	sw_stacks_forget(stacks, child);
	end(child);
	sw_stacks_free(stacks);
}

static void test_gone_process(void **state)
{
	(void)state;
	struct sw_frame frames[SW_STACK_DEPTH];
	struct sw_stacks *stacks = sw_stacks_new();
	pid_t child = start(1);
	end(child);
	assert_int_equal(sw_stacks_take(stacks, child, child, 0, 1, frames), 0);
	assert_int_equal(sw_stacks_take(stacks, child, child, 4096, 1, frames),
			 1); /* the call site is known without it */
	assert_int_equal(frames[0].address, 4096);
	sw_stacks_free(stacks);
}

static void test_maps(void **state)
{
	(void)state;
	struct sw_maps maps = {0};
	bool changed;
	pid_t self = getpid();
	assert_true(sw_maps_read(&maps, self, self, &changed));
	assert_true(changed);
	const struct sw_mapping *mapping = sw_maps_find(&maps, (uint64_t)(uintptr_t)sw_test_outer);
	assert_non_null(mapping);
	assert_true(sw_maps_path(&maps, mapping)[0] == '/');
	struct sw_symbols *symbols = sw_symbols_new();
	char name[64];
	uint64_t within = 0, offset = (uint64_t)(uintptr_t)sw_test_outer - mapping->begin + mapping->offset;
	sw_symbols_name(symbols, self, sw_maps_path(&maps, mapping), mapping->inode, offset + 1, name, sizeof name,
			&within);
	assert_string_equal(name, "sw_test_outer");
	assert_int_equal(within, 1);
	sw_symbols_name(symbols, self, "/dev/null", 1, offset, name, sizeof name,
			&within); /* another file than was mapped */
	assert_string_equal(name, "");
	sw_symbols_free(symbols);
	assert_null(sw_maps_find(&maps, 0));
	assert_true(sw_maps_read(&maps, self, self, &changed));
	assert_false(changed);
	sw_maps_release(&maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_objects),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_gone_process),
		cmocka_unit_test(test_maps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
