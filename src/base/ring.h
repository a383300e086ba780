/* A ring of records in shared memory: one process writes, another reads, and neither can hold the other up.
 *
 * Invariants: exactly one producer and one consumer. The memory is shared across fork (MAP_SHARED). A record is contiguous, 8-byte
 * aligned and at most half the ring. When there is no room the producer counts the record as lost and goes on. Each side
 * checks what the other wrote before it believes it: a position out of range ends the reading, and never leads outside.
 * The consumer is woken through an eventfd only when it said that it sleeps.
 *
 * Life: sw_ring_new before the fork, used by both, sw_ring_free by each. The death of one side leaves the other working:
 * what was published before a producer died is read to the end. */
#ifndef SW_BASE_RING_H
#define SW_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

struct sw_ring;

#define SW_RING_DEFAULT ((size_t)16 << 20)

/* `size`: a power of two of at least 4096 bytes. NULL with err set when the memory cannot be had. */
struct sw_ring *sw_ring_new(size_t size, struct sw_err *err);
void sw_ring_free(struct sw_ring *ring);

/* Producer: room for a record of `length` bytes, or NULL: counted as lost. Publish makes it visible, with the length it then has (at
 * most what was reserved); a reservation that is not published is forgotten by the next one. */
void *sw_ring_reserve(struct sw_ring *ring, size_t length);
void sw_ring_publish(struct sw_ring *ring, size_t length);
void sw_ring_finish(struct sw_ring *ring); /* nothing more will come; wakes the consumer */

/* Consumer: the next record and its length, or NULL when there is none now. It stays valid until sw_ring_consumed(). */
const void *sw_ring_peek(struct sw_ring *ring, size_t *length);
void sw_ring_consumed(struct sw_ring *ring);
uint64_t sw_ring_lost(const struct sw_ring *ring); /* records that found no room */
bool sw_ring_finished(const struct sw_ring *ring); /* the producer said so; drain until peek gives NULL */

/* Before polling sw_ring_fd() for reading: true when the consumer may sleep, false when a record is there already. It is
 * woken once `bytes` have come (1: by the next record); poll with a timeout to see fewer. After waking: sw_ring_woken(). */
bool sw_ring_sleep(struct sw_ring *ring, size_t bytes);
int sw_ring_fd(const struct sw_ring *ring);
void sw_ring_woken(struct sw_ring *ring);

#endif
