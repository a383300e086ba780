/* See captures.h. Knows nothing of verdicts; which packets are ours is decided in capture/, from what is told here. */
#include "src/captures.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <uthash.h>

#include "capture/live.h"
#include "src/captures_internal.h"

struct one {
	struct sw_live *live; /* NULL: this namespace has no capture; `why` says why */
	uint32_t netns;
	uint16_t place; /* 0: at the process; else captures->places[place - 1] */
	bool broken;
	char why[sizeof((struct sw_err *)0)->text];
};

struct known { /* a socket, as far as ownership goes */
	uint32_t id;
	int64_t since_ns; /* entry of the call that could first use its port; SW_TIME_NONE: not seen */
	bool owned, accepted;
	struct sw_owner owner;
	UT_hash_handle hh;
};

struct sw_captures {
	const struct sw_options *options;
	struct sw_packet_sink packets;
	struct sw_trace_sink trace;
	struct one all[SW_CAPTURES_MAX];
	size_t count;
	struct known *known; /* by object id */
	uint32_t last_packet_id;
	struct sw_capture_places places;
};

int sw_captures_check(const struct sw_options *options, struct sw_err *err)
{
	struct bpf_program program;
	if (sw_capture_places_check(options, err) < 0)
		return err->code;
	if (!options->filter)
		return 0;
	pcap_t *pcap = pcap_open_dead(DLT_LINUX_SLL2, 262144);
	if (!pcap)
		return 0; /* then opening says it */
	int code = pcap_compile(pcap, &program, options->filter, 1, PCAP_NETMASK_UNKNOWN);
	if (code < 0)
		sw_err_set(err, -EINVAL, "--filter '%s': %s (see: man pcap-filter)", options->filter,
			   pcap_geterr(pcap));
	else
		pcap_freecode(&program);
	pcap_close(pcap);
	return code < 0 ? -EINVAL : 0;
}

struct sw_captures *sw_captures_new(const struct sw_options *options, const struct sw_packet_sink *packets,
				    const struct sw_trace_sink *trace)
{
	struct sw_captures *captures = sw_alloc(sizeof *captures);
	captures->options = options;
	captures->packets = *packets;
	captures->trace = *trace;
	sw_capture_places_init(&captures->places, options, trace);
	return captures;
}

void sw_captures_free(struct sw_captures *captures)
{
	struct known *known, *next;
	if (!captures)
		return;
	sw_captures_close(captures);
	HASH_ITER (hh, captures->known, known, next) {
		HASH_DEL(captures->known, known);
		free(known);
	}
	sw_capture_places_release(&captures->places);
	free(captures);
}

static struct one *find(struct sw_captures *captures, uint32_t netns)
{
	for (size_t i = 0; i < captures->count; i++)
		if (!captures->all[i].place && captures->all[i].netns == netns)
			return &captures->all[i];
	return NULL;
}

static void say_missing(struct sw_captures *captures, const struct one *one, int code)
{
	const char *at = one->place ? captures->places.items[one->place - 1].name : NULL;
	sw_auto_free char *what =
		sw_format("no packets were captured%s%s: %s", at ? " at " : "", at ? at : "", one->why);
	const char *costs = at             ? "whether packets passed there is not known" :
			    code == -EPERM ? "verdicts rest on the calls and the kernel's answers alone" :
					     "no verdict of that network namespace rests on packets";
	captures->trace.limit(captures->trace.context, &(struct sw_limit){what, costs});
	captures->packets.status(captures->packets.context, &(struct sw_capture_status){.place = one->place,
											.netns = one->netns,
											.live = true,
											.opened_ns = SW_TIME_NONE,
											.closed_ns = SW_TIME_NONE,
											.last_drop_ns = SW_TIME_NONE,
											.why_not = one->why});
}

static void own_in(struct sw_captures *captures, const struct sw_owner *owner)
{
	struct one *one = find(captures, owner->netns);
	if (one && one->live)
		sw_live_own(one->live, owner);
}

/* What it has to say is said at once; a capture that cannot be had is a limit. */
static bool open_one(struct sw_captures *captures, struct one *one, const struct sw_live_options *how, int fd)
{
	struct sw_err err = {0};
	struct sw_capture_status status = {0};
	if (captures->options->switches & SW_SWITCH_NO_CAPTURE)
		sw_err_set(&err, -EPERM, "switched off");
	else
		one->live = sw_live_open(how, fd, one->netns, &err);
	if (!one->live) {
		snprintf(one->why, sizeof one->why, "%s", err.text);
		say_missing(captures, one, err.code);
		return false;
	}
	sw_live_status(one->live, &status);
	captures->packets.status(captures->packets.context, &status);
	return true;
}

static void arrived(void *context, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	struct sw_captures *captures = context;
	sw_capture_places_packet(&captures->places, packet);
	captures->packets.raw(captures->packets.context, packet, raw);
}

static void arrived_status(void *context, const struct sw_capture_status *status)
{
	struct sw_captures *captures = context;
	captures->packets.status(captures->packets.context, status);
}

/* Behind those at the process in the list: what these have kept decides what is kept here. */
static void open_places(struct sw_captures *captures)
{
	struct sw_capture_places *places = &captures->places;
	for (; places->opened < places->count && captures->count < SW_CAPTURES_MAX; places->opened++) {
		const struct sw_place *place = &places->items[places->opened];
		struct one *one = &captures->all[captures->count++];
		*one = (struct one){.place = (uint16_t)(places->opened + 1)};
		const struct sw_live_options how = {
			.interface = place->interface,
			.name = place->name,
			.payload = captures->options->payload,
			.place = one->place,
			.twins = places->twins,
			.last_id = &captures->last_packet_id,
			.sink = {.context = captures, .raw = arrived, .status = arrived_status},
		};
		open_one(captures, one, &how, place->netns_fd);
	}
}

bool sw_captures_open(struct sw_captures *captures, uint32_t netns, int fd)
{
	struct one *one = find(captures, netns);
	if (one || captures->count == SW_CAPTURES_MAX)
		return one && one->live;
	one = &captures->all[captures->count++];
	*one = (struct one){.netns = netns};
	const struct sw_options *options = captures->options;
	sw_capture_places_namespace(&captures->places, netns, fd);
	struct sw_live_options how = {
		.interface = options->interface,
		.filter = options->filter,
		.payload = options->payload,
		.no_bpf = options->switches & SW_SWITCH_NO_BPF,
		.twins = captures->places.twins,
		.last_id = &captures->last_packet_id,
		.sink = {.context = captures, .raw = arrived, .status = arrived_status},
	};
	if (!open_one(captures, one, &how, fd))
		return false;
	open_places(captures);
	for (struct known *known = captures->known; known; known = known->hh.next)
		if (known->owned)
			own_in(captures, &known->owner);
	return true;
}

uint64_t sw_captures_dropped(const struct sw_captures *captures, bool *unknown)
{
	uint64_t dropped = 0;
	*unknown = false;
	for (size_t i = 0; i < captures->count; i++) {
		struct sw_capture_status status = {0};
		if (!captures->all[i].live)
			continue;
		sw_live_status(captures->all[i].live, &status);
		*unknown |= status.dropped < 0;
		dropped += (uint64_t)(status.dropped < 0 ? 0 : status.dropped + status.overruns);
	}
	return dropped;
}

bool sw_captures_any(const struct sw_captures *captures)
{
	for (size_t i = 0; i < captures->count; i++)
		if (captures->all[i].live)
			return true;
	return false;
}

static struct known *know(struct sw_captures *captures, uint32_t id)
{
	struct known *known;
	HASH_FIND(hh, captures->known, &id, sizeof id, known);
	if (known)
		return known;
	known = sw_alloc(sizeof *known);
	known->id = id;
	known->since_ns = SW_TIME_NONE;
	HASH_ADD(hh, captures->known, id, sizeof known->id, known);
	return known;
}

/* Its answers need its neighbour's address first: questions for the next hop are ours too. */
static void next_hop(struct sw_captures *captures, uint32_t netns, const struct sw_ip *ip)
{
	struct one *one = find(captures, netns);
	if (one && one->live && ip->family && !sw_ip_is_any(ip))
		sw_live_next_hop(one->live, ip);
}

/* After the last close the port may be another's; late answers and retransmitted FINs are ours for a while yet (capture/owner.h).
 * A connection that was accepted shares its listener's port, which goes on. */
static void closed(struct sw_captures *captures, struct known *known, int64_t at_ns)
{
	if (known->owned && !known->accepted) {
		known->owner.until_ns = at_ns;
		own_in(captures, &known->owner);
	}
	HASH_DEL(captures->known, known);
	free(known);
}

void sw_captures_socket(struct sw_captures *captures, const struct sw_socket *socket)
{
	if (socket->kind != SW_OBJECT_SOCKET || (socket->domain != AF_INET && socket->domain != AF_INET6))
		return;
	struct known *known;
	if (socket->flags & SW_SOCKET_GONE) {
		HASH_FIND(hh, captures->known, &socket->id, sizeof socket->id, known);
		if (known)
			closed(captures, known, socket->since_ns);
		return;
	}
	known = know(captures, socket->id);
	known->accepted = socket->flags & SW_SOCKET_ACCEPTED;
	known->owner.netns = socket->netns;
	next_hop(captures, socket->netns, &socket->remote.endpoint.ip);
	if (socket->local.endpoint.port == 0)
		return;
	/* A socket that was there before the session may have been talking for as long as the look-back reaches. */
	int64_t since = known->since_ns != SW_TIME_NONE ? known->since_ns : socket->since_ns - SW_LIVE_LOOKBACK_NS;
	int protocol = socket->type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
	struct sw_endpoint local = socket->local.endpoint;
	/* Who asks for a listener at an address that it is not bound to, or by way of a translation, is refused under its port. */
	if (protocol == IPPROTO_TCP && !socket->remote.present && !known->accepted)
		local.ip = (struct sw_ip){0};
	if (known->owned && sw_endpoint_equal(&known->owner.local, &local))
		return;
	known->owner = (struct sw_owner){
		.netns = socket->netns,
		.protocol = socket->protocol <= 0 || socket->protocol > 255 ? (uint8_t)protocol :
									      (uint8_t)socket->protocol,
		.mine = true,
		.local = local,
		.remote = socket->remote.endpoint,
		.since_ns = since,
		.until_ns = INT64_MAX,
	};
	known->owned = true;
	own_in(captures, &known->owner);
}

void sw_captures_call(struct sw_captures *captures, const struct sw_call *call)
{
	if (!call->socket)
		return;
	bool left = call->exit_ns != SW_TIME_NONE;
	if (call->sys == SW_SYS_CLOSE) {
		struct known *known;
		HASH_FIND(hh, captures->known, &call->socket, sizeof call->socket, known);
		if (known && left && call->flags & SW_CALL_LAST_CLOSE)
			closed(captures, known, call->exit_ns);
		return;
	}
	if (left)
		return;
	if (call->sys == SW_SYS_CONNECT || call->sys == SW_SYS_BIND || call->sys == SW_SYS_SENDTO ||
	    call->sys == SW_SYS_SENDMSG || call->sys == SW_SYS_SENDMMSG || call->sys == SW_SYS_LISTEN) {
		struct known *known = know(captures, call->socket);
		if (known->since_ns == SW_TIME_NONE)
			known->since_ns = call->enter_ns;
		next_hop(captures, known->owner.netns, &call->addr.endpoint.ip);
	}
}

void sw_captures_fact(struct sw_captures *captures, const struct sw_fact *fact)
{
	struct sw_ip ip;
	const char *hop = strcmp(fact->kind, "route") == 0 ? sw_fact_text(fact, "next_hop") : NULL;
	struct known *known;
	HASH_FIND(hh, captures->known, &fact->socket, sizeof fact->socket, known);
	if (hop && sw_ip_parse(hop, &ip))
		next_hop(captures, known ? known->owner.netns : 0, &ip);
}

nfds_t sw_captures_poll_set(const struct sw_captures *captures, struct pollfd *fds)
{
	nfds_t count = 0;
	for (size_t i = 0; i < captures->count; i++)
		if (captures->all[i].live && !captures->all[i].broken)
			fds[count++] = (struct pollfd){.fd = sw_live_fd(captures->all[i].live), .events = POLLIN};
	return count;
}

/* A capture that ends on the way (its interface went away) is said, and what it had seen stays. */
static void broke(struct sw_captures *captures, struct one *one, const struct sw_err *err)
{
	sw_auto_free char *what = sw_format("the capture ended early: %s", err->text);
	one->broken = true;
	captures->trace.limit(captures->trace.context, &(struct sw_limit){what, "packets after that are missing"});
}

/* Those at the process first: what they keep decides what is kept at the further places. */
static void read_all(struct sw_captures *captures, bool places)
{
	for (size_t i = 0; i < captures->count; i++) {
		struct one *one = &captures->all[i];
		struct sw_err err = {0};
		if (one->live && !one->broken && (one->place != 0) == places && sw_live_poll(one->live, &err) < 0)
			broke(captures, one, &err);
	}
}

void sw_captures_read(struct sw_captures *captures)
{
	read_all(captures, false);
	read_all(captures, true);
}

int64_t sw_captures_delivered_ns(const struct sw_captures *captures)
{
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < captures->count; i++) {
		const struct one *one = &captures->all[i];
		if (!one->live || one->broken)
			continue;
		int64_t delivered = sw_live_delivered_ns(one->live);
		least = delivered < least ? delivered : least;
	}
	return least;
}

void sw_captures_flush(struct sw_captures *captures)
{
	for (int places = 0; places < 2; places++)
		for (size_t i = 0; i < captures->count; i++)
			if (captures->all[i].live && (captures->all[i].place != 0) == places)
				sw_live_flush(captures->all[i].live);
}

static void drain_all(struct sw_captures *captures, bool places)
{
	for (size_t i = 0; i < captures->count; i++) {
		struct one *one = &captures->all[i];
		struct sw_err err = {0};
		if (one->live && !one->broken && (one->place != 0) == places && sw_live_drain(one->live, &err) < 0)
			broke(captures, one, &err);
	}
}

void sw_captures_drain(struct sw_captures *captures)
{
	drain_all(captures, false);
	drain_all(captures, true);
}

void sw_captures_close(struct sw_captures *captures)
{
	for (size_t i = 0; i < captures->count; i++) {
		sw_live_close(captures->all[i].live);
		captures->all[i].live = NULL;
	}
}
