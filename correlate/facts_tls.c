/* Facts of a TLS handshake, as far as it is in the clear or told by lengths and order: hellos, alerts, certificates, answers that are
 * no TLS.
 *
 * Enters: the flow's handshake. Leaves: the section SW_FACTS_TLS. Judges nothing. RFC 8446, 5246, 6125. */
#include <stdio.h>
#include <time.h>

#include "correlate/facts.h"
#include "correlate/handshakes.h"
#include "src/base/arena.h"

#define TLS_13 0x0304u

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

static void hello_facts(struct sw_facts *facts, const struct sw_handshake *handshake, struct sw_arena *arena)
{
	facts->tls_client_hello = handshake->client_hello;
	facts->tls_server_hello = handshake->server_hello;
	facts->tls_retry = handshake->retry;
	facts->tls_asks_certificate = handshake->asks_certificate;
	facts->tls_done = handshake->done;
	if (handshake->client.present) {
		facts->tls_version = sw_tls_version_name(handshake->client.version);
		if (handshake->client.name[0])
			facts->tls_name = sw_arena_strdup(arena, handshake->client.name);
		if (handshake->client.protocols[0])
			facts->tls_protocols = sw_arena_strdup(arena, handshake->client.protocols);
	}
	if (handshake->server.present) {
		facts->tls_chosen = sw_tls_version_name(handshake->server.version);
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

	if (!alert->seen.packet)
		return;
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

void sw_facts_of_tls(struct sw_facts *facts, const struct sw_symptom_context *context, struct sw_arena *arena)
{
	const struct sw_handshake *handshake = context->handshake;
	const struct sw_flow *flow = context->flow;
	const struct sw_handshake_side *own, *peer;
	struct sw_seen own_first;
	enum sw_flow_side ours;

	if (!handshake || !flow)
		return;
	ours = ours_of(context);
	own = &handshake->side[ours];
	peer = &handshake->side[!ours];
	hello_facts(facts, handshake, arena);
	certificate_facts(facts, handshake, ours, arena);
	take_alert(facts, handshake, flow, ours, true);
	take_alert(facts, handshake, flow, !ours, false);
	if (handshake->client_hello.packet && handshake->client_side == ours && peer->plain.packet &&
	    peer->plain.packet == peer->first.packet)
		facts->tls_not = peer->plain;
	own_first = flow->side[SW_SIDE_OURS].first_data;
	facts->tls_only_peer = !handshake->client_hello.packet && own_first.packet &&
			       own_first.packet != own->first.packet && peer->first.packet &&
			       peer->first.packet == flow->side[SW_SIDE_PEER].first_data.packet;
}
