/* Fuzz target: TLS records, hellos and certificates. The first byte cuts the stream into segments; whole and in pieces the same bytes
 * must not read anything that is not there. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "capture/tls.h"
#include "capture/tls_certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sw_tls *tls)
{
	assert(tls->record_count <= SW_TLS_RECORDS);
	for (uint8_t i = 0; i < tls->record_count; i++)
		assert(tls->records[i].message_count <= SW_TLS_MESSAGES);
	assert(strlen(tls->client.name) < sizeof tls->client.name);
	assert(strlen(tls->server.protocols) < sizeof tls->server.protocols);
	assert(strlen(tls->certificate.names) < sizeof tls->certificate.names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sw_tls_stream stream;
	struct sw_tls_certificate certificate;
	struct sw_tls tls;
	size_t step = size ? data[0] % 97 + 1u : 1;
	uint32_t seq = 1;

	if (!size)
		return 0;
	stream = (struct sw_tls_stream){0};
	sw_tls_start(&stream);
	for (size_t at = 1; at < size; at += step, seq += (uint32_t)step) {
		size_t wire = size - at < step ? size - at : step,
		       captured = data[0] & 0x80 && wire > 3 ? wire - 3 : wire;

		if (sw_tls_feed(&stream, seq, data + at, captured, wire, &tls))
			check(&tls);
	}
	sw_tls_certificate(&certificate, data, size);
	if (certificate.present)
		(void)sw_tls_certificate_covers(&certificate, "www.shop.example");
	return 0;
}
