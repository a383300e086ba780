/* Name services of this host that a program asks over AF_UNIX: nscd, systemd-resolved (varlink), avahi.
 *
 * Enters: finished calls on their sockets, with the first bytes that they moved. Leaves: what was asked and answered; where the
 * service itself asked is not to be seen there. Knows nothing of debts and packets. glibc's nscd-client.h; varlink.org;
 * systemd's org.varlink.resolve; avahi-daemon(8). */
#ifndef SW_CORRELATE_NAME_SERVICES_H
#define SW_CORRELATE_NAME_SERVICES_H

#include "tracer/call.h"

#define SW_SERVICE_NAME 256
#define SW_SERVICE_ADDRESSES 8

enum sw_service_answer {
	SW_SERVICE_NOTHING, /* not answered */
	SW_SERVICE_FOUND,
	SW_SERVICE_NO_NAME,
	SW_SERVICE_NO_ADDRESS,
	SW_SERVICE_FAILED,
	SW_SERVICE_MAPPED, /* its cache: look-ups that find something there make no call */
};

struct sw_service_question {
	const char *service; /* "nscd" */
	const char *what; /* "the name service cache" */
	uint32_t id, socket, pid;
	bool aside; /* the name of an address */
	char name[SW_SERVICE_NAME];
	int64_t asked_ns, answered_ns; /* SW_TIME_NONE: not */
	enum sw_service_answer answer;
	char said[64]; /* in the service's own word: "HOST_NOT_FOUND", "QueryTimedOut" */
	uint32_t expected, expected_bytes; /* nscd: addresses that the next read brings */
	uint32_t address_count;
	struct sw_ip addresses[SW_SERVICE_ADDRESSES];
};

struct sw_name_services;

struct sw_name_services *sw_name_services_new(void);
void sw_name_services_free(struct sw_name_services *services);

/* Whether such a service listens at that address. */
bool sw_name_service_at(const struct sw_addr *remote);

/* The question that the call answers; NULL: none. `remote`: the socket's other end. */
const struct sw_service_question *sw_name_services_call(struct sw_name_services *services, const struct sw_call *call,
							const struct sw_addr *remote);
const struct sw_service_question *sw_name_services_get(const struct sw_name_services *services, uint32_t id);
/* The last question of a socket; NULL: none. */
const struct sw_service_question *sw_name_services_of(const struct sw_name_services *services, uint32_t socket);
/* The last answer before `when_ns` that has this address; pid 0: to whomever. */
const struct sw_service_question *sw_name_services_answer(const struct sw_name_services *services,
							  const struct sw_ip *ip, uint32_t pid, int64_t when_ns);
/* A service whose cache that process has mapped into its memory; NULL: none. */
const struct sw_service_question *sw_name_services_mapped(const struct sw_name_services *services, uint32_t pid);

#endif
