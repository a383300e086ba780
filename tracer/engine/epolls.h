/* What is in which epoll set, from epoll_ctl: its `data` is the program's own, so a result is led back to a descriptor here.
 *
 * Enters: object ids of epoll instances, descriptors, data. A descriptor closed while a duplicate lives stays in the set, as in the
 * kernel; one that went with its last descriptor is overwritten when its number is added again. */
#ifndef SW_TRACER_EPOLLS_H
#define SW_TRACER_EPOLLS_H

#include <stdbool.h>
#include <stdint.h>

struct sw_epolls;

struct sw_epoll_member {
	uint32_t epoll; /* object id */
	int32_t fd; /* as it was added */
	uint32_t socket; /* object id, 0: no socket */
	uint32_t asked;
	uint64_t data;
};

struct sw_epolls *sw_epolls_new(void);
void sw_epolls_free(struct sw_epolls *epolls);
void sw_epolls_put(struct sw_epolls *epolls, const struct sw_epoll_member *member); /* ADD or MOD */
void sw_epolls_delete(struct sw_epolls *epolls, uint32_t epoll, int32_t fd);
/* Once in a while: members of sets that are gone are forgotten. */
void sw_epolls_sift(struct sw_epolls *epolls, bool (*lives)(void *context, uint32_t epoll), void *context);
/* NULL unknown */
const struct sw_epoll_member *sw_epolls_by_data(struct sw_epolls *epolls, uint32_t epoll, uint64_t data);

#endif
