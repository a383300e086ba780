/* What the prober learnt, as facts: tracer/facts.md has the kinds and fields. */
#include "capture/dns.h"
#include "src/base/clock.h"
#include "src/probe/tries.h"
#include "tracer/kernel/probe_fact.h"

static const char *reach_words(const struct sw_reach *reach)
{
	static const char *const words[] = {
		[SW_REACH_NOT_ASKED] = "not asked", [SW_REACH_SILENCE] = "silence",
		[SW_REACH_SYN_ACK] = "SYN-ACK",     [SW_REACH_RST] = "RST",
		[SW_REACH_ECHO] = "echo",           [SW_REACH_TTL_EXCEEDED] = "TTL exceeded",
		[SW_REACH_TOO_BIG] = "too big",     [SW_REACH_REJECTED] = "ICMP error",
	};
	return words[reach->how];
}

static const char *code_words(int code)
{
	return code < 0 ? "silence" : sw_dns_rcode_name((uint8_t)code);
}

static void say(struct sw_fact_draft *draft, const struct sw_trace_sink *sink)
{
	sink->fact(sink->context, sw_fact_of(draft));
}

static void begin(struct sw_fact_draft *draft, const char *kind, const struct sw_endpoint *destination)
{
	char text[SW_ADDR_TEXT];

	sw_fact_begin(draft, kind);
	if (destination->ip.family)
		sw_fact_add_text(draft, "destination", sw_endpoint_text(destination, text));
}

/* Hosts send with a TTL of 64, 128 or 255: what is missing are the routers on the way, and one is the host itself. */
static int64_t distance(uint8_t ttl)
{
	return (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl + 1;
}

static void path_fact(const struct sw_prober_answer *answer, struct sw_fact_draft *draft)
{
	const struct sw_path_tried *path = &answer->path;

	begin(draft, "probe-path", &answer->question.remote);
	sw_fact_add_text(draft, "answer", reach_words(&path->now));
	if (path->now.how != SW_REACH_SILENCE && path->now.how != SW_REACH_NOT_ASKED)
		sw_fact_add_number(draft, "answer_us", path->now.after_ns / SW_NS_PER_US);
	if (path->now.by.family)
		sw_fact_add_ip(draft, "answer_by", &path->now.by);
	if (path->now.how != SW_REACH_SILENCE)
		return;
	sw_fact_add_number(draft, "hops", path->hops);
	if (path->hops) {
		sw_fact_add_ip(draft, "hop", &path->hop);
		sw_fact_add_number(draft, "hop_ttl", path->hop_ttl);
	}
	if (path->ping.how == SW_REACH_NOT_ASKED)
		return;
	sw_fact_add_number(draft, "ping", path->ping.how == SW_REACH_ECHO);
	if (path->ping.how == SW_REACH_ECHO) {
		sw_fact_add_number(draft, "ping_us", path->ping.after_ns / SW_NS_PER_US);
		if (path->ping.ttl)
			sw_fact_add_number(draft, "distance", distance(path->ping.ttl));
	}
}

static void size_fact(const struct sw_prober_answer *answer, struct sw_fact_draft *draft)
{
	const struct sw_size_tried *size = &answer->size;

	begin(draft, "probe-size", &answer->question.remote);
	sw_fact_add_number(draft, "came_back", size->came_back);
	sw_fact_add_number(draft, "silent", size->silent);
	if (size->too_big_by.family) {
		sw_fact_add_ip(draft, "too_big_by", &size->too_big_by);
		sw_fact_add_number(draft, "too_big_mtu", size->too_big_mtu);
	}
}

static void resolver_facts(const struct sw_prober_answer *answer, const struct sw_trace_sink *sink)
{
	struct sw_fact_draft draft;

	for (unsigned i = 0; i < answer->resolver.count; i++) {
		begin(&draft, "probe-resolver", &(struct sw_endpoint){0});
		sw_fact_add_text(&draft, "name", answer->question.name);
		sw_fact_add_ip(&draft, "address", &answer->resolver.items[i].server);
		sw_fact_add_text(&draft, "answer", code_words(answer->resolver.items[i].code));
		sw_fact_add_number(&draft, "addresses", answer->resolver.items[i].addresses);
		say(&draft, sink);
	}
}

static void address_facts(const struct sw_prober_answer *answer, const struct sw_trace_sink *sink)
{
	struct sw_fact_draft draft;

	for (unsigned i = 0; i < answer->addresses.count; i++) {
		begin(&draft, "probe-address", &answer->question.remote);
		sw_fact_add_text(&draft, "name", answer->question.name);
		sw_fact_add_ip(&draft, "other", &answer->addresses.items[i].ip);
		sw_fact_add_text(&draft, "answer", reach_words(&answer->addresses.items[i].reach));
		say(&draft, sink);
	}
}

void sw_tried_facts(const struct sw_prober_answer *answer, const struct sw_trace_sink *sink)
{
	struct sw_fact_draft draft;

	switch (answer->question.kind) {
	case SW_PROBER_PATH:
		path_fact(answer, &draft);
		say(&draft, sink);
		break;
	case SW_PROBER_SIZE:
		if (!answer->size.came_back && !answer->size.silent)
			break; /* no right to ping */
		size_fact(answer, &draft);
		say(&draft, sink);
		break;
	case SW_PROBER_RESOLVER: resolver_facts(answer, sink); break;
	case SW_PROBER_ADDRESSES: address_facts(answer, sink); break;
	default: break;
	}
}
