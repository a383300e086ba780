/* The Internet checksum, RFC 1071: sums of 16-bit words in memory order, so that no byte order is needed to compare
 * them. */
#ifndef SW_CAPTURE_CHECKSUM_H
#define SW_CAPTURE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/addr.h"

uint64_t sw_checksum_add(uint64_t sum, const uint8_t *bytes, size_t length);
uint16_t sw_checksum_fold(uint64_t sum);
/* Of the pseudo header: RFC 9293 section 3.1, RFC 8200 section 8.1. */
uint64_t sw_checksum_pseudo(const struct sw_ip *src, const struct sw_ip *dst, uint8_t protocol, uint32_t length);

#endif
