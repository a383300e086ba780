/* See outputs.h. Enters: the names of -o. Leaves: streams, and finished files. Knows nothing of what is written. */
#include "src/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600 /* a capture may hold what others must not read */

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
		return "; make the folder first";
	case EACCES:
	case EPERM:
	case EROFS:
		return "; choose a folder that you may write to";
	case EISDIR:
		return "; name a file in it";
	case ENOSPC:
	case EDQUOT:
		return "; make room or choose another disk";
	default:
		return "";
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

static int open_one(struct sw_output_file *file, const struct sw_output *output, struct sw_err *err)
{
	struct stat old;
	*file = (struct sw_output_file){.output = output};
	if (strcmp(output->path, "-") == 0) {
		sw_auto_close int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		if (fd < 0 || !(file->stream = fdopen(fd, "w")))
			return sw_err_set(err, -errno, "standard output cannot be written: %s", strerror(errno));
		fd = -1;
		return 0;
	}
	bool exists = stat(output->path, &old) == 0;
	if (exists && S_ISDIR(old.st_mode))
		return failed(err, output->path, EISDIR);
	if (exists && !S_ISREG(old.st_mode))
		return open_stream(file, output->path, 0, err);
	if (exists && access(output->path, W_OK) < 0)
		return failed(err, output->path, errno);
	file->temporary = sw_format("%s.%ld.tmp", output->path, (long)getpid());
	int code = open_stream(file, file->temporary, O_CREAT | O_EXCL | O_NOFOLLOW, err);
	if (code < 0) {
		free(file->temporary);
		file->temporary = NULL;
	}
	return code;
}

int sw_outputs_open(struct sw_outputs *outputs, const struct sw_options *options, struct sw_err *err)
{
	outputs->count = 0;
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
	free(file->temporary);
	file->stream = NULL;
	file->temporary = NULL;
}

int sw_output_finish(struct sw_output_file *file, struct sw_err *err)
{
	errno = 0;
	int error = ferror(file->stream) ? EIO : 0;
	if (fflush(file->stream) != 0)
		error = errno;
	if (fclose(file->stream) != 0 && !error)
		error = errno;
	file->stream = NULL;
	if (!error && file->temporary && rename(file->temporary, file->output->path) < 0)
		error = errno;
	if (!error) {
		free(file->temporary);
		file->temporary = NULL;
		return 0;
	}
	forget(file);
	return failed(err, file->output->path, error);
}

void sw_outputs_release(struct sw_outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		forget(&outputs->files[i]);
	outputs->count = 0;
}
