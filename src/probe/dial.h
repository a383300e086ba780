/* Many connection attempts and pings at once, and what came back for each: for src/probe/ alone.
 *
 * TCP attempts are plain connect(2)s with IP_TTL set, so that they take the way of the program's own and need no privilege;
 * an ICMP error is read from the socket's error queue (ip(7), IP_RECVERR). A connection that comes about is reset at once.
 * Pings need CAP_NET_RAW, or a group in net.ipv4.ping_group_range (icmp(7)). */
#ifndef SW_PROBE_DIAL_H
#define SW_PROBE_DIAL_H

#include "src/base/addr.h"

#define SW_DIALS_MAX 32

enum sw_reach_how {
	SW_REACH_NOT_ASKED, /* no right, no route, too large for the interface: `error` */
	SW_REACH_SILENCE,
	SW_REACH_SYN_ACK,
	SW_REACH_RST,
	SW_REACH_ECHO,
	SW_REACH_TTL_EXCEEDED, /* by `by` */
	SW_REACH_TOO_BIG, /* by `by`, which takes `mtu` bytes */
	SW_REACH_REJECTED, /* another ICMP error, by `by` */
};

struct sw_reach {
	enum sw_reach_how how;
	int error; /* errno, 0 none */
	struct sw_ip by;
	uint32_t mtu;
	uint8_t ttl; /* of an echo reply, 0 unknown */
	int64_t after_ns;
};

struct sw_dial { /* one of them */
	struct sw_endpoint remote;
	struct sw_ip source; /* family 0: the kernel chooses */
	uint8_t ttl; /* 0: the default */
	uint32_t size; /* of a ping: of the whole IP packet; 0: small. DF is set, whatever the path MTU is held to be */
	bool ping;
	struct sw_reach reach; /* what came */
	/* inside */
	int fd;
	bool raw, done;
	int64_t began_ns;
};

/* Begins all and waits until each has its answer, at most `patience_ns`. */
void sw_dial(struct sw_dial *dials, size_t count, int64_t patience_ns);

#endif
