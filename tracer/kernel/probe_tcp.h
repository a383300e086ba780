/* struct tcp_info as a fact. Enters: the bytes that the kernel filled, as many as it knows. Leaves: fields; those
 * that this kernel does not know are absent. */
#ifndef SW_TRACER_PROBE_TCP_H
#define SW_TRACER_PROBE_TCP_H

#include "tracer/kernel/probe_fact.h"

/* Fact "tcp-info" of a connection. */
void sw_tcp_info_fact(struct sw_fact_draft *draft, const uint8_t *bytes, size_t length);
/* A listener's TCP_INFO: its accept queue and the limit; false when the bytes are too few. */
bool sw_tcp_info_connecting(const uint8_t *bytes, size_t length); /* SYN_SENT */
bool sw_tcp_info_queue(const uint8_t *bytes, size_t length, uint32_t *queue, uint32_t *backlog);

#endif
