/* A file as a stream of bytes. Enters: a path. Leaves: pieces of its content, decompressed where it is compressed. */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/inflate.h"
#include "src/base/mem.h"

#define BUFFER_SIZE ((size_t)256 << 10)
#define HEAD_SIZE 4096

static ssize_t read_some(int fd, uint8_t *to, size_t room)
{
	ssize_t got;

	do
		got = read(fd, to, room);
	while (got < 0 && errno == EINTR);
	return got;
}

static ssize_t pull(struct sw_source *source, uint8_t *to, size_t room)
{
	if (source->inflater)
		return sw_inflate(source->inflater, to, room, &source->failure, &source->failure_code);
	ssize_t got = read_some(source->fd, to, room);

	if (got < 0) {
		source->failure_code = -errno;
		source->failure = strerror(errno);
	}
	return got;
}

static void recognise(struct sw_source *source)
{
	while (source->end < 4) { /* a pipe may give less at once */
		ssize_t got = read_some(source->fd, source->buffer + source->end, HEAD_SIZE - source->end);

		if (got <= 0) {
			source->finished = got == 0;
			break;
		}
		source->end += (size_t)got;
	}
	source->packing = sw_inflate_packing(source->buffer, source->end);
	if (source->packing) {
		source->inflater = sw_inflater_new(source->packing, source->fd, source->buffer, source->end);
		source->end = 0;
		source->finished = false;
	}
}

int sw_source_open(struct sw_source *source, const char *path, struct sw_err *err)
{
	struct stat stat;

	*source = (struct sw_source){.fd = !strcmp(path, "-") ? dup(STDIN_FILENO) :
								open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
	if (source->fd < 0)
		return sw_err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!fstat(source->fd, &stat) && S_ISDIR(stat.st_mode)) {
		close(source->fd);
		source->fd = -1;
		return sw_err_set(err, -EISDIR, "%s: %s", path, strerror(EISDIR));
	}
	(void)posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	source->buffer = sw_alloc(BUFFER_SIZE);
	source->size = BUFFER_SIZE;
	recognise(source);
	return 0;
}

void sw_source_close(struct sw_source *source)
{
	sw_inflater_free(source->inflater);
	free(source->buffer);
	if (source->fd >= 0)
		close(source->fd);
	*source = (struct sw_source){.fd = -1};
}

size_t sw_source_fill(struct sw_source *source, size_t want)
{
	size_t have = source->end - source->begin;

	if (want > SW_SOURCE_PIECE_MAX)
		want = SW_SOURCE_PIECE_MAX;
	memmove(source->buffer, source->buffer + source->begin, have);
	source->begin = 0;
	source->end = have;
	if (want > source->size) {
		source->buffer = sw_realloc(source->buffer, want);
		source->size = want;
	}
	while (source->end < want && !source->finished) {
		ssize_t got = pull(source, source->buffer + source->end, source->size - source->end);

		if (got <= 0)
			source->finished = true;
		else
			source->end += (size_t)got;
	}
	return source->end;
}

bool sw_source_skip(struct sw_source *source, uint64_t length)
{
	while (length) {
		size_t have = sw_source_have(source, 1);

		if (!have)
			return false;
		if (have > length)
			have = (size_t)length;
		sw_source_consume(source, have);
		length -= have;
	}
	return true;
}
