/* See handshakes.h. In TLS 1.3 all that follows the ServerHello looks like application data: who has sent what, in which order and
 * how long it was, is all that is left to go by. */
#include "correlate/flows/handshakes.h"

#include <uthash.h>

#include "src/base/mem.h"

#define HANDSHAKES_MAX 16384
#define TLS_13 0x0304u
/* Two bytes of alert, one of content type, sixteen of authentication: RFC 8446, section 5.2. Java pads by sixteen more.
 * Nothing else that may stand there is so long: a Finished has 53 at least, a Certificate without one 25. */
#define ALERT_13_LENGTH 19u
#define ALERT_13_PADDED 35u
#define LEVEL_WARNING 1
#define CLOSE_NOTIFY 0
#define RECORD_HEADER 5u
#define USER_CANCELED 90

struct entry {
	struct sw_handshake handshake;
	UT_hash_handle hh;
};

struct sw_handshakes {
	struct entry *table; /* in the order they began */
};

struct sw_handshakes *sw_handshakes_new(void)
{
	return sw_alloc(sizeof(struct sw_handshakes));
}

static void forget(struct sw_handshakes *handshakes, struct entry *entry)
{
	HASH_DEL(handshakes->table, entry);
	free(entry);
}

void sw_handshakes_free(struct sw_handshakes *handshakes)
{
	struct entry *entry, *next;

	if (!handshakes)
		return;
	HASH_ITER (hh, handshakes->table, entry, next)
		forget(handshakes, entry);
	free(handshakes);
}

void sw_handshakes_forget(struct sw_handshakes *handshakes, bool (*is_known)(void *context, uint32_t flow),
			  void *context)
{
	struct entry *entry, *next;

	HASH_ITER (hh, handshakes->table, entry, next) {
		if (!is_known(context, entry->handshake.flow))
			forget(handshakes, entry);
	}
}

static struct entry *find(const struct sw_handshakes *handshakes, uint32_t flow)
{
	struct entry *entry;

	HASH_FIND(hh, handshakes->table, &flow, sizeof flow, entry);
	return entry;
}

static struct entry *add(struct sw_handshakes *handshakes, uint32_t flow)
{
	struct entry *entry = sw_alloc(sizeof *entry);

	if (HASH_COUNT(handshakes->table) >= HANDSHAKES_MAX)
		forget(handshakes, handshakes->table);
	entry->handshake.flow = flow;
	HASH_ADD(hh, handshakes->table, handshake.flow, sizeof entry->handshake.flow, entry);
	return entry;
}

static struct sw_seen seen_of(const struct sw_packet *packet)
{
	return (struct sw_seen){.packet = packet->id, .input = packet->input, .time_ns = packet->time_ns};
}

static bool is_13(const struct sw_handshake *handshake)
{
	return handshake->server.present && handshake->server.version >= TLS_13;
}

static void take_alert(struct sw_handshake_alert *alert, const struct sw_packet *packet,
		       const struct sw_tls_record *record)
{
	bool warning = record->alert_level == LEVEL_WARNING;

	if (!record->alert_level || record->alert == CLOSE_NOTIFY || record->alert == USER_CANCELED ||
	    (alert->seen.packet && (!alert->warning || warning)))
		return;
	*alert = (struct sw_handshake_alert){.seen = seen_of(packet), .number = record->alert, .warning = warning};
}

static void take_hidden(struct sw_handshake_alert *alert, const struct sw_packet *packet)
{
	if (!alert->seen.packet || alert->warning)
		*alert = (struct sw_handshake_alert){.seen = seen_of(packet), .hidden = true};
}

static void say_done(struct sw_handshake *handshake, const struct sw_packet *packet)
{
	if (!handshake->done.packet)
		handshake->done = seen_of(packet);
}

/* TLS 1.3, the client: its first record is its Finished, or an alert in its place; what comes in later packets is data. */
static void client_13(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from,
		      uint16_t length, bool alert_like, bool first_of_packet)
{
	struct sw_handshake_side *side = &handshake->side[from];

	if (!side->protected.packet && alert_like)
		take_hidden(&side->alert, packet);
	else if (side->protected.packet && length == ALERT_13_LENGTH)
		handshake->closing = true; /* its close_notify; a padded one is as long as a short request */
	else if (side->protected.packet && first_of_packet)
		say_done(handshake, packet);
}

/* TLS 1.3, the server: handshake messages first; behind the client's Finished tickets, data, or an alert. */
static void server_13(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from,
		      bool alert_like)
{
	if (!handshake->side[!from].protected.packet || handshake->answered)
		return;
	if (alert_like) {
		if (!handshake->closing && !handshake->side[!from].alert.seen.packet)
			take_hidden(&handshake->side[from].alert, packet);
		return;
	}
	handshake->answered = true;
	handshake->side[from].alert.hidden = false;
	say_done(handshake, packet);
}

/* A record whose content only the two ends can read. */
static void take_protected(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from,
			   const struct sw_tls_record *record, bool first_of_packet)
{
	struct sw_handshake_side *side = &handshake->side[from];
	bool alert_like = record->begins && (record->length == ALERT_13_LENGTH || record->length == ALERT_13_PADDED);

	if (!is_13(handshake))
		say_done(handshake, packet);
	else if (from == handshake->client_side)
		client_13(handshake, packet, from, record->length, alert_like, first_of_packet);
	else if (record->begins)
		server_13(handshake, packet, from, alert_like);
	if (record->begins && record->length != ALERT_13_LENGTH && (!is_13(handshake) || side->protected.packet))
		side->data_records++;
	if (!side->protected.packet)
		side->protected = seen_of(packet);
}

/* Up to TLS 1.2 the first encrypted handshake message of a side is its Finished. */
static void take_finished(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from)
{
	handshake->side[from].finished = true;
	if (handshake->side[!from].finished)
		say_done(handshake, packet);
}

/* Behind the handshake an alert is a close_notify, for all that can be seen. */
static void take_goodbye(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from,
			 const struct sw_tls_record *record)
{
	struct sw_handshake_side *side = &handshake->side[from];
	bool alert_like = is_13(handshake) && record->content == SW_TLS_APPLICATION && side->protected.packet &&
			  (record->length == ALERT_13_LENGTH || record->length == ALERT_13_PADDED);

	if (!record->begins || (!alert_like && (record->content != SW_TLS_ALERT || !handshake->done.packet)))
		return;
	side->goodbye = seen_of(packet);
	side->goodbye_bytes = RECORD_HEADER + record->length;
	side->before_goodbye_ns = side->last_ns;
}

static void take_record(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from,
			const struct sw_tls_record *record, bool first_of_packet)
{
	for (uint8_t i = 0; i < record->message_count && i < SW_TLS_MESSAGES; i++) {
		if (record->messages[i] == SW_TLS_CLIENT_HELLO && !handshake->client_hello.packet) {
			handshake->client_hello = seen_of(packet);
			handshake->client_side = from;
		}
		handshake->asks_certificate |= record->messages[i] == SW_TLS_CERTIFICATE_REQUEST;
	}
	take_goodbye(handshake, packet, from, record);
	if (record->content == SW_TLS_HANDSHAKE && record->encrypted)
		take_finished(handshake, packet, from);
	if (record->content == SW_TLS_APPLICATION)
		take_protected(handshake, packet, from, record, first_of_packet);
	else if (record->content == SW_TLS_ALERT && record->encrypted && !handshake->done.packet && record->begins &&
		 !handshake->side[!from].cut) /* the other's Finished may stand where the capture was cut off */
		take_hidden(&handshake->side[from].alert, packet);
	else if (record->content == SW_TLS_ALERT)
		take_alert(&handshake->side[from].alert, packet, record);
}

static void take_hellos(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_tls *tls = packet->tls;

	if (tls->client.present && handshake->client_hello.packet && handshake->client_side != from) {
		handshake->echoed = true;
	} else if (tls->client.present) {
		if (!handshake->client_hello.packet)
			handshake->client_hello = seen_of(packet);
		handshake->client_side = from;
		handshake->client = tls->client;
	}
	if (tls->server.present) {
		handshake->retry |= tls->server.retry;
		handshake->server = tls->server;
		if (!handshake->server_hello.packet)
			handshake->server_hello = seen_of(packet);
	}
	if (tls->certificate.present && !handshake->side[from].certificate.present) {
		handshake->side[from].certificate = tls->certificate;
		handshake->side[from].certificate_ns = packet->time_ns;
	}
}

static void take_flight(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from)
{
	const struct sw_handshake_side *client = &handshake->side[handshake->client_side];

	if (packet->tls && packet->tls->client.present)
		handshake->flight_bytes = 0;
	else if (from != handshake->client_side && !client->protected.packet && !client->finished)
		handshake->flight_bytes += packet->payload_length;
}

static void take_records(struct sw_handshake *handshake, const struct sw_packet *packet, enum sw_flow_side from)
{
	bool protected_before = false;

	handshake->side[from].cut |= packet->tls->truncated;
	take_hellos(handshake, packet, from);
	for (uint8_t i = 0; i < packet->tls->record_count && i < SW_TLS_RECORDS; i++) {
		const struct sw_tls_record *record = &packet->tls->records[i];

		take_record(handshake, packet, from, record, !protected_before);
		protected_before |= record->content == SW_TLS_APPLICATION;
	}
}

void sw_handshakes_packet(struct sw_handshakes *handshakes, const struct sw_packet *packet, uint32_t flow,
			  enum sw_flow_side from)
{
	struct entry *entry = find(handshakes, flow);
	struct sw_handshake *handshake;
	struct sw_handshake_side *side;

	if (!entry && !packet->tls)
		return;
	if (!entry)
		entry = add(handshakes, flow);
	handshake = &entry->handshake;
	side = &handshake->side[from];
	if (!side->first.packet)
		side->first = seen_of(packet);
	take_flight(handshake, packet, from);
	if (packet->tls)
		take_records(handshake, packet, from);
	else if (!side->plain.packet && !side->protected.packet)
		side->plain = seen_of(packet);
	side->last_ns = packet->time_ns;
}

const struct sw_handshake *sw_handshakes_get(const struct sw_handshakes *handshakes, uint32_t flow)
{
	const struct entry *entry = find(handshakes, flow);

	return entry ? &entry->handshake : NULL;
}
