/* libFuzzer target: strace's text, in pieces whose size the input's first byte says, through the reader. */
#include <stddef.h>
#include <stdint.h>

#include "tracer/strace/strace.h"

static void on_call(void *context, const struct sw_call *call)
{
	char text[200];

	(void)context;
	sw_call_text(call, text, sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sw_trace_sink sink = {.enter = on_call, .leave = on_call};
	struct sw_strace *strace = sw_strace_new(&sink);
	struct sw_strace_log *log = sw_strace_open(strace, 0);
	size_t piece = size ? bytes[0] + 1u : 1;

	sw_strace_recognise((const char *)bytes, size);
	for (size_t at = 1; at < size; at += piece)
		sw_strace_feed(log, (const char *)bytes + at, size - at < piece ? size - at : piece);
	sw_strace_end(log);
	sw_strace_free(strace);
	return 0;
}
