/* See frame_names.h: the child that reads, and who waits for it. */
#include "tracer/stack/frame_names.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"

#define PATIENCE_NS (3 * SW_NS_PER_S)

/* ---- the child ------------------------------------------------------------------------------------------------------- */

/* By the file's own tables alone: libdw is not there, or knows nothing. */
static uint32_t ask_tables(struct sw_elf *elf, int fd, uint64_t address, struct sw_frame_answer *answer)
{
	char symbol[512];

	if (sw_go_ask(elf, fd, address, answer))
		return 1;
	if (!sw_elf_function(elf, address, symbol, sizeof symbol, &answer->within))
		return 0;
	sw_demangle(symbol, answer->function, sizeof answer->function);
	return 1;
}

static void put(int out, struct sw_frame_answer *answers, uint32_t count, uint32_t number, uint64_t back)
{
	for (uint32_t i = 0; i < count; i++) {
		answers[i].question = number;
		answers[i].depth = i;
		answers[i].within += back;
		if (write(out, &answers[i], sizeof answers[i]) != (ssize_t)sizeof answers[i])
			_exit(1);
	}
}

static void answer_of_jit(int out, const struct sw_objects *objects, uint32_t object)
{
	struct sw_jit *jit = sw_jit_open(objects->objects.items[object].fd);

	for (uint32_t i = 0; i < objects->questions.count; i++) {
		const struct sw_frame_question *question = &objects->questions.items[i];
		uint64_t back = question->exact ? 0 : 1;
		struct sw_frame_answer one = {0};

		if (question->object == object && question->offset >= back &&
		    sw_jit_ask(jit, question->offset - back, &one))
			put(out, &one, 1, i, back);
	}
	sw_jit_free(jit);
}

static void answer(int out, struct sw_dwarf *dwarf, struct sw_elf *elf, const struct sw_object *object,
		   const struct sw_frame_question *question, uint32_t number)
{
	struct sw_frame_answer answers[SW_INLINED_MAX];
	uint64_t address, back = question->exact ? 0 : 1;
	uint32_t count = 0;

	memset(answers, 0, sizeof answers);
	if (!elf || question->offset < back || !sw_elf_address(elf, question->offset - back, &address))
		return;
	if (dwarf)
		count = sw_dwarf_ask(dwarf, object, address, answers);
	if (!count)
		count = ask_tables(elf, object->fd, address, answers);
	if (!count) {
		answers[0].within = address;
		count = 1;
	}
	put(out, answers, count, number, back);
}

static void __attribute__((noreturn)) read_all(const struct sw_objects *objects, int out)
{
	const struct rlimit cpu = {4, 4};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CPU, &cpu);
	unsetenv("DEBUGINFOD_URLS"); /* nobody is asked over a network */
	struct sw_dwarf *dwarf = sw_dwarf_new();

	sw_frame_confine();
	/* Object by object: what one costs or breaks leaves those before it told. */
	for (uint32_t i = 0; i < objects->objects.count; i++) {
		const struct sw_object *object = &objects->objects.items[i];

		if (object->written_by) {
			answer_of_jit(out, objects, i);
			continue;
		}
		struct sw_elf *elf = object->fd >= 0 && !object->ambiguous ? sw_elf_open(object->fd) : NULL;

		for (uint32_t j = 0; elf && j < objects->questions.count; j++)
			if (objects->questions.items[j].object == i)
				answer(out, dwarf, elf, object, &objects->questions.items[j], j);
		sw_elf_free(elf);
	}
	_exit(0);
}

/* ---- who waits ------------------------------------------------------------------------------------------------------- */

static bool next_answer(int in, int64_t deadline, struct sw_frame_answer *answer)
{
	struct pollfd fd = {.fd = in, .events = POLLIN};
	int64_t left = deadline - sw_clock_monotonic();

	if (left <= 0 || poll(&fd, 1, (int)(left / SW_NS_PER_MS) + 1) <= 0)
		return false;
	return read(in, answer, sizeof *answer) == (ssize_t)sizeof *answer; /* less than PIPE_BUF: whole or not */
}

static void hand_on(const struct sw_objects *objects, struct sw_frame_answer *answer,
		    void (*say)(void *context, const struct sw_frame_name *name), void *context)
{
	if (answer->question >= objects->questions.count || answer->depth >= SW_INLINED_MAX)
		return;
	const struct sw_frame_question *question = &objects->questions.items[answer->question];

	answer->function[sizeof answer->function - 1] = answer->file[sizeof answer->file - 1] = '\0';
	say(context, &(struct sw_frame_name){.object = objects->objects.items[question->object].name,
					     .offset = question->offset,
					     .within = answer->within,
					     .depth = answer->depth,
					     .function = answer->function,
					     .file = answer->file,
					     .line = answer->line});
}

void sw_frame_names(const struct sw_objects *objects, void (*say)(void *context, const struct sw_frame_name *name),
		    void *context)
{
	struct sw_frame_answer answer;
	int ends[2];

	if (!objects->questions.count || pipe2(ends, O_CLOEXEC) != 0)
		return;
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		close(ends[0]);
		read_all(objects, ends[1]);
	}
	close(ends[1]);
	int64_t deadline = sw_clock_monotonic() + PATIENCE_NS;

	while (child > 0 && next_answer(ends[0], deadline, &answer))
		hand_on(objects, &answer, say, context);
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}
