/* The error object: why something could not be done, in one line a person can act on.
 *
 * A function that can fail takes `struct sw_err *err` last and returns 0 or a negative errno. The first sw_err_set()
 * says the innermost reason; callers on the way out may put what they were doing before it (sw_err_wrap). Only src/
 * prints. A function without `err` cannot fail. Out of memory aborts (see mem.h). */
#ifndef SW_BASE_ERR_H
#define SW_BASE_ERR_H

struct sw_err {
	int code; /* negative errno, 0: no error */
	char text[512]; /* "what: why; what to do", without newline; truncated when longer */
};

/* Sets code and text; returns `code` so that `return sw_err_set(err, -EINVAL, ...)` reads as one step. err may be NULL. */
int sw_err_set(struct sw_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "format: " before the present text; returns err->code (or the given code when err is NULL: 0). */
int sw_err_wrap(struct sw_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sw_err_clear(struct sw_err *err);

#endif
