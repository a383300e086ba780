/* Verdicts on TLS handshakes, from what of them is in the clear. Enters: facts. Leaves: a match. */
#include <errno.h>
#include <string.h>

#include "correlate/rules/rules.h"

#define ON_TLS (SW_ON(ANSWER) | SW_ON(HANDSHAKE) | SW_ON(GREETING) | SW_ON(DRAIN))

static bool went_wrong(const struct sw_facts *facts)
{
	return FACT(answered_no) || FACT(failed) || FACT(ended_by_eof) || FACT(gave_up) || FACT(lost);
}

static const struct sw_rule_next not_tls_here[SW_RULE_TEXTS] = {
	{"here", "curl -v http://127.0.0.1:{local_port}/", "see what the program speaks at this port", NULL},
	{"peer", NULL, "see why the client takes this port for one with TLS", NULL},
};

static const struct sw_rule_next tls_there[SW_RULE_TEXTS] = {
	{"here", "openssl s_client -connect {remote} -servername {host} </dev/null", "see that TLS is spoken there",
	 NULL},
	{"here", NULL, "let the program speak TLS (https://), or use the port without", NULL},
};

static const struct sw_rule_next tls_here[SW_RULE_TEXTS] = {
	{"here", "openssl s_client -connect 127.0.0.1:{local_port} </dev/null",
	 "see that the program speaks TLS at this port", NULL},
	{"peer", NULL, "let the client speak TLS (https://), or use the port without", NULL},
};

/* Our end is the server's. */
static bool not_spoken_to_us(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(tls_only_ours)) {
		match->cause = "{remote} spoke without TLS to our port {local_port}, and we answered with a TLS record";
		cite(match, FACT(peer_data));
		cite(match, FACT(tls_alert));
		match->cites_opening = true;
		match->next = tls_here;
		return true;
	}
	match->next = not_tls_here;
	match->locus = SW_LOCUS_LOCAL_APP;
	match->cause =
		"{remote} began a TLS handshake with our port {local_port}, and we answered with something that is no TLS";
	cite(match, FACT(tls_client_hello));
	cite(match, FACT(tls_not));
	return true;
}

/* Our end is the server's, and closed without a word: what tells that it speaks TLS there. */
static bool plain_refused(const struct sw_facts *facts, struct sw_match *match)
{
	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match, "why the program closed: it answered nothing");
	match->next = tls_here;
	match->cites_opening = true;
	cite(match, FACT(peer_data));
	cite(match, FACT(own_fin));
	cite(match, FACT(own_rst));
	if (FACT(tls_reads_records)) {
		match->cause =
			"{remote} spoke without TLS to our port {local_port}: the program asked for the five bytes that begin a TLS record, and closed without a word";
	} else if (FACT(tls_served) > 0) {
		match->cause =
			"{remote} spoke without TLS to our port {local_port}, where the program spoke TLS in {tls_served:other connection}, and it closed without a word";
	} else if (FACT(said_tls)) {
		match->cause =
			"{remote} spoke without TLS to our port {local_port}: the program wrote of TLS to standard error, and closed without a word";
	} else {
		at_most(match, SW_CONFIDENCE_POSSIBLE);
		match->cause =
			"{remote} asked without TLS at our port {local_port}, and the program closed at once, without a byte of an answer";
		match->usually = "a program that speaks TLS at this port; else one that refuses this client or request";
		if (FACT(ended_soon))
			match->severity = SW_SEVERITY_NOTE; /* it was about to end */
	}
	return true;
}

/* Our end is the server's, and was silent. */
static bool starved(const struct sw_facts *facts, struct sw_match *match)
{
	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match, "whether the program was busy meanwhile: it answered nothing");
	match->next = not_tls_here;
	match->locus = SW_LOCUS_LOCAL_APP;
	match->cause =
		"{remote} began a TLS handshake with our port {local_port}: the program read the ClientHello, answered nothing, and the client left";
	match->usually = "the program does not speak TLS at this port, and waits for a line to end that never does";
	match->cites_surfaced = true;
	cite(match, FACT(tls_client_hello));
	cite(match, FACT(peer_fin));
	return true;
}

static const struct sw_rule_next tls_wanted[SW_RULE_TEXTS] = {
	{"peer", NULL, "switch TLS on in the service there (a certificate, ssl = on, smtpd_tls_security_level)", NULL},
	{"here", NULL,
	 "or let the program do without (sslmode=prefer, opportunistic TLS), if the way there may be read by others",
	 NULL},
};

/* A protocol that begins in the clear, and a server that will not go on in TLS. */
static bool refused(const struct sw_facts *facts, struct sw_match *match)
{
	match->cause = "we asked {remote} to begin TLS on this connection; it said no, and we left";
	match->usually = "TLS is not switched on in the service there, or it has no certificate";
	match->next = tls_wanted;
	cite(match, FACT(tls_refused));
	match->cites_opening = match->cites_surfaced = true;
	if (FACT(ended_well))
		match->severity = SW_SEVERITY_NOTE; /* a check */
	return true;
}

static bool tls_not_spoken(const struct sw_facts *facts, struct sw_match *match)
{
	if (FACT(plain_unanswered))
		return plain_refused(facts, match);
	if (FACT(unserved) || !strcmp(FACT(operation), "serve") || !went_wrong(facts))
		return false;
	if (FACT(tls_starved) && FACT(answered_no))
		return starved(facts, match);
	if (FACT(tls_refused).packet && FACT(answered_no) && !FACT(tls_client_hello).packet)
		return refused(facts, match);
	if (FACT(tls_only_ours) || FACT(tls_not_ours))
		return not_spoken_to_us(facts, match);
	if (FACT(tls_echoed)) {
		match->cause = "{remote} sent our ClientHello back: it repeats what it hears";
		cite(match, FACT(tls_client_hello));
		return true;
	}
	if (FACT(tls_only_peer)) {
		match->locus = SW_LOCUS_LOCAL_APP;
		match->next = tls_there;
		match->cause = "we spoke without TLS, and {remote} answered with a TLS record";
		cite(match, FACT(own_data));
		cite(match, FACT(tls_alert));
		return true;
	}
	if (!FACT(tls_not).packet)
		return false;
	cite(match, FACT(tls_client_hello));
	cite(match, FACT(tls_not));
	return true;
}

/* The handshake went on: worth a word, no more. */
static bool survived(const struct sw_facts *facts, struct sw_match *match)
{
	if (!FACT(tls_warning).packet || !FACT(answered_no))
		return false;
	match->severity = SW_SEVERITY_NOTE;
	match->cause = FACT(tls_warning_ours) ?
			       "we sent {remote} the warning {tls_warning_name}, and the handshake went on" :
			       "{remote} sent the warning {tls_warning_name}, and the handshake went on";
	cite(match, FACT(tls_warning));
	return true;
}

/* By its length and place: in TLS 1.3 all behind the hellos is encrypted. */
static void hidden_alert(const struct sw_facts *facts, struct sw_match *match)
{
	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match, "which alert it is: it is encrypted");
	cite(match, FACT(peer_fin));
	match->cause =
		FACT(tls_alert_ours) ?
			"we ended the handshake with {remote} by an encrypted record of an alert's length, and closed" :
			"{remote} ended the handshake behind our last message by an encrypted record of an alert's length, and closed";
}

/* What an alert usually means, RFC 8446, 6.2: where it says more than that the other side said no. */
static const char *usual_alert(int64_t number)
{
	switch (number) {
	case 40: return "no cipher suite or signature algorithm in common, or a client certificate was wanted";
	case 42:
	case 46: return "a certificate that the other side cannot use: damaged, or for another purpose";
	case 44: return "a certificate that its issuer has withdrawn";
	case 45: return "a certificate that nobody renewed; else a wrong clock on either side";
	case 48:
		return "a certificate of an issuer that is not trusted here: an internal authority, a missing intermediate certificate, or an inspecting proxy";
	case 70: return "no protocol version in common: one side is old, or allows only new ones";
	case 112: return "a server name that is not served there";
	case 116: return "the server wants a certificate of the client, and got none";
	case 120: return "no application protocol (ALPN) in common";
	default: return NULL;
	}
}

/* Our end is the server's: what there is to look at is our own certificate, and what the client says. */
static const struct sw_rule_next as_server[SW_RULE_TEXTS] = {
	{"here", "openssl s_client -connect 127.0.0.1:{local_port} -servername {tls_name} -showcerts </dev/null",
	 "see the certificates that the program shows", "Verify return code: 0"},
	{"peer", NULL, "read what the client says: issuer, name, dates, versions", NULL},
};

static bool tls_alert(const struct sw_facts *facts, struct sw_match *match)
{
	if (!went_wrong(facts) || !FACT(tls_alert).packet)
		return survived(facts, match);
	cite(match, FACT(tls_client_hello));
	cite(match, FACT(tls_server_hello));
	cite(match, FACT(tls_alert));
	if (FACT(accepted))
		match->next = as_server;
	if (FACT(tls_alert_ours))
		match->locus = SW_LOCUS_LOCAL_APP;
	if (!FACT(tls_alert_hidden))
		match->usually = usual_alert(FACT(tls_alert_number));
	if (FACT(tls_alert_hidden))
		hidden_alert(facts, match);
	else if (FACT(tls_alert_ours) && FACT(tls_certificate_fault) && !FACT(tls_certificate_ours))
		match->cause =
			"we ended the handshake with {remote} by the alert {tls_alert_name} ({tls_alert_number}): its certificate is of {tls_certificate}, and {tls_certificate_fault}";
	else if (FACT(tls_alert_ours))
		match->cause =
			"we ended the handshake with {remote} by the alert {tls_alert_name} ({tls_alert_number})";
	else if (FACT(tls_asks_certificate))
		match->cause =
			"{remote} asked for a certificate of ours and ended the handshake by the alert {tls_alert_name} ({tls_alert_number})";
	return true;
}

/* Nothing says why the client closed. That the certificate was what it waited for, and that nothing else came between, says it nearly;
 * behind a whole handshake a health check closes like that too. */
static bool left(const struct sw_facts *facts, struct sw_match *match)
{
	bool refused = FACT(ended_badly) || (!FACT(ended_soon) && (FACT(said_tls) || FACT(tls_certificate_fault)));

	at_most(match, SW_CONFIDENCE_LIKELY);
	unseen(match, "why the client closed: no alert says it");
	cite(match, FACT(tls_client_hello));
	cite(match, FACT(tls_server_hello));
	cite(match, FACT(tls_left));
	match->locus = FACT(tls_left_ours) ? SW_LOCUS_LOCAL_APP : SW_LOCUS_PEER_APP;
	match->usually =
		"the client does not accept the certificate (issuer, name, dates): its library tells the program, and nobody tells the server";
	if (FACT(tls_others_done) > 0 || (FACT(tls_left_behind) && !refused))
		match->severity = SW_SEVERITY_NOTE;
	if (match->severity == SW_SEVERITY_NOTE && FACT(tls_left_behind))
		at_most(match, SW_CONFIDENCE_POSSIBLE);
	if (FACT(accepted))
		match->next = as_server;
	if (!FACT(tls_left_ours))
		match->cause =
			"{remote} closed as soon as it had our certificate, in the middle of the handshake and without an alert";
	else if (!FACT(tls_left_behind))
		match->cause =
			"we closed as soon as the certificate of {remote} had come, in the middle of the handshake and without an alert";
	else if (FACT(tls_certificate_fault))
		match->cause =
			"we closed right behind the handshake, before a byte of data: the certificate of {remote} is of {tls_certificate}, and {tls_certificate_fault}";
	else
		match->cause =
			"we closed right behind the handshake with {remote}, before a byte of data: so ends who does not accept a certificate";
	return true;
}

static bool tls_handshake_cut(const struct sw_facts *facts, struct sw_match *match)
{
	bool ended = FACT(ended_by_eof) || (FACT(failed) && (FACT(error) == ECONNRESET || FACT(error) == EPIPE)) ||
		     FACT(lost);

	if (FACT(answered_no) && FACT(tls_left).packet)
		return left(facts, match);
	if (FACT(answered_no) && FACT(tls_unanswered)) {
		cite(match, FACT(tls_client_hello));
		match->cites_surfaced = true;
		match->locus = SW_LOCUS_LOCAL_APP;
		match->cause =
			"{remote} began a TLS handshake with our port {local_port}, and our side closed without a word";
		match->usually = "the program does not speak TLS at this port";
		match->next = not_tls_here;
		return true;
	}
	if (!ended || !FACT(tls_client_hello).packet)
		return false;
	if (FACT(tls_done).packet)
		return near(match, "the handshake was done");
	if (!FACT(peer_fin).packet && !FACT(rst).packet)
		return false;
	if (FACT(peer_fin).packet && !FACT(fin_saw_hello))
		return near(match, "the peer had closed before our ClientHello reached it");
	cite(match, FACT(tls_client_hello));
	cite(match, FACT(peer_fin));
	cite(match, FACT(rst));
	match->cites_surfaced = true;
	if (FACT(rst).packet && !FACT(peer_fin).packet) {
		match->cause = "a RST from {rst_source} came after the ClientHello, before the handshake was done";
		if (FACT(rst_from_stranger)) {
			match->locus = SW_LOCUS_PATH;
			at_most(match, SW_CONFIDENCE_LIKELY);
		}
	}
	return true;
}

/* To add one: write the predicate above and a row here; cases in tests/cases/<code>/. */
static const struct sw_rule tls[] = {
	{
		.code = "tls-alert",
		.symptoms = ON_TLS,
		.needs = SW_NEEDS_PACKETS,
		.beats = "tls-handshake-cut",
		.locus = SW_LOCUS_PEER_APP,
		.locus_words = "peer-app, or local-app when we sent it",
		.title = "a TLS alert ended the handshake",
		.holds = tls_alert,
		.cause =
			{"{remote} ended the handshake by the alert {tls_alert_name} ({tls_alert_number}); the client offered {tls_version} at most, for {tls_name}",
			 "{remote} ended the handshake by the alert {tls_alert_name} ({tls_alert_number}); the client offered {tls_version} at most",
			 "{remote} ended the handshake by the alert {tls_alert_name} ({tls_alert_number})"},
		.usually =
			{"no version or cipher suite in common (protocol_version, handshake_failure)",
			 "a certificate that is not trusted, expired or for another name (unknown_ca, bad_certificate)",
			 "a server name that is not served there (unrecognized_name)"},
		.next = {{"here", "openssl s_client -connect {remote} -servername {host} </dev/null",
			  "see the handshake and the certificates", "Verify return code: 0"}},
		.sees = "the library reports a handshake failure",
		.evidence =
			"a plaintext alert: say its name and who sent it. In TLS 1.3 a server's alert may be encrypted: a record of alert length, then FIN, in the handshake, is this with confidence `likely`",
	},
	{
		.code = "tls-not-spoken",
		.symptoms = ON_TLS | SW_ON(SERVE),
		.needs = SW_NEEDS_PACKETS,
		.beats = "tls-alert closed-by-own-reset",
		.locus = SW_LOCUS_PEER_APP,
		.locus_words = "peer-app, or local-app when we are the one without TLS",
		.title = "one side speaks TLS, the other does not",
		.holds = tls_not_spoken,
		.cause = {"{remote} answered the ClientHello with something that is no TLS"},
		.usually = {"https to a port that speaks http (or the other way round)",
			    "a protocol that begins in the clear (STARTTLS)"},
		.next = {{"here", "curl -v http://{remote}/", "see what is spoken there", NULL}},
		.sees = "\"wrong version number\" and the like",
		.evidence =
			"the answer to a ClientHello is not TLS, or our plaintext was answered with a TLS record. Inferred, `likely` at most, where our end is the server's and was silent: it read a request without TLS and closed, and speaks TLS in other connections, asks for records, or wrote of TLS; or it read a ClientHello and let the client wait until it left",
	},
	{
		.code = "tls-handshake-cut",
		.symptoms = ON_TLS,
		.needs = SW_NEEDS_PACKETS,
		.beats = "peer-aborted peer-closed-early peer-closed-first",
		.locus = SW_LOCUS_PEER_APP,
		.locus_words = "peer-app or path; local-app where we closed",
		.title = "the connection ended with its TLS handshake",
		.holds = tls_handshake_cut,
		.cause = {"{remote} closed after the ClientHello, before the handshake was done"},
		.usually =
			{"the server refuses this client: no virtual host of that name, a TLS version, a client certificate",
			 "a filter on the path that reads the server name"},
		.next = {{"here", "openssl s_client -connect {remote} -servername {host} </dev/null",
			  "see how far the handshake comes", NULL},
			 {"peer", "journalctl -e --utc", "look at the server's log at that time", NULL}},
		.sees = "`ECONNRESET`, end of file in the handshake",
		.evidence =
			"FIN or RST after the ClientHello, before the handshake was done; outranks `peer-aborted` and `peer-closed-early`, and an alert of ours that only followed. Inferred, `likely` at most: a client that closes as soon as it has the certificate, or right behind the handshake without a byte of data while its program fails",
	},
};

SW_RULE_FAMILY(sw_rules_tls, "TLS", tls);
