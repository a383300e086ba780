/* See stack_objects.h. proc(5): map_files, root. */
#include "tracer/stack/stack_objects.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tracer/kernel/proc.h"

#define VDSO "[vdso]"
#define VDSO_MAX 65536u

/* The kernel's own object is in no file: its bytes are. */
static int copy_vdso(pid_t pid, const struct sw_mapping *mapping)
{
	size_t length = mapping->end - mapping->begin < VDSO_MAX ? (size_t)(mapping->end - mapping->begin) : VDSO_MAX;
	sw_auto_free char *bytes = sw_alloc(length);
	struct iovec to = {bytes, length}, from = {(void *)(uintptr_t)mapping->begin, length};

	if (process_vm_readv(pid, &to, 1, &from, 1, 0) != (ssize_t)length)
		return -1;
	int fd = memfd_create("vdso", MFD_CLOEXEC);

	if (fd >= 0 && pwrite(fd, bytes, length, 0) != (ssize_t)length) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_it(int fd, const struct sw_mapping *mapping, struct stat *status)
{
	return fstat(fd, status) == 0 && S_ISREG(status->st_mode) && status->st_ino == mapping->inode;
}

/* The mapping's own link leads to the file even where its name is gone; who may not follow it takes the name. Not blocking: in place of
 * the mapped file a pipe may have that name by now. */
static int open_mapped(pid_t pid, const struct sw_mapping *mapping, const char *path, struct stat *status)
{
	char full[4200];
	int fd;

	snprintf(full, sizeof full, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, mapping->begin, mapping->end);
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && is_it(fd, mapping, status))
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(full, sizeof full, "/proc/%d/root%s", (int)pid, path);
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && is_it(fd, mapping, status))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* /tmp/perf-PID.map, as the process sees folder and number. Its own file, or root's: another's would name what it likes. perf-report(1)
 * and the kernel's tools/perf/Documentation/jit-interface.txt. */
static int open_jit(pid_t pid, char *name, size_t size)
{
	uint32_t inside = sw_proc_pid_inside(pid);
	struct stat process, status;
	char path[96];

	snprintf(name, size, "perf-%u.map", inside ? inside : (uint32_t)pid);
	snprintf(path, sizeof path, "/proc/%d/root/tmp/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	if (fd >= 0 && (stat(path, &process) != 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
			(status.st_uid && status.st_uid != process.st_uid))) {
		close(fd);
		return -1;
	}
	return fd;
}

int sw_objects_jit(struct sw_objects *objects, pid_t pid)
{
	char name[64];

	for (size_t i = 0; i < objects->objects.count; i++)
		if (objects->objects.items[i].written_by == pid)
			return (int)i;
	if (objects->objects.count >= SW_OBJECTS_MAX)
		return -1;
	int fd = open_jit(pid, name, sizeof name);

	if (fd < 0)
		return -1;
	struct sw_object *object = SW_ARRAY_ADD(&objects->objects);

	object->fd = fd;
	object->written_by = pid;
	snprintf(object->name, sizeof object->name, "%s", name);
	return (int)objects->objects.count - 1;
}

static void add(struct sw_objects *objects, pid_t pid, const struct sw_mapping *mapping, const char *path)
{
	const char *base = strrchr(path, '/');
	struct sw_object *object = SW_ARRAY_ADD(&objects->objects);
	struct stat status = {0};

	snprintf(object->name, sizeof object->name, "%s", base ? base + 1 : path);
	object->fd = mapping->inode ? open_mapped(pid, mapping, path, &status) : copy_vdso(pid, mapping);
	object->inode = mapping->inode;
	object->device = status.st_dev;
	for (size_t i = 0; i + 1 < objects->objects.count; i++)
		if (strcmp(objects->objects.items[i].name, object->name) == 0)
			object->ambiguous = objects->objects.items[i].ambiguous = true;
}

int sw_objects_get(struct sw_objects *objects, pid_t pid, const struct sw_mapping *mapping, const char *path)
{
	if (mapping->inode ? path[0] != '/' : strcmp(path, VDSO) != 0)
		return -1;
	/* By the inode alone: maps' device number is not always stat's (btrfs, overlayfs). */
	for (size_t i = 0; i < objects->objects.count; i++)
		if (objects->objects.items[i].inode == mapping->inode && !objects->objects.items[i].written_by)
			return (int)i;
	if (objects->objects.count >= SW_OBJECTS_MAX)
		return -1;
	add(objects, pid, mapping, path);
	return (int)objects->objects.count - 1;
}

void sw_objects_ask(struct sw_objects *objects, uint32_t object, uint64_t offset, bool exact)
{
	for (size_t i = objects->questions.count; i--;) {
		const struct sw_frame_question *question = &objects->questions.items[i];

		if (question->object == object && question->offset == offset)
			return;
	}
	if (objects->questions.count < SW_QUESTIONS_MAX)
		*SW_ARRAY_ADD(&objects->questions) = (struct sw_frame_question){object, exact, offset};
}

void sw_objects_release(struct sw_objects *objects)
{
	for (size_t i = 0; i < objects->objects.count; i++)
		if (objects->objects.items[i].fd >= 0)
			close(objects->objects.items[i].fd);
	SW_ARRAY_RELEASE(&objects->objects);
	SW_ARRAY_RELEASE(&objects->questions);
}
