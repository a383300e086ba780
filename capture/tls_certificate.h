/* The body of a Certificate message, up to TLS 1.2. Between tls.c and tls_certificate.c. */
#ifndef SW_CAPTURE_TLS_CERTIFICATE_H
#define SW_CAPTURE_TLS_CERTIFICATE_H

#include "capture/tls.h"

void sw_tls_certificate(struct sw_tls_certificate *certificate, const uint8_t *bytes, size_t length);

#endif
