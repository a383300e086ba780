/* Code made at run time: the lines that its makers write, whose file is believed, which line wins. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tests/unit/test.h"
#include "tracer/stack/frame_names.h"

static struct sw_jit *opened(const char *text, size_t length)
{
	sw_auto_close int fd = memfd_create("map", MFD_CLOEXEC);

	assert_int_equal(pwrite(fd, text, length, 0), length);
	return sw_jit_open(fd);
}

/* "function|file|line|within", "" where nothing is known. */
static void expect(const char *text, uint64_t address, const char *wanted)
{
	struct sw_jit *jit = opened(text, strlen(text));
	struct sw_frame_answer answer = {0};
	sw_auto_free char *told = NULL;

	if (sw_jit_ask(jit, address, &answer))
		told = sw_format("%s|%s|%u|%u", answer.function, answer.file, answer.line, (unsigned)answer.within);
	assert_string_equal(told ? told : "", wanted);
	sw_jit_free(jit);
}

static void test_makers(void **state)
{
	(void)state;
	expect("7f00 b py::Client.fetch:/srv/my app.py\n", 0x7f06, "Client.fetch|my app.py|0|6");
	expect("7f00 b py::run:<frozen runpy>\n", 0x7f00, "run|<frozen runpy>|0|0");
	expect("7f00 64 JS:*fetch /srv/app.js:12:5\n", 0x7f63, "fetch|app.js|12|99");
	expect("7f00 64 JS:~ node:dgram:339:32\n", 0x7f00, "(anonymous)|node:dgram|339|0");
	expect("7f00 64 LazyCompile:~ /app.js:1:1\n", 0x7f00, "(anonymous)|app.js|1|0");
	expect("0x0000000000007f00 0x0000000000000010 void java.net.Socket.connect(java.net.SocketAddress, int)\n",
	       0x7f0f, "void java.net.Socket.connect(java.net.SocketAddress, int)||0|15");
	expect("7f00 10 Stub:CallIC /x:1\n", 0x7f00, "Stub:CallIC /x:1||0|0");
}

static void test_ranges(void **state)
{
	const char two[] = "1000 10 old\n1000 10 new\n2000 10 other\n";

	(void)state;
	expect(two, 0x1008, "new||0|8");
	expect(two, 0x1010, "");
	expect(two, 0xfff, "");
	expect("fffffffffffffff0 20 last\n", UINT64_MAX, "last||0|15"); /* beyond the end of memory */
}

static void test_hostile(void **state)
{
	char longest[4096];

	(void)state;
	expect("", 0, "");
	expect("\n\n  \n", 0, "");
	expect("0 ffffffffffffffff all", 1, ""); /* a line that is still being written */
	expect("1000\n1000 \n1000 10\n1000 10 \n-1 10 minus\n 1000 10 blank\n", 0x1000, "");
	expect("1000 10 py::\n", 0x1000, "||0|0");
	expect("1000 10 JS:\n", 0x1000, "JS:||0|0");
	expect("1000 10 JS:*\n", 0x1000, "JS:*||0|0");
	expect("1000 10 JS:* :1:1\n", 0x1000, "(anonymous)||1|0");
	int start = snprintf(longest, sizeof longest, "1000 10 py::");
	memset(longest + start, 'x', sizeof longest - (size_t)start);
	longest[sizeof longest - 1] = '\n';
	struct sw_jit *jit = opened(longest, sizeof longest);
	struct sw_frame_answer answer = {0};
	assert_true(sw_jit_ask(jit, 0x1000, &answer));
	assert_int_equal(strlen(answer.function), sizeof answer.function - 1);
	sw_jit_free(jit);
	jit = opened("1000 10 a\0b\n2000 10 behind\n", 27);
	memset(&answer, 0, sizeof answer);
	assert_true(sw_jit_ask(jit, 0x2000, &answer));
	assert_string_equal(answer.function, "behind");
	sw_jit_free(jit);
}

static int found(void)
{
	struct sw_objects objects = {0};
	int object = sw_objects_jit(&objects, getpid());

	sw_objects_release(&objects);
	return object;
}

/* A folder that all may write to: another's file, a link, a pipe are not believed. */
static void test_owner(void **state)
{
	sw_auto_free char *path = sw_format("/tmp/perf-%d.map", (int)getpid());

	(void)state;
	unlink(path);
	assert_int_equal(found(), -1);
	FILE *file = fopen(path, "w");
	fputs("1000 10 f\n", file);
	fclose(file);
	assert_int_equal(found(), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(found(), -1);
	}
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(found(), -1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(found(), -1);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_makers),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
