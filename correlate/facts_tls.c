/* Facts of a TLS handshake, as far as it is in the clear: hellos, fatal alerts, and answers that are no TLS.
 *
 * Enters: the kept packets of the flow with their records. Leaves: the section SW_FACTS_TLS. Judges nothing. RFC 8446, 5246. */
#include "capture/tls.h"

#include "correlate/facts.h"
#include "src/base/arena.h"

#define ALERT_CLOSE_NOTIFY 0
#define ALERT_FATAL 2

static struct sw_seen seen_of(const struct sw_packet *packet)
{
	return (struct sw_seen){.packet = packet->id, .input = packet->input, .time_ns = packet->time_ns};
}

/* RFC 8446, 6. */
static const char *alert_name(uint8_t alert)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {
		{10, "unexpected_message"},
		{20, "bad_record_mac"},
		{22, "record_overflow"},
		{40, "handshake_failure"},
		{42, "bad_certificate"},
		{43, "unsupported_certificate"},
		{44, "certificate_revoked"},
		{45, "certificate_expired"},
		{46, "certificate_unknown"},
		{47, "illegal_parameter"},
		{48, "unknown_ca"},
		{49, "access_denied"},
		{50, "decode_error"},
		{51, "decrypt_error"},
		{70, "protocol_version"},
		{71, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"},
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{112, "unrecognized_name"},
		{116, "certificate_required"},
		{120, "no_application_protocol"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].number == alert)
			return names[i].name;
	return "an unknown alert";
}

static void take_alert(struct sw_facts *facts, const struct sw_packet *packet, const struct sw_tls_record *record,
		       bool ours)
{
	if (facts->tls_alert.packet || record->alert_level != ALERT_FATAL || record->alert == ALERT_CLOSE_NOTIFY)
		return;
	facts->tls_alert = seen_of(packet);
	facts->tls_alert_name = alert_name(record->alert);
	facts->tls_alert_number = record->alert;
	facts->tls_alert_ours = ours;
}

static void take_records(struct sw_facts *facts, const struct sw_packet *packet, bool ours)
{
	for (uint8_t i = 0; i < packet->tls->record_count && i < SW_TLS_RECORDS; i++) {
		const struct sw_tls_record *record = &packet->tls->records[i];

		if (record->content == SW_TLS_APPLICATION && ours)
			facts->tls_done = true;
		if (record->content == SW_TLS_ALERT)
			take_alert(facts, packet, record, ours);
	}
}

static const char *version_name(uint16_t version)
{
	static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

	return version >= 0x300 && version <= 0x304 ? names[version - 0x300] : NULL;
}

static void take_hellos(struct sw_facts *facts, const struct sw_packet *packet, struct sw_arena *arena)
{
	const struct sw_tls *tls = packet->tls;

	if (tls->client.present && !facts->tls_client_hello.packet) {
		facts->tls_client_hello = seen_of(packet);
		facts->tls_version = version_name(tls->client.version);
		if (tls->client.name[0])
			facts->tls_name = sw_arena_strdup(arena, tls->client.name);
	}
	if (tls->server.present && !facts->tls_server_hello.packet)
		facts->tls_server_hello = seen_of(packet);
}

static bool begins_hello(const struct sw_packet *packet)
{
	for (uint8_t i = 0; i < packet->tls->record_count && i < SW_TLS_RECORDS; i++)
		for (uint8_t j = 0; j < packet->tls->records[i].message_count && j < SW_TLS_MESSAGES; j++)
			if (packet->tls->records[i].messages[j] == SW_TLS_CLIENT_HELLO)
				return true;
	return false;
}

void sw_facts_of_tls(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	bool peer_spoke = false, spoke_plain = false;

	for (size_t i = 0; context->flow && i < context->packet_count; i++) {
		const struct sw_packet *packet = context->packets[i];
		bool ours = sw_endpoint_equal(&packet->src, &context->flow->local);

		if (packet->kind != SW_PACKET_TCP || !packet->payload_length)
			continue;
		if (packet->tls) {
			take_hellos(facts, packet, arena);
			if (!facts->tls_client_hello.packet && begins_hello(packet))
				facts->tls_client_hello = seen_of(packet);
			take_records(facts, packet, ours);
		}
		if (ours) {
			spoke_plain |= !packet->tls && !facts->tls_client_hello.packet;
			continue;
		}
		if (!peer_spoke && !packet->tls && facts->tls_client_hello.packet)
			facts->tls_not = seen_of(packet);
		if (!peer_spoke && packet->tls && spoke_plain && !facts->tls_client_hello.packet)
			facts->tls_only_peer = true;
		peer_spoke = true;
	}
}
