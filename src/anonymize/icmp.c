/* ICMP and ICMPv6: the quoted packet has other addresses as the one that was sent, gateways and neighbours too.
 *
 * Enters: a message. Leaves: what is understood of it: the echo's payload, extensions behind a quote and options of router advertisements
 * are cut or emptied. RFC 792, 4443, 4861. */
#include <string.h>

#include "src/anonymize/internal.h"

enum { REDIRECT4 = 5, ROUTER_SOLICITATION = 133, ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT, REDIRECT6 };
enum { OPTION_SOURCE = 1, OPTION_TARGET = 2 };

static bool quotes(uint8_t type, bool v6)
{
	if (v6)
		return type >= 1 && type < 128;
	return type == 3 || type == 4 || type == REDIRECT4 || type == 11 || type == 12;
}

/* Link addresses are changed, everything else (prefixes, resolvers, search names) is emptied. */
static size_t options(struct sw_anonymizer *anonymizer, uint8_t *at, size_t captured)
{
	size_t used = 0;
	while (captured - used >= 8) {
		size_t length = at[used + 1] * 8u;
		if (!length || length > captured - used)
			break;
		if ((at[used] == OPTION_SOURCE || at[used] == OPTION_TARGET) && length == 8)
			sw_anonymizer_mac(anonymizer, at + used + 2);
		else
			memset(at + used + 2, 0, length - 2);
		used += length;
	}
	memset(at + used, 0, captured - used); /* cut by the snap length, or damaged */
	return captured;
}

static size_t discovery(struct sw_anonymizer *anonymizer, uint8_t *message, size_t captured)
{
	size_t addresses = message[0] == REDIRECT6                                   ? 2 :
			   message[0] == SOLICITATION || message[0] == ADVERTISEMENT ? 1 :
										       0;
	size_t at = message[0] == ROUTER_ADVERTISEMENT ? 16 : 8;
	if (captured < at + addresses * 16)
		return 8;
	for (; addresses; addresses--, at += 16)
		sw_anonymizer_bytes16(anonymizer, message + at);
	return at + options(anonymizer, message + at, captured - at);
}

size_t sw_anonymizer_icmp(struct sw_anonymizer *anonymizer, uint8_t *message, size_t captured, bool v6, bool quoted)
{
	if (captured < 8)
		return captured;
	uint8_t type = message[0];
	if (quoted)
		return 8;
	if (!v6 && type == REDIRECT4)
		sw_anonymizer_bytes4(anonymizer, message + 4);
	if (quotes(type, v6))
		return 8 + sw_anonymizer_inner(anonymizer, message + 8, captured - 8);
	return v6 && type >= ROUTER_SOLICITATION && type <= REDIRECT6 ? discovery(anonymizer, message, captured) : 8;
}
