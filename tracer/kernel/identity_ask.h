/* What a socket is: asked of the kernel, or taken from the calls. The part of the identity behind
 * sw_identity_refresh() and _learn(). */
#ifndef SW_TRACER_IDENTITY_ASK_H
#define SW_TRACER_IDENTITY_ASK_H

#include "tracer/kernel/identity.h"
#include "tracer/kernel/identity_table.h"

/* SO_RCVTIMEO and SO_SNDTIMEO of a socket whose setsockopt calls were not seen: fact "socket", where one is set. */
void sw_identity_say_timeouts(struct sw_identity *identity, const struct object *object, pid_t pid, int fd);
/* TOS that a route look-up needs, 0 unknown. */
int sw_identity_tos(struct sw_identity *identity, uint32_t object);

#endif
