/* DNS and TLS of packets that are delivered: sets `dns` and `tls` of a packet, and keeps what following them needs.
 *
 * What the pointers lead to is valid until the next packet. Memory is fixed: a bounded number of streams, the
 * longest unused gives way. */
#ifndef SW_CAPTURE_APPLICATION_H
#define SW_CAPTURE_APPLICATION_H

#include "capture/packet.h"

struct sw_application;

struct sw_application *sw_application_new(void);
void sw_application_free(struct sw_application *application);
void sw_application_packet(struct sw_application *application, struct sw_packet *packet);

#endif
