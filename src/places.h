/* Further places of capture: what --also-on names, and what the kernel knows of the way from a container to there.
 *
 * Enters: names, a network namespace. Leaves: open namespaces, names of interfaces, answers of rtnetlink(7). All questions are put in
 * our own network namespace, need no right and change nothing. */
#ifndef SW_PLACES_H
#define SW_PLACES_H

#include <net/if.h>

#include "src/base/addr.h"
#include "src/base/err.h"

#define SW_PLACES_MAX 4
#define SW_PLACE_NAME 80

struct sw_place {
	char name[SW_PLACE_NAME]; /* as the report calls it: "eth0", "router:eth0" */
	char interface[IF_NAMESIZE];
	int netns_fd; /* -1: our own */
};

/* "[NAMESPACE:]INTERFACE"; a namespace is a name of ip-netns(8), a process or a path. Checks that both are there; where that takes the
 * right to enter the namespace it is left to the capture. Close netns_fd. */
int sw_place_open(const char *text, struct sw_place *place, struct sw_err *err);

struct sw_veth { /* a device of a container, as it stands on this side */
	char name[IF_NAMESIZE]; /* of the end in our namespace */
	int index;
	int inside; /* index of the other end, in the container */
};
/* The veth pairs that join that namespace with ours; 0 where it is ours. */
size_t sw_place_veths(int netns_fd, struct sw_veth *veths, size_t room);

/* The device of the default route (IPv4's, else IPv6's). */
bool sw_place_uplink(char name[IF_NAMESIZE]);

struct sw_forwarding { /* where our namespace would send what comes in by `from` (0: what it sends itself) */
	int error; /* errno of the look-up; -1: it could not be asked */
	char device[IF_NAMESIZE]; /* "" none */
};
struct sw_forwarding sw_place_forwarding(int from, const struct sw_ip *source, const struct sw_ip *destination);

#endif
