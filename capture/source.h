/* A file as a stream of bytes: plain, gzip or zstd, recognised by content.
 *
 * Invariants: `begin` <= `end` <= `size`; `offset` is where buffer[begin] stands in the (decompressed) stream.
 * Memory is one buffer that grows to the largest piece asked for at once. Knows nothing of capture formats. */
#ifndef SW_CAPTURE_SOURCE_H
#define SW_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define SW_SOURCE_PIECE_MAX ((size_t)32 << 20) /* more is never asked for at once */

struct sw_inflater; /* of a compressed file */

struct sw_source {
	uint8_t *buffer;
	size_t begin, end, size;
	uint64_t offset;
	int fd;
	bool finished; /* nothing more comes: the end of the file, or `failure` */
	const char *packing; /* "gzip", "zstd", NULL plain */
	const char *failure; /* why reading ended early; NULL at a proper end */
	int failure_code; /* negative errno */
	struct sw_inflater *inflater;
};

/* "-" is standard input. */
int sw_source_open(struct sw_source *source, const char *path, struct sw_err *err);
void sw_source_close(struct sw_source *source);

size_t sw_source_fill(struct sw_source *source, size_t want);
bool sw_source_skip(struct sw_source *source, uint64_t length); /* false: the stream ended before */

/* Bytes that stand at buffer[begin]: at least `want`, fewer only at the end of the stream. Earlier pointers become
 * invalid. */
static inline size_t sw_source_have(struct sw_source *source, size_t want)
{
	size_t have = source->end - source->begin;

	return have >= want ? have : sw_source_fill(source, want);
}

static inline const uint8_t *sw_source_at(const struct sw_source *source)
{
	return source->buffer + source->begin;
}

static inline void sw_source_consume(struct sw_source *source, size_t length)
{
	source->begin += length;
	source->offset += length;
}

#endif
