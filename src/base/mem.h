/* Memory: allocation that aborts on exhaustion, cleanup attributes, a growing array.
 *
 * Out of memory aborts with one line: a diagnosis tool that goes on with half its records would lie. */
#ifndef SW_BASE_MEM_H
#define SW_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *sw_alloc(size_t size); /* zeroed; never NULL */
void *sw_realloc(void *old, size_t size); /* never NULL */
char *sw_strdup(const char *text); /* NULL gives NULL */
char *sw_strndup(const char *text, size_t length);
char *sw_format(const char *format, ...) __attribute__((format(printf, 1, 2))); /* caller frees */
char *sw_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* Cleanup attributes: `sw_auto_free char *p = ...;` */
void sw_cleanup_free(void *pointer_to_pointer);
void sw_cleanup_close(int *fd); /* closes when >= 0 */
void sw_cleanup_file(void *pointer_to_file); /* fclose when not NULL */
#define sw_auto_free __attribute__((cleanup(sw_cleanup_free)))
#define sw_auto_close __attribute__((cleanup(sw_cleanup_close)))
#define sw_auto_file __attribute__((cleanup(sw_cleanup_file)))

/* A growing array: struct { T *items; size_t count, room; }. Items move when it grows: keep ids, not pointers.
 *   SW_ARRAY(struct foo) foos = {0};  struct foo *f = SW_ARRAY_ADD(&foos);  SW_ARRAY_RELEASE(&foos); */
#define SW_ARRAY(type)                                                                                                 \
	struct {                                                                                                       \
		type *items;                                                                                           \
		size_t count, room;                                                                                    \
	}
#define SW_ARRAY_ADD(array)                                                                                            \
	((array)->count == (array)->room ?                                                                             \
		 ((array)->items = sw_array_grow((array)->items, &(array)->room, sizeof *(array)->items)) :            \
		 (array)->items,                                                                                       \
	 sw_array_zero((array)->items + (array)->count, sizeof *(array)->items), &(array)->items[(array)->count++])
#define SW_ARRAY_RELEASE(array) (free((array)->items), (array)->items = NULL, (array)->count = (array)->room = 0)
void *sw_array_grow(void *items, size_t *room, size_t item_size);
void sw_array_zero(void *item, size_t size);

#define SW_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
