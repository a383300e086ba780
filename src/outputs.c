/* See outputs.h. Enters: the names of -o. Leaves: streams, and finished files. Knows nothing of what is written. */
#include "src/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/stray.h"

#define FILE_MODE 0600 /* a capture may hold what others must not read */
#define PATIENCE_MS 10000
#define READER_TICK_MS 20

static const char *advice(int error)
{
	switch (error) {
	case ENOENT: return "; make the folder first";
	case EACCES:
	case EPERM:
	case EROFS: return "; choose a folder that you may write to";
	case EISDIR: return "; name a file in it";
	case ENOSPC:
	case EDQUOT: return "; make room or choose another disk";
	default: return "";
	}
}

static int failed(struct sw_err *err, const char *path, int error)
{
	return sw_err_set(err, -error, "%s: cannot be written: %s%s", path, strerror(error), advice(error));
}

static int open_stream(struct sw_output_file *file, const char *path, int flags, struct sw_err *err)
{
	sw_auto_close int fd = open(path, flags | O_WRONLY | O_CLOEXEC | O_NOCTTY, FILE_MODE);
	if (fd < 0)
		return failed(err, file->output->path, errno);
	file->stream = fdopen(fd, "w");
	if (!file->stream)
		return failed(err, file->output->path, errno);
	fd = -1;
	return 0;
}

static int open_memory(struct sw_output_file *file, struct sw_err *err)
{
	sw_auto_close int fd = memfd_create("sockwhy-output", MFD_CLOEXEC);
	if (fd < 0 || !(file->stream = fdopen(fd, "w+")))
		return failed(err, file->output->path, errno);
	fd = -1;
	file->handed_over = true;
	return 0;
}

/* open(2): without a reader this would wait, so it fails (ENXIO) and is tried again when there is something to say. */
static int open_fifo(const char *path)
{
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

static int open_standard(struct sw_output_file *file, struct sw_err *err)
{
	file->pipe = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (file->pipe < 0)
		return sw_err_set(err, -errno, "standard output cannot be written: %s", strerror(errno));
	if (!isatty(file->pipe))
		return open_memory(file, err);
	file->stream = fdopen(file->pipe, "w");
	if (!file->stream)
		return sw_err_set(err, -errno, "standard output cannot be written: %s", strerror(errno));
	file->pipe = -1;
	return 0;
}

static int open_regular(struct sw_output_file *file, struct sw_err *err)
{
	file->temporary = sw_format("%s.%ld.tmp", file->output->path, (long)getpid());
	sw_stray_hold();
	int code = open_stream(file, file->temporary, O_CREAT | O_EXCL | O_NOFOLLOW, err);
	if (code < 0) {
		free(file->temporary);
		file->temporary = NULL;
	} else {
		sw_stray_add(file->temporary);
	}
	sw_stray_release();
	return code;
}

/* /dev/stdout and /proc/self/fd/3 are other names of what is open already, perhaps of a file that others write to as well. */
static bool names_open_file(const char *path)
{
	return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

static int open_one(struct sw_output_file *file, const struct sw_output *output, struct sw_err *err)
{
	struct stat old;
	const char *path = output->path;
	*file = (struct sw_output_file){.output = output, .pipe = -1};
	if (strcmp(path, "-") == 0)
		return open_standard(file, err);
	bool exists = stat(path, &old) == 0;
	if (exists && S_ISDIR(old.st_mode))
		return failed(err, path, EISDIR);
	if (exists && access(path, W_OK) < 0)
		return failed(err, path, errno);
	if (exists && S_ISFIFO(old.st_mode)) {
		file->pipe = open_fifo(path);
		return file->pipe < 0 && errno != ENXIO ? failed(err, path, errno) : open_memory(file, err);
	}
	if (exists && (!S_ISREG(old.st_mode) || names_open_file(path)))
		return open_stream(file, path, O_APPEND, err);
	return open_regular(file, err);
}

int sw_outputs_open(struct sw_outputs *outputs, const struct sw_options *options, struct sw_err *err)
{
	outputs->count = 0;
	outputs->patience_ms = options->command == SW_COMMAND_EXPLAIN ? -1 : PATIENCE_MS;
	for (size_t i = 0; i < options->output_count; i++) {
		int code = open_one(&outputs->files[i], &options->outputs[i], err);
		if (code < 0) {
			sw_outputs_release(outputs);
			return code;
		}
		outputs->count++;
	}
	return 0;
}

static void forget(struct sw_output_file *file)
{
	if (file->stream)
		fclose(file->stream);
	if (file->temporary)
		unlink(file->temporary);
	sw_stray_remove(file->temporary);
	if (file->pipe >= 0)
		close(file->pipe);
	free(file->temporary);
	file->stream = NULL;
	file->temporary = NULL;
	file->pipe = -1;
}

/* ---- pipes ---- */

/* A pipe that poll(2) calls writable takes PIPE_BUF bytes without waiting (pipe(7)). O_NONBLOCK is not for us to set: it would
 * hold for all who share the pipe. */
int sw_output_send(int fd, const char *bytes, size_t length, int patience_ms)
{
	while (length > 0) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
		int ready = poll(&poll_fd, 1, patience_ms);
		if (ready == 0)
			return -ETIMEDOUT;
		ssize_t written = ready < 0 ? -1 : write(fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

/* Once more, and for as long as patience lasts: a reader may come late. */
static int await_reader(const char *path, int patience_ms)
{
	for (int waited = 0;; waited += READER_TICK_MS) {
		int fd = open_fifo(path);
		if (fd >= 0)
			return fd;
		if (errno != ENXIO)
			return -errno;
		if (patience_ms >= 0 && waited >= patience_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, READER_TICK_MS);
	}
}

static int hand_over(const struct sw_outputs *outputs, struct sw_output_file *file)
{
	char bytes[65536];
	ssize_t length = 0;
	int code = 0;
	if (file->pipe < 0)
		file->pipe = await_reader(file->output->path, outputs->patience_ms);
	if (file->pipe < 0)
		return file->pipe;
	off_t at = 0;
	while (code == 0 && (length = pread(fileno(file->stream), bytes, sizeof bytes, at)) > 0) {
		code = sw_output_send(file->pipe, bytes, (size_t)length, outputs->patience_ms);
		at += length;
	}
	return length < 0 ? -errno : code;
}

/* ---- the end of one ---- */

/* stdio forgets why an earlier write failed; the next one fails for the same reason. The file is not going to be kept. */
static int why_broken(int fd)
{
	static const char zeros[65536];
	for (int i = 0; i < 2 && !isatty(fd); i++)
		if (write(fd, zeros, sizeof zeros) < 0)
			return errno;
	return EIO;
}

static int finish(const struct sw_outputs *outputs, struct sw_output_file *file)
{
	bool broken = ferror(file->stream);
	int error = fflush(file->stream) != 0 ? errno : broken ? why_broken(fileno(file->stream)) : 0;
	if (!error && file->handed_over)
		error = -hand_over(outputs, file);
	if (fclose(file->stream) != 0 && !error)
		error = errno;
	file->stream = NULL;
	if (!error && file->temporary && rename(file->temporary, file->output->path) < 0)
		error = errno;
	return error;
}

int sw_output_finish(const struct sw_outputs *outputs, struct sw_output_file *file, struct sw_err *err)
{
	int error = finish(outputs, file);
	if (!error) {
		sw_stray_remove(file->temporary);
		free(file->temporary);
		file->temporary = NULL;
	}
	forget(file);
	if (error == ETIMEDOUT)
		return sw_err_set(err, -error, "%s: nobody reads it: the report was given up after %d s",
				  file->output->path, outputs->patience_ms / 1000);
	return error ? failed(err, file->output->path, error) : 0;
}

void sw_outputs_release(struct sw_outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		forget(&outputs->files[i]);
	outputs->count = 0;
}
