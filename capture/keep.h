/* How much of a frame is kept: headers; payload only of DNS and of the TLS handshake. "Safe by default".
 *
 * Enters: a decoded packet and its frame. Leaves: a number of bytes from the frame's begin. */
#ifndef SW_CAPTURE_KEEP_H
#define SW_CAPTURE_KEEP_H

#include "capture/packet.h"

struct sw_keep;

struct sw_keep *sw_keep_new(bool payload); /* payload: keep all */
void sw_keep_free(struct sw_keep *keep);
uint32_t sw_keep_length(struct sw_keep *keep, const struct sw_packet *packet, const uint8_t *frame, uint32_t captured);

#endif
