/* What a packet of a case file carries: DNS messages and TLS records, by words behind the packet's own.
 *
 *   ... dns query 7 A www.shop.example
 *   ... dns answer 7 A www.shop.example NXDOMAIN | 10.0.0.5,10.0.0.6 | none | cut
 *   ... tls client-hello:1.3:www.shop.example server-hello:1.2 alert:fatal:40 alert:hidden data:53
 *           certificate:www.shop.example:Some CA:UNTIL (seconds)
 *   ... says waits | head | events | chunked | last | answer:BODY
 *
 * What is made here lives until the next packet. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/dns.h"
#include "capture/tls.h"
#include "tests/cases/case_reader.h"

static struct sw_dns message;
static struct sw_tls records;

static uint16_t type_of(const char *text)
{
	for (unsigned type = 1; type < 256; type++)
		if (!strcmp(sw_dns_type_name((uint16_t)type), text))
			return (uint16_t)type;
	return 0;
}

static bool answer_parse(char *text)
{
	char *save = NULL;

	for (unsigned rcode = SW_DNS_FORMERR; rcode <= SW_DNS_REFUSED; rcode++) {
		if (!strcmp(sw_dns_rcode_name((uint8_t)rcode), text)) {
			message.rcode = (uint8_t)rcode;
			return true;
		}
	}
	message.truncated = !strcmp(text, "cut");
	if (message.truncated || !strcmp(text, "none"))
		return true;
	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		struct sw_dns_answer *answer = &message.answers[message.answer_count];

		if (message.answer_count == SW_DNS_ANSWERS || !sw_ip_parse(word, &answer->ip))
			return false;
		answer->type = answer->ip.family == 4 ? SW_DNS_A : SW_DNS_AAAA;
		message.answer_total = ++message.answer_count;
	}
	return true;
}

static int dns_parse(struct sw_packet *packet, char **words, size_t count, struct sw_err *err)
{
	bool response = count && !strcmp(words[0], "answer");

	memset(&message, 0, sizeof message);
	if (count < (response ? 5u : 4u) || !(message.type = type_of(words[2])))
		return sw_err_set(err, -EINVAL, "pkt: expected dns query|answer ID TYPE NAME [WHAT]");
	message.response = response;
	message.id = (uint16_t)strtoul(words[1], NULL, 0);
	snprintf(message.name, sizeof message.name, "%s", words[3]);
	if (response && !answer_parse(words[4]))
		return sw_err_set(err, -EINVAL, "pkt: %s is no answer", words[4]);
	packet->dns = &message;
	return 0;
}

static uint16_t version_of(const char *text)
{
	return text && !strncmp(text, "1.", 2) ? (uint16_t)(0x301 + atoi(text + 2)) : 0x303;
}

static void hello_take(struct sw_tls_record *record, struct sw_tls_hello *hello, uint8_t type, const char *version,
		       const char *name)
{
	record->content = SW_TLS_HANDSHAKE;
	record->messages[record->message_count++] = type;
	hello->present = true;
	hello->version = version_of(version);
	if (name)
		snprintf(hello->name, sizeof hello->name, "%s", name);
}

static void alert_take(struct sw_tls_record *record, const char *level, const char *number)
{
	record->content = SW_TLS_ALERT;
	record->encrypted = level && !strcmp(level, "hidden");
	record->length = record->encrypted ? 26 : 2;
	if (record->encrypted || !level)
		return;
	record->alert_level = !strcmp(level, "warning") ? 1 : 2;
	record->alert = number ? (uint8_t)atoi(number) : 40;
}

static void certificate_take(struct sw_tls_record *record, const char *subject, const char *issuer, const char *until)
{
	struct sw_tls_certificate *certificate = &records.certificate;

	record->content = SW_TLS_HANDSHAKE;
	record->messages[record->message_count++] = SW_TLS_CERTIFICATE;
	certificate->present = true;
	snprintf(certificate->subject, sizeof certificate->subject, "%s", subject);
	snprintf(certificate->issuer, sizeof certificate->issuer, "%s", issuer);
	certificate->self_signed = !strcmp(subject, issuer);
	certificate->until_s = until ? atoll(until) : INT64_C(4102444800);
}

static int record_take(char *word, struct sw_err *err)
{
	struct sw_tls_record *record = &records.records[records.record_count];
	char *save = NULL, *kind = strtok_r(word, ":", &save), *first = strtok_r(NULL, ":", &save),
	     *second = strtok_r(NULL, ":", &save), *third = strtok_r(NULL, ":", &save);

	if (!kind || records.record_count == SW_TLS_RECORDS)
		return sw_err_set(err, -EINVAL, "pkt: too many TLS records");
	*record = (struct sw_tls_record){.version = 0x303, .length = 100, .begins = true, .ends = true};
	records.record_count++;
	if (!strcmp(kind, "client-hello")) {
		hello_take(record, &records.client, SW_TLS_CLIENT_HELLO, first, second);
	} else if (!strcmp(kind, "server-hello")) {
		hello_take(record, &records.server, SW_TLS_SERVER_HELLO, first, NULL);
	} else if (!strcmp(kind, "certificate") && first && second) {
		certificate_take(record, first, second, third);
	} else if (!strcmp(kind, "alert")) {
		alert_take(record, first, second);
	} else if (!strcmp(kind, "data")) {
		record->content = SW_TLS_APPLICATION;
		record->length = first ? (uint16_t)atoi(first) : 100;
	} else {
		return sw_err_set(err, -EINVAL, "pkt: %s is no TLS record", kind);
	}
	return 0;
}

/* waits, head, asks, events, chunked, last, open, answer:BODY (behind a head of 100 bytes) */
static int says_parse(struct sw_packet *packet, const char *word, struct sw_err *err)
{
	static const char *const kinds[] = {
		[SW_SPEECH_WAITS] = "waits",      [SW_SPEECH_HEAD] = "head",       [SW_SPEECH_ENDLESS] = "events",
		[SW_SPEECH_CHUNKED] = "chunked",  [SW_SPEECH_LAST] = "last",       [SW_SPEECH_ASKS] = "asks",
		[SW_SPEECH_UPGRADE] = "starttls", [SW_SPEECH_REFUSES] = "refuses",
	};

	if (!strncmp(word, "answer:", 7)) {
		packet->speech = (struct sw_speech){
			.kind = SW_SPEECH_ANSWER, .head = 100, .length = 100 + strtoll(word + 7, NULL, 10)};
		return 0;
	}
	if (!strcmp(word, "open")) {
		packet->speech.tail = 0x8000; /* whatever came before: no empty line */
		return 0;
	}
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
		if (kinds[kind] && !strcmp(kinds[kind], word)) {
			packet->speech.kind = kind;
			return 0;
		}
	return sw_err_set(err, -EINVAL, "pkt: nobody says %s", word);
}

int sw_case_application(struct sw_packet *packet, char **words, size_t count, struct sw_err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], "dns"))
			return dns_parse(packet, words + i + 1, count - i - 1, err);
		if (!strcmp(words[i], "says") && i + 1 < count)
			return says_parse(packet, words[i + 1], err);
		if (strcmp(words[i], "tls"))
			continue;
		memset(&records, 0, sizeof records);
		for (i++; i < count; i++)
			if (record_take(words[i], err) < 0)
				return -EINVAL;
		packet->tls = &records;
	}
	return 0;
}
