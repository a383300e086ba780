/* A 64-bit hash of fields, one after the other: sw_hash_mix(sw_hash_mix(begin, first), second). Not for what an attacker may choose to
 * collide at a price: who keys a table by it bounds the table and compares what it finds. */
#ifndef SW_BASE_HASH_H
#define SW_BASE_HASH_H

#include <stdint.h>

static inline uint64_t sw_hash_mix(uint64_t key, uint64_t value)
{
	key = (key ^ value) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio */
	return key ^ key >> 29;
}

#endif
