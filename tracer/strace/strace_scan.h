/* Pieces of strace's text: arguments, strings, numbers, addresses, times. Internal to this folder.
 *
 * Everything is a span of bytes that need not end with NUL; nothing is read outside of it. */
#ifndef SW_TRACER_STRACE_SCAN_H
#define SW_TRACER_STRACE_SCAN_H

#include <string.h>

#include "tracer/call.h"
#include "tracer/constants.h"

struct span {
	const char *at, *end;
};

#define SPAN(text) ((struct span){(text), (text) + sizeof(text) - 1})

static inline bool span_empty(struct span span)
{
	return span.at >= span.end;
}

static inline size_t span_length(struct span span)
{
	return (size_t)(span.end - span.at);
}

static inline bool span_starts(struct span span, const char *word, size_t length)
{
	return span_length(span) >= length && memcmp(span.at, word, length) == 0;
}
#define SPAN_STARTS(span, word) span_starts((span), (word), sizeof(word) - 1)

struct span span_trim(struct span span); /* without blanks at both ends */
/* Behind the first `word`; empty when it is not there. */
struct span span_after(struct span span, const char *word);

/* Behind what begins at `at`: a string in quotes, a descriptor's <...>, else one byte. */
const char *scan_skip(const char *at, const char *end, const char *begin);
/* Up to the next `stop` outside of quotes and brackets (or a closing bracket that was not opened, or the end). */
const char *scan_until(const char *at, const char *end, char stop);
/* The next element of a list "a, b, c": false when none is left. */
bool scan_element(struct span *list, struct span *element);
/* Inside of the brackets that the span begins with; empty when it begins with none. */
struct span scan_inside(struct span span);
/* The value of "key=" among the elements of a struct's inside; empty when absent. "key(16)=" of strace 4 is the same. */
struct span scan_field(struct span inside, const char *key);

bool scan_number(struct span span, int64_t *number); /* leading number: decimal, 0x, octal, sign; false when none */
/* A string in quotes to bytes; returns how many were written, at most room. */
size_t scan_string(struct span span, char *bytes, size_t room);
bool scan_time(struct span span, int64_t unit_ns, int64_t *ns); /* {tv_sec=1, tv_usec=5} or {1, 5}; NULL: false */
bool scan_addr(struct span span, struct sw_addr *addr); /* {sa_family=...} */
/* One constant by name or number (raw, or "0x2 / * AF_INET * /"). */
bool scan_constant(enum sw_constants set, struct span span, int64_t *number);
uint64_t scan_flags(enum sw_constants set, struct span span);

/* A descriptor: "3", "3<...>". `note` is the inside of <...>, empty when there is none. */
bool scan_fd(struct span span, int32_t *fd, struct span *note);
bool scan_endpoint(struct span span, struct sw_addr *addr); /* "10.0.0.1:80", "[::1]:80" */

#endif
