/* Finding a place in a sorted array (mem.h) by bisection. */
#ifndef SW_BASE_SEARCH_H
#define SW_BASE_SEARCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The index of the first item whose `field`, an int64_t by which they are sorted, is at least `least`; the count where none is. */
#define SW_ARRAY_FIRST(array, field, least)                                                                            \
	sw_array_first((array)->items, (array)->count, sizeof *(array)->items,                                         \
		       offsetof(__typeof__(*(array)->items), field), least)

static inline size_t sw_array_first(const void *items, size_t count, size_t item_size, size_t field, int64_t least)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t value;

		memcpy(&value, (const char *)items + middle * item_size + field, sizeof value);
		if (value < least)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
