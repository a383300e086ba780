/* How a flow's life is told as calls. Enters: what happened, and when. Leaves: records to the sink. Knows nothing of packets. */
#include <errno.h>
#include <netinet/in.h>

#include "correlate/calls/shown_internal.h"
#include "correlate/flows/flow_summary.h"

#define PROCESS 1 /* all of one process: who made which is not known */
#define CLOSER UINT32_MAX /* closes while the flow's own thread still waits */

static struct sw_call call_of(const struct sw_shown_flow *flow, enum sw_sys sys, uint32_t id, int64_t enter_ns)
{
	return (struct sw_call){.id = id,
				.pid = PROCESS,
				.tid = flow->thread,
				.sys = sys,
				.fd = -1,
				.fd2 = -1,
				.socket = flow->socket.id,
				.enter_ns = enter_ns,
				.exit_ns = SW_TIME_NONE,
				.exit_bound_ns = SW_TIME_NONE,
				.bytes = -1,
				.timeout_ns = SW_TIMEOUT_NONE};
}

static struct sw_call enter(struct sw_shown *shown, const struct sw_shown_flow *flow, enum sw_sys sys, int64_t time_ns)
{
	struct sw_call call = call_of(flow, sys, ++shown->last_call, time_ns);

	if (sys == SW_SYS_CONNECT)
		call.addr = flow->socket.remote;
	if (sys == SW_SYS_CLOSE)
		call.tid = CLOSER;
	shown->sink.enter(shown->sink.context, &call);
	return call;
}

static void leave(struct sw_shown *shown, struct sw_call *call, int64_t exit_ns, int64_t result, int32_t error)
{
	call->exit_ns = call->exit_bound_ns = exit_ns;
	call->result = error ? -1 : result;
	call->error = error;
	shown->sink.leave(shown->sink.context, call);
}

void sw_shown_connect(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	flow->connect_ns = time_ns;
	flow->connect = enter(shown, flow, SW_SYS_CONNECT, time_ns).id;
}

void sw_shown_connected(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, int32_t error)
{
	struct sw_call call = call_of(flow, SW_SYS_CONNECT, flow->connect, flow->connect_ns);

	if (!flow->connect)
		return;
	call.addr = flow->socket.remote;
	flow->connect = 0;
	leave(shown, &call, time_ns, 0, error);
}

void sw_shown_sent(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t from_ns, int64_t to_ns, int64_t bytes)
{
	struct sw_call call = enter(shown, flow, SW_SYS_SENDTO, from_ns);

	call.bytes = bytes;
	leave(shown, &call, to_ns, bytes, 0);
}

void sw_shown_read_begin(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	if (flow->read)
		return;
	flow->read_ns = time_ns;
	flow->read = enter(shown, flow, SW_SYS_RECVFROM, time_ns).id;
}

void sw_shown_read_end(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, int64_t result,
		       int32_t error)
{
	struct sw_call call;

	sw_shown_read_begin(shown, flow, time_ns);
	call = call_of(flow, SW_SYS_RECVFROM, flow->read, flow->read_ns);
	call.bytes = result > 0 ? result : 1;
	flow->read = 0;
	leave(shown, &call, time_ns, result, error);
}

void sw_shown_read_leave(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	if (flow->read)
		sw_shown_read_end(shown, flow, time_ns, 0, EINTR);
}

void sw_shown_close(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns)
{
	struct sw_call call = enter(shown, flow, SW_SYS_CLOSE, time_ns);

	call.flags = SW_CALL_LAST_CLOSE;
	leave(shown, &call, time_ns, 0, 0);
	sw_shown_read_leave(shown, flow, time_ns);
}

void sw_shown_socket(struct sw_shown *shown, struct sw_shown_flow *flow, int64_t time_ns, bool connected)
{
	bool stream = flow->key.protocol == IPPROTO_TCP;

	flow->socket = (struct sw_socket){.id = ++shown->last_socket,
					  .kind = SW_OBJECT_SOCKET,
					  .flags = connected ? SW_SOCKET_INHERITED : 0,
					  .domain = flow->key.local.ip.family == 6 ? AF_INET6 : AF_INET,
					  .type = stream ? SOCK_STREAM : SOCK_DGRAM,
					  .protocol = flow->key.protocol,
					  .since_ns = time_ns,
					  .local = sw_endpoint_addr(&flow->key.local),
					  .remote = sw_endpoint_addr(&flow->key.remote)};
	shown->sink.socket(shown->sink.context, &flow->socket);
}
