/* libFuzzer target: the text form of records, which incident files carry, line by line.
 *
 * What was read is written again and read once more: the second writing must say the same as the first, or an incident that is explained
 * and written anew would say something else. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "tracer/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct written {
	char first[SW_TEXT_LINE_MAX], again[SW_TEXT_LINE_MAX]; /* of the record read last; empty: too long */
	char *target;
	uint32_t records;
};

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct written *written = context;

	sw_text_socket(socket, written->target, SW_TEXT_LINE_MAX);
	written->records++;
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct written *written = context;
	char text[200];

	sw_call_text(call, text, sizeof text);
	sw_text_call(call, written->target, SW_TEXT_LINE_MAX);
	written->records++;
}

static void on_process(void *context, const struct sw_process *process)
{
	struct written *written = context;

	sw_text_process(process, written->target, SW_TEXT_LINE_MAX);
	written->records++;
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct written *written = context;
	char text[200];

	sw_fact_line(fact, text, sizeof text);
	sw_text_fact(fact, written->target, SW_TEXT_LINE_MAX);
	written->records++;
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	struct written *written = context;

	sw_text_limit(limit, written->target, SW_TEXT_LINE_MAX);
	written->records++;
}

static int read_line(const char *line, struct sw_text_state *state, struct written *written, char *target)
{
	const struct sw_trace_sink sink = {written, on_socket, NULL, on_leave, on_process, on_fact, on_limit};
	struct sw_err err = {0};
	int result;

	written->target = target;
	target[0] = '\0';
	result = sw_text_line(line, state, &sink, &err);
	assert(result >= 0 || err.text[0]);
	return result;
}

static void read_again(struct written *written)
{
	struct sw_text_state *state = sw_text_state_new();
	char *copy = strdup(written->first); /* of its own size, so that reading beyond its end shows */

	if (copy && copy[0]) {
		int result = read_line(copy, state, written, written->again);

		if (result != 1 || strcmp(written->first, written->again) != 0) {
			fprintf(stderr, "%d\n%s\n%s\n", result, written->first, written->again);
			abort();
		}
	}
	free(copy);
	sw_text_state_free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct written written;
	struct sw_text_state *state = sw_text_state_new();
	const uint8_t *end = bytes + size;

	while (bytes < end) {
		const uint8_t *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t length = (size_t)((newline ? newline : end) - bytes);
		char *line = strndup((const char *)bytes, length);

		if (line && read_line(line, state, &written, written.first) == 1)
			read_again(&written);
		free(line);
		bytes += length + 1;
	}
	sw_text_state_free(state);
	return 0;
}
