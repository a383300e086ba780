/* The region allocator, on obstack. An object stays where it is until the whole arena goes. */
#include "src/base/arena.h"

#include <limits.h>
#include <obstack.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

#define obstack_chunk_alloc sw_alloc
#define obstack_chunk_free free

struct sw_arena {
	struct obstack stack;
	struct sw_arena *adopted; /* the last one; each has the one before */
	struct sw_arena *adopted_before;
};

struct sw_arena *sw_arena_new(void)
{
	struct sw_arena *arena = sw_alloc(sizeof *arena);

	obstack_init(&arena->stack);
	return arena;
}

void sw_arena_free(struct sw_arena *arena)
{
	while (arena && arena->adopted) {
		struct sw_arena *other = arena->adopted;

		arena->adopted = other->adopted_before;
		sw_arena_free(other);
	}
	if (!arena)
		return;
	obstack_free(&arena->stack, NULL);
	free(arena);
}

void sw_arena_adopt(struct sw_arena *arena, struct sw_arena *other)
{
	other->adopted_before = arena->adopted;
	arena->adopted = other;
}

static void *take(struct sw_arena *arena, size_t size)
{
	/* glibc's obstack counts in int. */
	if (size > INT_MAX / 2)
		abort();
	return obstack_alloc(&arena->stack, (int)size);
}

void *sw_arena_alloc(struct sw_arena *arena, size_t size)
{
	return memset(take(arena, size), 0, size);
}

void *sw_arena_copy(struct sw_arena *arena, const void *data, size_t size)
{
	void *copy = take(arena, size);

	return size ? memcpy(copy, data, size) : copy;
}

char *sw_arena_strdup(struct sw_arena *arena, const char *text)
{
	return text ? sw_arena_copy(arena, text, strlen(text) + 1) : NULL;
}

char *sw_arena_strndup(struct sw_arena *arena, const char *text, size_t length)
{
	size_t used = strnlen(text, length);
	char *copy = take(arena, used + 1);

	memcpy(copy, text, used);
	copy[used] = '\0';
	return copy;
}

char *sw_arena_vformat(struct sw_arena *arena, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		abort();

	char *text = take(arena, (size_t)length + 1);

	vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

char *sw_arena_format(struct sw_arena *arena, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = sw_arena_vformat(arena, format, arguments);
	va_end(arguments);
	return text;
}
