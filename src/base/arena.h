/* A region of memory: what is allocated from it is released with it, all at once.
 *
 * For plain data with many small texts and lists that live equally long (a report). Nothing is freed alone, nothing
 * moves. Out of memory aborts (mem.h). */
#ifndef SW_BASE_ARENA_H
#define SW_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct sw_arena;

struct sw_arena *sw_arena_new(void);
void sw_arena_free(struct sw_arena *arena); /* NULL is allowed */

void sw_arena_adopt(struct sw_arena *arena, struct sw_arena *other); /* `other` lives as long as `arena` from now on */

void *sw_arena_alloc(struct sw_arena *arena, size_t size); /* zeroed, aligned for any object; never NULL */
void *sw_arena_copy(struct sw_arena *arena, const void *data, size_t size);
char *sw_arena_strdup(struct sw_arena *arena, const char *text); /* NULL gives NULL */
char *sw_arena_strndup(struct sw_arena *arena, const char *text, size_t length); /* stops at a NUL */
char *sw_arena_format(struct sw_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *sw_arena_vformat(struct sw_arena *arena, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

#endif
