/* Facts of a TLS handshake, as far as it is in the clear or told by lengths and order: hellos, alerts, certificates, answers that are
 * no TLS.
 *
 * Enters: the flow's handshake. Leaves: the section SW_FACTS_TLS. Judges nothing. RFC 8446, 5246, 6125. */
#include <stdio.h>
#include <time.h>

#include "correlate/facts/facts.h"
#include "correlate/flows/handshakes.h"
#include "correlate/flows/tls_port.h"
#include "correlate/thresholds.h"
#include "src/base/arena.h"

#define TLS_13 0x0304u
/* A ServerHello, EncryptedExtensions and a Finished make some 300 bytes; the smallest certificate with its proof of possession as many
 * again (seen: 750 bytes and more with, 240 to 310 without, resumed). */
#define FULL_FLIGHT 512
/* Who closes later than this may have run out of patience. */
#define PATIENCE_NS SW_NS_PER_S

/* The flow's sides as the handshake numbers them: a mirrored flow has them swapped. */
static enum sw_flow_side ours_of(const struct sw_symptom_context *context)
{
	return context->handshake->flow == context->flow->id ? SW_SIDE_OURS : SW_SIDE_PEER;
}

static void date_text(char text[32], int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&when, &parts) || !strftime(text, 32, "%Y-%m-%d %H:%M UTC", &parts))
		text[0] = '\0';
}

static void certificate_facts(struct sw_facts *facts, const struct sw_handshake *handshake, enum sw_flow_side ours,
			      struct sw_arena *arena)
{
	enum sw_flow_side server = !handshake->client_side;
	const struct sw_tls_certificate *certificate = &handshake->side[server].certificate;
	int64_t seen_s = handshake->side[server].certificate_ns / SW_NS_PER_S;
	const char *wanted = handshake->client.name;
	char date[32];

	if (!certificate->present)
		return;
	facts->tls_certificate_ours = server == ours;
	facts->tls_certificate = sw_arena_format(arena, "%s, issued by %s%s", certificate->subject, certificate->issuer,
						 certificate->self_signed ? " (itself)" : "");
	if (certificate->until_s >= 0 && certificate->until_s < seen_s) {
		date_text(date, certificate->until_s);
		facts->tls_certificate_fault = sw_arena_format(arena, "it expired on %s", date);
	} else if (certificate->from_s > seen_s) {
		date_text(date, certificate->from_s);
		facts->tls_certificate_fault = sw_arena_format(arena, "it is not valid before %s", date);
	} else if (wanted[0] && !sw_tls_certificate_covers(certificate, wanted)) {
		facts->tls_certificate_fault =
			sw_arena_format(arena, "it is for %s, and %s was asked for",
					certificate->names[0] ? certificate->names : certificate->subject, wanted);
	} else if (certificate->self_signed) {
		facts->tls_certificate_fault = "it is signed by itself";
	}
}

static const char *version_name(uint16_t version)
{
	return version ? sw_tls_version_name(version) : NULL;
}

static void hello_facts(struct sw_facts *facts, const struct sw_handshake *handshake, struct sw_arena *arena)
{
	facts->tls_client_hello = handshake->client_hello;
	facts->tls_server_hello = handshake->server_hello;
	facts->tls_retry = handshake->retry;
	facts->tls_asks_certificate = handshake->asks_certificate;
	facts->tls_done = handshake->done;
	if (handshake->client.present) {
		facts->tls_version = version_name(handshake->client.version);
		if (handshake->client.name[0])
			facts->tls_name = sw_arena_strdup(arena, handshake->client.name);
		if (handshake->client.protocols[0])
			facts->tls_protocols = sw_arena_strdup(arena, handshake->client.protocols);
	}
	if (handshake->server.present) {
		facts->tls_chosen = version_name(handshake->server.version);
		facts->tls_cipher = sw_arena_format(arena, "0x%04x", handshake->server.cipher);
	}
}

/* A warning that the connection ends with is as good as fatal. */
static bool is_warning(const struct sw_handshake *handshake, const struct sw_handshake_alert *alert,
		       const struct sw_flow *flow)
{
	return alert->warning && (handshake->done.packet ||
				  (!flow->side[SW_SIDE_OURS].fin.packet && !flow->side[SW_SIDE_PEER].fin.packet &&
				   !flow->side[SW_SIDE_PEER].rst.packet && !flow->side[SW_SIDE_OURS].rst.packet));
}

static void take_alert(struct sw_facts *facts, const struct sw_handshake *handshake, const struct sw_flow *flow,
		       enum sw_flow_side from, bool ours)
{
	const struct sw_handshake_alert *alert = &handshake->side[from].alert;
	const struct sw_side *sender = &flow->side[ours ? SW_SIDE_OURS : SW_SIDE_PEER];
	struct sw_seen ended = sw_side_gone(&flow->side[ours ? SW_SIDE_PEER : SW_SIDE_OURS]);

	if (!alert->seen.packet || (ended.packet && ended.time_ns < alert->seen.time_ns))
		return; /* a complaint about the end, which came first */
	if (is_warning(handshake, alert, flow)) {
		facts->tls_warning = alert->seen;
		facts->tls_warning_name = sw_tls_alert_name(alert->number);
		facts->tls_warning_ours = ours;
		return;
	}
	/* What cannot be read is an alert if its sender closed behind it. */
	if (alert->hidden && !sender->fin.packet && !sender->rst.packet)
		return;
	if (facts->tls_alert.packet && facts->tls_alert.time_ns <= alert->seen.time_ns)
		return;
	facts->tls_alert = alert->seen;
	facts->tls_alert_hidden = alert->hidden;
	facts->tls_alert_name = alert->hidden ? NULL : sw_tls_alert_name(alert->number);
	facts->tls_alert_number = alert->hidden ? -1 : alert->number;
	facts->tls_alert_ours = ours;
}

/* Who does not like a certificate may say so by an alert, or just close: in the handshake (TLS 1.3 tells the client the certificate
 * before its Finished), or behind it, where the library leaves the verification to the program. */
static void left_facts(struct sw_facts *facts, const struct sw_handshake *handshake, const struct sw_flow *flow,
		       bool ours)
{
	const struct sw_handshake_side *client = &handshake->side[handshake->client_side];
	const struct sw_side *leaver = &flow->side[ours ? SW_SIDE_OURS : SW_SIDE_PEER];
	const struct sw_side *other = &flow->side[ours ? SW_SIDE_PEER : SW_SIDE_OURS];
	struct sw_seen left = sw_side_gone(leaver), stayed = sw_side_gone(other);
	bool certificate = handshake->flight_bytes >= FULL_FLIGHT ||
			   handshake->side[!handshake->client_side].certificate.present;

	if (client->goodbye.packet && (!left.packet || client->goodbye.time_ns < left.time_ns))
		left = client->goodbye; /* the server may close first when it has read it */
	if (!handshake->client_hello.packet || !handshake->server_hello.packet || facts->tls_alert.packet ||
	    client->data_records || !certificate || !left.packet || (stayed.packet && stayed.time_ns <= left.time_ns) ||
	    left.time_ns - other->last_new_data.time_ns > (ours ? SW_ALERT_AFTER_NS : PATIENCE_NS))
		return;
	facts->tls_left = left;
	facts->tls_left_ours = ours;
	facts->tls_left_behind = client->protected.packet || client->finished;
}

static void process_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	const struct sw_process_seen *process = context->process;

	facts->tls_others_done = context->handshakes_used;
	facts->said_tls = context->said_tls;
	if (!process || !process->exited)
		return;
	facts->ended_badly = process->exit_ns - context->debt->ended_ns < context->settle_ns && process->code != 0;
}

/* Plaintext on one side, TLS on the other. */
static void mixed_facts(struct sw_facts *facts, const struct sw_handshake *handshake, const struct sw_flow *flow,
			enum sw_flow_side ours)
{
	const struct sw_handshake_side *own = &handshake->side[ours], *peer = &handshake->side[!ours];
	const struct sw_side *sent = &flow->side[SW_SIDE_OURS], *came = &flow->side[SW_SIDE_PEER];
	bool client = handshake->client_hello.packet && handshake->client_side == ours;
	bool server = handshake->client_hello.packet && handshake->client_side != ours;
	bool no_hello = !handshake->client_hello.packet && !flow->began_before;

	if (client && peer->plain.packet && peer->plain.packet == peer->first.packet)
		facts->tls_not = peer->plain;
	facts->tls_not_ours = server && own->plain.packet && own->plain.packet == own->first.packet;
	if (facts->tls_not_ours)
		facts->tls_not = own->plain;
	facts->fin_saw_hello = client && (flow->began_before || came->fin_ack > 1);
	facts->tls_echoed = client && handshake->echoed;
	facts->tls_unanswered =
		server && !own->first.packet && sw_side_gone(sent).packet &&
		(!sw_side_gone(came).packet || sw_side_gone(sent).time_ns <= sw_side_gone(came).time_ns);
	facts->tls_starved = sw_tls_port_starved(handshake, flow, ours);
	facts->tls_only_peer = no_hello && sent->first_data.packet && sent->first_data.packet != own->first.packet &&
			       peer->first.packet && peer->first.packet == came->first_data.packet;
	facts->tls_only_ours = no_hello && came->first_data.packet && came->first_data.packet != peer->first.packet &&
			       own->first.packet && own->first.packet == sent->first_data.packet &&
			       came->first_data.time_ns <= sent->first_data.time_ns;
}

/* No TLS was spoken, and perhaps it should have been. */
static void mute_facts(struct sw_facts *facts, const struct sw_symptom_context *context)
{
	facts->plain_unanswered = true;
	facts->tls_served = context->tls_served;
	facts->tls_reads_records = sw_tls_port_reads_records(context->socket, context->flow);
	facts->said_tls = context->said_tls;
}

void sw_facts_of_tls(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_handshake *handshake = context->handshake;
	const struct sw_flow *flow = context->flow;
	enum sw_flow_side ours;

	if (flow && context->debt->mute)
		mute_facts(facts, context);
	if (flow && flow->initiator)
		facts->tls_refused = flow->side[SW_SIDE_PEER].refused_tls;
	if (!handshake || !flow)
		return;
	ours = ours_of(context);
	hello_facts(facts, handshake, arena);
	certificate_facts(facts, handshake, ours, arena);
	take_alert(facts, handshake, flow, ours, true);
	take_alert(facts, handshake, flow, !ours, false);
	mixed_facts(facts, handshake, flow, ours);
	left_facts(facts, handshake, flow, handshake->client_side == ours);
	process_facts(facts, context);
}
