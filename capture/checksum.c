/* The Internet checksum. Enters: bytes. Leaves: sums; whether they are right is the decoder's to say. */
#include "capture/checksum.h"

#include <string.h>

uint64_t sw_checksum_add(uint64_t sum, const uint8_t *bytes, size_t length)
{
	uint32_t word;
	uint8_t last[4] = {0};

	for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
		memcpy(&word, bytes, sizeof word);
		sum += word;
	}
	if (length) {
		memcpy(last, bytes, length);
		memcpy(&word, last, sizeof word);
		sum += word;
	}
	return sum;
}

uint16_t sw_checksum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t sw_checksum_pseudo(const struct sw_ip *src, const struct sw_ip *dst, uint8_t protocol, uint32_t length)
{
	size_t size = src->family == 4 ? 4 : 16;
	uint8_t tail[8] = {(uint8_t)(length >> 24),
			   (uint8_t)(length >> 16),
			   (uint8_t)(length >> 8),
			   (uint8_t)length,
			   0,
			   0,
			   0,
			   protocol};
	uint64_t sum = sw_checksum_add(0, src->bytes, size);

	sum = sw_checksum_add(sum, dst->bytes, size);
	return sw_checksum_add(sum, tail, sizeof tail);
}
