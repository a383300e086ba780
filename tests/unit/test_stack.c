/* Stacks of a stopped child of ours, and its mapped objects. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "tests/unit/test.h"
#include "tracer/stack/frame_names.h"
#include "tracer/stack/stack.h"
#include "tracer/stack/stack_elf.h"
#include "tracer/stack/stack_maps.h"
#include "tracer/stack/stack_objects.h"

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

struct names {
	size_t count;
	struct name {
		char object[64], function[96], file[96];
		uint64_t offset, within;
		uint32_t depth, line;
	} names[256];
};

static void keep(void *context, const struct sw_frame_name *name)
{
	struct names *names = context;
	assert_true(names->count < 256);
	struct name *to = &names->names[names->count++];
	snprintf(to->object, sizeof to->object, "%s", name->object);
	snprintf(to->function, sizeof to->function, "%s", name->function);
	snprintf(to->file, sizeof to->file, "%s", name->file);
	to->offset = name->offset;
	to->within = name->within;
	to->depth = name->depth;
	to->line = name->line;
}

static const struct name *called(const struct names *names, const char *function)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->names[i].function, function))
			return &names->names[i];
	return NULL;
}

/* The frame that the name is for. */
static const struct sw_frame *frame_of(const struct sw_frame *frames, uint32_t count, const struct name *name)
{
	for (uint32_t i = 0; name && i < count; i++)
		if (!strcmp(frames[i].object, name->object) && frames[i].offset == name->offset)
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
	assert_string_equal(frames[0].object, "libc.so.6");
	end(child); /* named when the process is gone */
	struct names names = {0};
	sw_stacks_name(stacks, keep, &names);
	const struct name *inner_name = called(&names, "sw_test_inner"), *outer_name = called(&names, "sw_test_outer");
	const struct sw_frame *inner = frame_of(frames, count, inner_name),
			      *outer = frame_of(frames, count, outer_name);
	assert_non_null(inner);
	assert_non_null(outer);
	assert_true(outer > inner);
	assert_true(inner && strstr(inner->object, "stack"));
	assert_true(inner && inner->offset > 0 && inner->offset < inner->address);
	assert_true(inner_name->within > 0 && inner_name->within < 4096);
	assert_non_null(called(&names, "main"));
#ifdef SOCKWHY_HAVE_DW
	assert_string_equal(inner_name->file, "test_stack.c");
	assert_true(inner_name->line > 20);
#endif
	sw_stacks_free(stacks);
}

/* No rights, no files, no network: the worst that hostile debugging information can do. */
static void test_confined(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();
	if (child == 0) {
		sw_frame_confine();
		bool free = open("/etc/passwd", O_RDONLY) >= 0 || socket(AF_INET, SOCK_STREAM, 0) >= 0 || fork() >= 0 ||
			    kill(getppid(), 0) == 0 || open("/tmp/x", O_WRONLY | O_CREAT, 0600) >= 0;
		_exit(free);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
#ifndef __SANITIZE_ADDRESS__
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
#endif
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
	/* the call site is known without it */
	assert_int_equal(sw_stacks_take(stacks, child, child, 4096, 1, frames), 1);
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
	struct sw_objects objects = {0};
	int object = sw_objects_get(&objects, self, mapping, sw_maps_path(&maps, mapping));
	assert_int_equal(object, 0);
	assert_int_equal(sw_objects_get(&objects, self, mapping, sw_maps_path(&maps, mapping)), 0);
	struct sw_elf *elf = sw_elf_open(objects.objects.items[0].fd);
	char name[64] = "";
	uint64_t within = 0, address = 0;
	assert_non_null(elf);
	assert_true(
		sw_elf_address(elf, (uint64_t)(uintptr_t)sw_test_outer - mapping->begin + mapping->offset, &address));
	assert_true(sw_elf_function(elf, address + 1, name, sizeof name, &within));
	assert_string_equal(name, "sw_test_outer");
	assert_int_equal(within, 1);
	sw_elf_free(elf);
	/* Another file than was mapped has that name now. */
	struct sw_mapping other = {.begin = 4096, .end = 8192, .inode = 1};
	assert_int_equal(sw_objects_get(&objects, self, &other, "/dev/null"), 1);
	assert_int_equal(objects.objects.items[1].fd, -1);
	/* The kernel's object is read from memory. */
	mapping = sw_maps_find(&maps, getauxval(AT_SYSINFO_EHDR));
	assert_non_null(mapping);
	object = sw_objects_get(&objects, self, mapping, sw_maps_path(&maps, mapping));
	assert_int_equal(object, 2);
	elf = sw_elf_open(objects.objects.items[2].fd);
	assert_non_null(elf);
	sw_elf_free(elf);
	sw_objects_release(&objects);
	assert_null(sw_maps_find(&maps, 0));
	assert_true(sw_maps_read(&maps, self, self, &changed));
	assert_false(changed);
	sw_maps_release(&maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_objects), cmocka_unit_test(test_confined),
		cmocka_unit_test(test_depth_is_bounded),  cmocka_unit_test(test_limits),
		cmocka_unit_test(test_gone_process),      cmocka_unit_test(test_maps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
