/* ClientHello and ServerHello bodies. Between tls.c and tls_hello.c. */
#ifndef SW_CAPTURE_TLS_HELLO_H
#define SW_CAPTURE_TLS_HELLO_H

#include "capture/tls.h"

void sw_tls_client_hello(struct sw_tls_hello *hello, const uint8_t *bytes, size_t length);
void sw_tls_server_hello(struct sw_tls_hello *hello, const uint8_t *bytes, size_t length);

#endif
