/* Values of the JSON report, and flows, which stand in two places. See json_value.h. */
#include "src/report/json_value.h"

#include <inttypes.h>
#include <stdlib.h>

#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/report/clean.h"

#define EXACT (INT64_C(1) << 53)

void sw_json_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		abort(); /* out of memory, or text that was not cleaned */
}

json_t *sw_json_text(const char *text)
{
	sw_auto_free char *clean = sw_clean_utf8(text);

	return clean ? json_string(clean) : json_null();
}

json_t *sw_json_texts(const struct sw_texts *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, sw_json_text(texts->items[i]));
	return array;
}

json_t *sw_json_number(int64_t number)
{
	char text[24];

	if (number >= -EXACT && number <= EXACT)
		return json_integer(number);
	snprintf(text, sizeof text, "%" PRId64, number);
	return json_string(text);
}

json_t *sw_json_known(int64_t number)
{
	return number < 0 ? json_null() : sw_json_number(number);
}

json_t *sw_json_time(int64_t ns)
{
	char text[32];

	return ns == SW_TIME_NONE ? json_null() : json_string(sw_time_text(ns, text));
}

json_t *sw_json_addr(const struct sw_addr *addr)
{
	char text[SW_ADDR_TEXT];

	return addr->present ? sw_json_text(sw_addr_text(addr, text)) : json_null();
}

json_t *sw_json_bool(bool value)
{
	return json_boolean(value);
}

static const char *name_source_text(enum sw_name_source source)
{
	static const char *const names[] = {
		[SW_NAME_UNKNOWN] = "unknown",   [SW_NAME_DNS] = "dns", [SW_NAME_HOSTS] = "hosts",
		[SW_NAME_ARGUMENT] = "argument", [SW_NAME_SNI] = "sni", [SW_NAME_PROXY] = "proxy",
		[SW_NAME_SERVICE] = "service",
	};

	return (size_t)source < SW_COUNT(names) ? names[source] : "unknown";
}

static const char *protocol_text(const struct sw_flow_summary *flow)
{
	if (flow->protocol)
		return sw_protocol_name(flow->protocol);
	return flow->local.family == AF_UNIX || flow->remote.family == AF_UNIX ? "unix" : NULL;
}

static json_t *name_origin(const struct sw_name_origin *origin)
{
	json_t *object;
	char text[SW_ADDR_TEXT];

	if (!origin->text)
		return json_null();
	object = json_object();
	sw_json_set(object, "text", sw_json_text(origin->text));
	sw_json_set(object, "server",
		    origin->server.ip.family ? json_string(sw_endpoint_text(&origin->server, text)) : json_null());
	sw_json_set(object, "ttl_s", origin->ttl_s < 0 ? json_null() : sw_json_number(origin->ttl_s));
	sw_json_set(object, "age_ns", origin->age_ns < 0 ? json_null() : sw_json_number(origin->age_ns));
	sw_json_set(object, "variable", sw_json_text(origin->variable));
	sw_json_set(object, "argument", sw_json_bool(origin->argument));
	return object;
}

json_t *sw_json_flow(const struct sw_flow_summary *flow, bool counters)
{
	json_t *object = json_object();

	sw_json_set(object, "id", json_integer(flow->id));
	sw_json_set(object, "protocol", sw_json_text(protocol_text(flow)));
	sw_json_set(object, "local", sw_json_addr(&flow->local));
	sw_json_set(object, "remote", sw_json_addr(&flow->remote));
	sw_json_set(object, "translated", sw_json_addr(&flow->translated));
	sw_json_set(object, "name", sw_json_text(flow->name));
	sw_json_set(object, "name_source", sw_json_text(name_source_text(flow->name_source)));
	sw_json_set(object, "name_origin", name_origin(&flow->origin));
	sw_json_set(object, "initiator", sw_json_bool(flow->initiator));
	if (!counters)
		return object;
	sw_json_set(object, "packets_out", sw_json_number(flow->packets_out));
	sw_json_set(object, "packets_in", sw_json_number(flow->packets_in));
	sw_json_set(object, "bytes_out", sw_json_number(flow->bytes_out));
	sw_json_set(object, "bytes_in", sw_json_number(flow->bytes_in));
	sw_json_set(object, "retransmissions", sw_json_number(flow->retransmissions));
	sw_json_set(object, "rtt_ns", sw_json_known(flow->rtt_ns));
	sw_json_set(object, "state", sw_json_text(flow->state));
	sw_json_set(object, "history", sw_json_text(flow->history));
	return object;
}
