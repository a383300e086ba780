/* The live capture: what comes is held for a moment, what is the target's is delivered, the rest is forgotten.
 *
 * Enters: frames and events of ownership. Leaves: packets and the capture's status, through the sink. Knows nothing
 * of flows, calls or files. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "capture/application.h"
#include "capture/decode.h"
#include "capture/duplicate.h"
#include "capture/keep.h"
#include "capture/live_internal.h"
#include "capture/lookback.h"
#include "src/base/mem.h"

#define BATCH 4096 /* frames between two looks at what is due */
#define BATCHES 16 /* at most, in one poll: the caller has other things to do */
#define DRAIN_NS (100 * SW_NS_PER_MS)
#define STATUS_NS (100 * SW_NS_PER_MS)
#define NEIGHBOR_NS (60 * SW_NS_PER_S) /* a next hop may be told long after it was first asked for */
#define NEIGHBOR_BYTES ((size_t)512 << 10)

struct sw_live {
	pcap_t *handle;
	struct bpf_program program; /* run here on each frame, where the kernel does not */
	struct sw_live_options options;
	char interfaces[160]; /* and what narrows them */
	uint32_t netns;
	struct sw_owners *owners;
	struct sw_fragments *fragments;
	struct sw_keep *keep;
	struct sw_duplicates *duplicates;
	struct sw_application *application;
	struct sw_lookback *lookback, *neighbors;
	uint64_t twins_read;
	uint64_t position; /* the first frame of the look-back that is not decided */
	int64_t decided_ns; /* time of the last frame before it */
	int64_t newest_ns; /* of the last frame that came */
	int64_t again_ns; /* frames since then belong to somebody that was told after they were decided; SW_TIME_NONE */
	int64_t status_ns; /* when the counters were last asked */
	uint32_t own_id;
	struct sw_capture_status status;
	int64_t overruns_late; /* ownership told after the look-back had forgotten */
};

/* ---- frames come ------------------------------------------------------------------------------------------------ */

static struct sw_lookback_frame *put(struct sw_lookback *ring, const struct sw_packet *packet,
				     const struct sw_subject *subject, const uint8_t *frame, uint32_t captured,
				     uint32_t wire)
{
	struct sw_lookback_frame *held = sw_lookback_put(ring, captured);

	held->wire = wire;
	held->print = 0;
	held->time_ns = packet->time_ns;
	held->flags = packet->flags & SW_PACKET_BAD_CHECKSUM;
	held->subject = *subject;
	held->speech = packet->speech;
	memcpy(held->bytes, frame, captured);
	return held;
}

static void came(u_char *context, const struct pcap_pkthdr *header, const u_char *frame)
{
	struct sw_live *live = (struct sw_live *)(void *)context;
	struct sw_subject subject;
	struct sw_packet packet;

	if (live->options.no_bpf && !pcap_offline_filter(&live->program, header, frame))
		return;
	sw_decode(SW_LINK_SLL2, frame, header->caplen, header->len, &packet);
	/* nanoseconds, as asked for */
	packet.time_ns = (int64_t)header->ts.tv_sec * SW_NS_PER_S + header->ts.tv_usec;
	live->status.seen++;
	live->newest_ns = packet.time_ns;
	if (!sw_subject_of(&subject, &packet, live->fragments))
		return;
	if (packet.kind == SW_PACKET_TCP && packet.payload_length)
		packet.speech = sw_speech_of(packet.payload, packet.payload_captured, packet.payload_length);
	struct sw_lookback_frame *held = put(live->lookback, &packet, &subject, frame,
					     sw_keep_length(live->keep, &packet, frame, header->caplen), header->len);
	if (live->options.twins)
		held->print = sw_twins_print(&packet);
}

/* ---- frames go -------------------------------------------------------------------------------------------------- */

static void deliver(struct sw_live *live, struct sw_lookback_frame *frame, const struct sw_packet *decoded)
{
	const struct sw_packet_sink *sink = &live->options.sink;
	struct sw_packet packet = *decoded;
	uint32_t *last_id = live->options.last_id ? live->options.last_id : &live->own_id;
	struct sw_raw_packet raw = {
		.linktype = SW_LINK_SLL2, .captured = frame->captured, .wire = frame->wire, .bytes = frame->bytes};

	packet.id = ++*last_id;
	packet.input = live->options.input;
	packet.netns = live->netns;
	packet.place = live->options.place;
	packet.flags |= frame->flags;
	if (sw_duplicates_seen(live->duplicates, &packet, true))
		packet.flags |= SW_PACKET_DUPLICATE;
	packet.speech = frame->speech;
	if (live->options.twins && !live->options.place)
		sw_twins_add(live->options.twins, frame->print, &frame->subject, frame->time_ns);
	sw_application_packet(live->application, &packet);
	frame->delivered = true;
	live->status.kept++;
	if (sink->raw)
		sink->raw(sink->context, &packet, &raw);
	else if (sink->packet)
		sink->packet(sink->context, &packet);
}

static void decode_held(const struct sw_lookback_frame *frame, struct sw_packet *packet)
{
	sw_decode(SW_LINK_SLL2, frame->bytes, frame->captured, frame->wire, packet);
	packet->time_ns = frame->time_ns;
}

static bool is_ours(struct sw_live *live, const struct sw_lookback_frame *frame)
{
	if (live->options.place)
		return sw_twins_match(live->options.twins, frame->print, &frame->subject, frame->time_ns);
	return sw_owners_match(live->owners, &frame->subject, frame->time_ns);
}

static bool offer(struct sw_live *live, struct sw_lookback_frame *frame)
{
	struct sw_subject *subject = &frame->subject;
	bool resolved = subject->src.port || subject->dst.port || subject->neighbor;
	struct sw_packet packet;

	if (frame->delivered)
		return false;
	if (!resolved) { /* a fragment that came before its first one */
		decode_held(frame, &packet);
		if (packet.kind != SW_PACKET_FRAGMENT || !sw_subject_resolve(subject, &packet, live->fragments))
			return false;
	}
	if (!is_ours(live, frame))
		return false;
	decode_held(frame, &packet);
	deliver(live, frame, &packet);
	return true;
}

/* Decides the frames that came up to a time. */
static void decide(struct sw_live *live, int64_t until_ns)
{
	struct sw_lookback_frame *frame;
	uint64_t position = live->position;

	while ((frame = sw_lookback_next(live->lookback, &position)) && frame->time_ns <= until_ns) {
		live->position = position;
		live->decided_ns = frame->time_ns;
		sw_lookback_decided(live->lookback, position);
		if (!offer(live, frame) && frame->subject.neighbor) {
			struct sw_packet packet = {.time_ns = frame->time_ns, .flags = frame->flags};

			put(live->neighbors, &packet, &frame->subject, frame->bytes, frame->captured, frame->wire);
		}
	}
}

static void decide_again(struct sw_live *live, struct sw_lookback *ring, uint64_t end, int64_t since_ns)
{
	struct sw_lookback_frame *frame;
	uint64_t position = 0;

	while (position < end && (frame = sw_lookback_next(ring, &position)) && position <= end) {
		if (frame->time_ns >= since_ns)
			(void)offer(live, frame);
	}
}

void sw_live_own(struct sw_live *live, const struct sw_owner *owner)
{
	bool known;

	if (owner->netns != live->netns)
		return;
	known = sw_owners_known(live->owners, owner);
	sw_owners_event(live->owners, owner);
	if (!owner->mine)
		return;
	int64_t since_ns = owner->since_ns - SW_OWNER_EARLY_NS;

	if (owner->remote.ip.family)
		decide_again(live, live->neighbors, sw_lookback_end(live->neighbors), 0);
	if (known || since_ns > live->decided_ns)
		return; /* all of it was decided so, or nothing of it yet */
	int64_t forgotten_ns = sw_lookback_forgotten(live->lookback);

	if (owner->since_ns >= live->status.opened_ns && forgotten_ns != SW_TIME_NONE && forgotten_ns >= since_ns)
		live->overruns_late++;
	if (live->again_ns == SW_TIME_NONE || since_ns < live->again_ns)
		live->again_ns = since_ns;
}

/* What was decided before it was known whose it is. For all of whom that was told at once: who connects by the thousand is told late, and
 * each look goes over the whole ring. */
static void decide_late(struct sw_live *live)
{
	int64_t since_ns = live->again_ns;

	live->again_ns = SW_TIME_NONE;
	if (since_ns != SW_TIME_NONE)
		decide_again(live, live->lookback, live->position, since_ns);
}

void sw_live_next_hop(struct sw_live *live, const struct sw_ip *ip)
{
	sw_owners_next_hop(live->owners, ip);
	decide_again(live, live->neighbors, sw_lookback_end(live->neighbors), 0);
}

/* What was kept at the process only later than frames here were decided: they are looked at again. */
static void look_again(struct sw_live *live)
{
	if (!live->options.place)
		return;
	int64_t added_ns = sw_twins_added(live->options.twins, &live->twins_read);
	if (added_ns != SW_TIME_NONE && added_ns - SW_LIVE_HOLD_NS <= live->decided_ns)
		decide_again(live, live->lookback, live->position, added_ns - SW_LIVE_HOLD_NS);
}

/* ---- the poll loop's side --------------------------------------------------------------------------------------- */

static void say_status(struct sw_live *live)
{
	struct sw_capture_status status;

	sw_live_status(live, &status);
	if (live->options.sink.status)
		live->options.sink.status(live->options.sink.context, &status);
}

/* Drops, as the kernel counts them; said when there are new ones. */
static void look_at_counters(struct sw_live *live, int64_t now_ns)
{
	struct pcap_stat counters;
	int64_t overruns = (int64_t)sw_lookback_overruns(live->lookback) + live->overruns_late;
	bool news = overruns != live->status.overruns;

	live->status_ns = now_ns;
	if (!pcap_stats(live->handle, &counters) && (int64_t)counters.ps_drop != live->status.dropped) {
		live->status.dropped = counters.ps_drop;
		news = true;
	}
	live->status.overruns = overruns;
	if (!news)
		return;
	live->status.last_drop_ns = now_ns;
	say_status(live);
}

static int read_frames(struct sw_live *live, struct sw_err *err)
{
	int total = 0;

	for (int batch = 0; batch < BATCHES; batch++) {
		int got = pcap_dispatch(live->handle, BATCH, came, (u_char *)(void *)live);

		if (got < 0) {
			live->status.why_not = "the capture ended early";
			return sw_err_set(err, -EIO, "the capture ended early: %s", pcap_geterr(live->handle));
		}
		total += got;
		decide(live, live->newest_ns - live->options.hold_ns);
		if (got == 0)
			break;
	}
	return total;
}

int sw_live_poll(struct sw_live *live, struct sw_err *err)
{
	decide_late(live);
	int got = read_frames(live, err);
	int64_t now_ns = sw_clock_realtime();

	decide(live, now_ns - live->options.hold_ns);
	look_again(live);
	sw_lookback_forget(live->lookback, now_ns - live->options.lookback_ns);
	sw_lookback_forget(live->neighbors, now_ns - NEIGHBOR_NS);
	if (now_ns - live->status_ns >= STATUS_NS || now_ns < live->status_ns)
		look_at_counters(live, now_ns);
	return got;
}

void sw_live_flush(struct sw_live *live)
{
	decide_late(live);
	decide(live, INT64_MAX);
	look_again(live);
}

int sw_live_drain(struct sw_live *live, struct sw_err *err)
{
	int64_t began_ns = sw_clock_realtime(), end_ns = sw_clock_monotonic() + DRAIN_NS;
	int empty = 0, got = 0;

	while (empty < 2 && got >= 0 && sw_clock_monotonic() < end_ns) {
		struct pollfd wait = {.fd = sw_live_fd(live), .events = POLLIN};

		(void)poll(&wait, 1, SW_LIVE_TIMEOUT_MS + 1);
		got = read_frames(live, err);
		/* under a flood it is never empty: all from before the drain began is enough */
		if (got == 0 || live->newest_ns > began_ns + 2 * SW_LIVE_TIMEOUT_MS * SW_NS_PER_MS)
			empty++;
	}
	sw_live_flush(live);
	look_at_counters(live, sw_clock_realtime());
	return got < 0 ? got : 0;
}

int sw_live_fd(const struct sw_live *live)
{
	return pcap_get_selectable_fd(live->handle);
}

int64_t sw_live_delivered_ns(const struct sw_live *live)
{
	int64_t due_ns = sw_clock_realtime() - live->options.hold_ns;

	return live->decided_ns > due_ns ? live->decided_ns : due_ns;
}

void sw_live_status(const struct sw_live *live, struct sw_capture_status *status)
{
	*status = live->status;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void defaults(struct sw_live *live)
{
	struct sw_live_options *options = &live->options;

	if (!options->lookback_bytes)
		options->lookback_bytes = SW_LIVE_LOOKBACK_BYTES;
	if (!options->lookback_ns)
		options->lookback_ns = SW_LIVE_LOOKBACK_NS;
	if (!options->hold_ns)
		options->hold_ns = options->place ? SW_LIVE_HOLD_PLACE_NS : SW_LIVE_HOLD_NS;
	const char *name = options->name ? options->name : options->interface ? options->interface : "any";

	snprintf(live->interfaces, sizeof live->interfaces, "%s%s%s%s", name, options->filter ? " (--filter " : "",
		 options->filter ? options->filter : "", options->filter ? ")" : "");
}

struct sw_live *sw_live_open(const struct sw_live_options *options, int netns_fd, uint32_t netns, struct sw_err *err)
{
	struct bpf_program program = {0};
	pcap_t *handle = sw_live_activate(options, netns_fd, &program, err);
	struct sw_live *live;

	if (!handle)
		return NULL;
	live = sw_alloc(sizeof *live);
	live->handle = handle;
	live->program = program;
	live->options = *options;
	live->netns = netns;
	defaults(live);
	live->owners = sw_owners_new();
	live->fragments = sw_fragments_new();
	live->keep = sw_keep_new(options->payload);
	live->duplicates = sw_duplicates_new();
	live->application = sw_application_new();
	live->lookback = sw_lookback_new(live->options.lookback_bytes);
	live->neighbors = sw_lookback_new(NEIGHBOR_BYTES);
	live->decided_ns = live->newest_ns = 0;
	live->again_ns = SW_TIME_NONE;
	live->status = (struct sw_capture_status){
		.input = options->input,
		.place = options->place,
		.netns = netns,
		.available = true,
		.live = true,
		.opened_ns = sw_clock_realtime(),
		.closed_ns = SW_TIME_NONE,
		.last_drop_ns = SW_TIME_NONE,
		.interfaces = live->interfaces,
	};
	say_status(live);
	return live;
}

void sw_live_close(struct sw_live *live)
{
	if (!live)
		return;
	live->status.closed_ns = sw_clock_realtime();
	look_at_counters(live, live->status.closed_ns);
	say_status(live);
	pcap_close(live->handle);
	if (live->options.no_bpf)
		pcap_freecode(&live->program);
	sw_owners_free(live->owners);
	sw_fragments_free(live->fragments);
	sw_keep_free(live->keep);
	sw_duplicates_free(live->duplicates);
	sw_application_free(live->application);
	sw_lookback_free(live->lookback);
	sw_lookback_free(live->neighbors);
	free(live);
}
