/* Local ports that a log does not have: see the header.
 *
 * A connect or a first datagram waits for the first packet to its remote end that nobody else's port has sent; what comes after the
 * call, by more than its stamp may be wrong, is not its own. Where two calls wait for the same remote end the earlier one is served. */
#include "src/import_ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "src/base/mem.h"

#define SOCKETS_MAX 4096 /* remembered at once */
#define WAITING_MAX 256
#define SLACK_NS (5 * SW_NS_PER_MS) /* an imported call's packet may stand outside of it */
#define ARRIVED_MAX 256 /* connections that came, until they are accepted */

struct waiting { /* a call whose packet will come */
	uint32_t socket, call;
	uint8_t protocol;
	struct sw_endpoint remote;
	int64_t since_ns, until_ns; /* until: SW_TIME_NONE while the call is under way */
};

struct arrived { /* a SYN */
	struct sw_endpoint src, dst;
};

struct sw_ports {
	void (*say)(void *context, const struct sw_socket *socket);
	void *context;
	int64_t slack_ns;
	struct sw_socket sockets[SOCKETS_MAX]; /* by id modulo SOCKETS_MAX, as last said */
	struct waiting waiting[WAITING_MAX];
	size_t waiting_count;
	struct arrived arrived[ARRIVED_MAX];
	uint32_t arrived_count;
	uint16_t owners[UINT16_MAX + 1]; /* TCP and UDP: how many sockets have this port */
};

struct sw_ports *sw_ports_new(void (*say)(void *context, const struct sw_socket *socket), void *context,
			      int64_t clock_error_ns)
{
	struct sw_ports *ports = sw_alloc(sizeof *ports);

	ports->say = say;
	ports->context = context;
	ports->slack_ns = clock_error_ns + SLACK_NS;
	return ports;
}

void sw_ports_free(struct sw_ports *ports)
{
	free(ports);
}

static struct sw_socket *socket_of(struct sw_ports *ports, uint32_t id)
{
	struct sw_socket *socket = &ports->sockets[id % SOCKETS_MAX];

	return id && socket->id == id ? socket : NULL;
}

static void own(struct sw_ports *ports, const struct sw_socket *socket, int step)
{
	uint16_t *owners = &ports->owners[socket->local.endpoint.port];

	if (step > 0 && *owners < UINT16_MAX)
		++*owners;
	else if (step < 0 && *owners)
		--*owners;
}

void sw_ports_socket(struct sw_ports *ports, const struct sw_socket *socket)
{
	struct sw_socket *known = &ports->sockets[socket->id % SOCKETS_MAX], now = *socket;

	/* The log still does not know what was found. */
	if (known->id == now.id && !now.local.endpoint.port && known->local.endpoint.port && known->kind == now.kind)
		now.local = known->local;
	own(ports, known, -1);
	*known = now;
	own(ports, known, 1);
	ports->say(ports->context, known);
}

static void found(struct sw_ports *ports, struct sw_socket *socket, const struct sw_endpoint *local, int64_t time_ns)
{
	struct sw_socket now = *socket;

	now.local = (struct sw_addr){.present = true, .family = local->ip.family, .endpoint = *local};
	now.since_ns = time_ns;
	sw_ports_socket(ports, &now);
}

/* ---- calls that send ------------------------------------------------------------------------------------------ */

static void forget(struct sw_ports *ports, size_t at)
{
	memmove(&ports->waiting[at], &ports->waiting[at + 1], (--ports->waiting_count - at) * sizeof ports->waiting[0]);
}

static bool sends(const struct sw_socket *socket, const struct sw_call *call)
{
	if (call->sys == SW_SYS_CONNECT)
		return socket->protocol == IPPROTO_TCP;
	return socket->protocol == IPPROTO_UDP &&
	       (call->sys == SW_SYS_SENDTO || call->sys == SW_SYS_SENDMSG || call->sys == SW_SYS_SENDMMSG ||
		call->sys == SW_SYS_WRITE || call->sys == SW_SYS_WRITEV);
}

void sw_ports_enter(struct sw_ports *ports, const struct sw_call *call)
{
	const struct sw_socket *socket = socket_of(ports, call->socket);
	struct waiting *waiting;

	if (!socket || socket->local.endpoint.port || !sends(socket, call))
		return;
	if (ports->waiting_count == WAITING_MAX)
		forget(ports, 0);
	waiting = &ports->waiting[ports->waiting_count++];
	*waiting = (struct waiting){.socket = socket->id,
				    .call = call->id,
				    .protocol = (uint8_t)socket->protocol,
				    .since_ns = call->enter_ns};
	waiting->remote = call->addr.present ? call->addr.endpoint : socket->remote.endpoint;
	waiting->until_ns = SW_TIME_NONE;
	if (!waiting->remote.port)
		ports->waiting_count--;
}

/* Came before it was accepted: its own end is known to whoever saw its SYN. */
static void accepted(struct sw_ports *ports, const struct sw_call *call)
{
	struct sw_socket *socket = socket_of(ports, call->socket2);

	if (!socket || socket->local.endpoint.port || !call->addr.present)
		return;
	for (uint32_t i = 0; i < ARRIVED_MAX; i++)
		if (sw_endpoint_equal(&ports->arrived[i].src, &call->addr.endpoint)) {
			found(ports, socket, &ports->arrived[i].dst, call->exit_ns);
			return;
		}
}

void sw_ports_leave(struct sw_ports *ports, const struct sw_call *call)
{
	if ((call->sys == SW_SYS_ACCEPT || call->sys == SW_SYS_ACCEPT4) && !call->error)
		accepted(ports, call);
	for (size_t i = 0; i < ports->waiting_count; i++) {
		struct waiting *waiting = &ports->waiting[i];

		if (waiting->call != call->id)
			continue;
		waiting->until_ns = call->exit_ns;
		/* Nothing was sent by a call that failed at once. */
		if (call->error && call->error != EINPROGRESS && call->error != EINTR &&
		    call->exit_ns - call->enter_ns < SLACK_NS / 10)
			waiting->until_ns = call->exit_ns - ports->slack_ns + SW_NS_PER_MS;
		return;
	}
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static bool is_first(const struct sw_packet *packet)
{
	return packet->kind == SW_PACKET_UDP ||
	       (packet->kind == SW_PACKET_TCP && (packet->tcp.flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN);
}

void sw_ports_packet(struct sw_ports *ports, const struct sw_packet *packet)
{
	if (!is_first(packet))
		return;
	if (packet->kind == SW_PACKET_TCP)
		ports->arrived[ports->arrived_count++ % ARRIVED_MAX] = (struct arrived){packet->src, packet->dst};
	for (size_t i = 0; i < ports->waiting_count; i++) {
		struct waiting *waiting = &ports->waiting[i];
		struct sw_socket *socket = socket_of(ports, waiting->socket);

		if (!socket || socket->local.endpoint.port ||
		    (waiting->until_ns != SW_TIME_NONE && packet->time_ns > waiting->until_ns + ports->slack_ns)) {
			forget(ports, i--);
			continue;
		}
		if (waiting->protocol != packet->protocol || !sw_endpoint_equal(&waiting->remote, &packet->dst) ||
		    packet->time_ns < waiting->since_ns - ports->slack_ns || ports->owners[packet->src.port])
			continue;
		forget(ports, i);
		found(ports, socket, &packet->src, packet->time_ns);
		return;
	}
}
