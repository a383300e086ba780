/* A bounded piece of text being written: never longer than its buffer, always NUL terminated.
 *
 * Enters: formatted pieces, bytes that may be anything. Leaves: printable text in the caller's buffer. Knows nothing of records. */
#ifndef SW_TRACER_TEXT_OUT_H
#define SW_TRACER_TEXT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_out {
	char *buffer;
	size_t size, length; /* length < size */
	bool cut; /* something did not fit */
};

void sw_out_init(struct sw_out *out, char *buffer, size_t size);
void sw_out_add(struct sw_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sw_out_string(struct sw_out *out, const char *text);
/* Bytes in double quotes, C escapes for what is not printable ASCII; the reader's sw_text_unquote() undoes it. */
void sw_out_quoted(struct sw_out *out, const void *bytes, size_t length);

#endif
