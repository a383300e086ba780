/* A bounds-checked cursor: the only way in which bytes of a packet or file are read.
 *
 * A read behind the end gives 0 and sets `cut`, and from then on every read gives 0: a decoder reads what it needs
 * and asks once whether all of it was there. Numbers are in network order unless the name says otherwise. */
#ifndef SW_CAPTURE_CURSOR_H
#define SW_CAPTURE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sw_cursor {
	const uint8_t *at, *end;
	bool cut; /* something behind the end was asked for */
};

static inline struct sw_cursor sw_cursor_of(const uint8_t *bytes, size_t length)
{
	return (struct sw_cursor){.at = bytes, .end = bytes + length};
}

static inline size_t sw_cursor_left(const struct sw_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next `length` bytes, or NULL when they are not all there; moves behind them. */
static inline const uint8_t *sw_cursor_take(struct sw_cursor *cursor, size_t length)
{
	if (length > sw_cursor_left(cursor)) {
		cursor->cut = true;
		cursor->at = cursor->end;
		return NULL;
	}
	cursor->at += length;
	return cursor->at - length;
}

/* A cursor of the next `length` bytes, or of what is left of them; moves behind them. */
static inline struct sw_cursor sw_cursor_sub(struct sw_cursor *cursor, size_t length)
{
	size_t left = sw_cursor_left(cursor);
	struct sw_cursor sub = sw_cursor_of(cursor->at, length < left ? length : left);

	sub.cut = length > left;
	cursor->at += sw_cursor_left(&sub);
	return sub;
}

static inline uint8_t sw_cursor_u8(struct sw_cursor *cursor)
{
	const uint8_t *p = sw_cursor_take(cursor, 1);

	return p ? p[0] : 0;
}

static inline uint16_t sw_cursor_u16(struct sw_cursor *cursor)
{
	const uint8_t *p = sw_cursor_take(cursor, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t sw_cursor_u32(struct sw_cursor *cursor)
{
	const uint8_t *p = sw_cursor_take(cursor, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline void sw_cursor_skip(struct sw_cursor *cursor, size_t length)
{
	(void)sw_cursor_take(cursor, length);
}

#endif
