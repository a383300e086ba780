/* The ring behind ring.h: a page of positions and a power of two of bytes, shared by two processes.
 *
 * Positions only grow; a record starts at position modulo size. Where a record would cross the end, a gap mark fills the rest. The
 * producer owns `head`, the consumer `tail`; what is read of the other's is copied once and checked. */
#include "src/base/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/mem.h"

#define GAP UINT32_MAX /* length of a mark that says: go on at the start of the ring */

struct mark { /* before each record */
	uint32_t length;
	uint32_t spare;
};

struct shared {
	_Alignas(64) _Atomic uint64_t head; /* bytes published */
	_Atomic uint64_t lost; /* records */
	_Atomic uint32_t finished;
	_Alignas(64) _Atomic uint64_t tail; /* bytes consumed */
	_Alignas(64) _Atomic uint64_t wake_at; /* the head at which the sleeping consumer is woken; UINT64_MAX: awake */
};

struct sw_ring {
	struct shared *shared;
	unsigned char *bytes;
	size_t size, mapped;
	int fd;
	uint64_t head; /* producer's own copy: what the consumer writes cannot move it */
	uint64_t reserved_at; /* position of the reservation, room after it */
	size_t reserved;
	uint64_t tail; /* consumer's own copy */
	size_t current; /* bytes of the record that was peeked, mark included; 0 none */
};

static size_t padded(size_t length)
{
	return sizeof(struct mark) + ((length + 7) & ~(size_t)7);
}

struct sw_ring *sw_ring_new(size_t size, struct sw_err *err)
{
	size_t header = 4096, mapped = header + size;

	if (size < 4096 || (size & (size - 1)) || size > (size_t)1 << 31) {
		sw_err_set(err, -EINVAL, "a ring of %zu bytes: the size must be a power of two", size);
		return NULL;
	}
	unsigned char *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		sw_err_set(err, -errno, "cannot get %zu bytes of shared memory: %s", mapped, strerror(errno));
		return NULL;
	}
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		sw_err_set(err, -errno, "cannot make an eventfd: %s", strerror(errno));
		munmap(memory, mapped);
		return NULL;
	}
	struct sw_ring *ring = sw_alloc(sizeof *ring);
	*ring = (struct sw_ring){
		.shared = (struct shared *)memory, .bytes = memory + header, .size = size, .mapped = mapped, .fd = fd};
	atomic_store(&ring->shared->wake_at, UINT64_MAX);
	return ring;
}

void sw_ring_free(struct sw_ring *ring)
{
	if (!ring)
		return;
	munmap(ring->shared, ring->mapped);
	close(ring->fd);
	free(ring);
}

/* ---- producer -------------------------------------------------------------------------------------------------- */

static void mark_at(struct sw_ring *ring, uint64_t position, uint32_t length)
{
	struct mark mark = {.length = length};

	memcpy(ring->bytes + (position & (ring->size - 1)), &mark, sizeof mark);
}

void *sw_ring_reserve(struct sw_ring *ring, size_t length)
{
	uint64_t tail = atomic_load_explicit(&ring->shared->tail, memory_order_acquire);
	uint64_t used = ring->head - tail;
	size_t need = padded(length), offset = ring->head & (ring->size - 1);
	size_t gap = offset + need > ring->size ? ring->size - offset : 0;

	ring->reserved = 0;
	/* A tail beyond the head is the work of a broken consumer: then there is no room. */
	if (length > ring->size / 2 || used > ring->size || need + gap > ring->size - used) {
		atomic_fetch_add_explicit(&ring->shared->lost, 1, memory_order_relaxed);
		return NULL;
	}
	if (gap)
		mark_at(ring, ring->head, GAP);
	ring->reserved_at = ring->head + gap;
	ring->reserved = length;
	return ring->bytes + (ring->reserved_at & (ring->size - 1)) + sizeof(struct mark);
}

static void wake(struct sw_ring *ring)
{
	uint64_t one = 1;

	atomic_store(&ring->shared->wake_at, UINT64_MAX);
	if (write(ring->fd, &one, sizeof one) < 0)
		return; /* full: then the consumer has been told often enough */
}

void sw_ring_publish(struct sw_ring *ring, size_t length)
{
	if (!ring->reserved || length > ring->reserved)
		return;
	mark_at(ring, ring->reserved_at, (uint32_t)length);
	ring->head = ring->reserved_at + padded(length);
	ring->reserved = 0;
	/* Sequentially consistent, as in sw_ring_sleep(): of publishing and going to sleep one must see the other. */
	atomic_store(&ring->shared->head, ring->head);
	if (ring->head >= atomic_load(&ring->shared->wake_at))
		wake(ring);
}

void sw_ring_finish(struct sw_ring *ring)
{
	atomic_store(&ring->shared->finished, 1);
	wake(ring);
}

/* ---- consumer -------------------------------------------------------------------------------------------------- */

const void *sw_ring_peek(struct sw_ring *ring, size_t *length)
{
	for (;;) {
		uint64_t there = atomic_load_explicit(&ring->shared->head, memory_order_acquire) - ring->tail;
		size_t offset = ring->tail & (ring->size - 1), room = ring->size - offset;
		struct mark mark;

		if (there < sizeof mark || there > ring->size)
			return NULL;
		memcpy(&mark, ring->bytes + offset, sizeof mark);
		if (mark.length == GAP && there >= room) {
			ring->tail += room;
			continue;
		}
		if (mark.length > ring->size / 2 || padded(mark.length) > room || padded(mark.length) > there)
			return NULL;
		ring->current = padded(mark.length);
		*length = mark.length;
		return ring->bytes + offset + sizeof mark;
	}
}

void sw_ring_consumed(struct sw_ring *ring)
{
	ring->tail += ring->current;
	ring->current = 0;
	atomic_store_explicit(&ring->shared->tail, ring->tail, memory_order_release);
}

uint64_t sw_ring_lost(const struct sw_ring *ring)
{
	return atomic_load_explicit(&ring->shared->lost, memory_order_relaxed);
}

bool sw_ring_finished(const struct sw_ring *ring)
{
	return atomic_load(&ring->shared->finished) != 0;
}

bool sw_ring_sleep(struct sw_ring *ring, size_t bytes)
{
	uint64_t wake_at = ring->tail + (bytes ? bytes : 1);

	atomic_store(&ring->shared->wake_at, wake_at);
	if (atomic_load(&ring->shared->head) < wake_at && !sw_ring_finished(ring))
		return true;
	sw_ring_woken(ring);
	return false;
}

int sw_ring_fd(const struct sw_ring *ring)
{
	return ring->fd;
}

void sw_ring_woken(struct sw_ring *ring)
{
	uint64_t count;

	atomic_store(&ring->shared->wake_at, UINT64_MAX);
	if (read(ring->fd, &count, sizeof count) < 0)
		return; /* woken by its time-out */
}
