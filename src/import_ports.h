/* Local ports that a log does not have (no -yy, or a connect that failed), found from the capture.
 *
 * Enters: the merged stream of sockets, calls and packets. Leaves: the sockets, with the local end of the packet that their call sent. */
#ifndef SW_IMPORT_PORTS_H
#define SW_IMPORT_PORTS_H

#include "capture/packet.h"
#include "tracer/call.h"

struct sw_ports;

/* `say` gets every socket, as the log has it and again when its port was found. */
struct sw_ports *sw_ports_new(void (*say)(void *context, const struct sw_socket *socket), void *context,
			      int64_t clock_error_ns);
void sw_ports_free(struct sw_ports *ports);

void sw_ports_socket(struct sw_ports *ports, const struct sw_socket *socket);
void sw_ports_enter(struct sw_ports *ports, const struct sw_call *call);
void sw_ports_leave(struct sw_ports *ports, const struct sw_call *call);
void sw_ports_packet(struct sw_ports *ports, const struct sw_packet *packet); /* before anybody else gets it */

#endif
