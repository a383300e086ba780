/* Allocation that never returns NULL, and the array that grows. See mem.h for why running out aborts. */
#include "src/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char message[] = "sockwhy: out of memory\n";
	ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);

	(void)written;
	abort();
}

static void *never_null(void *pointer)
{
	if (!pointer)
		out_of_memory();
	return pointer;
}

void *sw_alloc(size_t size)
{
	return never_null(calloc(1, size ? size : 1));
}

void *sw_realloc(void *old, size_t size)
{
	return never_null(realloc(old, size ? size : 1));
}

char *sw_strdup(const char *text)
{
	return text ? never_null(strdup(text)) : NULL;
}

char *sw_strndup(const char *text, size_t length)
{
	return text ? never_null(strndup(text, length)) : NULL;
}

char *sw_format_list(const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		out_of_memory();
	return text;
}

char *sw_format(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = sw_format_list(format, arguments);
	va_end(arguments);
	return text;
}

void sw_cleanup_free(void *pointer_to_pointer)
{
	void *pointer;

	/* A copy, since the variable may be a pointer to any type (no aliasing through void **). */
	memcpy(&pointer, pointer_to_pointer, sizeof pointer);
	free(pointer);
}

void sw_cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void sw_cleanup_file(void *pointer_to_file)
{
	FILE **file = pointer_to_file;

	if (*file)
		fclose(*file);
}

void *sw_array_grow(void *items, size_t *room, size_t item_size)
{
	size_t wanted = *room ? *room : 4;
	size_t bytes;

	if (*room && __builtin_mul_overflow(*room, (size_t)2, &wanted))
		out_of_memory();
	if (__builtin_mul_overflow(wanted, item_size, &bytes))
		out_of_memory();
	items = sw_realloc(items, bytes);
	*room = wanted;
	return items;
}

void sw_array_zero(void *item, size_t size)
{
	memset(item, 0, size);
}
