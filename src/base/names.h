/* Names of numbers: errno, signals, address families, socket options; both ways, for reports and for strace's text. */
#ifndef SW_BASE_NAMES_H
#define SW_BASE_NAMES_H

const char *sw_errno_name(int error); /* "ECONNREFUSED"; "0" for 0; "E999" never NULL (static buffer per thread) */
int sw_errno_number(const char *name); /* 0 when unknown; knows the kernel's ERESTART* too (512..) */
const char *sw_signal_name(int signal); /* "SIGTERM" */
const char *sw_family_name(int family); /* "AF_INET" */
const char *sw_protocol_name(int protocol); /* "tcp", "udp", "icmp", ... */

#endif
