/* Fuzz target: the DNS decoder alone, whole messages and ones cut by a snap length. The first byte says how much more the
 * message had. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "capture/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sw_dns dns;

	if (!size)
		return 0;
	if (!sw_dns_decode(&dns, data + 1, size - 1, size - 1 + data[0]))
		return 0;
	assert(strlen(dns.name) < sizeof dns.name);
	assert(dns.answer_count <= SW_DNS_ANSWERS && dns.answer_count <= dns.answer_total);
	for (uint16_t i = 0; i < dns.answer_count; i++) {
		assert(strlen(dns.answers[i].name) < SW_DNS_NAME && strlen(dns.answers[i].target) < SW_DNS_NAME);
		assert(dns.answers[i].ip.family == 0 || dns.answers[i].ip.family == 4 || dns.answers[i].ip.family == 6);
	}
	return 0;
}
