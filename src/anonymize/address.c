/* Addresses: each bit is turned or not by a keyed hash of the bits before it, so that two addresses share as long a prefix
 * afterwards as before (the scheme of Xu, Fan, Ammar and Moon, "Prefix-preserving IP address anonymization", ICNP 2002).
 *
 * Prefixes that have a meaning (private, link-local, multicast ...) are kept: no bit on the way to one is turned, which keeps the map one to
 * one. Loopback, unspecified, broadcast and well-known multicast addresses tell nothing and stay as they are. */
#include <string.h>
#include <uthash.h>

#include "src/anonymize/internal.h"

enum { DOMAIN_V4 = 4, DOMAIN_V6 = 6, DOMAIN_MAC = 1 };

/* ---- SipHash-2-4 (Aumasson and Bernstein 2012): a pseudo-random function with a short key -------------------------------- */

static uint64_t turned(uint64_t word, int by)
{
	return word << by | word >> (64 - by);
}

static void rounds(uint64_t v[4], int count)
{
	while (count--) {
		v[0] += v[1];
		v[1] = turned(v[1], 13) ^ v[0];
		v[0] = turned(v[0], 32);
		v[2] += v[3];
		v[3] = turned(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = turned(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = turned(v[1], 17) ^ v[2];
		v[2] = turned(v[2], 32);
	}
}

static uint64_t word_at(const uint8_t *bytes, size_t length)
{
	uint64_t word = 0;
	for (size_t i = 0; i < length && i < 8; i++)
		word |= (uint64_t)bytes[i] << 8 * i;
	return word;
}

/* `domain` is hashed before the bytes, so that the same bytes as a word and as an address have nothing in common. */
uint64_t sw_anonymizer_hash(const struct sw_anonymizer *anonymizer, uint8_t domain, const void *bytes, size_t length)
{
	uint64_t k0 = word_at(anonymizer->key, 8), k1 = word_at(anonymizer->key + 8, 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			 k1 ^ 0x7465646279746573};
	const uint8_t *at = bytes;
	uint64_t block = domain;
	size_t left = length;
	bool last = false;
	for (;;) {
		v[3] ^= block;
		rounds(v, 2);
		v[0] ^= block;
		if (last)
			break;
		last = left < 8;
		block = word_at(at, left) | (last ? (uint64_t)(length + 8) << 56 : 0);
		at += last ? left : 8;
		left -= last ? left : 8;
	}
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- what is kept ------------------------------------------------------------------------------------------------------- */

struct prefix {
	uint8_t bits;
	uint8_t bytes[16];
};

/* RFC 6890 and RFC 5771. To add one: its bits and bytes. */
static const struct prefix kept4[] = {
	{8, {0}},        {8, {10}},        {10, {100, 64}}, {8, {127}}, {16, {169, 254}},
	{12, {172, 16}}, {16, {192, 168}}, {4, {224}},      {4, {240}},
};
/* A unique local prefix is random below its first 8 bits and names the site; what an IPv4 address is embedded in stays apart. */
static const struct prefix kept6[] = {
	{96, {0}},
	{96, {[10] = 0xff, [11] = 0xff}},
	{96, {0x00, 0x64, 0xff, 0x9b}},
	{3, {0x20}},
	{8, {0xfc}},
	{8, {0xfd}},
	{64, {0xfe, 0x80}},
	{16, {0xff, 0x02}},
	{8, {0xff}},
};

static bool bit_of(const uint8_t *bytes, unsigned at)
{
	return bytes[at / 8] >> (7 - at % 8) & 1;
}

/* The first `bits` of both are equal. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool on_the_way(const struct prefix *kept, size_t count, const uint8_t *bytes, unsigned at)
{
	for (size_t i = 0; i < count; i++)
		if (at < kept[i].bits && same_bits(kept[i].bytes, bytes, at))
			return true;
	return false;
}

static bool tells_nothing4(const uint8_t *bytes)
{
	static const uint8_t everybody[4] = {255, 255, 255, 255}, none[4] = {0};
	return bytes[0] == 127 || memcmp(bytes, everybody, 4) == 0 || memcmp(bytes, none, 4) == 0 ||
	       (bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0);
}

static bool tells_nothing6(const uint8_t *bytes)
{
	static const uint8_t zeros[16] = {0};
	if (bytes[0] == 0xff)
		return memcmp(bytes + 2, zeros, 12) == 0; /* ff02::1, ff02::fb ... */
	return memcmp(bytes, zeros, 15) == 0 && bytes[15] <= 1;
}

/* ---- the map ------------------------------------------------------------------------------------------------------------ */

static void turn_bits(const struct sw_anonymizer *anonymizer, uint8_t *bytes, unsigned bits)
{
	const struct prefix *kept = bits == 32 ? kept4 : kept6;
	size_t count = bits == 32 ? SW_COUNT(kept4) : SW_COUNT(kept6);
	uint8_t original[16] = {0}, seen[17] = {0};
	memcpy(original, bytes, bits / 8);
	for (unsigned at = 0; at < bits; at++) {
		seen[16] = (uint8_t)at;
		uint64_t hash = sw_anonymizer_hash(anonymizer, bits == 32 ? DOMAIN_V4 : DOMAIN_V6, seen, sizeof seen);
		if (hash & 1 && !on_the_way(kept, count, original, at))
			bytes[at / 8] ^= (uint8_t)(0x80 >> at % 8);
		if (bit_of(original, at))
			seen[at / 8] |= (uint8_t)(0x80 >> at % 8);
	}
}

struct known_ip {
	struct sw_ip original, shown;
	UT_hash_handle hh;
};

struct sw_known_ips {
	struct known_ip *all;
};

#define KNOWN_MAX 65536u /* what is forgotten is computed again, and the same */

static void forget_all(struct sw_known_ips *ips)
{
	struct known_ip *known, *next;
	HASH_ITER (hh, ips->all, known, next) {
		HASH_DEL(ips->all, known);
		free(known);
	}
}

void sw_known_ips_free(struct sw_known_ips *ips)
{
	if (!ips)
		return;
	forget_all(ips);
	free(ips);
}

struct sw_ip sw_anonymizer_ip(struct sw_anonymizer *anonymizer, const struct sw_ip *ip)
{
	struct known_ip *known;
	if (!anonymizer || (ip->family == 4 ? tells_nothing4(ip->bytes) : ip->family != 6 || tells_nothing6(ip->bytes)))
		return *ip;
	if (!anonymizer->ips)
		anonymizer->ips = sw_alloc(sizeof *anonymizer->ips);
	struct sw_known_ips *ips = anonymizer->ips;
	HASH_FIND(hh, ips->all, ip, sizeof *ip, known);
	if (known)
		return known->shown;
	if (HASH_COUNT(ips->all) >= KNOWN_MAX)
		forget_all(ips);
	known = sw_alloc(sizeof *known);
	known->original = known->shown = *ip;
	turn_bits(anonymizer, known->shown.bytes, ip->family == 4 ? 32 : 128);
	HASH_ADD(hh, ips->all, original, sizeof known->original, known);
	return known->shown;
}

void sw_anonymizer_bytes4(struct sw_anonymizer *anonymizer, uint8_t *bytes)
{
	struct sw_ip ip = {.family = 4};
	memcpy(ip.bytes, bytes, 4);
	ip = sw_anonymizer_ip(anonymizer, &ip);
	memcpy(bytes, ip.bytes, 4);
}

/* An IPv4 address inside (mapped, or NAT64 of RFC 6052) stays the same as elsewhere. */
void sw_anonymizer_bytes16(struct sw_anonymizer *anonymizer, uint8_t *bytes)
{
	struct sw_ip ip = {.family = 6};
	if (same_bits(kept6[1].bytes, bytes, kept6[1].bits)) {
		sw_anonymizer_bytes4(anonymizer, bytes + 12);
		return;
	}
	memcpy(ip.bytes, bytes, 16);
	ip = sw_anonymizer_ip(anonymizer, &ip);
	memcpy(bytes, ip.bytes, 16);
}

/* Zeros and broadcast stay; multicast keeps its kind, but what it has of an address; every other becomes a locally administered one. */
void sw_anonymizer_mac(const struct sw_anonymizer *anonymizer, uint8_t mac[6])
{
	static const uint8_t zeros[6] = {0}, everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	if (memcmp(mac, zeros, 6) == 0 || memcmp(mac, everybody, 6) == 0)
		return;
	uint64_t hash = sw_anonymizer_hash(anonymizer, DOMAIN_MAC, mac, 6);
	if (mac[0] & 1) {
		memset(mac + 3, 0, 3);
		return;
	}
	for (int i = 1; i < 6; i++)
		mac[i] = (uint8_t)(hash >> 8 * i);
	mac[0] = 0x02;
}
