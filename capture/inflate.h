/* Decompression of a stream in pieces: gzip (also several members in a row) and zstd (several frames). */
#ifndef SW_CAPTURE_INFLATE_H
#define SW_CAPTURE_INFLATE_H

#include <sys/types.h>

#include "capture/source.h"

/* What the first bytes say: "gzip", "zstd", NULL neither. */
const char *sw_inflate_packing(const uint8_t *head, size_t length);
/* `head`: the bytes of the file that were read to recognise it. */
struct sw_inflater *sw_inflater_new(const char *packing, int fd, const uint8_t *head, size_t length);
void sw_inflater_free(struct sw_inflater *inflater);
/* Up to `room` bytes; 0 at the end; -1 with *failure and *code set. */
ssize_t sw_inflate(struct sw_inflater *inflater, uint8_t *to, size_t room, const char **failure, int *code);

#endif
