/* What the flow facts say of each packet of a capture, a line each, for compare.py to hold against tshark and tcptrace.
 *
 * Enters: a capture file. Leaves on standard output: "frame word..." where a packet is more than the next one; the words are again,
 * late, twice, duplicate-ack, zero, keepalive, probe, reset, rtt=NS. Then "side SRC > DST counter=..." for each direction. */
#include <inttypes.h>
#include <stdio.h>

#include "capture/file.h"
#include "correlate/flows/flows.h"

struct counters { /* of both sides, before a packet */
	int64_t again, late, twice, duplicate_acks, rtt_count, rtt_sum;
	uint32_t resets;
};

static struct counters counters_of(const struct sw_flow *flow)
{
	struct counters sum = {0};

	for (int i = 0; flow && i < 2; i++) {
		const struct sw_side *side = &flow->side[i];

		sum.again += side->retransmissions + side->syn_retransmissions + side->fin_retransmissions;
		sum.late += side->out_of_order;
		sum.twice += side->duplicates;
		sum.duplicate_acks += side->duplicate_acks;
		sum.rtt_count += side->rtt_count;
		sum.rtt_sum += side->rtt_sum_ns;
		sum.resets += side->rsts;
	}
	return sum;
}

static void say(const struct sw_packet *packet, const struct sw_flow_change *change, const struct counters *before,
		const struct counters *after)
{
	printf("%u", packet->id);
	if (after->again > before->again)
		printf(" again");
	if (after->late > before->late)
		printf(" late");
	if (after->twice > before->twice)
		printf(" twice");
	if (after->duplicate_acks > before->duplicate_acks)
		printf(" duplicate-ack");
	if (change->what & SW_FLOW_ZERO_WINDOW)
		printf(" zero");
	if (change->what & SW_FLOW_KEEPALIVE)
		printf(" keepalive");
	if (change->what & SW_FLOW_WINDOW_PROBE)
		printf(" probe");
	if (after->resets > before->resets)
		printf(" reset");
	if (after->rtt_count > before->rtt_count)
		printf(" rtt=%" PRId64, after->rtt_sum - before->rtt_sum);
	puts("");
}

static void say_side(const struct sw_flow *flow, int index)
{
	const struct sw_side *side = &flow->side[index];
	char from[SW_ADDR_TEXT], to[SW_ADDR_TEXT];

	sw_endpoint_text(index == SW_SIDE_OURS ? &flow->local : &flow->remote, from);
	sw_endpoint_text(index == SW_SIDE_OURS ? &flow->remote : &flow->local, to);
	printf("side %s > %s again=%" PRId64 " late=%" PRId64 " zero=%" PRId64 " duplicate-ack=%" PRId64
	       " reset=%u bytes=%" PRId64 "\n",
	       from, to, side->retransmissions, side->out_of_order, side->zero_windows, side->duplicate_acks,
	       side->rsts, side->bytes);
}

int main(int argc, char **argv)
{
	struct sw_flows *flows = sw_flows_new();
	struct sw_err err = {0};
	struct sw_capture_file *file = argc == 2 ? sw_capture_file_open(argv[1], &err) : NULL;
	struct sw_packet packet;

	if (!file) {
		fprintf(stderr, "flows CAPTURE: %s\n", err.text);
		return 2;
	}
	while (sw_capture_file_next(file, &packet, &err) > 0) {
		struct counters known[64] = {0}; /* the flow of a packet is known only behind it */
		size_t count = sw_flows_count(flows);

		for (size_t id = count > 63 ? count - 62 : 1; id <= count; id++)
			known[id % 64] = counters_of(sw_flows_get(flows, (uint32_t)id));
		struct sw_flow_change change = sw_flows_packet(flows, &packet);
		struct counters after = counters_of(sw_flows_get(flows, change.flow));
		static const struct counters none;

		if (change.flow && packet.kind == SW_PACKET_TCP)
			say(&packet, &change, change.flow > count ? &none : &known[change.flow % 64], &after);
	}
	for (uint32_t id = 1; id <= sw_flows_count(flows); id++)
		for (int side = 0; side < 2 && sw_flows_get(flows, id)->protocol == 6; side++)
			say_side(sw_flows_get(flows, id), side);
	sw_capture_file_close(file);
	sw_flows_free(flows);
	return 0;
}
