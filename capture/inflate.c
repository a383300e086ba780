/* Decompression. Enters: a descriptor whose file is gzip or zstd. Leaves: its content, piece by piece, in fixed
 * memory. */
#include "capture/inflate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "src/base/mem.h"

#define INPUT_SIZE ((size_t)128 << 10)
#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, gzip wrapping */

struct sw_inflater {
	int fd;
	bool ended; /* the file has no more bytes */
	bool boundary; /* the stream may end here: a member or frame is complete */
	uint8_t *input;
	size_t begin, end;
	bool is_gzip;
	z_stream gzip;
	ZSTD_DStream *zstd;
};

static bool is_gzip(const uint8_t *head, size_t length)
{
	return length >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
}

static bool is_zstd(const uint8_t *head, size_t length)
{
	static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd}; /* RFC 8878, section 3.1.1 */
	static const uint8_t skippable[3] = {0x2a, 0x4d, 0x18}; /* section 3.1.2; first byte 0x50 to 0x5f */

	return length >= 4 &&
	       (!memcmp(head, magic, 4) || ((head[0] & 0xf0) == 0x50 && !memcmp(head + 1, skippable, 3)));
}

const char *sw_inflate_packing(const uint8_t *head, size_t length)
{
	return is_gzip(head, length) ? "gzip" : is_zstd(head, length) ? "zstd" : NULL;
}

struct sw_inflater *sw_inflater_new(const char *packing, int fd, const uint8_t *head, size_t length)
{
	struct sw_inflater *inflater = sw_alloc(sizeof *inflater);

	inflater->fd = fd;
	inflater->input = sw_alloc(INPUT_SIZE);
	inflater->end = length < INPUT_SIZE ? length : INPUT_SIZE;
	memcpy(inflater->input, head, inflater->end);
	inflater->is_gzip = !strcmp(packing, "gzip");
	if (inflater->is_gzip)
		inflateInit2(&inflater->gzip, GZIP_WINDOW);
	else
		inflater->zstd = ZSTD_createDStream();
	return inflater;
}

void sw_inflater_free(struct sw_inflater *inflater)
{
	if (!inflater)
		return;
	if (inflater->is_gzip)
		inflateEnd(&inflater->gzip);
	ZSTD_freeDStream(inflater->zstd);
	free(inflater->input);
	free(inflater);
}

static bool more_input(struct sw_inflater *inflater)
{
	ssize_t got;

	if (inflater->begin < inflater->end)
		return true;
	if (inflater->ended)
		return false;
	do
		got = read(inflater->fd, inflater->input, INPUT_SIZE);
	while (got < 0 && errno == EINTR);
	inflater->ended = got <= 0;
	inflater->begin = 0;
	inflater->end = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static int gunzip(struct sw_inflater *inflater, uint8_t *to, size_t room, size_t *made)
{
	z_stream *gzip = &inflater->gzip;

	if (inflater->boundary) { /* RFC 1952, section 2.2: members follow each other */
		if (!is_gzip(inflater->input + inflater->begin, inflater->end - inflater->begin)) {
			inflater->begin = inflater->end; /* padding behind the last member, as gzip itself ignores it */
			return 0;
		}
		inflateReset(gzip);
		inflater->boundary = false;
	}
	gzip->next_in = inflater->input + inflater->begin;
	gzip->avail_in = (uInt)(inflater->end - inflater->begin);
	gzip->next_out = to;
	gzip->avail_out = (uInt)room;
	int status = inflate(gzip, Z_NO_FLUSH);

	inflater->begin = inflater->end - gzip->avail_in;
	*made = room - gzip->avail_out;
	inflater->boundary = status == Z_STREAM_END;
	return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR ? 0 : -1;
}

static int unzstd(struct sw_inflater *inflater, uint8_t *to, size_t room, size_t *made)
{
	ZSTD_inBuffer in = {.src = inflater->input, .size = inflater->end, .pos = inflater->begin};
	ZSTD_outBuffer out = {.dst = to, .size = room};
	size_t status = ZSTD_decompressStream(inflater->zstd, &out, &in);

	inflater->begin = in.pos;
	*made = out.pos;
	inflater->boundary = status == 0;
	return ZSTD_isError(status) ? -1 : 0;
}

ssize_t sw_inflate(struct sw_inflater *inflater, uint8_t *to, size_t room, const char **failure, int *code)
{
	for (;;) {
		bool input = more_input(inflater);
		size_t made = 0;

		if (!input && inflater->boundary)
			return 0;
		if ((inflater->is_gzip ? gunzip : unzstd)(inflater, to, room, &made)) {
			*failure = "the compressed data is damaged";
			*code = -EBADMSG;
			return -1;
		}
		if (made)
			return (ssize_t)made;
		if (!input && !inflater->boundary) {
			*failure = "the compressed data is cut short";
			*code = -EBADMSG;
			return -1;
		}
	}
}
