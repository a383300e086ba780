/* The memory of a thread, by process_vm_readv(2), see tracee.h. */
#include <string.h>
#include <sys/uio.h>

#include "tracer/engine/tracee.h"

static size_t read_once(pid_t tid, uint64_t address, void *buffer, size_t length)
{
	struct iovec to = {.iov_base = buffer, .iov_len = length};
	struct iovec from = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
	ssize_t got = process_vm_readv(tid, &to, 1, &from, 1, 0);

	return got > 0 ? (size_t)got : 0;
}

size_t sw_tracee_read(const struct sw_tracee *tracee, uint64_t address, void *buffer, size_t length)
{
	/* One iovec is copied wholly or not at all where a page in it is missing on some kernels: then up to the page's end. */
	size_t to_page_end = 4096 - (size_t)(address & 4095);
	size_t got;

	if (!address || !length)
		return 0;
	got = read_once(tracee->tid, address, buffer, length);
	if (!got && length > to_page_end)
		got = read_once(tracee->tid, address, buffer, to_page_end);
	return got;
}

bool sw_tracee_read_all(const struct sw_tracee *tracee, uint64_t address, void *buffer, size_t length)
{
	return sw_tracee_read(tracee, address, buffer, length) == length;
}

bool sw_tracee_write(const struct sw_tracee *tracee, uint64_t address, const void *bytes, size_t length)
{
	struct iovec from = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	struct iovec to = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};

	return process_vm_writev(tracee->tid, &from, 1, &to, 1, 0) == (ssize_t)length;
}

size_t sw_tracee_word_size(const struct sw_tracee *tracee)
{
	return tracee->at.abi == SW_ABI_NATIVE ? sizeof(uint64_t) : sizeof(uint32_t);
}

uint64_t sw_tracee_word(const struct sw_tracee *tracee, const void *bytes, size_t index)
{
	const unsigned char *at = (const unsigned char *)bytes + index * sw_tracee_word_size(tracee);
	uint64_t wide;
	uint32_t narrow;

	if (tracee->at.abi == SW_ABI_NATIVE) {
		memcpy(&wide, at, sizeof wide);
		return wide;
	}
	memcpy(&narrow, at, sizeof narrow);
	return narrow;
}
