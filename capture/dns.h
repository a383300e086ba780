/* One DNS message as plain data. RFC 1035, 3596 (AAAA), 6891 (EDNS), 7766 (over TCP). */
#ifndef SW_CAPTURE_DNS_H
#define SW_CAPTURE_DNS_H

#include "src/base/addr.h"

#define SW_DNS_NAME 256
#define SW_DNS_ANSWERS 12 /* kept; `answer_total` says how many there were */
#define SW_DNS_PORT 53u

enum {
	SW_DNS_A = 1,
	SW_DNS_NS = 2,
	SW_DNS_CNAME = 5,
	SW_DNS_SOA = 6,
	SW_DNS_PTR = 12,
	SW_DNS_AAAA = 28,
	SW_DNS_OPT = 41
};
enum { SW_DNS_NOERROR, SW_DNS_FORMERR, SW_DNS_SERVFAIL, SW_DNS_NXDOMAIN, SW_DNS_NOTIMP, SW_DNS_REFUSED };

struct sw_dns_answer {
	char name[SW_DNS_NAME];
	char target[SW_DNS_NAME]; /* of CNAME, NS and PTR; else "" */
	struct sw_ip ip; /* of A and AAAA; else family 0 */
	uint16_t type;
	uint32_t ttl; /* seconds */
};

struct sw_dns {
	uint16_t id;
	bool response, truncated, recursion_available;
	uint8_t opcode, rcode;
	char name[SW_DNS_NAME]; /* of the question, without the last dot; odd bytes as \DDD; "." is the root */
	uint16_t type; /* of the question */
	uint16_t answer_total, answer_count;
	bool cut; /* not all was captured, or it is malformed behind what stands here */
	const struct sw_dns *next; /* a further message in the same segment (TCP); NULL */
	struct sw_dns_answer answers[SW_DNS_ANSWERS];
};

/* False: no DNS message. `wire`: bytes that the message had, `captured` of them are at `bytes`. */
bool sw_dns_decode(struct sw_dns *dns, const uint8_t *bytes, size_t captured, size_t wire);
const char *sw_dns_type_name(uint16_t type); /* "A"; "?" when unknown */
const char *sw_dns_rcode_name(uint8_t rcode); /* "NXDOMAIN" */

#endif
