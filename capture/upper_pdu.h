/* Records of link type 252 (LINKTYPE_WIRESHARK_UPPER_PDU): text that stock Wireshark shows as a packet, through a
 * dissector that the record names. Tags of two bytes type and two bytes length, in network order; then the data. */
#ifndef SW_CAPTURE_UPPER_PDU_H
#define SW_CAPTURE_UPPER_PDU_H

#include <stddef.h>
#include <stdint.h>

/* Writes tags and data into `buffer`; returns the length, cut to `size`. */
size_t sw_upper_pdu_make(const char *dissector, const char *text, size_t length, uint8_t *buffer, size_t size);

#endif
