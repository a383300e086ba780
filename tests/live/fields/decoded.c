/* What is decoded of DNS and TLS in a capture file, a line each, for compare.py to hold against tshark.
 *
 * Enters: capture files. Leaves on standard output: "FROM > TO what fields", tab separated, in the order of the packets. */
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "capture/application.h"
#include "capture/dns.h"
#include "capture/file.h"
#include "capture/tls.h"

static void say_ends(const struct sw_packet *packet)
{
	char from[SW_ADDR_TEXT], to[SW_ADDR_TEXT];

	printf("%s > %s\t", sw_endpoint_text(&packet->src, from), sw_endpoint_text(&packet->dst, to));
}

static void say_dns(const struct sw_packet *packet, const struct sw_dns *dns)
{
	char ip[SW_ADDR_TEXT];

	say_ends(packet);
	printf("dns\tid=%u response=%d opcode=%u rcode=%u cut=%d type=%u name=%s total=%u", dns->id, dns->response,
	       dns->opcode, dns->rcode, dns->truncated, dns->type, dns->name, dns->answer_total);
	for (uint16_t i = 0; i < dns->answer_count; i++) {
		const struct sw_dns_answer *answer = &dns->answers[i];

		printf(" %u:%s:%u:%s", answer->type, answer->name, answer->ttl,
		       answer->ip.family ? sw_ip_text(&answer->ip, ip) : answer->target);
	}
	puts("");
}

static void say_hellos(const struct sw_packet *packet, const struct sw_tls *tls)
{
	if (tls->client.present) {
		say_ends(packet);
		printf("client-hello\tversion=0x%04x name=%s protocols=%s\n", tls->client.version, tls->client.name,
		       tls->client.protocols);
	}
	if (tls->server.present) {
		say_ends(packet);
		printf("server-hello\tversion=0x%04x cipher=0x%04x retry=%d\n", tls->server.version, tls->server.cipher,
		       tls->server.retry);
	}
	if (tls->certificate.present) {
		say_ends(packet);
		printf("certificate\tsubject=%s issuer=%s from=%lld until=%lld names=%s\n", tls->certificate.subject,
		       tls->certificate.issuer, (long long)tls->certificate.from_s, (long long)tls->certificate.until_s,
		       tls->certificate.names);
	}
}

static void say_alerts(const struct sw_packet *packet, const struct sw_tls *tls)
{
	for (uint8_t i = 0; i < tls->record_count; i++) {
		if (!tls->records[i].alert_level)
			continue;
		say_ends(packet);
		printf("alert\tlevel=%u number=%u\n", tls->records[i].alert_level, tls->records[i].alert);
	}
}

static int say_file(const char *path)
{
	struct sw_application *application = sw_application_new();
	struct sw_err err = {0};
	struct sw_capture_file *file = sw_capture_file_open(path, &err);
	struct sw_packet packet;
	int result;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		return 2;
	}
	while ((result = sw_capture_file_next(file, &packet, &err)) == 1) {
		sw_application_packet(application, &packet);
		for (const struct sw_dns *dns = packet.dns; dns; dns = dns->next)
			say_dns(&packet, dns);
		if (packet.tls) {
			say_hellos(&packet, packet.tls);
			say_alerts(&packet, packet.tls);
		}
	}
	sw_capture_file_close(file);
	sw_application_free(application);
	return result < 0 ? 2 : 0;
}

int main(int count, char **paths)
{
	int worst = 0;

	for (int i = 1; i < count; i++) {
		int result = say_file(paths[i]);

		worst = result > worst ? result : worst;
	}
	return worst;
}
